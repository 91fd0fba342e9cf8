//! Distances of shares: total variation, L-infinity, and on ordered codes Kolmogorov-Smirnov and
//! Wasserstein-1.
//!
//! With nothing changed a difference of shares `q - p` is normal with variance
//! `s share (1 - share)`, so total variation and Wasserstein-1 are weighted sums of correlated
//! folded normals. Mean and variance of such a sum are known; a gamma law with both is the null
//! (Satterthwaite's way).

use std::f64::consts::{FRAC_2_PI, FRAC_PI_2};

use super::comparison::Comparison;
use super::reading::ScoreValue;
use crate::math::tails;

/// `x asin x + sqrt(1 - x^2) - 1` as a power series in `x^2`: 1/2, 1/24, 1/80, 5/896. Times
/// `2/pi` and both deviations it is the covariance of two folded normals with correlation x. Four
/// terms are within 2 % at |x| = 1 and let the double sums over codes be products of single sums.
const FOLDED_COVARIANCE: [f64; 4] = [1.0 / 2.0, 1.0 / 24.0, 1.0 / 80.0, 5.0 / 896.0];

/// A value against the law of a sum of `terms` folded normals with the given mean and variance:
/// the folded normal itself for one term, a gamma law for more.
fn reading(value: f64, terms: usize, null_mean: f64, null_variance: f64) -> ScoreValue {
    let p_value = if terms == 0 || null_mean <= 0.0 {
        1.0
    } else if terms == 1 || null_variance <= 0.0 {
        tails::normal_two_sided_tail(value / null_mean * libm::sqrt(FRAC_2_PI))
    } else {
        tails::gamma_tail(null_mean * null_mean / null_variance, value * null_mean / null_variance)
    };
    ScoreValue { value, corrected: Some(value - null_mean), p_value: Some(p_value) }
}

pub(super) fn total_variation(comparison: &Comparison) -> Option<ScoreValue> {
    let value = comparison.shares().map(|(p, q)| (q - p).abs()).sum::<f64>() / 2.0;
    let noise = comparison.noise();
    let (mut mean, mut own_variance) = (0.0, 0.0);
    let mut sums = [(0.0_f64, 0.0_f64); FOLDED_COVARIANCE.len()];
    for share in comparison.pooled_shares().filter(|share| *share < 1.0) {
        let variance = noise * share * (1.0 - share);
        let deviation = libm::sqrt(variance);
        mean += deviation;
        own_variance += variance * (1.0 - FRAC_2_PI);
        // corr(i, j)^2 = odds_i odds_j
        let odds = share / (1.0 - share);
        let mut term = deviation;
        for (sum, squares) in &mut sums {
            term *= odds;
            *sum += term;
            *squares += term * term;
        }
    }
    let cross = FOLDED_COVARIANCE
        .iter()
        .zip(sums)
        .map(|(factor, (sum, squares))| factor * (sum * sum - squares))
        .sum::<f64>();
    let mean = libm::sqrt(FRAC_2_PI) * mean / 2.0;
    let variance = (own_variance + FRAC_2_PI * cross).max(0.0) / 4.0;
    // The shares of two codes are one number twice.
    let terms = comparison.codes.len() - 1;
    Some(reading(value.min(1.0), terms, mean, variance))
}

pub(super) fn l_infinity(comparison: &Comparison) -> Option<ScoreValue> {
    let value = comparison.shares().map(|(p, q)| (q - p).abs()).fold(0.0, f64::max);
    let noise = comparison.noise();
    // Yates' correction: shares move in steps, and the largest of many is where it shows.
    let gap = (value - noise / 2.0).max(0.0);
    let chances = comparison
        .pooled_shares()
        .filter(|share| *share < 1.0)
        .map(|share| tails::normal_two_sided_tail(gap / libm::sqrt(noise * share * (1.0 - share))));
    // The shares of two codes are one number twice: the bound is the chance of either.
    let p_value = match comparison.codes.len() {
        0 | 1 => 1.0,
        2 => chances.fold(0.0, f64::max),
        _ => chances.sum::<f64>().min(1.0),
    };
    Some(ScoreValue { value, corrected: None, p_value: Some(p_value) })
}

/// A step between two neighbouring positions: its width, the cumulative shares up to it in
/// baseline and window, and pooled.
struct Step {
    width: f64,
    baseline: f64,
    window: f64,
    pooled: f64,
}

fn steps(line: &Comparison) -> Vec<Step> {
    let (mut baseline, mut window) = (0.0, 0.0);
    line.codes
        .iter()
        .zip(line.codes.iter().skip(1))
        .map(|(here, next)| {
            baseline += here.baseline;
            window += here.window;
            Step {
                width: next.position.unwrap_or(0.0) - here.position.unwrap_or(0.0),
                baseline: baseline / line.baseline_total,
                window: window / line.window_total,
                pooled: (baseline + window) / (line.baseline_total + line.window_total),
            }
        })
        .filter(|step| step.width > 0.0)
        .collect()
}

pub(super) fn kolmogorov_smirnov(comparison: &Comparison) -> Option<ScoreValue> {
    let line = comparison.on_the_line()?;
    let value =
        steps(&line).iter().map(|step| (step.window - step.baseline).abs()).fold(0.0, f64::max);
    let p_value = tails::kolmogorov_tail(value / libm::sqrt(line.noise()));
    Some(ScoreValue { value, corrected: None, p_value: Some(p_value) })
}

pub(super) fn wasserstein(comparison: &Comparison) -> Option<ScoreValue> {
    let line = comparison.on_the_line()?;
    let noise = line.noise();
    let (mut value, mut mean, mut own_variance, mut cross) = (0.0, 0.0, 0.0, 0.0);
    let mut terms = 0;
    // Sums over the steps so far of weight * odds^k: corr(i, j)^2 = odds_i / odds_j for i before j.
    let mut sums = [0.0_f64; FOLDED_COVARIANCE.len()];
    for step in steps(&line) {
        value += step.width * (step.window - step.baseline).abs();
        if step.pooled <= 0.0 || step.pooled >= 1.0 {
            continue;
        }
        terms += 1;
        let weight = step.width * libm::sqrt(noise * step.pooled * (1.0 - step.pooled));
        mean += weight;
        own_variance += weight * weight * (FRAC_PI_2 - 1.0);
        let odds = step.pooled / (1.0 - step.pooled);
        let mut power = 1.0;
        for (factor, sum) in FOLDED_COVARIANCE.iter().zip(&mut sums) {
            power *= odds;
            cross += 2.0 * factor * weight * *sum / power;
            *sum += weight * power;
        }
    }
    let mean = libm::sqrt(FRAC_2_PI) * mean;
    Some(reading(value, terms, mean, FRAC_2_PI * (own_variance + cross)))
}
