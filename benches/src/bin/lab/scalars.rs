//! Values that depend on the one before, and values with a season: the whole way of a pane scalar, from the
//! value over the residual to the alarm.

use std::f64::consts::TAU;

use anyhow::Context;
use driftline_detectors::arl::{cusum_one_sided, cusum_threshold_one_sided};
use driftline_detectors::baseline::Zone;
use driftline_detectors::scalar::{Scalar, ScalarOutput, Transform, residual_baseline};
use driftline_tests::promise::mean_and_error;
use driftline_tests::steps::{Reference, Watch};
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::parallel::in_parallel;
use crate::text::{short, table};
use crate::{Effort, Picture};

/// Mean values to a false alarm, at least.
const PROMISE: f64 = 10_000.0;
/// Promises that each baseline is watched for.
const HORIZON: usize = 10;
/// That of the residuals' mean; the second is the default of scalars.
const ZONES: [f64; 2] = [0.0, 0.5];
const EVERY_US: i64 = 600_000_000;
const DAY: f64 = 144.0;
/// A change of so many standard deviations of the value ...
const SHIFT: f64 = 1.0;
/// ... comes every so often, each time to a copy.
const CHANGE_EVERY: usize = 5_000;
/// The level is held for a day at most, as in production.
const HELD_MAX: u32 = 144;
/// Values after which it counts as missed.
const DELAY_MAX: usize = 1_000;

/// How values come: their logarithms, in standard deviations.
#[derive(Debug)]
struct Course {
    name: &'static str,
    /// Correlation of neighbours.
    correlation: f64,
    /// Amplitude of the daily season.
    season: f64,
    learned: usize,
    target: f64,
}

impl Course {
    /// Mean delay of the CUSUM that knows laws, season and change: innovations move by `1 - correlation` of
    /// what values move by, in standard deviations of their own.
    fn floor(&self) -> f64 {
        let (kept, spread) = (self.correlation, (1.0 - self.correlation * self.correlation).sqrt());
        let effect = SHIFT * (1.0 - kept) / spread;
        let threshold = cusum_threshold_one_sided(effect / 2.0, PROMISE);
        cusum_one_sided(effect / 2.0, threshold, 0.0, effect)
    }
}

const COURSES: [Course; 2] = [
    Course {
        name: "autoregression 0.5",
        correlation: 0.5,
        season: 0.0,
        learned: 5_000,
        target: 51.0,
    },
    Course {
        name: "daily season of 2 sd",
        correlation: 0.0,
        season: 2.0,
        learned: 2_016,
        target: 21.0,
    },
];

/// One course with one zone.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Row {
    course: String,
    learned: usize,
    zone: f64,
    /// False alarms for each that was promised: mean over baselines, and its standard error.
    realised: f64,
    error: f64,
    /// Share of baselines that kept the promise.
    kept: f64,
    /// Mean values from the change to the alarm, and its standard error between baselines.
    delay: f64,
    delay_error: f64,
    missed: f64,
    floor: f64,
    target: f64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Report {
    baselines: usize,
    rows: Vec<Row>,
}

/// The values of a course and the model of them.
#[derive(Clone)]
struct Stream {
    course: &'static Course,
    random: Xoshiro256PlusPlus,
    state: f64,
    at: i64,
    shift: f64,
    model: Scalar,
}

impl Stream {
    fn new(course: &'static Course, seed: u64) -> Self {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let state = StandardNormal.sample(&mut random);
        let learn_us = course.learned as i64 * EVERY_US;
        Self {
            course,
            random,
            state,
            at: 0,
            shift: 0.0,
            model: Scalar::new(Transform::Log, learn_us),
        }
    }

    /// The next value, while what comes may have been a change for `held` of them.
    fn next(&mut self, held: u32) -> ScalarOutput {
        let keep = self.course.correlation;
        let fresh: f64 = StandardNormal.sample(&mut self.random);
        self.state = keep * self.state + (1.0 - keep * keep).sqrt() * fresh;
        let season = self.course.season * (TAU * self.at as f64 / DAY).sin();
        // Values so large that `ln(1 + x)` is `ln x`.
        let value = (10.0 + 0.05 * (self.state + season + self.shift)).exp();
        let time_us = self.at * EVERY_US;
        self.at += 1;
        let hold = (1..=HELD_MAX).contains(&held);
        self.model.observe(time_us, EVERY_US, value, hold)
    }
}

/// What one baseline gave with a zone.
struct Seen {
    alarms: usize,
    delays: Vec<Option<usize>>,
}

