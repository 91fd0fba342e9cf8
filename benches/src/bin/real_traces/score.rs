//! How far lengths are from a reference, without the engine: the mean of their normal scores.
//!
//! A score is the normal quantile of the middle of a value's cumulative probability in the reference. The
//! mean is 0 where nothing changed, and of the unit in which the engine's zone is stated.

use driftline_detectors::math::special::normal_quantile;

/// A reference distribution.
pub(crate) struct Reference {
    /// Values in ascending order, each with the mass below it.
    below: Vec<(f64, f64)>,
}

impl Reference {
    /// Of values with their masses, in any order.
    pub(crate) fn new(mut masses: Vec<(f64, f64)>) -> Self {
        masses.sort_by(|a, b| a.0.total_cmp(&b.0));
        let total: f64 = masses.iter().map(|(_, mass)| mass).sum();
        let mut sum = 0.0;
        let below = masses.into_iter().map(|(value, mass)| {
            let here = (value, sum / total);
            sum += mass;
            here
        });
        Self { below: below.collect() }
    }

    /// Mean score of values with their masses; none without any mass.
    pub(crate) fn mean_score(&self, masses: &[(f64, f64)]) -> Option<f64> {
        let total: f64 = masses.iter().map(|(_, mass)| mass).sum();
        let sum: f64 = masses.iter().map(|(value, mass)| mass * self.score(*value)).sum();
        (total > 0.0).then(|| sum / total)
    }

    fn score(&self, value: f64) -> f64 {
        let middle = (self.under(value) + self.under(value.next_up())) / 2.0;
        normal_quantile(middle.clamp(1e-6, 1.0 - 1e-6))
    }

    fn under(&self, value: f64) -> f64 {
        let at = self.below.partition_point(|(other, _)| *other < value);
        self.below.get(at).map_or(1.0, |(_, mass)| *mass)
    }
}
