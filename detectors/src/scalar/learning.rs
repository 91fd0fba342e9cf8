//! Learning of a scalar: all of the learning time makes the profile.
//!
//! At its end the last [`KEPT`] values are gone through twice: for the autoregression, and for the
//! residuals. Each of them is judged by the profile of all other days, as those to come will be: what a day
//! says of itself would make residuals smaller than they are.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::forecaster::{Forecaster, deviation};
use super::profile::Profile;
use crate::encoder::Sketch;
use crate::math::autoregression::{ORDER, yule_walker};
use crate::math::week::DAY_US;

/// Most that the autoregression's coefficients may sum to. What they explain of a shift that stays
/// is their sum: near 1, nothing is left to see.
const PERSISTENCE_MAX: f64 = 0.9;
/// Fewest values that are learned from ...
pub(super) const VALUES_MIN: usize = 232;
/// ... and most that are kept, in windows with any value or none: 16 KiB while a series learns.
const KEPT: usize = 4096;

/// Cells of the residuals' distribution.
const RESIDUAL_CELLS: usize = 512;

/// The result of learning.
#[derive(Debug)]
pub(super) struct Learned {
    /// What follows the series from now on.
    pub(super) forecaster: Forecaster,
    /// The distribution of the residuals of the values that were kept.
    pub(super) residuals: Sketch,
}

/// The values that are learned from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Learning {
    pub(super) profile: Profile,
    /// The last values, one for each span up to the last; NaN where there is none.
    kept: VecDeque<f32>,
    pub(super) values: usize,
}

impl Learning {
    pub(super) fn new() -> Self {
        Self { profile: Profile::new(), kept: VecDeque::new(), values: 0 }
    }

    pub(super) fn add(&mut self, time_us: i64, value: f64, after_us: i64, every_us: i64) {
        self.profile.add(time_us, value);
        // A span without a value, or several.
        let missing = match after_us == every_us {
            true => 0,
            false => ((after_us - every_us / 2).max(0) / every_us).clamp(1, KEPT as i64),
        };
        for value in (0..missing).map(|_| f32::NAN).chain([value as f32]) {
            if self.kept.len() == KEPT {
                self.kept.pop_front();
            }
            self.kept.push_back(value);
        }
        self.values += 1;
    }

    /// Ends learning with the value of `last_us`.
    pub(super) fn end(&self, last_us: i64, every_us: i64) -> Learned {
        let deviations = self.deviations(last_us, every_us);
        let mut forecaster = first_pass(&deviations, every_us);
        let mut residuals = Vec::new();
        for deviation in deviations {
            match deviation {
                Some(of) => residuals.push(forecaster.observe(of, every_us, false).residual),
                None => forecaster.recent.clear(),
            }
        }
        let mut sketch = Sketch::new(RESIDUAL_CELLS);
        sketch.extend(&mut residuals);
        Learned { forecaster, residuals: sketch }
    }

    /// The kept values' deviations from the profile of all other days; of all, where there are no others.
    fn deviations(&self, last_us: i64, every_us: i64) -> Vec<Option<f64>> {
        let count = self.kept.len() as i64;
        let time_of = |at: usize| last_us - (count - 1 - at as i64) * every_us;
        let values: Vec<(i64, f64)> =
            self.kept.iter().enumerate().map(|(at, v)| (time_of(at), f64::from(*v))).collect();
        let has_others = self.profile.age_us() >= 2 * DAY_US;
        let mut deviations = Vec::with_capacity(values.len());
        for day in values.chunk_by(|a, b| a.0.div_euclid(DAY_US) == b.0.div_euclid(DAY_US)) {
            let own = day.iter().copied().filter(|(_, value)| has_others && value.is_finite());
            let hours = self.profile.without(own).hours();
            let deviation = |(time, value): &(i64, f64)| {
                value.is_finite().then(|| deviation(*value, hours.at(*time, every_us)))
            };
            deviations.extend(day.iter().map(deviation));
        }
        deviations
    }
}

/// Level and autoregression of deviations, by following them once.
fn first_pass(deviations: &[Option<f64>], every_us: i64) -> Forecaster {
    let mut products = [0.0; ORDER + 1];
    let mut first = Forecaster::default();
    for deviation in deviations {
        let Some(deviation) = deviation else {
            first.recent.clear();
            continue;
        };
        let before = first.recent.clone();
        let followed = first.observe(*deviation, every_us, false).followed;
        if before.len() == ORDER {
            products[0] += followed * followed;
            before.iter().zip(&mut products[1..]).for_each(|(x, sum)| *sum += followed * x);
        }
    }
    let mut coefficients = yule_walker(&products);
    let persistence: f64 = coefficients.iter().sum();
    if persistence > PERSISTENCE_MAX {
        coefficients.iter_mut().for_each(|c| *c *= PERSISTENCE_MAX / persistence);
    }
    Forecaster { coefficients, level: 0.0, recent: Vec::new(), ..first }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::noise::normal as noise;

    /// Days differ by chance: deviations that are learned are as large as those to come, and a little
    /// larger, since all but one of so few days tell less than all.
    #[test]
    fn deviations_that_are_learned_are_no_smaller_than_those_to_come() {
        let (every, days) = (600_000_000, 12);
        let square = |of: &[f64]| of.iter().map(|x| x * x).sum::<f64>() / of.len() as f64;
        let (mut seen, mut own, mut to_come) = (0.0, 0.0, 0.0);
        for series in 0..60u64 {
            let value = |at: i64| {
                let day = series * 1_000 + (at / 144) as u64;
                noise(day) + 0.3 * noise(1 << 40 | series << 20 | at as u64)
            };
            let mut learning = Learning::new();
            (0..days * 144).for_each(|at| learning.add(at * every, value(at), every, every));
            let last = (days * 144 - 1) * every;
            let deviations: Vec<f64> =
                learning.deviations(last, every).into_iter().flatten().collect();
            let hours = learning.profile.hours();
            let off = |at: i64| value(at) - hours.at(at * every, every);
            seen += square(&deviations);
            own += square(&(0..days * 144).map(off).collect::<Vec<_>>());
            to_come += square(&(days * 144..3 * days * 144).map(off).collect::<Vec<_>>());
        }
        assert!((1.0..1.3).contains(&(seen / to_come)), "{seen}, not {to_come}");
        assert!(own < 0.4 * to_come, "the control: what a day says of itself is in it: {own}");
    }

    #[test]
    fn gaps_are_kept_as_gaps_and_what_is_kept_is_bounded() {
        let mut learning = Learning::new();
        let every = 60;
        for at in [0, 1, 2, 5, 6] {
            learning.add(at * every, 1.0, if at == 5 { 3 * every } else { every }, every);
        }
        let offs = learning.deviations(6 * every, every);
        let is_told: Vec<bool> = offs.iter().map(Option::is_some).collect();
        assert_eq!(is_told, [true, true, true, false, false, true, true]);
        learning.add(1_000_000 * every, 1.0, 999_994 * every, every);
        (0..5000).for_each(|at| learning.add((1_000_001 + at) * every, 1.0, every, every));
        assert_eq!((learning.kept.len(), learning.kept.capacity()), (KEPT, KEPT));
    }
}
