//! Pane scalars: volume, means, quantiles, ratios and distinct counts as time series.
//!
//! Per-request values hardly autocorrelate; these do, and they have seasons. A value goes through a
//! transform (log, or arcsine for shares), a profile (hour of day, day of week, hour of week), a slow
//! level (clipped EWMA) and an autoregression; what is left is ranked among the residuals of the learning
//! time and judged like any other number.
//!
//! The guarantee of a scalar's series holds as far as its residuals are exchangeable.

pub mod distinct;
mod forecaster;
mod learning;
mod profile;
mod residual;

pub use distinct::Distinct;
pub use residual::residual_baseline;

use serde::{Deserialize, Serialize};

use crate::encoder::Sketch;
use forecaster::{Forecaster, deviation};
use learning::{Learned, Learning, VALUES_MIN};
use profile::ExpectedByHour;

/// The transform of a value before anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Transform {
    /// `ln(1 + x)`, mirrored for negative numbers: counts, means, quantiles.
    Log,
    /// `asin(sqrt(x))`, for shares (Anscombe 1948).
    Share,
}

/// The model of one scalar series.
/// ```
/// use driftline_detectors::baseline::Zone;
/// use driftline_detectors::scalar::{Scalar, ScalarOutput, Transform, residual_baseline};
///
/// const MINUTE_US: i64 = 60_000_000;
/// let mut requests = Scalar::new(Transform::Log, 24 * 60 * MINUTE_US);
/// let mut baseline = None;
/// for minute in 0..2 * 24 * 60 {
///     // Between 95 and 105 requests a minute; the last minute has half.
///     let value = if minute == 2_879 { 50.0 } else { 95.0 + (minute * 7 % 11) as f64 };
///     match requests.observe(minute * MINUTE_US, MINUTE_US, value, false) {
///         ScalarOutput::Learning => {}
///         ScalarOutput::Learned(residuals) => {
///             baseline = Some(residual_baseline(&residuals, Zone::default()));
///         }
///         ScalarOutput::Residual(residual) => assert_eq!(residual < -0.4, minute == 2_879),
///     }
/// }
/// assert!(baseline.is_some_and(|baseline| baseline.events() > 1_000));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scalar {
    transform: Transform,
    learn_us: i64,
    last_us: Option<i64>,
    stage: Stage,
    #[serde(rename = "follower")]
    forecaster: Forecaster,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Stage {
    Learning(Box<Learning>),
    Ready(ExpectedByHour),
}

/// The result of a value.
#[derive(Debug, Clone, PartialEq)]
pub enum ScalarOutput {
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
            last_us: None,
            stage: Stage::Learning(Box::new(Learning::new())),
            forecaster: Forecaster::default(),
        }
    }

    /// Adds the value of the span that begins at `time_us` (microseconds since 1970). `every_us`: length of
    /// a span; after a gap the autoregression begins anew. `hold`: the level stays where it is (while a
    /// finding is open).
    pub fn observe(&mut self, time_us: i64, every_us: i64, value: f64, hold: bool) -> ScalarOutput {
        if !value.is_finite() {
            return ScalarOutput::Learning;
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
                    return ScalarOutput::Learning;
                }
                let Learned { forecaster, residuals } = learning.end(time_us, every_us);
                self.forecaster = forecaster;
                self.stage = Stage::Ready(learning.profile.hours());
                ScalarOutput::Learned(residuals)
            }
            Stage::Ready(hours) => {
                if after_us != every_us {
                    self.forecaster.recent.clear();
                }
                let deviation = deviation(value, hours.at(time_us, every_us));
                let forecast = self.forecaster.observe(deviation, every_us, hold);
                ScalarOutput::Residual(forecast.residual)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::math::noise::normal as noise;
    use crate::math::week::DAY_US;

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
                ScalarOutput::Learned(sketch) => learned = Some(sketch),
                ScalarOutput::Residual(r) => residuals.push((i, r)),
                ScalarOutput::Learning => {}
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

    /// Of a whole number, and of one that no binary fraction is.
    #[test]
    fn a_constant_leaves_nothing() {
        for constant in [1_024.0, 30.0, 0.1] {
            let (every, mut learned) = (60_000_000, None);
            let mut scalar = Scalar::new(Transform::Log, 8 * DAY_US);
            for at in 0..12 * 1440 {
                match scalar.observe(at * every, every, constant, false) {
                    ScalarOutput::Learned(sketch) => learned = Some(sketch),
                    ScalarOutput::Residual(residual) => assert_eq!(residual, 0.0),
                    ScalarOutput::Learning => {}
                }
            }
            let learned = learned.expect("eight days are over");
            assert!(learned.cells().all(|cell| cell.low == 0.0), "{learned:?}");
        }
    }
}
