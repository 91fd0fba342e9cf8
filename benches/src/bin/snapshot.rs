//! Snapshots of many series: what taking one costs the engine that goes on, and how soon one is restored.
//!
//! `cargo run --release -p driftline-bench --bin snapshot [series [learn_events]]`. A fork is taken when a
//! pane has closed, and written by another thread to a folder, as it is live. *Steady*: events come as
//! fast as their time goes by. *Catch-up*: as fast as the engine takes them. A step is 4096 events; its
//! time is that of the clock on the wall and that of the thread, which a busy machine does not slow.

// A bench talks to a terminal.
#![allow(clippy::print_stdout)]

use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use driftline::engine::{Engine, Input};
use driftline::model::live::StateSettings;
use driftline::model::stream::TopicPartition;
use driftline::state::{FORMAT, Manifest, SnapshotStore};
use driftline_bench::Sample;
use driftline_bench::fleet::Fleet;

const ROWS: usize = 4096;
const EVENTS_A_PANE: u64 = 20;
const PANE: Duration = Duration::from_secs(10);
const SHARD: &str = "all";

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, folder] = arguments.as_slice()
        && mode == "restore"
    {
        return restore(Path::new(folder));
    }
    let number = |at: usize, default: u64| -> anyhow::Result<u64> {
        arguments.get(at).map_or(Ok(default), |a| a.parse().context("a number"))
    };
    let (series, learn) = (number(0, 100_000)?, number(1, 600)?);
    let panes = [3, 3, 6, 6];
    let warm = learn / EVENTS_A_PANE * 3 / 2 + 4;
    let mut bench = Bench::new(series as usize, learn, warm + panes.iter().sum::<u64>() + 6)?;
    bench.run(warm, false, false)?;
    let folder = tempfile::tempdir()?;
    bench.writer = Some(Writer::spawn(folder.path())?);
    let watched = bench.engine.watched_series();
    ensure!(watched * 10 >= series * 9, "only {watched} series are watched: learn for longer");
    println!("{watched} series watched; live state of one {:?} bytes", bench.engine.series_bytes());
    println!(
        "resident {} MiB, largest while learning {} MiB",
        kib("VmRSS")? >> 10,
        kib("VmHWM")? >> 10
    );
    tell_steps(&mut bench, panes)?;
    tell_snapshots(&mut bench)?;
    drop(bench);
    tell_restores(folder.path())
}

/// The table of steps: steady and catching up, without and with a snapshot for each pane.
fn tell_steps(bench: &mut Bench, panes: [u64; 4]) -> anyhow::Result<()> {
    println!("\n| | steps | median | p99 | largest | closing a pane | the same in CPU time |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for (name, pace, save, panes) in [
        ("steady, no snapshot", true, false, panes[0]),
        ("steady, a snapshot each pane", true, true, panes[1]),
        ("catch-up, no snapshot", false, false, panes[2]),
        ("catch-up, a snapshot each pane", false, true, panes[3]),
    ] {
        let steps = bench.run(panes, pace, save)?;
        println!(
            "| {name} | {} | {} | {} |",
            steps.len(),
            row(&steps, |s| s.wall),
            row(&steps, |s| s.cpu)
        );
    }
    Ok(())
}

/// What the forks cost the engine, and how long it took to write them.
fn tell_snapshots(bench: &mut Bench) -> anyhow::Result<()> {
    let writer = bench.writer.take().context("a writer")?;
    let (forks, written) = (std::mem::take(&mut bench.forks), writer.finish()?);
    let of = |values: &[f64]| Sample::of(values).context("a snapshot was taken");
    let fork = of(&forks)?;
    println!(
        "\nfork: median {:.2} ms, largest {:.2} ms, of {}",
        fork.median, fork.max, fork.repeats
    );
    let seconds = of(&written.iter().map(|w| w.0).collect::<Vec<_>>())?;
    let bytes = written.last().map_or(0, |w| w.1);
    println!(
        "written in median {:.2} s, largest {:.2} s; {} MiB",
        seconds.median,
        seconds.max,
        bytes >> 20
    );
    println!(
        "resident {} MiB, largest {} MiB (events are made in it, too)",
        kib("VmRSS")? >> 10,
        kib("VmHWM")? >> 10
    );
    Ok(())
}

