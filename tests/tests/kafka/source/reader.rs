//! What the tests of fetching share: events with numbers, a fetch thread, and what came of them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};
use driftline::codec::Codecs;
use driftline::model::live::Connection;
use driftline::model::stream::{Fetched, TopicPartition};
use driftline::model::{
    Column, FieldPath, Kind, Layout, Limits, MetricField, Secret, TimeField, TimeFormat,
};
use driftline::source::kafka::{FetchSettings, FetchStatus, Fetcher, Order};
use driftline_tests::broker::Sent;

/// Nothing here takes longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An event with a number.
pub(crate) fn event(number: usize) -> String {
    format!(r#"{{"ts":1704164645,"model":"m","latency":{number}}}"#)
}

/// Events with these numbers, for one partition.
pub(crate) fn events(
    partition: i32,
    numbers: std::ops::Range<usize>,
) -> impl Iterator<Item = Sent> {
    numbers.map(move |number| Sent {
        partition,
        key: Some(number.to_string().into()),
        value: Some(event(number).into()),
        timestamp_ms: None,
    })
}

/// A connection with properties.
pub(crate) fn connection(brokers: &str, properties: &[(&str, &str)]) -> Connection {
    let properties =
        properties.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value)));
    Connection { brokers: brokers.to_owned(), properties: properties.collect(), oauth_token: None }
}

/// One partition by name.
pub(crate) fn of(topic: &str, partition: i32) -> TopicPartition {
    TopicPartition { topic: topic.into(), partition }
}

/// A fetch thread and what it hands on.
pub(crate) struct Reader {
    fetcher: Fetcher,
    batches: Receiver<Fetched>,
    /// Everything so far.
    pub(crate) found: Vec<Fetched>,
}

impl Reader {
    pub(crate) fn new(connection: Connection) -> Self {
        Self::with_memory(connection, 16 << 20)
    }

    pub(crate) fn with_memory(connection: Connection, memory_bytes: usize) -> Self {
        let path = |path: &str| FieldPath(path.into());
        let layout = Layout {
            model_default: None,
            time: TimeField { path: path("ts"), format: TimeFormat::Auto },
            keys: vec![path("model")],
            id: None,
            metrics: vec![MetricField {
                name: "latency".into(),
                path: path("latency"),
                kind: Kind::Number,
            }],
        };
        let settings = FetchSettings {
            connection,
            group: "readers".into(),
            codec: Codecs::built_in().for_messages("json").expect("a format of messages"),
            layout,
            limits: Limits::default(),
            not_before_us: 0,
            max_future_us: 60_000_000,
            memory_bytes,
        };
        let (out, batches) = bounded(8);
        let fetcher = Fetcher::spawn(0, settings, out).expect("a fetcher");
        Self { fetcher, batches, found: Vec::new() }
    }

    /// Reads a partition from an offset.
    pub(crate) fn take(&self, topic: &str, partition: u32, offset: i64, cuts: &[i64]) {
        self.fetcher.order(Order::Take {
            assignment: 1,
            partition,
            of: of(topic, i32::try_from(partition).expect("a small number")),
            offset,
            cuts: cuts.to_vec(),
        });
    }

    pub(crate) fn status(&self) -> FetchStatus {
        self.fetcher.status()
    }

    /// Takes batches until what was found is enough.
    pub(crate) fn until(&mut self, what: &str, enough: impl Fn(&[Fetched]) -> bool) {
        let begun = Instant::now();
        while !enough(&self.found) {
            let left = PATIENCE.checked_sub(begun.elapsed());
            let left = left.unwrap_or_else(|| panic!("{what}: not in time, {:?}", self.status()));
            self.found.extend(self.batches.recv_timeout(left.min(Duration::from_millis(100))));
        }
    }

    /// Takes batches until so many partitions are at their end.
    pub(crate) fn read_to_end(&mut self, partitions: usize) {
        self.until("the end", |found| {
            let ends: BTreeMap<u32, bool> = found.iter().map(|f| (f.partition, f.at_end)).collect();
            ends.values().filter(|at_end| **at_end).count() == partitions
        });
    }

    /// Whether nothing comes for a while.
    pub(crate) fn is_quiet(&self, during: Duration) -> bool {
        self.batches.recv_timeout(during).is_err()
    }

    /// All numbers of a partition, in order; batches must follow each other.
    pub(crate) fn numbers(&self, partition: u32) -> Vec<usize> {
        let mut next = 0;
        let mut numbers = Vec::new();
        for fetched in self.found.iter().filter(|fetched| fetched.partition == partition) {
            assert!(fetched.first >= next && fetched.next >= fetched.first, "{fetched:?}");
            next = fetched.next;
            let Some(Column::Number(values)) = fetched.batch.metrics.first() else { continue };
            numbers.extend(values.values().iter().map(|&value| value as usize));
        }
        numbers
    }

    /// Where the reading of a partition stands.
    pub(crate) fn next(&self, partition: u32) -> Option<i64> {
        self.found.iter().rev().find(|f| f.partition == partition).map(|f| f.next)
    }

    /// Ends the thread.
    pub(crate) fn stop(self) {
        let begun = Instant::now();
        self.fetcher.stop();
        assert!(begun.elapsed() < Duration::from_millis(2500), "took {:?}", begun.elapsed());
    }
}
