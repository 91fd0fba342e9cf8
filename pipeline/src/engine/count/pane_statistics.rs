//! What charts need of a pane beyond its codes: sums, quantiles, distinct values.
//!
//! All of it merges exactly and without order: sums are integers, quantiles an HdrHistogram of integer
//! counts, distinct values a set of the smallest hashes.

use driftline_detectors::scalar::Distinct;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::engine::count::quantiles::Quantiles;
use crate::model::settings::MetricSettings;

/// Numbers are summed in millionths of their unit.
const MILLIONTHS: f64 = 1e6;
/// Quantiles are kept of thousandths of the unit, up to about 10^12 of them, to two digits.
const THOUSANDTHS: f64 = 1e3;
const LARGEST: u64 = 1 << 40;

/// Sums, quantiles and distinct values of the metrics that ask for them, in the order of the metrics.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct PaneStatistics {
    pub(crate) metrics: Vec<MetricStatistics>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct MetricStatistics {
    pub(crate) count: u64,
    /// Millionths of the unit.
    pub(crate) sum: i128,
    pub(crate) trues: u64,
    pub(crate) quantiles: Option<Quantiles>,
    pub(crate) distinct: Option<Distinct>,
}

/// Whether a statistic of a metric is charted.
pub(crate) fn is_charted(metric: &MetricSettings) -> bool {
    metric.mean || metric.p99 || metric.distinct || metric.ratio
}

impl PaneStatistics {
    pub(crate) fn new(metrics: &[MetricSettings]) -> Self {
        Self { metrics: metrics.iter().map(MetricStatistics::new).collect() }
    }

    /// For other metrics: that of metric `m` goes on with what `from[m]` had.
    pub(crate) fn carry_over(&self, metrics: &[MetricSettings], from: &[Option<usize>]) -> Self {
        let carried = |(metric, from): (&MetricSettings, &Option<usize>)| {
            let new = MetricStatistics::new(metric);
            let Some(old) = from.and_then(|from| self.metrics.get(from)) else { return new };
            MetricStatistics {
                quantiles: new.quantiles.map(|new| old.quantiles.clone().unwrap_or(new)),
                distinct: new.distinct.map(|new| old.distinct.clone().unwrap_or(new)),
                ..old.clone()
            }
        };
        Self { metrics: metrics.iter().zip(from).map(carried).collect() }
    }

    pub(crate) fn merge(&mut self, other: &PaneStatistics) {
        for (own, other) in self.metrics.iter_mut().zip(&other.metrics) {
            own.count += other.count;
            own.sum += other.sum;
            own.trues += other.trues;
            if let (Some(own), Some(other)) = (&mut own.quantiles, &other.quantiles) {
                own.merge(other);
            }
            if let (Some(own), Some(other)) = (&mut own.distinct, &other.distinct) {
                own.merge(other);
            }
        }
    }
}

impl MetricStatistics {
    fn new(metric: &MetricSettings) -> Self {
        Self {
            quantiles: metric.p99.then(Quantiles::default),
            distinct: metric.distinct.then(Distinct::default),
            ..Self::default()
        }
    }

    pub(crate) fn number(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        self.count += 1;
        self.sum += (value * MILLIONTHS).clamp(-1e30, 1e30) as i128;
        if let Some(quantiles) = &mut self.quantiles {
            quantiles.record(((value * THOUSANDTHS).max(0.0) as u64).min(LARGEST), 1);
        }
    }

    pub(crate) fn flag(&mut self, code: u8) {
        self.count += u64::from(code < 2);
        self.trues += u64::from(code == 1);
    }

    pub(crate) fn label(&mut self, label: &str) {
        self.count += 1;
        if let Some(distinct) = &mut self.distinct {
            distinct.insert(xxh3_64(label.as_bytes()));
        }
    }

    pub(crate) fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / MILLIONTHS / self.count as f64)
    }

    pub(crate) fn p99(&self) -> Option<f64> {
        self.quantiles.as_ref()?.p99().map(|value| value as f64 / THOUSANDTHS)
    }
}
