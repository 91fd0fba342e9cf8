//! Where results go: the door for sinks, and those behind it.
//!
//! [`Sink`] is the contract, [`SINKS`] the table. What the table says of a sink is all that config, `check`,
//! status, metrics and documentation know of it. Not here: what is found, and when an epoch is cut.
//!
//! ```text
//! flow --Epoch--> committer --> EpochSink (Kafka)            decides what is committed
//!   |                              |
//!   |<------- Outcome -------------+
//!   +-- OutputRecord, once its epoch is committed --> Follower: queue, retries --> FollowingSink
//!
//! replay -- OutputRecord --> FileSink (NDJSON)
//! ```

mod contract;
pub mod follower;
pub mod kafka;
pub mod lines;
pub mod ndjson;
mod spec;
mod table;

pub use contract::{EpochSink, FileSink, FollowingSink, Lost, Refusal, Sink};
pub use spec::{Checked, Role, SinkOption, SinkSpec, Takes};
pub use table::{SINKS, add, all, files, following};
