//! A member of a consumer group, on a thread of its own that does nothing but keep the membership.
//!
//! It fetches nothing, so nothing that the flow does can keep it from its heartbeats, and what the group
//! says is heard at once. Not here: what is done with partitions (`MemberEvent`s tell it).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::membership::{MemberConsumer, Membership};
use super::order::MemberEvent;
use super::properties;
use super::rebalance::{Absence, MemberContext, partitions};
use crate::kafka::client::Context;
use crate::kafka::{Doing, KafkaFault};
use crate::model::live::{Connection, TopicSource};

/// How long the group waits for what is revoked to be finished, at most.
const REVOKE_MAX: Duration = Duration::from_secs(20);
/// librdkafka's default of max.poll.interval.ms.
const POLL_INTERVAL_MS: u64 = 300_000;
const POLL: Duration = Duration::from_millis(50);
/// Leaving takes no longer; a client that has not closed by then is left to itself.
const LEAVE_MAX: Duration = Duration::from_secs(3);
/// Of this, for saying goodbye to the group.
const GOODBYE_MAX: Duration = Duration::from_secs(2);

/// A static member whose session was lost may be fenced by its own earlier request to join, which a broker
/// answers late. Until this long after it is back it joins anew, so often; then it is another's doing.
const GHOST_MAX: Duration = Duration::from_secs(30);
const GHOSTS_MAX: usize = 5;

/// A member of a group.
#[derive(Debug)]
pub struct Member {
    membership: Arc<Membership>,
    leave: Arc<AtomicBool>,
    ended: Receiver<()>,
}

/// All that it takes to join.
struct Joining {
    connection: Connection,
    source: TopicSource,
    subscribe: Vec<String>,
    events: Sender<MemberEvent>,
    leave: Arc<AtomicBool>,
    absence: Arc<Mutex<Absence>>,
}

impl Joining {
    fn join(&self) -> Result<Arc<MemberConsumer>, KafkaFault> {
        let words = Context::new("member", &self.connection);
        let config = properties::membership(&self.connection, &self.source);
        let interval_ms = config.get("max.poll.interval.ms").and_then(|ms| ms.parse().ok());
        let half_interval = Duration::from_millis(interval_ms.unwrap_or(POLL_INTERVAL_MS) / 2);
        let context = MemberContext::new(
            Context::new("member", &self.connection),
            &self.source.group,
            self.events.clone(),
            Arc::clone(&self.leave),
            REVOKE_MAX.min(half_interval),
            Arc::clone(&self.absence),
        );
        let doing = Doing::Group(&self.source.group);
        let fault = |error: KafkaError| KafkaFault::of(&error, doing, &words);
        let consumer: MemberConsumer = config.create_with_context(context).map_err(fault)?;
        let topics: Vec<&str> = self.subscribe.iter().map(String::as_str).collect();
        consumer.subscribe(&topics).map_err(fault)?;
        Ok(Arc::new(consumer))
    }

    /// Keeps the membership until it is to end, by one consumer after the other if it must be.
    fn stay(&self, consumer: Arc<MemberConsumer>, membership: &Membership) {
        let mut consumer = consumer;
        let mut ghosts = 0;
        while poll(&consumer, &self.leave, ghosts < GHOSTS_MAX) == Polled::Fenced {
            ghosts += 1;
            tracing::warn!(
                group = self.source.group,
                "fenced after its session expired, as if another member had this instance_id: rejoining"
            );
            let own = consumer.assignment().map(|list| partitions(&list)).unwrap_or_default();
            consumer.context().tell(MemberEvent::Lost(own));
            membership.replace(None);
            go(consumer);
            match self.join() {
                Ok(anew) => consumer = anew,
                Err(fault) => {
                    let _ = self.events.send(MemberEvent::Failed(fault.to_string()));
                    return;
                }
            }
            membership.replace(Some(Arc::clone(&consumer)));
        }
        membership.replace(None);
        go(consumer);
    }
}

