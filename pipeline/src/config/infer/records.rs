//! The first records of a file of the user's, into a [`Profile`].
//!
//! Lenient: a record that cannot be read is counted and skipped. Not here: the decoders that a replay uses.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use serde_json::Value as Json;

use super::columns;
use super::profile::{Profile, Value};
use crate::codec::guarded;

/// Longest record that is looked at, in bytes.
const RECORD_BYTES_MAX: usize = 1 << 20;
/// Deepest nesting that is looked at.
const DEPTH_MAX: usize = 32;

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
    #[error("{path} is no {format} file: {reason}; name its format with --format")]
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
    /// A JSON array.
    #[error("{0} is one JSON array; write one object a line, as with `jq -c '.[]'`")]
    JsonArray(PathBuf),
    /// Standard input cannot be sought.
    #[error("a {0} sample must be a file, not standard input")]
    NotSeekable(&'static str),
}

/// How the records of a sample are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Ndjson,
    Csv,
    Parquet,
    Arrow,
}

/// Name, extensions and form.
const FORMS: &[(&str, &[&str], Form)] = &[
    ("ndjson", &["ndjson", "jsonl", "json", "log"], Form::Ndjson),
    ("csv", &["csv"], Form::Csv),
    ("parquet", &["parquet", "pq"], Form::Parquet),
    ("arrow", &["arrow", "arrows", "ipc", "feather"], Form::Arrow),
];

impl Form {
    fn name(self) -> &'static str {
        FORMS.iter().find(|(.., form)| *form == self).map_or("", |(name, ..)| name)
    }

    fn by_name(name: &str) -> Option<Self> {
        FORMS.iter().find(|(known, ..)| *known == name).map(|(.., form)| *form)
    }

    fn by_extension(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_lowercase();
        let name = name.trim_end_matches(".gz").trim_end_matches(".zst");
        let (_, extension) = name.rsplit_once('.')?;
        FORMS
            .iter()
            .find(|(_, extensions, _)| extensions.contains(&extension))
            .map(|(.., form)| *form)
    }

    fn by_content(begin: &[u8]) -> Self {
        match begin {
            [b'P', b'A', b'R', b'1', ..] => Self::Parquet,
            [b'A', b'R', b'R', b'O', b'W', b'1', ..] | [0xFF, 0xFF, 0xFF, 0xFF, ..] => Self::Arrow,
            _ => match begin.iter().find(|byte| !byte.is_ascii_whitespace()) {
                Some(b'{' | b'[') | None => Self::Ndjson,
                Some(_) => Self::Csv,
            },
        }
    }
}

/// Reads up to `records_max` records of a file; `-` is standard input.
pub fn read(path: &Path, format: Option<&str>, records_max: u64) -> Result<Profile, SampleError> {
    let unreadable = |source| SampleError::Unreadable { path: path.to_owned(), source };
    let asked = format.and_then(Form::by_name).or_else(|| Form::by_extension(path));
    let is_input = path.as_os_str() == "-";
    if path.is_dir() {
        return Err(SampleError::Folder(path.to_owned()));
    }
    let mut profile = Profile::default();
    let form = if is_input {
        let mut reader = plain(BufReader::new(std::io::stdin())).map_err(unreadable)?;
        let form = asked.unwrap_or_else(|| Form::by_content(reader.fill_buf().unwrap_or(&[])));
        match form {
            Form::Parquet | Form::Arrow => return Err(SampleError::NotSeekable(form.name())),
            form => text(form, reader, records_max, &mut profile, path)?,
        }
        form
    } else {
        let mut file = File::open(path).map_err(unreadable)?;
        let mut begin = Vec::new();
        (&mut file).take(512).read_to_end(&mut begin).map_err(unreadable)?;
        file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
        let packed = matches!(begin.as_slice(), [0x1F, 0x8B, ..] | [0x28, 0xB5, 0x2F, 0xFD, ..]);
        match asked.unwrap_or_else(|| Form::by_content(&begin)) {
            form @ (Form::Parquet | Form::Arrow) if !packed => {
                let read = guarded(|| match form {
                    Form::Parquet => columns::parquet(file, records_max, &mut profile),
                    _ => columns::arrow(file, &begin, records_max, &mut profile),
                });
                let result = read.and_then(|read| read.map_err(|error| error.to_string()));
                result.map_err(|reason| SampleError::Broken {
                    path: path.to_owned(),
                    format: form.name(),
                    reason,
                })?;
                form
            }
            form => {
                let mut reader = plain(BufReader::new(file)).map_err(unreadable)?;
                let form = match packed && asked.is_none() {
                    true => Form::by_content(reader.fill_buf().unwrap_or(&[])),
                    false => form,
                };
                text(form, reader, records_max, &mut profile, path)?;
                form
            }
        }
    };
    if profile.records == 0 {
        let (path, unreadable) = (path.to_owned(), profile.unreadable);
        return Err(SampleError::Empty { path, format: form.name(), unreadable });
    }
    Ok(profile)
}

