//! What dependence costs: the tempering of each lane, by the baseline's ticks and by watched ones.

mod codes;
mod span_sums;
mod tempering;
mod ticks;
pub(crate) mod watched;
mod watched_growth;

pub use codes::temper_codes;
pub use tempering::{Tempering, temper, variance_growth};
