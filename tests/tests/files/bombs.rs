//! Small files that want much memory, read by the shipped program under a limit of address space: it says
//! no, or reads what is there, and is never killed for want of memory.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float32Array, Float64Array, Int64Array, ListArray, RecordBatch, RunArray,
    StringArray, StringViewBuilder,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Int32Type};
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use driftline_tests::driftline;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::file::properties::WriterProperties;

/// Address space of the program, of which its code, stacks and the allocator's reserves are some 300 MB.
const ADDRESS_SPACE_KB: u64 = 1_000_000;
const BEGIN_US: i64 = 1_772_452_800_000_000;
const CONFIG: &str = r#"
pipeline = "bombs"
[time]
path = "ts"
[keys]
model = "model"
[metrics.number]
[metrics.word]
kind = "category"
[metrics.list]
kind = "vector"
"#;

/// Runs a subcommand on a file in a folder with the config.
fn run(folder: &Path, arguments: &[&str]) -> Output {
    let program = driftline();
    let script = format!("ulimit -v {ADDRESS_SPACE_KB}; exec \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &script, "sh"]).arg(program.get_program()).args(arguments);
    command.current_dir(folder).env("RAYON_NUM_THREADS", "2").output().expect("sh can be run")
}

/// What must come of a bomb.
struct Bomb {
    name: &'static str,
    /// Events that are read, and words of the reject.
    events: u64,
    refused: Option<&'static str>,
}

fn reads(name: &'static str, events: u64) -> Bomb {
    Bomb { name, events, refused: None }
}

fn refuses(name: &'static str, events: u64, words: &'static str) -> Bomb {
    Bomb { name, events, refused: Some(words) }
}

fn holds(folder: &Path, bomb: &Bomb) {
    let name = bomb.name;
    let out = |kind: &str| format!("{kind}-{name}.ndjson");
    let (findings, alerts, rejects) = (out("findings"), out("alerts"), out("rejects"));
    let mut replay = vec!["replay", "-c", "c.toml", "--threads", "2", name];
    replay.extend(["--findings", &findings, "--alerts", &alerts, "--rejects", &rejects]);
    let check = ["check", "c.toml", "--sample", name];
    let draft = format!("{name}.toml");
    let init = ["init", "-o", &draft, name];
    for arguments in [&replay[..], &check, &init] {
        let ran = run(folder, arguments);
        let told = [&ran.stdout[..], &ran.stderr].concat();
        let told = String::from_utf8_lossy(&told).into_owned();
        // 101 is a panic; no code at all is a signal.
        assert!(matches!(ran.status.code(), Some(code) if code < 101), "{arguments:?}: {told}");
        assert!(!told.contains("panicked"), "{arguments:?}: {told}");
        if arguments == &replay[..] {
            let events = format!("{} events from 1 file", commas(bomb.events));
            assert!(told.contains(&events), "{name}: {events}, not {told}");
        }
    }
    let rejects = fs::read_to_string(folder.join(&rejects)).unwrap_or_default();
    match bomb.refused {
        Some(words) => assert!(rejects.contains(words), "{name}: {words}, not {rejects}"),
        None => assert_eq!(rejects, "", "{name}"),
    }
}

fn commas(number: u64) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{},{:03}", commas(number / 1000), number % 1000),
    }
}

fn table(rows: usize, columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let times = Int64Array::from_iter_values((0..rows as i64).map(|row| BEGIN_US + row));
    let models = StringArray::from_iter_values((0..rows).map(|_| "m"));
    let first: [(&str, ArrayRef); 2] = [("ts", Arc::new(times)), ("model", Arc::new(models))];
    RecordBatch::try_from_iter(first.into_iter().chain(columns)).expect("columns of one length")
}

fn parquet(path: &Path, compression: Compression, batches: &[RecordBatch]) {
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_max_row_group_row_count(Some(1 << 40))
        .set_dictionary_page_size_limit(8 << 20)
        .build();
    let file = File::create(path).expect("made");
    let mut writer =
        ArrowWriter::try_new(file, batches[0].schema(), Some(properties)).expect("a writer");
    batches.iter().for_each(|batch| writer.write(batch).expect("written"));
    writer.close().expect("written");
}

