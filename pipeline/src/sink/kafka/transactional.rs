//! Exactly once: results and offsets in one transaction.
//!
//! Not here: threads. Invariants: a producer whose call failed with an outcome that is not known is never
//! used again; a new one with the same id first fences it and settles what it left (`init_transactions`),
//! and then what the group has committed tells whether the epoch was. An epoch is written again only with
//! who this member was *before* it was seen that nobody else has committed: any other owner since then
//! makes the broker refuse it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code};
use rdkafka::producer::Producer as _;
use rdkafka::{Offset, TopicPartitionList};

use super::mark::Marks;
use super::producer::{self, Producer};
use super::status::{Backoff, Phases, Shared};
use super::watch::CallWatchdog;
use super::write::{OUTSIDE_PAUSE, OUTSIDE_TRIES, WriterParts};
use super::{CommitSettings, Group, probe};
use crate::kafka::{Cluster, Doing, KafkaFault, crash_point, crash_soon};
use crate::model::live::Delivery;
use crate::model::stream::{Epoch, TopicPartition};
use crate::sink::contract::{Lost, Sink};
use crate::sink::spec::{Role, SinkSpec};

/// Longest single wait inside of librdkafka, where it takes a timeout.
const CALL_MAX: Duration = Duration::from_secs(5);
/// A call that may be retried as it is, is, this often.
const CALL_TRIES: usize = 3;
const CALL_PAUSE: Duration = Duration::from_millis(100);

/// Why an attempt failed, as far as it decides what to do.
#[derive(Debug)]
enum AttemptFault {
    /// It can be rolled back, and nothing of it can become visible after that.
    Abort(KafkaFault),
    /// The producer is of no use any more.
    Dead {
        fault: KafkaFault,
        /// Whether the commit had been asked for: then it may have happened.
        asked: bool,
    },
}

/// What the group's committed offsets say of an epoch.
enum CommittedState {
    /// That it was committed.
    Ours,
    /// That nothing was committed since the epoch before.
    Unchanged,
    /// That somebody else committed.
    Foreign(String),
}

/// The line of the table.
pub const EXACTLY_ONCE: SinkSpec = SinkSpec {
    name: "exactly-once",
    doc: "Topics, by Kafka transactions: results and offsets together or not at all (`[sinks]`, `[delivery]`).",
    options: &[],
    role: Role::Epoch { mode: Delivery::ExactlyOnce, check: probe::in_transaction },
};

/// Writes epochs in transactions.
pub(super) struct ExactlyOnce {
    settings: CommitSettings,
    group: Arc<dyn Group>,
    shared: Arc<Shared>,
    watchdog: CallWatchdog,
    cluster: Cluster,
    marks: Marks,
    /// What the group had committed when this process last looked or wrote.
    known: BTreeMap<TopicPartition, Option<i64>>,
    producer: Option<Arc<Producer>>,
}

impl ExactlyOnce {
    pub(super) fn new(parts: WriterParts) -> Result<Self, KafkaFault> {
        let WriterParts { settings, group, before, shared, watchdog } = parts;
        let cluster = Cluster::connect(&settings.connection, &settings.group)?;
        let known = before.into_iter().map(|(of, offset)| (of, Some(offset))).collect();
        let marks = Marks::new();
        Ok(Self { settings, group, shared, watchdog, cluster, marks, known, producer: None })
    }

    /// Makes the first producer, which fences an older one; gives up at a refusal, or after `patience`.
    pub(super) fn begin(&mut self, patience: Duration) -> Result<(), KafkaFault> {
        let begun = Instant::now();
        loop {
            match self.make() {
                Ok(()) => return Ok(()),
                Err(fault) if !fault.is_passing() || begun.elapsed() > patience => {
                    return Err(fault);
                }
                Err(_) if self.shared.is_stopped() => return Ok(()),
                Err(_) => {}
            }
        }
    }

