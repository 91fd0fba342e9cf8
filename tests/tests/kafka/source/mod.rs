//! The Kafka source against a real broker: every codec, compaction, transactions, retention, a broker that
//! goes away, groups of members by both protocols.
//!
//! What librdkafka's mock cluster can show is tested beside the source itself.

mod fetching;
mod group;
mod reader;
mod trouble;
