//! Divergences of shares as other tools print them: no smoothing, so a share of 0 counts as it
//! stands (PSI and KL are then infinite). [`crate::score`] smooths and knows the sampling noise.

use std::f64::consts::LN_2;

/// `x ln(x / y)`, 0 where x is 0.
fn relative_entropy(x: f64, y: f64) -> f64 {
    if x > 0.0 { x * libm::log(x / y) } else { 0.0 }
}

/// Population stability index, nats: `sum (q - p) ln(q / p)`; infinite when a share is 0 on one
/// side only.
pub fn psi(shares: impl IntoIterator<Item = (f64, f64)>) -> f64 {
    let term = |(p, q): (f64, f64)| if p == q { 0.0 } else { (q - p) * libm::log(q / p) };
    shares.into_iter().map(term).sum()
}

/// Kullback-Leibler divergence of the second of each pair from the first, nats: `sum q ln(q / p)`.
pub fn kullback_leibler(shares: impl IntoIterator<Item = (f64, f64)>) -> f64 {
    shares.into_iter().map(|(p, q)| relative_entropy(q, p)).sum::<f64>().max(0.0)
}

/// Jensen-Shannon divergence, nats, 0 to ln 2; no root.
pub fn jensen_shannon(shares: impl IntoIterator<Item = (f64, f64)>) -> f64 {
    let term = |(p, q): (f64, f64)| {
        let middle = (p + q) / 2.0;
        (relative_entropy(p, middle) + relative_entropy(q, middle)) / 2.0
    };
    shares.into_iter().map(term).sum::<f64>().clamp(0.0, LN_2)
}

/// Hellinger distance, 0 to 1. Half the sum of squared root differences under the root: exact where
/// `1 - sum sqrt(p q)` would cancel.
pub fn hellinger(shares: impl IntoIterator<Item = (f64, f64)>) -> f64 {
    let term = |(p, q): (f64, f64)| {
        let gap = libm::sqrt(p) - libm::sqrt(q);
        gap * gap / 2.0
    };
    libm::sqrt(shares.into_iter().map(term).sum::<f64>().min(1.0))
}

/// Bhattacharyya distance `-ln sum sqrt(p q)`, 0 to infinity.
pub fn bhattacharyya(shares: impl IntoIterator<Item = (f64, f64)>) -> f64 {
    let overlap: f64 = shares.into_iter().map(|(p, q)| libm::sqrt(p * q)).sum();
    (-libm::log(overlap)).max(0.0)
}

/// Normalised complement of the histogram intersection, `1 - sum min(p, q)`, 0 to 1: equal to total
/// variation.
pub fn histogram_intersection(shares: impl IntoIterator<Item = (f64, f64)>) -> f64 {
    (1.0 - shares.into_iter().map(|(p, q)| p.min(q)).sum::<f64>()).clamp(0.0, 1.0)
}

/// Counts to pairs of shares; `None` if a side is empty. The shorter side is padded with zeros.
#[must_use]
pub fn to_shares(a: &[u64], b: &[u64]) -> Option<Vec<(f64, f64)>> {
    let total = |side: &[u64]| side.iter().map(|count| *count as f64).sum::<f64>();
    let (n, m) = (total(a), total(b));
    let share = |side: &[u64], at: usize, all: f64| side.get(at).map_or(0.0, |c| *c as f64 / all);
    let pairs = (0..a.len().max(b.len())).map(|at| (share(a, at, n), share(b, at, m)));
    (n > 0.0 && m > 0.0).then(|| pairs.collect())
}
