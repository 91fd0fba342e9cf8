//! Columns under construction, filled a record at a time; shared by the codecs of text.
//!
//! Not here: what a record's values mean (that is `field_values`). Invariant: between two records all
//! columns have the same length.

use std::mem::take;
use std::sync::Arc;

use arrow::array::{Float32Array, Float64Array, NullBufferBuilder, UInt8Array, UInt32Array};

use super::labels::{Dictionary, string_array};
use super::path_tree::PathTree;
use crate::model::{Batch, Column, Kind, Labels, Reject};

/// Code of a flag that is missing.
pub(crate) const FLAG_NULL: u8 = 2;
/// Code of a flag that is neither true nor false.
pub(crate) const FLAG_INVALID: u8 = 3;

/// A batch in the making.
#[derive(Debug)]
pub(crate) struct Columns {
    pub(crate) time_us: Vec<i64>,
    pub(crate) offsets: Vec<u64>,
    pub(crate) keys: Vec<LabelColumn>,
    pub(crate) id: Option<TextColumn>,
    pub(crate) metrics: Vec<MetricColumn>,
    pub(crate) rejects: Vec<Reject>,
}

/// One metric in the making.
#[derive(Debug)]
pub(crate) enum MetricColumn {
    Number { values: Vec<f64>, valid: NullBufferBuilder },
    Category(LabelColumn),
    Flag(Vec<u8>),
    Vector { offsets: Vec<u32>, values: Vec<f32> },
}

/// Labels in the making.
#[derive(Debug)]
pub(crate) struct LabelColumn {
    pub(crate) indices: Vec<u32>,
    pub(crate) dictionary: Dictionary,
}

/// Texts that rarely repeat: nothing is looked up, each row brings its own value.
#[derive(Debug)]
pub(crate) struct TextColumn {
    pub(crate) indices: Vec<u32>,
    text: String,
    offsets: Vec<i32>,
}

impl Columns {
    pub(crate) fn new(paths: &PathTree) -> Self {
        Self {
            time_us: Vec::new(),
            offsets: Vec::new(),
            keys: paths.keys.iter().map(|_| LabelColumn::new()).collect(),
            id: paths.id.map(|_| TextColumn::new()),
            metrics: paths.metrics.iter().map(|&(_, kind)| MetricColumn::new(kind)).collect(),
            rejects: Vec::new(),
        }
    }

    /// Events so far.
    pub(crate) fn rows(&self) -> usize {
        self.time_us.len()
    }

    /// Forgets the events from `rows` on, for a message that turns out to be bad in its midst. Values
    /// that only they had stay in the dictionaries, where no row points at them.
    #[cold]
    pub(crate) fn truncate(&mut self, rows: usize) {
        self.time_us.truncate(rows);
        self.offsets.truncate(rows);
        self.keys.iter_mut().for_each(|labels| labels.indices.truncate(rows));
        self.id.iter_mut().for_each(|id| id.indices.truncate(rows));
        self.metrics.iter_mut().for_each(|metric| metric.truncate(rows));
    }

    /// The batch so far; starts the next one.
    pub(crate) fn finish(&mut self, partition: u32) -> Batch {
        Batch {
            partition,
            time_us: take(&mut self.time_us),
            offsets: take(&mut self.offsets),
            keys: self.keys.iter_mut().map(LabelColumn::finish).collect(),
            id: self.id.as_mut().map(TextColumn::finish),
            metrics: self.metrics.iter_mut().map(MetricColumn::finish).collect(),
            rejects: take(&mut self.rejects),
        }
    }
}

impl MetricColumn {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Number => Self::Number { values: Vec::new(), valid: NullBufferBuilder::new(0) },
            Kind::Category => Self::Category(LabelColumn::new()),
            Kind::Flag => Self::Flag(Vec::new()),
            Kind::Vector => Self::Vector { offsets: vec![0], values: Vec::new() },
        }
    }

    fn truncate(&mut self, rows: usize) {
        match self {
            Self::Number { values, valid } => {
                values.truncate(rows);
                valid.truncate(rows);
            }
            Self::Category(labels) => labels.indices.truncate(rows),
            Self::Flag(codes) => codes.truncate(rows),
            Self::Vector { offsets, values } => {
                offsets.truncate(rows + 1);
                values.truncate(offsets.last().map_or(0, |&end| end as usize));
            }
        }
    }

    fn finish(&mut self) -> Column {
        match self {
            Self::Number { values, valid } => {
                Column::Number(Float64Array::new(take(values).into(), valid.finish()))
            }
            Self::Category(labels) => Column::Category(labels.finish()),
            Self::Flag(codes) => Column::Flag(UInt8Array::from(take(codes))),
            Self::Vector { offsets, values } => Column::Vector {
                offsets: std::mem::replace(offsets, vec![0]),
                values: Float32Array::from(take(values)),
            },
        }
    }
}

impl LabelColumn {
    pub(crate) fn new() -> Self {
        Self { indices: Vec::new(), dictionary: Dictionary::new() }
    }

    #[inline]
    pub(crate) fn push(&mut self, value: &str) {
        self.indices.push(self.dictionary.intern(value));
    }

    fn finish(&mut self) -> Labels {
        Labels {
            indices: UInt32Array::from(take(&mut self.indices)),
            values: self.dictionary.share(),
        }
    }
}

impl TextColumn {
    fn new() -> Self {
        Self { indices: Vec::new(), text: String::new(), offsets: vec![0] }
    }

    #[inline]
    pub(crate) fn push(&mut self, value: &str) {
        self.indices.push(self.offsets.len() as u32 - 1);
        self.text.push_str(value);
        self.offsets.push(self.text.len() as i32);
    }

    fn finish(&mut self) -> Labels {
        let values =
            string_array(take(&mut self.text), std::mem::replace(&mut self.offsets, vec![0]));
        Labels { indices: UInt32Array::from(take(&mut self.indices)), values: Arc::new(values) }
    }
}
