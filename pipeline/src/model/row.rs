//! One event as owned values: what is held back by a clock, kept in a snapshot, or built by a test.

use std::sync::Arc;

use arrow::array::{Array, Float32Array, Float64Array, StringArray, UInt8Array, UInt32Array};
use serde::{Deserialize, Serialize};

use super::batch::{Batch, Column, INVALID_LABEL, Labels, NULL_LABEL};
use super::layout::Kind;

/// A value of any kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// Missing.
    Null,
    /// Not readable as the metric's kind.
    Invalid,
    /// A number.
    Number(f64),
    /// A category or key.
    Label(String),
    /// A flag.
    Flag(bool),
    /// A vector.
    Vector(Vec<f32>),
}

/// One event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Event time, microseconds since 1970.
    pub time_us: i64,
    /// Number of the record in its partition.
    pub offset: u64,
    /// Values of the key fields.
    pub keys: Vec<Value>,
    /// The event's own id.
    pub id: Option<String>,
    /// Values of the metrics.
    pub metrics: Vec<Value>,
}

impl Batch {
    /// A copy of one event.
    ///
    /// # Panics
    /// Where there is no such row.
    pub fn row(&self, row: usize) -> Row {
        Row {
            time_us: self.time_us[row],
            offset: self.offsets[row],
            keys: self.keys.iter().map(|labels| labels.value(row)).collect(),
            id: self.id.as_ref().and_then(|labels| match labels.value(row) {
                Value::Label(id) => Some(id),
                _ => None,
            }),
            metrics: self.metrics.iter().map(|column| column.value(row)).collect(),
        }
    }

    /// A batch of owned events. `kinds`: one a metric.
    pub fn from_rows(partition: u32, rows: &[Row], kinds: &[Kind]) -> Batch {
        let keys = rows.first().map_or(0, |row| row.keys.len());
        let column = |m: usize, kind: Kind| match kind {
            Kind::Number => {
                Column::Number(Float64Array::from_iter(rows.iter().map(|r| match r.metrics[m] {
                    Value::Null => None,
                    Value::Number(x) => Some(x),
                    _ => Some(f64::NAN),
                })))
            }
            Kind::Category => {
                Column::Category(Labels::from_values(rows.iter().map(|r| &r.metrics[m])))
            }
            Kind::Flag => Column::Flag(UInt8Array::from_iter_values(rows.iter().map(|r| {
                match r.metrics[m] {
                    Value::Flag(flag) => u8::from(flag),
                    Value::Null => 2,
                    _ => 3,
                }
            }))),
            Kind::Vector => {
                let (mut offsets, mut values) = (vec![0], Vec::new());
                for row in rows {
                    match &row.metrics[m] {
                        Value::Vector(v) => values.extend_from_slice(v),
                        Value::Null => {}
                        _ => values.push(f32::NAN),
                    }
                    offsets.push(values.len() as u32);
                }
                Column::Vector { offsets, values: Float32Array::from(values) }
            }
        };
        Batch {
            partition,
            time_us: rows.iter().map(|r| r.time_us).collect(),
            offsets: rows.iter().map(|r| r.offset).collect(),
            keys: (0..keys).map(|k| Labels::from_values(rows.iter().map(|r| &r.keys[k]))).collect(),
            id: Some(Labels::from_values(
                rows.iter()
                    .map(|r| r.id.clone().map_or(Value::Null, Value::Label))
                    .collect::<Vec<_>>()
                    .iter(),
            )),
            metrics: kinds.iter().enumerate().map(|(m, kind)| column(m, *kind)).collect(),
            rejects: Vec::new(),
        }
    }
}

impl Labels {
    /// The value of a row.
    pub fn value(&self, row: usize) -> Value {
        match self.indices.value(row) {
            NULL_LABEL => Value::Null,
            INVALID_LABEL => Value::Invalid,
            index => Value::Label(self.values.value(index as usize).to_string()),
        }
    }

    fn from_values<'a>(values: impl Iterator<Item = &'a Value>) -> Labels {
        let mut distinct: Vec<String> = Vec::new();
        let indices: Vec<u32> = values
            .map(|value| match value {
                Value::Null => NULL_LABEL,
                Value::Label(label) => match distinct.iter().position(|d| d == label) {
                    Some(at) => at as u32,
                    None => {
                        distinct.push(label.clone());
                        distinct.len() as u32 - 1
                    }
                },
                _ => INVALID_LABEL,
            })
            .collect();
        Labels {
            indices: UInt32Array::from(indices),
            values: Arc::new(StringArray::from(distinct)),
        }
    }
}

impl Column {
    /// The value of a row.
    pub fn value(&self, row: usize) -> Value {
        match self {
            Column::Number(array) if array.is_null(row) => Value::Null,
            Column::Number(array) if array.value(row).is_finite() => {
                Value::Number(array.value(row))
            }
            Column::Number(_) => Value::Invalid,
            Column::Category(labels) => labels.value(row),
            Column::Flag(array) => match array.value(row) {
                0 => Value::Flag(false),
                1 => Value::Flag(true),
                2 => Value::Null,
                _ => Value::Invalid,
            },
            Column::Vector { offsets, values } => {
                match &values.values()[offsets[row] as usize..offsets[row + 1] as usize] {
                    [] => Value::Null,
                    v if v.iter().all(|x| x.is_finite()) => Value::Vector(v.to_vec()),
                    _ => Value::Invalid,
                }
            }
        }
    }
}