    /// One transaction.
    fn attempt(
        &self,
        producer: &Arc<Producer>,
        epoch: &Epoch,
        metadata: &ConsumerGroupMetadata,
        backoff: &mut Backoff<'_>,
    ) -> Result<Phases, AttemptFault> {
        let mut phases = Phases { epoch: epoch.number, ..Phases::default() };
        let mut clock = Instant::now();
        let mut lap = || {
            let lap = clock.elapsed();
            clock = Instant::now();
            u64::try_from(lap.as_micros()).unwrap_or(u64::MAX)
        };
        crash_point("before_begin");
        self.watchdog
            .call("begin_transaction", || producer.begin_transaction())
            .map_err(|error| self.broken(producer, epoch, &error, false))?;
        crash_point("after_begin");
        let go_on = || self.shared.given_up(epoch.number).is_none();
        let sent = producer::send(producer, &epoch.journal, &go_on)
            .and_then(|()| producer::send(producer, &epoch.records, &go_on));
        sent.map_err(|fault| self.undelivered(producer, epoch, fault))?;
        crash_point("after_produce");
        phases.produce_us = lap();
        if !epoch.offsets.is_empty() {
            self.send_offsets(producer, epoch, metadata)?;
        }
        crash_point("after_send_offsets");
        phases.offsets_us = lap();
        producer::settle(producer, self.timeout(), &go_on)
            .map_err(|fault| self.undelivered(producer, epoch, fault))?;
        phases.settle_us = lap();
        self.commit(producer, epoch, backoff)?;
        phases.commit_us = lap();
        crash_point("after_commit");
        Ok(phases)
    }

    fn send_offsets(
        &self,
        producer: &Producer,
        epoch: &Epoch,
        metadata: &ConsumerGroupMetadata,
    ) -> Result<(), AttemptFault> {
        let offsets =
            self.offsets(epoch).map_err(|error| self.broken(producer, epoch, &error, false))?;
        let mut tries = 0;
        loop {
            let sent = self.watchdog.call("send_offsets_to_transaction", || {
                producer.send_offsets_to_transaction(&offsets, metadata, self.timeout())
            });
            tries += 1;
            match sent {
                Ok(()) => return Ok(()),
                Err(error) if is_retriable(&error) && tries < CALL_TRIES => {
                    self.shared.pause(epoch.number, CALL_PAUSE);
                }
                Err(error) => return Err(self.broken(producer, epoch, &error, false)),
            }
        }
    }

    fn commit(
        &self,
        producer: &Producer,
        epoch: &Epoch,
        backoff: &mut Backoff<'_>,
    ) -> Result<(), AttemptFault> {
        let begun = Instant::now();
        crash_soon("during_commit", Duration::from_millis(5));
        loop {
            let length = CALL_MAX.min(self.timeout());
            let committed =
                self.watchdog.call("commit_transaction", || producer.commit_transaction(length));
            let Err(error) = committed else { return Ok(()) };
            // The same call takes up where it was.
            if !is_retriable(&error) || begun.elapsed() > 2 * self.timeout() {
                return Err(self.broken(producer, epoch, &error, true));
            }
            backoff.tell(&self.fault(producer, epoch, &error).to_string());
        }
    }

    /// Rolls back; false where it cannot be told that it is.
    fn abort(&self, producer: &Producer) -> bool {
        let aborted =
            self.watchdog.call("abort_transaction", || producer.abort_transaction(self.timeout()));
        if let Err(error) = &aborted {
            tracing::warn!("cannot abort a transaction cleanly: {error}");
        }
        producer::forget(producer);
        aborted.is_ok()
    }

    fn offsets(&self, epoch: &Epoch) -> KafkaResult<TopicPartitionList> {
        let mark = self.marks.of(epoch.number);
        let mut list = TopicPartitionList::with_capacity(epoch.offsets.len());
        for (of, next) in &epoch.offsets {
            let mut element = list.add_partition(&of.topic, of.partition);
            element.set_offset(Offset::Offset(*next))?;
            element.set_metadata(&mark);
        }
        Ok(list)
    }

    fn is_new(&self, epoch: &Epoch) -> bool {
        epoch.offsets.iter().any(|(of, _)| !self.known.contains_key(of))
    }

    /// Reads what the group has committed; none where the epoch is given up meanwhile.
    fn look(&mut self, epoch: &Epoch, backoff: &mut Backoff<'_>) -> Option<CommittedState> {
        let of: Vec<TopicPartition> = epoch.offsets.iter().map(|(of, _)| of.clone()).collect();
        let found = loop {
            match self.cluster.committed_marks(&of) {
                Ok(found) => break found,
                Err(fault) => backoff.wait(&fault.to_string()),
            }
            if self.shared.given_up(epoch.number).is_some() {
                return None;
            }
        };
        let mark = self.marks.of(epoch.number);
        let mut ours = 0;
        for ((of, next), found) in epoch.offsets.iter().zip(found) {
            let offset = found.as_ref().map(|(offset, _)| *offset);
            if found.is_some_and(|(offset, told)| offset == *next && told == mark) {
                ours += 1;
                continue;
            }
            let known = *self.known.entry(of.clone()).or_insert(offset);
            if known != offset {
                return Some(CommittedState::Foreign(format!(
                    "offset {offset:?} was committed for {}/{}, not {known:?}: another member took over \
                     the partition",
                    of.topic, of.partition
                )));
            }
        }
        match ours {
            0 => Some(CommittedState::Unchanged),
            all if all == epoch.offsets.len() => Some(CommittedState::Ours),
            _ => Some(CommittedState::Foreign(
                "another member took over: it committed some of its partitions since".to_owned(),
            )),
        }
    }

