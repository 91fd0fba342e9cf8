//! A finding: an immutable fact. One series changed, since when, in what, how much, how sure. Or some series
//! of one model did together, none of which alone is sure: then it is told as the one with the most evidence.
//!
//! Its id is a hash of what it is about (pipeline, config, series, pane, lane, baseline), so the same
//! events give the same id wherever and however often they are processed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Value of [`Finding::schema`].
pub const FINDING_SCHEMA: &str = "driftline.finding.v1";

/// Values of [`Finding::severity`], the worst first.
pub const SEVERITIES: [&str; 3] = ["critical", "warning", "info"];

/// One change of one series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// `driftline.finding.v1`.
    pub schema: String,
    /// 32 hex digits.
    pub id: String,
    /// Name of the pipeline.
    pub pipeline: String,
    /// Hash of the config, 16 hex digits.
    pub config: String,
    /// What kind of change: `shift`, `spread`, `mix`, `rate`, `missing`, `invalid`, `unseen`,
    /// `out_of_range`, `shape`, `volume`, `scalar`, `silence`, `model`.
    pub kind: String,
    /// One sentence for a person.
    pub summary: String,
    /// `info`, `warning` or `critical`.
    pub severity: String,
    /// The model.
    pub model: String,
    /// Its version, where events have one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<String>,
    /// Segments by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub segments: BTreeMap<String, String>,
    /// The metric, or `volume`, `latency_ms.p99`, ...
    pub metric: String,
    /// Unit of the metric; may be empty.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub unit: String,
    /// When the change began, as far as the evidence tells (RFC 3339).
    pub onset: String,
    /// End of the pane that decided it.
    pub detected_at: String,
    /// From onset to detection, seconds.
    pub delay_s: f64,
    /// What changed: `higher`, `less of stop`, `more of null`, ...
    pub change: String,
    /// How much.
    pub effect: EffectRecord,
    /// How sure.
    pub evidence: EvidenceRecord,
    /// The series of a `model` finding, the one with the most evidence first, which is the one that all else
    /// is about; empty for other kinds.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub carriers: Vec<CarrierRecord>,
    /// How many more series there are than are listed.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub carriers_more: u32,
    /// The codes that carry the evidence, the heaviest first.
    pub codes: Vec<CodeRecord>,
    /// Scores that people know, since the onset against the baseline. They inform; they did not decide.
    pub scores: Vec<ScoreRecord>,
    /// The reference.
    pub baseline: BaselineRecord,
    /// Both distributions, code by code.
    pub distribution: Vec<BarRecord>,
    /// The last ticks of the statistic before the decision.
    pub steps: Vec<StepRecord>,
}

impl Finding {
    /// All metrics that it is about; of several series that carry it, those that it lists.
    pub fn metrics(&self) -> impl Iterator<Item = &str> {
        let others = self.carriers.iter().map(|carrier| carrier.metric.as_str());
        std::iter::once(self.metric.as_str()).chain(others)
    }
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// Size of a change, with its 95 % interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EffectRecord {
    /// `sigma`, `sd_ratio`, `share`, or `expected_events` (silence).
    pub unit: String,
    /// Estimate.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Median (numbers) or share before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<f64>,
    /// Median (numbers) or share since the onset.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub after: Option<f64>,
}

/// The decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvidenceRecord {
    /// Natural logarithm of the mixture Shiryaev-Roberts statistic; of their sum in a `model` finding.
    pub log_mixture: f64,
    /// What it had to reach: `ln(series * panes a week / budget)`; by the share of false findings,
    /// `ln(series * panes a week / (false_share_per_week * together))`.
    pub log_threshold: f64,
    /// False alerts a week that were accepted; not in force where there is a share.
    pub budget_per_week: f64,
    /// What a week was allowed to add to the share of false findings, where that was the rule.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub false_share_per_week: Option<f64>,
    /// Series that crossed in the same pane, this one included; only by that rule.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub together: Option<u64>,
    /// Series that shared the budget.
    pub series: u64,
    /// Ticks since the statistic was started.
    pub ticks: u32,
    /// Ticks since the onset.
    pub ticks_since_onset: u32,
    /// CUSUM of the deciding lane.
    pub cusum: f64,
    /// Tempering of that lane, 1 = the baseline's panes looked independent.
    pub temper: f64,
    /// `calibrated`: the rate of false alarms is as declared by calculation and simulation, with the
    /// error that docs/detection.md measures; `guaranteed`: by proof.
    pub promise: String,
}

/// A series that carries a `model` finding with others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CarrierRecord {
    /// The model's version, where events have one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<String>,
    /// Segments by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub segments: BTreeMap<String, String>,
    /// The metric.
    pub metric: String,
    /// What changed.
    pub change: String,
    /// When, as far as its evidence tells.
    pub onset: String,
    /// How much.
    pub effect: EffectRecord,
    /// Its part of the evidence, as if it ticked each pane.
    pub log_mixture: f64,
}

/// A code that carries evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CodeRecord {
    /// What it stands for.
    pub label: String,
    /// Its share in the baseline.
    pub baseline_share: f64,
    /// Its share since the onset.
    pub share: f64,
    /// Its part of the lane's evidence, in nats.
    pub evidence: f64,
}

/// A known score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreRecord {
    /// `psi`, `jsd`, ...
    pub name: String,
    /// As its formula gives it.
    pub value: f64,
    /// Less what chance alone gives at these sample sizes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub corrected: Option<f64>,
    /// Probability of such a value or a larger one when nothing changed, for independent events.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub p_value: Option<f64>,
}

/// The baseline that a finding was judged against.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BaselineRecord {
    /// Hash of its content, 16 hex digits.
    pub version: String,
    /// `learned`, `range`, `file ...`, `version ...`.
    pub source: String,
    /// Its span.
    pub from: String,
    /// End of its span.
    pub to: String,
    /// Its events.
    pub events: u64,
}

/// One bar of both distributions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BarRecord {
    /// What it stands for.
    pub label: String,
    /// Events in the baseline.
    pub baseline: u64,
    /// Events since the onset.
    pub since_onset: u64,
}

/// One tick of the statistic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Start of the tick.
    pub at: String,
    /// Its events.
    pub events: u32,
    /// The lane that led.
    pub lane: String,
    /// Evidence of the tick in that lane.
    pub evidence: f64,
    /// CUSUM of that lane after it.
    pub cusum: f64,
    /// Logarithm of the mixture after it.
    pub log_mixture: f64,
}
