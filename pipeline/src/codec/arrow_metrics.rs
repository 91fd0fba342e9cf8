//! Columns of any type as the values of a metric. The answers to wrong types are those of the JSON codec.

use arrow::array::{Array, ArrayRef, AsArray, Float32Array, Float64Array, UInt8Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Float64Type};

use super::arrow_text::{is_text, texts};
use super::columns::{FLAG_INVALID, FLAG_NULL};
use super::field_values::flag_code;
use crate::model::Column;

/// Values of a number metric.
pub(crate) fn numbers(column: Option<ArrayRef>, rows: usize) -> Float64Array {
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

/// Codes of a flag metric.
pub(crate) fn flags(column: Option<ArrayRef>, rows: usize) -> UInt8Array {
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

/// Values of a vector metric; a list that is empty or longer than `len_max` is invalid.
pub(crate) fn vectors(column: Option<ArrayRef>, rows: usize, len_max: usize) -> Column {
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
