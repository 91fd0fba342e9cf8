//! The parts of Apache Arrow that Driftline uses, by the paths that the umbrella crate `arrow` gives them.
//!
//! The umbrella also brings arithmetic, ordering, strings and row formats, which take a minute to compile
//! and which nothing here calls. Not here: code of our own, but for two functions: one that the umbrella
//! has in its arithmetic, and the casts of each row's numbers, since most of `arrow-cast` is for rare types
//! and optimised little.

/// Arrays and their builders.
pub mod array {
    pub use arrow_array::builder::*;
    pub use arrow_array::cast::*;
    pub use arrow_array::*;
    pub use arrow_data::{ArrayData, ArrayDataBuilder};
}

/// Memory under arrays.
pub mod buffer {
    pub use arrow_buffer::buffer::*;
}

/// Functions from arrays to arrays.
pub mod compute {
    pub use arrow_select::filter::filter;
    pub use arrow_select::nullif::nullif;

    use std::sync::Arc;

    use arrow_array::cast::AsArray;
    use arrow_array::types::*;
    use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array};
    use arrow_buffer::BooleanBuffer;
    use arrow_schema::{ArrowError, DataType};

    /// As [`arrow_cast::cast`]: values that the other type cannot hold become null.
    ///
    /// # Errors
    /// Where there is no way from one type to the other.
    pub fn cast(array: &dyn Array, to: &DataType) -> Result<ArrayRef, ArrowError> {
        if array.data_type() == to {
            return Ok(array.slice(0, array.len()));
        }
        let cast = match to {
            DataType::Float64 => to_float64(array).map(|array| Arc::new(array) as ArrayRef),
            DataType::Int64 => to_int64(array).map(|array| Arc::new(array) as ArrayRef),
            _ => None,
        };
        cast.map_or_else(|| arrow_cast::cast(array, to), Ok)
    }

    /// Numbers whose values all have a nearest float.
    fn to_float64(array: &dyn Array) -> Option<Float64Array> {
        Some(match array.data_type() {
            DataType::Int8 => array.as_primitive::<Int8Type>().unary(f64::from),
            DataType::Int16 => array.as_primitive::<Int16Type>().unary(f64::from),
            DataType::Int32 => array.as_primitive::<Int32Type>().unary(f64::from),
            DataType::Int64 => array.as_primitive::<Int64Type>().unary(|value| value as f64),
            DataType::UInt8 => array.as_primitive::<UInt8Type>().unary(f64::from),
            DataType::UInt16 => array.as_primitive::<UInt16Type>().unary(f64::from),
            DataType::UInt32 => array.as_primitive::<UInt32Type>().unary(f64::from),
            DataType::UInt64 => array.as_primitive::<UInt64Type>().unary(|value| value as f64),
            DataType::Float32 => array.as_primitive::<Float32Type>().unary(f64::from),
            _ => return None,
        })
    }

    /// Integers that all fit.
    fn to_int64(array: &dyn Array) -> Option<Int64Array> {
        Some(match array.data_type() {
            DataType::Int8 => array.as_primitive::<Int8Type>().unary(i64::from),
            DataType::Int16 => array.as_primitive::<Int16Type>().unary(i64::from),
            DataType::Int32 => array.as_primitive::<Int32Type>().unary(i64::from),
            DataType::UInt8 => array.as_primitive::<UInt8Type>().unary(i64::from),
            DataType::UInt16 => array.as_primitive::<UInt16Type>().unary(i64::from),
            DataType::UInt32 => array.as_primitive::<UInt32Type>().unary(i64::from),
            _ => return None,
        })
    }

    /// Which values are null.
    pub fn is_null(array: &dyn Array) -> BooleanArray {
        let nulls = match array.logical_nulls() {
            None => BooleanBuffer::new_unset(array.len()),
            Some(valid) => !valid.inner(),
        };
        BooleanArray::new(nulls, None)
    }
}

/// Types of arrays and schemas.
pub mod datatypes {
    pub use arrow_array::types::*;
    pub use arrow_schema::*;
}

/// The error of all of these.
pub mod error {
    pub use arrow_schema::ArrowError;
}

/// The IPC format: files and streams.
pub mod ipc {
    pub use arrow_ipc::*;
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::array::*;
    use super::compute::{cast, is_null};
    use super::datatypes::DataType;

    #[test]
    fn casts_are_those_of_arrow() {
        let columns: [ArrayRef; 11] = [
            Arc::new(Int8Array::from(vec![Some(i8::MIN), None, Some(i8::MAX)])),
            Arc::new(Int16Array::from(vec![Some(i16::MIN), None, Some(i16::MAX)])),
            Arc::new(Int32Array::from(vec![Some(i32::MIN), None, Some(i32::MAX)])),
            Arc::new(Int64Array::from(vec![
                Some(i64::MIN),
                None,
                Some(i64::MAX),
                Some((1 << 53) + 1),
            ])),
            Arc::new(UInt8Array::from(vec![Some(0), None, Some(u8::MAX)])),
            Arc::new(UInt16Array::from(vec![Some(0), None, Some(u16::MAX)])),
            Arc::new(UInt32Array::from(vec![Some(0), None, Some(u32::MAX)])),
            Arc::new(UInt64Array::from(vec![Some(0), None, Some(u64::MAX), Some((1 << 53) + 1)])),
            Arc::new(Float32Array::from(vec![
                Some(0.1),
                None,
                Some(f32::MAX),
                Some(f32::INFINITY),
                Some(-0.0),
            ])),
            Arc::new(Float64Array::from(vec![Some(0.1), None, Some(f64::MAX)])),
            Arc::new(StringArray::from(vec![Some("1"), None, Some("x")])),
        ];
        for column in &columns {
            for to in [DataType::Float64, DataType::Int64, DataType::Utf8, DataType::Float32] {
                let ours = cast(column, &to).expect("a cast");
                let arrows = arrow_cast::cast(column, &to).expect("a cast");
                assert_eq!(&ours, &arrows, "{} to {to}", column.data_type());
            }
        }
    }

    #[test]
    fn nulls_are_counted_in_arrays_of_nulls_too() {
        let flags = |array: &dyn Array| is_null(array).values().iter().collect::<Vec<bool>>();
        assert_eq!(flags(&Int8Array::from(vec![Some(1), None])), [false, true]);
        assert_eq!(flags(&Int8Array::from(vec![1, 2])), [false, false]);
        assert_eq!(flags(&NullArray::new(2)), [true, true]);
    }
}
