//! A finding: an immutable fact. One series changed, since when, in what, how much, how sure. Or some series
//! of one model did together, none of which alone is sure: then it is told as the one with the most evidence.
//!
//! Its id is a hash of what it is about (pipeline, config, series, pane, lane, baseline), so the same
//! events give the same id wherever and however often they are processed.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::time::Rfc3339;

/// Value of [`Finding::schema`].
pub const FINDING_SCHEMA: &str = "driftline.finding.v1";

/// Values of [`Finding::kind`].
pub const CHANGE_KINDS: [&str; 13] = [
    "shift",
    "spread",
    "mix",
    "rate",
    "missing",
    "invalid",
    "unseen",
    "out_of_range",
    "shape",
    "volume",
    "scalar",
    "silence",
    "model",
];

/// Values of [`EvidenceRecord::promise`].
pub const PROMISES: [&str; 2] = ["guaranteed", "calibrated"];

/// Values of [`Finding::severity`], the worst first.
pub const SEVERITIES: [&str; 3] = ["critical", "warning", "info"];

/// An immutable fact: one series changed, since when, in what, how much, how sure; or some series of one
/// model did together (kind model), told as the one with the most evidence. One a line of findings.ndjson.
/// Readers ignore fields that they do not know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// `driftline.finding.v1`.
    #[schemars(extend("const" = FINDING_SCHEMA))]
    pub schema: String,
    /// The same events give the same id, wherever and however often they are processed.
    #[schemars(regex(pattern = "^[0-9a-f]{32}$"))]
    pub id: String,
    /// Name of the pipeline.
    pub pipeline: String,
    /// Hash of the config.
    #[schemars(regex(pattern = "^[0-9a-f]{16}$"))]
    pub config: String,
    /// What kind of change.
    #[schemars(extend("enum" = CHANGE_KINDS))]
    pub kind: String,
    /// One sentence for a person.
    pub summary: String,
    /// `info`, `warning` or `critical`.
    #[schemars(extend("enum" = SEVERITIES))]
    pub severity: String,
    /// The finding that goes further: its series has changed again while it was on. The onset, the change
    /// and its evidence are those of the last change, the effect and the severity are of how it stands by
    /// now. Left out for a finding of its own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(regex(pattern = "^[0-9a-f]{32}$"))]
    pub updates: Option<String>,
    /// The model.
    pub model: String,
    /// Its version, where events have one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<String>,
    /// Segments by name; left out where there are none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub segments: BTreeMap<String, String>,
    /// The metric; or what is charted of each span, such as volume or latency_ms.p99.
    pub metric: String,
    /// Unit of the metric; left out where it has none.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub unit: String,
    /// When the change began, as far as the evidence tells. RFC 3339, UTC.
    #[schemars(with = "Rfc3339")]
    pub onset: String,
    /// End of the pane that decided it. RFC 3339, UTC.
    #[schemars(with = "Rfc3339")]
    pub detected_at: String,
    /// From onset to detection, in seconds.
    #[schemars(range(min = 0.0))]
    pub delay_s: f64,
    /// What changed: higher, less of stop, more of null.
    pub change: String,
    /// How much since the onset, with its 95 % interval: it allows for an onset and an end that were chosen
    /// by the evidence.
    pub effect: EffectRecord,
    /// How sure.
    pub evidence: EvidenceRecord,
    /// Where the kind is model: the series that changed together, the one with the most evidence first, which
    /// is what all else is about. Left out for other kinds.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub carriers: Vec<CarrierRecord>,
    /// How many more series carry it than are listed; left out where there are none.
    #[serde(skip_serializing_if = "is_zero", default)]
    #[schemars(range(min = 1))]
    pub carriers_more: u32,
    /// What carries the evidence, the heaviest first.
    pub codes: Vec<CodeRecord>,
    /// Scores that people know, since the onset against the baseline. They inform; they did not decide.
    pub scores: Vec<ScoreRecord>,
    /// What it was judged against.
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EffectRecord {
    /// What the numbers are in: sigma, sd_ratio, share, expected_events.
    pub unit: String,
    /// Estimate.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Median, or share, before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<f64>,
    /// Median, or share, since the onset.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub after: Option<f64>,
    /// Median, or share, since the change before; only where a finding is updated.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub previous: Option<f64>,
}

