//! The commit thread: one epoch after the other, each told as committed or lost.
//!
//! Not here: how an epoch is written (`transactional`, `at_least_once`). An epoch that was submitted gets
//! exactly one outcome, unless the process ends first; nothing else is promised, and nothing less.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{
    Receiver, RecvTimeoutError, SendTimeoutError, Sender, TryRecvError, bounded,
};
use rdkafka::error::RDKafkaErrorCode;

use super::at_least_once::AtLeastOnce;
use super::status::{CommitStatus, Shared};
use super::transactional::ExactlyOnce;
use super::watch::{self, CallWatchdog};
use super::write::{WriterParts, elapsed_us};
use super::{CommitSettings, Group, producer};
use crate::kafka::{Doing, KafkaFault, panic_point};
use crate::model::live::Delivery;
use crate::model::stream::{Epoch, Outcome, TopicPartition};
use crate::sink::contract::{EpochSink, Lost};

/// Spawning waits no longer for the cluster.
const BEGIN_MAX: Duration = Duration::from_secs(30);
/// Stopping waits no longer for the thread.
const STOP_MAX: Duration = Duration::from_secs(2);
/// An idle producer is served this often.
const IDLE: Duration = Duration::from_millis(100);
/// The shortest time after which a call counts as hanging.
const HUNG_MIN: Duration = Duration::from_secs(30);

/// A handle to the commit thread.
pub struct Committer {
    epochs: Sender<Epoch>,
    ended: Receiver<()>,
    shared: Arc<Shared>,
}

impl Committer {
    /// Begins: makes the producer, which fences an older one with the same id and ends its transaction.
    /// `before` is what the group has committed; partitions that are not in it are looked up.
    ///
    /// # Errors
    /// Where the brokers refuse, or do not answer within half a minute.
    pub fn spawn(
        settings: CommitSettings,
        group: Arc<dyn Group>,
        before: Vec<(TopicPartition, i64)>,
        outcomes: Sender<Outcome>,
    ) -> Result<Self, KafkaFault> {
        let shared = Arc::new(Shared::default());
        let timeout = Duration::from_millis(producer::timeout_ms(&settings).unsigned_abs());
        let watchdog = CallWatchdog::begin((3 * timeout).max(HUNG_MIN), |call, lasts| {
            tracing::error!(
                call,
                seconds = lasts.as_secs(),
                "a call into librdkafka hangs: the process exits; the next start continues from the last \
                 commit"
            );
            std::process::exit(watch::EXIT_HUNG);
        });
        let id = settings.transactional_id.clone();
        let no_thread = |error: std::io::Error| KafkaFault::Other {
            doing: Doing::Transaction(&id).words(),
            detail: error.to_string(),
            code: RDKafkaErrorCode::Fail,
        };
        let watchdog = watchdog.map_err(no_thread)?;
        let own = Arc::clone(&shared);
        let mode = settings.delivery.mode;
        let sink = open(mode, WriterParts { settings, group, before, shared: own, watchdog })?;
        let (epochs, submitted) = bounded(1);
        let (end, ended) = bounded(1);
        let thread_shared = Arc::clone(&shared);
        thread::Builder::new()
            .name("driftline-commit".to_owned())
            .spawn(move || {
                run(sink, &submitted, &outcomes, &thread_shared);
                // Nobody may wait for it.
                let _ = end.send(());
            })
            .map_err(no_thread)?;
        Ok(Self { epochs, ended, shared })
    }

    /// Hands over an epoch; its outcome follows. Returns at once if at most one is under way.
    pub fn submit(&self, epoch: Epoch) {
        // It fails only after `stop`, and then nobody waits for an outcome.
        let _ = self.epochs.send(epoch);
    }

    /// The partitions of epochs up to this number are being taken away: they are not begun any more, nor
    /// begun again. One whose commit is under way is told as committed if that can still be seen.
    pub fn withdraw(&self, number: u64) {
        self.shared.withdraw(number);
    }

    /// Whether the thread has ended, which only a bug or [`Committer::stop`] does.
    pub fn has_ended(&self) -> bool {
        !matches!(self.ended.try_recv(), Err(TryRecvError::Empty))
    }

    /// Where the thread stands.
    pub fn status(&self) -> CommitStatus {
        self.shared.status().clone()
    }

