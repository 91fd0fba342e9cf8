//! What is said between the flow and the threads of the source: plain data.

use crossbeam_channel::Sender;

use crate::codec::MessageCodec;
use crate::model::live::Connection;
use crate::model::stream::TopicPartition;
use crate::model::{Layout, Limits};

/// What a fetch thread is told. Orders are carried out in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Read a partition. Where it is being read already, begin anew.
    Take {
        /// Comes back in each `Fetched`.
        assignment: u64,
        /// Number of the partition, comes back in each `Fetched`.
        partition: u32,
        /// Which one.
        of: TopicPartition,
        /// First offset to read.
        offset: i64,
        /// Offsets, ascending, that no `Fetched` may span: one ends where the next message is at or
        /// behind a cut.
        cuts: Vec<i64>,
    },
    /// Read it no more; what was fetched of it is dropped.
    Leave {
        /// Number of the partition.
        partition: u32,
    },
    /// Stop fetching for a while (`true`), or go on. What was fetched already still comes.
    Hold {
        /// Number of the partition.
        partition: u32,
        /// Whether to hold.
        hold: bool,
    },
}

/// What a fetch thread needs to know.
#[derive(Debug, Clone)]
pub struct FetchSettings {
    /// The brokers.
    pub connection: Connection,
    /// Group id of the handle. It joins no group, but librdkafka asks for one.
    pub group: String,
    /// The format of the messages.
    pub codec: &'static dyn MessageCodec,
    /// What is read of an event.
    pub layout: Layout,
    /// Bounds of records.
    pub limits: Limits,
    /// Events before this are rejects, microseconds since 1970.
    pub not_before_us: i64,
    /// Events later than their message's broker time plus this are rejects, microseconds.
    pub max_future_us: i64,
    /// Bytes of messages that this thread may hold, librdkafka's queues included.
    pub memory_bytes: usize,
}

/// What a member of a group is told.
#[derive(Debug)]
pub enum MemberEvent {
    /// These partitions are its own from now on; none = it has joined, and others have them.
    Assigned(Vec<TopicPartition>),
    /// These are wanted by others. The group waits until `done` is told, for a bounded time.
    Revoked {
        /// Which ones.
        partitions: Vec<TopicPartition>,
        /// To be told when nothing more will be committed for them.
        done: Sender<()>,
    },
    /// These are others' already: nothing can be committed for them.
    Lost(Vec<TopicPartition>),
    /// The membership has ended for good, and why, for people. The process has to begin anew.
    Failed(String),
}
