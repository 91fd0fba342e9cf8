//! A generated set as it is met: by the engine in batches, by peers as one series a model and metric.

use driftline::engine::{Engine, Input};
use driftline::model::Kind;
use driftline::synth::evaluate::{Evaluation, evaluate};
use driftline::synth::event::DECIMALS;
use driftline::synth::results::{FindingLine, Results};
use driftline::synth::{Event, Generator, METRICS, Plan, Slot, Truth};
use driftline_bench::fleet::Fleet;

/// Events in a batch; the engine's answer does not depend on it.
const BATCH: usize = 8192;
/// Metrics of the default set, which has no embedding.
pub(super) const WATCHED: usize = METRICS.len() - 1;

/// The set that `driftline generate --seed SEED` makes.
pub(super) fn plan(seed: u64) -> Plan {
    let plan = Plan { seed, ..Plan::default() };
    Plan { drifts: plan.default_drifts(), ..plan }
}

/// What the engine finds in a set, with the config that `generate` writes beside it but for the
/// budget, scored as `driftline evaluate` does.
pub(super) fn driftline(plan: &Plan, budget_per_week: f64) -> anyhow::Result<Evaluation> {
    let mut fleet = Fleet::of(plan)?;
    let mut settings = fleet.settings().clone();
    settings.detect.budget_per_week = budget_per_week;
    let mut engine = Engine::new(settings);
    let mut findings = engine.step(Input::Opened { partition: 0, begin_us: None }).findings;
    while let Some(batch) = fleet.next_batch(BATCH) {
        findings.extend(engine.step(Input::Batch(&batch)).findings);
    }
    findings.extend(engine.step(Input::Closed { partition: 0 }).findings);
    let findings = findings.iter().map(FindingLine::from).collect();
    Ok(evaluate(&Truth::of(plan), &Results { findings, episodes: Vec::new() })?)
}

/// Events of one model, in the order of arrival.
#[derive(Debug, Clone, Default)]
struct Model {
    times_ms: Vec<i64>,
    numbers: [Vec<u32>; 5],
    categories: [Vec<u8>; 3],
    error: Vec<u8>,
}

impl Model {
    fn push(&mut self, event: &Event) {
        self.times_ms.push(event.time_ms);
        self.numbers.iter_mut().zip(event.numbers).for_each(|(column, value)| column.push(value));
        let columns = self.categories.iter_mut().zip(event.categories);
        columns.for_each(|(column, value)| column.push(value));
        self.error.push(event.error);
    }

    /// Events that Driftline learns from, by its own rule: the fewest events and the shortest time.
    fn learned(&self, (events, span_ms): (usize, i64)) -> usize {
        let Some(first) = self.times_ms.first() else { return 0 };
        let over = |(at, time): (usize, &i64)| at >= events && time - first >= span_ms;
        self.times_ms.iter().enumerate().position(over).unwrap_or(self.times_ms.len())
    }
}

/// A set, cut into models.
pub(super) struct Set {
    models: Vec<Model>,
    /// Number of values of each column of categories.
    codes: [usize; 3],
    learn: (usize, i64),
    truth: Truth,
    plan: Plan,
}

/// One metric of one model.
#[derive(Debug, Clone)]
pub(super) struct Series {
    pub(super) kind: Kind,
    /// Place in [`METRICS`].
    pub(super) metric: usize,
    /// Number of its categories; of a flag 2.
    pub(super) codes: usize,
    pub(super) values: Vec<f64>,
    /// So many of them are the baseline.
    pub(super) learned: usize,
    /// The drift by its place in the truth, and the first value after its onset.
    pub(super) changed: Option<(usize, usize)>,
    times_ms: Vec<i64>,
    onset_ms: i64,
}

impl Series {
    /// The values that are watched and that no drift has touched.
    pub(super) fn quiet(&self) -> std::ops::Range<usize> {
        let end = self.changed.map_or(self.values.len(), |(_, at)| at);
        self.learned.min(end)..end
    }

    /// Seconds of event time from the onset to a value, and values since then, itself included.
    pub(super) fn since(&self, at: usize) -> (f64, u64) {
        let first = self.changed.map_or(0, |(_, first)| first);
        ((self.times_ms[at] - self.onset_ms) as f64 / 1e3, (at + 1 - first) as u64)
    }

    /// Values in so many seconds after the onset.
    pub(super) fn within(&self, seconds: f64) -> u64 {
        let end_ms = self.onset_ms + (seconds * 1e3) as i64;
        self.times_ms.iter().filter(|time| (self.onset_ms..end_ms).contains(time)).count() as u64
    }
}

impl Set {
    pub(super) fn new(plan: &Plan) -> anyhow::Result<Self> {
        let fleet = Fleet::of(plan)?;
        let baseline = &fleet.settings().baseline;
        let learn = (baseline.learn_events as usize, baseline.learn_us / 1000);
        let mut generator = Generator::new(plan)?;
        let codes = generator.vocabulary().categories.each_ref().map(Vec::len);
        let mut models = vec![Model::default(); plan.models];
        let mut event = Event::default();
        while generator.next_into(&mut event) {
            models[event.model].push(&event);
        }
        Ok(Self { models, codes, learn, truth: Truth::of(plan), plan: plan.clone() })
    }

    /// Model and metric of each series.
    pub(super) fn series(&self) -> Vec<(usize, usize)> {
        let of_model = |model| (0..WATCHED).map(move |metric| (model, metric));
        (0..self.models.len()).flat_map(of_model).collect()
    }

    /// One of them.
    pub(super) fn one(&self, (model, metric): (usize, usize)) -> Series {
        let rows = &self.models[model];
        let codes = |column: &[u8]| column.iter().map(|code| f64::from(*code)).collect();
        let (kind, number, values): (Kind, usize, Vec<f64>) = match METRICS[metric].slot {
            Slot::Number(at) => {
                let unit = f64::from(10u32.pow(DECIMALS[at]));
                let numbers = rows.numbers[at].iter().map(|value| f64::from(*value) / unit);
                (Kind::Number, 0, numbers.collect())
            }
            Slot::Category(at) => (Kind::Category, self.codes[at], codes(&rows.categories[at])),
            _ => (Kind::Flag, 2, codes(&rows.error)),
        };
        let name = METRICS[metric].name;
        let mut drifts = self.plan.drifts.iter().zip(&self.truth.drifts).enumerate();
        let drift = drifts.find(|(_, (drift, truth))| {
            let mut sides = truth.side_effects.iter();
            drift.model == model && (drift.metric == name || sides.any(|side| side.metric == name))
        });
        let onset_ms = drift.map_or(0, |(_, (drift, _))| self.plan.start_ms + drift.start_ms);
        let first = || rows.times_ms.iter().position(|time| *time >= onset_ms);
        Series {
            kind,
            metric,
            codes: number,
            values,
            learned: rows.learned(self.learn),
            changed: drift.and_then(|(at, _)| Some((at, first()?))),
            times_ms: rows.times_ms.clone(),
            onset_ms,
        }
    }
}

/// Places of the metrics of a kind.
pub(super) fn metrics(kind: Kind) -> impl Iterator<Item = usize> {
    (0..WATCHED).filter(move |metric| match METRICS[*metric].slot {
        Slot::Number(_) => kind == Kind::Number,
        Slot::Category(_) => kind == Kind::Category,
        _ => kind == Kind::Flag,
    })
}
