//! What both ways of writing an epoch share.
//!
//! Not here: the writing itself (`transactional`, `at_least_once`), and who calls it (`committer`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::status::Shared;
use super::watch::CallWatchdog;
use super::{CommitSettings, Group};
use crate::model::stream::TopicPartition;

/// While the group is being rebalanced, or this member is not of it, an epoch waits this often and long.
pub(super) const OUTSIDE_TRIES: usize = 20;
pub(super) const OUTSIDE_PAUSE: Duration = Duration::from_millis(250);

/// What a writer is made of.
pub(super) struct WriterParts {
    pub(super) settings: CommitSettings,
    pub(super) group: Arc<dyn Group>,
    /// What the group has committed, as far as it is known.
    pub(super) before: Vec<(TopicPartition, i64)>,
    pub(super) shared: Arc<Shared>,
    pub(super) watchdog: CallWatchdog,
}

/// Microseconds since an instant.
pub(super) fn elapsed_us(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX)
}
