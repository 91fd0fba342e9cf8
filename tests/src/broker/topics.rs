//! Topics, their ends and the offsets that groups committed.

use std::time::{Duration, Instant};

use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, NewPartitions, NewTopic, ResourceSpecifier,
    TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::Broker;

/// The longest that a call to a broker that runs may take.
pub(super) const CALL: Duration = Duration::from_secs(20);

impl Broker {
    /// Makes a topic with a name of its own and returns the name.
    ///
    /// # Panics
    /// Where the broker refuses.
    pub fn topic(&self, prefix: &str, partitions: i32, config: &[(&str, &str)]) -> String {
        let name = unique(prefix);
        self.topic_named(&name, partitions, config);
        name
    }

    /// Makes a topic of this very name.
    ///
    /// # Panics
    /// Where the broker refuses.
    pub fn topic_named(&self, name: &str, partitions: i32, config: &[(&str, &str)]) {
        let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
        for (name, value) in config {
            topic = topic.set(name, value);
        }
        let made = run(self.admin().create_topics([&topic], &options()));
        let made = made.expect("the broker answers").remove(0);
        made.unwrap_or_else(|(topic, why)| panic!("topic {topic} cannot be made: {why}"));
    }

    /// Removes a topic.
    ///
    /// # Panics
    /// Where the broker refuses.
    pub fn remove_topic(&self, name: &str) {
        let removed = run(self.admin().delete_topics(&[name], &options()));
        let removed = removed.expect("the broker answers").remove(0);
        removed.unwrap_or_else(|(topic, why)| panic!("topic {topic} cannot be removed: {why}"));
    }

    /// Gives a topic more partitions, `count` in all.
    ///
    /// # Panics
    /// Where the broker refuses.
    pub fn widen(&self, topic: &str, count: usize) {
        let wider = NewPartitions::new(topic, count);
        let made = run(self.admin().create_partitions([&wider], &options()));
        let made = made.expect("the broker answers").remove(0);
        made.unwrap_or_else(|(topic, why)| panic!("topic {topic} cannot grow: {why}"));
    }

    /// Sets configs of a topic; all others fall back to the broker's.
    ///
    /// # Panics
    /// Where the broker refuses.
    pub fn configure(&self, topic: &str, config: &[(&str, &str)]) {
        let mut alter = AlterConfig::new(ResourceSpecifier::Topic(topic));
        for (name, value) in config {
            alter = alter.set(name, value);
        }
        let done = run(self.admin().alter_configs([&alter], &options()));
        let done = done.expect("the broker answers").remove(0);
        done.unwrap_or_else(|(_, why)| panic!("topic {topic} cannot be configured: {why}"));
    }

    /// Drops the records of a partition before an offset, as retention does.
    ///
    /// # Panics
    /// Where the broker refuses.
    pub fn drop_before(&self, topic: &str, partition: i32, offset: i64) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(offset))
            .expect("an offset from 0");
        run(self.admin().delete_records(&list, &options())).expect("the broker drops records");
    }

    /// The end of each partition, transaction markers counted.
    ///
    /// # Panics
    /// Where the broker does not answer.
    pub fn ends(&self, topic: &str) -> Vec<i64> {
        let consumer = self.consumer("ends", &[]);
        let ends = self.partitions(&consumer, topic).into_iter().map(|partition| {
            consumer.fetch_watermarks(topic, partition, CALL).expect("the broker answers").1
        });
        ends.collect()
    }

    /// What the group committed for each partition, once open transactions have ended.
    ///
    /// # Panics
    /// Where the broker does not answer.
    pub fn committed(&self, group: &str, topic: &str) -> Vec<Option<i64>> {
        let consumer = self.consumer(group, &[("isolation.level", "read_committed")]);
        let partitions = self.partitions(&consumer, topic);
        let mut list = TopicPartitionList::new();
        for &partition in &partitions {
            list.add_partition(topic, partition);
        }
        // A broker that has just begun finds its coordinators only when they are asked for.
        let begun = Instant::now();
        let list = loop {
            match consumer.committed_offsets(list.clone(), CALL) {
                Ok(list) => break list,
                Err(error) => {
                    assert!(begun.elapsed() < CALL, "the broker does not answer: {error}")
                }
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        let offset = |partition: &i32| match list.find_partition(topic, *partition)?.offset() {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        };
        partitions.iter().map(offset).collect()
    }

    /// A consumer that belongs to no group's members.
    pub(super) fn consumer(&self, group: &str, properties: &[(&str, &str)]) -> BaseConsumer {
        let mut config = self.client();
        config.set("group.id", group).set("enable.auto.commit", "false");
        for (name, value) in properties {
            config.set(*name, *value);
        }
        config.create().expect("a consumer can be made")
    }

    pub(super) fn partitions(&self, consumer: &BaseConsumer, topic: &str) -> Vec<i32> {
        let metadata = consumer.fetch_metadata(Some(topic), CALL).expect("the broker answers");
        let mut partitions: Vec<i32> =
            metadata.topics()[0].partitions().iter().map(|partition| partition.id()).collect();
        assert!(!partitions.is_empty(), "topic {topic} does not exist");
        partitions.sort_unstable();
        partitions
    }

    pub(super) fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.bootstrap()).set("client.id", "driftline-tests");
        config
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.client().create().expect("an admin client can be made")
    }
}

/// A name that nobody else has, on a broker that stays from run to run too.
pub fn unique(prefix: &str) -> String {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let second = now.map_or(0, |since| since.as_secs());
    format!("{prefix}-{second:x}-{:x}-{number}", std::process::id())
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(CALL)).operation_timeout(Some(CALL))
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime of one thread").block_on(work)
}
