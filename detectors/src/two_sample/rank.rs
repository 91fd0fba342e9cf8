//! Tests on the pooled order: Mann-Whitney, Cramer-von Mises, Anderson-Darling.

use std::f64::consts::PI;

use super::outcome::Test;
use super::sample::sorted;
use crate::math::tails;

/// A distinct value of the pooled sample: how many of `a` and of `b` have it.
struct Tie {
    a: f64,
    b: f64,
}

/// Distinct values in order.
fn ties(a: &[f64], b: &[f64]) -> Option<Vec<Tie>> {
    let mut pooled: Vec<(f64, bool)> = sorted(a)?.into_iter().map(|x| (x, true)).collect();
    pooled.extend(sorted(b)?.into_iter().map(|x| (x, false)));
    pooled.sort_by(|x, y| x.0.total_cmp(&y.0));
    Some(
        pooled
            .chunk_by(|x, y| x.0 == y.0)
            .map(|tie| {
                let a = tie.iter().filter(|(_, of_a)| *of_a).count();
                Tie { a: a as f64, b: (tie.len() - a) as f64 }
            })
            .collect(),
    )
}

/// Mann-Whitney's U of `a`, two-sided p by the normal law with corrections for ties and
/// continuity (Mann, Whitney 1947), as `scipy.stats.mannwhitneyu(method="asymptotic")`.
#[must_use]
pub fn mann_whitney(a: &[f64], b: &[f64]) -> Option<Test> {
    let ties = ties(a, b)?;
    let (n, m) = (a.len() as f64, b.len() as f64);
    let all = n + m;
    let (mut below_b, mut statistic, mut tied) = (0.0, 0.0, 0.0);
    for tie in &ties {
        statistic += tie.a * (below_b + tie.b / 2.0);
        below_b += tie.b;
        let size = tie.a + tie.b;
        tied += size * size * size - size;
    }
    let variance = n * m / 12.0 * (all + 1.0 - tied / (all * (all - 1.0)));
    if variance <= 0.0 {
        return None;
    }
    let gap = ((statistic - n * m / 2.0).abs() - 0.5).max(0.0);
    let p_value = tails::normal_two_sided_tail(gap / libm::sqrt(variance));
    Some(Test { statistic, p_value })
}

/// Two-sample Cramer-von Mises T, p by the limiting law after matching mean and variance
/// (Anderson 1962, Ann. Math. Statist. 33), as `scipy.stats.cramervonmises_2samp(method="asymptotic")`.
#[must_use]
pub fn cramer_von_mises(a: &[f64], b: &[f64]) -> Option<Test> {
    let ties = ties(a, b)?;
    let (n, m) = (a.len() as f64, b.len() as f64);
    let (all, product) = (n + m, n * m);
    // Sum over each side's values of (pooled midrank - own rank)^2.
    let (mut own_a, mut own_b, mut pooled) = (0.0, 0.0, 0.0);
    let (mut sum_a, mut sum_b) = (0.0, 0.0);
    for tie in &ties {
        let midrank = pooled + (tie.a + tie.b + 1.0) / 2.0;
        pooled += tie.a + tie.b;
        for (own, sum, count) in [(&mut own_a, &mut sum_a, tie.a), (&mut own_b, &mut sum_b, tie.b)]
        {
            for _ in 0..count as u64 {
                *own += 1.0;
                *sum += (midrank - *own) * (midrank - *own);
            }
        }
    }
    let u = n * sum_a + m * sum_b;
    let statistic = u / (product * all) - (4.0 * product - 1.0) / (6.0 * all);
    let mean = (1.0 + 1.0 / all) / 6.0;
    let variance = (all + 1.0) * (4.0 * product * all - 3.0 * (n * n + m * m) - 2.0 * product)
        / (45.0 * all * all * 4.0 * product);
    let matched = 1.0 / 6.0 + (statistic - mean) / libm::sqrt(45.0 * variance);
    let p_value = if matched < 0.003 { 1.0 } else { 1.0 - limiting_law(matched) };
    Some(Test { statistic, p_value: p_value.clamp(0.0, 1.0) })
}

/// Distribution function of the limit of the Cramer-von Mises statistic (Anderson, Darling 1952).
fn limiting_law(x: f64) -> f64 {
    (0..20)
        .map(|k| {
            let k = f64::from(k);
            let y = 4.0 * k + 1.0;
            let q = y * y / (16.0 * x);
            let weight = libm::exp(libm::lgamma(k + 0.5) - libm::lgamma(k + 1.0));
            weight * libm::sqrt(y) * libm::exp(-q) * bessel_quarter(q)
        })
        .sum::<f64>()
        / (libm::pow(PI, 1.5) * libm::sqrt(x))
}

/// Modified Bessel function of the second kind of order 1/4, by the trapezoid rule on
/// `integral over 0.. of exp(-x cosh t) cosh(t / 4) dt` (DLMF 10.32.9), which converges geometrically.
fn bessel_quarter(x: f64) -> f64 {
    const STEP: f64 = 1.0 / 64.0;
    let term = |t: f64| libm::exp(-x * libm::cosh(t)) * libm::cosh(t / 4.0);
    STEP * (term(0.0) / 2.0 + (1..1_000).map(|at| term(f64::from(at) * STEP)).sum::<f64>())
}

