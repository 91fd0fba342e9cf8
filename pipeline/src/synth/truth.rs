//! The truth about a set: which model changed, in what, since when, how much, and what must follow.
//!
//! Written as `truth.json` beside the events; read again to score findings.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::drift::{Drift, DriftKind};
use super::plan::Plan;
use super::vocabulary::Vocabulary;
use crate::model::time::Rfc3339;

/// Version of the file's shape.
pub const TRUTH_VERSION: u32 = 1;

/// What is true of a set that `driftline generate` wrote; `driftline evaluate` reads it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Truth {
    /// [`TRUTH_VERSION`].
    #[schemars(extend("const" = TRUTH_VERSION))]
    pub version: u32,
    /// Seed of every draw.
    pub seed: u64,
    /// Events of the set.
    pub events: u64,
    /// Models of the set.
    pub models: usize,
    /// Its first instant. RFC 3339, UTC.
    #[schemars(with = "Rfc3339")]
    pub start: String,
    /// Its last instant, exclusive. RFC 3339, UTC.
    #[schemars(with = "Rfc3339")]
    pub end: String,
    /// Standard deviation of effects that events of 10 s share; 0: independent events.
    #[schemars(range(min = 0.0))]
    pub overdispersion: f64,
    /// What changes.
    pub drifts: Vec<TrueDrift>,
}

/// One labelled change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrueDrift {
    /// Its number, from 1.
    pub id: usize,
    /// The model that changes.
    pub model: String,
    /// Kind of the change, as in `driftline generate --help`.
    pub kind: String,
    /// The metric that changes, or volume.
    pub metric: String,
    /// What follows from it, and is not a false finding either.
    pub side_effects: Vec<SideEffect>,
    /// When it begins. RFC 3339, UTC.
    #[schemars(with = "Rfc3339")]
    pub onset: String,
    /// When a slow change has its full size.
    pub full: Option<String>,
    /// When it ends, if it does.
    pub end: Option<String>,
    /// How large.
    pub size: f64,
    /// What the size counts.
    pub size_unit: String,
    /// The same in words.
    pub words: String,
}

/// A metric that changes because another one does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SideEffect {
    /// Where it shows.
    pub metric: String,
    /// Why it must.
    pub why: String,
}

impl Truth {
    /// The truth of a plan.
    pub fn of(plan: &Plan) -> Self {
        let vocabulary = Vocabulary::new(plan.models);
        let mut drifts: Vec<&Drift> = plan.drifts.iter().collect();
        drifts.sort_by_key(|drift| (drift.start_ms, drift.model));
        Self {
            version: TRUTH_VERSION,
            seed: plan.seed,
            events: plan.events,
            models: plan.models,
            start: rfc3339(plan.start_ms),
            end: rfc3339(plan.end_ms()),
            overdispersion: plan.overdispersion,
            drifts: drifts
                .into_iter()
                .enumerate()
                .map(|(place, drift)| true_drift(place + 1, drift, plan, &vocabulary))
                .collect(),
        }
    }
}

fn true_drift(id: usize, drift: &Drift, plan: &Plan, vocabulary: &Vocabulary) -> TrueDrift {
    let time = |since_start_ms: i64| rfc3339(plan.start_ms + since_start_ms);
    let (size, size_unit) = size(drift);
    TrueDrift {
        id,
        model: vocabulary.models.get(drift.model).cloned().unwrap_or_default(),
        kind: drift.kind.name().to_owned(),
        metric: drift.metric.to_owned(),
        side_effects: side_effects(drift)
            .iter()
            .map(|&(metric, why)| SideEffect { metric: metric.to_owned(), why: why.to_owned() })
            .collect(),
        onset: time(drift.start_ms),
        full: (drift.kind == DriftKind::Ramp).then(|| time(drift.start_ms + drift.over_ms)),
        end: drift.end_ms.map(time),
        size,
        size_unit: size_unit.to_owned(),
        words: words(drift),
    }
}

fn size(drift: &Drift) -> (f64, &'static str) {
    match drift.kind {
        DriftKind::Mix | DriftKind::Unseen | DriftKind::Nulls => (drift.share, "share"),
        DriftKind::Shift | DriftKind::Embedding => (drift.size, "sigma"),
        _ => (drift.size, "times"),
    }
}

fn words(drift: &Drift) -> String {
    let Drift { metric, size, value, .. } = drift;
    let percent = drift.share * 100.0;
    match drift.kind {
        DriftKind::Scale => format!("{metric} x {size}"),
        DriftKind::Ramp => {
            format!("{metric} grows to x {size} over {} minutes", drift.over_ms / 60_000)
        }
        DriftKind::Spread => format!("{metric} varies more: log-sd {size} on top, same mean"),
        DriftKind::Tail => format!("{percent} % of {metric} x {size}"),
        DriftKind::Mix => format!("{percent} % of events take {metric} = {value}"),
        DriftKind::Unseen => format!("{percent} % of events take the new {metric} = {value}"),
        DriftKind::Nulls => format!("{percent} % of {metric} are null"),
        DriftKind::Errors => format!("error rate x {size}"),
        DriftKind::Shift => format!("mean of {metric} moves by {size} sd"),
        DriftKind::Volume => format!("traffic x {size}"),
        DriftKind::Silence => "traffic stops".to_owned(),
        DriftKind::Version => format!("new model version, {metric} x {size}"),
        DriftKind::Embedding => format!("{metric} moves by {size} sd"),
    }
}

/// What follows from a drift, by the generator's own equations.
fn side_effects(drift: &Drift) -> &'static [(&'static str, &'static str)] {
    const PART: &str = "latency contains the time to the first token";
    match (drift.kind, drift.metric) {
        (DriftKind::Nulls, _) => &[],
        (_, "output_tokens") => &[("latency_ms", "each output token takes its time")],
        (_, "input_tokens") => {
            &[("ttft_ms", "longer prompts take longer to read"), ("latency_ms", PART)]
        }
        (_, "ttft_ms") => &[("latency_ms", PART)],
        (_, "tool") => &[("finish_reason", "requests with a tool often end as tool_calls")],
        (_, "error") => &[
            ("finish_reason", "failed requests end as error"),
            ("output_tokens", "failed requests have no output"),
            ("latency_ms", "failed requests end early"),
        ],
        _ => &[],
    }
}

/// A time of this set, as RFC 3339 UTC with milliseconds.
pub fn rfc3339(time_ms: i64) -> String {
    chrono::DateTime::from_timestamp_millis(time_ms)
        .map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
        .unwrap_or_default()
}
