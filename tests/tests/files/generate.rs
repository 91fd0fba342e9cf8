//! Sets on disk: every format holds the same events; truth and config fit them.

use std::fs;
use std::io::Read;
use std::path::Path;

use arrow::array::{Array, RecordBatch, cast::AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int32Type, TimestampMillisecondType};
use arrow::ipc::reader::FileReader;
use driftline::synth::dataset::write;
use driftline::synth::truth::rfc3339;
use driftline::synth::write::FORMATS;
use driftline::synth::{Drift, METRICS, Plan, Truth};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// One row as text: time, model, latency, input tokens, error, confidence, tool.
type Row = [String; 7];

fn rows(path: &Path, extension: &str) -> Vec<Row> {
    let file = fs::File::open(path).expect("the file");
    match extension {
        "csv" => csv_rows(file),
        "parquet" => {
            let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("parquet");
            reader.build().expect("rows").flat_map(|b| batch_rows(&b.expect("rows"))).collect()
        }
        "arrow" => {
            let reader = FileReader::try_new(file, None).expect("arrow");
            reader.flat_map(|batch| batch_rows(&batch.expect("a batch"))).collect()
        }
        "ndjson.gz" => json_rows(flate2::read::GzDecoder::new(file)),
        "ndjson.zst" => json_rows(zstd::Decoder::new(file).expect("zstd")),
        _ => json_rows(file),
    }
}

fn text_of(mut file: impl Read) -> String {
    let mut text = String::new();
    file.read_to_string(&mut text).expect("UTF-8");
    text
}

fn json_rows(file: impl Read) -> Vec<Row> {
    let row = |line: &str| {
        let event: serde_json::Value = serde_json::from_str(line).expect("JSON");
        ["/ts", "/model", "/latency_ms", "/usage/input_tokens", "/error", "/confidence", "/tool"]
            .map(|path| event.pointer(path).expect("a field").to_string())
            .map(|text| text.trim_matches('"').to_owned())
    };
    text_of(file).lines().map(row).collect()
}

fn csv_rows(file: impl Read) -> Vec<Row> {
    // No value has a comma, a quote or a newline: see the vocabulary.
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        [0, 1, 5, 7, 11, 12, 13].map(|column| match fields[column] {
            "" => "null".to_owned(),
            text => json_number(text),
        })
    };
    text_of(file).lines().skip(1).map(row).collect()
}

/// A number as serde_json spells it; other text as it is.
fn json_number(text: &str) -> String {
    serde_json::from_str::<serde_json::Number>(text).map_or(text.into(), |n| n.to_string())
}

fn batch_rows(batch: &RecordBatch) -> Vec<Row> {
    let column = |name: &str| batch.column_by_name(name).expect("a column");
    let text = |name: &str, at: usize| {
        let column = cast(column(name), &DataType::Utf8).expect("text");
        let column = column.as_string::<i32>();
        if column.is_null(at) { "null".to_owned() } else { column.value(at).to_owned() }
    };
    let real = |name: &str, at: usize| {
        let column = column(name).as_primitive::<Float64Type>();
        if column.is_null(at) {
            "null".to_owned()
        } else {
            json_number(&format!("{:?}", column.value(at)))
        }
    };
    let usage = column("usage").as_struct().column(0).as_primitive::<Int32Type>();
    let time = column("ts").as_primitive::<TimestampMillisecondType>();
    (0..batch.num_rows())
        .map(|at| {
            [
                rfc3339(time.value(at)),
                text("model", at),
                real("latency_ms", at),
                usage.value(at).to_string(),
                column("error").as_boolean().value(at).to_string(),
                real("confidence", at),
                text("tool", at),
            ]
        })
        .collect()
}

fn small() -> Plan {
    let plan = Plan { events: 300, models: 3, span_ms: 600_000, ..Plan::default() };
    let nulls = |metric: &str| {
        Drift::parse(&format!("nulls:1:1m:metric={metric}"), &plan).expect("a drift")
    };
    let drifts = vec![nulls("confidence"), nulls("tool")];
    Plan { drifts, ..plan }
}

#[test]
fn all_formats_hold_the_same_events_however_they_are_split() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut expected: Option<Vec<Row>> = None;
    for format in FORMATS {
        for files in [1, 3] {
            let path = folder.path().join(format!("{}-{files}", format.extension));
            let mut reported = 0;
            let written =
                write(&small(), format, files, &path, &mut |done| reported = done).expect("a set");
            assert_eq!((written.files.len(), written.events, reported), (files, 300, 300));
            let all: Vec<Row> =
                written.files.iter().flat_map(|file| rows(file, format.extension)).collect();
            assert_eq!(all.len(), 300);
            let nulls = all.iter().flatten().filter(|text| *text == "null").count();
            assert!(nulls > 10, "{nulls}");
            assert_eq!(*expected.get_or_insert(all.clone()), all, "{}", format.extension);
        }
    }
}

