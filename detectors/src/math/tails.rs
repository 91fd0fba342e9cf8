//! Tail probabilities behind the p-values, on `libm` so that every platform has the same bits.
//!
//! Not a library of laws: only the four tails that scores need.

use std::f64::consts::{PI, SQRT_2};

/// `P(|Z| >= |z|)` of a standard normal.
pub fn normal_two_sided_tail(z: f64) -> f64 {
    libm::erfc(z.abs() / SQRT_2)
}

/// `P(X >= x)` of a chi-square law; 1 where there is no degree of freedom.
pub fn chi_square_tail(x: f64, degrees_of_freedom: f64) -> f64 {
    if degrees_of_freedom <= 0.0 { 1.0 } else { gamma_tail(degrees_of_freedom / 2.0, x / 2.0) }
}

/// `P(X >= x)` of a gamma law with the given shape and scale 1: the regularised upper incomplete
/// gamma function (DLMF 8.11.4 below the mean, the continued fraction 8.9.2 above it).
pub fn gamma_tail(shape: f64, x: f64) -> f64 {
    const STEPS: u32 = 10_000;
    const PRECISION: f64 = 1e-15;
    if x.is_nan() || x <= 0.0 {
        return 1.0;
    }
    if x == f64::INFINITY {
        return 0.0;
    }
    let front = libm::exp(shape * libm::log(x) - x - libm::lgamma(shape));
    if x < shape + 1.0 {
        let mut term = 1.0 / shape;
        let mut sum = term;
        for step in 1..STEPS {
            term *= x / (shape + f64::from(step));
            sum += term;
            if term < sum * PRECISION {
                break;
            }
        }
        (1.0 - front * sum).clamp(0.0, 1.0)
    } else {
        // Steed's evaluation: `lower` is the running reciprocal denominator.
        let mut denominator = x + 1.0 - shape;
        let mut lower = 1.0 / denominator;
        let mut step_size = lower;
        let mut fraction = lower;
        for step in 1..STEPS {
            let n = f64::from(step);
            let numerator = -n * (n - shape);
            denominator += 2.0;
            lower = 1.0 / (denominator + numerator * lower);
            step_size *= denominator * lower - 1.0;
            fraction += step_size;
            if step_size.abs() < fraction.abs() * PRECISION {
                break;
            }
        }
        (front * fraction).clamp(0.0, 1.0)
    }
}

/// `P(sup |B| >= x)` of the Brownian bridge: Kolmogorov's law.
pub fn kolmogorov_tail(x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    if x < 1.0 {
        // The theta-function dual converges where the alternating series does not.
        let unit = PI * PI / (8.0 * x * x);
        let sum = (0..4).map(|k| libm::exp(-unit * f64::from((2 * k + 1) * (2 * k + 1))));
        return (1.0 - libm::sqrt(2.0 * PI) / x * sum.sum::<f64>()).clamp(0.0, 1.0);
    }
    let term = |k: i32| libm::exp(-2.0 * f64::from(k * k) * x * x);
    (2.0 * (term(1) - term(2) + term(3) - term(4))).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use statrs::distribution::{ChiSquared, ContinuousCDF, Gamma};

    use super::*;

    #[test]
    fn gamma_and_chi_square_agree_with_statrs() {
        for shape in [0.5, 1.0, 1.7, 4.5, 31.0, 400.0] {
            let law = Gamma::new(shape, 1.0).expect("a positive shape");
            let chi_square = ChiSquared::new(2.0 * shape).expect("positive freedom");
            for ratio in [0.01, 0.5, 0.9, 1.0, 1.1, 1.5, 3.0, 8.0] {
                let x = shape * ratio;
                let expected = law.sf(x);
                let got = gamma_tail(shape, x);
                assert!((got - expected).abs() < 1e-11, "{shape} {x}: {got} {expected}");
                let got = chi_square_tail(2.0 * x, 2.0 * shape);
                assert!((got - chi_square.sf(2.0 * x)).abs() < 1e-11);
            }
        }
    }

    #[test]
    fn kolmogorov_critical_values() {
        // Smirnov's table: 1.22385, 1.35810, 1.62762 at 10, 5 and 1 %.
        for (x, p) in [(1.22385, 0.1), (1.35810, 0.05), (1.62762, 0.01)] {
            assert!((kolmogorov_tail(x) - p).abs() < 5e-6);
        }
        assert!((kolmogorov_tail(0.999_999) - kolmogorov_tail(1.000_001)).abs() < 1e-5);
        assert!((kolmogorov_tail(0.5) - 0.963_945_2).abs() < 1e-6);
    }
}
