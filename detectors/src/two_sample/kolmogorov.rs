//! Kolmogorov-Smirnov and Kuiper: largest gaps of the empirical distribution functions.

use super::outcome::Test;
use super::sample::sorted;
use crate::math::tails;

/// Largest gaps upwards and downwards of `a`'s distribution function over `b`'s.
fn gaps(a: &[f64], b: &[f64]) -> Option<(f64, f64)> {
    let (a, b) = (sorted(a)?, sorted(b)?);
    let (mut above, mut below) = (0.0_f64, 0.0_f64);
    let (mut i, mut j) = (0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        let place = x.min(*y);
        i += a[i..].iter().take_while(|value| **value <= place).count();
        j += b[j..].iter().take_while(|value| **value <= place).count();
        let gap = i as f64 / a.len() as f64 - j as f64 / b.len() as f64;
        (above, below) = (above.max(gap), below.max(-gap));
    }
    Some((above, below))
}

/// The two-sample Kolmogorov-Smirnov distance, 0 to 1.
#[must_use]
pub fn ks_distance(a: &[f64], b: &[f64]) -> Option<f64> {
    gaps(a, b).map(|(above, below)| above.max(below))
}

/// p-value of a two-sample Kolmogorov-Smirnov distance between samples of `n` and `m` values, by
/// Kolmogorov's law with Stephens' small-sample correction (Stephens 1970, J. R. Statist. Soc. B 32).
#[must_use]
pub fn ks_asymptotic(distance: f64, n: usize, m: usize) -> f64 {
    let size = libm::sqrt(n as f64 * m as f64 / (n + m).max(1) as f64);
    if size <= 0.0 {
        return 1.0;
    }
    tails::kolmogorov_tail(distance * (size + 0.12 + 0.11 / size))
}

/// The two-sample Kolmogorov-Smirnov test with its exact p-value (no ties between the samples
/// assumed): the chance that a random path from (0, 0) to (n, m) strays so far from the diagonal
/// (Hodges 1958). Work grows with `n m`: `None` above 10^8.
#[must_use]
pub fn ks_exact(a: &[f64], b: &[f64]) -> Option<Test> {
    let statistic = ks_distance(a, b)?;
    let (n, m) = (a.len(), b.len());
    if n.saturating_mul(m) > 100_000_000 {
        return None;
    }
    // In whole units of 1/(n m), so that no path is lost to rounding.
    let reach = libm::round(statistic * n as f64 * m as f64) as i64;
    let inside = |i: usize, j: usize| ((i * m) as i64 - (j * n) as i64).abs() < reach;
    // Chance to pass (i, j) having stayed inside: values are drawn one after the other.
    let mut row = vec![0.0; m + 1];
    for i in 0..=n {
        for j in 0..=m {
            let left = (n + m + 1 - i - j) as f64;
            let mut chance = if i == 0 && j == 0 { 1.0 } else { 0.0 };
            if i > 0 {
                chance += row[j] * (n + 1 - i) as f64 / left;
            }
            if j > 0 {
                chance += row[j - 1] * (m + 1 - j) as f64 / left;
            }
            row[j] = if inside(i, j) { chance } else { 0.0 };
        }
    }
    let p_value = if reach <= 0 { 1.0 } else { (1.0 - row[m]).clamp(0.0, 1.0) };
    Some(Test { statistic, p_value })
}

/// Kuiper's test: the sum of the largest gaps on either side, sensitive in the tails too; p by the
/// asymptotic law with its first correction (Kuiper 1960; Stephens 1965, Biometrika 52).
#[must_use]
pub fn kuiper(a: &[f64], b: &[f64]) -> Option<Test> {
    let (above, below) = gaps(a, b)?;
    let statistic = above + below;
    let size = a.len() as f64 * b.len() as f64 / (a.len() + b.len()) as f64;
    Some(Test { statistic, p_value: kuiper_tail(statistic, size) })
}

/// Chance of a Kuiper statistic as large at an effective size.
fn kuiper_tail(statistic: f64, size: f64) -> f64 {
    let z2 = statistic * statistic * size;
    // The series is of no use for tiny distances; there the chance is 1.
    if z2 < 0.16 {
        return 1.0;
    }
    let (mut leading, mut correction) = (0.0, 0.0);
    for j in 1..=200 {
        let square = f64::from(j * j);
        let decay = libm::exp(-2.0 * square * z2);
        leading += 2.0 * (4.0 * square * z2 - 1.0) * decay;
        correction += square * (4.0 * square * z2 - 3.0) * decay;
    }
    (leading - 8.0 / 3.0 * statistic * correction).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kuiper_law_as_stephens() {
        // frouros 0.9.0 at this statistic and sizes 1009 and 700.
        let size = 1009.0 * 700.0 / 1709.0;
        let p = kuiper_tail(0.067_631_318_136_769_08, size);
        assert!((p - 0.280_535_537_486_017_84).abs() < 1e-9, "{p}");
    }

    #[test]
    fn kuiper_sums_both_sides() {
        // Gaps 1/2 upwards after 1, 1/2 downwards after 3.
        let test = kuiper(&[1.0, 4.0], &[2.0, 3.0]).expect("a test");
        assert!((test.statistic - 1.0).abs() < 1e-12);
        assert!((ks_distance(&[1.0, 4.0], &[2.0, 3.0]).expect("a distance") - 0.5).abs() < 1e-12);
    }

    #[test]
    fn no_answer_without_values() {
        assert_eq!(ks_distance(&[], &[1.0]), None);
        assert_eq!(ks_exact(&[f64::NAN], &[1.0]), None);
        assert_eq!(ks_exact(&[1.0], &[1.0]).expect("a test").p_value, 1.0);
    }
}
