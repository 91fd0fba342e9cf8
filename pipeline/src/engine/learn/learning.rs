//! Learning a group's baselines from the first part of its stream, by count and by time.
//!
//! Two stages, both functions of closed panes: first raw values, which make the encoders; then codes,
//! whose panes tell about dependence. What results does not depend on the order of events.

use std::collections::BTreeMap;

use driftline_detectors::baseline::{Baseline, HourOfWeekCounts, Provenance, Zone};
use driftline_detectors::dependence::{Dependence, PooledDependence, VarianceGrowth, inflation};
use driftline_detectors::encoder::Encoder;
use driftline_detectors::lanes::Tables;
use driftline_detectors::math::week::hour_of_week;
use driftline_detectors::temper;
use serde::{Deserialize, Serialize};

use crate::engine::count::intern::Interner;
use crate::engine::count::pane::total;
use crate::engine::count::raw::{Learned, Raw};
use crate::model::settings::{MetricSettings, RARE_EVENTS, Settings, WEEK_US};

/// Ticks that are kept to learn about dependence; beyond, every second block of them is dropped ...
const TICKS_MAX: usize = 512;
/// ... of as many as the longest span has over which sums are looked at.
const BLOCK: u64 = 32;
/// The first stage needs no more than a day: a daily season is in it then.
const FIRST_STAGE_US: i64 = 24 * 3_600_000_000;

/// Where a range is learned from, encoders are made of half as many events, at least.
const RANGE_EVENTS: u64 = 100;

/// A group's baselines in the making.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BaselineLearner {
    /// The metrics that it is about, by their numbers, rising; what follows is in this order.
    of: Vec<u16>,
    from_us: i64,
    pub(crate) events: u64,
    material: Vec<Learned>,
    encoders: Vec<Encoder>,
    metrics: Vec<Coded>,
    /// Only blocks of ticks with a number that is a multiple of this are kept.
    stride: u64,
    /// What was shared with the other series of each metric, within the pane in which learning ends.
    #[serde(skip)]
    shared: Vec<VarianceGrowth>,
}

/// What is learned from, at least.
struct LearningGoal {
    events: u64,
    span_us: i64,
}

/// The second stage of one metric.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Coded {
    counts: Vec<u64>,
    /// Counts that selected the encoder's values, and so tell too much of them: they stand where no event
    /// came later. Empty where none were selected.
    selected: Vec<u64>,
    /// Events of the first stage.
    first_events: u64,
    carry: Vec<u32>,
    ticks_seen: u64,
    ticks: Vec<KeptTick>,
    slots: Option<HourOfWeekCounts>,
}

impl BaselineLearner {
    /// Of all metrics.
    pub(crate) fn new(from_us: i64, settings: &Settings) -> Self {
        Self::of_metrics((0..).take(settings.metrics.len()).collect(), from_us, settings)
    }

    /// Of some metrics.
    pub(crate) fn of_metrics(of: Vec<u16>, from_us: i64, settings: &Settings) -> Self {
        let new = |m: &u16| Learned::new(settings.metrics[usize::from(*m)].kind, &settings.limits);
        Self {
            from_us,
            events: 0,
            material: of.iter().map(new).collect(),
            of,
            encoders: Vec::new(),
            metrics: Vec::new(),
            stride: 1,
            shared: Vec::new(),
        }
    }

    /// Whether the first stage is over.
    pub(crate) fn is_encoded(&self) -> bool {
        !self.encoders.is_empty()
    }

    /// The encoder of a metric, where it has one by now.
    pub(crate) fn encoder(&self, metric: usize) -> Option<&Encoder> {
        self.place_of(metric).and_then(|at| self.encoders.get(at))
    }

    fn place_of(&self, metric: usize) -> Option<usize> {
        self.of.binary_search(&(metric as u16)).ok()
    }

