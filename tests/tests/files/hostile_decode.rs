//! Decoding of hostile input: one bad record is one reject, one bad file is one reject, everything
//! before the bad place is used, nothing panics or runs on for ever. Seeds are printed on failure.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use arrow::array::Array;
use driftline::codec::Decoder;
use driftline::model::{
    Batch, Column, FieldPath, INVALID_LABEL, Kind, Labels, Layout, Limits, MetricField, NULL_LABEL,
    Reason, TimeField, TimeFormat,
};
use driftline::source::FileSource;
use driftline::synth::write::{FORMATS, Format};
use driftline::synth::{METRICS, Plan, Slot, dataset};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

const NOT_BEFORE_US: i64 = 946_684_800_000_000;
const NOT_AFTER_US: i64 = 4_102_444_800_000_000;

fn layout() -> Layout {
    let path = |path: &str| FieldPath(path.into());
    let metric = |metric: &driftline::synth::Metric| MetricField {
        name: metric.name.into(),
        path: path(metric.path),
        kind: match metric.slot {
            Slot::Number(_) => Kind::Number,
            Slot::Category(_) => Kind::Category,
            Slot::Flag => Kind::Flag,
            Slot::Vector => Kind::Vector,
        },
    };
    Layout {
        model_default: None,
        time: TimeField { path: path("ts"), format: TimeFormat::Auto },
        keys: ["model", "model_version", "region"].map(path).to_vec(),
        id: Some(path("request_id")),
        metrics: METRICS.iter().map(metric).collect(),
    }
}

/// What came out: each event as text, and each reject as (reason, offset).
#[derive(Debug, Default, PartialEq)]
struct Decoded {
    rows: Vec<String>,
    rejects: Vec<(Reason, u64)>,
}

impl Decoded {
    fn add(&mut self, batch: &Batch) {
        assert_eq!(batch.offsets.len(), batch.rows());
        assert!(batch.keys.iter().all(|key| key.indices.len() == batch.rows()));
        for row in 0..batch.rows() {
            let mut text = format!("{} {}", batch.offsets[row], batch.time_us[row]);
            for labels in batch.keys.iter().chain(&batch.id) {
                text.push_str(&format!(" {}", label(labels, row)));
            }
            for column in &batch.metrics {
                text.push_str(&match column {
                    Column::Number(numbers) if numbers.is_null(row) => " null".into(),
                    Column::Number(numbers) => format!(" {}", numbers.value(row)),
                    Column::Category(labels) => format!(" {}", label(labels, row)),
                    Column::Flag(codes) => format!(" {}", codes.value(row)),
                    Column::Vector { offsets, values } => {
                        let span = offsets[row] as usize..offsets[row + 1] as usize;
                        // A zero has lost its sign on the way through some formats.
                        let entries: Vec<f32> =
                            values.values()[span].iter().map(|entry| entry + 0.0).collect();
                        format!(" {entries:?}")
                    }
                });
            }
            self.rows.push(text);
        }
        for reject in &batch.rejects {
            assert!(reject.detail.len() <= 200 && reject.excerpt.chars().count() <= 120);
            self.rejects.push((reject.reason, reject.offset));
        }
    }

    fn count(&self, reason: Reason) -> usize {
        self.rejects.iter().filter(|(found, _)| *found == reason).count()
    }
}

fn label(labels: &Labels, row: usize) -> &str {
    match labels.indices.value(row) {
        NULL_LABEL => "null",
        INVALID_LABEL => "invalid",
        index => labels.values.value(index as usize),
    }
}

fn decode_with(path: &Path, limits: &Limits) -> Decoded {
    let source = FileSource::find(&[path.display().to_string()], None).expect("a file");
    let mut decoder =
        Decoder::new(&layout(), limits, NOT_BEFORE_US, NOT_AFTER_US).expect("a layout");
    let mut decoded = Decoded::default();
    for block in source.open(0, limits) {
        decoder.decode(&block, &mut |batch| decoded.add(&batch));
    }
    decoded
}

fn decode(path: &Path) -> Decoded {
    decode_with(path, &Limits::default())
}

