//! Stand-ins for tests of the sink: a mock cluster, a group that says what it is told to, a reader.
//!
//! The mock cluster knows requests and errors. It ignores the outcome of transactions and stores none of
//! their offsets, so what was committed is what the test says; the real broker is for proofs.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerGroupMetadata};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::{Offset, TopicPartitionList};

use super::{CommitSettings, Group};
use crate::kafka::{Cluster, KafkaFault, client};
use crate::model::live::{Connection, Delivery, DeliverySettings};
use crate::model::stream::{Epoch, Record, TopicPartition};

pub(super) type Mock = MockCluster<'static, DefaultProducerContext>;

/// A cluster of two brokers with topics `events`, `findings`, `journal`.
pub(super) fn cluster() -> Mock {
    // Shown where a test fails. Another test may have set it up before.
    let _ = tracing_subscriber::fmt().with_test_writer().try_init();
    let mock = MockCluster::new(2).expect("a mock cluster");
    for topic in ["events", "findings", "journal"] {
        mock.create_topic(topic, 1, 1).expect("created");
    }
    mock
}

pub(super) fn settings(mock: &Mock, mode: Delivery) -> CommitSettings {
    let connection = Connection { brokers: mock.bootstrap_servers(), ..Connection::default() };
    CommitSettings {
        connection,
        group: "g".into(),
        transactional_id: "p.g".into(),
        delivery: DeliverySettings { mode, commit_us: 250_000, transaction_timeout_us: 6_000_000 },
    }
}

/// The one input partition.
pub(super) fn events() -> TopicPartition {
    TopicPartition { topic: "events".into(), partition: 0 }
}

/// An epoch of one decision and one finding, up to an offset.
pub(super) fn epoch(number: u64, next: i64) -> Epoch {
    let record = |topic: &str| Record {
        topic: topic.into(),
        key: Some(b"key".to_vec()),
        payload: Some(format!("{topic} {number}").into_bytes()),
        headers: vec![("number".into(), number.to_string().into_bytes())],
    };
    Epoch {
        number,
        journal: vec![record("journal")],
        records: vec![record("findings")],
        offsets: vec![(events(), next)],
    }
}

/// All values of a topic, committed or not.
pub(super) fn values(settings: &CommitSettings, topic: &str) -> Vec<String> {
    let cluster = Cluster::connect(&settings.connection, "reader").expect("a handle");
    let mut values = Vec::new();
    let mut each = |_: &[u8], value: Option<&[u8]>| {
        values.push(String::from_utf8_lossy(value.unwrap_or_default()).into_owned());
    };
    cluster.read_all(topic, &mut each).expect("read");
    values
}

/// Waits until something is so.
pub(super) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A group of one who never joined: the mock lets it commit all the same.
pub(super) struct StandIn {
    consumer: BaseConsumer,
    pub(super) is_member: AtomicBool,
    pub(super) faults: Mutex<VecDeque<KafkaFault>>,
    pub(super) commits: Mutex<Vec<i64>>,
}

impl StandIn {
    pub(super) fn new(settings: &CommitSettings) -> Arc<Self> {
        let mut config = client::config(&settings.connection, "test");
        config.set("group.id", &settings.group).set("enable.auto.commit", "false");
        Arc::new(Self {
            consumer: config.create().expect("a consumer"),
            is_member: AtomicBool::new(true),
            faults: Mutex::default(),
            commits: Mutex::default(),
        })
    }

    /// Commits as the broker would at the end of a transaction.
    pub(super) fn write(&self, next: i64, mark: &str) {
        let mut list = TopicPartitionList::new();
        let mut element = list.add_partition("events", 0);
        element.set_offset(Offset::Offset(next)).expect("an offset");
        element.set_metadata(mark);
        self.consumer.commit(&list, CommitMode::Sync).expect("committed");
    }
}

impl Group for StandIn {
    fn metadata(&self) -> Option<ConsumerGroupMetadata> {
        let metadata = self.consumer.group_metadata();
        metadata.filter(|_| self.is_member.load(Ordering::SeqCst))
    }

    fn commit(&self, offsets: &[(TopicPartition, i64)]) -> Result<(), KafkaFault> {
        if let Some(fault) = self.faults.lock().expect("no panic").pop_front() {
            return Err(fault);
        }
        let mut commits = self.commits.lock().expect("no panic");
        commits.extend(offsets.iter().map(|(_, next)| *next));
        Ok(())
    }
}