    /// Takes a raw pane: the first stage.
    pub(crate) fn absorb_raw(&mut self, raw: Raw, labels: &[Interner], settings: &Settings) {
        self.events += raw.events;
        for (metric, (raw, labels)) in raw.metrics.into_iter().zip(labels).enumerate() {
            if let Some(at) = self.place_of(metric) {
                self.material[at].absorb(raw, labels, &settings.limits);
            }
        }
    }

    /// Whether the first stage is over at the end of a pane.
    pub(crate) fn is_half(&self, now_us: i64, settings: &Settings) -> bool {
        let LearningGoal { events, span_us } = self.goal(settings);
        let from_us =
            settings.baseline.range_us.map_or(self.from_us, |(from, _)| from.max(self.from_us));
        let time = now_us - from_us >= (span_us / 2).min(FIRST_STAGE_US);
        self.events >= events / 2 && time || self.is_rare(now_us, 2, settings)
    }

    /// Whether all is learned at the end of a pane.
    pub(crate) fn is_whole(&self, now_us: i64, settings: &Settings) -> bool {
        if settings.baseline.endless {
            return false;
        }
        match settings.baseline.range_us {
            Some((_, to)) => now_us >= to,
            None => {
                let LearningGoal { events, span_us } = self.goal(settings);
                self.events >= events && now_us - self.from_us >= span_us
                    || self.is_rare(now_us, 1, settings)
            }
        }
    }

    /// Whether one `part` of the longest time is over, and as much of the fewest events there.
    fn is_rare(&self, now_us: i64, part: i64, settings: &Settings) -> bool {
        settings.baseline.range_us.is_none()
            && now_us - self.from_us >= settings.baseline.learn_most_us / part
            && self.events >= RARE_EVENTS / part as u64
    }

    fn goal(&self, settings: &Settings) -> LearningGoal {
        let baseline = &settings.baseline;
        match baseline.range_us {
            Some((from, to)) => LearningGoal { events: RANGE_EVENTS, span_us: to - from },
            None => LearningGoal { events: baseline.learn_events, span_us: baseline.learn_us },
        }
    }

    /// Makes the encoders: the end of the first stage.
    pub(crate) fn encode(&mut self, settings: &Settings) {
        let LearningGoal { span_us, .. } = self.goal(settings);
        let weeks = i64::from(settings.baseline.season_weeks_min);
        let seasonal = weeks > 0 && (settings.baseline.endless || span_us >= weeks * WEEK_US);
        for material in std::mem::take(&mut self.material) {
            let (encoder, mut counts) = material.encoder();
            let mut selected = Vec::new();
            if is_selected(&encoder, &counts) {
                selected = std::mem::replace(&mut counts, vec![0; encoder.codes()]);
            }
            self.metrics.push(Coded {
                carry: vec![0; counts.len()],
                slots: seasonal.then(|| HourOfWeekCounts::new(counts.len())),
                first_events: counts.iter().sum(),
                counts,
                selected,
                ticks_seen: 0,
                ticks: Vec::new(),
            });
            self.encoders.push(encoder);
        }
    }

    /// Takes a pane of codes: the second stage. `counts`: the codes of the group's metrics, one after the
    /// other, from their `offsets` on.
    pub(crate) fn absorb_codes(
        &mut self,
        pane_us: i64,
        events: u64,
        (counts, offsets): (&[u32], &[u32]),
        settings: &Settings,
    ) {
        self.events += events;
        for (metric, of) in self.metrics.iter_mut().zip(&self.of) {
            let of = usize::from(*of);
            let own = &counts[offsets[of] as usize..offsets[of + 1] as usize];
            for (code, &n) in own.iter().enumerate() {
                metric.counts[code] += u64::from(n);
                metric.carry[code] = metric.carry[code].saturating_add(n);
                if let Some(slots) = metric.slots.as_mut().filter(|_| n > 0) {
                    slots.add(pane_us, code, n);
                }
            }
            if total(&metric.carry) < u64::from(settings.detect.tick_events_min) {
                continue;
            }
            if (metric.ticks_seen / BLOCK).is_multiple_of(self.stride) {
                let sparse = (0u8..).zip(&metric.carry).filter(|(_, n)| **n > 0);
                metric.ticks.push((pane_us, sparse.map(|(c, n)| (c, *n)).collect()));
            }
            metric.ticks_seen += 1;
            metric.carry.fill(0);
        }
        while self.metrics.iter().any(|m| m.ticks.len() > TICKS_MAX) {
            self.stride *= 2;
            for metric in &mut self.metrics {
                let mut number = 0;
                metric.ticks.retain(|_| {
                    number += 1;
                    ((number - 1) / BLOCK).is_multiple_of(2)
                });
            }
        }
    }

