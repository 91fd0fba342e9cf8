//! Run lengths by simulation: panes to a false alarm, and to the detection of a change.
//!
//! Baselines are learned by the real engine out of a stream, then the real `Evidence` runs over more of the
//! same law. Deliberately wrong versions are here too, so that a check of the promise can be seen to fail.

use std::sync::Arc;

use arrow::array::{StringArray, UInt32Array};
use driftline::engine::{Engine, Input};
use driftline::model::batch::Labels;
use driftline::model::layout::{FieldPath, MetricField};
use driftline::model::settings::MetricSettings;
use driftline::model::{Batch, Kind, Settings};
use driftline_detectors::baseline::{Baseline, Zone};
use driftline_detectors::encoder::Encoder;
use driftline_detectors::evidence::Evidence;
use driftline_detectors::lanes::Tables;

use crate::streams::{Change, LEVELS, Law, Stream, column, label};

/// Events of a pane.
pub const PANE_EVENTS: usize = 50;
/// Panes of a window: the learned lane learns anew at the start of each.
pub const WINDOW_PANES: usize = 30;
/// In-control panes before a change.
const PANES_BEFORE: usize = 50;
/// Panes of a batch while learning.
const BATCH_PANES: usize = 250;
/// Panes after which a change counts as missed.
const DELAY_MAX: usize = 2_000;

/// What is left out or done wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// All is as in production.
    None,
    /// Evidence is taken as if events were independent.
    NoTempering,
    /// As before, and the baseline is taken for the truth.
    NoTemperingNoSlack,
    /// The learned lane has seen the pane that it judges.
    Peeking,
}

/// What is simulated.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Law of the values.
    pub law: Law,
    /// Events of the baseline.
    pub events: usize,
    /// Indifference zone, of numbers in sigma and of shares in odds.
    pub zone: f64,
    /// The promise `A`: mean panes to a false alarm, at least.
    pub promise: f64,
    /// Baselines that are learned, each from a stream of its own.
    pub baselines: usize,
    /// Runs with each.
    pub runs: usize,
    /// What is wrong.
    pub flaw: Flaw,
}

/// False alarms that were seen.
#[derive(Debug, Clone)]
pub struct Alarms {
    /// False alarms for each one that was promised: mean over baselines.
    pub realised: f64,
    /// Its standard error, between baselines.
    pub error: f64,
    /// Share of baselines that gave more than 1.5 times what was promised, and at least two.
    pub unlucky: f64,
    /// How many in all.
    pub count: usize,
}

/// Delays that were seen.
#[derive(Debug, Clone)]
pub struct Delays {
    /// Mean panes from the change to the alarm; the first changed pane is 1.
    pub mean: f64,
    /// Its standard error, between runs.
    pub error: f64,
    /// Share of runs without an alarm within 2,000 panes; they count as 2,000 in the mean.
    pub missed: f64,
}

impl Plan {
    /// The plan of the promise for a law, as in production.
    pub fn new(law: Law, events: usize, zone: f64, promise: f64) -> Self {
        Self { law, events, zone, promise, baselines: 30, runs: 4, flaw: Flaw::None }
    }

    fn zone(&self) -> Zone {
        Zone { sigma: self.zone, odds: self.zone }
    }

    fn seed(&self, baseline: usize, run: usize) -> u64 {
        0x5eed_0000_0000 + ((self.law as u64) << 32) + ((baseline as u64) << 16) + run as u64
    }

    fn tables(&self, index: usize) -> (Baseline, Tables) {
        let seed = self.seed(index, 0);
        let mut baseline = learn(self.law, self.events, self.zone(), seed);
        if matches!(self.flaw, Flaw::NoTempering | Flaw::NoTemperingNoSlack) {
            baseline.temper.clear();
            baseline.dependence.clear();
        }
        let events = match self.flaw {
            // The baseline is taken for the truth.
            Flaw::NoTemperingNoSlack => 1e12,
            _ => baseline.events() as f64,
        };
        let (p, slack_z) = (baseline.probabilities(), Settings::default().detect.slack_z);
        let tables = Tables::with_events(&baseline, p, events, self.zone(), slack_z);
        (baseline, tables)
    }