impl Member {
    /// Joins the group of `source`, for the topics in `subscribe` (names, or regular expressions that
    /// begin with `^`). What becomes of it is told to `events`, whether it has worked at all, too: this
    /// returns before a broker has answered.
    ///
    /// # Errors
    /// Where librdkafka refuses a property or a topic.
    pub fn join(
        connection: &Connection,
        source: &TopicSource,
        subscribe: &[String],
        events: Sender<MemberEvent>,
    ) -> Result<Self, KafkaFault> {
        let leave = Arc::new(AtomicBool::new(false));
        let joining = Joining {
            connection: connection.clone(),
            source: source.clone(),
            subscribe: subscribe.to_vec(),
            events,
            leave: Arc::clone(&leave),
            absence: Arc::default(),
        };
        let consumer = joining.join()?;
        let membership = Arc::new(Membership::new(&source.group, Arc::clone(&consumer)));
        let (end, ended) = bounded(1);
        let shared = Arc::clone(&membership);
        thread::Builder::new()
            .name("member".to_owned())
            .spawn(move || {
                joining.stay(consumer, &shared);
                // Nobody may wait for it any more.
                let _ = end.send(());
            })
            .map_err(|error| KafkaFault::Other {
                doing: Doing::Group(&source.group).words(),
                detail: error.to_string(),
                code: RDKafkaErrorCode::Fail,
            })?;
        Ok(Self { membership, leave, ended })
    }

    /// For those who commit.
    pub fn group(&self) -> Arc<Membership> {
        Arc::clone(&self.membership)
    }

    /// Leaves the group, so that others need not wait for the session's end. No event is told any more.
    /// Waits three seconds at most, then leaves the client to itself.
    pub fn leave(self) {
        self.leave.store(true, Ordering::Relaxed);
        if self.ended.recv_timeout(LEAVE_MAX).is_err() {
            tracing::warn!(
                "could not leave the group within 3 s: the group drops this member when its session expires"
            );
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.leave.store(true, Ordering::Relaxed);
    }
}

/// Why a consumer is polled no longer.
#[derive(PartialEq, Eq)]
enum Polled {
    /// It was told to leave.
    Left,
    /// Its session was lost, and it was fenced then, maybe by its own ghost.
    Fenced,
}

/// Polls, which keeps the membership, until it is to end.
fn poll(consumer: &MemberConsumer, leave: &AtomicBool, may_be_ghost: bool) -> Polled {
    let context = consumer.context();
    let mut has_failed = false;
    while !leave.load(Ordering::Relaxed) {
        // Messages cannot come but in the moment between an assignment and its pause: nobody wants them.
        let Some(Err(error)) = consumer.poll(POLL) else { continue };
        let fault = context.fault(&error);
        let fatal = consumer.client().fatal_error();
        let (is_fatal, words) = match fatal {
            Some((RDKafkaErrorCode::FencedInstanceId, _))
                if may_be_ghost && context.was_lost(GHOST_MAX) =>
            {
                return Polled::Fenced;
            }
            Some((code, words)) => (true, format!("{words} ({code:?})")),
            None => (ends_membership(&error), fault.to_string()),
        };
        if is_fatal && !has_failed {
            has_failed = true;
            tracing::error!("{words}");
            context.tell(MemberEvent::Failed(words));
        } else if !has_failed {
            tracing::warn!("{fault}");
        }
    }
    Polled::Left
}

/// Whether the group will never have this member, as things stand.
fn ends_membership(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::GroupAuthorizationFailed
                | RDKafkaErrorCode::TopicAuthorizationFailed
                | RDKafkaErrorCode::FencedInstanceId
                | RDKafkaErrorCode::UnreleasedInstanceId
                | RDKafkaErrorCode::UnsupportedVersion
                | RDKafkaErrorCode::InconsistentGroupProtocol
        )
    )
}

/// Leaves the group and closes the consumer, or leaves it to itself where that takes too long.
fn go(consumer: Arc<MemberConsumer>) {
    let begun = Instant::now();
    if let Err(error) = consumer.close_queue() {
        tracing::debug!("closing the member's consumer: {error}");
    }
    while !consumer.closed() && begun.elapsed() < GOODBYE_MAX {
        let _ = consumer.poll(POLL);
    }
    while Arc::strong_count(&consumer) > 1 && begun.elapsed() < GOODBYE_MAX {
        thread::sleep(POLL);
    }
    match (consumer.closed(), Arc::try_unwrap(consumer)) {
        (true, Ok(consumer)) => drop(consumer),
        // Dropping would wait without a bound, or somebody is committing by it still.
        (_, Ok(consumer)) => std::mem::forget(consumer),
        (_, Err(shared)) => std::mem::forget(shared),
    }
}
