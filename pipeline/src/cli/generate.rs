//! `driftline generate`.

use std::process::ExitCode;

use super::Terminal;

/// Writes labelled synthetic telemetry
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs it.
pub fn run(_args: Args, _terminal: &Terminal) -> anyhow::Result<ExitCode> {
    anyhow::bail!("`driftline generate` is not part of this version");
}
