//! How surprising each code of a baseline is: follows from the baseline, and is no state.

use driftline_detectors::baseline::Baseline;
use driftline_detectors::score::surprise::{expected, surprises};

/// Surprises of a baseline's codes.
#[derive(Debug)]
pub(crate) struct CodeSurprises {
    pub(crate) shares: Vec<f64>,
    /// Millionths of a nat.
    pub(crate) codes: Vec<u64>,
    /// The mean of them under the baseline.
    pub(crate) expected: u64,
}

impl CodeSurprises {
    pub(crate) fn new(baseline: &Baseline) -> Self {
        let shares = baseline.probabilities();
        let codes = surprises(&shares);
        let expected = expected(&shares, &codes);
        Self { shares, codes, expected }
    }
}
