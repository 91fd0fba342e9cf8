//! Distances and tests of two raw samples, for those who must match another tool, and for tests.
//!
//! Not on the way of the data: the engine compares code counts ([`crate::score`]) and accumulates
//! evidence. Samples are held and sorted here, so memory is that of the caller's slices.
//!
//! Invariant: a function of its arguments alone; `None` where the question has no answer (an empty
//! sample, a value that is not finite, no spread at all), never NaN.
//! ```
//! use driftline_detectors::two_sample::{ks_exact, mann_whitney, wasserstein};
//!
//! let (before, after) = ([1.0, 2.0, 3.0, 4.0, 5.0], [4.5, 5.5, 6.5, 7.5, 8.5]);
//! assert!(wasserstein(&before, &after).is_some_and(|distance| (distance - 3.5).abs() < 1e-12));
//! let test = ks_exact(&before, &after).expect("both samples have values");
//! assert!((test.statistic - 0.8).abs() < 1e-12 && test.p_value < 0.1);
//! assert!(mann_whitney(&before, &after).is_some_and(|test| test.p_value < 0.05));
//! assert_eq!(wasserstein(&before, &[] as &[f64]), None);
//! ```

mod bins;
mod contingency;
mod kernel;
mod kolmogorov;
mod location;
mod outcome;
mod rank;
mod sample;
mod transport;

pub use bins::equal_width_counts;
pub use contingency::{
    Proportion, chi_square, cramers_v, fisher_exact, g_statistic, l_infinity, l_infinity_robust,
    proportions,
};
pub use kernel::{median_sigma, mmd2_unbiased};
pub use kolmogorov::{ks_asymptotic, ks_distance, ks_exact, kuiper};
pub use location::{pooled_t, welch_t};
pub use outcome::Test;
pub use rank::{anderson_darling, cramer_von_mises, mann_whitney};
pub use transport::{Weighted, energy, wasserstein};

pub use crate::score::shares::{
    bhattacharyya, hellinger, histogram_intersection, jensen_shannon, kullback_leibler, psi,
    to_shares,
};
