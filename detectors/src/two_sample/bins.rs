//! Bins of equal width.

use super::sample::sorted;

/// Counts of both samples in `bins` bins of equal width over their common range, the last bin
/// closed; the binning of frouros and of `numpy.histogram`. `None` if a sample is empty or not finite, or
/// all values are equal. Bins move with every window: for a stream use fixed edges.
#[must_use]
pub fn equal_width_counts(a: &[f64], b: &[f64], bins: usize) -> Option<(Vec<u64>, Vec<u64>)> {
    let (a, b) = (sorted(a)?, sorted(b)?);
    let low = a.first()?.min(*b.first()?);
    let width = a.last()?.max(*b.last()?) - low;
    if width <= 0.0 || bins == 0 {
        return None;
    }
    let edge = |index: usize| low + width * index as f64 / bins as f64;
    let edges: Vec<f64> = (1..bins).map(edge).collect();
    let count = |sample: &[f64]| {
        let mut counts = vec![0; bins];
        for x in sample {
            counts[edges.partition_point(|edge| edge <= x)] += 1;
        }
        counts
    };
    Some((count(&a), count(&b)))
}
