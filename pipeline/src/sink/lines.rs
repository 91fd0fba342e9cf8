//! Lines of JSON, to a file or to standard output.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

/// A result file that could not be written.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot write {path}: {cause}; check that the folder exists and has room, or name another file"
)]
pub struct WriteError {
    /// The file.
    pub path: PathBuf,
    /// Why. Not a `source`: the message tells it already.
    pub cause: io::Error,
}

/// One result file.
pub struct Lines {
    path: PathBuf,
    out: BufWriter<Box<dyn Write + Send>>,
}

impl Lines {
    /// Creates (or replaces) a file; `-` is standard output.
    ///
    /// # Errors
    /// Where it cannot be created.
    pub fn create(path: &Path) -> Result<Self, WriteError> {
        let out: Box<dyn Write + Send> = if path.as_os_str() == "-" {
            Box::new(io::stdout())
        } else {
            let failed = |cause| WriteError { path: path.to_owned(), cause };
            Box::new(File::create(path).map_err(failed)?)
        };
        Ok(Self { path: path.to_owned(), out: BufWriter::new(out) })
    }

    /// Writes one object.
    ///
    /// # Errors
    /// Where the file takes no more.
    pub fn write(&mut self, object: &impl Serialize) -> Result<(), WriteError> {
        let written = serde_json::to_writer(&mut self.out, object)
            .map_err(io::Error::from)
            .and_then(|()| self.out.write_all(b"\n"));
        written.map_err(|cause| WriteError { path: self.path.clone(), cause })
    }

    /// Makes sure that all is written.
    ///
    /// # Errors
    /// Where the file takes no more.
    pub fn finish(&mut self) -> Result<(), WriteError> {
        self.out.flush().map_err(|cause| WriteError { path: self.path.clone(), cause })
    }
}

/// The files that the results of a replay go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultPaths {
    /// Findings.
    pub findings: PathBuf,
    /// Transitions of alerts.
    pub alerts: PathBuf,
    /// Records that could not be read.
    pub rejects: PathBuf,
}

impl ResultPaths {
    /// All of them.
    pub fn all(&self) -> [&Path; 3] {
        [&self.findings, &self.alerts, &self.rejects]
    }
}
