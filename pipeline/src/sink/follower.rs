//! A sink that follows, on a thread of its own: a bounded queue before it, retries with a bound, dead letters
//! counted.
//!
//! Not here: what a receiver understands (the sink), and what is committed (the committer). Invariants:
//! whoever offers never waits; records are delivered in their order, one at a time; each that was offered
//! is counted once, as delivered or as a dead letter.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};

use super::contract::{FollowingSink, Refusal};
use super::spec::Role;
use super::table;
use crate::model::OutputRecord;
use crate::model::live::FollowerSettings;

/// Records that may wait; a finding has some 10 KiB. What comes beyond them is a dead letter.
pub const WAITING_MAX: usize = 1024;
/// A record is offered to its receiver this often; with these pauses that is a quarter of an hour.
const TRIES_MAX: u32 = 40;
/// The first pause, and the longest; each is twice the one before.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// An idle sink is served this often.
const IDLE: Duration = Duration::from_millis(100);
/// The log tells of dead letters this often.
const TELL_EVERY: Duration = Duration::from_secs(30);

/// A sink that cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum FollowerFault {
    /// No sink of the table has this name.
    #[error("there is no sink {0}")]
    Unknown(&'static str),
    /// Its settings are wrong.
    #[error("[sinks.{sink}]: {why}")]
    Settings {
        /// Its name.
        sink: &'static str,
        /// What is wrong.
        why: String,
    },
    /// There is no thread to be had.
    #[error("cannot start a thread for the sink: {0}; raise the limit of threads of this user")]
    Thread(#[from] io::Error),
}

/// A handle to the thread.
pub struct Follower {
    name: &'static str,
    shared: Arc<Shared>,
    ended: Receiver<()>,
}

/// How it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FollowerStatus {
    /// Records that its receiver has taken.
    pub delivered: u64,
    /// Attempts that were refused for now.
    pub retries: u64,
    /// Records that were never delivered.
    pub dead_letters: u64,
    /// Records that wait.
    pub waiting: u64,
    /// What is wrong now, in the receiver's words.
    pub error: Option<String>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<OutputRecord>,
    status: FollowerStatus,
    /// No more is delivered after this.
    until: Option<Instant>,
    told: Option<Instant>,
    /// The rest of the queue has been counted: nothing is, after this.
    is_closed: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, length: Duration) -> MutexGuard<'a, State> {
        let waited = self.changed.wait_timeout(state, length);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl State {
    fn is_stopped(&self) -> bool {
        self.until.is_some_and(|until| until <= Instant::now())
    }

    fn bury(&mut self, name: &str, number: u64, why: &str) {
        self.status.dead_letters += number;
        if number > 0 && self.told.is_none_or(|told| told.elapsed() > TELL_EVERY) {
            self.told = Some(Instant::now());
            let all = self.status.dead_letters;
            tracing::error!(sink = name, dead_letters = all, "not delivered: {why}");
        }
    }
}

impl Follower {
    /// Makes the sink that the settings name, and starts its thread.
    ///
    /// # Errors
    /// Where its settings are wrong, or there is no thread to be had.
    pub fn start(settings: &FollowerSettings) -> Result<Self, FollowerFault> {
        let sink = settings.sink;
        let spec = table::following().find(|spec| spec.name == sink);
        let spec = spec.ok_or(FollowerFault::Unknown(sink))?;
        let Role::Follower { make, .. } = &spec.role else {
            return Err(FollowerFault::Unknown(sink));
        };
        let made = make(settings).map_err(|why| FollowerFault::Settings { sink, why })?;
        Ok(Self::spawn(spec.name, made)?)
    }

    /// Starts the thread of a sink that is made.
    ///
    /// # Errors
    /// Where there is no thread to be had.
    pub fn spawn(name: &'static str, sink: Box<FollowingSink>) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let (end, ended) = bounded(1);
        thread::Builder::new()
            .name(format!("driftline-{name}"))
            .spawn(move || run(name, sink, &own, &end))?;
        Ok(Self { name, shared, ended })
    }

    /// Its name in the table of sinks.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Takes records that are committed, in their order. Never waits: where there is no room, they are dead
    /// letters.
    pub fn offer(&self, records: &[OutputRecord]) {
        let mut state = self.shared.lock();
        let room = WAITING_MAX.saturating_sub(state.queue.len()).min(records.len());
        let (taken, left) = records.split_at(room);
        state.queue.extend(taken.iter().cloned());
        state.bury(self.name, left.len() as u64, "the queue is full");
        drop(state);
        self.shared.changed.notify_one();
    }

