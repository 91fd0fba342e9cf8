//! Overshoot: how far a statistic jumps over its threshold.
//!
//! A Shiryaev-Roberts statistic does not stop at `A` but beyond it, so with starts of weight `w` false
//! alarms come more rarely than once in `A` ticks. With starts that are `1 / E exp(-overshoot)` times as
//! large they come as often as promised.

/// Beyond this standard deviation a step is not normal enough for a larger correction.
const REACH_MAX: f64 = 6.0;

/// `1 / nu(d)` for `d >= 0`, where `nu(d) = E exp(-overshoot)` of a random walk of normal
/// log-likelihood ratios with the standard deviation `d` over a high barrier, which is `2 d^-2 exp(-2
/// sum Phi(-d sqrt(n) / 2) / n)` (Woodroofe 1982; Siegmund 1985, whose `exp(-0.583 d)` is its
/// beginning). A cubic, to 1.5 %.
#[inline(always)]
pub(crate) fn overshoot_correction(d: f64) -> f64 {
    let d = d.min(REACH_MAX);
    1.0 + d * (0.583 + d * (0.18 + d * 0.0328))
}

/// `1 / E exp(-overshoot)` of a walk that falls little by little and jumps up by `jump`: the overshoot is
/// uniform below it. So it is with rare events in small ticks, where a normal step would have less.
pub(crate) fn jump_overshoot_correction(jump: f64) -> f64 {
    if jump > 1e-6 { jump / -libm::expm1(-jump) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against its series.
    #[test]
    fn the_overshoot_is_that_of_renewal_theory() {
        let phi = |x: f64| 0.5 * libm::erfc(-x / core::f64::consts::SQRT_2);
        for k in 1..=12 {
            let d = f64::from(k) / 2.0;
            let sum: f64 =
                (1..20_000).map(|n| phi(-d * f64::from(n).sqrt() / 2.0) / f64::from(n)).sum();
            let exact = d * d / 2.0 * (2.0 * sum).exp();
            assert!((overshoot_correction(d) / exact - 1.0).abs() < 0.015, "{d}: {exact}");
        }
        assert_eq!(
            (overshoot_correction(0.0), overshoot_correction(9.0)),
            (1.0, overshoot_correction(6.0))
        );
    }
}
