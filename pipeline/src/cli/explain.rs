//! `driftline explain`.

use std::process::ExitCode;

use super::Terminal;

/// Shows why a finding fired
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs it.
pub fn run(_args: Args, _terminal: &Terminal) -> anyhow::Result<ExitCode> {
    anyhow::bail!("`driftline explain` is not part of this version");
}
