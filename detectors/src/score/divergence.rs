//! Divergences whose null law is chi-square: PSI, Kullback-Leibler, Jensen-Shannon, Hellinger.
//!
//! All are members of one family: to second order each is a multiple of
//! `sum (q - p)^2 / p`, whose mean with nothing changed is `(C - 1) s`. The multiple is what each
//! function passes to [`reading`].

use std::f64::consts::LN_2;

use super::comparison::Comparison;
use super::reading::ScoreValue;
use super::shares;
use crate::math::tails;

/// `value * scale / s` is chi-square with C - 1 degrees of freedom with nothing changed.
fn reading(comparison: &Comparison, value: f64, scale: f64) -> ScoreValue {
    let noise = comparison.noise();
    let freedom = comparison.degrees_of_freedom();
    ScoreValue {
        value,
        corrected: Some(value - freedom * noise / scale),
        p_value: Some(tails::chi_square_tail(value * scale / noise, freedom)),
    }
}

fn root(of: ScoreValue, unit: f64) -> ScoreValue {
    let take = |x: f64| libm::sqrt((x / unit).max(0.0));
    ScoreValue { value: take(of.value), corrected: of.corrected.map(take), p_value: of.p_value }
}

pub(super) fn psi(comparison: &Comparison) -> Option<ScoreValue> {
    Some(reading(comparison, shares::psi(comparison.smoothed_shares()), 1.0))
}

pub(super) fn kullback_leibler(comparison: &Comparison) -> Option<ScoreValue> {
    Some(reading(comparison, shares::kullback_leibler(comparison.smoothed_shares()), 2.0))
}

/// The value is that of the plain shares, as others report it. The p-value is that of the smoothed
/// shares: codes that expect a handful of events are often empty, and the plain value then
/// overshoots its law (at 5 expected events 12 to 17 % rejections for a nominal 5 %).
fn plain_value_smoothed_chance(comparison: &Comparison, plain: f64, smoothed: f64) -> ScoreValue {
    let p_value = reading(comparison, smoothed, 8.0).p_value;
    ScoreValue { p_value, ..reading(comparison, plain, 8.0) }
}

pub(super) fn jensen_shannon(comparison: &Comparison) -> Option<ScoreValue> {
    let plain = shares::jensen_shannon(comparison.shares());
    let smoothed = shares::jensen_shannon(comparison.smoothed_shares());
    Some(plain_value_smoothed_chance(comparison, plain, smoothed))
}

pub(super) fn jensen_shannon_distance(comparison: &Comparison) -> Option<ScoreValue> {
    jensen_shannon(comparison).map(|divergence| root(divergence, LN_2))
}

pub(super) fn hellinger(comparison: &Comparison) -> Option<ScoreValue> {
    let square = |x: f64| x * x;
    let plain = square(shares::hellinger(comparison.shares()));
    let smoothed = square(shares::hellinger(comparison.smoothed_shares()));

    Some(root(plain_value_smoothed_chance(comparison, plain, smoothed), 1.0))
}
