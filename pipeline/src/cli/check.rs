//! `driftline check`.

use std::path::PathBuf;
use std::process::ExitCode;

use super::Terminal;
use crate::config;

/// Checks a config, all of it at once
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The config
    #[arg(default_value = config::DEFAULT_PATH)]
    config: PathBuf,
}

/// Reads the config; its errors are the error.
pub fn run(args: Args, terminal: &Terminal) -> anyhow::Result<ExitCode> {
    let (settings, _) = config::load(&args.config)?;
    terminal.print(&format!("{settings:#?}\n"))?;
    Ok(ExitCode::SUCCESS)
}
