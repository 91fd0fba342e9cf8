//! Pane scalars and silence: what a model does as a whole, over all its versions.
//!
//! One value for each span of `[scalars].every`: volume, and for metrics that ask for it mean, p99,
//! ratio or distinct values. Each is a series of its own with a model of season, level and dependence;
//! its residual is one event for the same machine that judges everything else.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use driftline_detectors::baseline::{Provenance, Zone};
use driftline_detectors::encoder::Encoder;
use driftline_detectors::lanes::{LANES_MAX, pane_evidence};
use driftline_detectors::scalar::{Scalar, ScalarOutput, Transform, residual_baseline};
use ndarray::{Array2, Axis, aview1};
use serde::{Deserialize, Serialize};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::alerts::Stake;
use super::extra::{Extra, MetricExtra};
use super::fleet::{Due, Place};
use super::group::{Key, Series};
use super::pane::PaneGroup;
use super::report::{Decision, Subject};
use super::{Engine, Output};
use crate::model::settings::{HOUR_US, MetricSettings};
use crate::model::{Finding, Settings};

/// A model is silent where this many times fewer events than usual were still to be expected: seasons
/// and bursts are inside it. It makes the verdict calibrated, not guaranteed.
pub(super) const SILENCE_MARGIN: f64 = 4.0;

/// A finding about a span, or about silence, does not rest on single events: no minimum holds it up.
pub(super) const NO_EVENTS: u64 = u64::MAX;

/// Events that a model must have had before its scalars are charted: a model of each is some 19 KiB, and
/// a flood of names that are seen once or twice must not cost that.
const CHARTED_EVENTS_MIN: u64 = 100;

/// While a change may be on the slow level does not follow it: so long, at most; while a finding is on,
/// as long as that is.
const LEVEL_HELD_US: i64 = 24 * HOUR_US;

/// Events that a span should have in the mean: fewer tell nothing of a rate ...
const SPAN_EVENTS: f64 = 10.0;
/// ... so that spans are put together, so many at once.
const SPANS: [i64; 14] = [1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 480, 720, 1440];
const DAY_US: i64 = 24 * 3_600_000_000;

/// VarianceGrowth whose values the learned lane looks at together.
pub(super) const WINDOW_SPANS: i64 = 60;
/// Half-life of what is usual for a model, as far as silence goes: one that shrank for good is not
/// silent.
const USUAL_HALF_LIFE_US: f64 = 6.0 * 3.6e9;

/// All scalars, by model and segments.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Scalars {
    /// Apart from the rest in a snapshot, since they are many.
    #[serde(skip)]
    pub(crate) stems: Vec<Arc<Stem>>,
    /// Their places, in the order of their keys.
    by_key: Arc<BTreeMap<Key, u32>>,
    /// Number of the span that is being gathered, and since when spans are: the first need not be whole.
    span: Option<i64>,
    spans_from_us: i64,
    watched: u64,
    /// Panes closed so far.
    panes: u64,
}

/// The scalars of one model with its segments, over all versions. What each pane changes is small, what
/// is large changes once a span: a copy shares it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Stem {
    since_us: i64,
    events: u64,
    /// Number of the first and of the last closed pane that had its events.
    first_pane: u64,
    last_pane: u64,
    last_us: i64,
    /// Events and panes, the older ones counting less.
    recent_events: f64,
    recent_panes: f64,
    silent: Option<Stake>,
    /// VarianceGrowth that are charted as one: a rare model's are longer; and since when they are gathered so.
    spans: i64,
    gathered_us: i64,
    volume: u64,
    extra: Option<Arc<Extra>>,
    series: Vec<(Subjects, Arc<ScalarSeries>)>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct ScalarSeries {
    model: Scalar,
    watched: Option<Series>,
}

/// What a scalar measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Subjects {
    Volume,
    Mean(u16),
    P99(u16),
    Ratio(u16),
    Distinct(u16),
}

impl Scalars {
    /// Number of scalar series that are judged.
    pub(crate) fn watched(&self) -> u64 {
        self.watched
    }

    /// The stem of a group's key: the same for all versions of a model with its segments.
    pub(crate) fn stem_of(&mut self, key: &Key, settings: &Settings, start_us: i64) -> u32 {
        let mut key = key.to_vec();
        if settings.has_version {
            key[1].clear();
        }
        if let Some(at) = self.by_key.get(&*key) {
            return *at;
        }
        let at = self.stems.len() as u32;
        Arc::make_mut(&mut self.by_key).insert(key.into(), at);
        self.stems.push(Arc::new(Stem::new(start_us, self.panes)));
        at
    }

