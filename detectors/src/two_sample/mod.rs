//! Distances and tests of two raw samples, for those who must match another tool, and for tests.
//!
//! Not on the way of the data: the engine compares code counts ([`crate::score`]) and accumulates
//! evidence. Samples are held and sorted here, so memory is that of the caller's slices.
//!
//! Invariant: a function of its arguments alone; `None` where the question has no answer (an empty
//! sample, a value that is not finite, no spread at all), never NaN.

mod contingency;
mod kernel;
mod kolmogorov;
mod location;
mod rank;
mod shares;
mod transport;

pub use contingency::{
    chi_square, cramers_v, fisher_exact, g_statistic, l_infinity, l_infinity_robust, proportions,
};
pub use kernel::{median_sigma, mmd2_unbiased};
pub use kolmogorov::{ks_asymptotic, ks_distance, ks_exact, kuiper};
pub use location::{pooled_t, welch_t};
pub use rank::{anderson_darling, cramer_von_mises, mann_whitney};
pub use shares::{
    bhattacharyya, equal_width_counts, hellinger, histogram_intersection, jensen_shannon,
    kullback_leibler, psi, to_shares,
};
pub use transport::{energy, wasserstein};

/// A statistic and the chance of one as extreme when both samples have one law.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Test {
    /// The statistic, as the test defines it.
    pub statistic: f64,
    /// The p-value, `0..=1`; two-sided where there are sides.
    pub p_value: f64,
}

/// A sorted copy; `None` if empty or not finite throughout.
fn sorted(sample: &[f64]) -> Option<Vec<f64>> {
    if sample.is_empty() || sample.iter().any(|x| !x.is_finite()) {
        return None;
    }
    let mut sample = sample.to_vec();
    sample.sort_by(f64::total_cmp);
    Some(sample)
}
