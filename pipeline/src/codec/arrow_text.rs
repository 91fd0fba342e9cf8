//! Columns of any type as texts, dictionaries kept as dictionaries.
//!
//! Not here: which columns are wanted (`arrow_rows`), and texts as labels (`label_reader`).

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, Int32Array, StringBuilder, UInt32Array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int16Type, Int32Type, Int64Type, RunEndIndexType};

/// Longest text of a column whose texts may share their bytes, and most bytes of all of them: what is beyond
/// has no text here, so it is invalid. In a few bytes such a column can hold the same long text a million
/// times.
const SHARED_TEXT_BYTES_MAX: usize = 1 << 14;
const SHARED_BYTES_MAX: usize = 128 << 20;

/// A column as strings, if that makes sense: text, numbers and booleans do, lists and objects do not.
pub(crate) fn texts(column: &ArrayRef) -> Option<ArrayRef> {
    match column.data_type() {
        kind if kind.is_nested() => None,
        DataType::Utf8View => {
            let views = column.as_string_view();
            Some(within_bounds(
                (0..views.len()).map(|row| views.is_valid(row).then(|| views.value(row))),
            ))
        }
        DataType::BinaryView => {
            let views = column.as_binary_view();
            let text = |row| std::str::from_utf8(views.value(row)).ok();
            Some(within_bounds(
                (0..views.len()).map(|row| views.is_valid(row).then(|| text(row)).flatten()),
            ))
        }
        DataType::Dictionary(..) => {
            let (keys, values) = dictionary_keys(column, None)?;
            let values = values.as_string::<i32>();
            let text = |key: Option<u32>| {
                let key = key? as usize;
                (key < values.len() && values.is_valid(key)).then(|| values.value(key))
            };
            Some(within_bounds(keys.iter().map(text)))
        }
        _ => cast(column, &DataType::Utf8).ok(),
    }
}

fn within_bounds<'a>(texts: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    let mut built = StringBuilder::new();
    let mut left = SHARED_BYTES_MAX;
    for text in texts {
        let text = text.filter(|text| text.len() <= SHARED_TEXT_BYTES_MAX.min(left));
        left -= text.map_or(0, str::len);
        built.append_option(text);
    }
    Arc::new(built.finish())
}

/// A column without runs: texts as a dictionary, so that a long run of a long text stays small.
pub(crate) fn without_runs(column: ArrayRef) -> ArrayRef {
    let DataType::RunEndEncoded(ends, values) = column.data_type() else { return column };
    let parted = match ends.data_type() {
        DataType::Int16 => unrolled::<Int16Type>(&column),
        DataType::Int32 => unrolled::<Int32Type>(&column),
        _ => unrolled::<Int64Type>(&column),
    };
    let Some(dictionary) = parted else { return column };
    if is_text(values.data_type()) {
        return dictionary;
    }
    cast(&dictionary, values.data_type()).unwrap_or(dictionary)
}

fn unrolled<R: RunEndIndexType>(column: &ArrayRef) -> Option<ArrayRef> {
    let runs = column.as_run_opt::<R>()?;
    let ends = runs.run_ends();
    let keys = (0..runs.len()).map(|row| i32::try_from(ends.get_physical_index(row)));
    let keys = keys.collect::<Result<Vec<_>, _>>().ok()?;
    let values = Arc::clone(runs.values());
    DictionaryArray::try_new(Int32Array::from(keys), values)
        .ok()
        .map(|array| Arc::new(array) as ArrayRef)
}

/// Whether values of this type are texts, at once or through a dictionary.
pub(crate) fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, values) => is_text(values),
        kind => kind.is_string() || kind.is_binary(),
    }
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
