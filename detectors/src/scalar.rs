//! Pane scalars: volume, means, quantiles, ratios and distinct counts as time series.
//!
//! Per-request values hardly autocorrelate; these do, and they have seasons. A value goes through a
//! transform (log, or arcsine for shares), a profile (hour of day, day of week, hour of week), a slow
//! level (clipped EWMA) and an autoregression; what is left is ranked among the residuals of the learning
//! time and judged like any other number.
//!
//! All of the learning time makes the profile. At its end the last [`KEPT`] values are gone through twice:
//! for the autoregression, and for the residuals. Each of them is judged by the profile of all other days,
//! as those to come will be: what a day says of itself would make residuals smaller than they are.
//!
//! The guarantee of a scalar's series holds as far as its residuals are exchangeable.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::baseline::{Baseline, Zone};
use crate::encoder::{Encoder, NumberEncoder};
use crate::lane::fixed_lanes;
use crate::profile::{DAY_US, Hours, Profile};
use crate::sketch::Sketch;
use crate::temper::Tempering;

/// Order of the autoregression.
pub(crate) const ORDER: usize = 3;
/// Half-life of the slow level.
const HALF_LIFE_US: f64 = 24.0 * 3.6e9;
/// Level and autoregression follow no value further than this many mean deviations: an outage is
/// not how a series goes on.
const CLIP: f64 = 4.0;
/// Most that the autoregression's coefficients may sum to. What they explain of a shift that stays
/// is their sum: near 1, nothing is left to see.
const PERSISTENCE_MAX: f64 = 0.9;
/// Fewest values that are learned from ...
const VALUES_MIN: usize = 232;
/// ... and most that are kept, in windows with any value or none: 16 KiB while a series learns.
const KEPT: usize = 4096;

/// Relative differences below this are rounding.
const ROUNDING: f64 = 1e-6;

/// What is taken of a value before anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Transform {
    /// `ln(1 + x)`, mirrored for negative numbers: counts, means, quantiles.
    Log,
    /// `asin(sqrt(x))`, for shares (Anscombe 1948).
    Share,
}

/// The model of one scalar series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scalar {
    transform: Transform,
    learn_us: i64,
    last_us: Option<i64>,
    stage: Stage,
    follower: Follower,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Stage {
    Learning(Box<Learning>),
    Ready(Hours),
}

/// What is learned from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Learning {
    profile: Profile,
    /// The last values, one for each span up to the last; NaN where there is none.
    kept: VecDeque<f32>,
    values: usize,
}

/// Level and autoregression, as they follow the deviations from a profile.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Follower {
    values: u32,
    level: f64,
    deviation: f64,
    /// The last deviations from profile and level, the newest first.
    recent: Vec<f64>,
    coefficients: Vec<f64>,
}

/// What a value told.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// Still learning.
    Learning,
    /// Learning ended with this value: the residuals' distribution.
    Learned(Sketch),
    /// The residual of the value.
    Residual(f64),
}

impl Scalar {
    /// A model that learns for `learn_us` of event time before it says anything.
    pub fn new(transform: Transform, learn_us: i64) -> Self {
        let learning = Learning { profile: Profile::new(), kept: VecDeque::new(), values: 0 };
        Self {
            transform,
            learn_us: learn_us.max(1),
            last_us: None,
            stage: Stage::Learning(Box::new(learning)),
            follower: Follower::default(),
        }
    }

    /// Takes the value of the span that begins at `time_us`. `every_us`: length of a span; a gap
    /// forgets the autoregression's memory. `hold`: leave the level where it is (while an alert is
    /// on).
    pub fn observe(&mut self, time_us: i64, every_us: i64, value: f64, hold: bool) -> Reading {
        if !value.is_finite() {
            return Reading::Learning;
        }
        let value = match self.transform {
            Transform::Log => libm::copysign(libm::log1p(value.abs()), value),
            Transform::Share => libm::asin(libm::sqrt(value.clamp(0.0, 1.0))),
        };
        // As it is kept, so that what is learned of it is what is judged.
        let value = f64::from(value as f32);
        let every_us = every_us.max(1);
        let after_us = self.last_us.replace(time_us).map_or(every_us, |last| time_us - last);
        match &mut self.stage {
            Stage::Learning(learning) => {
                learning.add(time_us, value, after_us, every_us);
                if learning.profile.age_us() < self.learn_us || learning.values < VALUES_MIN {
                    return Reading::Learning;
                }
                let (follower, residuals) = learning.end(time_us, every_us);
                self.follower = follower;
                self.stage = Stage::Ready(learning.profile.hours());
                Reading::Learned(residuals)
            }
            Stage::Ready(hours) => {
                if after_us != every_us {
                    self.follower.recent.clear();
                }
                let off = off(value, hours.at(time_us, every_us));
                Reading::Residual(self.follower.take(off, every_us, hold).0)
            }
        }
    }
}