    /// The stems of one model, in the order of their keys.
    pub(super) fn of_model(&self, model: &str) -> impl Iterator<Item = (&Key, u32)> {
        let from: &[String] = &[model.to_owned()];
        let stems = self.by_key.range::<[String], _>((Bound::Included(from), Bound::Unbounded));
        let own: Vec<_> = stems.take_while(|(key, _)| key[0] == model).collect();
        own.into_iter().map(|(key, at)| (key, *at))
    }

    /// All stems, in the order of their keys.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Key, u32)> {
        self.by_key.iter().map(|(key, at)| (key, *at))
    }

    /// The series of a stem that are watched, by their places in it.
    pub(super) fn series_of(&self, stem: u32) -> impl Iterator<Item = (u16, &Series)> {
        let series = (0..).zip(&self.stems[stem as usize].series);
        series.filter_map(|(at, (_, series))| Some((at, series.watched.as_ref()?)))
    }

    /// A series that is watched, to be changed.
    pub(super) fn series_mut(&mut self, stem: u32, at: u16) -> Option<&mut Series> {
        let stem = Arc::make_mut(self.stems.get_mut(stem as usize)?);
        Arc::make_mut(&mut stem.series.get_mut(usize::from(at))?.1).watched.as_mut()
    }

    /// Each finding that is on: its model, and the stake in it.
    pub(crate) fn stakes(&self) -> Vec<(String, Stake)> {
        let of_stem = |(key, at): (&Key, &u32)| -> Vec<(String, Stake)> {
            let stem = &self.stems[*at as usize];
            let series =
                stem.series.iter().filter_map(|(_, s)| s.watched.as_ref()?.firing.as_ref());
            let on = series.map(|firing| &firing.stake).chain(&stem.silent);
            on.map(|stake| (key[0].clone(), stake.clone())).collect()
        };
        self.by_key.iter().flat_map(of_stem).collect()
    }

    /// A series of a stem's key that is watched, by its name.
    pub(crate) fn watched_as(&self, key: &Key, name: &str, settings: &Settings) -> Option<&Series> {
        let stem = &self.stems[*self.by_key.get(key)? as usize];
        let is_it = |(subject, _): &&(Subjects, _)| subject.name(&settings.metrics) == name;
        stem.series.iter().find(is_it)?.1.watched.as_ref()
    }

    /// Series by the baselines that they are judged by.
    pub(crate) fn baselines(&self) -> impl Iterator<Item = u32> + '_ {
        let series = self.stems.iter().flat_map(|stem| &stem.series);
        series.filter_map(|(_, series)| Some(series.watched.as_ref()?.baseline))
    }

    /// Goes on under other settings: what metric `m` charts goes on with what `from[m]` had. Returns
    /// each finding about something that is charted no more: its model, and the stake in it.
    pub(crate) fn carry_over(
        &mut self,
        old: &Settings,
        settings: &Settings,
        from: &[Option<usize>],
    ) -> Vec<(String, Stake)> {
        let same_spans = old.scalars.every_us == settings.scalars.every_us;
        if !same_spans {
            self.span = None;
        }
        let mut lost = Vec::new();
        for (key, at) in self.by_key.iter() {
            let stem = Arc::make_mut(&mut self.stems[*at as usize]);
            let mut before = std::mem::take(&mut stem.series);
            // Where spans are others, how many make one is seen anew.
            if !before.is_empty() && same_spans {
                stem.series = Stem::series(settings);
            }
            for (subject, series) in &mut stem.series {
                let was = subject.before(from);
                let place = before.iter().position(|(other, _)| Some(*other) == was && same_spans);
                if let Some(place) = place {
                    *series = before.swap_remove(place).1;
                }
            }
            let firing = before.iter().filter_map(|(_, s)| s.watched.as_ref()?.firing.as_ref());
            lost.extend(firing.map(|firing| (key[0].clone(), firing.stake.clone())));
            if settings.detect.silence_us == 0 {
                lost.extend(stem.silent.take().map(|stake| (key[0].clone(), stake)));
            }
            let extra = stem.extra.take().filter(|_| same_spans);
            stem.extra = extra.map(|extra| Arc::new(extra.carry_over(&settings.metrics, from)));
            stem.volume = if same_spans { stem.volume } else { 0 };
        }
        self.watched = self.baselines().count() as u64;
        lost
    }

    /// Adds a group's pane to its stem.
    pub(crate) fn add(
        &mut self,
        stem: u32,
        settings: &Settings,
        start_us: i64,
        counts: &PaneGroup,
    ) {
        let panes = self.panes;
        let stem = Arc::make_mut(&mut self.stems[stem as usize]);
        let missed = (panes - stem.last_pane) as f64;
        let per_pane = settings.time.pane_us as f64 / USUAL_HALF_LIFE_US;
        let kept = libm::exp2(-missed * per_pane);
        stem.recent_events = stem.recent_events * kept + counts.events as f64;
        stem.recent_panes = stem.recent_panes * kept + (1.0 - kept) / (1.0 - libm::exp2(-per_pane));
        stem.events += counts.events;
        stem.last_pane = panes;
        stem.last_us = start_us + settings.time.pane_us;
        stem.volume += counts.events;
        if let Some(extra) = &counts.extra {
            match &mut stem.extra {
                Some(all) => Arc::make_mut(all).merge(extra),
                None => stem.extra = Some(Arc::new((**extra).clone())),
            }
        }
    }
}