    fn committed(&mut self, epoch: &Epoch) {
        for (of, next) in &epoch.offsets {
            self.known.insert(of.clone(), Some(*next));
        }
    }

    fn given_up(&self, number: u64) -> Lost {
        let why = self.shared.given_up(number).unwrap_or("the committer was stopped");
        Lost(why.to_owned())
    }

    /// The producer; a new one where there is none. None where the epoch is given up meanwhile.
    fn producer(&mut self, number: u64, backoff: &mut Backoff<'_>) -> Option<Arc<Producer>> {
        while self.producer.is_none() && self.shared.given_up(number).is_none() {
            if let Err(fault) = self.make() {
                backoff.wait(&fault.to_string());
            }
        }
        self.producer.clone().filter(|_| self.shared.given_up(number).is_none())
    }

    /// Makes a producer, which fences the one before it and settles its transaction.
    fn make(&mut self) -> Result<(), KafkaFault> {
        let producer = producer::open(&self.settings)?;
        self.watchdog.serve(&producer);
        let begun = Instant::now();
        loop {
            let made =
                self.watchdog.call("init_transactions", || producer.init_transactions(CALL_MAX));
            let Err(error) = made else {
                self.producer = Some(producer);
                return Ok(());
            };
            // The same call takes up where it was, which is quicker than a new handle.
            if !is_retriable(&error) || begun.elapsed() > self.timeout() || self.shared.is_stopped()
            {
                let doing = Doing::Transaction(&self.settings.transactional_id);
                let fault = producer::fault(&producer, &error, doing);
                producer::retire(producer);
                return Err(fault);
            }
        }
    }

    fn replace(&mut self) {
        if let Some(producer) = self.producer.take() {
            self.shared.status().replaced += 1;
            producer::retire(producer);
        }
    }

    /// Cleans up after an attempt that failed, and waits as long as it takes before another. Why the epoch
    /// is lost, where there must not be another.
    fn settle_failed(
        &mut self,
        fault: AttemptFault,
        producer: &Producer,
        epoch: &Epoch,
        begun: Instant,
        outside: &mut usize,
        backoff: &mut Backoff<'_>,
    ) -> Option<Lost> {
        match fault {
            AttemptFault::Abort(fault) => {
                if !self.abort(producer) {
                    self.replace();
                }
                if fault.is_eviction() {
                    *outside += 1;
                    if *outside > OUTSIDE_TRIES {
                        return Some(Lost(fault.to_string()));
                    }
                    self.shared.status().retries += 1;
                    self.shared.pause(epoch.number, OUTSIDE_PAUSE);
                } else {
                    backoff.wait(&fault.to_string());
                }
            }
            AttemptFault::Dead { fault, asked } => {
                self.replace();
                // The broker ends a transaction that lasts too long, which looks the same. Before
                // that, it was somebody else, and taking the id back would take it from its new owner.
                let lasted = begun.elapsed() >= self.timeout();
                if matches!(fault, KafkaFault::Fenced { .. }) && !lasted {
                    return Some(Lost(fault.to_string()));
                }
                if asked && epoch.offsets.is_empty() {
                    return Some(Lost(format!(
                        "whether it was committed is unknown, since it has no offsets: {fault}"
                    )));
                }
                backoff.wait(&fault.to_string());
            }
        }
        None
    }

    fn timeout(&self) -> Duration {
        Duration::from_millis(producer::timeout_ms(&self.settings).unsigned_abs())
    }

    /// A transaction touches many things: which of them was refused is in the code and the words.
    fn fault(&self, producer: &Producer, epoch: &Epoch, error: &KafkaError) -> KafkaFault {
        let code = error.rdkafka_error_code();
        let of_offsets = error.to_string().contains("offsets");
        let read = joined(epoch.offsets.iter().map(|(of, _)| &*of.topic));
        let written = epoch.journal.iter().chain(&epoch.records);
        let written = joined(written.map(|record| &*record.topic));
        let doing = match code {
            Some(Code::TopicAuthorizationFailed) if of_offsets => Doing::Read(&read),
            Some(Code::TopicAuthorizationFailed) => Doing::Write(&written),
            Some(Code::GroupAuthorizationFailed) => Doing::Group(&self.settings.group),
            _ => Doing::Transaction(&self.settings.transactional_id),
        };
        producer::fault(producer, error, doing)
    }

