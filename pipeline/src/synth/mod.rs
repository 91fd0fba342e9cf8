//! Labelled synthetic inference telemetry, and scoring of findings against its truth.
//!
//! A [`Plan`] with its seed decides every byte: no clock, no thread. Each event has a random stream of
//! its own, so a drift of one model leaves the events of all others as they were.

pub mod arrivals;
pub mod dataset;
pub mod drift;
mod drift_text;
pub mod effects;
pub mod evaluate;
pub mod event;
pub mod fleet;
pub mod generator;
pub mod plan;
pub mod results;
pub mod truth;
pub mod vocabulary;
pub mod write;

#[cfg(test)]
mod tests;

pub use drift::{Drift, DriftKind};
pub use event::{Event, METRICS, Metric, Slot};
pub use generator::Generator;
pub use plan::{Plan, PlanError};
pub use truth::Truth;
pub use vocabulary::Vocabulary;
