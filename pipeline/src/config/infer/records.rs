//! The first records of a file of the user's, into a [`Profile`].
//!
//! Not here: what is in a record, which the codec of the file says.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::profile::Profile;
use crate::codec::unpack::{Unpacked, unpack};
use crate::codec::{Codec, Codecs, OpenFile, SampleFault};
use crate::model::Limits;

/// Why there is no sample.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// The file cannot be read.
    #[error("cannot read the sample {path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is a folder.
    #[error("{0} is a folder; name one file in it")]
    Folder(PathBuf),
    /// The file is not of its format.
    #[error("{path} is not a {format} file: {reason}; name its format with --format")]
    Broken {
        /// The file.
        path: PathBuf,
        /// What it was taken for.
        format: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// There is nothing in it.
    #[error(
        "{path} has no event that can be read as {format} ({unreadable} records tried); name its format with --format"
    )]
    Empty {
        /// The file.
        path: PathBuf,
        /// What it was taken for.
        format: &'static str,
        /// Records that were tried.
        unreadable: u64,
    },
    /// Neither standard input nor a compressed file can be read from its end.
    #[error("a {0} sample must be an uncompressed file, not standard input")]
    NotSeekable(&'static str),
    /// The codec cannot do it.
    #[error("{0} files cannot be sampled; see docs/config.md to write a config by hand")]
    Unsupported(&'static str),
}

/// Reads up to `records_max` records of a file; `-` is standard input.
///
/// # Errors
/// [`SampleError`].
pub fn read(path: &Path, format: Option<&str>, records_max: u64) -> Result<Profile, SampleError> {
    if path.is_dir() {
        return Err(SampleError::Folder(path.to_owned()));
    }
    let (file, beginning) =
        open(path).map_err(|source| SampleError::Unreadable { path: path.to_owned(), source })?;
    let codecs = Codecs::built_in();
    let asked = format.and_then(|name| codecs.for_files(name).ok());
    let codec = asked
        .or_else(|| codecs.by_name_of(path))
        .or_else(|| guess(&codecs, path, &beginning))
        .unwrap_or_else(|| codecs.by_content(&beginning));
    let format = codec.format().name;
    let mut profile = Profile::default();
    let Some(files) = codec.files() else { return Err(SampleError::Unsupported(format)) };
    files.sample(file, records_max, &mut profile).map_err(|fault| match fault {
        SampleFault::Broken(reason) => {
            SampleError::Broken { path: path.to_owned(), format, reason }
        }
        SampleFault::NotSeekable => SampleError::NotSeekable(format),
        SampleFault::Unsupported => SampleError::Unsupported(format),
    })?;
    if profile.records == 0 {
        let (path, unreadable) = (path.to_owned(), profile.unreadable);
        return Err(SampleError::Empty { path, format, unreadable });
    }
    Ok(profile)
}

/// What a sample without a known extension is. A replay takes it for lines of JSON where nothing tells;
/// here, where a user looks at the outcome, other text may be CSV.
fn guess(codecs: &Codecs, path: &Path, beginning: &[u8]) -> Option<&'static dyn Codec> {
    let name = path.file_name()?.to_str()?.to_lowercase();
    if name.trim_end_matches(".gz").trim_end_matches(".zst").ends_with(".log") {
        return codecs.for_files("ndjson").ok();
    }
    codecs.by_magic(beginning).or_else(|| {
        let first = beginning.iter().find(|byte| !byte.is_ascii_whitespace());
        let is_json = matches!(first, Some(b'{' | b'[') | None);
        codecs.for_files(if is_json { "ndjson" } else { "csv" }).ok()
    })
}

/// Opens a sample; gives its first bytes, too, unpacked.
fn open(path: &Path) -> std::io::Result<(OpenFile, Vec<u8>)> {
    let stored: Box<dyn Read + Send> = match path.as_os_str() == "-" {
        true => Box::new(std::io::stdin()),
        false => Box::new(File::open(path)?),
    };
    let Unpacked { bytes, beginning, is_packed } = unpack(stored)?;
    let file = OpenFile {
        path: path.to_owned(),
        bytes,
        is_seekable: !is_packed && path.is_file(),
        partition: 0,
        limits: Limits::default(),
        bytes_read: Arc::default(),
    };
    Ok((file, beginning))
}