impl Stem {
    fn new(start_us: i64, pane: u64) -> Self {
        Self {
            since_us: start_us,
            events: 0,
            first_pane: pane,
            last_pane: pane,
            last_us: start_us,
            recent_events: 0.0,
            recent_panes: 1.0,
            silent: None,
            spans: 1,
            gathered_us: i64::MIN,
            volume: 0,
            extra: None,
            series: Vec::new(),
        }
    }

    /// The series that the settings ask for, without a value yet.
    fn series(settings: &Settings) -> Vec<(Subjects, Arc<ScalarSeries>)> {
        let learn = settings.scalars.learn_us;
        let mut series = Vec::new();
        let mut add = |subject, transform| {
            let new = ScalarSeries { model: Scalar::new(transform, learn), watched: None };
            series.push((subject, Arc::new(new)));
        };
        if settings.scalars.volume {
            add(Subjects::Volume, Transform::Log);
        }
        for (at, metric) in (0u16..).zip(&settings.metrics) {
            let MetricSettings { mean, p99, ratio, distinct, .. } = metric;
            for (wanted, subject, transform) in [
                (*mean, Subjects::Mean(at), Transform::Log),
                (*p99, Subjects::P99(at), Transform::Log),
                (*ratio, Subjects::Ratio(at), Transform::Share),
                (*distinct, Subjects::Distinct(at), Transform::Log),
            ] {
                if wanted {
                    add(subject, transform);
                }
            }
        }
        series
    }

    /// The value of the span. `jitter`: 0..1, what spreads whole numbers evenly over the space up to
    /// the next.
    fn value(&self, subject: Subjects, jitter: f64) -> Option<f64> {
        let metric =
            |at: u16| self.extra.as_ref().and_then(|extra| extra.metrics.get(usize::from(at)));
        match subject {
            // None at all is silence, which is judged by itself: as a value it would move the level.
            Subjects::Volume => (self.volume > 0).then_some(self.volume as f64 + jitter),
            Subjects::Mean(at) => metric(at).and_then(MetricExtra::mean),
            Subjects::P99(at) => metric(at).and_then(MetricExtra::p99),
            Subjects::Ratio(at) => metric(at)
                .filter(|m| m.count > 0)
                .map(|m| (m.trues as f64 + jitter) / (m.count as f64 + 1.0)),
            Subjects::Distinct(at) => {
                metric(at).and_then(|m| m.distinct.as_ref()).map(|d| d.estimate() + jitter)
            }
        }
    }
}

impl Subjects {
    /// What it was called when the metrics had other numbers; none where it was not there.
    fn before(self, from: &[Option<usize>]) -> Option<Self> {
        let old = |at: u16| Some(from.get(usize::from(at)).copied().flatten()? as u16);
        Some(match self {
            Subjects::Volume => Subjects::Volume,
            Subjects::Mean(at) => Subjects::Mean(old(at)?),
            Subjects::P99(at) => Subjects::P99(old(at)?),
            Subjects::Ratio(at) => Subjects::Ratio(old(at)?),
            Subjects::Distinct(at) => Subjects::Distinct(old(at)?),
        })
    }

    fn name(self, metrics: &[MetricSettings]) -> String {
        let of = |at: u16, what: &str| {
            format!("{}.{what}", metrics.get(usize::from(at)).map_or("", |m| m.name.as_str()))
        };
        match self {
            Subjects::Volume => "volume".into(),
            Subjects::Mean(at) => of(at, "mean"),
            Subjects::P99(at) => of(at, "p99"),
            Subjects::Ratio(at) => of(at, "ratio"),
            Subjects::Distinct(at) => of(at, "distinct"),
        }
    }
}

impl Engine {
    /// After a pane: judges silence. VarianceGrowth are taken before a pane: see [`Engine::turn_span`].
    pub(super) fn close_scalars(&mut self, start_us: i64, output: &mut Output) {
        self.scalars.panes += 1;
        self.find_silence(start_us, output);
    }

