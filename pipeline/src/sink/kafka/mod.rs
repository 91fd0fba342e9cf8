//! Results to topics, with the offsets that they are results of.
//!
//! Not here: what is found, and who owns which partition (`Group` tells that). Nothing is dropped: an epoch
//! is written, or it is told as lost, and then its events are read again.

mod at_least_once;
mod committer;
mod mark;
mod probe;
mod producer;
pub mod records;
#[cfg(test)]
mod stand_in;
mod status;
mod transactional;
mod watch;
mod write;

use rdkafka::consumer::ConsumerGroupMetadata;

pub use at_least_once::AT_LEAST_ONCE;
pub use committer::Committer;
pub use probe::write_probe;
pub use status::{CommitStatus, Phases, Waiting};
pub use transactional::EXACTLY_ONCE;

use crate::kafka::KafkaFault;
use crate::model::live::{Connection, DeliverySettings};
use crate::model::stream::TopicPartition;

/// The consumer group, as the sink needs it.
pub trait Group: Send + Sync {
    /// Who this member is now; none while it is no member. A commit with it is refused by the broker
    /// once the group has been rebalanced.
    fn metadata(&self) -> Option<ConsumerGroupMetadata>;

    /// Commits offsets for this member, and waits for it.
    ///
    /// # Errors
    /// Where the broker refuses; [`KafkaFault::is_eviction`] where others own the partitions.
    fn commit(&self, offsets: &[(TopicPartition, i64)]) -> Result<(), KafkaFault>;
}

/// What a committer is made of.
#[derive(Debug, Clone)]
pub struct CommitSettings {
    /// The brokers.
    pub connection: Connection,
    /// Consumer group.
    pub group: String,
    /// Of the one transactional producer; a second one with the same id fences the first.
    pub transactional_id: String,
    /// Mode and timeouts.
    pub delivery: DeliverySettings,
}
