//! The first rows of Parquet and Arrow files, into a [`Profile`].

use std::fs::File;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use arrow::error::ArrowError;
use arrow::ipc::reader::{FileReader, StreamReader};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::profile::{Profile, Value};

/// Rows that are read at once.
const BATCH_ROWS: usize = 1024;

/// Reads a Parquet file.
pub(super) fn parquet(file: File, rows_max: u64, profile: &mut Profile) -> Result<(), ArrowError> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)?
        .with_batch_size(BATCH_ROWS)
        .with_limit(rows_max as usize)
        .build()?;
    batches(reader, rows_max, profile)
}

/// Reads an Arrow IPC file or stream.
pub(super) fn arrow(
    file: File,
    begin: &[u8],
    rows_max: u64,
    profile: &mut Profile,
) -> Result<(), ArrowError> {
    if begin.starts_with(b"ARROW1") {
        return batches(FileReader::try_new_buffered(file, None)?, rows_max, profile);
    }
    batches(StreamReader::try_new_buffered(file, None)?, rows_max, profile)
}

fn batches(
    reader: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
    rows_max: u64,
    profile: &mut Profile,
) -> Result<(), ArrowError> {
    for batch in reader {
        let batch = match batch {
            Ok(batch) => batch,
            // A damaged end of a file ends the sample: what came before is a sample, too.
            Err(_) if profile.records > 0 => return Ok(()),
            Err(error) => return Err(error),
        };
        let rows = batch.num_rows().min((rows_max - profile.records) as usize);
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            self::column(field.name(), column, rows, profile)?;
        }
        profile.records += rows as u64;
        if profile.records >= rows_max {
            break;
        }
    }
    Ok(())
}

/// A column whose values are of one of the kinds that a profile knows.
enum Leaf {
    Flags(BooleanArray),
    Numbers(Float64Array),
    Texts(StringArray),
    Times(TimestampMicrosecondArray),
    Lists(ArrayRef, bool),
    Other(ArrayRef),
}

fn column(
    path: &str,
    array: &ArrayRef,
    rows: usize,
    profile: &mut Profile,
) -> Result<(), ArrowError> {
    if path.split('.').any(str::is_empty) {
        return Ok(());
    }
    if let Some(fields) = array.as_struct_opt() {
        for (field, child) in fields.fields().iter().zip(fields.columns()) {
            column(&format!("{path}.{}", field.name()), child, rows, profile)?;
        }
        return Ok(());
    }
    let leaf = leaf(array)?;
    for row in 0..rows {
        profile.observe(path, leaf.value(row));
    }
    Ok(())
}

fn leaf(array: &ArrayRef) -> Result<Leaf, ArrowError> {
    use DataType as T;
    let to = |kind: &DataType| cast(array, kind);
    Ok(match array.data_type() {
        T::Boolean => Leaf::Flags(array.as_boolean().clone()),
        T::Utf8 | T::LargeUtf8 | T::Utf8View => Leaf::Texts(to(&T::Utf8)?.as_string().clone()),
        T::Dictionary(_, value) => return leaf(&to(value)?),
        T::Timestamp(..) | T::Date32 | T::Date64 => {
            let times = to(&T::Timestamp(TimeUnit::Microsecond, None))?;
            Leaf::Times(times.as_primitive().clone())
        }
        kind if kind.is_numeric() => Leaf::Numbers(to(&T::Float64)?.as_primitive().clone()),
        T::List(item) | T::LargeList(item) | T::FixedSizeList(item, _) => {
            Leaf::Lists(array.clone(), item.data_type().is_numeric())
        }
        _ => Leaf::Other(array.clone()),
    })
}

impl Leaf {
    fn value(&self, row: usize) -> Value<'_> {
        match self {
            Self::Flags(flags) if flags.is_valid(row) => Value::Flag(flags.value(row)),
            Self::Numbers(numbers) if numbers.is_valid(row) => Value::Number(numbers.value(row)),
            Self::Texts(texts) if texts.is_valid(row) => Value::Text(texts.value(row)),
            Self::Times(times) if times.is_valid(row) => Value::Time(times.value(row)),
            Self::Lists(lists, true) if lists.is_valid(row) => Value::Vector(length(lists, row)),
            Self::Lists(lists, false) if lists.is_valid(row) => Value::List,
            Self::Other(array) if array.is_valid(row) => Value::List,
            _ => Value::Null,
        }
    }
}

fn length(lists: &ArrayRef, row: usize) -> usize {
    match lists.data_type() {
        DataType::List(_) => lists.as_list::<i32>().value_length(row) as usize,
        DataType::LargeList(_) => lists.as_list::<i64>().value_length(row) as usize,
        _ => lists.as_fixed_size_list().value_length() as usize,
    }
}