    /// Before a pane is gathered: takes the span that ended before it.
    pub(super) fn turn_span(&mut self, start_us: i64, due: &mut Vec<Due>) {
        let every = self.settings.scalars.every_us;
        let span = start_us.div_euclid(every);
        let before = self.scalars.span.replace(span);
        if before.is_none() {
            self.scalars.spans_from_us = start_us;
        }
        let Some(ended) = before.filter(|ended| *ended != span) else { return };
        let mut scalars = std::mem::take(&mut self.scalars);
        for (key, stem_at) in scalars.by_key.iter() {
            let stem = Arc::make_mut(&mut scalars.stems[*stem_at as usize]);
            if stem.series.is_empty() && stem.events >= CHARTED_EVENTS_MIN {
                stem.spans = spans_of(stem.events, start_us - stem.since_us, every);
                stem.gathered_us = (ended * every).max(scalars.spans_from_us);
                stem.series = Stem::series(&self.settings);
            }
            let (own, ended) = (every * stem.spans, ended.div_euclid(stem.spans));
            if span.div_euclid(stem.spans) == ended {
                continue;
            }
            // The span in which a model was first seen is not whole, nor is the first that is gathered.
            let span_us = ended * own;
            let whole = stem.since_us.div_euclid(own) < ended && stem.gathered_us <= span_us;
            for at in 0..stem.series.len() {
                let subject = stem.series[at].0;
                let value = stem.value(subject, jitter(key, span_us)).filter(|_| whole);
                let Some(value) = value else { continue };
                let value = SpanValue { key, subject, value, span_us, every_us: own };
                let series = Arc::make_mut(&mut stem.series[at].1);
                let (began, is_due) = self.take_scalar(&value, series);
                scalars.watched += began;
                if is_due {
                    let place = Place::Scalar(*stem_at, at as u16);
                    due.push(Due { key: Arc::clone(key), place, end_us: span_us + own });
                }
            }
            stem.volume = 0;
            stem.extra = None;
        }
        self.scalars = scalars;
    }

    /// Takes a value of a scalar. Returns 1 where the series is watched from now on, and whether it could be
    /// a part of a finding.
    fn take_scalar(&mut self, span: &SpanValue<'_>, series: &mut ScalarSeries) -> (u64, bool) {
        let (every, nothing) = (span.every_us, (0, false));
        let end_us = span.span_us + every;
        let may_change = |series: &Series| {
            let held = i64::from(series.evidence.ticks_held()) * every;
            series.firing.is_some() || (1..=LEVEL_HELD_US).contains(&held)
        };
        let hold = series.watched.as_ref().is_some_and(may_change);
        let residual = match series.model.observe(span.span_us, every, span.value, hold) {
            ScalarOutput::Learning => return nothing,
            ScalarOutput::Learned(sketch) => {
                let zone = Zone { sigma: self.settings.detect.scalar_zone_sigma, odds: 0.1 };
                let from_us = end_us - self.settings.scalars.learn_us;
                let mut baseline = residual_baseline(&sketch, zone);
                baseline.provenance =
                    Provenance { source: "learned".into(), from_us, to_us: end_us };
                let id = self.library.add(baseline, zone);
                series.watched = Some(Series::new(id, &self.library));
                return (1, false);
            }
            ScalarOutput::Residual(residual) => residual,
        };
        let Some(watched) = &mut series.watched else { return nothing };
        let tables = self.library.tables(watched.baseline);
        let Encoder::Number(encoder) = &self.library.baseline(watched.baseline).encoder else {
            return nothing;
        };
        let mut counts = vec![0u32; tables.codes()];
        counts[encoder.encode(residual)] = 1;
        if let Some(recorder) = &mut self.recorder {
            let name = span.subject.name(&self.settings.metrics);
            recorder.take(span.key, &name, Some(every), (&counts, span.span_us));
        }
        let mut lanes = Array2::zeros((1, LANES_MAX));
        pane_evidence(aview1(&counts).insert_axis(Axis(0)), &[tables], lanes.view_mut());
        let lanes: Vec<f64> = lanes.iter().copied().collect();
        if watched.firing.is_some() {
            let tick = (&counts[..], &lanes[..]);
            if let Some(stake) = watched.calm(tables, tick, end_us, &self.settings) {
                self.alerts.calmed(&span.key[0], &stake);
            } else if let Some(firing) = &watched.firing {
                self.alerts.goes_on(&span.key[0], &firing.stake, 0, firing.seems_over());
            }
            return nothing;
        }
        watched.take(tables, &counts, &lanes, span.span_us, WINDOW_SPANS * every);
        (0, watched.evidence.log_mixture() + self.log_of_span() >= self.log_due())
    }

