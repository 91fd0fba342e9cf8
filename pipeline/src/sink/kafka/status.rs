//! What the commit thread is at, for those who watch it: waits in words, counts, times.
//!
//! Not here: deciding anything. The commit thread writes it, anybody reads a copy.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A copy of where the commit thread stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommitStatus {
    /// What it waits for; none while all goes well.
    pub waiting: Option<Waiting>,
    /// Epochs that were committed.
    pub committed: u64,
    /// Epochs that were lost.
    pub lost: u64,
    /// Tries that failed, whatever was tried.
    pub retries: u64,
    /// Producers that were given up.
    pub replaced: u64,
    /// Times of the newest epoch that was committed.
    pub phases: Option<Phases>,
}

/// A wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// For what, and what ends it.
    pub why: String,
    /// Since when, microseconds since 1970.
    pub since_us: i64,
}

/// Where the time of an epoch went, microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Phases {
    /// Number of the epoch.
    pub epoch: u64,
    /// Handing records to the client, waiting included.
    pub produce_us: u64,
    /// Sending offsets.
    pub offsets_us: u64,
    /// Waiting for the records to be written.
    pub settle_us: u64,
    /// Committing.
    pub commit_us: u64,
}

/// First and longest wait before something is tried again.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// A wait is told again in the log this often.
const TELL_EVERY: Duration = Duration::from_secs(30);
/// A waiting thread looks this often whether it should go on.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What the commit thread and its owner share.
#[derive(Default)]
pub(super) struct Shared {
    status: Mutex<CommitStatus>,
    stopped: AtomicBool,
    withdrawn: AtomicU64,
}

impl Shared {
    pub(super) fn status(&self) -> MutexGuard<'_, CommitStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// Epochs up to this number are not begun any more.
    pub(super) fn withdraw(&self, number: u64) {
        self.withdrawn.fetch_max(number.saturating_add(1), Ordering::SeqCst);
    }

    /// Why an epoch must not be begun, or begun again.
    pub(super) fn given_up(&self, number: u64) -> Option<&'static str> {
        if self.is_stopped() {
            Some("the committer was stopped")
        } else if number < self.withdrawn.load(Ordering::SeqCst) {
            Some("its partitions were taken away")
        } else {
            None
        }
    }

    /// Sleeps, unless the epoch is given up meanwhile.
    pub(super) fn pause(&self, number: u64, length: Duration) {
        let begun = Instant::now();
        while begun.elapsed() < length && self.given_up(number).is_none() {
            thread::sleep(LOOK_EVERY.min(length));
        }
    }
}

/// A row of waits for the same epoch: each longer than the one before, told now and then.
pub(super) struct Backoff<'a> {
    shared: &'a Shared,
    number: u64,
    pause: Duration,
    told: Option<Instant>,
}

impl<'a> Backoff<'a> {
    pub(super) fn new(shared: &'a Shared, number: u64) -> Self {
        Self { shared, number, pause: PAUSE_FIRST, told: None }
    }

    /// Says what is waited for.
    pub(super) fn tell(&mut self, why: &str) {
        let mut status = self.shared.status();
        match &mut status.waiting {
            Some(waiting) if waiting.why == why => {}
            Some(waiting) => why.clone_into(&mut waiting.why),
            None => status.waiting = Some(Waiting { why: why.to_owned(), since_us: now_us() }),
        }
        drop(status);
        if self.told.is_none_or(|told| told.elapsed() > TELL_EVERY) {
            self.told = Some(Instant::now());
            tracing::warn!(
                epoch = self.number,
                "writing results is blocked, nothing is lost: {why}"
            );
        }
    }

    /// Waits before the epoch is written again.
    pub(super) fn wait(&mut self, why: &str) {
        self.tell(why);
        self.shared.status().retries += 1;
        self.shared.pause(self.number, self.pause);
        self.pause = (self.pause * 2).min(PAUSE_MAX);
    }
}

impl Drop for Backoff<'_> {
    fn drop(&mut self) {
        let waited = self.shared.status().waiting.take();
        if let Some(waiting) = waited {
            let seconds = (now_us() - waiting.since_us) / 1_000_000;
            tracing::info!(epoch = self.number, seconds, "writing results continues");
        }
    }
}

pub(super) fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_shown_while_it_lasts_and_ends_when_the_epoch_is_withdrawn() {
        let shared = Shared::default();
        {
            let mut backoff = Backoff::new(&shared, 7);
            backoff.wait("the topic is full");
            let first = shared.status().waiting.clone().expect("it waits");
            assert_eq!(first.why, "the topic is full");
            backoff.tell("the topic is forbidden");
            let second = shared.status().waiting.clone().expect("it waits");
            assert_eq!(
                (second.why.as_str(), second.since_us),
                ("the topic is forbidden", first.since_us)
            );
            assert_eq!(shared.given_up(7), None);
            shared.withdraw(7);
            assert!(shared.given_up(7).is_some() && shared.given_up(8).is_none());
            let begun = Instant::now();
            shared.pause(7, Duration::from_secs(60));
            assert!(begun.elapsed() < Duration::from_secs(10));
        }
        assert_eq!(shared.status().waiting, None);
        assert_eq!(shared.status().retries, 1);
    }
}
