//! The engine's own work: encode + count for an event, and closing a pane.
//!
//! `cargo run --release -p driftline-bench --bin kernels [events [rounds]]`. One thread; medians.

// A bench talks to a terminal.
#![allow(clippy::print_stdout)]

use std::time::Instant;

use anyhow::Context;
use driftline::codec::Decoder;
use driftline::engine::{Engine, Input, SeriesBytes};
use driftline::model::settings::{HOUR_US, MINUTE_US};
use driftline::model::{Batch, Settings};
use driftline::source::FileSource;
use driftline::synth::write::Format;
use driftline::synth::{Plan, dataset};
use driftline_bench::Sample;
use driftline_detectors::baseline::{Baseline, Zone};
use driftline_detectors::encoder::{Encoder, NumberEncoder};
use driftline_detectors::evidence::Evidence;
use driftline_detectors::lanes::{LANES_MAX, Tables, pane_evidence};
use ndarray::Array2;

const SERIES: usize = 10_000;

fn main() -> anyhow::Result<()> {
    let numbers: Vec<usize> = std::env::args()
        .skip(1)
        .map(|a| a.parse())
        .collect::<Result<_, _>>()
        .context("a number")?;
    let events = numbers.first().copied().unwrap_or(600_000) as u64;
    let rounds = numbers.get(1).copied().unwrap_or(9);
    let folder = tempfile::tempdir()?;
    let plan = Plan { events, ..Plan::default() };
    let format = Format::named("ndjson").context("a format")?;
    let written = dataset::write(&plan, format, 1, folder.path(), &mut |_| {})?;
    let (settings, _) = driftline::config::load(&folder.path().join("driftline.toml"))?;
    let inputs: Vec<String> = written.files.iter().map(|f| f.display().to_string()).collect();
    let batches = decode(&settings, &FileSource::find(&inputs, None)?)?;

    // Panes of an hour hardly ever close: what is left is encoding and counting.
    let mut hourly = settings.clone();
    hourly.time.pane_us = HOUR_US;
    hourly.time.window_us = 2 * HOUR_US;
    let count = step(&hourly, &batches, rounds)?;
    println!("encode + count, 9 metrics         {count:.1} ns an event (target: at most 60)");
    let all = step(&settings, &batches, rounds)?;
    println!("the whole engine, 10 s panes      {all:.1} ns an event");
    let close = close(rounds);
    println!("closing a pane, {SERIES} series    {close:.2} ms (target: at most 10)");
    let SeriesBytes { mean, largest } = series_bytes(&settings, &batches)?;
    println!(
        "live state of a series            {mean} bytes, largest {largest} (target: at most 4096)"
    );
    Ok(())
}

fn decode(settings: &Settings, source: &FileSource) -> anyhow::Result<Vec<Batch>> {
    let mut decoder = Decoder::new(&settings.layout, &settings.limits, 0, i64::MAX)?;
    let mut batches = Vec::new();
    for block in source.open(0, &settings.limits) {
        decoder.decode(&block, &mut |batch| batches.push(batch));
    }
    Ok(batches)
}

/// Settings that watch early, so that most events are measured after learning.
fn quick(settings: &Settings) -> Settings {
    let mut settings = settings.clone();
    settings.baseline.learn_events = 100;
    settings.baseline.learn_us = 20 * MINUTE_US;
    settings
}

/// Nanoseconds an event of `Engine::step`, over the second half of the batches.
fn step(settings: &Settings, batches: &[Batch], rounds: usize) -> anyhow::Result<f64> {
    let settings = quick(settings);
    let mut engine = Engine::new(settings.clone());
    engine.step(Input::Opened { partition: 0, begin_us: None });
    let (learn, measure) = batches.split_at(batches.len() / 2);
    for batch in learn {
        engine.step(Input::Batch(batch));
    }
    let start = engine.snapshot();
    let events: usize = measure.iter().map(Batch::rows).sum();
    let mut nanoseconds = Vec::new();
    for _ in 0..rounds {
        let mut engine = Engine::restore(settings.clone(), &start)?;
        let begun = Instant::now();
        for batch in measure {
            engine.step(Input::Batch(batch));
        }
        nanoseconds.push(begun.elapsed().as_nanos() as f64 / events as f64);
    }
    Ok(Sample::of(&nanoseconds).context("at least one round")?.median)
}

/// Milliseconds to score a pane of many series and to take the evidence: 34 codes, 12 lanes.
fn close(rounds: usize) -> f64 {
    let encoder = NumberEncoder::from_edges((0..=30).map(f64::from).collect());
    let tables: Vec<Tables> = (0..SERIES)
        .map(|i| {
            let counts = (0..34).map(|c| 200 + ((i * 31 + c * 17) % 97) as u64).collect();
            let baseline = Baseline::new(Encoder::Number(encoder.clone()), counts);
            Tables::new(&baseline, baseline.probabilities(), Zone::default(), 1.0)
        })
        .collect();
    let mut evidence: Vec<Evidence> = tables.iter().map(Evidence::new).collect();
    let columns = driftline_detectors::encoder::CODES_MAX;
    let mut counts = Array2::<u32>::zeros((SERIES, columns));
    for (i, count) in counts.iter_mut().enumerate() {
        *count = if i % columns < 34 { ((i * 7919) % 5) as u32 } else { 0 };
    }
    let borrowed: Vec<&Tables> = tables.iter().collect();
    let mut milliseconds = Vec::new();
    for round in 0..rounds as i64 {
        let begun = Instant::now();
        let mut lanes = Array2::<f64>::zeros((SERIES, LANES_MAX));
        pane_evidence(counts.view(), &borrowed, lanes.view_mut());
        for (i, evidence) in evidence.iter_mut().enumerate() {
            let (row, lanes) = (counts.row(i), lanes.row(i));
            if let (Some(row), Some(lanes)) = (row.as_slice(), lanes.as_slice()) {
                evidence.absorb(&tables[i], &row[..34], lanes, round);
            }
        }
        milliseconds.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    Sample::of(&milliseconds).map_or(f64::NAN, |sample| sample.median)
}

fn series_bytes(settings: &Settings, batches: &[Batch]) -> anyhow::Result<SeriesBytes> {
    let mut engine = Engine::new(quick(settings));
    engine.step(Input::Opened { partition: 0, begin_us: None });
    for batch in batches {
        engine.step(Input::Batch(batch));
    }
    Ok(engine.series_bytes())
}
