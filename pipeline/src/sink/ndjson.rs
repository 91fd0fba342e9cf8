//! The results of a replay as NDJSON: one object a line, each kind of result in its file.

use super::contract::{FileSink, Sink};
use super::lines::{Lines, ResultPaths, WriteError};
use super::spec::{Role, SinkSpec};
use crate::model::OutputRecord;

/// The open files.
struct ResultFiles {
    findings: Lines,
    alerts: Lines,
    rejects: Lines,
}

/// The line of the table.
pub const FILES: SinkSpec = SinkSpec {
    name: "ndjson",
    doc: "Files of a replay, one JSON object a line (`[output]`).",
    options: &[],
    role: Role::Files { make: create },
};

/// Creates (or replaces) the files.
///
/// # Errors
/// Where one of them cannot be created.
pub fn create(paths: &ResultPaths) -> Result<Box<FileSink>, WriteError> {
    Ok(Box::new(ResultFiles {
        findings: Lines::create(&paths.findings)?,
        alerts: Lines::create(&paths.alerts)?,
        rejects: Lines::create(&paths.rejects)?,
    }))
}

impl Sink for ResultFiles {
    type Input = OutputRecord;
    type Fault = WriteError;

    fn write(&mut self, record: &OutputRecord) -> Result<(), WriteError> {
        match record {
            OutputRecord::Finding(_) => self.findings.write(record),
            OutputRecord::Alert(_) => self.alerts.write(record),
            OutputRecord::Reject(_) => self.rejects.write(record),
        }
    }

    fn finish(&mut self) -> Result<(), WriteError> {
        self.findings.finish()?;
        self.alerts.finish()?;
        self.rejects.finish()
    }
}
