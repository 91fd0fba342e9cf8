//! The lab: how often the real statistic alarms where nothing changes, beside what was promised, and how soon
//! it finds a change, beside the exact floor.
//!
//! `cargo run --release -p driftline-bench --bin lab [quick|full [folder]]` writes `detection.json`,
//! `detection-rates.svg` and `detection-delays.svg` into the folder (default: docs), and prints the tables of
//! `docs/detection.md`. Seeded; laws in parallel; intervals are 95 %, between baselines.

// A bench talks to a terminal.
#![allow(clippy::print_stdout)]

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, bail};
use driftline::plot::{Axis, Panel, Point, svg};
use driftline_detectors::arl::{cusum_one_sided, cusum_threshold_one_sided};
use driftline_tests::promise::{PANE_EVENTS, Plan};
use driftline_tests::streams::{Change, Law};
use serde::Serialize;

/// Runs are cut at so many times the promise.
const CAP: usize = 30;
/// The promise `A`: mean panes to a false alarm, at least.
const PROMISE: f64 = 200.0;
const EVENTS: [usize; 2] = [1_000, 10_000];
const ZONES: [f64; 2] = [0.0, 0.1];
/// Shifts of a Gaussian, standard deviations of one event.
const SHIFTS: [f64; 5] = [0.1, 0.15, 0.25, 0.5, 1.0];
/// Normal quantile of 97.5 %.
const SURE: f64 = 1.96;

/// A stationary scenario.
#[derive(Debug, Clone, Serialize)]
struct Rate {
    law: String,
    baseline_events: usize,
    zone: f64,
    promise: f64,
    /// Mean panes to a false alarm; of runs that are cut at 30 promises, a lower bound.
    run_length: f64,
    error: f64,
    /// Share of runs that were cut.
    cut: f64,
    /// The tenth percentile of single baselines' means.
    tenth: f64,
    /// False alarms for each that was promised, and the ends of its interval.
    realised: f64,
    low: f64,
    high: f64,
}

/// A change of a Gaussian.
#[derive(Debug, Clone, Serialize)]
struct Delay {
    shift: f64,
    zone: f64,
    /// Mean panes.
    delay: f64,
    error: f64,
    missed: f64,
    /// Worst-case mean delay of the CUSUM that knows both laws and the sign.
    floor: f64,
}

#[derive(Debug, Serialize)]
struct Report {
    pane_events: usize,
    rates: Vec<Rate>,
    delays: Vec<Delay>,
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (baselines, runs) = match arguments.first().map(String::as_str) {
        None | Some("quick") => (16, 3),
        Some("full") => (100, 6),
        Some(other) => bail!("{other}: expected quick or full"),
    };
    let folder = PathBuf::from(arguments.get(1).map_or("docs", String::as_str));
    let begun = Instant::now();
    let sized = |plan: Plan| Plan { baselines, runs, ..plan };
    let mut plans = Vec::new();
    for law in Law::ALL {
        for events in EVENTS {
            plans.extend(ZONES.map(|zone| sized(Plan::new(law, events, zone, PROMISE))));
        }
    }
    let rates = in_parallel(&plans, rate);
    let mut changes = Vec::new();
    for zone in ZONES {
        changes.extend(SHIFTS.map(|shift| (shift, zone)));
    }
    let delays = in_parallel(&changes, |(shift, zone)| {
        let plan = sized(Plan::new(Law::Gaussian, 10_000, *zone, PROMISE));
        let seen = Plan { runs: 2, ..plan }.delays(Change::Shift(*shift));
        let effect = shift * (PANE_EVENTS as f64).sqrt();
        let threshold = cusum_threshold_one_sided(effect / 2.0, PROMISE);
        Delay {
            shift: *shift,
            zone: *zone,
            delay: seen.mean,
            error: seen.error,
            missed: seen.missed,
            floor: cusum_one_sided(effect / 2.0, threshold, 0.0, effect),
        }
    });
    let report = Report { pane_events: PANE_EVENTS, rates, delays };
    print!("{}", tables(&report));
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    write("detection.json", serde_json::to_string_pretty(&report)? + "\n")?;
    write("detection-rates.svg", rates_picture(&report))?;
    write("detection-delays.svg", delays_picture(&report))?;
    println!("{baselines} baselines of {runs} runs; {:.0} s", begun.elapsed().as_secs_f64());
    Ok(())
}

