//! Columns of any type as texts, dictionaries kept as dictionaries.
//!
//! Not here: which columns are wanted (`arrow_rows`), and texts as labels (`label_reader`).

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type};

/// A column as strings, if that makes sense: text, numbers and booleans do, lists and objects do not.
pub(crate) fn texts(column: &ArrayRef) -> Option<ArrayRef> {
    if column.data_type().is_nested() {
        return None;
    }
    cast(column, &DataType::Utf8).ok()
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
