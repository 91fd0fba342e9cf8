//! How a fetch thread is doing, for metrics and for people.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// A look at a fetch thread.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FetchStatus {
    /// Messages that wait in librdkafka.
    pub waiting_messages: usize,
    /// Their bytes, estimated from the mean size of those that came.
    pub waiting_bytes: usize,
    /// Messages that were handed on, tombstones included.
    pub messages: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// Offsets that were no longer kept when they were to be read.
    pub lost_offsets: u64,
    /// What is wrong, in words; the last error of the client otherwise.
    pub error: Option<String>,
    /// Whether it waits for somebody to take a batch.
    pub is_blocked: bool,
}

/// The same, as the thread writes it.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) waiting_messages: AtomicUsize,
    pub(super) messages: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) lost_offsets: AtomicU64,
    pub(super) blocked: AtomicBool,
    pub(super) ended: AtomicBool,
    trouble: Mutex<Option<String>>,
}

impl Counters {
    /// Says what is wrong; none = nothing any more.
    pub(super) fn tell(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    /// The present state; `error` is the client's last word.
    pub(super) fn status(&self, error: Option<String>) -> FetchStatus {
        let (messages, bytes) =
            (self.messages.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed));
        let waiting_messages = self.waiting_messages.load(Ordering::Relaxed);
        let mean_bytes = bytes.checked_div(messages).unwrap_or(0) as usize;
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
        FetchStatus {
            waiting_messages,
            waiting_bytes: waiting_messages.saturating_mul(mean_bytes),
            messages,
            bytes,
            lost_offsets: self.lost_offsets.load(Ordering::Relaxed),
            error: trouble.or(error),
            is_blocked: self.blocked.load(Ordering::Relaxed),
        }
    }
}
