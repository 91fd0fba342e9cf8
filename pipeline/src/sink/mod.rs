//! Where results go.

pub mod ndjson;