impl Learning {
    fn add(&mut self, time_us: i64, value: f64, after_us: i64, every_us: i64) {
        self.profile.add(time_us, value);
        // A span that was not told of, or several.
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

    /// What follows the deviations from now on, and the residuals of the values that were kept, of which
    /// the last is of `last_us`.
    fn end(&self, last_us: i64, every_us: i64) -> (Follower, Sketch) {
        let offs = self.deviations(last_us, every_us);
        let mut products = [0.0; ORDER + 1];
        let mut first = Follower::default();
        for off in &offs {
            let Some(off) = off else {
                first.recent.clear();
                continue;
            };
            let before = first.recent.clone();
            let (_, held) = first.take(*off, every_us, false);
            if before.len() == ORDER {
                products[0] += held * held;
                before.iter().zip(&mut products[1..]).for_each(|(x, sum)| *sum += held * x);
            }
        }
        let mut coefficients = yule_walker(&products);
        let persistence: f64 = coefficients.iter().sum();
        if persistence > PERSISTENCE_MAX {
            coefficients.iter_mut().for_each(|c| *c *= PERSISTENCE_MAX / persistence);
        }
        let mut follower = Follower { deviation: first.deviation, coefficients, ..first };
        (follower.level, follower.recent) = (0.0, Vec::new());
        let mut residuals = Vec::new();
        for off in offs {
            match off {
                Some(off) => residuals.push(follower.take(off, every_us, false).0),
                None => follower.recent.clear(),
            }
        }
        let mut sketch = Sketch::new(512);
        sketch.extend(&mut residuals);
        (follower, sketch)
    }

    /// The kept values' deviations from the profile of all other days; of all, where there are no others.
    fn deviations(&self, last_us: i64, every_us: i64) -> Vec<Option<f64>> {
        let count = self.kept.len() as i64;
        let time_of = |at: usize| last_us - (count - 1 - at as i64) * every_us;
        let values: Vec<(i64, f64)> =
            self.kept.iter().enumerate().map(|(at, v)| (time_of(at), f64::from(*v))).collect();
        let has_others = self.profile.age_us() >= 2 * DAY_US;
        let mut offs = Vec::with_capacity(values.len());
        for day in values.chunk_by(|a, b| a.0.div_euclid(DAY_US) == b.0.div_euclid(DAY_US)) {
            let told = day.iter().copied().filter(|(_, value)| has_others && value.is_finite());
            let hours = self.profile.without(told).hours();
            let off = |(time, value): &(i64, f64)| {
                value.is_finite().then(|| off(*value, hours.at(*time, every_us)))
            };
            offs.extend(day.iter().map(off));
        }
        offs
    }
}

/// A value's deviation from what is expected; none where that is rounding, as of a constant.
fn off(value: f64, expected: f64) -> f64 {
    let off = value - expected;
    if off.abs() < ROUNDING * value.abs().max(1.0) { 0.0 } else { off }
}

impl Follower {
    /// Takes a deviation from the profile: its residual, and what of it level and autoregression follow.
    fn take(&mut self, off: f64, every_us: i64, hold: bool) -> (f64, f64) {
        let off = off - self.level;
        if self.deviation == 0.0 {
            self.deviation = off.abs();
        }
        let clip = CLIP * self.deviation;
        let held = off.clamp(-clip, clip);
        // After a gap there is less memory: the coefficients of what is there.
        let expected: f64 = self.coefficients.iter().zip(&self.recent).map(|(c, x)| c * x).sum();
        self.values = self.values.saturating_add(1);
        self.deviation += (off.abs() - self.deviation) / f64::from(self.values.clamp(20, 500));
        if !hold {
            self.level += (1.0 - libm::exp2(-(every_us as f64) / HALF_LIFE_US)) * held;
        }
        self.recent.insert(0, held);
        self.recent.truncate(ORDER);
        (off - expected, held)
    }
}

/// The baseline of residuals, each of which is a tick of its own, for a zone.
pub fn residual_baseline(sketch: &Sketch, zone: Zone) -> Baseline {
    let encoder = NumberEncoder::from_sketch(sketch);
    let mut counts = vec![0; encoder.bins() + 4];
    sketch.cells().for_each(|cell| counts[encoder.encode(cell.low)] += cell.count);
    let mut baseline = Baseline::new(Encoder::Number(encoder), counts);
    baseline.tick_events = 1.0;
    baseline.panes = baseline.events() as u32;
    let lanes = fixed_lanes(&baseline, zone).len();
    let tempering = Tempering::of_residuals(lanes, f64::from(baseline.panes));
    (baseline.temper, baseline.dependence) = (tempering.factors, tempering.dependence);
    baseline
}

/// Autoregression coefficients from autocovariances by Levinson and Durbin (Durbin 1960); empty
/// where there is nothing to regress on.
pub(crate) fn yule_walker(products: &[f64; ORDER + 1]) -> Vec<f64> {
    if products[0] <= 0.0 {
        return Vec::new();
    }
    let r: Vec<f64> = products.iter().map(|p| p / products[0]).collect();
    let mut coefficients: Vec<f64> = Vec::new();
    let mut error = 1.0;
    for k in 1..=ORDER {
        let known: f64 = coefficients.iter().enumerate().map(|(i, c)| c * r[k - 1 - i]).sum();
        let reflection = ((r[k] - known) / error).clamp(-0.99, 0.99);
        let previous = coefficients.clone();
        for (i, c) in coefficients.iter_mut().enumerate() {
            *c -= reflection * previous[k - 2 - i];
        }
        coefficients.push(reflection);
        error *= 1.0 - reflection * reflection;
    }
    coefficients
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small generator of its own (SplitMix64), so that the crate needs none.
    fn noise(i: u64) -> f64 {
        let uniform = |x: u64| {
            let mut z = x.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ z >> 31) as f64 + 1.0) / (u64::MAX as f64 + 2.0)
        };
        crate::special::normal_quantile(uniform(i + 1))
    }

    #[test]
    fn levinson_recovers_an_autoregression() {
        let c = yule_walker(&[1.0, 0.6, 0.36, 0.216]);
        assert!((c[0] - 0.6).abs() < 1e-12 && c[1].abs() < 1e-12 && c[2].abs() < 1e-12);
    }

    #[test]
    fn a_seasonal_autocorrelated_series_leaves_white_residuals_and_a_halving_shows() {
        let minute = 60_000_000;
        let mut scalar = Scalar::new(Transform::Log, 4 * DAY_US);
        let (mut state, mut learned, mut residuals) = (0.0, None, Vec::new());
        for i in 0..8 * 1440i64 {
            state = 0.7 * state + 0.05 * noise(i as u64);
            let hour = i as f64 / 60.0 * std::f64::consts::TAU / 24.0;
            let halved = if i >= 7 * 1440 { 0.5 } else { 1.0 };
            let volume = halved * 1000.0 * (0.5 * hour.sin() + state).exp();
            match scalar.observe(i * minute, minute, volume, false) {
                Reading::Learned(sketch) => learned = Some(sketch),
                Reading::Residual(r) => residuals.push((i, r)),
                Reading::Learning => {}
            }
        }
        let learned = learned.expect("four days are over");
        assert!(learned.len() > 1000);
        let before: Vec<f64> =
            residuals.iter().filter(|(i, _)| *i < 7 * 1440).map(|(_, r)| *r).collect();
        let variance = before.iter().map(|r| r * r).sum::<f64>() / before.len() as f64;
        let lag: f64 = before.windows(2).map(|w| w[0] * w[1]).sum::<f64>() / before.len() as f64;
        assert!((lag / variance).abs() < 0.1, "{}", lag / variance);
        assert!(variance.sqrt() < 0.06, "{}", variance.sqrt());
        let after = residuals.iter().find(|(i, _)| *i == 7 * 1440).map_or(0.0, |(_, r)| *r);
        assert!(after < -0.5);
    }

    /// Days differ by chance: deviations that are learned are as large as those to come, and a little larger,
    /// since all but one of so few days tell less than all.
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
            let mut learning =
                Learning { profile: Profile::new(), kept: VecDeque::new(), values: 0 };
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

    /// Of a whole number, and of one that no binary fraction is.
    #[test]
    fn a_constant_leaves_nothing() {
        for constant in [1_024.0, 30.0, 0.1] {
            let (every, mut learned) = (60_000_000, None);
            let mut scalar = Scalar::new(Transform::Log, 8 * DAY_US);
            for at in 0..12 * 1440 {
                match scalar.observe(at * every, every, constant, false) {
                    Reading::Learned(sketch) => learned = Some(sketch),
                    Reading::Residual(residual) => assert_eq!(residual, 0.0),
                    Reading::Learning => {}
                }
            }
            let learned = learned.expect("eight days are over");
            assert!(learned.cells().all(|cell| cell.low == 0.0), "{learned:?}");
        }
    }

    #[test]
    fn gaps_are_kept_as_gaps_and_what_is_kept_is_bounded() {
        let mut learning = Learning { profile: Profile::new(), kept: VecDeque::new(), values: 0 };
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
