//! Results as NDJSON: one object a line, to a file or to standard output.

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
    out: BufWriter<Box<dyn Write>>,
    lines: u64,
}

impl Lines {
    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Creates (or replaces) a file; `-` is standard output.
    ///
    /// # Errors
    /// Where it cannot be created.
    pub fn create(path: &Path) -> Result<Self, WriteError> {
        let out: Box<dyn Write> = if path.as_os_str() == "-" {
            Box::new(io::stdout())
        } else {
            let failed = |cause| WriteError { path: path.to_owned(), cause };
            Box::new(File::create(path).map_err(failed)?)
        };
        Ok(Self { path: path.to_owned(), out: BufWriter::new(out), lines: 0 })
    }

    /// Writes one object.
    ///
    /// # Errors
    /// Where the file takes no more.
    pub fn write(&mut self, object: &impl Serialize) -> Result<(), WriteError> {
        let written = serde_json::to_writer(&mut self.out, object)
            .map_err(io::Error::from)
            .and_then(|()| self.out.write_all(b"\n"));
        self.lines += 1;
        written.map_err(|cause| WriteError { path: self.path.clone(), cause })
    }

    /// Makes sure that all is written; returns the number of lines.
    ///
    /// # Errors
    /// Where the file takes no more.
    pub fn finish(mut self) -> Result<u64, WriteError> {
        self.out.flush().map_err(|cause| WriteError { path: self.path.clone(), cause })?;
        Ok(self.lines)
    }
}
