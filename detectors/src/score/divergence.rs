//! Divergences whose null law is chi-square: PSI, Kullback-Leibler, Jensen-Shannon, Hellinger.
//!
//! All are members of one family: to second order each is a multiple of
//! `sum (q - p)^2 / p`, whose mean with nothing changed is `(C - 1) s`. The multiple is what each
//! function passes to [`reading`].

use std::f64::consts::LN_2;

use super::{Comparison, Reading, law};

/// `value * scale / s` is chi-square with C - 1 degrees of freedom with nothing changed.
fn reading(comparison: &Comparison, value: f64, scale: f64) -> Reading {
    let noise = comparison.noise();
    let freedom = comparison.degrees_of_freedom();
    Reading {
        value,
        corrected: Some(value - freedom * noise / scale),
        p_value: Some(law::chi_square_tail(value * scale / noise, freedom)),
    }
}

fn root(of: Reading, unit: f64) -> Reading {
    let take = |x: f64| libm::sqrt((x / unit).max(0.0));
    Reading { value: take(of.value), corrected: of.corrected.map(take), p_value: of.p_value }
}

/// `x ln(x / y)`, 0 where x is 0.
fn relative_entropy(x: f64, y: f64) -> f64 {
    if x > 0.0 { x * libm::log(x / y) } else { 0.0 }
}

pub(super) fn psi(comparison: &Comparison) -> Option<Reading> {
    let value = comparison.smoothed_shares().map(|(p, q)| (q - p) * libm::log(q / p)).sum::<f64>();
    Some(reading(comparison, value, 1.0))
}

pub(super) fn kullback_leibler(comparison: &Comparison) -> Option<Reading> {
    let value = comparison.smoothed_shares().map(|(p, q)| relative_entropy(q, p)).sum::<f64>();
    Some(reading(comparison, value.max(0.0), 2.0))
}

pub(super) fn jensen_shannon(comparison: &Comparison) -> Option<Reading> {
    let value = comparison
        .shares()
        .map(|(p, q)| {
            let middle = (p + q) / 2.0;
            (relative_entropy(p, middle) + relative_entropy(q, middle)) / 2.0
        })
        .sum::<f64>();
    Some(reading(comparison, value.clamp(0.0, LN_2), 8.0))
}

pub(super) fn jensen_shannon_distance(comparison: &Comparison) -> Option<Reading> {
    jensen_shannon(comparison).map(|divergence| root(divergence, LN_2))
}

pub(super) fn hellinger(comparison: &Comparison) -> Option<Reading> {
    // Half the sum of squared root differences: exact where 1 - sum sqrt(p q) would cancel.
    let squared = comparison
        .shares()
        .map(|(p, q)| {
            let gap = libm::sqrt(p) - libm::sqrt(q);
            gap * gap / 2.0
        })
        .sum::<f64>();
    Some(root(reading(comparison, squared.min(1.0), 8.0), 1.0))
}
