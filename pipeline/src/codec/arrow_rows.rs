//! Rows that are columns already (Parquet, Arrow IPC): picks the configured ones and brings them to
//! the types of a batch.
//!
//! Strings stay dictionary indices; each distinct value of a dictionary is looked at once. The answers
//! to wrong types are those of the JSON codec. Not here: reading files.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float32Array, RecordBatch};
use arrow::compute::{filter, is_null, nullif};
use arrow::datatypes::{DataType, Fields, Schema, SchemaRef};

use super::arrow_metrics::{flags, numbers, vectors};
use super::arrow_text::without_runs;
use super::arrow_times::{RowTime, read_times};
use super::bad_record::BadRecord;
use super::label_reader::{LabelReader, labels_of};
use super::path_tree::{NodeId, PathTree};
use super::rules::{Rules, TimeBounds};
use crate::model::{Batch, Column, INVALID_LABEL, Kind, Labels, NULL_LABEL, Reason};

/// Rows that are converted at once.
pub(crate) const BATCH_ROWS: usize = 1 << 13;

/// Where the wanted columns stand in one schema.
#[derive(Debug)]
struct Places {
    schema: SchemaRef,
    /// By node: positions from the outermost column inwards; empty = not there.
    paths: Vec<Vec<usize>>,
    duplicate: Option<NodeId>,
}

/// Converts record batches; remembers dictionaries.
#[derive(Debug)]
pub(crate) struct RowReader {
    places: Option<Places>,
    keys: Vec<LabelReader>,
    id: LabelReader,
    metrics: Vec<LabelReader>,
}

impl RowReader {
    pub(crate) fn new(paths: &PathTree) -> Self {
        Self {
            places: None,
            keys: paths.keys.iter().map(|_| LabelReader::new()).collect(),
            id: LabelReader::new(),
            metrics: paths.metrics.iter().map(|_| LabelReader::new()).collect(),
        }
    }

    /// The events of `rows`, a few thousand a batch.
    pub(crate) fn read(
        &mut self,
        rules: &mut Rules,
        partition: u32,
        first_offset: u64,
        rows: &RecordBatch,
        emit: &mut dyn FnMut(Batch),
    ) {
        for start in (0..rows.num_rows()).step_by(BATCH_ROWS) {
            let part = rows.slice(start, BATCH_ROWS.min(rows.num_rows() - start));
            emit(self.batch(rules, partition, first_offset + start as u64, &part));
        }
    }

    /// A batch without events.
    pub(crate) fn empty(&mut self, rules: &mut Rules, partition: u32) -> Batch {
        let none = RecordBatch::new_empty(Arc::new(Schema::empty()));
        self.batch(rules, partition, 0, &none)
    }

    fn batch(
        &mut self,
        rules: &mut Rules,
        partition: u32,
        first_offset: u64,
        rows: &RecordBatch,
    ) -> Batch {
        let Rules { paths, limits, times, bounds } = rules;
        let paths: &PathTree = paths;
        let known = |places: &Places| Arc::ptr_eq(&places.schema, rows.schema_ref());
        if !self.places.as_ref().is_some_and(known) {
            self.places = Some(Places::new(paths, rows.schema()));
        }
        let Self { places, keys, id, metrics } = self;
        let empty = Vec::new();
        let column = |node: NodeId| {
            let places = places.as_ref()?;
            column_at(rows, places.paths.get(usize::from(node)).unwrap_or(&empty))
        };
        let count = rows.num_rows();
        let label_max = limits.label_bytes_max;
        let times = read_times(column(paths.time), times, count);
        let keys: Vec<Labels> = keys
            .iter_mut()
            .zip(&paths.keys)
            .map(|(reader, &node)| reader.read(column(node), count, label_max))
            .collect();
        let duplicate = places.as_ref().and_then(|places| places.duplicate);
        let mut batch = Batch { partition, ..Batch::default() };
        let mut keep = vec![true; count];
        for (row, keep) in keep.iter_mut().enumerate() {
            let judged = match duplicate {
                Some(node) => {
                    Err(BadRecord::new(Reason::DuplicateField, paths.node(node).path.as_str()))
                }
                None => judge(paths, bounds, times.get(row), &keys, row),
            };
            let offset = first_offset + row as u64;
            match judged {
                Ok(time_us) => {
                    batch.time_us.push(time_us);
                    batch.offsets.push(offset);
                }
                Err(bad) => {
                    *keep = false;
                    batch.rejects.push(bad.into_reject(partition, offset, b""));
                }
            }
        }
        batch.keys = keys;
        batch.id = paths.id.map(|node| labels_of(id, column(node), count, label_max));
        let columns = metrics.iter_mut().zip(&paths.metrics).map(|(reader, &(node, kind))| {
            let column = column(node);
            match kind {
                Kind::Number => Column::Number(numbers(column, count)),
                Kind::Category => Column::Category(reader.read(column, count, label_max)),
                Kind::Flag => Column::Flag(flags(column, count)),
                Kind::Vector => vectors(column, count, limits.vector_len_max),
            }
        });
        batch.metrics = columns.collect();
        if batch.rows() < count {
            retain(&mut batch, &keep);
        }
        batch
    }
}