    fn undelivered(&self, producer: &Producer, epoch: &Epoch, fault: KafkaFault) -> AttemptFault {
        let cause = producer::cause(producer).filter(|_| producer::is_purge(&fault));
        let fault = cause.map_or(fault, |cause| self.fault(producer, epoch, &cause));
        // To go on with a new producer would take the id back from its new owner.
        let is_dead = producer.client().fatal_error().is_some();
        if is_dead || matches!(fault, KafkaFault::Fenced { .. }) {
            return AttemptFault::Dead { fault, asked: false };
        }
        AttemptFault::Abort(fault)
    }

    fn broken(
        &self,
        producer: &Producer,
        epoch: &Epoch,
        error: &KafkaError,
        asked: bool,
    ) -> AttemptFault {
        let fault = self.fault(producer, epoch, error);
        let KafkaError::Transaction(error) = error else {
            return AttemptFault::Dead { fault, asked };
        };
        // Records that failed are found before the commit is sent: nothing is unknown then.
        let unsent = !asked || error.code() == Code::Inconsistent;
        let alive = !error.is_fatal() && producer.client().fatal_error().is_none();
        if alive && unsent && error.txn_requires_abort() {
            // Which record failed says more than that one did.
            let failed = producer::failed(producer).err();
            return AttemptFault::Abort(failed.filter(|f| !producer::is_purge(f)).unwrap_or(fault));
        }
        AttemptFault::Dead { fault, asked: asked && !unsent }
    }
}

impl Sink for ExactlyOnce {
    type Input = Epoch;
    type Fault = Lost;

    fn idle(&mut self) {
        if let Some(producer) = &self.producer {
            producer::serve(producer);
        }
    }

    fn write(&mut self, epoch: &Epoch) -> Result<(), Lost> {
        let shared = Arc::clone(&self.shared);
        let mut backoff = Backoff::new(&shared, epoch.number);
        let mut outside = 0;
        let mut again = false;
        loop {
            let Some(producer) = self.producer(epoch.number, &mut backoff) else {
                return Err(self.given_up(epoch.number));
            };
            let metadata = self.group.metadata();
            // In this order: what was taken away after this look, others may commit only in a later
            // generation than the metadata's, and then the broker refuses it.
            if shared.given_up(epoch.number).is_some() {
                return Err(self.given_up(epoch.number));
            }
            let Some(metadata) = metadata else {
                outside += 1;
                if outside > OUTSIDE_TRIES {
                    return Err(Lost("this process is not a member of the group".to_owned()));
                }
                again = true;
                shared.pause(epoch.number, OUTSIDE_PAUSE);
                continue;
            };
            if again || self.is_new(epoch) {
                match self.look(epoch, &mut backoff) {
                    Some(CommittedState::Ours) => {
                        self.committed(epoch);
                        return Ok(());
                    }
                    Some(CommittedState::Unchanged) => {}
                    Some(CommittedState::Foreign(why)) => return Err(Lost(why)),
                    None => return Err(self.given_up(epoch.number)),
                }
            }
            let begun = Instant::now();
            match self.attempt(&producer, epoch, &metadata, &mut backoff) {
                Ok(phases) => {
                    shared.status().phases = Some(phases);
                    self.committed(epoch);
                    return Ok(());
                }
                Err(fault) => {
                    let lost = self.settle_failed(
                        fault,
                        &producer,
                        epoch,
                        begun,
                        &mut outside,
                        &mut backoff,
                    );
                    if let Some(lost) = lost {
                        return Err(lost);
                    }
                }
            }
            again = true;
        }
    }
}

impl Drop for ExactlyOnce {
    fn drop(&mut self) {
        if let Some(producer) = self.producer.take() {
            producer::retire(producer);
        }
    }
}

/// Names of topics, each once.
fn joined<'a>(topics: impl Iterator<Item = &'a str>) -> String {
    topics.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
}

fn is_retriable(error: &KafkaError) -> bool {
    match error {
        KafkaError::Transaction(error) => error.is_retriable(),
        KafkaError::Flush(code) => *code == Code::OperationTimedOut,
        _ => false,
    }
}

#[cfg(test)]
#[path = "transactional_tests.rs"]
mod tests;
