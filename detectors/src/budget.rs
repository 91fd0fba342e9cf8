//! The budget: how many false alerts a week, over everything that runs, the owner accepts.
//!
//! The mixture Shiryaev-Roberts statistic of a series is an e-detector: its mean time to a false alarm
//! is at least `A` ticks (Shin, Ramdas, Rinaldo, "E-detectors", 2023). With `series` series that tick at
//! most once a pane, `A = series * panes_a_week / budget` keeps the expected number of false alarms at or
//! below `budget` a week, whatever the dependence between series (expectations add).

/// `ln A` for one of `series` equal series; at least `ln 2`.
///
/// `pane_us`: length of a pane in microseconds. `budget_per_week`: accepted false alarms a week.
pub fn log_threshold(series: usize, pane_us: i64, budget_per_week: f64) -> f64 {
    const WEEK_US: f64 = 7.0 * 24.0 * 3600.0 * 1e6;
    let panes_a_week = WEEK_US / pane_us.max(1) as f64;
    libm::log((series.max(1) as f64 * panes_a_week / budget_per_week.max(1e-9)).max(2.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_series_and_a_smaller_budget_ask_for_more() {
        let ten_seconds = 10_000_000;
        assert!((log_threshold(900, ten_seconds, 1.0) - (900f64 * 60_480.0).ln()).abs() < 1e-12);
        assert!(log_threshold(1, ten_seconds, 1e12) > 0.69);
    }
}