    /// What the evidence of a scalar counts for in panes: it ticks so many times less often, and may ask for
    /// that much less.
    pub(super) fn log_of_span(&self) -> f64 {
        let (every_us, pane_us) = (self.settings.scalars.every_us, self.settings.time.pane_us);
        libm::log(every_us as f64 / pane_us.max(1) as f64)
    }

    /// The finding of a scalar that has just crossed.
    pub(super) fn report_scalar(
        &self,
        key: &Key,
        (stem, at): (u32, u16),
        decision: &Decision,
    ) -> Option<Finding> {
        let (subject, series) = self.scalars.stems[stem as usize].series.get(usize::from(at))?;
        let watched = series.watched.as_ref()?;
        let name = subject.name(&self.settings.metrics);
        let about = Subject {
            name: &name,
            unit: "",
            baseline: self.library.baseline(watched.baseline),
            tables: self.library.tables(watched.baseline),
        };
        let mut finding = self.finding(key, &about, &watched.evidence, decision);
        finding.kind = if *subject == Subjects::Volume { "volume" } else { "scalar" }.into();
        finding.effect.before = None;
        finding.effect.after = None;
        finding.summary =
            super::report::summary(&finding, decision.end_us - watched.evidence.onset_us());
        Some(finding)
    }

    /// Models that have stopped while others go on; and those that came back.
    fn find_silence(&mut self, start_us: i64, output: &mut Output) {
        if self.settings.detect.silence_us == 0 {
            return;
        }
        let log_threshold = self.log_threshold(self.settings.time.pane_us);
        let pane_us = self.settings.time.pane_us;
        let now = self.scalars.panes - 1;
        let mut scalars = std::mem::take(&mut self.scalars);
        for (key, at) in scalars.by_key.iter() {
            let stem = &mut scalars.stems[*at as usize];
            let missed = now - stem.last_pane;
            if missed == 0 {
                if stem.silent.is_some()
                    && let Some(stake) = Arc::make_mut(stem).silent.take()
                {
                    self.alerts.calmed(&key[0], &stake);
                }
                continue;
            }
            let active = stem.last_pane - stem.first_pane + 1;
            let lifelong = stem.events as f64 / active as f64;
            let expected = lifelong.min(stem.recent_events / stem.recent_panes) * missed as f64;
            let learned = stem.events >= self.settings.baseline.learn_events
                && stem.last_us - stem.since_us >= self.settings.baseline.learn_us;
            let long = missed as i64 * pane_us >= self.settings.detect.silence_us;
            if stem.silent.is_some()
                || !learned
                || !long
                || expected / SILENCE_MARGIN < log_threshold
            {
                continue;
            }
            let quiet = Quiet {
                since_us: stem.last_us,
                from_us: stem.since_us,
                events: stem.events,
                expected,
            };
            let finding = self.silence(key, &quiet, start_us + pane_us, log_threshold);
            Arc::make_mut(stem).silent = Some(Stake::first(&finding.id));
            self.alerts.found(&finding, &[NO_EVENTS], start_us + pane_us);
            self.counters.findings += 1;
            output.findings.push(finding);
        }
        self.scalars = scalars;
    }
}

/// The value of a span.
struct SpanValue<'a> {
    key: &'a Key,
    subject: Subjects,
    value: f64,
    span_us: i64,
    every_us: i64,
}

/// How many spans of `every_us` are charted as one, so that a span has [`SPAN_EVENTS`] events in the
/// mean; a day at most.
fn spans_of(events: u64, age_us: i64, every_us: i64) -> i64 {
    let a_span = events as f64 * every_us as f64 / age_us.max(1) as f64;
    let day = (DAY_US / every_us).max(1);
    let fits = |spans: &i64| *spans >= day || a_span * *spans as f64 >= SPAN_EVENTS;
    SPANS.into_iter().find(fits).unwrap_or(day).min(day)
}

/// A number in 0..1 that only depends on the series and the instant. A count of events is a whole
/// number, and a rank among whole numbers jumps with the smallest change of what is expected.
fn jitter(key: &Key, span_us: i64) -> f64 {
    let hash = key.iter().fold(span_us as u64, |seed, k| xxh3_64_with_seed(k.as_bytes(), seed));
    (hash >> 11) as f64 / (1u64 << 53) as f64
}

/// A model that has stopped.
pub(super) struct Quiet {
    pub(super) since_us: i64,
    pub(super) from_us: i64,
    pub(super) events: u64,
    pub(super) expected: f64,
}
