//! Rows as NDJSON files, and what the real replay says about files.

use std::path::{Path, PathBuf};

use driftline::engine::Engine;
use driftline::model::{Reason, Row, Settings, Value};
use driftline::runtime::replay::{Event, ReplayError, replay};
use driftline::source::FileSource;
use serde_json::{Map, json};

use crate::transcript::Transcript;

/// A row as a line of NDJSON, newline included. A missing value is left out; an invalid one is an object.
pub fn line(row: &Row, settings: &Settings) -> String {
    let mut object = Map::new();
    object.insert("ts".into(), json!(row.time_us));
    let metrics = settings.metrics.iter().map(|m| &m.name).zip(&row.metrics);
    for (name, value) in settings.key_names.iter().zip(&row.keys).chain(metrics) {
        let value = match value {
            Value::Null => continue,
            Value::Invalid => json!({"not": "readable"}),
            Value::Number(x) => json!(x),
            Value::Label(label) => json!(label),
            Value::Flag(flag) => json!(flag),
            Value::Vector(vector) => json!(vector),
        };
        object.insert(name.clone(), value);
    }
    format!("{}\n", serde_json::Value::Object(object))
}

/// Rows as lines.
pub fn text(rows: &[Row], settings: &Settings) -> String {
    rows.iter().map(|row| line(row, settings)).collect()
}

/// Writes a file into a folder and returns its path.
///
/// # Panics
/// Where it cannot be written.
pub fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("a file in a temporary folder can be written");
    path
}

/// Bytes as gzip.
///
/// # Panics
/// Never: it writes to memory.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

/// What a replay said: findings, alerts, counters, and the reason of each reject.
#[derive(Debug, Default)]
pub struct Replayed {
    /// Findings, alerts, counters.
    pub transcript: Transcript,
    /// Why records or files were refused, in the order of being told.
    pub rejects: Vec<Reason>,
}

impl Replayed {
    /// How many rejects there were for a reason.
    pub fn rejected(&self, reason: Reason) -> usize {
        self.rejects.iter().filter(|r| **r == reason).count()
    }
}

/// Replays all files of a folder.
///
/// # Panics
/// Where the replay cannot start.
pub fn replay_folder(folder: &Path, settings: &Settings, threads: usize) -> Replayed {
    let mut engine = Engine::new(settings.clone());
    replay_into(&mut engine, folder, threads)
}

/// Replays all files of a folder through an engine.
///
/// # Panics
/// Where the replay cannot start.
pub fn replay_into(engine: &mut Engine, folder: &Path, threads: usize) -> Replayed {
    let source =
        FileSource::find(&[folder.display().to_string()], None).expect("the folder has files");
    let mut replayed = Replayed::default();
    replay(&source, engine, threads, |_, event| -> Result<(), ReplayError> {
        match event {
            Event::Output(output) => replayed.transcript.add(output.clone()),
            Event::Rejects(rejects) => replayed.rejects.extend(rejects.iter().map(|r| r.reason)),
            Event::Input(_) | Event::Progress { .. } => {}
        }
        Ok(())
    })
    .expect("the replay starts");
    replayed.transcript.counters = engine.counters().clone();
    replayed
}
