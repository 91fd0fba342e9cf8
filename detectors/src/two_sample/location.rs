//! Student's tests of two means.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::outcome::Test;

/// Number, mean and sample variance; `None` for fewer than two values.
fn moments(sample: &[f64]) -> Option<(f64, f64, f64)> {
    if sample.len() < 2 || sample.iter().any(|x| !x.is_finite()) {
        return None;
    }
    let n = sample.len() as f64;
    let mean = sample.iter().sum::<f64>() / n;
    let variance = sample.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0);
    Some((n, mean, variance))
}

fn two_sided(gap: f64, squared_error: f64, freedom: f64) -> Option<Test> {
    if squared_error <= 0.0 {
        return None;
    }
    let statistic = gap / libm::sqrt(squared_error);
    let law = StudentsT::new(0.0, 1.0, freedom).ok()?;
    Some(Test { statistic, p_value: (2.0 * law.sf(statistic.abs())).min(1.0) })
}

/// Welch's t-test of two means, variances not assumed equal.
#[must_use]
pub fn welch_t(a: &[f64], b: &[f64]) -> Option<Test> {
    let ((n, mean_a, var_a), (m, mean_b, var_b)) = (moments(a)?, moments(b)?);
    let (part_a, part_b) = (var_a / n, var_b / m);
    let both = part_a + part_b;
    let freedom = both * both / (part_a * part_a / (n - 1.0) + part_b * part_b / (m - 1.0));
    two_sided(mean_a - mean_b, both, freedom)
}

/// Student's t-test of two means, variances assumed equal.
#[must_use]
pub fn pooled_t(a: &[f64], b: &[f64]) -> Option<Test> {
    let ((n, mean_a, var_a), (m, mean_b, var_b)) = (moments(a)?, moments(b)?);
    let freedom = n + m - 2.0;
    let pooled = ((n - 1.0) * var_a + (m - 1.0) * var_b) / freedom;
    two_sided(mean_a - mean_b, pooled * (1.0 / n + 1.0 / m), freedom)
}