    /// Shares with the other series of each metric how much sums over its ticks vary, before
    /// [`BaselineLearner::finish`].
    pub(crate) fn share_spans(
        &mut self,
        to_us: i64,
        settings: &Settings,
        siblings: &mut [PooledDependence],
    ) {
        let is_seasonal = self.is_seasonal(to_us, settings);
        self.shared.clear();
        for ((encoder, coded), of) in self.encoders.iter().zip(&self.metrics).zip(&self.of) {
            let zone = zone_of(&settings.metrics[usize::from(*of)]);
            let (baseline, ticks) = coded.clone().baseline(encoder.clone(), is_seasonal);
            let (times, panes): (Vec<i64>, Vec<_>) = ticks.into_iter().unzip();
            let untempered = Untempered::new(&baseline, zone, settings.detect.slack_z, &times);
            let spans = temper::variance_growth(&panes, |i| untempered.at(i));
            if let Some(siblings) = siblings.get_mut(usize::from(*of)) {
                siblings.add(&spans);
            }
            self.shared.push(spans);
        }
    }

    /// Whether enough weeks are learned to tell a season.
    fn is_seasonal(&self, to_us: i64, settings: &Settings) -> bool {
        let (_, to_us) = settings.baseline.range_us.unwrap_or((self.from_us, to_us));
        to_us - self.from_us >= i64::from(settings.baseline.season_weeks_min) * WEEK_US
    }

    /// The baselines, each with its metric and zone: the end of learning. `siblings`: what the series of
    /// each metric know together.
    pub(crate) fn finish(
        self,
        to_us: i64,
        settings: &Settings,
        siblings: &[PooledDependence],
    ) -> Vec<(usize, Baseline, Zone)> {
        let is_seasonal = self.is_seasonal(to_us, settings);
        let source = if settings.baseline.range_us.is_some() { "range" } else { "learned" };
        let (from_us, to_us) = settings.baseline.range_us.unwrap_or((self.from_us, to_us));
        let provenance = Provenance { source: source.into(), from_us, to_us };
        let alone = PooledDependence::default();
        let mut shared = self.shared.into_iter();
        self.encoders
            .into_iter()
            .zip(self.metrics)
            .zip(&self.of)
            .map(|((encoder, coded), of)| {
                let of = usize::from(*of);
                let zone = zone_of(&settings.metrics[of]);
                let (mut baseline, ticks) = coded.baseline(encoder, is_seasonal);
                baseline.provenance = provenance.clone();
                let all = siblings.get(of).unwrap_or(&alone);
                let others = shared.next().map_or_else(|| all.clone(), |own| all.without(&own));
                judge_panes(&mut baseline, zone, settings.detect.slack_z, ticks, &others);
                (of, baseline, zone)
            })
            .collect()
    }
}

/// Whether an encoder of categories left values out: those that happened to be frequent were taken, so that
/// only later events tell their shares. Where all were taken, none was selected.
fn is_selected(encoder: &Encoder, counts: &[u64]) -> bool {
    let Encoder::Category(categories) = encoder else { return false };
    let values = categories.values().len();
    counts.get(values).is_some_and(|n| *n > 0)
}

