//! What names a group and a series.

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

/// Dense number of a group; in the order of admission, never in an output.
pub(crate) type GroupId = u32;

/// Model, version, segments: as strings, in the order of the layout's keys. Empty = missing.
pub(crate) type Key = Arc<[String]>;

/// Where a watched series is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// Stem, and number in it.
    Scalar(u32, u16),
    /// Group, and metric.
    Metric(GroupId, u16),
}

/// Hash of a key: who is kept at the limit.
pub(crate) fn key_hash(key: &[String]) -> u64 {
    let mut bytes = Vec::new();
    for part in key {
        bytes.extend_from_slice(part.as_bytes());
        bytes.push(0xff);
    }
    xxh3_64(&bytes)
}
