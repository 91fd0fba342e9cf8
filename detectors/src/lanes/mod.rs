//! Lanes: each is one way of having changed, as a table of log-likelihood ratios against the baseline.

pub mod catalogue;
mod check;
pub mod kernel;
pub mod lane;
mod laws;
pub(crate) mod single_category;
pub mod slack;
pub mod tables;
pub(crate) mod tick;
mod weights;

pub use catalogue::fixed_lanes;
pub use kernel::pane_evidence;
pub use lane::{LANES_MAX, Lane};
pub use slack::Slack;
pub use tables::Tables;
