//! The engine: from decoded batches to findings and alerts. Pure and deterministic.
//!
//! Not here: clocks, files, threads, randomness. The same events give the same findings, byte for byte,
//! for any batch size and any interleaving of partitions, because all that is decided is a function of
//! closed panes, taken in the order of their time and of keys.
//!
//! ```text
//! Input::Opened ... Input::Batch ... Input::Closed  ->  Engine::step  ->  Output (findings, alerts)
//!
//! clock -> count -> learn -> chart -> judge -> report       state, rerun
//! ```
//!
//! The rooms stand in the order of events, and none knows one that comes after it, but for `judge`, which
//! calls `report`. What several speak of lies between them: `key`, `series`, `decision`. `machine` is the
//! engine as a whole, `step` its one way of taking an input; a room that does something with all of it does
//! so in an `impl Engine` of its own.

mod chart;
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
mod series;
mod state;
mod step;

pub use counters::Counters;
pub use input::Input;
pub use learn::baselines::BaselineEntry;
pub use learn::library::version_of;
pub use machine::{Engine, SeriesBytes};
pub use output::Output;
pub use report::look::{DistributionView, EvidenceView, SeriesView};
pub use report::progress::SeriesReport;
pub use rerun::record::{RecordLimits, RecordedTicks};
pub use rerun::series_rerun::Rerun;
pub use state::snapshot::SnapshotError;