    /// Ends the thread; waits two seconds at most. An epoch that is under way is given up.
    pub fn stop(self) {
        self.shared.stop();
        if self.ended.recv_timeout(STOP_MAX).is_err_and(|error| error.is_timeout()) {
            tracing::warn!(
                "the commit thread does not stop: one of its calls hangs; shutting down without it"
            );
        }
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

/// Makes the sink of a mode of delivery, and has it take over from an older one.
fn open(mode: Delivery, parts: WriterParts) -> Result<Box<EpochSink>, KafkaFault> {
    Ok(match mode {
        Delivery::ExactlyOnce => {
            let mut sink = ExactlyOnce::new(parts)?;
            sink.begin(BEGIN_MAX)?;
            Box::new(sink)
        }
        Delivery::AtLeastOnce => {
            let mut sink = AtLeastOnce::new(parts);
            sink.begin()?;
            Box::new(sink)
        }
    })
}

fn run(
    mut sink: Box<EpochSink>,
    submitted: &Receiver<Epoch>,
    outcomes: &Sender<Outcome>,
    shared: &Shared,
) {
    loop {
        let epoch = match submitted.recv_timeout(IDLE) {
            Ok(epoch) => epoch,
            Err(RecvTimeoutError::Timeout) if !shared.is_stopped() => {
                sink.idle();
                continue;
            }
            Err(_) => break,
        };
        panic_point("commit_thread");
        let begun = Instant::now();
        let written = if epoch.is_empty() { Ok(()) } else { sink.write(&epoch) };
        let number = epoch.number;
        let outcome = match written {
            Ok(()) => {
                shared.status().committed += 1;
                Outcome::Committed { number, took_us: elapsed_us(begun) }
            }
            Err(Lost(why)) => {
                tracing::warn!(epoch = number, "epoch discarded: {why}; its events are read again");
                shared.status().lost += 1;
                Outcome::Lost { number, why }
            }
        };
        tell(outcomes, outcome, shared);
    }
    if let Err(Lost(why)) = sink.finish() {
        tracing::warn!("closing the sink: {why}");
    }
}

fn tell(outcomes: &Sender<Outcome>, outcome: Outcome, shared: &Shared) {
    let mut outcome = outcome;
    while let Err(SendTimeoutError::Timeout(again)) = outcomes.send_timeout(outcome, IDLE) {
        if shared.is_stopped() {
            return;
        }
        outcome = again;
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::types::{RDKafkaApiKey as Api, RDKafkaRespErr as Err};

    use super::super::stand_in::{self, StandIn, epoch, until, values};
    use super::*;

    fn outcome(outcomes: &Receiver<Outcome>) -> Outcome {
        outcomes.recv_timeout(Duration::from_secs(60)).expect("an outcome")
    }

    #[test]
    fn each_epoch_has_one_outcome_in_both_modes() {
        for mode in [Delivery::ExactlyOnce, Delivery::AtLeastOnce] {
            let mock = stand_in::cluster();
            let settings = stand_in::settings(&mock, mode);
            let group = StandIn::new(&settings);
            let (tell, outcomes) = bounded(2);
            let before = vec![(stand_in::events(), 0)];
            let committer = Committer::spawn(settings.clone(), group, before, tell).expect("begun");
            for number in 1..4 {
                committer.submit(epoch(number, 10));
                let told = outcome(&outcomes);
                assert!(matches!(told, Outcome::Committed { number: n, .. } if n == number));
            }
            committer.submit(Epoch { number: 4, ..Epoch::default() });
            assert!(matches!(outcome(&outcomes), Outcome::Committed { number: 4, .. }));
            assert_eq!(committer.status().committed, 4);
            committer.stop();
            assert!(outcomes.recv_timeout(Duration::from_secs(60)).is_err(), "it has ended");
            assert_eq!(values(&settings, "findings").len(), 3);
        }
    }

    #[test]
    fn a_commit_that_waits_can_be_stopped() {
        let mock = stand_in::cluster();
        let settings = stand_in::settings(&mock, Delivery::ExactlyOnce);
        let group = StandIn::new(&settings);
        let (tell, outcomes) = bounded(2);
        let before = vec![(stand_in::events(), 0)];
        let committer = Committer::spawn(settings, group, before, tell).expect("begun");
        mock.request_errors(Api::Produce, &[Err::RD_KAFKA_RESP_ERR_POLICY_VIOLATION; 200]);
        committer.submit(epoch(1, 10));
        until("it waits", || committer.status().waiting.is_some());
        let begun = Instant::now();
        committer.stop();
        assert!(begun.elapsed() < Duration::from_secs(10));
        assert!(matches!(outcome(&outcomes), Outcome::Lost { number: 1, .. }));
    }

    #[test]
    fn a_refusal_at_the_start_is_told_at_once() {
        let mock = stand_in::cluster();
        let settings = stand_in::settings(&mock, Delivery::ExactlyOnce);
        let group = StandIn::new(&settings);
        mock.request_errors(
            Api::InitProducerId,
            &[Err::RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED; 10],
        );
        let begun = Instant::now();
        let spawned = Committer::spawn(settings, group, Vec::new(), bounded(1).0);
        let fault = spawned.err().expect("it is forbidden");
        assert!(fault.to_string().contains("transactional id p.g"), "{fault}");
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
}
