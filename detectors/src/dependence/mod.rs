//! Dependence of events and ticks: how much less they say than independent ones.

pub(crate) mod design_effect;
pub(crate) mod growth;
pub(crate) mod tail;

pub use design_effect::{Dependence, inflation};
pub use growth::{PooledDependence, VarianceGrowth};
