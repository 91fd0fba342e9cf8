//! What is to be generated. The same plan gives the same bytes.
//!
//! Times are milliseconds. The invariant: a plan that passed [`Plan::check`] cannot fail to generate.

use super::drift::{Drift, DriftKind};
use super::vocabulary::model_name;

/// One hour in milliseconds.
pub const HOUR_MS: i64 = 3_600_000;
/// 2026-03-02T08:00:00Z, a Monday morning: the default start.
pub const START_MS: i64 = 1_772_438_400_000;

/// A set of synthetic telemetry.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Decides every draw.
    pub seed: u64,
    /// Arrivals over the whole span; drifts in volume leave some of them out.
    pub events: u64,
    /// Number of models.
    pub models: usize,
    /// Exponent of the Zipf law of traffic by model.
    pub zipf: f64,
    /// First instant, since 1970.
    pub start_ms: i64,
    /// Length.
    pub span_ms: i64,
    /// Standard deviation of a random effect that all events of a model share for 10 s, in standard
    /// deviations of the metric: what makes real telemetry noisier than independent draws.
    pub overdispersion: f64,
    /// Length of the `embedding` field; 0 = none.
    pub vectors: usize,
    /// Labelled changes.
    pub drifts: Vec<Drift>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            seed: 1,
            events: 2_000_000,
            models: 100,
            zipf: 1.0,
            start_ms: START_MS,
            span_ms: 6 * HOUR_MS,
            overdispersion: 0.0,
            vectors: 0,
            drifts: Vec::new(),
        }
    }
}

/// Why a plan cannot be generated.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// A bound of the plan is broken.
    #[error("{name} is {value}, but must be {expected}")]
    Range {
        /// The option.
        name: &'static str,
        /// What was given.
        value: String,
        /// What is possible.
        expected: &'static str,
    },
    /// A drift cannot be read.
    #[error("--drift {given:?}: {problem}")]
    Drift {
        /// What was given.
        given: String,
        /// What is wrong and what to write.
        problem: String,
    },
}

impl Plan {
    /// Checks every bound.
    ///
    /// # Errors
    /// The first bound that is broken.
    pub fn check(&self) -> Result<(), PlanError> {
        let range = |ok: bool, name, value: String, expected| {
            if ok { Ok(()) } else { Err(PlanError::Range { name, value, expected }) }
        };
        range(
            (1..=10_000).contains(&self.models),
            "models",
            self.models.to_string(),
            "1 to 10000",
        )?;
        range(
            (0.0..=3.0).contains(&self.zipf),
            "zipf",
            self.zipf.to_string(),
            "an exponent from 0 (even traffic) to 3",
        )?;
        range(
            (1_000..=366 * 24 * HOUR_MS).contains(&self.span_ms),
            "span",
            format!("{} ms", self.span_ms),
            "1s to 366d",
        )?;
        // Years 1971 to 2999: four digits, and nothing before the epoch.
        range(
            (31_536_000_000..=32_503_680_000_000).contains(&self.start_ms),
            "start",
            format!("{} ms since 1970", self.start_ms),
            "in the years 1971 to 2999",
        )?;
        range(
            self.events <= 100_000_000_000,
            "events",
            self.events.to_string(),
            "at most 100000000000",
        )?;
        range(
            (0.0..=1.0).contains(&self.overdispersion),
            "overdispersion",
            self.overdispersion.to_string(),
            "0 to 1 standard deviations",
        )?;
        range(self.vectors <= 4096, "vectors", self.vectors.to_string(), "0 (none) to 4096")?;
        self.drifts.iter().try_for_each(|drift| self.check_drift(drift))
    }

    fn check_drift(&self, drift: &Drift) -> Result<(), PlanError> {
        let problem = |problem: String| {
            Err(PlanError::Drift { given: drift.kind.name().to_owned(), problem })
        };
        if drift.model >= self.models {
            return problem(format!(
                "model {} does not exist; there are {}",
                drift.model + 1,
                self.models
            ));
        }
        if drift.start_ms >= self.span_ms {
            return problem("it starts after the end of the set; give an earlier START".to_owned());
        }
        if drift.kind == DriftKind::Embedding && self.vectors == 0 {
            return problem("events have no embedding; add --vectors N".to_owned());
        }
        if drift.kind == DriftKind::Nulls && drift.metric == "embedding" && self.vectors == 0 {
            return problem("events have no embedding; add --vectors N".to_owned());
        }
        Ok(())
    }

    /// The first instant after the set.
    pub fn end_ms(&self) -> i64 {
        self.start_ms + self.span_ms
    }

    /// The five drifts of the default set, placed in proportion where the set is shorter, longer or has
    /// fewer models. None begins in the first sixth, which baselines are learned from.
    pub fn default_drifts(&self) -> Vec<Drift> {
        let at = |minutes: i64| self.span_ms * minutes / 360;
        let rank = |of_hundred: usize| (of_hundred * self.models / 100).min(self.models - 1);
        let drift =
            |kind: DriftKind, model: usize, start: i64| Drift::new(kind, rank(model), at(start));
        let mut ramp = drift(DriftKind::Ramp, 19, 180);
        ramp.over_ms = at(90);
        vec![
            drift(DriftKind::Scale, 2, 90),
            drift(DriftKind::Mix, 11, 135),
            ramp,
            drift(DriftKind::Errors, 5, 210),
            drift(DriftKind::Shift, 29, 250),
        ]
    }

    /// Rank of a model given by rank from 1 or by name.
    pub fn model(&self, given: &str) -> Option<usize> {
        let by_rank = given.parse::<usize>().ok().and_then(|rank| rank.checked_sub(1));
        by_rank
            .or_else(|| (0..self.models).find(|&rank| model_name(rank) == given))
            .filter(|&rank| rank < self.models)
    }
}
