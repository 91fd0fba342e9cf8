//! What travels between a live source, the flow and the sinks: plain data.

use std::sync::Arc;

use super::batch::Batch;

/// A partition of a topic.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct TopicPartition {
    /// Topic.
    pub topic: Arc<str>,
    /// Number of the partition.
    pub partition: i32,
}

/// A message that could not be read, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original {
    /// Its offset.
    pub offset: i64,
    /// Broker time, milliseconds since 1970, where known.
    pub timestamp_ms: Option<i64>,
    /// Key.
    pub key: Option<Vec<u8>>,
    /// Value.
    pub payload: Vec<u8>,
    /// Name of the reason (`Reason::name`) and its detail.
    pub reason: &'static str,
    /// What exactly is wrong.
    pub detail: String,
}

/// Decoded messages of one partition, in their order; offsets `first..next` are used up by it.
#[derive(Debug)]
pub struct Fetched {
    /// Number of the assignment that it was fetched for: stale ones are dropped by the flow.
    pub assignment: u64,
    /// Number of the partition, as the flow gave it.
    pub partition: u32,
    /// Offset of the first message; where there is none, equal to `next`.
    pub first: i64,
    /// Where reading goes on.
    pub next: i64,
    /// Events and rejects (`Batch::rejects` and `originals` agree one to one).
    pub batch: Batch,
    /// The rejected messages.
    pub originals: Vec<Original>,
    /// Messages, tombstones included.
    pub messages: u64,
    /// Messages without a value.
    pub tombstones: u64,
    /// Bytes of keys and values.
    pub bytes: usize,
    /// Whether `next` is the end of the partition, as far as the broker told.
    pub at_end: bool,
    /// End of the partition, as far as the broker told.
    pub end: Option<i64>,
    /// Newest broker time among the messages, milliseconds since 1970.
    pub broker_time_ms: Option<i64>,
}

/// One record to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Topic.
    pub topic: Arc<str>,
    /// Key.
    pub key: Option<Vec<u8>>,
    /// Value; none = tombstone.
    pub payload: Option<Vec<u8>>,
    /// Headers, in order.
    pub headers: Vec<(String, Vec<u8>)>,
}

/// What is committed together: results, and the offsets that they are results of.
#[derive(Debug, Clone, Default)]
pub struct Epoch {
    /// Number of the epoch in this process.
    pub number: u64,
    /// Decisions, which must be durable no later than the results.
    pub journal: Vec<Record>,
    /// Findings, alerts, quarantine.
    pub records: Vec<Record>,
    /// Where reading goes on, with metadata.
    pub offsets: Vec<(TopicPartition, i64)>,
}

impl Epoch {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.journal.is_empty() && self.records.is_empty() && self.offsets.is_empty()
    }
}

/// What became of an epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is durable.
    Committed {
        /// Number of the epoch.
        number: u64,
        /// Wall time that it took, microseconds.
        took_us: u64,
    },
    /// It is not, and this process may not write it: others own the partitions, or the producer's id.
    /// All state must be read anew.
    Lost {
        /// Number of the epoch.
        number: u64,
        /// Why, for people.
        why: String,
    },
}
