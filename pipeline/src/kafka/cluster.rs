//! Questions to a cluster: partitions, offsets, what a group has committed, a small topic as a whole.
//!
//! Not here: fetching events, group membership. Reads are `read_committed`. Each question is asked again,
//! with growing patience, until it is answered, refused for good, or the deadline has passed.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::metadata::MetadataTopic;
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use regex::RegexSet;

use super::client::{self, Context};
use super::fault::{Doing, KafkaFault};
use crate::model::live::Connection;
use crate::model::stream::TopicPartition;

/// A question is given up after this long.
const DEADLINE: Duration = Duration::from_secs(30);
/// Patience with the first try and with any later one.
const TRY_FIRST: Duration = Duration::from_secs(2);
const TRY_MAX: Duration = Duration::from_secs(10);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(100);

/// Takes the key and the value of a record.
pub type EachRecord<'a> = dyn FnMut(&[u8], Option<&[u8]>) + 'a;

/// A handle for questions. It joins no group; `group` is whose offsets `committed` reads.
pub struct Cluster {
    consumer: BaseConsumer<Context>,
    connection: Connection,
    config: ClientConfig,
    group: String,
    deadline: Duration,
    /// One topic is read at a time: all messages come by one queue.
    reading: Mutex<()>,
}

impl Cluster {
    /// Makes the handle. It asks nothing yet, so an unreachable cluster is found out by the first question.
    ///
    /// # Errors
    /// Where librdkafka refuses a property.
    pub fn connect(connection: &Connection, group: &str) -> Result<Self, KafkaFault> {
        let context = Context::new("query", connection);
        let words = Context::new("query", connection);
        let mut config = client::config(connection, "query");
        config
            .set("group.id", group)
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "true")
            .set("auto.offset.reset", "error")
            .set("allow.auto.create.topics", "false");
        // Small topics are read to their end, so waiting for more to come is all that costs time.
        client::prefer(&mut config, connection, "fetch.wait.max.ms", "20");
        // Properties of a group's member: this handle is none.
        for name in ["group.instance.id", "group.protocol", "partition.assignment.strategy"] {
            config.remove(name);
        }
        let consumer: BaseConsumer<Context> = config
            .create_with_context(context)
            .map_err(|error| KafkaFault::of(&error, Doing::Connect, &words))?;
        Ok(Self {
            consumer,
            connection: connection.clone(),
            config,
            group: group.to_owned(),
            deadline: DEADLINE,
            reading: Mutex::new(()),
        })
    }

    /// The same with another deadline for each question.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Brokers of the cluster.
    ///
    /// # Errors
    /// Where none answers.
    pub fn brokers(&self) -> Result<usize, KafkaFault> {
        let metadata =
            self.ask(Doing::Connect, |patience| self.consumer.fetch_metadata(None, patience))?;
        Ok(metadata.brokers().len())
    }

    /// The partitions of topics, sorted. A topic is a name, or a regular expression that begins with `^`;
    /// internal topics (`__*`) match none.
    ///
    /// # Errors
    /// Where a plain name is unknown, a pattern is wrong, or the cluster does not answer.
    pub fn partitions(&self, topics: &[String]) -> Result<Vec<TopicPartition>, KafkaFault> {
        let (patterns, names): (Vec<&String>, Vec<&String>) =
            topics.iter().partition(|topic| topic.starts_with('^'));
        let mut found = Vec::new();
        for name in names {
            found.extend(self.partitions_of(name)?);
        }
        if !patterns.is_empty() {
            let set = RegexSet::new(&patterns).map_err(|error| KafkaFault::Pattern {
                pattern: patterns.iter().map(|p| p.as_str()).collect::<Vec<_>>().join(", "),
                detail: error.to_string(),
            })?;
            let metadata =
                self.ask(Doing::Connect, |patience| self.consumer.fetch_metadata(None, patience))?;
            let matching = |topic: &&MetadataTopic| {
                topic.error().is_none()
                    && !topic.name().starts_with("__")
                    && set.is_match(topic.name())
            };
            found.extend(metadata.topics().iter().filter(matching).flat_map(listed));
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    fn partitions_of(&self, topic: &str) -> Result<Vec<TopicPartition>, KafkaFault> {
        self.ask(Doing::Look(topic), |patience| {
            let metadata = self.consumer.fetch_metadata(Some(topic), patience)?;
            let found = metadata.topics().iter().find(|found| found.name() == topic);
            match found.map(|found| (found.error(), listed(found))) {
                Some((Some(error), _)) => Err(KafkaError::MetadataFetch(error.into())),
                Some((None, partitions)) if !partitions.is_empty() => Ok(partitions),
                _ => Err(KafkaError::MetadataFetch(RDKafkaErrorCode::UnknownTopicOrPartition)),
            }
        })
    }

    /// The first offset that is kept, and the end: the offset after the last record that may be read.
    ///
    /// # Errors
    /// Where the cluster does not answer or refuses.
    pub fn span(&self, of: &TopicPartition) -> Result<(i64, i64), KafkaFault> {
        self.ask(Doing::Look(&of.topic), |patience| {
            self.consumer.fetch_watermarks(&of.topic, of.partition, patience)
        })
    }

    /// For each partition its first offset of this broker time (microseconds) or later; its end where
    /// there is none.
    ///
    /// # Errors
    /// Where the cluster does not answer or refuses.
    pub fn at_time(&self, of: &[TopicPartition], time_us: i64) -> Result<Vec<i64>, KafkaFault> {
        let Some(first) = of.first() else { return Ok(Vec::new()) };
        // Brokers know milliseconds: the first one that is not before the time.
        let time_ms = time_us.div_euclid(1000) + i64::from(time_us.rem_euclid(1000) > 0);
        let offsets = self.ask(Doing::Look(&first.topic), |patience| {
            let times = list(of, |_| Offset::Offset(time_ms))?;
            each(self.consumer.offsets_for_times(times, patience)?, of, |found| found.offset())
        })?;
        of.iter()
            .zip(offsets)
            .map(|(of, offset)| match offset {
                Offset::Offset(offset) => Ok(offset),
                _ => self.span(of).map(|(_, end)| end),
            })
            .collect()
    }

    /// What the group has committed, transactions that are under way waited for.
    ///
    /// # Errors
    /// Where the cluster does not answer or refuses.
    pub fn committed(&self, of: &[TopicPartition]) -> Result<Vec<Option<i64>>, KafkaFault> {
        let marks = self.committed_marks(of)?;
        Ok(marks.into_iter().map(|mark| mark.map(|(offset, _)| offset)).collect())
    }

    /// The same with the metadata that was committed with each offset.
    ///
    /// # Errors
    /// Where the cluster does not answer or refuses.
    pub fn committed_marks(
        &self,
        of: &[TopicPartition],
    ) -> Result<Vec<Option<(i64, String)>>, KafkaFault> {
        if of.is_empty() {
            return Ok(Vec::new());
        }
        let marks = self.ask(Doing::Group(&self.group), |patience| {
            let asked = list(of, |_| Offset::Invalid)?;
            each(self.consumer.committed_offsets(asked, patience)?, of, |found| {
                match found.offset() {
                    Offset::Offset(offset) => Some((offset, found.metadata().to_owned())),
                    _ => None,
                }
            })
        });
        match marks {
            Err(KafkaFault::TimedOut { .. }) if self.is_unsettled(of) => {
                Err(KafkaFault::Unsettled { group: self.group.clone() })
            }
            marks => marks,
        }
    }

    /// Whether the cluster answers one who does not care for open transactions.
    fn is_unsettled(&self, of: &[TopicPartition]) -> bool {
        let mut config = self.config.clone();
        config.set("isolation.level", "read_uncommitted");
        let context = Context::new("query", &self.connection);
        let careless: KafkaResult<BaseConsumer<Context>> = config.create_with_context(context);
        careless
            .and_then(|careless| {
                careless.poll(Duration::ZERO);
                careless.committed_offsets(list(of, |_| Offset::Invalid)?, TRY_MAX)
            })
            .is_ok()
    }

    /// Reads a whole topic, up to its end now: partition after partition, in their order. Returns the
    /// number of records.
    ///
    /// # Errors
    /// Where the cluster refuses, or nothing comes for the length of the deadline.
    pub fn read_all(&self, topic: &str, each: &mut EachRecord<'_>) -> Result<u64, KafkaFault> {
        let _reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let doing = Doing::Read(topic);
        let fault = |error| KafkaFault::of(&error, doing, self.consumer.context());
        let mut records = 0;
        for partition in self.partitions_of(topic)? {
            let from = list(std::slice::from_ref(&partition), |_| Offset::Beginning);
            from.and_then(|from| self.consumer.assign(&from)).map_err(fault)?;
            let read = self.read_to_end(doing, each);
            self.consumer.unassign().map_err(fault)?;
            records += read?;
        }
        Ok(records)
    }

    fn read_to_end(&self, doing: Doing<'_>, each: &mut EachRecord<'_>) -> Result<u64, KafkaFault> {
        let mut records = 0;
        let mut heard = Instant::now();
        loop {
            match self.consumer.poll(PAUSE) {
                Some(Ok(message)) => {
                    heard = Instant::now();
                    records += 1;
                    each(message.key().unwrap_or_default(), message.payload());
                }
                Some(Err(KafkaError::PartitionEOF(_))) => {
                    self.consumer.context().forget();
                    return Ok(records);
                }
                Some(Err(error)) => {
                    let fault = KafkaFault::of(&error, doing, self.consumer.context());
                    if !fault.is_passing() || heard.elapsed() > self.deadline {
                        return Err(fault);
                    }
                }
                None if heard.elapsed() > self.deadline => {
                    let error = KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut);
                    return Err(KafkaFault::of(&error, doing, self.consumer.context()));
                }
                None => {}
            }
        }
    }

    /// Asks until there is an answer, a refusal that no waiting mends, or the deadline.
    fn ask<T>(
        &self,
        doing: Doing<'_>,
        question: impl Fn(Duration) -> KafkaResult<T>,
    ) -> Result<T, KafkaFault> {
        let begun = Instant::now();
        let mut patience = TRY_FIRST;
        loop {
            self.serve();
            let left = self.deadline.saturating_sub(begun.elapsed());
            match question(patience.min(left).max(PAUSE)) {
                Ok(answer) => {
                    self.consumer.context().forget();
                    return Ok(answer);
                }
                Err(error) => {
                    // What the client told by itself meanwhile is the reason.
                    self.serve();
                    let fault = KafkaFault::of(&error, doing, self.consumer.context());
                    if !fault.is_passing() || begun.elapsed() >= self.deadline {
                        return Err(fault);
                    }
                }
            }
            thread::sleep(PAUSE);
            patience = (patience * 2).min(TRY_MAX);
        }
    }

    /// Lets logs, errors and token refreshes through: they come by the queue of messages. While a topic
    /// is read its reader does that.
    fn serve(&self) {
        let Ok(_reading) = self.reading.try_lock() else { return };
        for _ in 0..EVENTS_MAX {
            // None says nothing: it is the answer to an event that was served, too.
            let _ = self.consumer.poll(Duration::ZERO);
        }
    }
}

