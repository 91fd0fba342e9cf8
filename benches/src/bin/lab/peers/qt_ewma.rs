//! QT-EWMA for one dimension (Frittoli, Carrera, Boracchi 2022, arXiv 2208.14801).
//!
//! QuantTree bins of equal baseline probability; the share of each bin in the stream as an
//! exponentially weighted mean, `Z = (1 - lambda) Z + lambda [value in bin]`, from the expected
//! shares `p`; the statistic is Pearson's `sum (Z - p)^2 / p`. The paper's threshold changes over
//! the first values, so that each has the same chance of a false alarm; here changes come long
//! after, and one limit does.

use std::sync::Arc;

use super::known::{Bins, Known};

/// The statistic as it runs.
#[derive(Debug, Clone)]
pub(super) struct QtEwma {
    bins: Arc<Bins>,
    expected: Arc<Vec<f64>>,
    shares: Vec<f64>,
    lambda: f64,
}

impl QtEwma {
    pub(super) fn new(known: &Known, lambda: f64, bins: usize) -> Self {
        let (bins, counts) = known.bins(bins);
        let all = counts.iter().sum::<f64>() + counts.len() as f64 / 2.0;
        // Half an event more in each: a category that the baseline does not have would be infinite
        // evidence.
        let expected: Vec<f64> = counts.iter().map(|n| (n + 0.5) / all).collect();
        Self {
            bins: Arc::new(bins),
            shares: expected.clone(),
            expected: Arc::new(expected),
            lambda,
        }
    }

    pub(super) fn step(&mut self, value: f64) -> f64 {
        let bin = self.bins.of(value);
        let kept = 1.0 - self.lambda;
        self.shares.iter_mut().for_each(|share| *share *= kept);
        self.shares[bin] += self.lambda;
        let pairs = self.shares.iter().zip(self.expected.iter());
        pairs.map(|(share, p)| (share - p) * (share - p) / p).sum()
    }
}
