//! The score of the Numenta Anomaly Benchmark (Lavin and Ahmad 2015; `nab/sweeper.py` of its
//! version 1.1).
//!
//! A first alarm in a window earns up to 1, the earlier the more; a missed window costs the
//! profile's weight; an alarm outside costs up to the profile's weight, less shortly after a
//! window. 0 is a detector that never alarms, 100 one that alarms at the first row of each window
//! and nowhere else.

use super::files::Profile;

/// Rows at the begin of a file that are not judged: this share, and at most so many.
const PROBATION_SHARE: f64 = 0.15;
const PROBATION_MAX: usize = 750;
/// Windows' widths after a window; alarms beyond cost the full weight.
const FAR: f64 = 3.0;

/// What became of the alarms of one or more files.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Tally {
    /// Sum of what windows found earn and of what alarms outside cost, without the profile's
    /// weights.
    found: f64,
    outside: f64,
    pub(super) windows: usize,
    pub(super) missed: usize,
    /// Alarms outside of windows.
    pub(super) false_alarms: usize,
}

impl std::iter::Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            found: sum.found + one.found,
            outside: sum.outside + one.outside,
            windows: sum.windows + one.windows,
            missed: sum.missed + one.missed,
            false_alarms: sum.false_alarms + one.false_alarms,
        })
    }
}

impl Tally {
    /// Of the alarms (rows) of a file of `rows` rows with its windows (first and last row of each).
    pub(super) fn of(rows: usize, windows: &[(usize, usize)], alarms: &[usize]) -> Self {
        let mut tally = Self { windows: windows.len(), ..Self::default() };
        let mut earned: Vec<Option<f64>> = vec![None; windows.len()];
        for alarm in alarms.iter().copied().filter(|alarm| *alarm >= probation(rows)) {
            let inside = windows.iter().position(|(a, b)| (*a..=*b).contains(&alarm));
            if let Some(at) = inside {
                let (first, last) = windows[at];
                let width = (last - first + 1) as f64;
                let earns = sigmoid(-((last - alarm + 1) as f64) / width) / sigmoid(-1.0);
                earned[at] = Some(earned[at].unwrap_or(0.0).max(earns));
                continue;
            }
            tally.false_alarms += 1;
            let before = windows.iter().rev().find(|(_, last)| *last < alarm);
            let ratio = before.map(|(first, last)| (alarm - last) as f64 / (last - first) as f64);
            tally.outside += ratio.filter(|ratio| *ratio <= FAR).map_or(-1.0, sigmoid);
        }
        tally.found = earned.iter().flatten().sum();
        tally.missed = earned.iter().filter(|earned| earned.is_none()).count();
        tally
    }

    /// The score, 0 to 100 for what is no worse than silence.
    pub(super) fn score(&self, profile: Profile) -> f64 {
        let windows = self.windows as f64;
        let sum = self.found + profile.false_positive * self.outside
            - profile.missed * self.missed as f64;
        100.0 * (sum + profile.missed * windows) / ((1.0 + profile.missed) * windows)
    }
}

/// Rows that are not judged.
pub(super) fn probation(rows: usize) -> usize {
    ((PROBATION_SHARE * rows as f64) as usize).min(PROBATION_MAX)
}

fn sigmoid(x: f64) -> f64 {
    2.0 / (1.0 + (5.0 * x).exp()) - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const STANDARD: Profile = Profile { false_positive: 0.11, missed: 1.0 };

    #[test]
    fn silence_scores_nothing_and_perfection_a_hundred() {
        let windows = [(200, 299), (600, 699)];
        for profile in [
            STANDARD,
            Profile { false_positive: 0.22, missed: 1.0 },
            Profile { false_positive: 0.11, missed: 2.0 },
        ] {
            assert_eq!(Tally::of(1000, &windows, &[]).score(profile), 0.0);
            let perfect = Tally::of(1000, &windows, &[200, 600]).score(profile);
            assert!((perfect - 100.0).abs() < 1e-12);
        }
    }

    #[test]
    fn cases_by_hand() {
        let windows = [(200, 299)];
        let sum = |alarms: &[usize]| {
            let tally = Tally::of(1000, &windows, alarms);
            // The inverse of the normalisation.
            tally.score(STANDARD) / 100.0 * 2.0 - 1.0
        };
        // In the probation: not judged. The window is missed.
        assert!((sum(&[100, 149]) + 1.0).abs() < 1e-12);
        // Before any window: the full weight.
        assert!((sum(&[150]) + 1.11).abs() < 1e-12);
        // In the middle: y(-1/2) / y(-1) = 0.848284 / 0.986614.
        assert!((sum(&[250]) - 0.859_794).abs() < 1e-5);
        // The last row: y(-1/100) / y(-1) = 0.0249948 / 0.986614. A later alarm in it changes
        // nothing.
        assert!((sum(&[299]) - 0.025_334).abs() < 1e-5);
        assert_eq!(sum(&[250, 260, 299]), sum(&[250]));
        // 99 rows after it is one width: y(1) = -0.986614; beyond three widths -1.
        assert!((sum(&[200, 398]) - (1.0 - 0.11 * 0.986_614)).abs() < 1e-6);
        assert!((sum(&[200, 597]) - (1.0 - 0.11)).abs() < 1e-6);
        assert_eq!(sum(&[200, 597]), sum(&[200, 700]));
    }

    #[test]
    fn the_probation_is_a_share_up_to_a_number() {
        assert_eq!((probation(1000), probation(1127), probation(15_902)), (150, 169, 750));
    }
}
