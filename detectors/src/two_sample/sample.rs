//! Samples in order.

/// A sorted copy; `None` if empty or not finite throughout.
pub(super) fn sorted(sample: &[f64]) -> Option<Vec<f64>> {
    if sample.is_empty() || sample.iter().any(|x| !x.is_finite()) {
        return None;
    }
    let mut sample = sample.to_vec();
    sample.sort_by(f64::total_cmp);
    Some(sample)
}
