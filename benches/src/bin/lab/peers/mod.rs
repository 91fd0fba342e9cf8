//! Peers at equal measured false alarms: each family at its best, all told the same baseline.

mod bank;
mod calibrate;
mod chart;
mod known;
mod qt_ewma;
mod setting;
mod text;
mod windows;

use driftline::model::Kind;
use driftline_tests::laws::Values;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Effort;
use crate::parallel::in_parallel;
use crate::scenarios::{CATEGORIES, FLAG, GAUSSIAN, LOGNORMAL, Stream, T3};
use crate::text::null_is_nan;
use crate::walk::{Plan, Walk, delays, lengths, seed, walk};
use calibrate::{Runs, Threshold, calibrate};

pub(crate) use chart::Chart;
pub(crate) use known::Known;
pub(crate) use setting::Setting;
pub(crate) use text::{pictures, text};

/// The run length in control that all are calibrated to, in values; also Driftline's promise.
const RUN_LENGTH: f64 = 10_000.0;
/// Runs are cut at so many times that.
const CAP: f64 = 20.0;
/// While a threshold is looked for: with few runs, and with all.
const SEARCH_CAPS: (f64, f64) = (3.0, 10.0);
/// In-control values before a change: every window is full.
const BEFORE: usize = 1_000;
/// Values after which a change counts as missed.
const DELAY_MAX: usize = 10_000;
const EVENTS: [usize; 2] = [1_000, 10_000];
const COMPARED: [Stream; 5] = [GAUSSIAN, T3, LOGNORMAL, FLAG, CATEGORIES];
/// Runs of the search are others than those of the figures.
const SEARCH_SEED: usize = 10_000;

/// How a threshold was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Choice {
    /// So that the measured run length is the wanted one.
    Calibrated,
    /// As people find it.
    Popular,
    /// Driftline's promise.
    Promised,
}

/// A change as one setting of a peer found it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Delay {
    change: String,
    /// Mean values to the alarm, missed ones as 10,000; and its standard error between baselines.
    /// NaN where no run, or one of no second baseline, was without an alarm before the change.
    #[serde(deserialize_with = "null_is_nan")]
    delay: f64,
    #[serde(deserialize_with = "null_is_nan")]
    error: f64,
    #[serde(deserialize_with = "null_is_nan")]
    missed: f64,
    /// Share of runs that had alarmed before the change: left out.
    early: f64,
    floor: f64,
}

/// One setting of a peer on one stream.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Row {
    stream: String,
    baseline_events: usize,
    family: String,
    setting: String,
    choice: Choice,
    threshold: f64,
    /// Measured, at most 200,000 counted; its standard error between baselines. For what depends on
    /// ranks alone it was measured on the Gaussian stream.
    run_length: f64,
    error: f64,
    /// Share of runs that were cut.
    cut: f64,
    delays: Vec<Delay>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Report {
    run_length: f64,
    baselines: usize,
    runs: usize,
    rows: Vec<Row>,
}

/// How much is simulated.
#[derive(Debug, Clone, Copy)]
struct Size {
    baselines: usize,
    /// Runs with each.
    runs: usize,
    /// Runs with each of the search for a threshold, while few will do.
    few: usize,
    /// Runs with each that go on to a false alarm, of what is not calibrated.
    whole: usize,
}

/// Streams that a setting is measured on. It is calibrated on the first.
struct Job {
    streams: Vec<Stream>,
    events: usize,
    setting: Setting,
    name: Option<&'static str>,
    choice: Choice,
    fixed: Option<f64>,
}

/// The baselines of a stream.
struct Told {
    stream: &'static str,
    events: usize,
    known: Vec<Known>,
}

pub(crate) fn measure(effort: Effort) -> anyhow::Result<Value> {
    let size = match effort {
        Effort::Quick => Size { baselines: 16, runs: 8, few: 1, whole: 1 },
        Effort::Full => Size { baselines: 30, runs: 16, few: 2, whole: 2 },
    };
    let streams: Vec<(Stream, usize)> =
        COMPARED.iter().flat_map(|stream| EVENTS.map(|events| (*stream, events))).collect();
    let told = in_parallel(&streams, |(stream, events)| Told {
        stream: stream.name,
        events: *events,
        known: (0..size.baselines).map(|at| Known::new(stream, *events, at)).collect(),
    });
    let rows = in_parallel(&jobs(), |job| run(job, &told, size));
    let rows: Vec<Vec<Row>> = rows.into_iter().collect::<anyhow::Result<_>>()?;
    Ok(serde_json::to_value(Report {
        run_length: RUN_LENGTH,
        baselines: size.baselines,
        runs: size.runs,
        rows: rows.concat(),
    })?)
}

