//! The charts of one model with its segments: which statistics of its panes, and the value of each span.

use std::sync::Arc;

use driftline_detectors::scalar::{Scalar, Transform};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::engine::count::extra::{Extra, MetricExtra};
use crate::engine::decision::Stake;
use crate::engine::key::Key;
use crate::engine::series::Series;
use crate::model::Settings;
use crate::model::settings::MetricSettings;

/// Events that a span should have in the mean: fewer tell nothing of a rate ...
const SPAN_EVENTS: f64 = 10.0;
/// ... so that spans are put together, so many at once.
const SPANS: [i64; 14] = [1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 480, 720, 1440];
const DAY_US: i64 = 24 * 3_600_000_000;

/// The scalars of one model with its segments, over all versions. What each pane changes is small, what
/// is large changes once a span: a copy shares it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Stem {
    pub(crate) since_us: i64,
    pub(crate) events: u64,
    /// Number of the first and of the last closed pane that had its events.
    pub(crate) first_pane: u64,
    pub(crate) last_pane: u64,
    pub(crate) last_us: i64,
    /// Events and panes, the older ones counting less.
    pub(crate) recent_events: f64,
    pub(crate) recent_panes: f64,
    pub(crate) silent: Option<Stake>,
    /// Spans that are charted as one: a rare model's are longer; and since when they are gathered so.
    pub(crate) spans: i64,
    pub(crate) gathered_us: i64,
    pub(crate) volume: u64,
    pub(crate) extra: Option<Arc<Extra>>,
    pub(crate) series: Vec<(Subjects, Arc<ScalarSeries>)>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ScalarSeries {
    pub(crate) model: Scalar,
    pub(crate) watched: Option<Series>,
}

/// What a scalar measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Subjects {
    Volume,
    Mean(u16),
    P99(u16),
    Ratio(u16),
    Distinct(u16),
}

impl Stem {
    pub(crate) fn new(start_us: i64, pane: u64) -> Self {
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
    pub(crate) fn series(settings: &Settings) -> Vec<(Subjects, Arc<ScalarSeries>)> {
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
    pub(crate) fn value(&self, subject: Subjects, jitter: f64) -> Option<f64> {
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
    pub(crate) fn before(self, from: &[Option<usize>]) -> Option<Self> {
        let old = |at: u16| Some(from.get(usize::from(at)).copied().flatten()? as u16);
        Some(match self {
            Subjects::Volume => Subjects::Volume,
            Subjects::Mean(at) => Subjects::Mean(old(at)?),
            Subjects::P99(at) => Subjects::P99(old(at)?),
            Subjects::Ratio(at) => Subjects::Ratio(old(at)?),
            Subjects::Distinct(at) => Subjects::Distinct(old(at)?),
        })
    }

    pub(crate) fn name(self, metrics: &[MetricSettings]) -> String {
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

/// How many spans of `every_us` are charted as one, so that a span has [`SPAN_EVENTS`] events in the
/// mean; a day at most.
pub(crate) fn spans_of(events: u64, age_us: i64, every_us: i64) -> i64 {
    let a_span = events as f64 * every_us as f64 / age_us.max(1) as f64;
    let day = (DAY_US / every_us).max(1);
    let fits = |spans: &i64| *spans >= day || a_span * *spans as f64 >= SPAN_EVENTS;
    SPANS.into_iter().find(fits).unwrap_or(day).min(day)
}

/// A number in 0..1 that only depends on the series and the instant. A count of events is a whole
/// number, and a rank among whole numbers jumps with the smallest change of what is expected.
pub(crate) fn jitter(key: &Key, span_us: i64) -> f64 {
    let hash = key.iter().fold(span_us as u64, |seed, k| xxh3_64_with_seed(k.as_bytes(), seed));
    (hash >> 11) as f64 / (1u64 << 53) as f64
}