/// The decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceRecord {
    /// Natural logarithm of the statistic that decides; of their sum where the kind is model.
    pub log_mixture: f64,
    /// What it had to reach: ln(series x panes a week / budget); with false_share_per_week, ln(series x panes
    /// a week / (false_share_per_week x together)).
    pub log_threshold: f64,
    /// False alarms a week that were accepted; not in force where there is false_share_per_week.
    #[schemars(range(min = 0.0))]
    pub budget_per_week: f64,
    /// What a week was allowed to add to the expected share of false ones among the findings; left out where
    /// the budget is the rule.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(range(min = 0.0))]
    pub false_share_per_week: Option<f64>,
    /// Series that crossed in the same pane, this one included; only with false_share_per_week.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(range(min = 1))]
    pub together: Option<u64>,
    /// Series that shared the budget.
    pub series: u64,
    /// Ticks since the statistic was started.
    pub ticks: u32,
    /// Ticks since the onset.
    pub ticks_since_onset: u32,
    /// CUSUM of the deciding lane.
    #[schemars(range(min = 0.0))]
    pub cusum: f64,
    /// Tempering of that lane; 1: the baseline's panes looked independent.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub temper: f64,
    /// calibrated: the rate of false alarms is as declared by calculation and simulation, with the error that
    /// docs/detection.md measures. guaranteed: at most as declared by proof, under the stated assumptions.
    #[schemars(extend("enum" = PROMISES))]
    pub promise: String,
}

/// A series that carries a `model` finding with others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CarrierRecord {
    /// The model's version, where events have one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<String>,
    /// Segments by name; left out where there are none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub segments: BTreeMap<String, String>,
    /// The metric, or what is charted of each span.
    pub metric: String,
    /// What changed.
    pub change: String,
    /// When, as far as its evidence tells. RFC 3339, UTC.
    #[schemars(with = "Rfc3339")]
    pub onset: String,
    /// How much.
    pub effect: EffectRecord,
    /// Natural logarithm of its part of the evidence, as if it ticked each pane.
    pub log_mixture: f64,
}

/// A code that carries evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CodeRecord {
    /// What it stands for.
    pub label: String,
    /// Its share in the baseline.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub baseline_share: f64,
    /// Its share since the onset.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub share: f64,
    /// Its part of the evidence, in nats.
    pub evidence: f64,
}

/// A known score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScoreRecord {
    /// psi, js_divergence, ks ...
    pub name: String,
    /// As its formula gives it.
    pub value: f64,
    /// Less what chance alone gives at these sample sizes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub corrected: Option<f64>,
    /// Probability of such a value or a larger one when nothing changed, for independent events.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub p_value: Option<f64>,
}

/// The baseline that a finding was judged against.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BaselineRecord {
    /// Hash of its content.
    pub version: String,
    /// learned, range, file, version: where it comes from.
    pub source: String,
    /// Beginning of its span. RFC 3339, UTC.
    #[schemars(with = "Rfc3339")]
    pub from: String,
    /// End of its span. RFC 3339, UTC.
    #[schemars(with = "Rfc3339")]
    pub to: String,
    /// Its events.
    pub events: u64,
}

/// One bar of both distributions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BarRecord {
    /// What it stands for.
    pub label: String,
    /// Events in the baseline.
    pub baseline: u64,
    /// Events since the onset.
    pub since_onset: u64,
}

/// One tick of the statistic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepRecord {
    /// Its start. RFC 3339, UTC.
    #[schemars(with = "Rfc3339")]
    pub at: String,
    /// Its events.
    pub events: u32,
    /// The lane that led.
    pub lane: String,
    /// Evidence of the tick in that lane.
    pub evidence: f64,
    /// CUSUM of that lane after it.
    pub cusum: f64,
    /// Logarithm of the statistic after it.
    pub log_mixture: f64,
}
