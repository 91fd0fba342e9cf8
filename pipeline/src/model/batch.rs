//! A batch of decoded events: Arrow columns of the configured paths, nothing else.
//!
//! Not here: any decision about an event. A batch keeps the order of its input.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, Float32Array, Float64Array, StringArray, UInt8Array, UInt32Array};

use super::reject::Reject;

/// Index in [`Labels::indices`] of a value that was missing or null.
pub const NULL_LABEL: u32 = u32::MAX;
/// Index in [`Labels::indices`] of a value of the wrong type (an object or array) or over the limit.
pub const INVALID_LABEL: u32 = u32::MAX - 1;

/// Bytes as a source hands them over: whole records of one partition, in order.
#[derive(Debug, Clone)]
pub struct RawBatch {
    /// Input partition, a file or a Kafka partition, numbered by the source.
    pub partition: u32,
    /// Number of the first record in its partition, from 0.
    pub first_offset: u64,
    /// Whole records; for NDJSON, lines with their newlines (the last may lack one).
    pub bytes: Vec<u8>,
}

/// Decoded events. All columns have `rows()` entries.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Input partition that the events came from.
    pub partition: u32,
    /// Event time in microseconds since 1970-01-01T00:00:00Z.
    pub time_us: Vec<i64>,
    /// Number of each event in its partition, from 0: where a reject or an exemplar points to.
    pub offsets: Vec<u64>,
    /// One column per key field of the layout: model, version, segments.
    pub keys: Vec<Labels>,
    /// The event's own id, where the layout names one.
    pub id: Option<Labels>,
    /// One column per metric of the layout, in its order.
    pub metrics: Vec<Column>,
    /// Records of this batch that could not be read.
    pub rejects: Vec<Reject>,
}

impl Batch {
    /// Number of events.
    pub fn rows(&self) -> usize {
        self.time_us.len()
    }
}

impl Batch {
    /// Some of its rows, in their order, without its rejects.
    pub fn slice(&self, rows: Range<usize>) -> Self {
        let (from, len) = (rows.start, rows.len());
        let column = |column: &Column| match column {
            Column::Number(array) => Column::Number(array.slice(from, len)),
            Column::Flag(array) => Column::Flag(array.slice(from, len)),
            Column::Category(labels) => Column::Category(labels.slice(from, len)),
            Column::Vector { offsets, values } => {
                let first = offsets[from];
                let entries = (offsets[from + len] - first) as usize;
                Column::Vector {
                    offsets: offsets[from..=from + len].iter().map(|at| at - first).collect(),
                    values: values.slice(first as usize, entries),
                }
            }
        };
        Self {
            partition: self.partition,
            time_us: self.time_us[rows.clone()].to_vec(),
            offsets: self.offsets[rows].to_vec(),
            keys: self.keys.iter().map(|labels| labels.slice(from, len)).collect(),
            id: self.id.as_ref().map(|labels| labels.slice(from, len)),
            metrics: self.metrics.iter().map(column).collect(),
            rejects: Vec::new(),
        }
    }
}

/// Strings as indices into the distinct values of this batch.
#[derive(Debug, Clone)]
pub struct Labels {
    /// Row to value; [`NULL_LABEL`] or [`INVALID_LABEL`] where there is none. No Arrow nulls.
    pub indices: UInt32Array,
    /// Distinct values. May hold more than the rows use (a Parquet dictionary), and is cheap to share.
    pub values: Arc<StringArray>,
}

impl Column {
    /// How many rows have no value: null, and invalid.
    pub fn absent(&self) -> (u64, u64) {
        match self {
            Self::Category(labels) => labels.absent(),
            Self::Number(numbers) => {
                let invalid = numbers.iter().flatten().filter(|number| !number.is_finite()).count();
                (numbers.null_count() as u64, invalid as u64)
            }
            Self::Flag(flags) => {
                let count =
                    |wanted| flags.values().iter().filter(|flag| **flag == wanted).count() as u64;
                (count(2), count(3))
            }
            Self::Vector { offsets, values } => {
                let mut counts = (0, 0);
                for row in offsets.windows(2) {
                    let [start, end] = [row[0] as usize, row[1] as usize];
                    let entries = values.values().get(start..end).unwrap_or(&[]);
                    counts.0 += u64::from(entries.is_empty());
                    counts.1 += u64::from(entries.iter().any(|entry| !entry.is_finite()));
                }
                counts
            }
        }
    }
}

impl Labels {
    /// How many rows have no label: null, and invalid.
    pub fn absent(&self) -> (u64, u64) {
        let count = |wanted| self.indices.values().iter().filter(|at| **at == wanted).count();
        (count(NULL_LABEL) as u64, count(INVALID_LABEL) as u64)
    }

    fn slice(&self, from: usize, len: usize) -> Self {
        Self { indices: self.indices.slice(from, len), values: Arc::clone(&self.values) }
    }
}

/// The values of one metric.
#[derive(Debug, Clone)]
pub enum Column {
    /// Arrow null = missing; NaN or infinite = invalid (wrong type, NaN, out of range).
    Number(Float64Array),
    /// A category.
    Category(Labels),
    /// 0 false, 1 true, 2 null, 3 invalid: already the codes of the flag encoder.
    Flag(UInt8Array),
    /// Vectors, one after the other: row `i` is `values[offsets[i]..offsets[i + 1]]`. Empty = null; a
    /// vector with a non-finite entry or another length than the layout says is invalid.
    Vector {
        /// `rows + 1` offsets into `values`.
        offsets: Vec<u32>,
        /// All entries.
        values: Float32Array,
    },
}
