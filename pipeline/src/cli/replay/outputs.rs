//! The three result files of a replay.

use std::path::{Path, PathBuf};

use crate::config::Files;
use crate::sink::ndjson::{Lines, WriteError};

/// Where results go, instead of where the config says.
#[derive(Debug, clap::Args)]
pub(super) struct OutputArgs {
    /// Write findings to this file; - is standard output
    #[arg(long, value_name = "FILE")]
    pub(super) findings: Option<PathBuf>,
    /// Write alerts to this file
    #[arg(long, value_name = "FILE")]
    alerts: Option<PathBuf>,
    /// Write rejects to this file
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
}

/// The open files.
pub(super) struct Outputs {
    pub(super) findings: Lines,
    pub(super) alerts: Lines,
    pub(super) rejects: Lines,
    /// One of them is standard output.
    pub(super) on_stdout: bool,
}

impl Outputs {
    pub(super) fn create(args: &OutputArgs, files: &Files) -> Result<Self, WriteError> {
        let pick = |asked: &Option<PathBuf>, configured: &Path| -> PathBuf {
            asked.clone().unwrap_or_else(|| configured.to_owned())
        };
        let paths = [
            pick(&args.findings, &files.findings),
            pick(&args.alerts, &files.alerts),
            pick(&args.rejects, &files.rejects),
        ];
        Ok(Self {
            findings: Lines::create(&paths[0])?,
            alerts: Lines::create(&paths[1])?,
            rejects: Lines::create(&paths[2])?,
            on_stdout: paths.iter().any(|p| p.as_os_str() == "-"),
        })
    }

    pub(super) fn finish(self) -> Result<(), WriteError> {
        self.findings.finish()?;
        self.alerts.finish()?;
        self.rejects.finish()?;
        Ok(())
    }
}
