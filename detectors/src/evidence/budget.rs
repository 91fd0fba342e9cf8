//! The budget: how many false alerts a week, over everything that runs, the owner accepts.
//!
//! The mixture Shiryaev-Roberts statistic of a series is an e-detector: its mean time to a false alarm
//! is at least `A` ticks (Shin, Ramdas, Rinaldo, "E-detectors", 2023). With `series` series that tick at
//! most once a pane, `A = series * panes_a_week / budget` keeps the expected number of false alarms at or
//! below `budget` a week, whatever the dependence between series (expectations add).

/// `ln A` for one of `series` equal series; at least `ln 2`.
///
/// `pane_us`: length of a pane in microseconds. `budget_per_week`: accepted false alarms a week.
/// ```
/// use driftline_detectors::evidence::budget::log_threshold;
///
/// // 900 series, panes of 10 s, one false alarm a week over all of them.
/// let log_a = log_threshold(900, 10_000_000, 1.0);
/// assert!((log_a - (900.0 * 60_480f64).ln()).abs() < 1e-12);
/// ```
pub fn log_threshold(series: usize, pane_us: i64, budget_per_week: f64) -> f64 {
    const WEEK_US: f64 = 7.0 * 24.0 * 3600.0 * 1e6;
    let panes_a_week = WEEK_US / pane_us.max(1) as f64;
    libm::log((series.max(1) as f64 * panes_a_week / budget_per_week.max(1e-9)).max(2.0))
}

/// How many of the series, the one with the most evidence first, alarm together by the e-d-BH procedure
/// (Dandapanthula, Ramdas, "Multiple testing in multi-stream sequential change detection", 2025, arXiv
/// 2501.04130): the most, `k`, that each have `ln A - ln k`.
///
/// `logs`: logarithms of the statistics, falling. `log_threshold`: `ln A` of a single one.
///
/// Each false alarm has at least `A / k` of evidence and is one of at least `k` alarms, so the sum of `1 /
/// k` over false alarms is at most that of their evidence by `A`: the share of false ones among all alarms
/// so far is, in expectation at any time one stops, at most `series / A` for each tick up to there, under
/// any dependence.
pub fn together(logs: &[f64], log_threshold: f64) -> usize {
    let crosses = |count: &usize| logs[count - 1] >= log_threshold - libm::log(*count as f64);
    (1..=logs.len()).rev().find(crosses).unwrap_or(0)
}

/// The fewest series, those with the most evidence, that reach `A` by the sum of their statistics, and the
/// logarithm of that sum; none where all of them do not.
///
/// `logs`: logarithms of the statistics, falling. `log_threshold`: `ln A`. What is summed up are
/// supermartingales but for what they grow by, under any dependence; those that are left out lose nothing,
/// and those that are in begin anew, so that each alarm uses up `A`.
pub fn fewest(logs: &[f64], log_threshold: f64) -> Option<(usize, f64)> {
    let mut sum = 0.0;
    for (at, log) in logs.iter().enumerate() {
        sum += libm::exp(log - log_threshold);
        if sum >= 1.0 {
            return Some((at + 1, log_threshold + libm::log(sum)));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_cross_together_need_less_each() {
        let log_a = 1000f64.ln();
        let logs = [900.0, 400.0, 340.0, 240.0].map(f64::ln);
        // A third of A each is there three times; alone none is.
        assert_eq!(together(&logs, log_a), 3);
        assert_eq!(together(&logs[..2], log_a), 0);
        assert_eq!(together(&[], log_a), 0);
    }

    #[test]
    fn the_fewest_are_those_with_the_most() {
        let log_a = 1000f64.ln();
        let logs = [600.0, 300.0, 200.0, 100.0].map(f64::ln);
        let (count, sum) = fewest(&logs, log_a).expect("they reach it");
        assert_eq!(count, 3);
        assert!((sum - 1100f64.ln()).abs() < 1e-12);
        assert!(fewest(&logs[1..], log_a).is_none());
        assert_eq!(fewest(&[2000f64.ln()], log_a).map(|(count, _)| count), Some(1));
    }

    #[test]
    fn more_series_and_a_smaller_budget_ask_for_more() {
        let ten_seconds = 10_000_000;
        assert!((log_threshold(900, ten_seconds, 1.0) - (900f64 * 60_480.0).ln()).abs() < 1e-12);
        assert!(log_threshold(1, ten_seconds, 1e12) > 0.69);
    }
}
