//! Maximum mean discrepancy with a Gaussian kernel.

fn squared_distance(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// Unbiased squared MMD of two samples of vectors, kernel `exp(-d^2 / (2 sigma^2))`; may be
/// negative. `None` for fewer than two vectors a side or a sigma not above 0. Work grows with the
/// square of the number of vectors. Gretton et al. (2012), JMLR 13, lemma 6.
#[must_use]
pub fn mmd2_unbiased(a: &[Vec<f64>], b: &[Vec<f64>], sigma: f64) -> Option<f64> {
    if a.len() < 2 || b.len() < 2 || sigma.is_nan() || sigma <= 0.0 {
        return None;
    }
    let kernel = |x: &[f64], y: &[f64]| libm::exp(-squared_distance(x, y) / (2.0 * sigma * sigma));
    let within = |sample: &[Vec<f64>]| {
        let n = sample.len() as f64;
        let sum: f64 = sample
            .iter()
            .enumerate()
            .flat_map(|(at, x)| sample[at + 1..].iter().map(move |y| 2.0 * kernel(x, y)))
            .sum();
        sum / (n * (n - 1.0))
    };
    let between: f64 = a.iter().flat_map(|x| b.iter().map(move |y| kernel(x, y))).sum();
    let value = within(a) + within(b) - 2.0 * between / (a.len() as f64 * b.len() as f64);
    value.is_finite().then_some(value)
}

/// The median heuristic for sigma: root of half the (lower) median squared distance between two
/// different vectors, as in alibi-detect 0.13.0.
#[must_use]
pub fn median_sigma(sample: &[Vec<f64>]) -> Option<f64> {
    let mut distances: Vec<f64> = sample
        .iter()
        .enumerate()
        .flat_map(|(at, x)| sample[at + 1..].iter().map(move |y| squared_distance(x, y)))
        .collect();
    distances.sort_by(f64::total_cmp);
    let middle = distances.len().checked_sub(1)? / 2;
    distances.get(middle).map(|median| libm::sqrt(median / 2.0)).filter(|sigma| *sigma > 0.0)
}
