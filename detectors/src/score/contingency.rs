//! The 2 x C contingency table: G and Pearson's chi-square, as SciPy's `chi2_contingency` without
//! Yates' correction.
//!
//! Both sides are samples here. Tools that take the baseline for the truth (a one-sample test)
//! alarm far too often when the baseline is not much larger than the window.

use super::comparison::Comparison;
use super::reading::ScoreValue;
use crate::math::tails;

fn reading(comparison: &Comparison, value: f64) -> Option<ScoreValue> {
    let freedom = comparison.degrees_of_freedom();
    Some(ScoreValue {
        value,
        corrected: Some(value - freedom),
        p_value: Some(tails::chi_square_tail(value, freedom)),
    })
}

/// Observed and expected counts of all 2 C cells.
fn cells(comparison: &Comparison) -> impl Iterator<Item = (f64, f64)> {
    let (baseline_total, window_total) = (comparison.baseline_total, comparison.window_total);
    comparison.codes.iter().zip(comparison.pooled_shares()).flat_map(move |(pair, share)| {
        [(pair.baseline, baseline_total * share), (pair.window, window_total * share)]
    })
}

pub(crate) fn g_statistic(comparison: &Comparison) -> Option<ScoreValue> {
    let value = cells(comparison)
        .filter(|(observed, _)| *observed > 0.0)
        .map(|(observed, expected)| 2.0 * observed * libm::log(observed / expected))
        .sum::<f64>();
    reading(comparison, value.max(0.0))
}

pub(crate) fn chi_square(comparison: &Comparison) -> Option<ScoreValue> {
    let value = cells(comparison)
        .map(|(observed, expected)| (observed - expected) * (observed - expected) / expected)
        .sum::<f64>();
    reading(comparison, value)
}
