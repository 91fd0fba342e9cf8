//! Strings as dense numbers, for look-ups only: no number reaches an output.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// Labels that one field may intern; others are looked at as strings, more slowly, with the same result.
const LABELS_MAX: usize = 1 << 16;
/// A label that was not interned.
pub(crate) const UNKNOWN: u32 = u32::MAX;

/// Interned strings of one field.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub(crate) struct Interner {
    labels: Vec<String>,
    index: HashMap<String, u32, foldhash::fast::FixedState>,
}

impl Interner {
    /// The number of a label, a new one where there is room, else [`UNKNOWN`].
    pub(crate) fn intern(&mut self, label: &str) -> u32 {
        if let Some(&id) = self.index.get(label) {
            return id;
        }
        if self.labels.len() >= LABELS_MAX {
            return UNKNOWN;
        }
        let id = self.labels.len() as u32;
        self.labels.push(label.to_string());
        self.index.insert(label.to_string(), id);
        id
    }

    /// The label of a number; empty for [`UNKNOWN`].
    pub(crate) fn label(&self, id: u32) -> &str {
        self.labels.get(id as usize).map_or("", String::as_str)
    }
}

impl From<Vec<String>> for Interner {
    fn from(labels: Vec<String>) -> Self {
        let index = labels.iter().enumerate().map(|(i, l)| (l.clone(), i as u32)).collect();
        Self { labels, index }
    }
}

impl From<Interner> for Vec<String> {
    fn from(interner: Interner) -> Self {
        interner.labels
    }
}
