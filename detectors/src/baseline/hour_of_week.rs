//! Hour-of-week slots: a baseline that knows the season.
//!
//! The slot of a pane is known before the pane opens, so a slot's own distribution may serve as the null
//! hypothesis and every guarantee stays. Thin slots are shrunk: hour of week towards hour of day towards
//! the whole, with [`PRIOR_EVENTS`] pseudo-events each time.

use serde::{Deserialize, Serialize};

use crate::math::week::{HOURS_PER_WEEK, hour_of_week};

/// Weight of the coarser distribution in the finer, in events.
const PRIOR_EVENTS: f64 = 500.0;
/// Code counts for each hour of the week.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HourOfWeekCounts {
    codes: usize,
    /// `HOURS_PER_WEEK x codes`.
    counts: Vec<u32>,
}

impl HourOfWeekCounts {
    /// Empty slots for an encoder of `codes` codes.
    pub fn new(codes: usize) -> Self {
        Self { codes, counts: vec![0; HOURS_PER_WEEK * codes] }
    }

    /// Whether they fit an encoder of `codes` codes.
    pub fn fit(&self, codes: usize) -> bool {
        self.codes == codes && self.counts.len() == HOURS_PER_WEEK * codes
    }

    /// Adds the counts of a pane that starts at `time_us`.
    pub fn add(&mut self, time_us: i64, code: usize, count: u32) {
        let at = hour_of_week(time_us) * self.codes + code;
        if let Some(cell) = self.counts.get_mut(at) {
            *cell = cell.saturating_add(count);
        }
    }

    /// The distribution of a slot, shrunk, and the number of events that it rests on.
    /// `whole` is the distribution over all codes.
    pub fn probabilities(&self, slot: usize, whole: &[f64]) -> (Vec<f64>, f64) {
        let mut hour_of_day = vec![0.0; self.codes];
        for day in 0..7 {
            self.row(day * 24 + slot % 24).zip(&mut hour_of_day).for_each(|(n, sum)| *sum += n);
        }
        let day = shrink(&hour_of_day, whole);
        let own: Vec<f64> = self.row(slot).collect();
        let events = own.iter().sum::<f64>() + PRIOR_EVENTS.min(hour_of_day.iter().sum::<f64>());
        (shrink(&own, &day), events)
    }

    fn row(&self, slot: usize) -> impl Iterator<Item = f64> + '_ {
        let start = (slot % HOURS_PER_WEEK) * self.codes;
        self.counts.get(start..start + self.codes).unwrap_or_default().iter().map(|n| f64::from(*n))
    }
}

fn shrink(counts: &[f64], towards: &[f64]) -> Vec<f64> {
    let total: f64 = counts.iter().sum::<f64>() + PRIOR_EVENTS;
    counts.iter().zip(towards).map(|(n, p)| (n + PRIOR_EVENTS * p) / total).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::week::HOUR_US;

    #[test]
    fn slots_follow_the_week_and_thin_ones_are_shrunk() {
        assert_eq!(hour_of_week(4 * 24 * HOUR_US), 0); // Monday 1970-01-05
        assert_eq!(hour_of_week(-1), 2 * 24 + 23); // Wednesday, the last hour
        let mut slots = HourOfWeekCounts::new(2);
        slots.add(4 * 24 * HOUR_US, 1, 4_000);
        let (p, n) = slots.probabilities(0, &[0.9, 0.1]);
        assert!(p[1] > 0.9 && (p[0] + p[1] - 1.0).abs() < 1e-12 && n == 4_500.0);
        let (other_day, _) = slots.probabilities(24, &[0.9, 0.1]);
        assert!((other_day[1] - 0.9).abs() < 0.1, "{other_day:?}");
        let (other_hour, _) = slots.probabilities(5, &[0.9, 0.1]);
        assert_eq!(other_hour, vec![0.9, 0.1]);
    }
}
