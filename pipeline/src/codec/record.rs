//! One record's configured values, as a codec of text found them, and what they mean.
//!
//! A codec first reads the whole record into here; only then is it judged and added to the columns,
//! so a bad record leaves no trace but its reject. The answers to wrong types are those of
//! `docs/bad-input.md`.

use super::columns::{Columns, FLAG_INVALID, FLAG_NULL, LabelColumn, MetricColumn};
use super::plan::{NodeId, Plan};
use super::time::TimeReader;
use crate::model::{INVALID_LABEL, Limits, NULL_LABEL, Reason};

/// The value at one node. Positions are bytes in the text that the record stands in, or in
/// [`Record::unescaped`].
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value {
    /// The path is not in the record.
    Missing,
    Null,
    Bool(bool),
    /// A number and its text.
    Number {
        value: f64,
        start: usize,
        end: usize,
    },
    /// A string.
    Text {
        start: usize,
        end: usize,
        unescaped: bool,
    },
    /// A cell of a format without types; empty = null.
    Cell {
        start: usize,
        end: usize,
        unescaped: bool,
    },
    /// A list read for a vector metric: entries in [`Record::entries`].
    Vector {
        start: usize,
        end: usize,
    },
    /// An object, or a list that no vector metric asked for.
    Composite,
}

/// Why a record is rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) reason: Reason,
    pub(crate) detail: String,
}

