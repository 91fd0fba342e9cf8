//! What names a group and a series.

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

/// Dense number of a group; in the order of admission, never in an output.
pub(crate) type GroupId = u32;

/// Model, version, segments: as strings, in the order of the layout's keys. Empty = missing.
pub(crate) type Key = Arc<[String]>;

/// Dense number of a model's charts; as that of a group, never in an output.
pub(crate) type ChartsId = u32;

/// Which watched series it is. In this order findings of one pane are made: charts first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SeriesId {
    /// Of a model's charts, by its place there.
    Chart { charts: ChartsId, place: u16 },
    /// Of a group, by its metric.
    Metric { group: GroupId, metric: u16 },
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
