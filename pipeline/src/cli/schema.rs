//! `driftline schema`.

use std::process::ExitCode;

use super::Terminal;

/// Prints the schema of a file that Driftline reads or writes
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs it.
pub fn run(_args: Args, _terminal: &Terminal) -> anyhow::Result<ExitCode> {
    anyhow::bail!("`driftline schema` is not part of this version");
}