    /// False alarms in `horizon` promises of panes for each baseline. The evidence starts anew after an
    /// alarm, as in production. `shifted` is in force from the first watched pane: a change that the zone
    /// declares too small to matter is no change.
    pub fn alarms(&self, horizon: usize, shifted: Change) -> Alarms {
        let panes = horizon * self.promise as usize;
        let mut counts = Vec::new();
        for index in 0..self.baselines {
            let (baseline, tables) = self.tables(index);
            let mut stream = Stream::new(self.law, self.seed(index, 1));
            stream.change(shifted);
            let mut watch = Watch::new(self, &baseline, &tables, stream);
            counts.push((0..panes).filter(|pane| watch.pane(*pane)).count());
        }
        let shares: Vec<f64> = counts.iter().map(|n| *n as f64 / horizon as f64).collect();
        let (realised, error) = mean_and_error(&shares);
        let unlucky =
            counts.iter().filter(|n| **n >= 2 && **n as f64 > 1.5 * horizon as f64).count();
        Alarms {
            realised,
            error,
            unlucky: unlucky as f64 / counts.len() as f64,
            count: counts.iter().sum(),
        }
    }

    /// Panes from a change after 50 panes to the alarm. Runs that alarm before are left out.
    pub fn delays(&self, change: Change) -> Delays {
        let (mut delays, mut missed) = (Vec::new(), 0);
        for index in 0..self.baselines {
            let (baseline, tables) = self.tables(index);
            for run in 1..=self.runs {
                let stream = Stream::new(self.law, self.seed(index, run));
                let cap = PANES_BEFORE + DELAY_MAX;
                let length = self.run(&baseline, &tables, stream, cap, Some(change));
                missed += usize::from(length.is_none());
                let length = length.unwrap_or(cap);
                if length > PANES_BEFORE {
                    delays.push((length - PANES_BEFORE) as f64);
                }
            }
        }
        let (mean, error) = mean_and_error(&delays);
        Delays { mean, error, missed: missed as f64 / delays.len() as f64 }
    }

    /// Panes to the alarm; `None` where there is none up to the cap.
    fn run(
        &self,
        baseline: &Baseline,
        tables: &Tables,
        stream: Stream,
        cap: usize,
        change: Option<Change>,
    ) -> Option<usize> {
        let mut watch = Watch::new(self, baseline, tables, stream);
        for pane in 0..cap {
            if let Some(change) = change.filter(|_| pane == PANES_BEFORE) {
                watch.stream.change(change);
            }
            if watch.pane(pane) {
                return Some(pane + 1);
            }
        }
        None
    }
}

/// One series that is watched.
#[derive(Debug)]
pub struct Watch<'a> {
    tables: &'a Tables,
    coder: Coder<'a>,
    stream: Stream,
    flaw: Flaw,
    log_promise: f64,
    evidence: Evidence,
    recent: Vec<f32>,
    counts: Vec<u32>,
    values: Vec<Option<f64>>,
}

impl<'a> Watch<'a> {
    /// A watch that begins now.
    pub fn new(plan: &Plan, baseline: &'a Baseline, tables: &'a Tables, stream: Stream) -> Self {
        let mut evidence = Evidence::new(tables);
        evidence.set_log_promise(plan.promise.ln());
        Self {
            tables,
            coder: Coder::new(&baseline.encoder),
            stream,
            flaw: plan.flaw,
            log_promise: plan.promise.ln(),
            evidence,
            recent: vec![0.0; tables.codes()],
            counts: vec![0; tables.codes()],
            values: Vec::new(),
        }
    }

    /// What is watched.
    pub fn stream(&mut self) -> &mut Stream {
        &mut self.stream
    }

    /// The next pane; true where it brings an alarm, after which the evidence starts anew.
    pub fn pane(&mut self, pane: usize) -> bool {
        let alarm = self.take(pane) >= self.log_promise;
        if alarm {
            self.evidence.restart();
        }
        alarm
    }

    /// The next pane, whatever it brings; the logarithm of the mixture after it.
    pub fn take(&mut self, pane: usize) -> f64 {
        let Self { tables, coder, evidence, recent, counts, values, .. } = self;
        self.stream.pane(PANE_EVENTS, values);
        counts.fill(0);
        values.iter().for_each(|value| counts[coder.code(*value)] += 1);
        if self.flaw == Flaw::Peeking {
            let seen: Vec<f32> = counts.iter().map(|n| *n as f32).collect();
            evidence.learn(tables.learned(&seen));
        } else if pane.is_multiple_of(WINDOW_PANES) {
            evidence.learn(tables.learned(recent));
            recent.iter_mut().for_each(|n| *n *= 0.5);
        }
        evidence.tick(tables, counts, pane as i64);
        recent.iter_mut().zip(&*counts).for_each(|(sum, n)| *sum += *n as f32);
        evidence.log_mixture()
    }
}

