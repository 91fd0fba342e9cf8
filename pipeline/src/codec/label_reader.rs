//! Columns of strings as labels: each distinct value of an Arrow dictionary is looked up once.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, UInt32Array};
use arrow::datatypes::DataType;

use super::arrow_text::{dictionary_keys, texts};
use super::labels::Dictionary;
use crate::model::{INVALID_LABEL, Labels, NULL_LABEL};

/// A value of a dictionary that no row had so far.
const UNSEEN: u32 = u32::MAX - 2;

/// Reads one column, batch after batch.
#[derive(Debug)]
pub(crate) struct LabelReader {
    distinct: Dictionary,
    /// The dictionary of the last batch. Held, so that its address can tell it from others.
    source: Option<ArrayRef>,
    /// Its values as texts.
    texts: Option<ArrayRef>,
    /// Its values as numbers of `distinct`.
    map: Vec<u32>,
    /// What `distinct` was when the map was made.
    generation: u64,
}

impl LabelReader {
    pub(crate) fn new() -> Self {
        Self {
            distinct: Dictionary::new(),
            source: None,
            texts: None,
            map: Vec::new(),
            generation: 0,
        }
    }

    /// The labels of a column of any type that has texts; over `bytes_max` is invalid.
    pub(crate) fn read(
        &mut self,
        column: Option<ArrayRef>,
        rows: usize,
        bytes_max: usize,
    ) -> Labels {
        let indices = match column {
            None => vec![NULL_LABEL; rows],
            Some(column) => match column.data_type() {
                DataType::Dictionary(..) => self.dictionary(&column, bytes_max),
                _ => self.plain(&column, bytes_max),
            },
        };
        Labels { indices: UInt32Array::from(indices), values: self.distinct.share() }
    }

    fn dictionary(&mut self, column: &ArrayRef, bytes_max: usize) -> Vec<u32> {
        let Some(dictionary) = column.as_any_dictionary_opt() else { return Vec::new() };
        let values = dictionary.values();
        let held = self.source.as_ref().is_some_and(|held| same_array(held, values));
        if !held || self.generation != self.distinct.generation() {
            self.source = Some(Arc::clone(values));
            self.generation = self.distinct.generation();
            self.texts = None;
            self.map = vec![UNSEEN; values.len()];
        }
        let Some((keys, values)) = dictionary_keys(column, self.texts.take()) else {
            return self.without_text(column);
        };
        let strings = values.as_string::<i32>();
        let source = self.source.clone();
        let is_there = |key| source.as_ref().is_some_and(|source| source.is_valid(key));
        let Self { map, distinct, .. } = self;
        let mut label = |key: u32| {
            let Some(known) = map.get_mut(key as usize) else { return INVALID_LABEL };
            if *known == UNSEEN {
                *known = match strings.is_valid(key as usize) {
                    true => intern(distinct, strings.value(key as usize), bytes_max),
                    // What is there but has no text is too long, or not UTF-8.
                    false if is_there(key as usize) => INVALID_LABEL,
                    false => NULL_LABEL,
                };
            }
            *known
        };
        let labels = match keys.nulls() {
            None => keys.values().iter().map(|&key| label(key)).collect(),
            Some(_) => keys.iter().map(|key| key.map_or(NULL_LABEL, &mut label)).collect(),
        };
        self.texts = Some(values);
        labels
    }

    fn plain(&mut self, column: &ArrayRef, bytes_max: usize) -> Vec<u32> {
        let Some(texts) = texts(column) else { return self.without_text(column) };
        let texts = texts.as_string::<i32>();
        let label = |row: usize| match texts.is_valid(row) {
            true => intern(&mut self.distinct, texts.value(row), bytes_max),
            // What is there but has no text is not UTF-8.
            false if column.is_valid(row) && !matches!(column.data_type(), DataType::Null) => {
                INVALID_LABEL
            }
            false => NULL_LABEL,
        };
        (0..texts.len()).map(label).collect()
    }

    fn without_text(&self, column: &ArrayRef) -> Vec<u32> {
        let label = |row| if column.is_null(row) { NULL_LABEL } else { INVALID_LABEL };
        (0..column.len()).map(label).collect()
    }
}

fn intern(distinct: &mut Dictionary, text: &str, bytes_max: usize) -> u32 {
    if text.len() > bytes_max { INVALID_LABEL } else { distinct.intern(text) }
}

/// Whether two arrays are one and the same in memory.
fn same_array(a: &ArrayRef, b: &ArrayRef) -> bool {
    a.data_type() == b.data_type() && a.to_data().ptr_eq(&b.to_data())
}

/// The labels of a column whose values rarely repeat: strings are taken as they are.
pub(crate) fn labels_of(
    reader: &mut LabelReader,
    column: Option<ArrayRef>,
    rows: usize,
    bytes_max: usize,
) -> Labels {
    let plain = column.as_ref().and_then(|column| column.as_string_opt::<i32>()).cloned();
    let Some(strings) = plain else { return reader.read(column, rows, bytes_max) };
    let indices = (0..strings.len() as u32).map(|row| match strings.is_valid(row as usize) {
        true if length(&strings, row as usize) <= bytes_max => row,
        true => INVALID_LABEL,
        false => NULL_LABEL,
    });
    Labels { indices: UInt32Array::from_iter_values(indices), values: Arc::new(strings) }
}

fn length(strings: &StringArray, row: usize) -> usize {
    strings.value_length(row) as usize
}
