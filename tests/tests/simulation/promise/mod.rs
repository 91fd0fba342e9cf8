//! The promise of the engine, simulated: at most as many false alarms as the budget says.
//!
//! By default a subset that takes a minute; `DRIFTLINE_SIM=full` makes runs longer. All seeds
//! are fixed. Each check is also seen to fail on a version that is wrong.

#![allow(clippy::print_stdout)] // the measured figures are the point of the run

mod fleet;
mod kernel;
mod rare;
mod run_lengths;
mod scalars;
mod together;

/// Whether the long runs were asked for.
fn full() -> bool {
    std::env::var("DRIFTLINE_SIM").is_ok_and(|mode| mode == "full")
}
