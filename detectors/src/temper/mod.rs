//! What dependence costs: the tempering of each lane, from the baseline's ticks and from those that are
//! watched.

pub mod codes;
pub(crate) mod span_sums;
pub mod tempering;
mod ticks;
pub(crate) mod watched;
mod watched_growth;

pub use codes::temper_codes;
pub use tempering::{Tempering, spans, temper};
