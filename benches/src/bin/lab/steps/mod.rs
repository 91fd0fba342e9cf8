//! One value a step: how often the real statistic alarms where nothing changes, and how soon it
//! finds a change, law by law, beside the exact floor.

mod text;

use driftline_detectors::baseline::Zone;
use driftline_tests::laws::Values;
use driftline_tests::steps::{Reference, Watch};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Effort;
use crate::parallel::in_parallel;
use crate::scenarios::{STREAMS, Stream};
use crate::text::null_is_nan;
use crate::walk::{Chart, Plan, Walk, delays, lengths, percentile, seed, walk};

pub(crate) use text::{pictures, text};

/// The promise `A`: mean values to a false alarm, at least.
const PROMISE: f64 = 10_000.0;
/// Runs are cut at so many promises.
const CAP: usize = 20;
/// Values after which a change counts as missed.
const DELAY_MAX: usize = 20_000;
/// In-control values before a change.
const MOMENTS: [usize; 2] = [50, 1_000];
const EVENTS: [usize; 2] = [1_000, 10_000];
const ZONES: [f64; 2] = [0.0, 0.1];

/// Runs in control.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Rate {
    stream: String,
    baseline_events: usize,
    zone: f64,
    /// Mean of `min(length, 200,000)` values, and its standard error between baselines.
    run_length: f64,
    error: f64,
    /// Points of single runs.
    tenth: f64,
    median: f64,
    ninetieth: f64,
    /// The tenth percentile of single baselines' means.
    tenth_baseline: f64,
    /// Share of runs that were cut.
    cut: f64,
}

/// A change.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Delay {
    stream: String,
    change: String,
    baseline_events: usize,
    zone: f64,
    /// In-control values before it.
    after: usize,
    /// Mean values from the change to the alarm, and its standard error between baselines.
    #[serde(deserialize_with = "null_is_nan")]
    delay: f64,
    #[serde(deserialize_with = "null_is_nan")]
    error: f64,
    #[serde(deserialize_with = "null_is_nan")]
    median: f64,
    #[serde(deserialize_with = "null_is_nan")]
    missed: f64,
    /// Share of runs that alarmed before the change: left out.
    early: f64,
    floor: f64,
    target: Option<f64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Report {
    promise: f64,
    baselines: usize,
    runs: usize,
    runs_in_control: usize,
    rates: Vec<Rate>,
    delays: Vec<Delay>,
}

/// How much is simulated.
#[derive(Debug, Clone, Copy)]
struct Size {
    baselines: usize,
    /// Runs with each.
    runs: usize,
    /// Those of them that go on to a false alarm.
    whole: usize,
}

/// The real statistic with the promise for its threshold.
#[derive(Debug, Clone)]
struct Promised<'a>(Watch<'a>);

impl Chart for Promised<'_> {
    fn step(&mut self, value: f64) -> bool {
        self.0.step(value) >= PROMISE.ln()
    }
}

pub(crate) fn measure(effort: Effort) -> anyhow::Result<Value> {
    let size = match effort {
        Effort::Quick => Size { baselines: 20, runs: 10, whole: 2 },
        Effort::Full => Size { baselines: 100, runs: 10, whole: 2 },
    };
    let mut jobs = Vec::new();
    for stream in STREAMS {
        for events in EVENTS {
            jobs.extend(ZONES.map(|zone| (stream, events, zone)));
        }
    }
    let seen = in_parallel(&jobs, |(stream, events, zone)| run(stream, *events, *zone, size));
    let (rates, delays): (Vec<Rate>, Vec<Vec<Delay>>) = seen.into_iter().unzip();
    Ok(serde_json::to_value(Report {
        promise: PROMISE,
        baselines: size.baselines,
        runs: size.runs,
        runs_in_control: size.whole,
        rates,
        delays: delays.concat(),
    })?)
}

fn run(stream: &Stream, events: usize, zone: f64, size: Size) -> (Rate, Vec<Delay>) {
    let cap = CAP * PROMISE as usize;
    let last = MOMENTS.iter().max().map_or(0, |moment| moment + 1);
    let of_baseline = |baseline: usize| -> Vec<Walk> {
        let mut values = Values::new(stream.law, seed(stream, baseline, 0));
        let values: Vec<f64> = (0..events).map(|_| values.draw()).collect();
        let zone = Zone { sigma: zone, odds: zone };
        let reference = Reference::learn(stream.law.kind(), &values, zone);
        let one = |run: usize| {
            let plan = Plan {
                cap: if run <= size.whole { cap } else { last },
                moments: &MOMENTS,
                changes: stream.changes,
                delay_max: DELAY_MAX,
            };
            let values = Values::new(stream.law, seed(stream, baseline, run));
            walk(Promised(reference.watch()), values, plan)
        };
        (1..=size.runs).map(one).collect()
    };
    let walks: Vec<Vec<Walk>> = (0..size.baselines).map(of_baseline).collect();
    let whole: Vec<Vec<Walk>> = walks.iter().map(|w| w[..size.whole].to_vec()).collect();
    let seen = lengths(&whole, cap);
    let rate = Rate {
        stream: stream.name.into(),
        baseline_events: events,
        zone,
        run_length: seen.mean,
        error: seen.error,
        tenth: percentile(&seen.all, 0.1),
        median: percentile(&seen.all, 0.5),
        ninetieth: percentile(&seen.all, 0.9),
        tenth_baseline: percentile(&seen.by_baseline, 0.1),
        cut: seen.cut,
    };
    let mut found = Vec::new();
    for (moment, after) in MOMENTS.iter().enumerate() {
        for (index, change) in stream.changes.iter().enumerate() {
            let seen = delays(&walks, moment, index, DELAY_MAX);
            found.push(Delay {
                stream: stream.name.into(),
                change: change.name.into(),
                baseline_events: events,
                zone,
                after: *after,
                delay: seen.mean,
                error: seen.error,
                median: seen.median,
                missed: seen.missed,
                early: seen.early,
                floor: change.floor,
                target: change.target,
            });
        }
    }
    (rate, found)
}
