//! Bounds that a user may set, in one place. Events and series left out because of one are counted.

use serde::{Deserialize, Serialize};

/// Bounds, with their defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Longest record in bytes; a longer one is rejected.
    pub record_bytes_max: usize,
    /// Deepest nesting of a record.
    pub depth_max: usize,
    /// Longest key, category or id in bytes; a longer category is `invalid`, a longer key a reject.
    pub label_bytes_max: usize,
    /// Longest vector.
    pub vector_len_max: usize,
    /// Series (model, version, segments, metric) that may exist; new ones beyond are refused.
    pub series_max: usize,
    /// Distinct values of a category that are counted while a baseline is learned.
    pub categories_learned_max: usize,
    /// Distinct cells of a number that are kept while a baseline is learned.
    pub cells_learned_max: usize,
    /// Vectors that are kept while a codebook is learned.
    pub vectors_learned_max: usize,
    /// Panes that may be open at once, over all partitions.
    pub panes_open_max: usize,
    /// Without effect; still read, and part of the config hash.
    pub exemplars_max: usize,
    /// Files that are read at the same time.
    pub files_open_max: usize,
    /// Bytes of one block that a file source hands to a decoder.
    pub block_bytes: usize,
    /// Rejects that are written out; all are counted.
    pub rejects_written_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            record_bytes_max: 1 << 20,
            depth_max: 64,
            label_bytes_max: 256,
            vector_len_max: 4096,
            series_max: 100_000,
            categories_learned_max: 2048,
            cells_learned_max: 1024,
            vectors_learned_max: 512,
            panes_open_max: 4096,
            exemplars_max: 3,
            files_open_max: 64,
            block_bytes: 1 << 20,
            rejects_written_max: 1_000_000,
        }
    }
}
