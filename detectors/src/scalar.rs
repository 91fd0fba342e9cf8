//! Pane scalars: volume, means, quantiles, ratios and distinct counts as time series.
//!
//! Per-request values hardly autocorrelate; these do, and they have seasons. A value goes through a
//! transform (log, or arcsine for shares), a profile (hour of day, day of week, hour of week, each
//! shrunk to the one before), a slow level (clipped EWMA) and an autoregression; what is left is
//! ranked among the residuals of the learning time and judged like any other number. All of the
//! learning time makes the profile; what else is learned follows in the order of time, of residuals
//! from the profile so far: half is for the profile alone, a sixth for the autoregression, a third
//! for the residuals' distribution.
//!
//! The guarantee of a scalar's series holds as far as its residuals are exchangeable.

use serde::{Deserialize, Serialize};

use crate::baseline::{Baseline, Zone};
use crate::encoder::{Encoder, NumberEncoder};
use crate::lane::fixed_lanes;
use crate::sketch::Sketch;
use crate::slots::{SLOTS, slot_of};
use crate::temper::Tempering;

/// Order of the autoregression.
pub(crate) const ORDER: usize = 3;
/// Weight of the whole in an hour of the day or a day of the week, in values: a season is the rule,
/// and what the profile leaves of it would pass for persistence and hide a change.
const PRIOR_SEASON: f64 = 3.0;
/// Weight of both in an hour of the week, which is seen once a week.
const PRIOR_HOUR: f64 = 20.0;
/// Half-life of the slow level.
const HALF_LIFE_US: f64 = 24.0 * 3.6e9;
/// Level and autoregression follow no value further than this many mean deviations: an outage is
/// not how a series goes on.
const CLIP: f64 = 3.0;
/// Most that the autoregression's coefficients may sum to. What they explain of a shift that stays
/// is their sum: near 1, nothing is left to see.
const PERSISTENCE_MAX: f64 = 0.9;
const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;
/// Fewest values of the last part: what residuals are ranked among.
const RESIDUALS_MIN: u32 = 100;
const LAGS_MIN: u32 = 60;
const PROFILE_MIN: u32 = 24;

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
    from_us: Option<i64>,
    last_us: Option<i64>,
    values: u32,
    stage: Stage,
    /// Sums and numbers of values for each hour of the week.
    slots: Vec<(f64, u32)>,
    weekly: bool,
    daily: bool,
    level: f64,
    deviation: f64,
    /// The last deviations from profile and level, the newest first.
    recent: Vec<f64>,
    /// Sums of products at lags 0..=ORDER, and how many.
    products: [f64; ORDER + 1],
    coefficients: Vec<f64>,
    residuals: Sketch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Serialize, Deserialize)]
enum Stage {
    Profile,
    Lags,
    Residuals,
    Ready,
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
        Self {
            transform,
            learn_us: learn_us.max(1),
            from_us: None,
            last_us: None,
            values: 0,
            stage: Stage::Profile,
            slots: vec![(0.0, 0); SLOTS],
            weekly: false,
            daily: false,
            level: 0.0,
            deviation: 0.0,
            recent: Vec::new(),
            products: [0.0; ORDER + 1],
            coefficients: Vec::new(),
            residuals: Sketch::new(512),
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
        let from = *self.from_us.get_or_insert(time_us);
        let age = time_us - from;
        if self.last_us.is_some_and(|last| time_us - last != every_us) {
            self.recent.clear();
        }
        self.last_us = Some(time_us);
        self.values += 1;
        if self.stage == Stage::Profile {
            self.learn_profile(time_us, value);
            if age >= self.learn_us / 2 && self.values >= PROFILE_MIN {
                self.next(Stage::Lags);
            }
            return Reading::Learning;
        }
        let off = value - self.profile(time_us) - self.level;
        if self.deviation == 0.0 {
            self.deviation = off.abs();
        }
        let clip = CLIP * self.deviation;
        let held = off.clamp(-clip, clip);
        let reading = self.read(off, held, age);
        if self.stage != Stage::Ready {
            self.learn_profile(time_us, value);
        }
        self.deviation += (off.abs() - self.deviation) / f64::from(self.values.clamp(20, 500));
        if !hold {
            let weight = 1.0 - libm::exp2(-(every_us as f64) / HALF_LIFE_US);
            self.level += weight * held;
        }
        self.recent.insert(0, held);
        self.recent.truncate(ORDER);
        reading
    }