fn rate(plan: &Plan) -> Rate {
    let seen = plan.run_lengths(CAP);
    let realised = |run_length: f64| plan.promise / run_length;
    Rate {
        law: format!("{:?}", plan.law),
        baseline_events: plan.events,
        zone: plan.zone,
        promise: plan.promise,
        run_length: seen.mean,
        error: seen.error,
        cut: seen.censored,
        tenth: seen.tenth,
        realised: realised(seen.mean),
        low: realised(seen.mean + SURE * seen.error),
        high: realised((seen.mean - SURE * seen.error).max(1.0)),
    }
}

/// Each on some thread, results in their order.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(at) else { return };
                    let result = work(item);
                    done.lock().expect("no panic").push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no panic");
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

fn tables(report: &Report) -> String {
    let mut text =
        "| law | baseline | zone | run length | cut | 10 % of baselines | realised / promised |\n\
                    | --- | --- | --- | --- | --- | --- | --- |\n"
            .to_owned();
    for rate in &report.rates {
        let bound = if rate.cut > 0.0 { "at most " } else { "" };
        text += &format!(
            "| {} | {} | {} | {:.0} ± {:.0} | {:.0} % | {:.0} | {bound}{:.2} ({:.2} to {:.2}) |\n",
            rate.law,
            rate.baseline_events,
            rate.zone,
            rate.run_length,
            rate.error,
            rate.cut * 100.0,
            rate.tenth,
            rate.realised,
            rate.low,
            rate.high
        );
    }
    text += "\n| shift, sd | zone | mean delay, panes | missed | floor | ratio |\n\
             | --- | --- | --- | --- | --- | --- |\n";
    for delay in &report.delays {
        text += &format!(
            "| {} | {} | {:.1} ± {:.1} | {:.0} % | {:.1} | {:.2} |\n",
            delay.shift,
            delay.zone,
            delay.delay,
            delay.error,
            delay.missed * 100.0,
            delay.floor,
            delay.delay / delay.floor
        );
    }
    text
}

/// Realised over promised rate: a panel for each size of baseline and zone.
fn rates_picture(report: &Report) -> String {
    let panel = |events: usize, zone: f64| {
        let of = report.rates.iter().filter(|r| r.baseline_events == events && r.zone == zone);
        let points = of.enumerate().map(|(at, rate)| Point {
            x: Some(at as f64),
            y: rate.realised,
            label: rate.law.chars().take(2).collect(),
            chosen: rate.high > 1.1,
        });
        Panel {
            title: format!("baseline of {events} events, zone {zone}"),
            x: Axis { title: "law".into(), log: false, format: |_| String::new() },
            y: Axis {
                title: "realised / promised rate".into(),
                log: true,
                format: |v| v.to_string(),
            },
            points: points.collect(),
        }
    };
    let panels: Vec<Panel> =
        EVENTS.iter().flat_map(|events| ZONES.map(|zone| panel(*events, zone))).collect();
    svg(&panels, 2)
}

/// Delay and floor over the size of the shift.
fn delays_picture(report: &Report) -> String {
    let panel = |zone: f64| {
        let of = report.delays.iter().filter(|delay| delay.zone == zone);
        let points = of.flat_map(|delay| {
            let point = |y: f64, label: &str, chosen| Point {
                x: Some(delay.shift),
                y,
                label: label.into(),
                chosen,
            };
            [point(delay.delay, "D", true), point(delay.floor, "F", false)]
        });
        Panel {
            title: format!("delay (D) and floor (F), zone {zone}"),
            x: Axis { title: "shift, sd".into(), log: true, format: |v| v.to_string() },
            y: Axis { title: "panes".into(), log: true, format: |v| v.to_string() },
            points: points.collect(),
        }
    };
    svg(&ZONES.map(panel), 2)
}
