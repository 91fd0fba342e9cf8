//! Samples of Parquet and Arrow files: every column with its values.

use std::fs::File;
use std::io::BufReader;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use arrow::error::ArrowError;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::{ProjectionMask, parquet_to_arrow_field_levels};

use super::arrow_file::ArrowFile;
use super::arrow_stream::ArrowStream;
use super::arrow_text::{is_text, texts, without_runs};
use super::block::OpenFile;
use super::group_rows::GroupRows;
use super::guard::guarded;
use super::parquet_footer::read_footer;
use super::sample::{Sample, SampleFault, SampleValue, is_path};

/// Reads up to `rows_max` rows of a Parquet file.
pub(crate) fn parquet(
    file: &OpenFile,
    rows_max: u64,
    sample: &mut dyn Sample,
) -> Result<(), SampleFault> {
    behind_wall(file, |opened| {
        let mut opened = opened;
        let footer = Arc::new(read_footer(&mut opened)?);
        let plain = ArrowReaderMetadata::try_new(Arc::clone(&footer), ArrowReaderOptions::new())?;
        let (all, hint) = (ProjectionMask::all(), plain.schema().fields());
        let levels = parquet_to_arrow_field_levels(plain.parquet_schema(), all, Some(hint))?;
        let (file, levels) = (Arc::new(opened), Arc::new(levels));
        for group in 0..footer.num_row_groups() {
            let (file, levels) = (Arc::clone(&file), Arc::clone(&levels));
            let mut rows = GroupRows::new(file, &footer, group, levels)?;
            let next = std::iter::from_fn(|| rows.next().map_err(ArrowError::from).transpose());
            batches(next, rows_max, sample)?;
            if sample.records() >= rows_max {
                break;
            }
        }
        Ok(())
    })
}

/// Reads up to `rows_max` rows of an Arrow IPC file or stream.
pub(crate) fn arrow(
    file: &OpenFile,
    rows_max: u64,
    sample: &mut dyn Sample,
) -> Result<(), SampleFault> {
    behind_wall(file, |opened| {
        if let Some(mut rows) = ArrowFile::open(&file.path)? {
            let next = std::iter::from_fn(|| rows.next().map_err(ArrowError::from).transpose());
            return batches(next.map(|next| next.map(|(rows, _)| rows)), rows_max, sample);
        }
        let mut rows = ArrowStream::new(BufReader::new(opened));
        let next = std::iter::from_fn(|| rows.next().map_err(ArrowError::from).transpose());
        batches(next.map(|next| next.map(|(rows, _)| rows)), rows_max, sample)
    })
}

/// Reads a file with code of others, which may panic on its content.
fn behind_wall(
    file: &OpenFile,
    read: impl FnOnce(File) -> Result<(), ArrowError>,
) -> Result<(), SampleFault> {
    if !file.is_seekable {
        return Err(SampleFault::NotSeekable);
    }
    let broken = |error: ArrowError| SampleFault::Broken(error.to_string());
    let opened = File::open(&file.path).map_err(|error| broken(error.into()))?;
    guarded(|| read(opened)).map_err(SampleFault::Broken)?.map_err(broken)
}

fn batches(
    reader: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
    rows_max: u64,
    sample: &mut dyn Sample,
) -> Result<(), ArrowError> {
    for batch in reader {
        let batch = match batch {
            Ok(batch) => batch,
            // A damaged end of a file ends the sample: what came before is a sample, too.
            Err(_) if sample.records() > 0 => return Ok(()),
            Err(error) => return Err(error),
        };
        let rows = batch.num_rows().min((rows_max - sample.records()) as usize);
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            self::column(field.name(), column, rows, sample)?;
        }
        sample.add_records(rows as u64);
        if sample.records() >= rows_max {
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
    sample: &mut dyn Sample,
) -> Result<(), ArrowError> {
    if !is_path(path) {
        return Ok(());
    }
    if let Some(fields) = array.as_struct_opt() {
        for (field, child) in fields.fields().iter().zip(fields.columns()) {
            column(&format!("{path}.{}", field.name()), child, rows, sample)?;
        }
        return Ok(());
    }
    let leaf = leaf(&without_runs(array.slice(0, rows)))?;
    for row in 0..rows {
        sample.value(path, leaf.value(row));
    }
    Ok(())
}

fn leaf(array: &ArrayRef) -> Result<Leaf, ArrowError> {
    use DataType as T;
    let to = |kind: &DataType| cast(array, kind);
    Ok(match array.data_type() {
        T::Boolean => Leaf::Flags(array.as_boolean().clone()),
        kind if is_text(kind) && !kind.is_binary() => match texts(array) {
            Some(texts) => Leaf::Texts(texts.as_string().clone()),
            None => Leaf::Other(array.clone()),
        },
        T::Dictionary(_, value) if !value.is_binary() => return leaf(&to(value)?),
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
    fn value(&self, row: usize) -> SampleValue<'_> {
        match self {
            Self::Flags(flags) if flags.is_valid(row) => SampleValue::Flag(flags.value(row)),
            Self::Numbers(numbers) if numbers.is_valid(row) => {
                SampleValue::Number(numbers.value(row))
            }
            Self::Texts(texts) if texts.is_valid(row) => SampleValue::Text(texts.value(row)),
            Self::Times(times) if times.is_valid(row) => SampleValue::Time(times.value(row)),
            Self::Lists(lists, true) if lists.is_valid(row) => {
                SampleValue::Vector(length(lists, row))
            }
            Self::Lists(lists, false) if lists.is_valid(row) => SampleValue::List,
            Self::Other(array) if array.is_valid(row) => SampleValue::List,
            _ => SampleValue::Null,
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
