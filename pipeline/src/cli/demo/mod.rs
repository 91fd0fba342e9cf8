//! `driftline demo`: the whole job, told while it happens. Live on a broker inside of this process, or over
//! files.
//!
//! Nothing is played back: telemetry is generated with known changes, the real source, engine and sinks work
//! on it, and what is shown was read from their topics. What was not found is said.

mod feed;
mod files;
mod live;
mod stage;
mod story;
mod witness;

use std::path::PathBuf;
use std::process::ExitCode;

use super::Terminal;
use crate::synth::Plan;

/// Enough for every model to have a baseline within its first hour.
const EVENTS: u64 = 600_000;
const MODELS: usize = 30;

/// Show Driftline at work: inject five changes into the telemetry of 30 models, and find them
///
/// Starts an embedded Kafka broker in this process, sends it six hours of telemetry in forty seconds,
/// and shows findings and alerts as they arrive on their topics, with their delay against the truth.
/// Nothing needs to be installed, and nothing is left behind.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  driftline demo                           Live, in a minute
  driftline demo --seconds 120             The same at a third of the pace
  driftline demo --files driftline-demo    With files instead, which stay for you to look at")]
pub struct Args {
    /// Seed of the telemetry
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seconds the six hours take
    #[arg(long, default_value_t = 40, value_name = "N", value_parser = clap::value_parser!(u64).range(5..=3600),
        conflicts_with = "files")]
    seconds: u64,
    /// No broker: write the telemetry into this folder, and replay it
    #[arg(long, value_name = "FOLDER")]
    files: Option<PathBuf>,
}

/// Runs it.
pub fn run(args: Args, terminal: &Terminal) -> anyhow::Result<ExitCode> {
    let mut plan = Plan { seed: args.seed, events: EVENTS, models: MODELS, ..Plan::default() };
    plan.drifts = plan.default_drifts();
    match &args.files {
        Some(folder) => files::run(&plan, folder, terminal),
        None => live::run(&plan, std::time::Duration::from_secs(args.seconds), terminal),
    }
}