#[test]
fn the_truth_and_the_config_can_be_read_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let plan = Plan { vectors: 2, ..small() };
    write(&plan, &FORMATS[0], 1, folder.path(), &mut |_| ()).expect("a set");
    let truth = fs::read(folder.path().join("truth.json")).expect("the truth");
    let truth: Truth = serde_json::from_slice(&truth).expect("a truth");
    assert_eq!(truth, Truth::of(&plan));
    assert_eq!(truth.drifts.len(), 2);
    let (settings, files) =
        driftline::config::load(&folder.path().join("driftline.toml")).expect("a config");
    assert_eq!(settings.metrics.len(), METRICS.len());
    assert!(settings.has_version);
    assert!(files.input_paths.iter().any(|path| path.ends_with("events*.ndjson")));
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let problem = write(&small(), &FORMATS[0], 1, &file.path().join("x"), &mut |_| ());
    let problem = problem.expect_err("a file is no folder").to_string();
    assert!(problem.contains("cannot write"), "{problem}");
}

/// Runs the real binary: exit code, standard output, standard error.
fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = driftline_tests::driftline().args(arguments).output().expect("the binary runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().expect("an exit code"), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_commands_write_and_score() {
    let folder = tempfile::tempdir().expect("a folder");
    let inside = |name: &str| folder.path().join(name).display().to_string();
    let set = inside("set");
    let generate = ["generate", "--out", &set, "--events", "2000", "--span", "2h"];
    let (code, data, talk) = run(&[&generate[..], &["--drift", "scale:3:1h"]].concat());
    assert_eq!((code, data.as_str()), (0, ""), "{talk}");
    assert!(talk.starts_with("2000 events in 1 file(s)"), "{talk}");

    let truth = inside("set/truth.json");
    let results = inside("findings.ndjson");
    let finding = |id: &str, model: &str| {
        format!(
            "{{\"id\":\"{id}\",\"model\":\"{model}\",\"metric\":\"latency_ms\",\
             \"onset\":\"2026-03-02T09:00:30Z\",\"detected_at\":\"2026-03-02T09:03:00Z\"}}\n"
        )
    };
    fs::write(&results, finding("a", "doc-search-003")).expect("written");
    let evaluate = ["evaluate", &truth, &results, "--false-max", "0"];
    let (code, table, talk) = run(&evaluate);
    assert_eq!(code, 0, "{talk}");
    assert!(table.contains("found 1 of 1 drifts; 0 of 1 findings false"), "{table}");
    assert!(table.contains("3.0 min") && table.contains("+0.5 min"), "{table}");

    fs::write(&results, finding("a", "doc-search-003") + &finding("b", "agent-009"))
        .expect("written");
    let (code, table, _) = run(&evaluate);
    assert_eq!(code, 1);
    assert!(table.contains("false finding: agent-009 latency_ms at"), "{table}");
    fs::write(&results, "").expect("written");
    let (code, json, _) = run(&[&evaluate[..], &["--format", "json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((code, &json["drifts"][0]["found_on"]), (1, &serde_json::Value::Null));
}

#[test]
fn wrong_arguments_and_missing_files_have_their_exit_codes() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("set").display().to_string();
    let generate = |more: &[&str]| run(&[&["generate", "--out", &out], more].concat());
    for (more, part) in [
        (&["--drift", "sclae:1:1h"][..], "there are scale"),
        (&["--drift", "scale:1:9h"], "earlier START"),
        (&["--models", "0"], "1 to 10000"),
        (&["--vectors", "2", "--format", "csv"], "hold vectors"),
        (&["--no-drift", "--drift", "scale:1:1h"], "cannot be used with"),
        (&["--files", "0"], "1 to 10000"),
    ] {
        let (code, _, talk) = generate(more);
        assert_eq!(code, 2, "{more:?}: {talk}");
        assert!(talk.contains(part), "{more:?}: {talk}");
    }
    assert!(!Path::new(&out).exists(), "nothing is written after a wrong argument");
    let (code, _, talk) = run(&["evaluate", "no-truth.json", "no-findings.ndjson"]);
    assert_eq!(code, 3, "{talk}");
    assert!(talk.contains("no-truth.json"), "{talk}");
}
