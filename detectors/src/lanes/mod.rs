//! Lanes: each is one way of having changed, as a table of log-likelihood ratios against the baseline.

mod alternatives;
pub(crate) mod catalogue;
pub(crate) mod category_mixture;
mod check;
mod estimation_penalty;
mod fixed;
pub(crate) mod kernel;
pub(crate) mod lane;
mod laws;
mod moved;
pub(crate) mod tables;
pub(crate) mod tick;
mod weights;

pub use catalogue::fixed_lanes;
pub(crate) use fixed::Standardization;
pub use kernel::pane_evidence;
pub use lane::{LANES_MAX, Lane};
pub use moved::Moved;
pub(crate) use tables::KnownDependence;
pub use tables::Tables;
