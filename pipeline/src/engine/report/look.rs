//! A look at watched series as they stand: for taps, not for findings. Changes nothing.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::engine::learn::group::{Group, Phase};
use crate::engine::machine::Engine;
use crate::engine::series::watched::WatchedSeries;
use crate::model::time::rfc3339;

/// One watched series. What is shown of it is made only where it is asked for.
pub struct SeriesView<'a> {
    engine: &'a Engine,
    group: &'a Group,
    series: &'a WatchedSeries,
    /// The metric.
    pub metric: &'a str,
}

/// The counts of the last minutes (older ones weigh less) beside the baseline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DistributionView {
    /// Key fields by name.
    pub keys: BTreeMap<String, String>,
    /// The metric.
    pub metric: String,
    /// Start of the last tick.
    pub at: Option<String>,
    /// What each code stands for, its share in the baseline and in the last minutes.
    pub codes: Vec<(String, f64, f64)>,
}

/// The evidence after the last tick.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EvidenceView {
    /// Key fields by name.
    pub keys: BTreeMap<String, String>,
    /// The metric.
    pub metric: String,
    /// Start of the last tick.
    pub at: String,
    /// Its events.
    pub events: u32,
    /// The lane that leads.
    pub lane: String,
    /// Its evidence of the tick, nats.
    pub evidence: f32,
    /// Its CUSUM, nats.
    pub cusum: f32,
    /// Logarithm of the mixture that decides.
    pub log_mixture: f32,
    /// Whether a finding is on.
    pub finding: bool,
}

impl Engine {
    /// All watched series, in the order of keys, then metrics.
    pub fn series_views(&self) -> impl Iterator<Item = SeriesView<'_>> {
        let groups = self.order.iter().map(|id| &self.groups[*id as usize]);
        groups.flat_map(move |group| {
            let series = match &group.phase {
                Phase::Watching(series) => series.as_slice(),
                _ => &[],
            };
            self.settings.metrics.iter().zip(series).filter_map(move |(metric, series)| {
                let metric = &metric.name;
                Some(SeriesView { engine: self, group, series: series.as_ref()?, metric })
            })
        })
    }
}

impl SeriesView<'_> {
    /// The model.
    pub fn model(&self) -> &str {
        self.group.key.first().map_or("", String::as_str)
    }

    fn keys(&self) -> BTreeMap<String, String> {
        let names = self.engine.settings.key_names.iter().cloned();
        names.zip(self.group.key.iter().cloned()).collect()
    }

    /// Both distributions.
    pub fn distribution(&self) -> DistributionView {
        let baseline = self.engine.library.baseline(self.series.baseline);
        let total: f32 = self.series.recent.iter().sum();
        let events: u64 = baseline.counts.iter().sum();
        let code = |(code, (recent, count)): (usize, (&f32, &u64))| {
            let share = *count as f64 / events.max(1) as f64;
            (baseline.encoder.label(code), share, f64::from(recent / total.max(1.0)))
        };
        DistributionView {
            keys: self.keys(),
            metric: self.metric.into(),
            at: self.series.evidence.steps().last().map(|step| rfc3339(step.time_us)),
            codes: self.series.recent.iter().zip(&baseline.counts).enumerate().map(code).collect(),
        }
    }

    /// The evidence; none before the first tick.
    pub fn evidence(&self) -> Option<EvidenceView> {
        let step = self.series.evidence.steps().last().copied()?;
        let baseline = self.engine.library.baseline(self.series.baseline);
        let lanes = self.engine.library.tables(self.series.baseline).lanes();
        Some(EvidenceView {
            keys: self.keys(),
            metric: self.metric.into(),
            at: rfc3339(step.time_us),
            events: step.events,
            lane: lanes.get(usize::from(step.lane)).map_or(String::new(), |l| l.name(baseline)),
            evidence: step.evidence,
            cusum: step.cusum,
            log_mixture: step.log_mixture,
            finding: self.series.open_finding.is_some(),
        })
    }
}
