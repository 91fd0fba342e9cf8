//! One record's configured values, as a codec of text found them, and what they mean.
//!
//! A codec first reads the whole record into here; only then is it judged and added to the columns,
//! so a bad record leaves no trace but its reject. The answers to wrong types are those of
//! `docs/bad-input.md`.

use super::bad_record::BadRecord;
use super::columns::{Columns, FLAG_INVALID, FLAG_NULL, LabelColumn, MetricColumn};
use super::path_tree::{NodeId, PathTree};
use super::rules::Rules;
use super::sample::is_null_word;
use crate::model::{INVALID_LABEL, Limits, NULL_LABEL, Reason};

/// The value at one path. It lies at `start..end`, in bytes, of the text that the record stands in, or of
/// [`FieldValues::unescaped`].
#[derive(Debug, Clone, Copy)]
pub enum FieldValue {
    /// The path is not in the record.
    Missing,
    /// The path is there, and nothing at it.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number and its text.
    #[allow(missing_docs)]
    Number { value: f64, start: usize, end: usize },
    /// A string.
    #[allow(missing_docs)]
    Text { start: usize, end: usize, unescaped: bool },
    /// A cell of a format without types; empty = null.
    #[allow(missing_docs)]
    Cell { start: usize, end: usize, unescaped: bool },
    /// A list read for a vector metric: entries in [`FieldValues::entries`].
    #[allow(missing_docs)]
    Vector { start: usize, end: usize },
    /// An object, or a list that no vector metric asked for.
    Composite,
}

/// The values of the record that is being read, as a codec of text found them.
#[derive(Debug)]
pub struct FieldValues {
    values: Vec<FieldValue>,
    /// Strings that had escapes, end to end.
    pub unescaped: String,
    /// Entries of vectors, end to end.
    pub entries: Vec<f32>,
    /// Numbers of cells may have commas where others have points.
    pub(crate) has_decimal_commas: bool,
    duplicate: Option<NodeId>,
}

impl FieldValues {
    pub(crate) fn new(paths: &PathTree) -> Self {
        Self {
            values: vec![FieldValue::Missing; paths.len()],
            unescaped: String::new(),
            entries: Vec::new(),
            has_decimal_commas: false,
            duplicate: None,
        }
    }

    pub(crate) fn clear(&mut self) {
        self.values.fill(FieldValue::Missing);
        self.unescaped.clear();
        self.entries.clear();
        self.duplicate = None;
    }

    /// Sets the value at a path. A path that is set twice makes the record a reject.
    #[inline]
    pub fn set(&mut self, node: NodeId, value: FieldValue) {
        if let Some(slot) = self.values.get_mut(usize::from(node)) {
            if !matches!(slot, FieldValue::Missing) {
                self.duplicate = Some(node);
            }
            *slot = value;
        }
    }

    #[inline]
    fn get(&self, node: NodeId) -> FieldValue {
        self.values.get(usize::from(node)).copied().unwrap_or(FieldValue::Missing)
    }

    /// The text of a value that has one.
    #[inline]
    fn text<'a>(&'a self, value: FieldValue, text: &'a str) -> Option<&'a str> {
        let (from, start, end) = match value {
            FieldValue::Bool(true) => return Some("true"),
            FieldValue::Bool(false) => return Some("false"),
            FieldValue::Number { start, end, .. } => (text, start, end),
            FieldValue::Text { start, end, unescaped }
            | FieldValue::Cell { start, end, unescaped } => {
                (if unescaped { self.unescaped.as_str() } else { text }, start, end)
            }
            _ => return None,
        };
        from.get(start..end)
    }

    #[cfg(test)]
    pub(crate) fn value_of(&self, node: NodeId) -> FieldValue {
        self.get(node)
    }

    #[cfg(test)]
    pub(crate) fn text_of<'a>(&'a self, value: FieldValue, text: &'a str) -> Option<&'a str> {
        self.text(value, text)
    }

    #[cfg(test)]
    pub(crate) fn is_duplicate(&self) -> bool {
        self.duplicate.is_some()
    }

    /// Judges the record and adds it to `columns`, or says why not. `text` is what the positions of
    /// the values point into.
    pub(crate) fn commit(
        &self,
        text: &str,
        offset: u64,
        rules: &mut Rules,
        columns: &mut Columns,
    ) -> Result<(), BadRecord> {
        if let Some(node) = self.duplicate {
            let path = rules.paths.node(node).path.as_str();
            return Err(BadRecord::new(Reason::DuplicateField, path));
        }
        let time_us = self.time(text, rules)?;
        let Rules { paths, limits, .. } = rules;
        self.check_keys(text, paths, limits.label_bytes_max)?;
        columns.time_us.push(time_us);
        columns.offsets.push(offset);
        for (column, &node) in columns.keys.iter_mut().zip(&paths.keys) {
            self.push_label(column, self.get(node), text, limits.label_bytes_max);
        }
        if let (Some(column), Some(node)) = (&mut columns.id, paths.id) {
            let value = self.get(node);
            match self.text(value, text) {
                Some(id) if id.len() <= limits.label_bytes_max => column.push(id),
                Some(_) => column.indices.push(INVALID_LABEL),
                None => column.indices.push(absent(value)),
            }
        }
        for (column, &(node, _)) in columns.metrics.iter_mut().zip(&paths.metrics) {
            self.push_metric(column, self.get(node), text, limits);
        }
        Ok(())
    }

