//! `driftline init`.

use std::process::ExitCode;

use super::Terminal;

/// Writes a config from a sample of your own events
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs it.
pub fn run(_args: Args, _terminal: &Terminal) -> anyhow::Result<ExitCode> {
    anyhow::bail!("`driftline init` is not part of this version");
}
