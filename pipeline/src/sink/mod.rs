//! Where results go.

pub mod kafka;
pub mod ndjson;
