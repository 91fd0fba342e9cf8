//! What both ways of writing an epoch share.
//!
//! Not here: the writing itself (`transactional`, `at_least_once`), and who calls it (`committer`).

use std::time::{Duration, Instant};

use crate::kafka::KafkaFault;
use crate::model::stream::Epoch;

/// While the group is being rebalanced, or this member is not of it, an epoch waits this often and long.
pub(super) const OUTSIDE_TRIES: usize = 20;
pub(super) const OUTSIDE_PAUSE: Duration = Duration::from_millis(250);

/// How writing an epoch ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// It is durable.
    Committed,
    /// It is not, and must not be written by this process.
    Lost(String),
}

/// A way of writing epochs.
pub(super) trait Write: Send {
    /// Makes the first producer; gives up at a refusal, or after `patience`.
    fn begin(&mut self, patience: Duration) -> Result<(), KafkaFault>;

    /// Serves the producer's events while there is nothing to write.
    fn idle(&self);

    /// Writes an epoch, however long it takes.
    fn write(&mut self, epoch: &Epoch) -> Written;
}

/// Microseconds since an instant.
pub(super) fn elapsed_us(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX)
}
