//! Run lengths of charts, exactly: how many observations a chart takes on average until it alarms,
//! and the threshold that a wanted run length needs.
//!
//! All are *zero-state* run lengths: the chart starts fresh, and the first observation counts as 1.
//! Observations are independent and follow the stated law; dependence, heavy tails or an estimated
//! baseline shorten the real run length, often by much. No simulation: integral equations for
//! Gaussian charts, Markov chains on the lattice for counts.
//!
//! Invariant: a function of its arguments alone, the same bits on every platform. A chart whose
//! parameters make no sense (NaN, negative, zero) has run length NaN.
//! ```
//! use driftline_detectors::arl;
//!
//! // Montgomery's CUSUM with k = 1/2 and h = 5: 465 values to a false alarm, 10.4 to one for a shift of 1.
//! assert!((arl::cusum(0.5, 5.0, 0.0, 0.0) - 465.4).abs() < 0.1);
//! assert!((arl::cusum(0.5, 5.0, 0.0, 1.0) - 10.38).abs() < 0.01);
//! // The threshold for a false alarm every 10,000 values, and the delay that it costs.
//! let h = arl::cusum_threshold(0.5, 10_000.0);
//! assert!((arl::cusum(0.5, h, 0.0, 0.0) / 10_000.0 - 1.0).abs() < 1e-6);
//! assert!(arl::cusum(0.5, h, 0.0, 1.0) < 17.0);
//! ```

mod cusum;
mod discrete;
mod ewma;
mod lattice;
mod linear;
mod quadrature;
mod search;
mod shewhart;

pub use cusum::{
    cusum, cusum_one_sided, cusum_steady_state_delay, cusum_threshold, cusum_threshold_one_sided,
    siegmund, siegmund_one_sided,
};
pub use discrete::{Atom, discrete_cusum, discrete_cusum_threshold};
pub use ewma::{ewma, ewma_limit};
pub use lattice::{bernoulli_cusum, bernoulli_cusum_threshold, poisson_cusum};
pub use shewhart::{shewhart, shewhart_limit};
