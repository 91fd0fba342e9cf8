//! `driftline replay`.

use std::process::ExitCode;

use super::Terminal;

/// Replays historical logs and reports what changed
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs it.
pub fn run(_args: Args, _terminal: &Terminal) -> anyhow::Result<ExitCode> {
    anyhow::bail!("`driftline replay` is not part of this version");
}
