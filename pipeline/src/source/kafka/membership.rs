//! What a member may do for its group: tell who it is, and commit offsets.
//!
//! Cheap to share with the threads that commit. After the member has left, it is nobody.

use std::sync::{Arc, PoisonError, RwLock};
use std::thread;
use std::time::Duration;

use driftline_rawbatch::Identity;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};

use super::rebalance::MemberContext;
use crate::kafka::{Doing, KafkaFault};
use crate::model::stream::TopicPartition;

/// A member's consumer.
pub(super) type MemberConsumer = BaseConsumer<MemberContext>;

/// Tries of a commit that a rebalance is in the way of.
const TRIES: usize = 5;
const PAUSE: Duration = Duration::from_millis(100);

/// A member, for those who commit.
pub struct Membership {
    group: String,
    consumer: RwLock<Option<Arc<MemberConsumer>>>,
}

impl Membership {
    pub(super) fn new(group: &str, consumer: Arc<MemberConsumer>) -> Self {
        Self { group: group.to_owned(), consumer: RwLock::new(Some(consumer)) }
    }

    /// Who this member is in the group now, for a transaction. To be asked anew for each: it changes with
    /// every rebalance. None where it is no member: before it has joined, after it was thrown out or has
    /// left. (librdkafka would give the metadata of nobody then, and brokers check nothing of nobody.)
    pub fn metadata(&self) -> Option<ConsumerGroupMetadata> {
        let consumer = self.consumer()?;
        let identity = Identity::of(consumer.client()).filter(Identity::is_member)?;
        let metadata = consumer.group_metadata()?;
        // The same before and after: so it was in between.
        (Identity::of(consumer.client()) == Some(identity)).then_some(metadata)
    }

    /// Whether it is a member, as far as it knows.
    pub fn is_member(&self) -> bool {
        self.member().is_some()
    }

    /// Commits where reading goes on, and waits for the answer. The broker refuses it from a member that
    /// is not of the present generation. There is no timeout: librdkafka waits for the coordinator.
    ///
    /// # Errors
    /// [`KafkaFault::Evicted`] where this is no member (any more); others as the broker says.
    pub fn commit(&self, offsets: &[(TopicPartition, i64)]) -> Result<(), KafkaFault> {
        let mut tries = 0;
        loop {
            let Some(consumer) = self.member() else {
                return Err(KafkaFault::Evicted {
                    doing: Doing::Group(&self.group).words(),
                    detail: "this process is not a member of the group".to_owned(),
                });
            };
            let Err(error) = commit(&consumer, offsets) else { return Ok(()) };
            tries += 1;
            // A new generation is being made of which this member is: the next try knows it.
            let is_passing = matches!(
                error.rdkafka_error_code(),
                Some(
                    RDKafkaErrorCode::RebalanceInProgress
                        | RDKafkaErrorCode::StaleMemberEpoch
                        | RDKafkaErrorCode::CoordinatorLoadInProgress
                        | RDKafkaErrorCode::NotCoordinator
                )
            );
            if !is_passing || tries >= TRIES {
                let doing = Doing::Group(&self.group);
                return Err(KafkaFault::of(&error, doing, consumer.context().client()));
            }
            thread::sleep(PAUSE);
        }
    }

    fn consumer(&self) -> Option<Arc<MemberConsumer>> {
        self.consumer.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The consumer, while it is a member.
    fn member(&self) -> Option<Arc<MemberConsumer>> {
        self.consumer().filter(|consumer| {
            Identity::of(consumer.client()).is_some_and(|identity| identity.is_member())
        })
    }

    /// Puts another consumer in the place of this one; none: from now on there is no member.
    pub(super) fn replace(&self, by: Option<Arc<MemberConsumer>>) {
        *self.consumer.write().unwrap_or_else(PoisonError::into_inner) = by;
    }
}

impl std::fmt::Debug for Membership {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Membership({})", self.group)
    }
}

fn commit(consumer: &MemberConsumer, offsets: &[(TopicPartition, i64)]) -> KafkaResult<()> {
    if offsets.is_empty() {
        return Ok(());
    }
    let mut list = TopicPartitionList::with_capacity(offsets.len());
    for (of, offset) in offsets {
        list.add_partition_offset(&of.topic, of.partition, Offset::Offset(*offset))?;
    }
    // An answer that refuses some partitions and takes others counts as none of an error: librdkafka
    // fails only where all are refused. Generations and groups are refused as a whole.
    match consumer.commit(&list, CommitMode::Sync) {
        Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => Ok(()),
        result => result,
    }
}
