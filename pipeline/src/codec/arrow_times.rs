//! Columns of any type as event times.
//!
//! Not here: which times are taken (`rules::TimeBounds`).

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};

use super::arrow_text::texts;
use super::time::TimeReader;

/// One row's time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum RowTime {
    At(i64),
    Missing,
    Bad,
}

impl RowTime {
    fn of(us: Option<i64>) -> Self {
        us.map_or(Self::Bad, Self::At)
    }
}

/// The times of a column; what has no time format is read by `reader`.
pub(crate) fn read_times(
    column: Option<ArrayRef>,
    reader: &mut TimeReader,
    rows: usize,
) -> Vec<RowTime> {
    let Some(column) = column else { return vec![RowTime::Missing; rows] };
    let mut times: Vec<RowTime> = match column.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => {
            let times = column.as_primitive::<TimestampSecondType>().values().iter();
            times.map(|time| RowTime::of(time.checked_mul(1_000_000))).collect()
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            let times = column.as_primitive::<TimestampMillisecondType>().values().iter();
            times.map(|time| RowTime::of(time.checked_mul(1_000))).collect()
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let times = column.as_primitive::<TimestampMicrosecondType>().values().iter();
            times.map(|&time| RowTime::At(time)).collect()
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            let times = column.as_primitive::<TimestampNanosecondType>().values().iter();
            times.map(|time| RowTime::At(time.div_euclid(1_000))).collect()
        }
        DataType::Date32 | DataType::Date64 => {
            let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
            match cast(&column, &micros) {
                Ok(times) => read_times(Some(times), reader, rows),
                Err(_) => vec![RowTime::Bad; rows],
            }
        }
        kind if kind.is_integer() => match cast(&column, &DataType::Int64) {
            Ok(times) => times
                .as_primitive::<Int64Type>()
                .iter()
                .map(|time| RowTime::of(time.and_then(|time| reader.integer(time))))
                .collect(),
            Err(_) => vec![RowTime::Bad; rows],
        },
        // The shortest decimal of a float is what a text format would have held.
        DataType::Float64 => column
            .as_primitive::<Float64Type>()
            .values()
            .iter()
            .map(|time| RowTime::of(reader.number(&time.to_string())))
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
                    .map(RowTime::of)
                    .collect(),
                None => vec![RowTime::Bad; rows],
            }
        }
    };
    if let Some(nulls) = column.logical_nulls().filter(|nulls| nulls.null_count() > 0) {
        for (time, valid) in times.iter_mut().zip(&nulls) {
            if !valid {
                *time = RowTime::Missing;
            }
        }
    }
    times
}
