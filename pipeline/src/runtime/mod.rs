//! Orchestration: the only place with threads. Sources, decoders, the engine and sinks meet here.

mod feed;
pub mod live;
pub mod replay;
pub mod topic_replay;
pub mod tune;
