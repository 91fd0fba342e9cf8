//! Dependence of events and ticks: how much less they tell than independent ones.

pub mod design_effect;
pub mod growth;
pub(crate) mod tail;

pub use design_effect::{Dependence, inflation};
pub use growth::{Siblings, Spans};
