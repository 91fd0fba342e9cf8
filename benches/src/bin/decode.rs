//! Decode of every format into columns, beside two floors measured in the same rounds: a bare scan
//! for newlines, and sonic-rs reading all 15 fields of each line into a borrowed struct, built for speed
//! alone.
//!
//! One thread. Rounds are interleaved, so a busy machine slows all rows alike; medians are printed.
//! `cargo run --release -p driftline-bench --bin decode [events [rounds]]`

// A bench talks to a terminal.
#![allow(clippy::print_stdout)]

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use driftline::codec::{Decoder, FileBlock};
use driftline::model::{FieldPath, Kind, Layout, Limits, MetricField, TimeField, TimeFormat};
use driftline::source::FileSource;
use driftline::synth::write::Format;
use driftline::synth::{METRICS, Plan, Slot, dataset};
use driftline_bench::floor::{Floor, FloorInput};

/// The layout of `driftline generate`: time, three keys, nine metrics.
fn layout(id: bool) -> Layout {
    let path = |path: &str| FieldPath(path.into());
    let metrics = METRICS.iter().filter(|metric| metric.slot != Slot::Vector).map(|metric| {
        let kind = match metric.slot {
            Slot::Number(_) => Kind::Number,
            Slot::Category(_) => Kind::Category,
            Slot::Flag => Kind::Flag,
            Slot::Vector => Kind::Vector,
        };
        MetricField { name: metric.name.into(), path: path(metric.path), kind }
    });
    Layout {
        model_default: None,
        time: TimeField { path: path("ts"), format: TimeFormat::Auto },
        keys: ["model", "model_version"].map(path).to_vec(),
        id: id.then(|| path("request_id")),
        metrics: metrics.collect(),
    }
}

struct Row {
    name: String,
    run: Box<dyn FnMut() -> usize>,
    nanos: Vec<f64>,
}

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let events: u64 = arguments.next().unwrap_or(200_000);
    let rounds = arguments.next().unwrap_or(11);
    let folder = tempfile::tempdir()?;
    let mut rows = Vec::new();
    let mut add = |name: &str, run: Box<dyn FnMut() -> usize>| {
        rows.push(Row { name: name.into(), run, nanos: Vec::new() });
    };
    let plan = Plan { events, ..Plan::default() };
    let mut line_bytes = 0;
    for extension in ["ndjson", "csv", "parquet", "arrow"] {
        let format = Format::named(extension).context("a known format")?;
        let inside = folder.path().join(extension);
        let written = dataset::write(&plan, format, 1, &inside, &mut |_| {})?;
        let file = written.files.first().context("a file")?.clone();
        if extension == "ndjson" {
            let text = std::fs::read(&file)?;
            line_bytes = text.len() / events as usize;
            add("newline scan", Box::new(move || memchr::memchr_iter(b'\n', &text).count()));
            let mut floor = Floor::start(&file, FloorInput::Memory)?;
            add(
                "sonic-rs, 15 fields, borrowed",
                Box::new(move || floor.decode().unwrap_or(0) as usize),
            );
        }
        for id in [false, true] {
            let blocks = blocks(&file)?;
            let mut decoder = Decoder::new(&layout(id), &Limits::default(), 0, i64::MAX)?;
            let name = format!("{extension} to {} columns", if id { "13" } else { "12" });
            add(&name, Box::new(move || decode(&mut decoder, &blocks)));
        }
    }
    for _ in 0..rounds {
        for row in &mut rows {
            let begin = Instant::now();
            let counted = black_box((row.run)());
            row.nanos.push(begin.elapsed().as_nanos() as f64 / events as f64);
            anyhow::ensure!(counted as u64 == events, "{}: {counted} events", row.name);
        }
    }
    println!("{events} events, {line_bytes} bytes a line, medians of {rounds} rounds, one thread");
    println!("{:<32} {:>9} {:>10} {:>9}", "", "ns/event", "M events/s", "to floor");
    let medians: Vec<f64> = rows.iter_mut().map(|row| median(&mut row.nanos)).collect();
    for (row, nanos) in rows.iter().zip(&medians) {
        let ratio = medians.get(1).map_or(0.0, |floor| floor / nanos);
        println!("{:<32} {:>9.1} {:>10.2} {:>8.2}x", row.name, nanos, 1e3 / nanos, ratio);
    }
    Ok(())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn blocks(file: &Path) -> anyhow::Result<Vec<FileBlock>> {
    let source = FileSource::find(&[file.display().to_string()], None)?;
    Ok(source.open(0, &Limits::default()).collect())
}

fn decode(decoder: &mut Decoder, blocks: &[FileBlock]) -> usize {
    let mut events = 0;
    for block in blocks {
        decoder.decode(block, &mut |batch| events += black_box(batch).rows());
    }
    events
}
