//! What a chart is of: the statistics of a span's panes.

use driftline_detectors::scalar::Transform;
use serde::{Deserialize, Serialize};

use crate::engine::count::pane_statistics::{MetricStatistics, PaneStatistics};
use crate::model::Settings;
use crate::model::settings::MetricSettings;

/// A statistic that is charted: of all events, or of the values of a metric, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ChartedStatistic {
    Volume,
    Mean(u16),
    P99(u16),
    Ratio(u16),
    Distinct(u16),
}

impl ChartedStatistic {
    /// Those that the settings ask for, each with the transform of its values.
    pub(crate) fn wanted(settings: &Settings) -> Vec<(Self, Transform)> {
        let mut wanted = Vec::new();
        if settings.scalars.volume {
            wanted.push((Self::Volume, Transform::Log));
        }
        for (at, metric) in (0u16..).zip(&settings.metrics) {
            let MetricSettings { mean, p99, ratio, distinct, .. } = metric;
            let table = [
                (*mean, Self::Mean(at), Transform::Log),
                (*p99, Self::P99(at), Transform::Log),
                (*ratio, Self::Ratio(at), Transform::Share),
                (*distinct, Self::Distinct(at), Transform::Log),
            ];
            let asked = table.into_iter().filter(|(is_wanted, ..)| *is_wanted);
            wanted.extend(asked.map(|(_, statistic, transform)| (statistic, transform)));
        }
        wanted
    }

    /// Its value over a span with `volume` events. `jitter`: 0..1, what spreads whole numbers evenly over
    /// the space up to the next.
    pub(crate) fn value(
        self,
        volume: u64,
        statistics: Option<&PaneStatistics>,
        jitter: f64,
    ) -> Option<f64> {
        let metric = |at: u16| statistics.and_then(|all| all.metrics.get(usize::from(at)));
        match self {
            // None at all is silence, which is judged by itself: as a value it would move the level.
            Self::Volume => (volume > 0).then_some(volume as f64 + jitter),
            Self::Mean(at) => metric(at).and_then(MetricStatistics::mean),
            Self::P99(at) => metric(at).and_then(MetricStatistics::p99),
            Self::Ratio(at) => metric(at)
                .filter(|m| m.count > 0)
                .map(|m| (m.trues as f64 + jitter) / (m.count as f64 + 1.0)),
            Self::Distinct(at) => {
                metric(at).and_then(|m| m.distinct.as_ref()).map(|d| d.estimate() + jitter)
            }
        }
    }

    /// The same when the metrics had other numbers: metric `m` was `from[m]`; none where it was not there.
    pub(crate) fn before(self, from: &[Option<usize>]) -> Option<Self> {
        let old = |at: u16| Some(from.get(usize::from(at)).copied().flatten()? as u16);
        Some(match self {
            Self::Volume => Self::Volume,
            Self::Mean(at) => Self::Mean(old(at)?),
            Self::P99(at) => Self::P99(old(at)?),
            Self::Ratio(at) => Self::Ratio(old(at)?),
            Self::Distinct(at) => Self::Distinct(old(at)?),
        })
    }

    /// Its name in findings: `volume`, `latency_ms.p99`, ...
    pub(crate) fn name(self, metrics: &[MetricSettings]) -> String {
        let (at, statistic) = match self {
            Self::Volume => return "volume".into(),
            Self::Mean(at) => (at, "mean"),
            Self::P99(at) => (at, "p99"),
            Self::Ratio(at) => (at, "ratio"),
            Self::Distinct(at) => (at, "distinct"),
        };
        let metric = metrics.get(usize::from(at)).map_or("", |m| m.name.as_str());
        format!("{metric}.{statistic}")
    }

    /// The kind of a finding about it.
    pub(crate) fn kind(self) -> &'static str {
        if self == Self::Volume { "volume" } else { "scalar" }
    }
}
