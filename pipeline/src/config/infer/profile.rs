//! What a sample says about each path: how often it is set, with what, how many different values.
//!
//! Bounded by the number of records and [`PATHS_MAX`]. Not here: what a path is good for (`judge`).

use std::collections::{HashMap, HashSet};

use super::times::TimeVotes;
use crate::codec::{Sample, SampleValue};

/// Paths that are looked at; events with more name keys by values, which no config can follow.
pub const PATHS_MAX: usize = 2_000;
/// Bytes of a value that tell it from others.
const VALUE_BYTES: usize = 256;

/// What the sample says about one path.
#[derive(Debug, Default)]
pub struct Field {
    /// The path, from the outside in, with dots.
    pub path: String,
    /// Records in which it is set.
    pub set: u64,
    /// Booleans among them.
    pub flags: u64,
    /// Numbers.
    pub numbers: u64,
    /// Numbers that are whole.
    pub whole: u64,
    /// Texts.
    pub texts: u64,
    /// Times of a format that knows times.
    pub times: u64,
    /// Lists of numbers.
    pub vectors: u64,
    /// Other lists.
    pub lists: u64,
    /// Smallest and largest number.
    pub range: Option<(f64, f64)>,
    /// Number of values that are larger than the one before.
    pub rises: u64,
    /// Different values, the first bytes of each.
    pub distinct: HashSet<String>,
    /// Characters of all texts.
    pub chars: u64,
    /// Texts with white space.
    pub spaced: u64,
    /// Lengths of the lists of numbers.
    pub lengths: HashSet<usize>,
    /// Which time formats its values have.
    pub time: TimeVotes,
    last: Option<f64>,
}

/// What the sample says about all paths, in the order in which they were first met.
#[derive(Debug, Default)]
pub struct Profile {
    /// Number of records.
    pub records: u64,
    /// Records that could not be read.
    pub unreadable: u64,
    /// The paths.
    pub fields: Vec<Field>,
    /// Whether there are more than [`PATHS_MAX`].
    pub paths_cut: bool,
    index: HashMap<String, usize>,
}

impl Profile {
    /// Adds one value of the record that is read.
    fn observe(&mut self, path: &str, value: SampleValue<'_>) {
        let at = match self.index.get(path) {
            Some(at) => *at,
            None if self.fields.len() >= PATHS_MAX => {
                self.paths_cut = true;
                return;
            }
            None => {
                self.fields.push(Field { path: path.into(), ..Field::default() });
                self.index.insert(path.into(), self.fields.len() - 1);
                self.fields.len() - 1
            }
        };
        if let Some(field) = self.fields.get_mut(at) {
            field.observe(value);
        }
    }

    /// The field at a path.
    pub fn field(&self, path: &str) -> Option<&Field> {
        self.fields.get(*self.index.get(path)?)
    }
}

impl Sample for Profile {
    fn value(&mut self, path: &str, value: SampleValue<'_>) {
        self.observe(path, value);
    }

    fn add_records(&mut self, count: u64) {
        self.records += count;
    }

    fn add_unreadable(&mut self, count: u64) {
        self.unreadable += count;
    }

    fn records(&self) -> u64 {
        self.records
    }

    fn unreadable(&self) -> u64 {
        self.unreadable
    }
}

impl Field {
    fn observe(&mut self, value: SampleValue<'_>) {
        if value != SampleValue::Null {
            self.set += 1;
        }
        match value {
            SampleValue::Null => {}
            SampleValue::Flag(on) => {
                self.flags += 1;
                self.note(if on { "true" } else { "false" });
            }
            SampleValue::Number(number) => {
                self.numbers += 1;
                self.whole += u64::from(number.fract() == 0.0);
                let (low, high) = self.range.unwrap_or((number, number));
                self.range = Some((low.min(number), high.max(number)));
                self.rises += u64::from(self.last.is_some_and(|last| number > last));
                self.last = Some(number);
                self.time.number(number);
                self.note(&number.to_string());
            }
            SampleValue::Text(text) => {
                self.texts += 1;
                self.chars += text.chars().count() as u64;
                self.spaced += u64::from(text.contains(char::is_whitespace));
                self.time.text(text);
                self.note(text);
            }
            SampleValue::Time(us) => {
                self.times += 1;
                self.time.typed(us);
            }
            SampleValue::Vector(length) => {
                self.vectors += 1;
                self.lengths.insert(length);
            }
            SampleValue::List => self.lists += 1,
        }
    }

    fn note(&mut self, value: &str) {
        let value = &value[..value.floor_char_boundary(VALUE_BYTES)];
        if !self.distinct.contains(value) {
            self.distinct.insert(value.into());
        }
    }

    /// Whether its texts are JSON objects or lists.
    pub fn looks_like_json(&self) -> bool {
        let is_json = |text: &String| {
            let text = text.trim();
            matches!(text.as_bytes(), [b'{', .., b'}'] | [b'[', .., b']'])
                || text.len() > 200 && text.starts_with("{\"")
        };
        self.texts > 0 && !self.distinct.is_empty() && self.distinct.iter().all(is_json)
    }

    /// Share of the records in which it is set.
    pub fn set_share(&self, records: u64) -> f64 {
        self.set as f64 / records.max(1) as f64
    }

    /// Whether at least 99 of 100 values are of this count.
    pub fn mostly(&self, count: u64) -> bool {
        self.set > 0 && count as f64 >= 0.99 * self.set as f64
    }

    /// Mean number of characters of its texts.
    pub fn mean_chars(&self) -> f64 {
        self.chars as f64 / self.texts.max(1) as f64
    }

    /// Whether nearly each value is another one.
    pub fn nearly_unique(&self) -> bool {
        self.set >= 20 && self.distinct.len() as f64 >= 0.97 * self.set as f64
    }

    /// Whether each value is larger than the one before.
    pub fn counts_up(&self) -> bool {
        self.numbers >= 20 && self.rises + 1 == self.numbers && self.whole == self.numbers
    }
}