/// Codes of values, with the category's label looked up once.
#[derive(Debug, Clone)]
pub struct Coder<'a> {
    encoder: &'a Encoder,
    levels: Vec<usize>,
}

impl<'a> Coder<'a> {
    /// Of an encoder.
    pub fn new(encoder: &'a Encoder) -> Self {
        let levels = match encoder {
            Encoder::Category(e) => (0..LEVELS).map(|level| e.encode(&label(level))).collect(),
            _ => Vec::new(),
        };
        Self { encoder, levels }
    }

    /// The code of a value; `None` is a missing one.
    pub fn code(&self, value: Option<f64>) -> usize {
        match (value, self.encoder) {
            (None, encoder) => encoder.null(),
            (Some(value), Encoder::Number(e)) => e.encode(value),
            (Some(value), Encoder::Category(_)) => self.levels[value as usize],
            (Some(value), _) => value as usize,
        }
    }
}

/// A metric without a zone of its own and without scalars.
pub fn metric(name: &str, kind: Kind, zone: Zone) -> MetricSettings {
    MetricSettings {
        zone_sigma: zone.sigma,
        zone_odds: zone.odds,
        ..MetricSettings::plain(name, kind)
    }
}

/// The default settings with the given metrics.
pub fn settings(metrics: Vec<MetricSettings>) -> Settings {
    let mut settings = Settings::default();
    let field = |m: &MetricSettings| MetricField {
        name: m.name.clone(),
        path: FieldPath(m.name.clone()),
        kind: m.kind,
    };
    settings.layout.metrics = metrics.iter().map(field).collect();
    settings.metrics = metrics;
    settings.scalars.volume = false;
    settings.detect.silence_us = 0;
    settings
}

/// The baseline of `events` events in panes of [`PANE_EVENTS`], as the real engine learns it.
///
/// # Panics
/// Where the engine does not watch at the end: an error of the test.
pub fn learn(law: Law, events: usize, zone: Zone, seed: u64) -> Baseline {
    let (mut stream, mut values, mut pane) = (Stream::new(law, seed), Vec::new(), Vec::new());
    for _ in 0..events / PANE_EVENTS {
        stream.pane(PANE_EVENTS, &mut pane);
        values.append(&mut pane);
    }
    learn_values(law.kind(), &values, PANE_EVENTS, zone)
}

/// The baseline of whole panes of `pane_events` values, as the real engine learns it. Each pane is a tick.
///
/// # Panics
/// As [`learn`].
pub fn learn_values(
    kind: Kind,
    values: &[Option<f64>],
    pane_events: usize,
    zone: Zone,
) -> Baseline {
    let rows = values.len();
    let mut settings = settings(vec![metric("value", kind, zone)]);
    settings.detect.tick_events_min = settings.detect.tick_events_min.min(pane_events as u32);
    settings.baseline.learn_events = rows as u64;
    settings.baseline.learn_us = (rows / pane_events) as i64 * settings.time.pane_us;
    let (pane_us, from_us) = (settings.time.pane_us, settings.time.not_before_us);
    let mut engine = Engine::new(settings);
    engine.step(Input::Opened { partition: 0, begin_us: None });
    // The engine closes panes after a batch: many of one event must not all be open at once.
    for (number, values) in values.chunks(BATCH_PANES * pane_events).enumerate() {
        let first = number * BATCH_PANES * pane_events;
        let rows = first..first + values.len();
        engine.step(Input::Batch(&Batch {
            partition: 0,
            time_us: rows
                .clone()
                .map(|i| from_us + i as i64 * pane_us / pane_events as i64)
                .collect(),
            offsets: rows.map(|i| i as u64).collect(),
            keys: vec![Labels {
                indices: UInt32Array::from(vec![0; values.len()]),
                values: Arc::new(StringArray::from(vec!["model"])),
            }],
            id: None,
            metrics: vec![column(kind, values)],
            rejects: Vec::new(),
        }));
    }
    engine.step(Input::Closed { partition: 0 });
    let mut entries = engine.baselines(false);
    assert_eq!(entries.len(), 1, "{kind:?}: the engine watches after {rows} events");
    entries.remove(0).baseline
}

/// Mean and its standard error.
pub fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    (mean, (squares / (n - 1.0) / n).sqrt())
}