    /// All of the learning time makes the profile; each residual is of the profile before its
    /// value.
    fn learn_profile(&mut self, time_us: i64, value: f64) {
        let age = time_us - self.from_us.unwrap_or(time_us);
        self.daily = age >= DAY_US;
        self.weekly = age >= 7 * DAY_US;
        let (sum, n) = &mut self.slots[slot_of(time_us)];
        *sum += value;
        *n += 1;
    }

    fn read(&mut self, off: f64, held: f64, age: i64) -> Reading {
        match self.stage {
            Stage::Lags => {
                if self.recent.len() == ORDER {
                    self.products[0] += held * held;
                    self.recent
                        .iter()
                        .zip(&mut self.products[1..])
                        .for_each(|(x, sum)| *sum += held * x);
                }
                if age >= self.learn_us / 3 * 2 && self.values >= LAGS_MIN {
                    self.coefficients = yule_walker(&self.products);
                    let persistence: f64 = self.coefficients.iter().sum();
                    if persistence > PERSISTENCE_MAX {
                        let scale = PERSISTENCE_MAX / persistence;
                        self.coefficients.iter_mut().for_each(|c| *c *= scale);
                    }
                    self.next(Stage::Residuals);
                }
                Reading::Learning
            }
            Stage::Residuals => {
                let residual = self.residual(off);
                self.residuals.extend(&mut [residual]);
                if age >= self.learn_us && self.values >= RESIDUALS_MIN {
                    self.next(Stage::Ready);
                    let learned = std::mem::replace(&mut self.residuals, Sketch::new(2));
                    return Reading::Learned(learned);
                }
                Reading::Learning
            }
            _ => Reading::Residual(self.residual(off)),
        }
    }

    fn next(&mut self, stage: Stage) {
        self.stage = stage;
        self.values = 0;
    }

    fn residual(&self, off: f64) -> f64 {
        // After a gap there is less memory: the coefficients of what is there.
        off - self.coefficients.iter().zip(&self.recent).map(|(c, x)| c * x).sum::<f64>()
    }

    /// The expected value of an instant: hourly means, shrunk, joined by straight lines.
    fn profile(&self, time_us: i64) -> f64 {
        let (sum, n) = self.slots.iter().fold((0.0, 0u32), |s, slot| (s.0 + slot.0, s.1 + slot.1));
        let whole = sum / f64::from(n.max(1));
        if !self.daily {
            return whole;
        }
        let middle = time_us - HOUR_US / 2;
        let part = middle.rem_euclid(HOUR_US) as f64 / HOUR_US as f64;
        let (before, after) = (slot_of(middle), slot_of(middle + HOUR_US));
        (1.0 - part) * self.slot(before, whole) + part * self.slot(after, whole)
    }

    /// Expected value of an hour of the week: that of the hour of the day, plus what the day of the
    /// week adds to all its hours, plus what is the hour's own; each shrunk, as far as there are
    /// values.
    fn slot(&self, slot: usize, whole: f64) -> f64 {
        let hour_of_day = |hour: usize| {
            let days = (0..7).map(|day| self.slots[day * 24 + hour]);
            let (sum, n) = days.fold((0.0, 0), |s, slot| (s.0 + slot.0, s.1 + slot.1));
            whole + shrunk(sum - f64::from(n) * whole, n, PRIOR_SEASON)
        };
        let usual = hour_of_day(slot % 24);
        if !self.weekly {
            return usual;
        }
        let first = slot - slot % 24;
        let (off, values) = (0..24).fold((0.0, 0), |(off, values), hour| {
            let (sum, n) = self.slots[first + hour];
            (off + sum - f64::from(n) * hour_of_day(hour), values + n)
        });
        let of_day = usual + shrunk(off, values, PRIOR_SEASON);
        let (sum, n) = self.slots[slot];
        of_day + shrunk(sum - f64::from(n) * of_day, n, PRIOR_HOUR)
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

/// A mean deviation of `n` values, drawn towards none with the weight of `prior` values.
fn shrunk(sum: f64, n: u32, prior: f64) -> f64 {
    sum / (f64::from(n) + prior)
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
}
