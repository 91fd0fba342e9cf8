//! Shewhart's chart of single observations: alarm when `|x| > L`, x normal with unit variance.

use super::search;
use crate::math::normal::normal_below;

/// Run length with limits `-limit..limit` when the mean is `shift` standard deviations off.
#[must_use]
pub fn shewhart(limit: f64, shift: f64) -> f64 {
    if !(limit > 0.0 && shift.is_finite()) {
        return f64::NAN;
    }
    1.0 / (normal_below(-limit - shift) + normal_below(shift - limit))
}

/// The limit with run length `run_length` in control.
#[must_use]
pub fn shewhart_limit(run_length: f64) -> f64 {
    search::threshold(run_length, |limit| shewhart(limit, 0.0))
}
