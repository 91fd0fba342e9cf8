//! `driftline baseline`.

use std::process::ExitCode;

use super::Terminal;

/// Builds, shows and compares baselines
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs it.
pub fn run(_args: Args, _terminal: &Terminal) -> anyhow::Result<ExitCode> {
    anyhow::bail!("`driftline baseline` is not part of this version");
}
