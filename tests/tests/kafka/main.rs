//! A real Apache Kafka broker: the source, the sinks, `driftline run`, and what goes wrong with each.
//!
//! Tests share one broker, each with topics of its own; what stops a broker, or needs one that is set up
//! otherwise, starts its own.

mod broker;
mod commit;
mod crash;
mod faults;
mod input;
mod members;
mod reload;
mod replay;
mod security;
mod sinks;
mod source;
mod state;
mod topics;
mod trouble;
