//! The context of a member's consumer: what it does when the group gives partitions or takes them.
//!
//! It runs in the member's thread, inside of `poll`. Invariants: each change is answered by exactly one
//! incremental assign or unassign whose error is looked at, and no partition is ever fetched here.

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, SendTimeoutError, Sender, bounded};
use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};

use super::order::MemberEvent;
use crate::kafka::client::Context;
use crate::kafka::{Doing, KafkaFault};
use crate::model::stream::TopicPartition;

/// How often a wait looks whether the member is to leave.
const LOOK: Duration = Duration::from_millis(20);

/// Listens to a member's consumer.
pub(super) struct MemberContext {
    client: Context,
    group: String,
    events: Sender<MemberEvent>,
    leave: Arc<AtomicBool>,
    /// The group is made to wait no longer than this for what is revoked.
    revoke_max: Duration,
    absence: Arc<Mutex<Absence>>,
}

/// Whether the group went on without this member, and when it had it again.
#[derive(Debug, Default)]
pub(super) struct Absence {
    was_lost: bool,
    back_at: Option<Instant>,
}

impl MemberContext {
    pub(super) fn new(
        client: Context,
        group: &str,
        events: Sender<MemberEvent>,
        leave: Arc<AtomicBool>,
        revoke_max: Duration,
        absence: Arc<Mutex<Absence>>,
    ) -> Self {
        Self { client, group: group.to_owned(), events, leave, revoke_max, absence }
    }

    /// What talks to the brokers.
    pub(super) fn client(&self) -> &Context {
        &self.client
    }

    pub(super) fn fault(&self, error: &KafkaError) -> KafkaFault {
        KafkaFault::of(error, Doing::Group(&self.group), &self.client)
    }

    /// Whether the group went on without this member, and does or did so until this long ago.
    pub(super) fn was_lost(&self, within: Duration) -> bool {
        let absence = self.absence();
        absence.was_lost && absence.back_at.is_none_or(|at| at.elapsed() < within)
    }

    fn absence(&self) -> MutexGuard<'_, Absence> {
        self.absence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_leaving(&self) -> bool {
        self.leave.load(Ordering::Relaxed)
    }

    /// Tells the flow; waits until it listens. librdkafka goes on with its heartbeats meanwhile, and if the
    /// flow does not listen for max.poll.interval.ms, the group goes on without this member, as it should.
    pub(super) fn tell(&self, event: MemberEvent) {
        let mut event = event;
        while !self.is_leaving() {
            match self.events.send_timeout(event, LOOK) {
                Ok(()) | Err(SendTimeoutError::Disconnected(_)) => return,
                Err(SendTimeoutError::Timeout(again)) => event = again,
            }
        }
    }

    fn assigned(
        &self,
        consumer: &BaseConsumer<Self>,
        list: &mut TopicPartitionList,
    ) -> KafkaResult<()> {
        // The end: no committed offset is asked for, and nothing old is fetched before the pause holds.
        list.set_all_offsets(Offset::End)?;
        consumer.incremental_assign(list)?;
        if list.count() > 0 {
            consumer.pause(list)?;
        }
        self.absence().back_at = Some(Instant::now());
        self.tell(MemberEvent::Assigned(partitions(list)));
        Ok(())
    }

    fn revoked(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) -> KafkaResult<()> {
        let revoked = partitions(list);
        if consumer.assignment_lost() {
            // Not where it is fenced: there is no way back from that, unless it was lost before.
            if consumer.client().fatal_error().is_none() {
                *self.absence() = Absence { was_lost: true, back_at: None };
            }
            self.tell(MemberEvent::Lost(revoked));
        } else if !revoked.is_empty() && !self.is_leaving() {
            let (done, is_done) = bounded(1);
            let names = format!("{revoked:?}");
            self.tell(MemberEvent::Revoked { partitions: revoked, done });
            let begun = Instant::now();
            loop {
                match is_done.recv_timeout(LOOK) {
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
                    Err(RecvTimeoutError::Timeout) if self.is_leaving() => break,
                    Err(RecvTimeoutError::Timeout) if begun.elapsed() < self.revoke_max => {}
                    Err(RecvTimeoutError::Timeout) => {
                        tracing::error!(
                            partitions = names,
                            "what is revoked was not finished in {:?}: the group waits no longer, and what \
                             is not committed is read again by its next owner",
                            self.revoke_max
                        );
                        break;
                    }
                }
            }
        }
        consumer.incremental_unassign(list)
    }
}

impl ConsumerContext for MemberContext {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        code: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        let result = match code {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => self.assigned(consumer, list),
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS => self.revoked(consumer, list),
            code => Err(KafkaError::Rebalance(code.into())),
        };
        if let Err(error) = result {
            // Without an answer the group's protocol stands still. Giving everything up is one.
            let fault = self.fault(&error);
            let given_up = consumer.unassign();
            tracing::error!(
                "a rebalance failed: {fault}; all partitions are released ({given_up:?})"
            );
            self.tell(MemberEvent::Failed(format!("a rebalance failed: {fault}")));
        }
    }
}

impl ClientContext for MemberContext {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.client.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.client.error(error, reason);
    }

    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        self.client.generate_oauth_token(config)
    }
}

/// The partitions of a list.
pub(super) fn partitions(list: &TopicPartitionList) -> Vec<TopicPartition> {
    let mut found: Vec<TopicPartition> = list
        .elements()
        .iter()
        .map(|element| TopicPartition {
            topic: element.topic().into(),
            partition: element.partition(),
        })
        .collect();
    found.sort();
    found
}