/// Restores the last snapshot three times, each in a process of its own.
fn tell_restores(folder: &Path) -> anyhow::Result<()> {
    for _ in 0..3 {
        let child = Command::new(std::env::current_exe()?)
            .args(["restore", &folder.display().to_string()])
            .output()?;
        print!(
            "{}{}",
            String::from_utf8_lossy(&child.stdout),
            String::from_utf8_lossy(&child.stderr)
        );
    }
    Ok(())
}

/// Median, p99, largest, and the median of steps that closed a pane, milliseconds.
fn row(steps: &[Step], of: impl Fn(&Step) -> f64) -> String {
    let sorted = |steps: &mut dyn Iterator<Item = &Step>| {
        let mut times: Vec<f64> = steps.map(&of).collect();
        times.sort_by(f64::total_cmp);
        times
    };
    let all = sorted(&mut steps.iter());
    let closing = sorted(&mut steps.iter().filter(|step| step.closed));
    let at = |times: &[f64], share: f64| {
        times.get((times.len() as f64 * share) as usize).or(times.last()).copied().unwrap_or(0.0)
    };
    let [median, p99, largest] = [0.5, 0.99, 1.0].map(|share| at(&all, share));
    format!("{median:.2} | {p99:.2} | {largest:.2} | {:.2}", at(&closing, 0.5))
}

/// Times of a step, milliseconds.
struct Step {
    wall: f64,
    cpu: f64,
    closed: bool,
}

struct Bench {
    fleet: Fleet,
    engine: Engine,
    writer: Option<Writer>,
    forks: Vec<f64>,
}

impl Bench {
    fn new(series: usize, learn: u64, panes: u64) -> anyhow::Result<Self> {
        let fleet = Fleet::new(series, EVENTS_A_PANE, panes)?;
        let mut settings = fleet.settings().clone();
        settings.baseline.learn_events = learn;
        settings.baseline.learn_us = (learn / EVENTS_A_PANE) as i64 / 2 * 10_000_000;
        let mut engine = Engine::new(settings);
        engine.step(Input::Opened { partition: 0, begin_us: None });
        Ok(Self { fleet, engine, writer: None, forks: Vec::new() })
    }

    /// Steps until so many panes have closed.
    fn run(&mut self, panes: u64, pace: bool, save: bool) -> anyhow::Result<Vec<Step>> {
        let mut steps = Vec::new();
        let end = self.engine.counters().panes + panes;
        let (begun, mut first) = (Instant::now(), None);
        while self.engine.counters().panes < end {
            let batch = self.fleet.next_batch(ROWS).context("more events")?;
            let time_us = batch.time_us.last().copied().unwrap_or_default();
            let gone = time_us - *first.get_or_insert(time_us);
            let early = Duration::from_micros(gone.max(0) as u64).saturating_sub(begun.elapsed());
            if pace {
                std::thread::sleep(early.min(PANE));
            }
            let before = self.engine.counters().panes;
            let (wall, cpu) = (Instant::now(), thread_ms()?);
            self.engine.step(Input::Batch(&batch));
            let closed = self.engine.counters().panes > before;
            if save && closed {
                self.save();
            }
            steps.push(Step {
                wall: wall.elapsed().as_secs_f64() * 1e3,
                cpu: thread_ms()? - cpu,
                closed,
            });
        }
        Ok(steps)
    }

    /// Hands a fork to the writer, where it is free.
    fn save(&mut self) {
        let Some(writer) = &mut self.writer else { return };
        if !writer.is_free() {
            return;
        }
        let begun = Instant::now();
        let fork = self.engine.fork();
        self.forks.push(begun.elapsed().as_secs_f64() * 1e3);
        writer.write(fork);
    }
}