/// Two-sample Anderson-Darling, midrank form, standardised; p by interpolation between critical
/// values and so within 0.001 to 0.25 (Scholz, Stephens 1987, JASA 82), as
/// `scipy.stats.anderson_ksamp`.
#[must_use]
pub fn anderson_darling(a: &[f64], b: &[f64]) -> Option<Test> {
    let ties = ties(a, b)?;
    let (n, m) = (a.len() as f64, b.len() as f64);
    let all = n + m;
    if ties.len() < 2 || all < 4.0 {
        return None;
    }
    let (mut below_a, mut below, mut sum_a, mut sum_b) = (0.0, 0.0, 0.0, 0.0);
    for tie in &ties {
        let size = tie.a + tie.b;
        let middle = below + size / 2.0;
        let middle_a = below_a + tie.a / 2.0;
        let middle_b = (below - below_a) + tie.b / 2.0;
        let weight = size / all / (middle * (all - middle) - all * size / 4.0);
        let (gap_a, gap_b) = (all * middle_a - middle * n, all * middle_b - middle * m);
        sum_a += weight * gap_a * gap_a;
        sum_b += weight * gap_b * gap_b;
        below += size;
        below_a += tie.a;
    }
    let raw = (sum_a / n + sum_b / m) * (all - 1.0) / all;
    let statistic = (raw - 1.0) / libm::sqrt(anderson_darling_variance(n, m));
    Some(Test { statistic, p_value: anderson_darling_p(statistic) })
}

/// Variance of the two-sample statistic (Scholz, Stephens 1987, equation 4).
fn anderson_darling_variance(n: f64, m: f64) -> f64 {
    let (all, k) = (n + m, 2.0);
    let inverse = 1.0 / n + 1.0 / m;
    let (mut h, mut g) = (0.0, 0.0);
    // h = sum of 1/i for i below N; g = sum over i < j < N of 1 / ((N - i) j).
    for index in 1..all as u64 - 1 {
        h += 1.0 / (all - index as f64);
        g += h / (index as f64 + 1.0);
    }
    h += 1.0;
    let a = (4.0 * g - 6.0) * (k - 1.0) + (10.0 - 6.0 * g) * inverse;
    let b = (2.0 * g - 4.0) * k * k + 8.0 * h * k + (2.0 * g - 14.0 * h - 4.0) * inverse - 8.0 * h
        + 4.0 * g
        - 6.0;
    let c = (6.0 * h + 2.0 * g - 2.0) * k * k
        + (4.0 * h - 4.0 * g + 6.0) * k
        + (2.0 * h - 6.0) * inverse
        + 4.0 * h;
    let d = (2.0 * h + 6.0) * k * k - 4.0 * h * k;
    (((a * all + b) * all + c) * all + d) / ((all - 1.0) * (all - 2.0) * (all - 3.0))
}

/// Quadratic least-squares fit of ln(significance) to the two-sample critical values.
fn anderson_darling_p(statistic: f64) -> f64 {
    #[expect(clippy::approx_constant, reason = "a critical value that happens to be near e")]
    const CRITICAL: [(f64, f64); 7] = [
        (0.325, 0.25),
        (1.226, 0.1),
        (1.961, 0.05),
        (2.718, 0.025),
        (3.752, 0.01),
        (4.592, 0.005),
        (6.546, 0.001),
    ];
    if statistic <= CRITICAL[0].0 {
        return CRITICAL[0].1;
    }
    if statistic >= CRITICAL[6].0 {
        return CRITICAL[6].1;
    }
    // Normal equations of 1, x, x^2, solved by Cramer's rule.
    let mut power = [0.0; 5];
    let mut right = [0.0; 3];
    for (x, significance) in CRITICAL {
        let mut term = 1.0;
        for (degree, sum) in power.iter_mut().enumerate() {
            *sum += term;
            if let Some(sum) = right.get_mut(degree) {
                *sum += term * libm::log(significance);
            }
            term *= x;
        }
    }
    let column = |degree: usize| [power[degree], power[degree + 1], power[degree + 2]];
    let columns = [column(0), column(1), column(2)];
    let determinant = |c: [[f64; 3]; 3]| {
        c[0][0] * (c[1][1] * c[2][2] - c[1][2] * c[2][1])
            - c[1][0] * (c[0][1] * c[2][2] - c[0][2] * c[2][1])
            + c[2][0] * (c[0][1] * c[1][2] - c[0][2] * c[1][1])
    };
    let whole = determinant(columns);
    let fitted: f64 = (0..3)
        .map(|degree| {
            let mut replaced = columns;
            replaced[degree] = right;
            determinant(replaced) / whole * libm::pow(statistic, degree as f64)
        })
        .sum();
    libm::exp(fitted)
}
