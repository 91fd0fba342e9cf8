//! A running mean.

use serde::{Deserialize, Serialize};

/// Mean of all values so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct RunningMean {
    pub(super) count: u64,
    pub(super) mean: f64,
}

impl RunningMean {
    pub(super) fn add(&mut self, x: f64) {
        self.count += 1;
        self.mean += (x - self.mean) / self.count as f64;
    }

    /// The number of values, at least 1, for divisions.
    pub(super) fn n(&self) -> f64 {
        self.count.max(1) as f64
    }
}

/// A bit detector's reading of its input.
pub(super) fn bit(x: f64) -> f64 {
    if x >= 0.5 { 1.0 } else { 0.0 }
}