pub(crate) fn measure(effort: Effort) -> anyhow::Result<Value> {
    let baselines = if effort == Effort::Full { 200 } else { 20 };
    let plans: Vec<(&'static Course, u64)> =
        COURSES.iter().flat_map(|course| (0..baselines).map(move |seed| (course, seed))).collect();
    let seen: Vec<[Seen; 2]> = in_parallel(&plans, |(course, seed)| watch(course, *seed))
        .into_iter()
        .collect::<Option<_>>()
        .context("what was learned is watched")?;
    let mut rows = Vec::new();
    for (course, seen) in COURSES.iter().zip(seen.chunks(baselines as usize)) {
        for (at, zone) in ZONES.iter().enumerate() {
            let seen: Vec<&Seen> = seen.iter().map(|zones| &zones[at]).collect();
            rows.push(row(course, *zone, &seen));
        }
    }
    Ok(serde_json::to_value(Report { baselines: baselines as usize, rows })?)
}

fn watch(course: &'static Course, seed: u64) -> Option<[Seen; 2]> {
    let mut stream = Stream::new(course, seed);
    let sketch = (0..2 * course.learned).find_map(|_| match stream.next(0) {
        ScalarOutput::Learned(sketch) => Some(sketch),
        _ => None,
    })?;
    Some(ZONES.map(|sigma| {
        let zone = Zone { sigma, odds: 0.1 };
        let reference = Reference::of(residual_baseline(&sketch, zone), zone);
        watch_with(stream.clone(), &reference)
    }))
}

fn watch_with(mut stream: Stream, reference: &Reference) -> Seen {
    let mut watch = reference.watch();
    let mut seen = Seen { alarms: 0, delays: Vec::new() };
    for at in 0..HORIZON * PROMISE as usize {
        if at % CHANGE_EVERY == CHANGE_EVERY / 2 {
            seen.delays.push(delay(stream.clone(), watch.clone()));
        }
        let ScalarOutput::Residual(residual) = stream.next(watch.held()) else { continue };
        if watch.step(residual) >= PROMISE.ln() {
            watch.restart();
            seen.alarms += 1;
        }
    }
    seen
}

/// Values from a shift to its alarm.
fn delay(mut stream: Stream, mut watch: Watch<'_>) -> Option<usize> {
    stream.shift = SHIFT;
    (1..=DELAY_MAX).find(|_| match stream.next(watch.held()) {
        ScalarOutput::Residual(residual) => watch.step(residual) >= PROMISE.ln(),
        _ => false,
    })
}

fn row(course: &Course, zone: f64, seen: &[&Seen]) -> Row {
    let shares: Vec<f64> = seen.iter().map(|s| s.alarms as f64 / HORIZON as f64).collect();
    let (realised, error) = mean_and_error(&shares);
    let kept = shares.iter().filter(|share| **share <= 1.0).count();
    let of = |seen: &&Seen| {
        let sum: usize = seen.delays.iter().map(|delay| delay.unwrap_or(DELAY_MAX)).sum();
        sum as f64 / seen.delays.len() as f64
    };
    let (delay, delay_error) = mean_and_error(&seen.iter().map(of).collect::<Vec<_>>());
    let all: Vec<Option<usize>> = seen.iter().flat_map(|seen| seen.delays.clone()).collect();
    let missed = all.iter().filter(|delay| delay.is_none()).count();
    Row {
        course: course.name.into(),
        learned: course.learned,
        zone,
        realised,
        error,
        kept: kept as f64 / seen.len() as f64,
        delay,
        delay_error,
        missed: missed as f64 / all.len() as f64,
        floor: course.floor(),
        target: course.target,
    }
}

pub(crate) fn text(figures: &Value) -> anyhow::Result<String> {
    let report = Report::deserialize(figures)?;
    let rows: Vec<[String; 9]> = report
        .rows
        .iter()
        .map(|row| {
            [
                row.course.clone(),
                row.learned.to_string(),
                row.zone.to_string(),
                format!("{} ± {}", short(row.realised), short(row.error)),
                format!("{:.0} %", 100.0 * row.kept),
                format!("{} ± {}", short(row.delay), short(row.delay_error)),
                format!("{:.1} %", 100.0 * row.missed),
                short(row.floor),
                short(row.target),
            ]
        })
        .collect();
    let head = [
        "values",
        "learned",
        "zone",
        "realised / promised",
        "baselines that kept it",
        "delay of +1 sd",
        "missed",
        "floor",
        "target",
    ];
    Ok(format!(
        "Values that are not independent, on the whole way of a pane scalar (profile, level, autoregression, \
         ranks, evidence), one value a step, promise {PROMISE}, {} baselines, each watched for {HORIZON} \
         promises. A baseline kept the promise where it had at most {HORIZON} false alarms. The shift is of one \
         standard deviation of the value; missed after {DELAY_MAX} values, which is what counts in the mean then. \
         0.5 is the zone of scalars by default.\n\n{}",
        report.baselines,
        table(head, &rows)
    ))
}

pub(crate) fn pictures(_: &Value) -> anyhow::Result<Vec<Picture>> {
    Ok(Vec::new())
}
