//! Rows that are columns already (Parquet, Arrow IPC): picks the configured ones and brings them to
//! the types of a batch.
//!
//! Strings stay dictionary indices; each distinct value of a dictionary is looked at once. The answers
//! to wrong types are those of the JSON codec. Not here: reading files.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float32Array, Float64Array, RecordBatch, UInt8Array,
    UInt32Array,
};
use arrow::compute::{cast, filter, is_null, nullif};
use arrow::datatypes::{
    DataType, Fields, Float32Type, Float64Type, Int32Type, Int64Type, Schema, SchemaRef, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};

use super::columns::{FLAG_INVALID, FLAG_NULL};
use super::label_reader::{LabelReader, labels_of};
use super::plan::{NodeId, Plan};
use super::record::{Fault, TimeBounds, flag_code};
use super::reject;
use super::time::TimeReader;
use crate::model::{Batch, Column, INVALID_LABEL, Kind, Labels, Limits, NULL_LABEL, Reason};

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

/// What converting needs besides the rows.
pub(crate) struct Context<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) limits: &'a Limits,
    pub(crate) times: &'a mut TimeReader,
    pub(crate) bounds: &'a TimeBounds,
}

impl RowReader {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            places: None,
            keys: plan.keys.iter().map(|_| LabelReader::new()).collect(),
            id: LabelReader::new(),
            metrics: plan.metrics.iter().map(|_| LabelReader::new()).collect(),
        }
    }

    /// The events of `rows`, a few thousand a batch.
    pub(crate) fn read(
        &mut self,
        context: &mut Context<'_>,
        partition: u32,
        first_offset: u64,
        rows: &RecordBatch,
        emit: &mut dyn FnMut(Batch),
    ) {
        for start in (0..rows.num_rows()).step_by(BATCH_ROWS) {
            let part = rows.slice(start, BATCH_ROWS.min(rows.num_rows() - start));
            emit(self.batch(context, partition, first_offset + start as u64, &part));
        }
    }

    /// A batch without events.
    pub(crate) fn empty(&mut self, context: &mut Context<'_>, partition: u32) -> Batch {
        let none = RecordBatch::new_empty(Arc::new(Schema::empty()));
        self.batch(context, partition, 0, &none)
    }

    fn batch(
        &mut self,
        context: &mut Context<'_>,
        partition: u32,
        first_offset: u64,
        rows: &RecordBatch,
    ) -> Batch {
        let plan = context.plan;
        let known = |places: &Places| Arc::ptr_eq(&places.schema, rows.schema_ref());
        if !self.places.as_ref().is_some_and(known) {
            self.places = Some(Places::new(plan, rows.schema()));
        }
        let Self { places, keys, id, metrics } = self;
        let empty = Vec::new();
        let column = |node: NodeId| {
            let places = places.as_ref()?;
            column_at(rows, places.paths.get(usize::from(node)).unwrap_or(&empty))
        };
        let count = rows.num_rows();
        let label_max = context.limits.label_bytes_max;
        let times = read_times(column(plan.time), context.times, count);
        let keys: Vec<Labels> = keys
            .iter_mut()
            .zip(&plan.keys)
            .map(|(reader, &node)| reader.read(column(node), count, label_max))
            .collect();
        let duplicate = places.as_ref().and_then(|places| places.duplicate);
        let mut batch = Batch { partition, ..Batch::default() };
        let mut keep = vec![true; count];
        for (row, keep) in keep.iter_mut().enumerate() {
            let judged = match duplicate {
                Some(node) => {
                    Err(Fault::new(Reason::DuplicateField, plan.node(node).path.as_str()))
                }
                None => judge(plan, context.bounds, times.get(row), &keys, row),
            };
            let offset = first_offset + row as u64;
            match judged {
                Ok(time_us) => {
                    batch.time_us.push(time_us);
                    batch.offsets.push(offset);
                }
                Err(fault) => {
                    *keep = false;
                    batch.rejects.push(reject(fault, partition, offset, b""));
                }
            }
        }
        batch.keys = keys;
        batch.id = plan.id.map(|node| labels_of(id, column(node), count, label_max));
        let columns = metrics.iter_mut().zip(&plan.metrics).map(|(reader, &(node, kind))| {
            let column = column(node);
            match kind {
                Kind::Number => Column::Number(numbers(column, count)),
                Kind::Category => Column::Category(reader.read(column, count, label_max)),
                Kind::Flag => Column::Flag(flags(column, count)),
                Kind::Vector => vectors(column, count, context.limits.vector_len_max),
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
    fn new(plan: &Plan, schema: SchemaRef) -> Self {
        let mut places =
            Self { paths: vec![Vec::new(); plan.len()], duplicate: None, schema: schema.clone() };
        walk(plan, 0, schema.fields(), &mut Vec::new(), &mut |node, path| {
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

/// Calls `found` for each column of a schema that a plan wants, with its place.
fn walk(
    plan: &Plan,
    from: NodeId,
    fields: &Fields,
    path: &mut Vec<usize>,
    found: &mut dyn FnMut(NodeId, &[usize]),
) {
    for (place, field) in fields.iter().enumerate() {
        let Some(node) = plan.child(from, field.name().as_bytes()) else { continue };
        path.push(place);
        if plan.node(node).wanted {
            found(node, path);
        }
        if let DataType::Struct(fields) = field.data_type() {
            walk(plan, node, fields, path, found);
        }
        path.pop();
    }
}

/// Dotted paths of the columns of a schema that a plan wants.
pub(crate) fn wanted_columns(plan: &Plan, schema: &Schema) -> Vec<(NodeId, Vec<usize>)> {
    let mut wanted = Vec::new();
    walk(plan, 0, schema.fields(), &mut Vec::new(), &mut |node, path| {
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
    Some(column)
}

fn judge(
    plan: &Plan,
    bounds: &TimeBounds,
    time: Option<&Time>,
    keys: &[Labels],
    row: usize,
) -> Result<i64, Fault> {
    let time_us = match time {
        Some(Time::At(us)) => bounds.check(*us)?,
        Some(Time::Bad) => {
            return Err(Fault::new(Reason::BadTime, plan.node(plan.time).path.as_str()));
        }
        _ => return Err(Fault::new(Reason::MissingTime, plan.node(plan.time).path.as_str())),
    };
    for (number, (labels, &node)) in keys.iter().zip(&plan.keys).enumerate() {
        match labels.indices.values().get(row) {
            Some(&INVALID_LABEL) => {
                let path = &plan.node(node).path;
                return Err(Fault::new(Reason::BadKey, format!("{path}: no string, or too long")));
            }
            Some(&NULL_LABEL) if number == 0 && plan.model_required => {
                return Err(Fault::new(Reason::MissingModel, plan.node(node).path.as_str()));
            }
            _ => {}
        }
    }
    Ok(time_us)
}

/// One row's time.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Time {
    At(i64),
    Missing,
    Bad,
}

impl Time {
    fn of(us: Option<i64>) -> Self {
        us.map_or(Self::Bad, Self::At)
    }
}

fn read_times(column: Option<ArrayRef>, reader: &mut TimeReader, rows: usize) -> Vec<Time> {
    let Some(column) = column else { return vec![Time::Missing; rows] };
    let mut times: Vec<Time> = match column.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => {
            let times = column.as_primitive::<TimestampSecondType>().values().iter();
            times.map(|time| Time::of(time.checked_mul(1_000_000))).collect()
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            let times = column.as_primitive::<TimestampMillisecondType>().values().iter();
            times.map(|time| Time::of(time.checked_mul(1_000))).collect()
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let times = column.as_primitive::<TimestampMicrosecondType>().values().iter();
            times.map(|&time| Time::At(time)).collect()
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            let times = column.as_primitive::<TimestampNanosecondType>().values().iter();
            times.map(|time| Time::At(time.div_euclid(1_000))).collect()
        }
        DataType::Date32 | DataType::Date64 => {
            let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
            match cast(&column, &micros) {
                Ok(times) => read_times(Some(times), reader, rows),
                Err(_) => vec![Time::Bad; rows],
            }
        }
        kind if kind.is_integer() => match cast(&column, &DataType::Int64) {
            Ok(times) => times
                .as_primitive::<Int64Type>()
                .iter()
                .map(|time| Time::of(time.and_then(|time| reader.integer(time))))
                .collect(),
            Err(_) => vec![Time::Bad; rows],
        },
        // The shortest decimal of a float is what a text format would have held.
        DataType::Float64 => column
            .as_primitive::<Float64Type>()
            .values()
            .iter()
            .map(|time| Time::of(reader.number(&time.to_string())))
            .collect(),
        kind => {
            let decimal = kind.is_numeric();
            match texts(&column) {
                Some(texts) => texts
                    .as_string::<i32>()
                    .iter()
                    .map(|text| {
                        let text = text?;
                        if decimal { reader.number(text) } else { reader.text(text) }
                    })
                    .map(Time::of)
                    .collect(),
                None => vec![Time::Bad; rows],
            }
        }
    };
    if let Some(nulls) = column.logical_nulls().filter(|nulls| nulls.null_count() > 0) {
        for (time, valid) in times.iter_mut().zip(&nulls) {
            if !valid {
                *time = Time::Missing;
            }
        }
    }
    times
}

/// A column as strings, if that makes sense: text, numbers and booleans do, lists and objects do not.
pub(crate) fn texts(column: &ArrayRef) -> Option<ArrayRef> {
    if column.data_type().is_nested() {
        return None;
    }
    cast(column, &DataType::Utf8).ok()
}

/// Whether values of this type are texts, at once or through a dictionary.
fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, values) => is_text(values),
        kind => kind.is_string() || kind.is_binary(),
    }
}

fn numbers(column: Option<ArrayRef>, rows: usize) -> Float64Array {
    let Some(column) = column else { return Float64Array::new_null(rows) };
    let kind = column.data_type();
    let inner = match kind {
        DataType::Dictionary(_, values) => values.as_ref(),
        kind => kind,
    };
    if inner.is_numeric()
        && let Ok(numbers) = cast(&column, &DataType::Float64)
    {
        return numbers.as_primitive::<Float64Type>().clone();
    }
    // Whatever is there is no number.
    Float64Array::new(vec![f64::NAN; rows].into(), column.logical_nulls())
}

fn flags(column: Option<ArrayRef>, rows: usize) -> UInt8Array {
    let Some(column) = column else { return vec![FLAG_NULL; rows].into() };
    let kind = column.data_type();
    let codes: Vec<u8> = if let Some(flags) = column.as_boolean_opt() {
        flags.iter().map(|flag| flag.map_or(FLAG_NULL, u8::from)).collect()
    } else if is_text(kind) {
        let Some(texts) = texts(&column) else { return vec![FLAG_INVALID; rows].into() };
        texts.as_string::<i32>().iter().map(|text| text.map_or(FLAG_NULL, flag_code)).collect()
    } else {
        let code = |number: Option<f64>| match number {
            None => FLAG_NULL,
            Some(0.0) => 0,
            Some(1.0) => 1,
            Some(_) => FLAG_INVALID,
        };
        numbers(Some(column), rows).iter().map(code).collect()
    };
    codes.into()
}

fn vectors(column: Option<ArrayRef>, rows: usize, len_max: usize) -> Column {
    let mut offsets = vec![0];
    let mut values = Vec::new();
    let nulls = column.as_ref().and_then(|column| column.logical_nulls());
    for row in 0..rows {
        if let Some(column) = &column
            && nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row))
        {
            let entries = match column.data_type() {
                DataType::List(_) => Some(column.as_list::<i32>().value(row)),
                DataType::LargeList(_) => Some(column.as_list::<i64>().value(row)),
                DataType::FixedSizeList(..) => Some(column.as_fixed_size_list().value(row)),
                _ => None,
            };
            let entries = entries.filter(|list| (1..=len_max).contains(&list.len()));
            let entries = entries.filter(|list| list.data_type().is_numeric());
            match entries.and_then(|entries| cast(&entries, &DataType::Float32).ok()) {
                Some(entries) => {
                    let entries = entries.as_primitive::<Float32Type>();
                    values.extend(entries.iter().map(|entry| entry.unwrap_or(f32::NAN)));
                }
                None => values.push(f32::NAN),
            }
        }
        offsets.push(values.len() as u32);
    }
    Column::Vector { offsets, values: Float32Array::from(values) }
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

/// Keys and values of a dictionary, as numbers and texts. `known` = its values, if they were read
/// before.
pub(crate) fn dictionary_keys(
    column: &ArrayRef,
    known: Option<ArrayRef>,
) -> Option<(UInt32Array, ArrayRef)> {
    let dictionary = column.as_any_dictionary_opt()?;
    let values = known.or_else(|| texts(dictionary.values()))?;
    let keys = match dictionary.keys().data_type() {
        DataType::Int32 => {
            let keys = dictionary.keys().as_primitive::<Int32Type>();
            let indices: Vec<u32> = keys.values().iter().map(|&key| key as u32).collect();
            UInt32Array::new(indices.into(), keys.nulls().cloned())
        }
        _ => cast(dictionary.keys(), &DataType::UInt32).ok()?.as_primitive().clone(),
    };
    Some((keys, values))
}
