//! The two-sided Gaussian EWMA `z = (1 - lambda) z + lambda x`, z starting at 0, alarm when `|z|`
//! is above the fixed (asymptotic) limit `L sqrt(lambda / (2 - lambda))`, x normal, unit variance.
//!
//! `L(u) = 1 + 1/lambda integral over the limits of L(y) density((y - (1 - lambda) u) / lambda) dy`
//! (Crowder 1987, Technometrics 29(4)), by Nystroem's method with Gauss-Legendre nodes.

use super::linear::Banded;
use super::quadrature::gauss_legendre;
use super::search;
use crate::math::normal::normal_density;

/// Run length with weight `lambda` (0 to 1) and limit `limit` in standard deviations of z, when
/// the mean is `shift` standard deviations off.
#[must_use]
pub fn ewma(lambda: f64, limit: f64, shift: f64) -> f64 {
    let usable = lambda > 0.0 && lambda <= 1.0 && shift.is_finite();
    if !(usable && limit > 0.0 && limit <= 40.0) {
        return f64::NAN;
    }
    let half = limit * libm::sqrt(lambda / (2.0 - lambda));
    // The kernel is `lambda` wide.
    let count = (40.0 + 10.0 * half / lambda).min(2_000.0) as usize;
    let nodes = gauss_legendre(count, -half, half);
    let kernel =
        |from: f64, to: f64| normal_density((to - (1.0 - lambda) * from) / lambda - shift) / lambda;
    let lengths =
        Banded::full(count, |from, to| nodes[to].weight * kernel(nodes[from].x, nodes[to].x))
            .run_lengths();
    let beyond =
        nodes.iter().zip(&lengths).map(|(node, length)| node.weight * length * kernel(0.0, node.x));
    1.0 + beyond.sum::<f64>()
}

/// The limit at which the chart has run length `run_length` in control. NaN outside `1..=1e12`.
#[must_use]
pub fn ewma_limit(lambda: f64, run_length: f64) -> f64 {
    search::threshold(run_length, |limit| ewma(lambda, limit, 0.0))
}
