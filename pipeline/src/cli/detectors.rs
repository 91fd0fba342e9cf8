//! `driftline detectors`.

use std::process::ExitCode;

use super::Terminal;

/// Lists the detectors, with their parameters and references
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs it.
pub fn run(_args: Args, _terminal: &Terminal) -> anyhow::Result<ExitCode> {
    anyhow::bail!("`driftline detectors` is not part of this version");
}
