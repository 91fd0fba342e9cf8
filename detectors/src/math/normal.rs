//! The standard normal law.

/// Standard normal density.
pub(crate) fn normal_density(x: f64) -> f64 {
    libm::exp(-x * x / 2.0) / libm::sqrt(2.0 * std::f64::consts::PI)
}

/// `P(Z <= x)` of a standard normal.
pub(crate) fn normal_below(x: f64) -> f64 {
    libm::erfc(-x / std::f64::consts::SQRT_2) / 2.0
}
