//! The inverse: which threshold has a wanted run length.

/// The `x` above 0 at which the increasing function `run_length` is `wanted`.
///
/// ln(run length) is close to linear in the threshold, so a bracketed secant on it (regula falsi,
/// Illinois variant) takes about ten evaluations. NaN if the run length cannot be reached.
pub(super) fn threshold(wanted: f64, run_length: impl Fn(f64) -> f64) -> f64 {
    if !(wanted > 1.0 && wanted <= 1e12) {
        return f64::NAN;
    }
    let gap = |x: f64| libm::log(run_length(x)) - libm::log(wanted);
    let (mut low, mut high) = (1e-6, 1.0);
    let (mut low_gap, mut high_gap) = (gap(low), gap(high));
    if low_gap.is_nan() || low_gap > 0.0 {
        return f64::NAN;
    }
    while high_gap < 0.0 && high < 1e3 {
        (low, low_gap) = (high, high_gap);
        high *= 1.5;
        high_gap = gap(high);
    }
    if high_gap.is_nan() || high_gap < 0.0 {
        return f64::NAN;
    }
    let mut last_was_low = None;
    for _ in 0..200 {
        let next = high - high_gap * (high - low) / (high_gap - low_gap);
        let next_gap = gap(next);
        let is_low = next_gap < 0.0;
        if is_low {
            (low, low_gap) = (next, next_gap);
            if last_was_low == Some(true) {
                high_gap /= 2.0;
            }
        } else {
            (high, high_gap) = (next, next_gap);
            if last_was_low == Some(false) {
                low_gap /= 2.0;
            }
        }
        last_was_low = Some(is_low);
        if next_gap.abs() < 1e-11 || high - low < 1e-12 * high {
            return next;
        }
    }
    (low + high) / 2.0
}
