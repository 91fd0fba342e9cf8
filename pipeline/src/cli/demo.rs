//! `driftline demo`.

use std::process::ExitCode;

use super::Terminal;

/// Shows Driftline at work on generated telemetry
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs it.
pub fn run(_args: Args, _terminal: &Terminal) -> anyhow::Result<ExitCode> {
    anyhow::bail!("`driftline demo` is not part of this version");
}