/// The same `events` in every format that can hold them.
fn sets(folder: &Path, events: u64, vectors: usize) -> Vec<(&'static str, PathBuf)> {
    let plan = Plan { events, vectors, models: 5, ..Plan::default() };
    let write = |format: &Format| {
        let inside = folder.join(format.extension);
        let written = dataset::write(&plan, format, 1, &inside, &mut |_| {}).expect("written");
        (format.extension, written.files[0].clone())
    };
    FORMATS.iter().filter(|format| vectors == 0 || format.vectors).map(write).collect()
}

fn line(time: &str, fields: &str) -> String {
    format!("{{\"ts\":{time},\"model\":\"m\"{fields}}}\n")
}

const NOON: &str = "\"2026-03-02T12:00:00Z\"";

#[test]
fn equal_content_gives_equal_batches_in_every_format() {
    for vectors in [0, 4] {
        let folder = tempfile::tempdir().expect("a folder");
        let sets = sets(folder.path(), 20_000, vectors);
        let expected = decode(&sets[0].1);
        assert_eq!(expected.rows.len(), 20_000);
        assert_eq!(expected.rejects, []);
        for (extension, path) in &sets[1..] {
            let found = decode(path);
            let differing = found.rows.iter().zip(&expected.rows).find(|(a, b)| a != b);
            assert_eq!(differing, None, "{extension}");
            assert_eq!(found, expected, "{extension}");
        }
    }
}

#[test]
fn block_size_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let long = "x".repeat(3000);
    let ndjson = folder.path().join("a.ndjson");
    let mut text = b"\xEF\xBB\xBF".to_vec();
    for number in 0..40 {
        text.extend(
            line(NOON, &format!(",\"latency_ms\":{number},\"tool\":\"t\\n{}\"", number % 3))
                .bytes(),
        );
        text.extend(match number % 6 {
            0 => b"\n  \r\n".to_vec(),
            1 => b"{\"ts\":\"\xFF\xFE\"}\n".to_vec(),
            2 => line(NOON, &format!(",\"x\":\"{long}\"")).into_bytes(),
            3 => b"{\"ts\": 1, \n".to_vec(),
            4 => line("\"1970-01-01T00:00:00Z\"", "").into_bytes(),
            _ => line("\"9999-12-31T23:59:59Z\"", "").into_bytes(),
        });
    }
    text.extend(line(NOON, "").trim_end().bytes());
    fs::write(&ndjson, text).expect("written");
    let csv = folder.path().join("a.csv");
    let mut text = "\u{FEFF}ts,model,\"latency\"\"_ms\",latency_ms,tool\r\n".to_owned();
    for number in 0..40 {
        let time = "2026-03-02T12:00:00Z";
        text.push_str(&match number % 5 {
            0 => format!("{time},m,,{number},\"two\nlines, \"\"quoted\"\"\"\r\n"),
            1 => format!("\n\r\n{time},m,,{number}\n"),
            2 => format!("{time},m,,{number},{long}\n"),
            3 => format!("{time},m,,{number},\"{long}\n{time},m,,{number},after\n"),
            _ => format!("{time},m,,nan,plain \"quotes\" inside\r"),
        });
    }
    fs::write(&csv, text).expect("written");
    for path in [ndjson, csv] {
        let limits =
            |block_bytes| Limits { block_bytes, record_bytes_max: 2000, ..Limits::default() };
        let whole = decode_with(&path, &limits(1 << 20));
        assert!(whole.rows.len() > 20 && whole.count(Reason::TooLong) >= 6, "{whole:?}");
        for block_bytes in [1, 2, 3, 17, 64, 333, 1999, 2001, 4096] {
            assert_eq!(
                decode_with(&path, &limits(block_bytes)),
                whole,
                "{path:?}, {block_bytes} bytes"
            );
        }
    }
}

#[test]
fn a_cut_at_every_byte_keeps_what_stands_before_it() {
    let folder = tempfile::tempdir().expect("a folder");
    for (extension, path) in sets(folder.path(), 12, 0) {
        let whole = decode(&path);
        assert_eq!((whole.rows.len(), whole.rejects.len()), (12, 0), "{extension}");
        let bytes = fs::read(&path).expect("the file");
        let cut = folder.path().join(format!("cut.{extension}"));
        fs::write(&cut, &bytes).expect("written");
        let file = fs::OpenOptions::new().write(true).open(&cut).expect("opened");
        for length in (0..bytes.len()).rev() {
            file.set_len(length as u64).expect("cut");
            let found = decode(&cut);
            // Text may be cut inside its last record and still be a record.
            let sure = found.rows.len().saturating_sub(1);
            assert_eq!(found.rows[..sure], whole.rows[..sure], "{extension} cut at {length}");
            assert!(found.rejects.len() <= 1, "{extension} cut at {length}: {:?}", found.rejects);
            let compressed = !matches!(extension, "ndjson" | "csv");
            let partial = length > 0 && (found.rows.len() < 12 || extension == "parquet");
            if compressed && partial {
                assert_eq!(found.count(Reason::BadFile), 1, "{extension} cut at {length}");
                assert_eq!(
                    found.rows,
                    whole.rows[..found.rows.len()],
                    "{extension} cut at {length}"
                );
            }
        }
    }
}