fn arrow(path: &Path, batch: &RecordBatch) {
    let options = IpcWriteOptions::default()
        .try_with_compression(Some(CompressionType::ZSTD))
        .expect("an option");
    let file = File::create(path).expect("made");
    if path.extension().is_some_and(|extension| extension == "arrows") {
        let mut writer =
            StreamWriter::try_new_with_options(file, &batch.schema(), options).expect("a writer");
        writer.write(batch).and_then(|()| writer.finish()).expect("written");
    } else {
        let mut writer =
            FileWriter::try_new_with_options(file, &batch.schema(), options).expect("a writer");
        writer.write(batch).and_then(|()| writer.finish()).expect("written");
    }
}

fn text(bytes: usize) -> String {
    "x".repeat(bytes)
}

fn list(values: usize) -> ArrayRef {
    let values = Float32Array::from_iter_values((0..values).map(|_| 1.0));
    let offsets = OffsetBuffer::from_lengths([values.len()]);
    let field = Arc::new(Field::new("item", DataType::Float32, true));
    Arc::new(ListArray::new(field, offsets, Arc::new(values), None))
}

#[test]
fn parquet_is_read_by_pages_within_bounds() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    fs::write(at("c.toml"), CONFIG).expect("written");
    // One row group of thirty million rows, whose values take a few bytes.
    let same = Int64Array::from_iter_values(std::iter::repeat_n(BEGIN_US, 1 << 20));
    let models = StringArray::from_iter_values((0..1 << 20).map(|_| "m"));
    let numbers = Float64Array::from_iter_values(std::iter::repeat_n(1.0, 1 << 20));
    let columns: [(&str, ArrayRef); 3] =
        [("ts", Arc::new(same)), ("model", Arc::new(models)), ("number", Arc::new(numbers))];
    let batch = RecordBatch::try_from_iter(columns).expect("columns");
    parquet(&at("rows.parquet"), Compression::SNAPPY, &vec![batch; 30]);
    // The same long text in each row, by a dictionary.
    let long = text(2 << 20);
    let words: ArrayRef = Arc::new(StringArray::from_iter_values((0..200).map(|_| &long)));
    let batch = table(200, vec![("word", words)]);
    parquet(&at("texts.parquet"), Compression::LZ4_RAW, &[batch.clone(), batch]);
    // Pages that unpack to more than a page may have.
    let huge: ArrayRef = Arc::new(StringArray::from_iter_values([text(200 << 20)]));
    let batch = table(1, vec![("word", huge)]);
    let packed = [
        ("gzip.parquet", Compression::GZIP(GzipLevel::default())),
        ("zstd.parquet", Compression::ZSTD(ZstdLevel::default())),
        ("snappy.parquet", Compression::SNAPPY),
    ];
    for (name, compression) in packed {
        parquet(&at(name), compression, std::slice::from_ref(&batch));
    }
    let vector = table(1, vec![("list", list(20 << 20))]);
    parquet(&at("list.parquet"), Compression::UNCOMPRESSED, &[vector]);
    // A footer that claims to be as long as the file.
    let mut claim = vec![0; 1 << 20];
    claim.extend(*b"\xFF\xFF\xFF\x7FPAR1");
    claim[..4].copy_from_slice(b"PAR1");
    fs::write(at("footer.parquet"), claim).expect("written");
    for bomb in [
        reads("rows.parquet", 30 << 20),
        reads("texts.parquet", 400),
        refuses("gzip.parquet", 0, "more than 64 MiB"),
        refuses("zstd.parquet", 0, "more than 64 MiB"),
        refuses("snappy.parquet", 0, "more than 64 MiB"),
        refuses("list.parquet", 0, "more than 64 MiB at once"),
        refuses("footer.parquet", 0, "a footer of more than 16 MiB"),
    ] {
        holds(folder.path(), &bomb);
    }
}

