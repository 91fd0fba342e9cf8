//! Driftline: drift and anomaly detection over AI inference telemetry.
//!
//! Data goes one way: `source -> decode -> encode -> count -> score -> decide -> emit`. Everything
//! between `codec` and `sink` is the pure [`engine`]; see `ARCHITECTURE.md`.

pub mod cli;
pub mod codec;
pub mod config;
pub mod engine;
pub mod http;
pub mod kafka;
pub mod model;
pub mod plot;
pub mod runtime;
pub mod sink;
pub mod source;
pub mod state;
pub mod synth;
pub mod telemetry;