#[test]
fn random_and_changed_bytes_end_in_rejects() {
    let folder = tempfile::tempdir().expect("a folder");
    let sets = sets(folder.path(), 40, 3);
    for seed in 0..40u64 {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        for (extension, path) in &sets {
            let original = fs::read(path).expect("the file");
            for round in 0..12 {
                let mut bytes = original.clone();
                for _ in 0..=round {
                    let at = random.random_range(0..bytes.len());
                    match random.random_range(0..4) {
                        0 => bytes[at] = random.random(),
                        1 => bytes[at] ^= 1 << random.random_range(0..8),
                        2 => drop(bytes.remove(at)),
                        _ => bytes.insert(at, random.random()),
                    }
                }
                if round == 0 {
                    bytes = (0..4000).map(|_| random.random()).collect();
                }
                let changed = folder.path().join(format!("changed.{extension}"));
                fs::write(&changed, &bytes).expect("written");
                let found = decode(&changed);
                let lines = bytes.len() + 41;
                assert!(found.rows.len() + found.rejects.len() <= lines, "seed {seed} {extension}");
            }
        }
    }
}

#[test]
fn deep_long_and_binary_lines_cost_one_record_each() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.ndjson.zst");
    let mut file = zstd::Encoder::new(fs::File::create(&path).expect("made"), 1).expect("zstd");
    let mut put = |text: &str| file.write_all(text.as_bytes()).expect("written");
    put(&line(NOON, ""));
    put(&line(NOON, &format!(",\"x\":{}{}", "[".repeat(10_000), "]".repeat(10_000))));
    put(&line(
        NOON,
        &format!(",\"usage\":{}1{}", "{\"usage\":".repeat(10_000), "}".repeat(10_000)),
    ));
    put(&line(NOON, &format!(",\"latency_ms\":{}", "[".repeat(10_000))));
    put("{\"ts\":\"");
    let piece = "x".repeat(1 << 20);
    (0..64).for_each(|_| put(&piece));
    put("\"}\n");
    put(&line(NOON, ",\"latency_ms\":1"));
    file.finish().expect("written");
    let found = decode(&path);
    let reasons: Vec<_> =
        found.rejects.iter().map(|(reason, offset)| (reason.name(), *offset)).collect();
    assert_eq!(reasons, [("too_deep", 1), ("too_deep", 2), ("too_deep", 3), ("too_long", 4)]);
    assert_eq!(found.rows.len(), 2);
    assert!(found.rows[1].starts_with("5 "), "{:?}", found.rows);
}

