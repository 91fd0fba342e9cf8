//! How an answer is printed.

use clap::ValueEnum;

/// For people or for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// A table for people
    Text,
    /// One JSON object
    Json,
}
