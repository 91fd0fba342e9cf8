//! The engine: from decoded batches to findings and alerts. Pure and deterministic.
//!
//! Not here: clocks, files, threads, randomness. The same events give the same findings, byte for byte,
//! for any batch size and any interleaving of partitions, because all that is decided is a function of
//! closed panes, taken in the order of their time and of keys.
//!
//! ```text
//! Input::Opened ... Input::Batch ... Input::Closed  ->  Engine::step  ->  Output (findings, alerts)
//!
//! clock -> count -> learn -> judge -> report       state, rerun
//! ```
//!
//! The rooms stand in the order of events. What more than one of them speaks of lies between them: `key`,
//! `series`, `decision`. `machine` is the engine as a whole, `step` its one way of taking an input.

mod clock;
mod count;
mod counters;
mod decision;
mod input;
mod judge;
mod key;
mod learn;
mod machine;
mod output;
mod report;
mod rerun;
mod resolution;
mod series;
mod state;
mod step;

pub use counters::Counters;
pub use input::Input;
pub use learn::baselines::BaselineEntry;
pub use learn::library::version_of;
pub use machine::Engine;
pub use output::Output;
pub use report::look::{Counted, Look, Scored};
pub use report::progress::SeriesReport;
pub use rerun::record::{Record, RecordLimits};
pub use rerun::series_rerun::Rerun;
pub use state::snapshot::SnapshotError;
