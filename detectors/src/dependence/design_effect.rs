//! The design effect: how many times as much the evidence of a tick varies as that of independent events
//! (Kish 1965).
//!
//! It is estimated from `B` ticks, so it is shrunk towards [`PRIOR_EFFECT`] with the weight of
//! [`PRIOR_TICKS`], and raised by what its error would cost: at `ln A = L` false alarms go as
//! `A^-(D_estimated / D)`, and with a chi-square of `B` degrees of freedom the mean of that is `1/A`
//! where the estimate is taken `(exp u - 1) / u` times, `u = 2 L / B`.

use serde::{Deserialize, Serialize};

use super::growth::Growth;

/// Design effect that is assumed before any tick was seen ...
const PRIOR_EFFECT: f64 = 1.0;
/// ... with the weight of this many ticks.
pub(crate) const PRIOR_TICKS: f64 = 10.0;
/// Design effect of neighbouring ticks that resemble each other more than the baseline can show: an
/// autoregression of 0.5 over ticks of 50 events has 1.04, and it matters the more, the larger `A` is.
pub(crate) const NEIGHBOUR_INFLATION: f64 = 1.03;
/// Largest inflation by longer spans. Few sums cannot distinguish lasting dependence from one change within
/// the baseline, so the bound is this ...
const INFLATION_MAX_OF_FEW: f64 = 8.0;
/// ... or this for each sum, so that changes after that one are still found ...
const INFLATION_MAX_PER_SUM: f64 = 0.7;
/// ... and with many sums this.
const INFLATION_MAX: f64 = 100.0;
/// Weight of the prior of longer spans, in sums.
const PRIOR_SUMS: f64 = 5.0;
/// Fewest ticks for a design effect that people see.
const TICKS_MIN: usize = 20;

/// How dependent a lane's ticks are, and the events within them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Dependence {
    /// Variance of single ticks over that of independent events.
    pub effect: f64,
    /// Weight of a tick in an estimate of variance: 1 for a normal law, less for one with heavy tails.
    pub weight: f64,
    /// How many times as much sums over many ticks vary as single ones: 1 where ticks are independent.
    pub growth: f64,
    /// Number of sums that the growth was estimated from.
    pub sums: f64,
}

/// The effect of single ticks, shrunk towards the prior. Where independent ticks have an `excess` kurtosis,
/// as those of few rare events have, each says less about variance.
pub(crate) fn shrink_to_prior(effect: f64, ticks: usize, excess: f64) -> f64 {
    let weight = ticks as f64 * 2.0 / (2.0 + excess.max(0.0));
    (effect * weight + PRIOR_EFFECT * PRIOR_TICKS) / (weight + PRIOR_TICKS)
}

/// Factor of a design effect for the growth of variance over many ticks, and for the error of its estimate.
pub(crate) fn long_run_inflation(Growth { ratio, sums }: Growth, log_promise: f64) -> f64 {
    let most = (INFLATION_MAX_PER_SUM * sums).clamp(INFLATION_MAX_OF_FEW, INFLATION_MAX);
    (1.0 + (ratio - 1.0) * error_factor(log_promise, sums + PRIOR_SUMS)).min(most)
}

/// Factor of a design effect for the error of its estimate from so many `ticks`.
pub(crate) fn error_factor(log_promise: f64, ticks: f64) -> f64 {
    let u = (2.0 * log_promise / ticks).clamp(1e-9, 20.0);
    libm::expm1(u) / u
}

/// The largest factor up to `most` at which the mean over ticks of `exp(t S)` is at most 1. It is
/// convex in `t` and 1 at 0, so where it is at most 1 is an interval that starts at 0.
pub(crate) fn largest_valid_exponent(sums: &[f64], most: f64) -> f64 {
    let fits = |t: f64| {
        let sum: f64 = sums.iter().map(|s| libm::exp((t * s).min(600.0))).sum();
        sum <= sums.len() as f64
    };
    if fits(most) {
        return most;
    }
    let (mut low, mut high) = (0.0, most);
    for _ in 0..20 {
        let middle = (low + high) / 2.0;
        if fits(middle) { low = middle } else { high = middle }
    }
    low
}

/// How much more a pane's mean score varies than that of independent events: a design effect, at least 1.
///
/// `panes`: of each, codes and their counts. `scores`: the normal score of each code.
pub fn inflation(panes: &[Vec<(u8, u32)>], scores: &[f64]) -> f64 {
    let pearson: Vec<f64> = panes
        .iter()
        .filter_map(|pane| {
            let n: f64 = pane.iter().map(|(_, n)| f64::from(*n)).sum();
            let sum: f64 = pane.iter().map(|(c, n)| f64::from(*n) * scores[usize::from(*c)]).sum();
            (n > 0.0).then(|| sum * sum / n)
        })
        .collect();
    if pearson.len() < TICKS_MIN {
        return 1.0;
    }
    (pearson.iter().sum::<f64>() / pearson.len() as f64).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_ticks_cost_caution_and_many_do_not() {
        assert!(error_factor(14.0, 20.0) > 2.0 && error_factor(14.0, 400.0) < 1.05);
        assert!(error_factor(5.0, 20.0) < 1.3);
        let inflation = |ratio: f64, sums: f64| long_run_inflation(Growth { ratio, sums }, 14.0);
        assert!(inflation(1.0, 0.0) == 1.0 && inflation(3.0, 10.0) > 3.0);
    }
}
