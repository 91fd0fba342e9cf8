//! Files that earlier versions wrote: each later one reads them, and goes on as the earlier one would have.
//!
//! `tests/compat/VERSION` holds events, a config, and what that version made of them. Nothing there is
//! written again: today's bytes are the contract. Before a release, `DRIFTLINE_KEEP=1 cargo test --release
//! -p driftline-tests --test files compat::` makes the folder of a version that has none.
//!
//! One file was made twice: `0.1/findings-by-baseline.ndjson`. The program read some numbers of a baseline
//! file wrong in their last bit, and so gave it another version than these tests, which were built with a
//! library that turned exact reading on. Both read exactly now; ids and versions of baselines changed.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use driftline::config;
use driftline::engine::{Engine, Input};
use driftline::model::live::StateSettings;
use driftline::model::stream::TopicPartition;
use driftline::model::time::from_rfc3339;
use driftline::model::{Batch, Finding, Kind, Row, Settings, Value};
use driftline::state::{FORMAT, Manifest, SnapshotStore};
use driftline_tests::{driftline, repository};
use serde_json::Value as Json;
use tokio::runtime::{Handle, Runtime};

/// What a version refuses, by choice: the version that wrote it, the file, and words of the message, which
/// must name a remedy. Baselines and findings are never refused.
const REFUSED: &[(&str, &str, &str)] = &[];

/// The snapshot is of the state before this event: a change has begun, and is not found yet.
const CUT: &str = "2026-01-05T10:01:00Z";
/// What the baseline file was learned from ends here.
const LEARNED: &str = "2026-01-05T09:00:00Z";

/// The folder of each version.
fn kept() -> Vec<PathBuf> {
    let folders = fs::read_dir(repository("tests/compat")).expect("tests/compat");
    let mut folders: Vec<PathBuf> = folders.map(|entry| entry.expect("a folder").path()).collect();
    folders.sort();
    assert!(!folders.is_empty());
    folders
}