impl Fault {
    pub(crate) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

/// The values of the record that is being read.
#[derive(Debug)]
pub(crate) struct Record {
    values: Vec<Value>,
    /// Strings that had escapes, end to end.
    pub(crate) unescaped: String,
    /// Entries of vectors, end to end.
    pub(crate) entries: Vec<f32>,
    duplicate: Option<NodeId>,
}

impl Record {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            values: vec![Value::Missing; plan.len()],
            unescaped: String::new(),
            entries: Vec::new(),
            duplicate: None,
        }
    }

    pub(crate) fn clear(&mut self) {
        self.values.fill(Value::Missing);
        self.unescaped.clear();
        self.entries.clear();
        self.duplicate = None;
    }

    #[inline]
    pub(crate) fn set(&mut self, node: NodeId, value: Value) {
        if let Some(slot) = self.values.get_mut(usize::from(node)) {
            if !matches!(slot, Value::Missing) {
                self.duplicate = Some(node);
            }
            *slot = value;
        }
    }

    #[inline]
    fn get(&self, node: NodeId) -> Value {
        self.values.get(usize::from(node)).copied().unwrap_or(Value::Missing)
    }

    /// The text of a value that has one.
    #[inline]
    fn text<'a>(&'a self, value: Value, text: &'a str) -> Option<&'a str> {
        let (from, start, end) = match value {
            Value::Bool(true) => return Some("true"),
            Value::Bool(false) => return Some("false"),
            Value::Number { start, end, .. } => (text, start, end),
            Value::Text { start, end, unescaped } | Value::Cell { start, end, unescaped } => {
                (if unescaped { self.unescaped.as_str() } else { text }, start, end)
            }
            _ => return None,
        };
        from.get(start..end)
    }

    #[cfg(test)]
    pub(crate) fn value_of(&self, node: NodeId) -> Value {
        self.get(node)
    }

    #[cfg(test)]
    pub(crate) fn text_of<'a>(&'a self, value: Value, text: &'a str) -> Option<&'a str> {
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
        reader: &mut Reader<'_>,
        columns: &mut Columns,
    ) -> Result<(), Fault> {
        let plan = reader.plan;
        let label_max = reader.limits.label_bytes_max;
        if let Some(node) = self.duplicate {
            return Err(Fault::new(Reason::DuplicateField, plan.node(node).path.as_str()));
        }
        let time_us = reader.time(self, text)?;
        for (number, &node) in plan.keys.iter().enumerate() {
            let value = self.get(node);
            let fault = match value {
                Value::Missing | Value::Null if number == 0 && plan.model_required => "",
                Value::Missing | Value::Null => continue,
                Value::Cell { start, end, .. } if start == end => {
                    if number > 0 || !plan.model_required {
                        continue;
                    }
                    ""
                }
                Value::Composite | Value::Vector { .. } => "not a string",
                _ if self.text(value, text).is_none_or(|key| key.len() > label_max) => "too long",
                _ => continue,
            };
            let path = &plan.node(node).path;
            return Err(match fault {
                "" => Fault::new(Reason::MissingModel, path.as_str()),
                fault => Fault::new(Reason::BadKey, format!("{path}: {fault}")),
            });
        }
        columns.time_us.push(time_us);
        columns.offsets.push(offset);
        for (column, &node) in columns.keys.iter_mut().zip(&plan.keys) {
            self.push_label(column, self.get(node), text, label_max);
        }
        if let (Some(column), Some(node)) = (&mut columns.id, plan.id) {
            let value = self.get(node);
            match self.text(value, text) {
                Some(id) if id.len() <= label_max => column.push(id),
                Some(_) => column.indices.push(INVALID_LABEL),
                None => column.indices.push(absent(value)),
            }
        }
        for (column, &(node, _)) in columns.metrics.iter_mut().zip(&plan.metrics) {
            self.push_metric(column, self.get(node), text, reader.limits);
        }
        Ok(())
    }

    #[inline]
    fn push_label(&self, column: &mut LabelColumn, value: Value, text: &str, bytes_max: usize) {
        match self.text(value, text) {
            Some("") if matches!(value, Value::Cell { .. }) => column.indices.push(NULL_LABEL),
            Some(label) if label.len() <= bytes_max => column.push(label),
            Some(_) => column.indices.push(INVALID_LABEL),
            None => column.indices.push(absent(value)),
        }
    }

    #[inline]
    fn push_metric(&self, column: &mut MetricColumn, value: Value, text: &str, limits: &Limits) {
        match column {
            MetricColumn::Number { values, valid } => {
                let number = match value {
                    Value::Number { value, .. } => Some(value),
                    Value::Missing | Value::Null => None,
                    Value::Cell { .. } => match self.text(value, text).map(str::trim) {
                        Some("") => None,
                        cell => Some(cell.and_then(|cell| cell.parse().ok()).unwrap_or(f64::NAN)),
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
                Value::Missing | Value::Null => FLAG_NULL,
                Value::Bool(flag) => u8::from(flag),
                Value::Number { value: 0.0, .. } => 0,
                Value::Number { value: 1.0, .. } => 1,
                Value::Text { .. } => flag_code(self.text(value, text).unwrap_or("")),
                Value::Cell { .. } => match self.text(value, text).unwrap_or("").trim() {
                    "" => FLAG_NULL,
                    "0" => 0,
                    "1" => 1,
                    cell => flag_code(cell),
                },
                _ => FLAG_INVALID,
            }),
            MetricColumn::Vector { offsets, values } => {
                match value {
                    Value::Missing | Value::Null => {}
                    Value::Cell { start, end, .. } if start == end => {}
                    Value::Vector { start, end }
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

/// What a value without a text is as a label.
fn absent(value: Value) -> u32 {
    if matches!(value, Value::Missing | Value::Null) { NULL_LABEL } else { INVALID_LABEL }
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

/// What judging a record needs besides its values.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) limits: &'a Limits,
    pub(crate) times: &'a mut TimeReader,
    pub(crate) bounds: &'a TimeBounds,
}

impl Reader<'_> {
    fn time(&mut self, record: &Record, text: &str) -> Result<i64, Fault> {
        let value = record.get(self.plan.time);
        let written = record.text(value, text);
        let read = match value {
            Value::Missing | Value::Null => None,
            Value::Cell { start, end, .. } if start == end => None,
            Value::Number { .. } => Some(written.and_then(|text| self.times.number(text))),
            Value::Text { .. } => Some(written.and_then(|text| self.times.text(text))),
            Value::Cell { .. } => Some(written.and_then(|text| self.times.cell(text))),
            _ => Some(None),
        };
        match read {
            None => {
                Err(Fault::new(Reason::MissingTime, self.plan.node(self.plan.time).path.as_str()))
            }
            Some(None) => {
                let written: String = written.unwrap_or("not a time").chars().take(40).collect();
                Err(Fault::new(Reason::BadTime, written))
            }
            Some(Some(us)) => self.bounds.check(us),
        }
    }
}

/// The span of event time that is taken, `[not_before_us, not_after_us)`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeBounds {
    pub(crate) not_before_us: i64,
    pub(crate) not_after_us: i64,
}

impl TimeBounds {
    #[inline]
    pub(crate) fn check(&self, us: i64) -> Result<i64, Fault> {
        if us < self.not_before_us {
            return Err(Fault::new(Reason::TimeTooEarly, written(us)));
        }
        if us >= self.not_after_us {
            return Err(Fault::new(Reason::TimeTooLate, written(us)));
        }
        Ok(us)
    }
}

fn written(us: i64) -> String {
    match chrono::DateTime::from_timestamp_micros(us) {
        Some(time) => time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
        None => format!("{us} us since 1970"),
    }
}