fn jobs() -> Vec<Job> {
    let mut jobs = Vec::new();
    for kind in [Kind::Number, Kind::Flag, Kind::Category] {
        let streams: Vec<Stream> =
            COMPARED.into_iter().filter(|stream| stream.law.kind() == kind).collect();
        let mut add = |setting: Setting, name, choice, fixed| {
            let alone = streams.iter().map(|stream| vec![*stream]);
            let groups: Vec<Vec<Stream>> = match setting.is_distribution_free() {
                true => vec![streams.clone()],
                false => alone.collect(),
            };
            for streams in groups {
                let of =
                    |events| Job { streams: streams.clone(), events, setting, name, choice, fixed };
                jobs.extend(EVENTS.map(of));
            }
        };
        for zone in [0, 1] {
            let setting = Setting::Driftline { zone };
            add(setting, None, Choice::Promised, Some(RUN_LENGTH.ln()));
        }
        for setting in Setting::tried(kind) {
            add(setting, None, Choice::Calibrated, None);
        }
        for (name, setting, threshold) in Setting::popular(kind) {
            add(setting, Some(name), Choice::Popular, Some(threshold));
        }
    }
    jobs
}

/// The threshold of a job's setting: the one that is given, or the one at which false alarms come as seldom
/// as [`RUN_LENGTH`] asks.
fn threshold_of(job: &Job, told: &[Told], size: Size) -> anyhow::Result<Threshold> {
    if let Some(fixed) = job.fixed {
        return Ok(Threshold::one(fixed));
    }
    let first = &job.streams[0];
    let failed = std::cell::RefCell::new(None);
    let mean = |threshold: f64, runs: Runs| {
        let (runs, cap) = match runs {
            Runs::Few => (size.few, SEARCH_CAPS.0),
            Runs::All => (size.runs, SEARCH_CAPS.1),
        };
        let cap = (cap * RUN_LENGTH) as usize;
        let plan = Plan { cap, moments: &[], changes: &[], delay_max: 0 };
        let of_run = |run| (run + SEARCH_SEED, plan);
        match walks(job, first, told, Threshold::one(threshold), runs, of_run) {
            Ok(walks) => lengths(&walks, cap).mean,
            Err(error) => {
                *failed.borrow_mut() = Some(error);
                RUN_LENGTH
            }
        }
    };
    let found = calibrate(RUN_LENGTH, job.setting.range(), mean);
    failed.into_inner().map_or(Ok(found), Err)
}

/// A job's rows, one a stream.
fn run(job: &Job, told: &[Told], size: Size) -> anyhow::Result<Vec<Row>> {
    let threshold = threshold_of(job, told, size)?;
    let whole = if job.fixed.is_some() { size.whole } else { size.runs };
    let cap = (CAP * RUN_LENGTH) as usize;
    let mut rows = Vec::new();
    let mut in_control = None;
    for stream in &job.streams {
        let of_run = |run: usize| {
            let goes_on = run <= whole && in_control.is_none();
            let cap = if goes_on { cap } else { BEFORE + 1 };
            let moments = &[BEFORE];
            (run, Plan { cap, moments, changes: stream.changes, delay_max: DELAY_MAX })
        };
        let walks = walks(job, stream, told, threshold, size.runs, of_run)?;
        let seen = in_control.get_or_insert_with(|| {
            let whole: Vec<Vec<Walk>> = walks.iter().map(|w| w[..whole].to_vec()).collect();
            lengths(&whole, cap)
        });
        let found = stream.changes.iter().enumerate().map(|(index, change)| {
            let seen = delays(&walks, 0, index, DELAY_MAX);
            Delay {
                change: change.name.into(),
                delay: seen.mean,
                error: seen.error,
                missed: seen.missed,
                early: seen.early,
                floor: change.floor,
            }
        });
        rows.push(Row {
            stream: stream.name.into(),
            baseline_events: job.events,
            family: job.name.unwrap_or(job.setting.family()).into(),
            setting: job.setting.label(),
            choice: job.choice,
            threshold: threshold.above,
            run_length: seen.mean,
            error: seen.error,
            cut: seen.cut,
            delays: found.collect(),
        });
    }
    Ok(rows)
}

/// Walks of a job's chart on a stream, one list a baseline; `of_run`: seed and plan of a run from 1
/// on.
fn walks<'a>(
    job: &Job,
    stream: &Stream,
    told: &[Told],
    threshold: Threshold,
    runs: usize,
    of_run: impl Fn(usize) -> (usize, Plan<'a>),
) -> anyhow::Result<Vec<Vec<Walk>>> {
    let known = told
        .iter()
        .find(|told| (told.stream, told.events) == (stream.name, job.events))
        .map_or(&[][..], |told| &told.known);
    let of_baseline = |(baseline, known): (usize, &Known)| -> anyhow::Result<Vec<Walk>> {
        let below = Chart::new(job.setting, threshold.below, known)?;
        let above = Chart::new(job.setting, threshold.above, known)?;
        let one = |run: usize| {
            let upper = threshold.of_run(baseline * runs + run) == threshold.above;
            let chart = if upper { above.clone() } else { below.clone() };
            let (number, plan) = of_run(run);
            walk(chart, Values::new(stream.law, seed(stream, baseline, number)), plan)
        };
        Ok((1..=runs).map(one).collect())
    };
    known.iter().enumerate().map(of_baseline).collect()
}
