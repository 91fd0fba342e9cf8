//! What the hour of the day and the hour of the week add to a level, learned as values come.

use serde::{Deserialize, Serialize};

use crate::math::week::{DAY_US, HOUR_US, HOURS_PER_WEEK, hour_of_week};

/// Weight of a day's values beside those of the next day, in the same hour; likewise of a week's.
const KEPT: f64 = 0.95;
/// Weight of none in an hour of the day, in values ...
const PRIOR_HOUR: f64 = 3.0;
/// ... and in what an hour of the week adds to it.
const PRIOR_WEEK: f64 = 8.0;
/// History that a daily and a weekly profile need.
const DAILY_US: i64 = 2 * DAY_US;
const WEEKLY_US: i64 = 14 * DAY_US;

/// A fading profile over the week.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Season {
    from_us: Option<i64>,
    last_slot: usize,
    /// By hour of the day: sum and number of deviations.
    hours: Vec<(f64, f64)>,
    /// By hour of the week: of what the hour of the day leaves.
    week: Vec<(f64, f64)>,
}

impl Season {
    pub(super) fn new() -> Self {
        Self {
            from_us: None,
            last_slot: HOURS_PER_WEEK,
            hours: vec![(0.0, 0.0); 24],
            week: vec![(0.0, 0.0); HOURS_PER_WEEK],
        }
    }

    /// The expected deviation from the level at an instant; none before there are two days.
    pub(super) fn expected(&self, time_us: i64) -> Option<f64> {
        let age = time_us.saturating_sub(self.from_us?);
        if age <= DAILY_US {
            return None;
        }
        let weekly = || mean(self.week[hour_of_week(time_us)], PRIOR_WEEK);
        Some(self.daily(time_us) + if age > WEEKLY_US { weekly() } else { 0.0 })
    }

    /// Takes the deviation from the level of an instant.
    pub(super) fn add(&mut self, time_us: i64, deviation: f64) {
        let age = time_us.saturating_sub(*self.from_us.get_or_insert(time_us));
        let slot = hour_of_week(time_us);
        let is_new = slot != self.last_slot;
        self.last_slot = slot;
        let left = deviation - self.daily(time_us);
        put(&mut self.hours[slot % 24], deviation, is_new);
        if age > DAILY_US {
            put(&mut self.week[slot], left, is_new);
        }
    }

    /// Hourly means joined by straight lines from middle to middle.
    fn daily(&self, time_us: i64) -> f64 {
        let middle = time_us.saturating_sub(HOUR_US / 2);
        let part = middle.rem_euclid(HOUR_US) as f64 / HOUR_US as f64;
        let hour = |time_us: i64| mean(self.hours[hour_of_week(time_us) % 24], PRIOR_HOUR);
        (1.0 - part) * hour(middle) + part * hour(middle.saturating_add(HOUR_US))
    }
}

fn mean((sum, n): (f64, f64), prior: f64) -> f64 {
    sum / (n + prior)
}

fn put((sum, n): &mut (f64, f64), value: f64, is_new: bool) {
    if is_new {
        (*sum, *n) = (*sum * KEPT, *n * KEPT);
    }
    (*sum, *n) = (*sum + value, *n + 1.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_known_after_two_and_weekends_after_two_weeks() {
        let mut season = Season::new();
        // Monday 1970-01-05; ten-minute spans; Sundays are quiet.
        let time = |span: i64| 4 * DAY_US + span * HOUR_US / 6;
        let value = |span: i64| {
            let (hour, day) = (span / 6 % 24, span / 144 % 7);
            if day == 6 {
                -3.0
            } else if hour < 12 {
                -1.0
            } else {
                1.0
            }
        };
        for span in 0..28 * 144 {
            if span == 144 {
                assert_eq!(season.expected(time(span)), None);
            }
            if span == 5 * 144 + 6 * 6 {
                let morning = season.expected(time(span)).expect("five days are over");
                assert!((morning + 1.0).abs() < 0.2, "{morning}");
            }
            season.add(time(span), value(span));
        }
        let noon = |day: i64| season.expected(time((28 + day) * 144 + 15 * 6));
        let noon = |day: i64| noon(day).expect("four weeks are over");
        assert!((noon(0) - 1.0).abs() < 0.5 && noon(6) < -1.5, "{} {}", noon(0), noon(6));
    }
}
