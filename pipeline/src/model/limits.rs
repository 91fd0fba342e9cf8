//! Bounds that a user may set, in one place. Events and series left out because of one are counted.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::blank::blank_settings;

blank_settings! {
    /// Bounds. `Limits::default()` is those of a config that names none.
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
        /// No limit any more; see [`Retired`].
        pub exemplars_max: Retired<3>,
        /// Files that are read at the same time.
        pub files_open_max: usize,
        /// Bytes of one block that a file source hands to a decoder.
        pub block_bytes: usize,
        /// Rejects that are written out; all are counted.
        pub rejects_written_max: usize,
    }
}

/// A setting that nothing reads any more. It is still written, as the default that it had: the config hash,
/// and so each finding's id, is taken over the serialized settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retired<const DEFAULT: u64>;

impl<const DEFAULT: u64> Serialize for Retired<DEFAULT> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(DEFAULT)
    }
}

impl<'de, const DEFAULT: u64> Deserialize<'de> for Retired<DEFAULT> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::deserialize(deserializer).map(|_| Self)
    }
}