#[test]
fn members_frames_and_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let gzip = |text: &str| {
        let mut file = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        file.write_all(text.as_bytes()).expect("written");
        file.finish().expect("written")
    };
    let (first, second) = (line(NOON, ",\"latency_ms\":1"), line(NOON, ",\"latency_ms\":2"));
    let zstandard = |text: &str| zstd::encode_all(text.as_bytes(), 1).expect("zstd");
    let mut corrupt = [gzip(&first), gzip(&second)].concat();
    // In the check sum, which comes last.
    let end = corrupt.len() - 6;
    corrupt[end] ^= 0xFF;
    for (name, bytes, rows, bad) in [
        ("two.ndjson.gz", [gzip(&first), gzip(&second)].concat(), 2, 0),
        ("two.ndjson.zst", [zstandard(&first), zstandard(&second)].concat(), 2, 0),
        // Told by content: no extension, or another one.
        ("noname", gzip(&first), 1, 0),
        ("plain.ndjson.gz", first.clone().into_bytes(), 1, 0),
        ("corrupt.ndjson.gz", corrupt, 2, 1),
        ("junk.ndjson.gz", [gzip(&first), b"junk".to_vec()].concat(), 1, 1),
        ("junk.zst", [zstandard(&first), b"junk".to_vec()].concat(), 1, 1),
        ("empty.ndjson", vec![], 0, 0),
        ("empty.csv", vec![], 0, 0),
        ("empty.parquet", vec![], 0, 0),
        ("empty.arrow", vec![], 0, 0),
        ("empty.ndjson.gz", gzip(""), 0, 0),
        ("header.csv", b"ts,model\n".to_vec(), 0, 0),
        ("text.parquet", first.clone().into_bytes(), 0, 1),
        ("text.arrow", first.clone().into_bytes(), 0, 1),
        ("packed.parquet", gzip(&first), 0, 1),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("written");
        let found = decode(&path);
        assert_eq!(
            (found.rows.len(), found.count(Reason::BadFile)),
            (rows, bad),
            "{name}: {found:?}"
        );
        assert_eq!(found.rejects.len(), bad, "{name}: {found:?}");
    }
    for (extension, path) in sets(folder.path(), 10, 0) {
        if extension == "csv" {
            continue;
        }
        let bare = folder.path().join("bare");
        fs::copy(&path, &bare).expect("copied");
        assert_eq!(decode(&bare).rows.len(), 10, "{extension} is told by its content");
    }
}

#[test]
fn csv_records() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.csv");
    let text = concat!(
        "ts,model,usage.input_tokens,error,embedding,other\n",
        "1772452800,m,5,TRUE,\"[1,2.5]\",\n",
        "1772452800.5,m,,0,,x\n",
        "\"2026-03-02T12:00:01Z\",m,five,maybe,[1,y\n",
        "2026-03-02T12:00:01Z,m,five,maybe,\"[1,y\",\n",
        "2026-03-02T12:00:01Z,m,1e999,1,[],\n",
        ",m,1,1,,\n",
        "noon,m,1,1,,\n",
        "0,m,1,1,,\n",
        "-5,m,1,1,,\n",
        "9999-12-31T23:59:59Z,m,1,1,,\n",
        "2026-03-02T12:00:01Z,,1,1,,\n",
        "2026-03-02T12:00:01Z,m,1,1\n",
    );
    fs::write(&path, [text.as_bytes(), b"2026-03-02T12:00:01Z,\xFF,1,1,,\n"].concat())
        .expect("written");
    let found = decode(&path);
    let tokens: Vec<_> =
        found.rows.iter().map(|row| row.split(' ').skip(8).take(1).collect::<String>()).collect();
    assert_eq!(tokens, ["5", "null", "NaN", "NaN", "inf"], "{found:?}");
    let vectors: Vec<_> =
        found.rows.iter().map(|row| &row[row.find('[').expect("a vector")..]).collect();
    assert_eq!(vectors, ["[1.0, 2.5]", "[]", "[NaN]", "[NaN]", "[NaN]"]);
    let reasons: Vec<_> =
        found.rejects.iter().map(|(reason, offset)| (reason.name(), *offset)).collect();
    assert_eq!(
        reasons,
        [
            ("missing_time", 5),
            ("bad_time", 6),
            ("time_too_early", 7),
            ("time_too_early", 8),
            ("time_too_late", 9),
            ("missing_model", 10),
            ("wrong_columns", 11),
            ("invalid_utf8", 12),
        ]
    );
}

#[test]
fn the_first_time_is_that_of_the_first_readable_record() {
    let folder = tempfile::tempdir().expect("a folder");
    let limits = Limits::default();
    let mut decoder =
        Decoder::new(&layout(), &limits, NOT_BEFORE_US, NOT_AFTER_US).expect("a layout");
    let mut first = |path: &Path| {
        let source = FileSource::find(&[path.display().to_string()], None).expect("a file");
        source.first_time(0, &limits, &mut decoder)
    };
    let times: Vec<_> = sets(folder.path(), 10, 0).iter().map(|(_, path)| first(path)).collect();
    assert!(times[0].is_some() && times.iter().all(|time| *time == times[0]), "{times:?}");
    let path = folder.path().join("late.ndjson");
    fs::write(&path, format!("junk\n{}{}", line("0", ""), line("1772452800", "")))
        .expect("written");
    assert_eq!(first(&path), Some(1_772_452_800_000_000));
    fs::write(&path, "junk\n").expect("written");
    assert_eq!(first(&path), None);
}