/// Writes snapshots on a thread of its own.
struct Writer {
    engines: SyncSender<Engine>,
    written: Receiver<anyhow::Result<(f64, u64)>>,
    all: Vec<anyhow::Result<(f64, u64)>>,
    under_way: usize,
}

impl Writer {
    fn spawn(folder: &Path) -> anyhow::Result<Self> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let home =
            SnapshotStore::open(&state(folder), "synthetic", "bench", runtime.handle().clone())?;
        let (engines, waiting) = sync_channel::<Engine>(1);
        let (done, written) = sync_channel(1);
        std::thread::spawn(move || {
            let _runtime = runtime;
            for (number, engine) in (0..).zip(waiting) {
                let begun = Instant::now();
                let manifest = manifest(&engine, number);
                let put = home.put(SHARD, &manifest, engine);
                home.prune(SHARD, 1);
                let put = put.map(|bytes| (begun.elapsed().as_secs_f64(), bytes));
                if done.send(put.map_err(anyhow::Error::from)).is_err() {
                    return;
                }
            }
        });
        Ok(Self { engines, written, all: Vec::new(), under_way: 0 })
    }

    fn is_free(&mut self) -> bool {
        self.all.extend(self.written.try_iter());
        self.all.len() == self.under_way
    }

    fn write(&mut self, engine: Engine) {
        self.under_way += usize::from(self.engines.send(engine).is_ok());
    }

    fn finish(self) -> anyhow::Result<Vec<(f64, u64)>> {
        drop(self.engines);
        self.all.into_iter().chain(self.written.iter()).collect()
    }
}

fn state(folder: &Path) -> StateSettings {
    let home = folder.display().to_string();
    StateSettings { home, options: Default::default(), every_us: 1, keep: 1 }
}

fn manifest(engine: &Engine, offset: i64) -> Manifest {
    Manifest {
        format: FORMAT,
        pipeline: "synthetic".into(),
        group: "bench".into(),
        shard: SHARD.into(),
        config: engine.config().into(),
        settings: engine.settings().clone(),
        partitions: vec![(TopicPartition { topic: "events".into(), partition: 0 }, offset)],
        created_us: offset,
    }
}

/// In a process of its own: from the folder to an engine that takes events.
fn restore(folder: &Path) -> anyhow::Result<()> {
    let begun = Instant::now();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let home = SnapshotStore::open(&state(folder), "synthetic", "bench", runtime.handle().clone())?;
    let committed = vec![(TopicPartition { topic: "events".into(), partition: 0 }, i64::MAX)];
    let (manifest, bytes) = home.newest(SHARD, &committed, None)?.context("a snapshot")?;
    let (read, unpacked) = (begun.elapsed().as_secs_f64(), bytes.len() >> 20);
    let engine = Engine::restore(manifest.settings.clone(), &bytes)?;
    drop(bytes);
    let (whole, cpu, series) =
        (begun.elapsed().as_secs_f64(), thread_ms()? / 1e3, engine.watched_series());
    let (now, largest) = (kib("VmRSS")? >> 10, kib("VmHWM")? >> 10);
    println!(
        "restored {series} series in {whole:.2} s (CPU {cpu:.2} s; {read:.2} s to read {unpacked} MiB); \
         resident {now} MiB, largest {largest} MiB"
    );
    drop(engine);
    let begun = Instant::now();
    let (_, engine) = home.recover(SHARD, &committed, &manifest.settings)?.context("a snapshot")?;
    println!("as a stream in {:.2} s", begun.elapsed().as_secs_f64());
    drop(engine);
    Ok(())
}

/// CPU time of this thread, milliseconds.
fn thread_ms() -> anyhow::Result<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds: f64 = text.split_whitespace().next().context("a number")?.parse()?;
    Ok(nanoseconds / 1e6)
}

/// A line of the process's status, KiB.
fn kib(name: &str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(name)).context("a line of status")?;
    line.split_whitespace().nth(1).context("a number")?.parse().context("a number")
}