    /// Whether its thread has ended, which only a bug or [`Follower::stop`] does.
    pub fn has_ended(&self) -> bool {
        !matches!(self.ended.try_recv(), Err(TryRecvError::Empty))
    }

    /// How it stands.
    pub fn status(&self) -> FollowerStatus {
        let state = self.shared.lock();
        FollowerStatus { waiting: state.queue.len() as u64, ..state.status.clone() }
    }

    /// Delivers what waits, within this time, and ends the thread; what is left then is counted as dead
    /// letters. A thread that is in an attempt is left to itself.
    pub fn stop(self, patience: Duration) -> FollowerStatus {
        self.shared.lock().until = Some(Instant::now() + patience);
        self.shared.changed.notify_one();
        if self.ended.recv_timeout(patience + IDLE).is_err_and(|error| error.is_timeout()) {
            tracing::warn!(
                sink = self.name,
                "shutting down without the sink: one of its calls hangs"
            );
        }
        let mut state = self.shared.lock();
        state.is_closed = true;
        let left = state.queue.drain(..).count() as u64;
        state.bury(self.name, left, "the process stopped before the receiver had taken them");
        state.status.clone()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.shared.lock().until.get_or_insert_with(Instant::now);
        self.shared.changed.notify_one();
    }
}

/// Says that the thread has ended, however it did.
struct End<'a> {
    shared: &'a Shared,
    end: &'a Sender<()>,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let why =
                "its thread died: restart the process, and report the panic that is in the log";
            self.shared.lock().status.error = Some(why.into());
        }
        // Nobody may wait for it.
        let _ = self.end.send(());
    }
}

fn run(name: &'static str, mut sink: Box<FollowingSink>, shared: &Shared, end: &Sender<()>) {
    let _end = End { shared, end };
    while let Some(record) = next(&mut *sink, shared) {
        deliver(name, &mut *sink, &record, shared);
    }
    if let Err(refusal) = sink.finish() {
        tracing::warn!(sink = name, "closing the sink: {refusal}");
    }
}

/// The record that is due; none where it is time to end. It stays in the queue until it is dealt with.
fn next(sink: &mut FollowingSink, shared: &Shared) -> Option<OutputRecord> {
    let mut state = shared.lock();
    loop {
        match state.queue.front() {
            _ if state.is_stopped() => return None,
            Some(record) => return Some(record.clone()),
            None if state.until.is_some() => return None,
            None => {
                drop(state);
                sink.idle();
                let again = shared.lock();
                state = if again.queue.is_empty() { shared.wait(again, IDLE) } else { again };
            }
        }
    }
}

/// Offers a record until it is taken, refused for good, or refused too often.
fn deliver(name: &str, sink: &mut FollowingSink, record: &OutputRecord, shared: &Shared) {
    let mut pause = PAUSE_FIRST;
    for number in 1..=TRIES_MAX {
        let written = sink.write(record);
        let mut state = shared.lock();
        if state.is_closed {
            return;
        }
        match written {
            Ok(()) => {
                state.status.delivered += 1;
                state.status.error = None;
            }
            Err(Refusal::Later { why, after }) if number < TRIES_MAX => {
                state.status.retries += 1;
                state.status.error = Some(why);
                if !paused(shared, state, after.unwrap_or(pause).min(PAUSE_MAX)) {
                    return;
                }
                pause = (pause * 2).min(PAUSE_MAX);
                continue;
            }
            Err(Refusal::Later { why, .. }) => {
                state.bury(name, 1, &format!("refused {TRIES_MAX} times: {why}"));
                state.status.error = Some(why);
            }
            Err(Refusal::Never { why }) => {
                state.bury(name, 1, &why);
                state.status.error = Some(why);
            }
        }
        state.queue.pop_front();
        return;
    }
}

/// Waits; false where it is time to end.
fn paused(shared: &Shared, mut state: MutexGuard<'_, State>, length: Duration) -> bool {
    let until = Instant::now() + length;
    loop {
        if state.is_stopped() {
            return false;
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        let end = state.until.map_or(left, |end| end.saturating_duration_since(Instant::now()));
        state = shared.wait(state, left.min(end));
    }
}
