//! Tests and distances of two vectors of category counts.

use statrs::distribution::{Discrete, Hypergeometric};

use super::outcome::Test;
use crate::math::tails;
use crate::score::{Comparison, ScoreValue, window_scores};

fn test(reading: Option<ScoreValue>) -> Option<Test> {
    reading.and_then(|found| found.p_value.map(|p_value| Test { statistic: found.value, p_value }))
}

/// Pearson's chi-square of the 2 x C table, no Yates' correction; see [`crate::score::SCORES`].
#[must_use]
pub fn chi_square(a: &[u64], b: &[u64]) -> Option<Test> {
    test(crate::score::contingency::chi_square(&Comparison::new(a, b, None)?))
}

/// G (log-likelihood ratio) of the 2 x C table; see [`crate::score::SCORES`].
#[must_use]
pub fn g_statistic(a: &[u64], b: &[u64]) -> Option<Test> {
    test(crate::score::contingency::g_statistic(&Comparison::new(a, b, None)?))
}

/// Largest difference of a category's share, 0 to 1.
#[must_use]
pub fn l_infinity(a: &[u64], b: &[u64]) -> Option<f64> {
    let scores = window_scores(a, b, None);
    scores.iter().find(|score| score.name == "l_infinity").map(|score| score.value)
}

/// [`l_infinity`] less `1.8 sqrt((n + m) / (n m))`, at least 0: what cannot be chance at about 0.3 %.
/// The robust form of deequ.
#[must_use]
pub fn l_infinity_robust(a: &[u64], b: &[u64]) -> Option<f64> {
    let comparison = Comparison::new(a, b, None)?;
    l_infinity(a, b).map(|value| (value - 1.8 * libm::sqrt(comparison.noise())).max(0.0))
}

/// Fisher's exact test of a 2 x 2 table, two-sided: all tables that are no likelier than the one
/// seen. The statistic is the sample odds ratio (infinite when only its denominator is 0).
#[must_use]
pub fn fisher_exact(table: [[u64; 2]; 2]) -> Option<Test> {
    let [[a, b], [c, d]] = table;
    let (row, column) = (a.checked_add(b)?, a.checked_add(c)?);
    let all = row.checked_add(c)?.checked_add(d)?;
    if [row, all - row, column, all - column].contains(&0) {
        return None;
    }
    let law = Hypergeometric::new(all, column, row).ok()?;
    let seen = law.pmf(a);
    let least = (row + column).saturating_sub(all);
    let p_value: f64 = (least..=row.min(column))
        .map(|count| law.pmf(count))
        .filter(|chance| *chance <= seen * (1.0 + 1e-7))
        .sum();
    let statistic = (a as f64 * d as f64) / (b as f64 * c as f64);
    Some(Test { statistic, p_value: p_value.min(1.0) })
}

/// How many of a number of trials succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proportion {
    /// Trials that succeeded.
    pub successes: u64,
    /// All trials.
    pub trials: u64,
}

/// z-test of two proportions, pooled, no continuity correction, two-sided.
#[must_use]
pub fn proportions(a: Proportion, b: Proportion) -> Option<Test> {
    let (n, m) = (a.trials as f64, b.trials as f64);
    let pooled = (a.successes as f64 + b.successes as f64) / (n + m);
    let variance = pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m);
    if variance.is_nan() || variance <= 0.0 {
        return None;
    }
    let statistic = (a.successes as f64 / n - b.successes as f64 / m) / libm::sqrt(variance);
    Some(Test { statistic, p_value: tails::normal_two_sided_tail(statistic) })
}

/// Cramer's V, 0 to 1, as deepchecks has it: the larger side is scaled down to the smaller and
/// rounded, 2 x 2 tables get Yates' correction, and the bias is taken off (Bergsma 2013, J. Korean
/// Statist. Soc. 42).
#[must_use]
pub fn cramers_v(a: &[u64], b: &[u64]) -> Option<f64> {
    let total = |side: &[u64]| side.iter().map(|count| *count as f64).sum::<f64>();
    let least = total(a).min(total(b));
    let scaled = |side: &[u64]| -> Vec<u64> {
        let factor = least / total(side);
        side.iter().map(|count| libm::rint(*count as f64 * factor) as u64).collect()
    };
    let comparison = Comparison::new(&scaled(a), &scaled(b), None)?;
    let columns = comparison.codes.len() as f64;
    let all = comparison.baseline_total + comparison.window_total;
    let yates = if columns == 2.0 { 0.5 } else { 0.0 };
    let statistic: f64 = comparison
        .codes
        .iter()
        .zip(comparison.pooled_shares())
        .flat_map(|(pair, share)| {
            [(pair.baseline, comparison.baseline_total), (pair.window, comparison.window_total)]
                .map(|(seen, total)| (seen, total * share))
        })
        .map(|(seen, expected)| {
            let gap = ((seen - expected).abs() - yates).max(0.0);
            gap * gap / expected
        })
        .sum();
    let squared = (statistic / all - (columns - 1.0) / (all - 1.0)).max(0.0);
    let corrected_columns = columns - (columns - 1.0) * (columns - 1.0) / (all - 1.0);
    let corrected_rows = 2.0 - 1.0 / (all - 1.0);
    let room = corrected_columns.min(corrected_rows) - 1.0;
    (room > 0.0).then(|| libm::sqrt(squared / room).min(1.0))
}
