//! A set on disk: files of events, `truth.json`, and a fitting `driftline.toml`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::event::{Event, METRICS, Slot};
use super::generator::Generator;
use super::plan::{Plan, PlanError};
use super::truth::Truth;
use super::write::Format;

/// Most files of one set.
pub const FILES_MAX: usize = 10_000;

/// Events between two reports of progress.
const REPORT_EVENTS: u64 = 1 << 14;

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Events.
    pub events: u64,
    /// Files of events, in order of time.
    pub files: Vec<PathBuf>,
    /// Bytes of these files.
    pub bytes: u64,
}

/// Why a set was not written.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// The plan breaks a bound.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A file cannot be written.
    #[error("cannot write {path}: check that the folder exists, is writable and has room")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Writes a set into a folder, which is made where it does not exist; files of the same names are
/// replaced. `report` is called with the number of events written so far.
///
/// # Errors
/// When the plan breaks a bound or a file cannot be written.
pub fn write(
    plan: &Plan,
    format: &Format,
    files: usize,
    folder: &Path,
    report: &mut dyn FnMut(u64),
) -> Result<Written, DatasetError> {
    let mut generator = Generator::new(plan)?;
    let files = files.clamp(1, FILES_MAX);
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source: io::Error| DatasetError::Write { path, source }
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let vocabulary = generator.vocabulary().clone();
    let mut written = Written { events: 0, files: Vec::new(), bytes: 0 };
    let mut event = Event::default();
    let mut more = generator.next_into(&mut event);
    for number in 0..files {
        let path = folder.join(file_name(number, files, format));
        let until = plan.start_ms + plan.span_ms * (number as i64 + 1) / files as i64;
        let create = format.create(&path, &vocabulary, plan.vectors > 0);
        let mut writer = create.map_err(failed(&path))?;
        while more && event.arrival_ms < until {
            writer.write(&event).map_err(failed(&path))?;
            written.events += 1;
            if written.events.is_multiple_of(REPORT_EVENTS) {
                report(written.events);
            }
            more = generator.next_into(&mut event);
        }
        writer.finish().map_err(failed(&path))?;
        written.bytes += fs::metadata(&path).map_err(failed(&path))?.len();
        written.files.push(path);
    }
    report(written.events);
    let truth = folder.join("truth.json");
    let text = serde_json::to_string_pretty(&Truth::of(plan)).map_err(io::Error::from);
    let text = text.map_err(failed(&truth))?;
    fs::write(&truth, text + "\n").map_err(failed(&truth))?;
    let config = folder.join("driftline.toml");
    fs::write(&config, config_text(plan, format)).map_err(failed(&config))?;
    Ok(written)
}

fn file_name(number: usize, files: usize, format: &Format) -> String {
    match files {
        1 => format!("events.{}", format.extension),
        _ => format!("events-{number:04}.{}", format.extension),
    }
}

/// A config that reads the set. Paths in it are relative to its own folder.
pub fn config_text(plan: &Plan, format: &Format) -> String {
    let mut text = format!(
        "# Reads the synthetic telemetry beside this file. What is true of it: truth.json.\n\
         pipeline = \"synthetic\"\n\n\
         [input]\npaths = [\"events*.{}\"]\nformat = \"{}\"\n\n\
         [time]\npath = \"ts\"\n\n\
         [keys]\nmodel = \"model\"\nversion = \"model_version\"\nid = \"request_id\"\n\
         # segments = [\"region\"]\n",
        format.extension,
        format.config_name()
    );
    for metric in METRICS.iter().filter(|metric| metric.slot != Slot::Vector || plan.vectors > 0) {
        let kind = match metric.slot {
            Slot::Number(_) => "number",
            Slot::Category(_) => "category",
            Slot::Flag => "flag",
            Slot::Vector => "vector",
        };
        text.push_str(&format!("\n[metrics.{}]\n", metric.name));
        if metric.path != metric.name {
            text.push_str(&format!("path = \"{}\"\n", metric.path));
        }
        text.push_str(&format!("kind = \"{kind}\"\n"));
        if !metric.unit.is_empty() {
            text.push_str(&format!("unit = \"{}\"\n", metric.unit));
        }
    }
    text.push_str("\n[detect]\nbudget_per_week = 1.0\n\n[output]\n");
    for output in ["findings", "alerts", "rejects"] {
        text.push_str(&format!("{output} = \"{output}.ndjson\"\n"));
    }
    text
}
