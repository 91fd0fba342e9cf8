//! Replay end to end beside its floor: a bare decode of the same file by sonic-rs into a borrowed struct
//! of all 15 fields, built for speed alone.
//!
//! `cargo run --release -p driftline-bench --bin replay [events [rounds]]`. Rounds are interleaved, so a
//! busy machine slows all rows alike; medians are printed. Peak memory is that of a child process.

// A bench talks to a terminal.
#![allow(clippy::print_stdout)]

use std::path::Path;
use std::process::Command;

use anyhow::Context;
use driftline::config;
use driftline::engine::Engine;
use driftline::runtime::replay::{Event, ReplayError, replay};
use driftline::source::FileSource;
use driftline::synth::write::Format;
use driftline::synth::{Plan, dataset};
use driftline_bench::Rounds;
use driftline_bench::floor::{Floor, FloorInput};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, folder, threads] = arguments.as_slice()
        && mode == "memory"
    {
        let events = run(Path::new(folder), "ndjson", threads.parse()?)?;
        println!("{events} {}", peak_kib()?);
        return Ok(());
    }
    let number = |at: usize, default: u64| -> anyhow::Result<u64> {
        arguments.get(at).map_or(Ok(default), |a| a.parse().context("a number"))
    };
    let (events, rounds) = (number(0, 2_000_000)?, number(1, 7)? as usize);
    let folder = tempfile::tempdir()?;
    for format in ["ndjson", "parquet"] {
        let plan = Plan { events, ..Plan::default() };
        let plan = Plan { drifts: plan.default_drifts(), ..plan };
        let format = Format::named(format).context("a format")?;
        dataset::write(&plan, format, 1, folder.path(), &mut |_| {})?;
    }
    let path = folder.path();
    let mut floor = Floor::start(&path.join("events.ndjson"), FloorInput::File)?;
    let mut bench = Rounds::new("replay of the default set", "event");
    bench.floor("sonic-rs, bare struct decode", || floor.decode().unwrap_or(0));
    bench.row("replay NDJSON, 1 thread", || run(path, "ndjson", 1).unwrap_or(0));
    bench.row("replay NDJSON, 2 threads", || run(path, "ndjson", 2).unwrap_or(0));
    bench.row("replay Parquet, 1 thread", || run(path, "parquet", 1).unwrap_or(0));
    let report = bench.run(rounds)?;
    println!("{report}");
    for threads in ["1", "2"] {
        let child = Command::new(std::env::current_exe()?)
            .args(["memory", &path.display().to_string(), threads])
            .output()?;
        println!(
            "peak memory, {threads} thread(s): {} (events, KiB)",
            String::from_utf8_lossy(&child.stdout).trim()
        );
    }
    Ok(())
}

fn run(folder: &Path, extension: &str, threads: usize) -> anyhow::Result<u64> {
    let (settings, _) = config::load(&folder.join("driftline.toml"))?;
    let file = folder.join(format!("events.{extension}"));
    let source = FileSource::find(&[file.display().to_string()], None)?;
    let mut engine = Engine::new(settings);
    let mut findings = 0;
    replay(&source, &mut engine, threads, |_, event| -> Result<(), ReplayError> {
        if let Event::Output(output) = event {
            findings += output.findings.len();
        }
        Ok(())
    })?;
    anyhow::ensure!(findings > 0, "the drifts of the default set are found");
    Ok(engine.counters().events)
}

/// Largest resident memory of this process so far, KiB.
fn peak_kib() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).context("VmHWM")?;
    line.split_whitespace().nth(1).context("a number")?.parse().context("a number")
}