    /// The event's time, microseconds since 1970.
    #[inline]
    fn time(&self, text: &str, rules: &mut Rules) -> Result<i64, BadRecord> {
        let Rules { paths, times, bounds, .. } = rules;
        let value = self.get(paths.time);
        let written = self.text(value, text);
        let read = match value {
            FieldValue::Missing | FieldValue::Null => None,
            FieldValue::Cell { start, end, .. } if start == end => None,
            FieldValue::Number { .. } => Some(written.and_then(|text| times.number(text))),
            FieldValue::Text { .. } => Some(written.and_then(|text| times.text(text))),
            FieldValue::Cell { .. } => Some(written.and_then(|text| times.cell(text))),
            _ => Some(None),
        };
        match read {
            None => {
                let path = paths.node(paths.time).path.as_str();
                Err(BadRecord::new(Reason::MissingTime, path))
            }
            Some(None) => {
                let written: String = written.unwrap_or("not a time").chars().take(40).collect();
                Err(BadRecord::new(Reason::BadTime, written))
            }
            Some(Some(us)) => bounds.check(us),
        }
    }

    #[inline]
    fn check_keys(&self, text: &str, paths: &PathTree, bytes_max: usize) -> Result<(), BadRecord> {
        for (number, &node) in paths.keys.iter().enumerate() {
            let value = self.get(node);
            let is_required = number == 0 && paths.model_required;
            let fault = match value {
                FieldValue::Missing | FieldValue::Null if is_required => "",
                FieldValue::Missing | FieldValue::Null => continue,
                FieldValue::Cell { start, end, .. } if start == end && is_required => "",
                FieldValue::Cell { start, end, .. } if start == end => continue,
                FieldValue::Composite | FieldValue::Vector { .. } => "not a string",
                _ if self.text(value, text).is_none_or(|key| key.len() > bytes_max) => "too long",
                _ => continue,
            };
            let path = &paths.node(node).path;
            return Err(match fault {
                "" => BadRecord::new(Reason::MissingModel, path.as_str()),
                fault => BadRecord::new(Reason::BadKey, format!("{path}: {fault}")),
            });
        }
        Ok(())
    }

    #[inline]
    fn push_label(
        &self,
        column: &mut LabelColumn,
        value: FieldValue,
        text: &str,
        bytes_max: usize,
    ) {
        match self.text(value, text) {
            Some("") if matches!(value, FieldValue::Cell { .. }) => column.indices.push(NULL_LABEL),
            Some(label) if label.len() <= bytes_max => column.push(label),
            Some(_) => column.indices.push(INVALID_LABEL),
            None => column.indices.push(absent(value)),
        }
    }

    #[inline]
    /// A number as a cell writes it.
    fn number_of(&self, cell: &str) -> Option<f64> {
        let parsed = cell.parse().ok();
        if parsed.is_some() || !self.has_decimal_commas {
            return parsed;
        }
        with_decimal_point(cell)?.parse().ok()
    }

    fn push_metric(
        &self,
        column: &mut MetricColumn,
        value: FieldValue,
        text: &str,
        limits: &Limits,
    ) {
        match column {
            MetricColumn::Number { values, valid } => {
                let number = match value {
                    FieldValue::Number { value, .. } => Some(value),
                    FieldValue::Missing | FieldValue::Null => None,
                    FieldValue::Cell { .. } => match self.text(value, text).map(str::trim) {
                        Some("") | None => None,
                        Some(cell) => match self.number_of(cell) {
                            None if is_null_word(cell) => None,
                            number => Some(number.unwrap_or(f64::NAN)),
                        },
                    },
                    _ => Some(f64::NAN),
                };
                values.push(number.unwrap_or(0.0));
                valid.append(number.is_some());
            }
            MetricColumn::Category(labels) => {
                self.push_label(labels, value, text, limits.label_bytes_max);
            }
            MetricColumn::Flag(codes) => codes.push(match value {
                FieldValue::Missing | FieldValue::Null => FLAG_NULL,
                FieldValue::Bool(flag) => u8::from(flag),
                FieldValue::Number { value: 0.0, .. } => 0,
                FieldValue::Number { value: 1.0, .. } => 1,
                FieldValue::Text { .. } => flag_code(self.text(value, text).unwrap_or("")),
                FieldValue::Cell { .. } => match self.text(value, text).unwrap_or("").trim() {
                    "" => FLAG_NULL,
                    "0" => 0,
                    "1" => 1,
                    cell if is_null_word(cell) => FLAG_NULL,
                    cell => flag_code(cell),
                },
                _ => FLAG_INVALID,
            }),
            MetricColumn::Vector { offsets, values } => {
                match value {
                    FieldValue::Missing | FieldValue::Null => {}
                    FieldValue::Cell { start, end, .. } if start == end => {}
                    FieldValue::Vector { start, end }
                        if (1..=limits.vector_len_max).contains(&(end - start)) =>
                    {
                        values.extend_from_slice(self.entries.get(start..end).unwrap_or(&[]));
                    }
                    _ => values.push(f32::NAN),
                }
                offsets.push(values.len() as u32);
            }
        }
    }
}

/// `1,5` as `1.5`: how tables that are parted by semicolons write numbers. None where there is no single
/// comma.
pub(crate) fn with_decimal_point(cell: &str) -> Option<String> {
    let (whole, part) = cell.split_once(',')?;
    (!part.contains([',', '.']) && !whole.contains('.')).then(|| format!("{whole}.{part}"))
}

/// What a value without a text is as a label.
fn absent(value: FieldValue) -> u32 {
    if matches!(value, FieldValue::Missing | FieldValue::Null) { NULL_LABEL } else { INVALID_LABEL }
}

/// The code of a flag written as a word.
pub(crate) fn flag_code(word: &str) -> u8 {
    if word.eq_ignore_ascii_case("true") {
        1
    } else if word.eq_ignore_ascii_case("false") {
        0
    } else {
        FLAG_INVALID
    }
}