fn version_of(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Runs a replay in the folder of a version and returns its findings.
fn replay(folder: &Path, arguments: &[&str]) -> String {
    let out = tempfile::tempdir().expect("a folder");
    let file = |name: &str| out.path().join(name);
    let mut command = driftline();
    command.current_dir(folder).args(["replay", "--config", "driftline.toml", "--quiet"]);
    for name in ["findings", "alerts", "rejects"] {
        command.arg(format!("--{name}")).arg(file(name));
    }
    let output = command.args(arguments).output().expect("driftline runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}, {arguments:?}: {said}", folder.display());
    fs::read_to_string(file("findings")).expect("findings")
}

/// What findings say, but for the sentence: it is for people, and may be put better.
fn contents(text: &str) -> Vec<Json> {
    let parse = |line: &str| {
        let finding: Finding = serde_json::from_str(line).expect("a finding of this version");
        let mut value = serde_json::to_value(finding).expect("JSON");
        let summary = value.as_object_mut().expect("an object").remove("summary");
        assert!(summary.is_some_and(|summary| summary.is_string()));
        value
    };
    text.lines().map(parse).collect()
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn settings(folder: &Path) -> Settings {
    config::load(&folder.join("driftline.toml")).expect("a config of this version, too").0
}

/// The events of a version as rows, in their order.
fn rows(folder: &Path, settings: &Settings) -> Vec<Row> {
    let mut text = String::new();
    let file = fs::File::open(folder.join("events.ndjson.gz")).expect("events");
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("gzip");
    let label = |value: &Json| value.as_str().map_or(Value::Null, |text| Value::Label(text.into()));
    let row = |(offset, line): (usize, &str)| {
        let event: Json = serde_json::from_str(line).expect("an event");
        let mut keys = vec![Value::Null; settings.layout.keys.len()];
        keys[0] = label(&event["model"]);
        let metric = |metric: &driftline::model::settings::MetricSettings| {
            let value = &event[&metric.name];
            match metric.kind {
                Kind::Number => value.as_f64().map_or(Value::Null, Value::Number),
                Kind::Flag => value.as_bool().map_or(Value::Null, Value::Flag),
                Kind::Category | Kind::Vector => label(value),
            }
        };
        Row {
            time_us: event["ts"].as_str().and_then(from_rfc3339).expect("a time"),
            offset: offset as u64,
            keys,
            id: None,
            metrics: settings.metrics.iter().map(metric).collect(),
        }
    };
    text.lines().enumerate().map(row).collect()
}

/// Feeds rows of the one partition and returns the findings, one a line.
fn feed(engine: &mut Engine, rows: &[Row]) -> String {
    let kinds: Vec<Kind> = engine.settings().metrics.iter().map(|metric| metric.kind).collect();
    let mut lines = String::new();
    for rows in rows.chunks(1000) {
        let output = engine.step(Input::Batch(&Batch::from_rows(0, rows, &kinds)));
        for finding in output.findings {
            lines += &(serde_json::to_string(&finding).expect("JSON") + "\n");
        }
    }
    lines
}

fn handle() -> Handle {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime")).handle().clone()
}

fn home(folder: &Path) -> SnapshotStore {
    let settings = StateSettings {
        home: folder.join("snapshots").display().to_string(),
        options: Default::default(),
        every_us: 1,
        keep: 3,
    };
    SnapshotStore::open(&settings, "compat", "compat", handle()).expect("a folder")
}

fn partition() -> TopicPartition {
    TopicPartition { topic: "events".into(), partition: 0 }
}

/// Makes the files of this version.
fn keep(folder: &Path) {
    let settings = settings(folder);
    let rows = rows(folder, &settings);
    let cut = rows.partition_point(|row| row.time_us < from_rfc3339(CUT).expect("a time"));
    let mut engine = Engine::new(settings);
    engine.step(Input::Opened { partition: 0, begin_us: None });
    assert_eq!(feed(&mut engine, &rows[..cut]), "", "nothing is found before the cut");
    let manifest = Manifest {
        format: FORMAT,
        pipeline: "compat".into(),
        group: "compat".into(),
        shard: "all".into(),
        config: engine.config().to_string(),
        settings: engine.settings().clone(),
        partitions: vec![(partition(), cut as i64)],
        created_us: 0,
    };
    home(folder).put("all", &manifest, engine.fork()).expect("a folder");
    let built = driftline()
        .current_dir(folder)
        .args(["baseline", "build", "--to", LEARNED, "--output", "baseline.ndjson", "--quiet"])
        .status();
    assert!(built.expect("driftline runs").success());
    let judged = replay(folder, &["--from", LEARNED, "--baseline", "baseline.ndjson"]);
    for (name, text) in [("findings", replay(folder, &[])), ("findings-by-baseline", judged)] {
        fs::write(folder.join(format!("{name}.ndjson")), text).expect("a folder");
    }
}

#[test]
fn this_version_is_kept() {
    let [major, minor] = [env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR")];
    let folder = repository("tests/compat").join(format!("{major}.{minor}"));
    let whole = folder.join("findings.ndjson").exists();
    if !whole && std::env::var_os("DRIFTLINE_KEEP").is_some() {
        return keep(&folder);
    }
    assert!(
        whole,
        "{}: copy config and events of the version before, and run with DRIFTLINE_KEEP=1",
        folder.display()
    );
}

#[test]
fn findings_of_earlier_versions_are_read_and_found_again() {
    for folder in kept() {
        let expected = contents(&read(&folder, "findings.ndjson"));
        assert!(expected.len() >= 2, "{}", folder.display());
        assert_eq!(contents(&replay(&folder, &[])), expected, "{}", folder.display());
    }
}

#[test]
fn baselines_of_earlier_versions_are_read_and_judged_by() {
    for folder in kept() {
        let found = replay(&folder, &["--from", LEARNED, "--baseline", "baseline.ndjson"]);
        let expected = contents(&read(&folder, "findings-by-baseline.ndjson"));
        assert!(expected.len() >= 2, "{}", folder.display());
        assert_eq!(contents(&found), expected, "{}", folder.display());
    }
}

#[test]
fn snapshots_of_earlier_versions_are_gone_on_from() {
    for folder in kept() {
        let settings = settings(&folder);
        let rows = rows(&folder, &settings);
        let all = [(partition(), rows.len() as i64)];
        let newest = home(&folder).newest("all", &all, None).expect("the folder answers");
        let (manifest, bytes) = newest.expect("the snapshot of this version");
        let restored = Engine::restore(settings, &bytes);
        let version = version_of(&folder);
        let refused = REFUSED.iter().find(|(of, file, _)| *of == version && *file == "snapshots");
        if let Some((.., words)) = refused {
            let Err(error) = restored else { panic!("{version}: listed as refused, and read") };
            let said = error.to_string();
            assert!(said.contains(words) && said.contains("use the version"), "{version}: {said}");
            continue;
        }
        let mut engine = restored.unwrap_or_else(|error| panic!("{version}: {error}"));
        let mut found = feed(&mut engine, &rows[manifest.partitions[0].1 as usize..]);
        for finding in engine.step(Input::Closed { partition: 0 }).findings {
            found += &(serde_json::to_string(&finding).expect("JSON") + "\n");
        }
        assert_eq!(contents(&found), contents(&read(&folder, "findings.ndjson")), "{version}");
    }
}
