//! A slow level and an autoregression, which follow a series.

use serde::{Deserialize, Serialize};

use crate::math::autoregression::ORDER;

/// Half-life of the slow level.
const HALF_LIFE_US: f64 = 24.0 * 3.6e9;
/// Level and autoregression follow no value further than this many mean deviations: an outage is
/// not how a series goes on.
const CLIP: f64 = 4.0;
/// Relative differences below this are rounding.
const ROUNDING: f64 = 1e-6;

/// Level and autoregression of the deviations from a profile.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Forecaster {
    pub(super) values: u32,
    pub(super) level: f64,
    pub(super) deviation: f64,
    /// The last deviations from profile and level, the newest first.
    pub(super) recent: Vec<f64>,
    pub(super) coefficients: Vec<f64>,
}

/// What level and autoregression make of a deviation from the profile.
#[derive(Debug, Clone, Copy)]
pub(super) struct Forecast {
    /// What they did not expect.
    pub(super) residual: f64,
    /// The deviation from the level, clipped: what they follow.
    pub(super) followed: f64,
}

impl Forecaster {
    /// Follows a deviation from the profile. `every_us`: time since the one before; `hold`: the level stays.
    pub(super) fn observe(&mut self, off: f64, every_us: i64, hold: bool) -> Forecast {
        let off = off - self.level;
        if self.deviation == 0.0 {
            self.deviation = off.abs();
        }
        let clip = CLIP * self.deviation;
        let followed = off.clamp(-clip, clip);
        // After a gap there is less memory: the coefficients of what is there.
        let expected: f64 = self.coefficients.iter().zip(&self.recent).map(|(c, x)| c * x).sum();
        self.values = self.values.saturating_add(1);
        self.deviation += (off.abs() - self.deviation) / f64::from(self.values.clamp(20, 500));
        if !hold {
            self.level += (1.0 - libm::exp2(-(every_us as f64) / HALF_LIFE_US)) * followed;
        }
        self.recent.insert(0, followed);
        self.recent.truncate(ORDER);
        Forecast { residual: off - expected, followed }
    }
}

/// A value's deviation from what is expected; none where that is rounding, as of a constant.
pub(super) fn deviation(value: f64, expected: f64) -> f64 {
    let off = value - expected;
    if off.abs() < ROUNDING * value.abs().max(1.0) { 0.0 } else { off }
}