#[test]
fn arrow_is_read_by_batches_within_bounds() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    fs::write(at("c.toml"), CONFIG).expect("written");
    // 40 million numbers, packed into a few kilobytes.
    let rows = 40 << 20;
    let zeros: ArrayRef = Arc::new(Int64Array::from_iter_values(std::iter::repeat_n(0, rows)));
    let batch = RecordBatch::try_from_iter([("ts", zeros)]).expect("a column");
    arrow(&at("packed.arrow"), &batch);
    arrow(&at("packed.arrows"), &batch);
    drop(batch);
    // Each row has the same long text, which stands there once.
    let rows = 20_000;
    let mut views = StringViewBuilder::new();
    let block = views.append_block(text(1 << 20).into_bytes().into());
    for _ in 0..rows {
        views.try_append_view(block, 0, 1 << 20).expect("a view");
    }
    let views: ArrayRef = Arc::new(views.finish());
    arrow(&at("views.arrow"), &table(rows, vec![("word", views)]));
    let ends = arrow::array::Int32Array::from(vec![rows as i32]);
    let once = StringArray::from_iter_values([text(1 << 20)]);
    let runs: ArrayRef = Arc::new(RunArray::<Int32Type>::try_new(&ends, &once).expect("one run"));
    arrow(&at("runs.arrows"), &table(rows, vec![("word", runs)]));
    for bomb in [
        refuses("packed.arrow", 0, "more than 256 MiB"),
        refuses("packed.arrows", 0, "more than 256 MiB"),
        reads("views.arrow", rows as u64),
        reads("runs.arrows", rows as u64),
    ] {
        holds(folder.path(), &bomb);
    }
}

/// A Zstandard frame whose window is 2 GiB, with these bytes as they are.
fn wide_window(bytes: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x28, 0xB5, 0x2F, 0xFD, 0, 21 << 3];
    frame.extend(&((bytes.len() as u32) << 3 | 1).to_le_bytes()[..3]);
    [&frame, bytes].concat()
}

#[test]
fn texts_are_read_by_records_within_bounds() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    fs::write(at("c.toml"), CONFIG).expect("written");
    let line = |word: &str| format!("{{\"ts\":{BEGIN_US},\"model\":\"m\",\"word\":\"{word}\"}}\n");
    let gzip = |name: &str, pieces: &[&str], times: usize| {
        let file = File::create(at(name)).expect("made");
        let mut file = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        for piece in pieces {
            let count = if piece.len() >= 1 << 20 { times } else { 1 };
            (0..count).for_each(|_| file.write_all(piece.as_bytes()).expect("written"));
        }
        file.finish().expect("written");
    };
    let mega = text(1 << 20);
    let (before, after) = (line("a"), line("b"));
    gzip("line.ndjson.gz", &[&before, "{\"ts\":\"", &mega, "\"}\n", &after], 200);
    let deep = "[".repeat(1 << 20);
    gzip("deep.ndjson.gz", &[&before, "{\"x\":", &deep, "\n", &after], 100);
    let row = format!("{BEGIN_US},m,a\n");
    gzip("field.csv.gz", &["ts,model,word\n", &row, "1,m,\"", &mega, "\"\n", &row], 200);
    let names: String = (0..100_000).map(|number| format!(",{number}")).collect();
    let cells = ",".repeat(100_000);
    let wide = format!("ts,model{names}\n{BEGIN_US},m{cells}\n{BEGIN_US},m{cells}\n");
    fs::write(at("wide.csv"), wide).expect("written");
    let header = ",x".repeat(1_000_000);
    fs::write(at("header.csv"), format!("ts,model{header}\n")).expect("written");
    let members = std::iter::repeat_n(before.as_str(), 2000).flat_map(|line| {
        let mut member = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        member.write_all(line.as_bytes()).expect("written");
        member.finish().expect("written")
    });
    fs::write(at("members.ndjson.gz"), members.collect::<Vec<u8>>()).expect("written");
    fs::write(at("window.ndjson.zst"), wide_window(before.as_bytes())).expect("written");
    for bomb in [
        refuses("line.ndjson.gz", 2, "more than 1048576 bytes"),
        refuses("deep.ndjson.gz", 2, "too_long"),
        refuses("field.csv.gz", 2, "more than 1048576 bytes"),
        reads("wide.csv", 2),
        refuses("header.csv", 0, "header"),
        reads("members.ndjson.gz", 2000),
        refuses("window.ndjson.zst", 0, "--long"),
    ] {
        holds(folder.path(), &bomb);
    }
}
