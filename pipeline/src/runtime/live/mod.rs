//! Running live: topics in, findings and alerts out, for as long as it is let.
//!
//! ```text
//! member ─► flow ◄─ fetch threads (Fetched)      flow: shards (engines), one cut each commit interval
//!            │ ▲
//!      Epoch ▼ │ Outcome                         commit thread: results and offsets together
//!        committer         snapshot thread ◄─ fork of an engine whose cut is committed
//! ```
//!
//! [`shard`] and [`outbox`] are pure; [`flow`] is the one thread that owns all state. Not here: how bytes
//! are fetched (`source`), how a commit is made (`sink`), what is found (`engine`).

mod assignment;
pub mod decisions;
pub mod flow;
mod opening;
pub mod outbox;
mod report;
mod saving;
pub mod shard;
mod watch;

use crossbeam_channel::Sender;

pub use self::flow::{Ended, Flow, Parts};
pub use self::opening::EngineFactory;
pub use self::report::Report;
use crate::codec::{LayoutError, UnknownFormat};
use crate::kafka::KafkaFault;
use crate::model::Settings;
use crate::state::StateFault;

/// What a running flow is asked to do.
#[derive(Debug)]
pub enum Command {
    /// Finish what is under way, and end.
    Stop,
    /// Go on with other settings; the answer says what was done, or why not.
    Reload(Box<Settings>, Sender<Result<String, String>>),
}

/// Why running live cannot begin or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LiveFault {
    /// A broker, a topic, or what may be done with them.
    #[error(transparent)]
    Kafka(#[from] KafkaFault),
    /// Where snapshots are kept.
    #[error(transparent)]
    State(#[from] StateFault),
    /// The layout cannot be read.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The format of the messages.
    #[error("[source].format: {0}")]
    Format(#[from] UnknownFormat),
    /// `from = "committed"` and there is nothing.
    #[error(
        "group {0} has no committed offsets, and [source].from is \"committed\"; name the right group, or begin with \"earliest\", \"latest\" or a time"
    )]
    NothingCommitted(String),
    /// Membership in the group ended.
    #[error(
        "the consumer group is lost: {0}; start again, and check that no other member has the same instance_id"
    )]
    Member(String),
    /// A part of this process has died, which is a bug: only a new start mends it.
    #[error(
        "{0} has ended unexpectedly, which is a bug in Driftline: the process exits; the next start continues from the last commit"
    )]
    Died(String),
    /// A baseline file.
    #[error("cannot load the baselines: {0}")]
    Baseline(String),
}