/// Unpacks gzip and zstd, told by their first bytes.
fn plain<R: BufRead + 'static>(mut reader: R) -> std::io::Result<Box<dyn BufRead>> {
    Ok(match reader.fill_buf()? {
        [0x1F, 0x8B, ..] => Box::new(BufReader::new(MultiGzDecoder::new(reader))),
        [0x28, 0xB5, 0x2F, 0xFD, ..] => {
            Box::new(BufReader::new(zstd::stream::read::Decoder::with_buffer(reader)?))
        }
        _ => Box::new(reader),
    })
}

fn text(
    form: Form,
    reader: Box<dyn BufRead>,
    records_max: u64,
    profile: &mut Profile,
    path: &Path,
) -> Result<(), SampleError> {
    if form == Form::Csv {
        csv(reader, records_max, profile);
        return Ok(());
    }
    ndjson(reader, records_max, profile, path)
}

fn ndjson(
    mut reader: Box<dyn BufRead>,
    records_max: u64,
    profile: &mut Profile,
    path: &Path,
) -> Result<(), SampleError> {
    let mut line = Vec::new();
    let mut first = true;
    while profile.records < records_max && profile.unreadable < records_max {
        line.clear();
        // A damaged end of a packed file ends the sample: what came before is a sample, too.
        let read = reader.by_ref().take(RECORD_BYTES_MAX as u64).read_until(b'\n', &mut line);
        if !matches!(read, Ok(1..)) {
            break;
        }
        if line.len() == RECORD_BYTES_MAX && line.last() != Some(&b'\n') {
            profile.unreadable += 1;
            if reader.skip_until(b'\n').is_err() {
                break;
            }
            continue;
        }
        let record = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&line).trim_ascii();
        if std::mem::take(&mut first) && record.starts_with(b"[") {
            return Err(SampleError::JsonArray(path.to_owned()));
        }
        match serde_json::from_slice::<Json>(record) {
            Ok(Json::Object(object)) => {
                profile.records += 1;
                let mut path = String::new();
                for (name, value) in &object {
                    nested(&mut path, name, value, 1, profile);
                }
            }
            _ if record.is_empty() => {}
            _ => profile.unreadable += 1,
        }
    }
    Ok(())
}

/// Observes a value under its path, and what is nested in it.
fn nested(path: &mut String, name: &str, value: &Json, depth: usize, profile: &mut Profile) {
    let before = path.len();
    if before > 0 {
        path.push('.');
    }
    path.push_str(name);
    match value {
        // A path with an empty part cannot be configured.
        _ if name.split('.').any(str::is_empty) || depth > DEPTH_MAX => {}
        Json::Object(object) => {
            for (name, value) in object {
                nested(path, name, value, depth + 1, profile);
            }
        }
        value => profile.observe(path, scalar(value)),
    }
    path.truncate(before);
}

fn scalar(value: &Json) -> Value<'_> {
    match value {
        Json::Null | Json::Object(_) => Value::Null,
        Json::Bool(on) => Value::Flag(*on),
        Json::Number(number) => number.as_f64().map_or(Value::Null, Value::Number),
        Json::String(text) => Value::Text(text),
        Json::Array(items) if items.is_empty() => Value::Null,
        Json::Array(items) if items.iter().all(Json::is_number) => Value::Vector(items.len()),
        Json::Array(_) => Value::List,
    }
}

fn csv(reader: Box<dyn BufRead>, records_max: u64, profile: &mut Profile) {
    let mut reader = csv::ReaderBuilder::new().from_reader(reader);
    let Ok(header) = reader.headers().cloned() else { return };
    let mut record = csv::StringRecord::new();
    while profile.records < records_max && profile.unreadable < records_max {
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) if error.is_io_error() => return,
            Err(_) => {
                profile.unreadable += 1;
                continue;
            }
        }
        profile.records += 1;
        for (name, cell) in header.iter().zip(&record) {
            let name = name.trim_start_matches('\u{FEFF}');
            if !name.split('.').any(str::is_empty) {
                profile.observe(name, self::cell(cell));
            }
        }
    }
}

/// A cell of a format without types.
fn cell(cell: &str) -> Value<'_> {
    match cell {
        "" => Value::Null,
        "true" | "True" | "TRUE" => Value::Flag(true),
        "false" | "False" | "FALSE" => Value::Flag(false),
        cell => match cell.parse::<f64>() {
            Ok(number) if number.is_finite() => Value::Number(number),
            _ => Value::Text(cell),
        },
    }
}