impl Places {
    fn new(paths: &PathTree, schema: SchemaRef) -> Self {
        let mut places =
            Self { paths: vec![Vec::new(); paths.len()], duplicate: None, schema: schema.clone() };
        walk(paths, 0, schema.fields(), &mut Vec::new(), &mut |node, path| {
            let Some(place) = places.paths.get_mut(usize::from(node)) else { return };
            if place.is_empty() {
                *place = path.to_vec();
            } else {
                places.duplicate = Some(node);
            }
        });
        places
    }
}

/// Calls `found` for each column of a schema that a paths wants, with its place.
fn walk(
    paths: &PathTree,
    from: NodeId,
    fields: &Fields,
    path: &mut Vec<usize>,
    found: &mut dyn FnMut(NodeId, &[usize]),
) {
    for (place, field) in fields.iter().enumerate() {
        let Some(node) = paths.child(from, field.name().as_bytes()) else { continue };
        path.push(place);
        if paths.node(node).wanted {
            found(node, path);
        }
        if let DataType::Struct(fields) = field.data_type() {
            walk(paths, node, fields, path, found);
        }
        path.pop();
    }
}

/// Dotted paths of the columns of a schema that a paths wants.
pub(crate) fn wanted_columns(paths: &PathTree, schema: &Schema) -> Vec<(NodeId, Vec<usize>)> {
    let mut wanted = Vec::new();
    walk(paths, 0, schema.fields(), &mut Vec::new(), &mut |node, path| {
        wanted.push((node, path.to_vec()));
    });
    wanted
}

/// The column at a place; a null object makes its fields null.
fn column_at(rows: &RecordBatch, path: &[usize]) -> Option<ArrayRef> {
    let (&first, inner) = path.split_first()?;
    let mut column = Arc::clone(rows.columns().get(first)?);
    for &place in inner {
        let outer = column.as_struct_opt()?;
        let field = Arc::clone(outer.columns().get(place)?);
        column = match outer.null_count() {
            0 => field,
            _ => nullif(&field, &is_null(&column)).ok()?,
        };
    }
    Some(without_runs(column))
}

fn judge(
    paths: &PathTree,
    bounds: &TimeBounds,
    time: Option<&RowTime>,
    keys: &[Labels],
    row: usize,
) -> Result<i64, BadRecord> {
    let time_us = match time {
        Some(RowTime::At(us)) => bounds.check(*us)?,
        Some(RowTime::Bad) => {
            return Err(BadRecord::new(Reason::BadTime, paths.node(paths.time).path.as_str()));
        }
        _ => return Err(BadRecord::new(Reason::MissingTime, paths.node(paths.time).path.as_str())),
    };
    for (number, (labels, &node)) in keys.iter().zip(&paths.keys).enumerate() {
        match labels.indices.values().get(row) {
            Some(&INVALID_LABEL) => {
                let path = &paths.node(node).path;
                return Err(BadRecord::new(
                    Reason::BadKey,
                    format!("{path}: no string, or too long"),
                ));
            }
            Some(&NULL_LABEL) if number == 0 && paths.model_required => {
                return Err(BadRecord::new(Reason::MissingModel, paths.node(node).path.as_str()));
            }
            _ => {}
        }
    }
    Ok(time_us)
}

/// Leaves out the rows that were rejected; `time_us` and `offsets` lack them already.
fn retain(batch: &mut Batch, keep: &[bool]) {
    let mask = BooleanArray::from(keep.to_vec());
    let labels = |labels: &mut Labels| labels.indices = kept(&labels.indices, &mask);
    batch.keys.iter_mut().chain(&mut batch.id).for_each(labels);
    for column in &mut batch.metrics {
        match column {
            Column::Number(numbers) => *numbers = kept(numbers, &mask),
            Column::Category(labels) => labels.indices = kept(&labels.indices, &mask),
            Column::Flag(codes) => *codes = kept(codes, &mask),
            Column::Vector { offsets, values } => {
                let (mut new_offsets, mut new_values) = (vec![0], Vec::new());
                for (span, _) in offsets.windows(2).zip(keep).filter(|(_, keep)| **keep) {
                    if let &[from, to] = span {
                        new_values.extend_from_slice(&values.values()[from as usize..to as usize]);
                    }
                    new_offsets.push(new_values.len() as u32);
                }
                *offsets = new_offsets;
                *values = Float32Array::from(new_values);
            }
        }
    }
}

/// An array without the rows that were rejected.
fn kept<A: Array + Clone + 'static>(array: &A, mask: &BooleanArray) -> A {
    let filtered = filter(array, mask).expect("a mask of the same length");
    filtered.as_any().downcast_ref::<A>().expect("the same type").clone()
}
