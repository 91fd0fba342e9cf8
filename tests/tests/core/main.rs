//! The engine and the statistics, in memory: what is found, what does not matter for it, what it costs.

mod alerts;
mod arl;
mod carry_over;
mod categories;
mod conformance;
mod detector_contract;
mod determinism;
mod embed_engine;
mod fleet;
mod limits;
mod rerun;
mod siblings;
mod told;
mod versions;
mod worse;