/// Events that are served at once.
const EVENTS_MAX: usize = 100;

fn listed(topic: &MetadataTopic) -> Vec<TopicPartition> {
    let name: std::sync::Arc<str> = topic.name().into();
    let partition = |number| TopicPartition { topic: name.clone(), partition: number };
    topic.partitions().iter().map(|found| partition(found.id())).collect()
}

/// A list of librdkafka's.
pub(super) fn list(
    of: &[TopicPartition],
    offset: impl Fn(usize) -> Offset,
) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::with_capacity(of.len());
    for (at, of) in of.iter().enumerate() {
        list.add_partition_offset(&of.topic, of.partition, offset(at))?;
    }
    Ok(list)
}

/// What the answer says of each partition that was asked for.
fn each<T>(
    answer: TopicPartitionList,
    of: &[TopicPartition],
    take: impl Fn(&TopicPartitionListElem<'_>) -> T,
) -> KafkaResult<Vec<T>> {
    of.iter()
        .map(|of| {
            let unknown = KafkaError::OffsetFetch(RDKafkaErrorCode::UnknownPartition);
            let found = answer.find_partition(&of.topic, of.partition).ok_or(unknown)?;
            found.error().map(|()| take(&found))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use rdkafka::consumer::CommitMode;
    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

    use super::*;
    use crate::model::Secret;

    fn connection(mock: &MockCluster<'_, impl rdkafka::ClientContext>) -> Connection {
        Connection { brokers: mock.bootstrap_servers(), ..Connection::default() }
    }

    fn of(topic: &str, partition: i32) -> TopicPartition {
        TopicPartition { topic: topic.into(), partition }
    }

    #[test]
    fn partitions_are_found_by_name_and_by_pattern() {
        let mock = MockCluster::new(1).expect("a mock cluster");
        for (topic, partitions) in [("events-eu", 2), ("events-us", 1), ("other", 1)] {
            mock.create_topic(topic, partitions, 1).expect("created");
        }
        let cluster = Cluster::connect(&connection(&mock), "g").expect("a handle");
        let found = cluster.partitions(&["^events-.*".into(), "other".into()]).expect("found");
        let expected = [of("events-eu", 0), of("events-eu", 1), of("events-us", 0), of("other", 0)];
        assert_eq!(found, expected);
        assert_eq!(cluster.partitions(&["^nothing$".into()]).expect("none"), []);
        let fault = cluster.partitions(&["^(".into()]).expect_err("no pattern");
        assert!(matches!(fault, KafkaFault::Pattern { .. }), "{fault}");
    }

    #[test]
    fn a_topic_is_read_to_its_end_and_offsets_are_told() {
        let mock = MockCluster::new(1).expect("a mock cluster");
        mock.create_topic("journal", 1, 1).expect("created");
        let connection = connection(&mock);
        let producer: BaseProducer =
            client::config(&connection, "test").create().expect("a producer");
        for (key, value) in [("a", Some("1")), ("b", None), ("a", Some("2"))] {
            let mut record = BaseRecord::<str, str>::to("journal").key(key);
            record.payload = value;
            producer.send(record).map_err(|(error, _)| error).expect("queued");
        }
        producer.flush(Duration::from_secs(10)).expect("written");

        let cluster = Cluster::connect(&connection, "g").expect("a handle");
        for _ in 0..2 {
            let mut read = Vec::new();
            let mut each = |key: &[u8], value: Option<&[u8]>| {
                read.push((key.to_vec(), value.map(<[u8]>::to_vec)));
            };
            assert_eq!(cluster.read_all("journal", &mut each).expect("read"), 3);
            let expected = [("a", Some("1")), ("b", None), ("a", Some("2"))]
                .map(|(key, value)| (key.into(), value.map(|value| value.as_bytes().to_vec())));
            assert_eq!(read, expected);
        }
        let journal = of("journal", 0);
        assert_eq!(cluster.span(&journal).expect("a span"), (0, 3));
        assert_eq!(cluster.committed(std::slice::from_ref(&journal)).expect("asked"), [None]);
        let offsets = list(std::slice::from_ref(&journal), |_| Offset::Offset(2)).expect("a list");
        cluster.consumer.commit(&offsets, CommitMode::Sync).expect("committed");
        assert_eq!(cluster.committed(&[journal]).expect("asked"), [Some(2)]);
    }

    #[test]
    fn an_unreachable_cluster_is_told_by_its_cause_within_the_deadline() {
        let mut connection = Connection { brokers: "127.0.0.1:1".into(), ..Connection::default() };
        connection.properties.insert("socket.timeout.ms".into(), Secret::new("1000"));
        let cluster = Cluster::connect(&connection, "g").expect("a handle");
        let cluster = cluster.with_deadline(Duration::from_secs(1));
        let begun = Instant::now();
        let fault = cluster.partitions(&["events".into()]).expect_err("nobody is there");
        assert!(matches!(fault, KafkaFault::Unreachable { .. }), "{fault}");
        assert!(fault.to_string().contains("looking up topic events"), "{fault}");
        assert!(begun.elapsed() < Duration::from_secs(20), "took {:?}", begun.elapsed());
    }
}
