//! How to talk to brokers: client configs, error words, cluster queries.
//!
//! Not here: what is read (`source::kafka`) and what is written (`sink::kafka`). No call of this module
//! waits without a bound, and no text of it carries a secret.

pub mod admin;
pub mod client;
pub mod cluster;
mod codes;
mod crash;
pub mod fault;
mod token;

pub use cluster::Cluster;
pub use crash::{crash_point, crash_soon, panic_point};
pub use fault::{Doing, KafkaFault};
