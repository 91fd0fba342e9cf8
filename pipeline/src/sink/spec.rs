//! What the table says of a sink.

use super::contract::{FileSink, FollowingSink};
use super::lines::{ResultPaths, WriteError};
use crate::model::live::{Delivery, FollowerSettings, Live};

/// A line of the table: everything that others know of a sink.
pub struct SinkSpec {
    /// Its name: in the config, in the status, as the label `sink` of its metrics.
    pub name: &'static str,
    /// What it does, in a sentence, for the documentation.
    pub doc: &'static str,
    /// The options of its section `[sinks.NAME]`; none where it is wired by sections of its own.
    pub options: &'static [SinkOption],
    /// Its kind, and what is needed to make one.
    pub role: Role,
}

/// The kinds of sinks; what each must promise says [`Sink`](super::Sink).
pub enum Role {
    /// Takes part in the epoch, in this mode of delivery.
    Epoch {
        /// The mode that selects it.
        mode: Delivery,
        /// The step of `driftline check`: whether it may write.
        check: fn(&Live) -> Checked,
    },
    /// Follows committed epochs.
    Follower {
        /// Looks at the settings and makes it; what is wrong with them otherwise. Reaches out to nobody.
        make: fn(&FollowerSettings) -> Result<Box<FollowingSink>, String>,
        /// The step of `driftline check`: whether its receiver can be reached. Writes nothing that is seen.
        check: fn(&FollowerSettings) -> Checked,
    },
    /// Takes the results of a replay.
    Files {
        /// Creates the files.
        make: fn(&ResultPaths) -> Result<Box<FileSink>, WriteError>,
    },
}

/// An option of a sink's section.
pub struct SinkOption {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// Its default as TOML; empty: none.
    pub default: &'static str,
    /// Whether a section without it is wrong.
    pub is_required: bool,
    /// What it does, for people.
    pub doc: &'static str,
}

/// What an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// A text, in the config or in an environment variable or file that it names.
    Text,
    /// The same, but never in the config itself.
    Secret,
    /// A duration between these two, in microseconds.
    Duration(i64, i64),
    /// A whole number between these two.
    Whole(u64, u64),
}

/// How a step of `driftline check` went, with a sentence about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checked {
    /// It works.
    Right(String),
    /// It cannot be known without a trace, or it may be meant so.
    Doubt(String),
    /// It does not work.
    Wrong(String),
}