/// A tick that is kept: when it began, and its counts by code.
type KeptTick = (i64, Vec<(u8, u32)>);

impl Coded {
    /// The baseline but for what its ticks tell of dependence, and those ticks.
    fn baseline(self, encoder: Encoder, is_seasonal: bool) -> (Baseline, Vec<KeptTick>) {
        let is_later = self.counts.iter().any(|n| *n > 0);
        let counts = if is_later || self.selected.is_empty() { self.counts } else { self.selected };
        let mut baseline = Baseline::new(encoder, counts);
        baseline.coded_events = baseline.events().saturating_sub(self.first_events);
        baseline.slots = self.slots.filter(|_| is_seasonal);
        let events = |(_, tick): &KeptTick| tick.iter().map(|(_, n)| u64::from(*n)).sum();
        let mut sizes: Vec<u64> = self.ticks.iter().map(events).collect();
        sizes.sort_unstable();
        if let Some(median) = sizes.get(sizes.len() / 2) {
            baseline.tick_events = *median as f64;
        }
        (baseline, self.ticks)
    }
}

/// Tables before tempering, for ticks at their places in the season.
struct Untempered {
    plain: Tables,
    seasonal: BTreeMap<usize, Tables>,
    slots: Vec<usize>,
}

impl Untempered {
    fn new(baseline: &Baseline, zone: Zone, slack_z: f64, times_us: &[i64]) -> Self {
        let whole = baseline.probabilities();
        let mut seasonal = BTreeMap::new();
        let places: Vec<usize> = times_us.iter().map(|time| hour_of_week(*time)).collect();
        if let Some(slots) = &baseline.slots {
            for slot in &places {
                seasonal.entry(*slot).or_insert_with(|| {
                    let (p, events) = slots.probabilities(*slot, &whole);
                    Tables::with_events(baseline, p, events, zone, slack_z)
                });
            }
        }
        let plain = Tables::new(baseline, whole, zone, slack_z);
        Self { plain, seasonal, slots: places }
    }

    fn at(&self, tick: usize) -> &Tables {
        let slot = self.slots.get(tick);
        slot.and_then(|slot| self.seasonal.get(slot)).unwrap_or(&self.plain)
    }
}

/// What the baseline's own ticks say about dependence: tempering and the design effect.
fn judge_panes(
    baseline: &mut Baseline,
    zone: Zone,
    slack_z: f64,
    ticks: Vec<KeptTick>,
    siblings: &PooledDependence,
) {
    let (times, panes): (Vec<i64>, Vec<_>) = ticks.into_iter().unzip();
    let untempered = Untempered::new(baseline, zone, slack_z, &times);
    let tempering = temper::temper(&panes, |i| untempered.at(i), siblings);
    baseline.panes = panes.len() as u32;
    baseline.inflation = match baseline.encoder.ordered() {
        0 => usual_effect(&tempering.dependence),
        _ => inflation(&panes, untempered.plain.scores()),
    };
    baseline.temper = tempering.factors;
    baseline.dependence = tempering.dependence;
    if matches!(baseline.encoder, Encoder::Category(_)) {
        let shares = |i: usize| untempered.at(i).probabilities();
        let whole = baseline.probabilities();
        baseline.code_temper = temper::temper_codes(&panes, &whole, shares, siblings);
    }
}

/// The design effect of codes without order: that of the middle lane.
fn usual_effect(dependence: &[Dependence]) -> f64 {
    let mut effects: Vec<f64> = dependence.iter().map(|of| of.effect * of.growth).collect();
    effects.sort_by(f64::total_cmp);
    effects.get(effects.len() / 2).copied().unwrap_or(1.0).max(1.0)
}

/// The indifference zone of a metric.
pub(crate) fn zone_of(metric: &MetricSettings) -> Zone {
    Zone { sigma: metric.zone_sigma, odds: metric.zone_odds }
}
