//! The arguments of `driftline replay`.

use std::path::PathBuf;

use clap::ValueEnum;

use super::outputs::OutputArgs;
use crate::cli::input::InputArgs;

const EXAMPLES: &str = "\
Examples:
  driftline replay logs/                                   All known files in a folder
  driftline replay 'logs/2026-1*.ndjson.gz' --from 2026-10-01 --to 2026-11-01
  zcat huge.gz | driftline replay - -c prod.toml           Standard input
  driftline replay logs/ --baseline good.baseline          Judge against an earlier baseline
  driftline replay logs/ --fail-on warning                 For CI: exit code 1 if anything changed
  driftline replay logs/ --findings - | jq .summary        Findings on standard output
  driftline replay --from-topic events --from 2026-11-01   A topic, as a live run sees it
  driftline replay --compare                               Compare a live run with a replay

Findings, alerts and rejects are written as NDJSON to the files in [output] of the config
(findings.ndjson, alerts.ndjson, rejects.ndjson); the summary goes to standard output.";

/// What makes the exit code 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOn {
    /// Nothing
    Never,
    /// A finding of any severity
    Info,
    /// A finding of severity warning or critical
    Warning,
    /// A finding of severity critical
    Critical,
    /// An alert that is still firing at the end
    Firing,
}

/// Replay historical logs and report what changed
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    pub(super) input: InputArgs,
    /// Baselines to judge against instead of learning them
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
    /// Write the baselines that were used or learned
    #[arg(long, value_name = "FILE")]
    pub(super) save_baseline: Option<PathBuf>,
    /// Acceptable false alarms a week, instead of the config's
    #[arg(long, value_name = "N")]
    pub(super) budget: Option<f64>,
    #[command(flatten)]
    pub(super) outputs: OutputArgs,
    /// Threads [default: one per core]
    #[arg(long, value_name = "N")]
    pub(super) threads: Option<usize>,
    /// Exit with 1 if something of this kind was found
    #[arg(long, value_enum, default_value_t = FailOn::Never, value_name = "WHAT")]
    pub(super) fail_on: FailOn,
    #[command(flatten)]
    pub(super) topics: TopicArgs,
}

/// Options of topics.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "From Kafka")]
pub(super) struct TopicArgs {
    /// Read this topic instead of files, or all topics that match a regular expression beginning with ^;
    /// --from and --to are then broker timestamps; may be repeated
    #[arg(long, value_name = "TOPIC", conflicts_with_all = ["paths", "format"])]
    pub(super) from_topic: Vec<String>,
    /// Group whose decisions to follow [default: [source].group of the config]
    #[arg(long, value_name = "GROUP")]
    pub(super) group: Option<String>,
    /// Replay everything that the group has read live, and compare the findings byte for byte with those on
    /// this topic [default: [sinks].findings of the config]; exit with 1 if they differ
    #[arg(
        long,
        value_name = "TOPIC",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        conflicts_with_all = ["paths", "format", "from_topic", "from", "to", "budget"]
    )]
    pub(super) compare: Option<String>,
}

impl TopicArgs {
    /// Whether topics are asked for at all.
    pub(super) fn is_asked(&self) -> bool {
        !self.from_topic.is_empty() || self.compare.is_some()
    }
}
