//! The profile of a pane scalar: what is usual at each hour of the week.
//!
//! The expected value of an hour of the week is that of the hour of the day, plus what the day of the week
//! adds to all its hours, plus what is the hour's own; each is shrunk towards none as far as there are few
//! values.

use serde::{Deserialize, Serialize};

use crate::math::week::{DAY_US, HOUR_US, HOURS_PER_WEEK, hour_of_week};

/// Weight of the whole in an hour of the day or a day of the week, in values: a season is the rule, and
/// what the profile leaves of it would pass for persistence and hide a change.
const PRIOR_SEASON: f64 = 3.0;
/// Weight of both in an hour of the week, which is seen once a week.
const PRIOR_HOUR: f64 = 20.0;

/// Values by hour of the week.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Profile {
    /// Sums of values, and how many.
    slots: Vec<(f64, u32)>,
    /// The first and the last instant.
    seen_us: Option<(i64, i64)>,
}

/// The expected value of each hour of the week.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ExpectedByHour {
    hours: Vec<f64>,
    /// There is a season: else all hours are alike.
    is_daily: bool,
}

impl Profile {
    pub(super) fn new() -> Self {
        Self { slots: vec![(0.0, 0); HOURS_PER_WEEK], seen_us: None }
    }

    pub(super) fn add(&mut self, time_us: i64, value: f64) {
        let (from, _) = self.seen_us.unwrap_or((time_us, time_us));
        self.seen_us = Some((from, time_us));
        let (sum, n) = &mut self.slots[hour_of_week(time_us)];
        *sum += value;
        *n += 1;
    }

    /// Time from the first value to the last, microseconds.
    pub(super) fn age_us(&self) -> i64 {
        self.seen_us.map_or(0, |(from, to)| to - from)
    }

    /// The same without some values.
    pub(super) fn without(&self, values: impl Iterator<Item = (i64, f64)>) -> Self {
        let mut left = self.clone();
        for (time_us, value) in values {
            let (sum, n) = &mut left.slots[hour_of_week(time_us)];
            (*sum, *n) = (*sum - value, n.saturating_sub(1));
        }
        left
    }

    /// The expected value of each hour.
    pub(super) fn hours(&self) -> ExpectedByHour {
        let (sum, n) = self.slots.iter().fold((0.0, 0), add);
        let whole = sum / f64::from(n.max(1));
        let mut hours = vec![whole; HOURS_PER_WEEK];
        let is_daily = self.age_us() >= DAY_US;
        if is_daily {
            let of_day: [f64; 24] = std::array::from_fn(|hour| {
                let days = self.slots.iter().skip(hour).step_by(24);
                let (sum, n) = days.fold((0.0, 0), add);
                whole + shrunk(sum - f64::from(n) * whole, n, PRIOR_SEASON)
            });
            let is_weekly = self.age_us() >= 7 * DAY_US;
            for (day, slots) in hours.chunks_mut(24).zip(self.slots.chunks(24)) {
                day.copy_from_slice(&of_day);
                if is_weekly {
                    let off =
                        |(slot, usual): (&(f64, u32), &f64)| slot.0 - f64::from(slot.1) * usual;
                    let sum = slots.iter().zip(&of_day).map(off).sum();
                    let (_, n) = slots.iter().fold((0.0, 0), add);
                    let more = shrunk(sum, n, PRIOR_SEASON);
                    for (hour, (sum, n)) in day.iter_mut().zip(slots) {
                        *hour += more;
                        *hour += shrunk(sum - f64::from(*n) * *hour, *n, PRIOR_HOUR);
                    }
                }
            }
        }
        ExpectedByHour { hours, is_daily }
    }
}

impl ExpectedByHour {
    /// The expected value of a span: hours, each at its middle, joined by straight lines. Longer ones
    /// are filed under the hour in which they begin.
    pub(super) fn at(&self, from_us: i64, every_us: i64) -> f64 {
        if every_us > HOUR_US {
            return self.hours[hour_of_week(from_us)];
        }
        let middle = from_us + every_us / 2 - HOUR_US / 2;
        let before = self.hours[hour_of_week(middle)];
        if !self.is_daily {
            return before;
        }
        let part = middle.rem_euclid(HOUR_US) as f64 / HOUR_US as f64;
        (1.0 - part) * before + part * self.hours[hour_of_week(middle + HOUR_US)]
    }
}

fn add(all: (f64, u32), slot: &(f64, u32)) -> (f64, u32) {
    (all.0 + slot.0, all.1 + slot.1)
}

/// A mean deviation of `n` values, shrunk to 0 with the weight of `prior` values.
fn shrunk(sum: f64, n: u32, prior: f64) -> f64 {
    sum / (f64::from(n) + prior)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(days: i64, value: impl Fn(i64) -> f64) -> Profile {
        let mut profile = Profile::new();
        for at in 0..days * 144 {
            profile.add(at * DAY_US / 144, value(at));
        }
        profile
    }

    #[test]
    fn a_season_is_followed_and_what_is_short_has_none() {
        let season = |at: i64| (at as f64 / 144.0 * std::f64::consts::TAU).sin();
        let hours = of(14, season).hours();
        for at in 0..1_000 {
            let error = hours.at(at * DAY_US / 144, DAY_US / 144) - season(at);
            assert!(error.abs() < 0.05, "{at}: {error}");
        }
        let first = of(1, season);
        assert!(first.age_us() < DAY_US);
        let flat = first.hours();
        assert!((0..144).all(|at| flat.at(at * DAY_US / 144, DAY_US / 144).abs() < 1e-9));
    }

    /// What is expected of a span is what its like were, whatever their length.
    #[test]
    fn spans_of_any_length_are_expected_to_be_as_their_like_were() {
        for every_us in [HOUR_US / 6, HOUR_US, 2 * HOUR_US, 6 * HOUR_US] {
            let middle = |at: i64| (at * every_us + every_us / 2) as f64 / DAY_US as f64;
            let season = |at: i64| (middle(at) * std::f64::consts::TAU).cos();
            let mut profile = Profile::new();
            (0..56 * DAY_US / every_us).for_each(|at| profile.add(at * every_us, season(at)));
            let hours = profile.hours();
            for at in 0..DAY_US / every_us {
                let error = hours.at(at * every_us, every_us) - season(at);
                assert!(error.abs() < 0.1, "{every_us}, {at}: {error}");
            }
        }
    }

    /// Weekends are lower; what a day says of itself is gone with it.
    #[test]
    fn days_of_the_week_differ_and_one_can_be_left_out() {
        let weekend = |at: i64| if [2, 3].contains(&(at / 144 % 7)) { -1.0 } else { 0.0 };
        let profile = of(21, weekend);
        let noon = |day: i64| day * DAY_US + DAY_US / 2;
        let at = |hours: &ExpectedByHour, day: i64| hours.at(noon(day), DAY_US / 144);
        let hours = profile.hours();
        assert!((at(&hours, 2) + 1.0).abs() < 0.05 && at(&hours, 5).abs() < 0.05);
        let odd = |at: i64| if at / 144 == 16 { 5.0 } else { weekend(at) };
        let day = (16 * 144..17 * 144).map(|at| (at * DAY_US / 144, odd(at)));
        let left = of(21, odd).without(day).hours();
        assert!((at(&left, 2) + 1.0).abs() < 0.05, "{}", at(&left, 2));
        assert!(at(&of(21, odd).hours(), 2) > 0.5);
    }
}
