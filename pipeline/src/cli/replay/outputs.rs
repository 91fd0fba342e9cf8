//! The three result files of a replay.

use std::path::{Path, PathBuf};

use crate::config::Files;
use crate::model::{Alert, Finding, OutputRecord, RejectRecord};
use crate::sink::lines::{ResultPaths, WriteError};
use crate::sink::{self, FileSink};

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
    /// Where findings go.
    pub(super) findings: PathBuf,
    sink: Box<FileSink>,
    /// One of them is standard output.
    pub(super) on_stdout: bool,
}

impl Outputs {
    pub(super) fn create(args: &OutputArgs, files: &Files) -> Result<Self, WriteError> {
        let pick = |asked: &Option<PathBuf>, configured: &Path| -> PathBuf {
            asked.clone().unwrap_or_else(|| configured.to_owned())
        };
        let paths = ResultPaths {
            findings: pick(&args.findings, &files.findings),
            alerts: pick(&args.alerts, &files.alerts),
            rejects: pick(&args.rejects, &files.rejects),
        };
        let on_stdout = paths.all().into_iter().any(|path| path.as_os_str() == "-");
        Ok(Self { sink: sink::files(&paths)?, findings: paths.findings, on_stdout })
    }

    /// Writes what the engine gave.
    pub(super) fn write(
        &mut self,
        findings: &[Finding],
        alerts: &[Alert],
    ) -> Result<(), WriteError> {
        for finding in findings {
            self.sink.write(&OutputRecord::Finding(Box::new(finding.clone())))?;
        }
        for alert in alerts {
            self.sink.write(&OutputRecord::Alert(Box::new(alert.clone())))?;
        }
        Ok(())
    }

    /// Writes a record that could not be read.
    pub(super) fn reject(&mut self, reject: RejectRecord) -> Result<(), WriteError> {
        self.sink.write(&OutputRecord::Reject(Box::new(reject)))
    }

    pub(super) fn finish(mut self) -> Result<(), WriteError> {
        self.sink.finish()
    }
}
