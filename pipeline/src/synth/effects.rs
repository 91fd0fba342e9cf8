//! What the drifts of one model do to its events at one instant, folded into one plain value.
//!
//! The invariant: without an active drift this is [`NEUTRAL`], and a neutral event draws the same random
//! numbers whether or not its set has drifts.

use super::drift::{Drift, DriftKind};
use super::event::{METRICS, Slot};
use super::vocabulary::Vocabulary;

/// Changes of the numbers, categories and traffic of one model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effects {
    /// Factor on latency, time to first token, input tokens, output tokens.
    pub scale: [f64; 4],
    /// Log-sd of a factor of mean 1 on the same.
    pub spread: [f64; 4],
    /// Share of values that are multiplied, and the factor.
    pub tail: [(f64, f64); 4],
    /// Share of events that take a category, and its code.
    pub gain: [(f64, u8); 3],
    /// Share of nulls, by place in [`METRICS`].
    pub nulls: [f64; METRICS.len()],
    /// Factor on the error rate.
    pub errors: f64,
    /// Move of the mean of confidence, in standard deviations.
    pub confidence_sd: f64,
    /// Share of events that arrive at all.
    pub keep: f64,
    /// Whether the second version is out.
    pub new_version: bool,
    /// Move of the embedding, in noise standard deviations.
    pub vector_sd: f64,
}

/// No change.
pub const NEUTRAL: Effects = Effects {
    scale: [1.0; 4],
    spread: [0.0; 4],
    tail: [(0.0, 1.0); 4],
    gain: [(0.0, 0); 3],
    nulls: [0.0; METRICS.len()],
    errors: 1.0,
    confidence_sd: 0.0,
    keep: 1.0,
    new_version: false,
    vector_sd: 0.0,
};

/// A drift with its names looked up.
#[derive(Debug, Clone)]
pub struct Active {
    drift: Drift,
    /// Place of its metric in [`METRICS`]; none for traffic.
    metric: Option<usize>,
    code: u8,
}

impl Active {
    /// Looks up the drift's metric and adds its category to the vocabulary; none when that is full.
    pub fn new(drift: &Drift, vocabulary: &mut Vocabulary) -> Option<Self> {
        let metric = METRICS.iter().position(|metric| metric.name == drift.metric);
        let slot = metric.and_then(|place| METRICS.get(place)).map(|metric| metric.slot);
        let code = match (drift.kind, slot) {
            (DriftKind::Mix | DriftKind::Unseen, Some(Slot::Category(column))) => {
                vocabulary.code(column, &drift.value)?
            }
            _ => 0,
        };
        Some(Self { drift: drift.clone(), metric, code })
    }

    fn progress(&self, since_start_ms: i64) -> Option<f64> {
        let into = since_start_ms - self.drift.start_ms;
        let over = self.drift.end_ms.is_some_and(|end| since_start_ms >= end);
        if into < 0 || over {
            return None;
        }
        Some((into as f64 / self.drift.over_ms.max(1) as f64).min(1.0))
    }

    fn add(&self, effects: &mut Effects, progress: f64) {
        let drift = &self.drift;
        let slot = self.metric.and_then(|place| METRICS.get(place)).map(|metric| metric.slot);
        let number = match slot {
            Some(Slot::Number(place)) if place < effects.scale.len() => place,
            _ => 0,
        };
        match drift.kind {
            DriftKind::Scale => effects.scale[number] *= drift.size,
            DriftKind::Ramp => effects.scale[number] *= 1.0 + (drift.size - 1.0) * progress,
            DriftKind::Spread => effects.spread[number] = drift.size,
            DriftKind::Tail => effects.tail[number] = (drift.share, drift.size),
            DriftKind::Mix | DriftKind::Unseen => {
                if let Some(Slot::Category(column)) = slot {
                    effects.gain[column] = (drift.share, self.code);
                }
            }
            DriftKind::Nulls => {
                if let Some(place) = self.metric {
                    effects.nulls[place] = drift.share;
                }
            }
            DriftKind::Errors => effects.errors *= drift.size,
            DriftKind::Shift => effects.confidence_sd += drift.size,
            DriftKind::Volume => effects.keep *= drift.size,
            DriftKind::Silence => effects.keep = 0.0,
            DriftKind::Version => {
                effects.new_version = true;
                effects.scale[number] *= drift.size;
            }
            DriftKind::Embedding => effects.vector_sd += drift.size,
        }
    }
}

/// The effects of these drifts at this time.
pub fn at(drifts: &[Active], since_start_ms: i64) -> Effects {
    let mut effects = NEUTRAL;
    for active in drifts {
        if let Some(progress) = active.progress(since_start_ms) {
            active.add(&mut effects, progress);
        }
    }
    effects
}
