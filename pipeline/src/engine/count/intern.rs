//! Strings as dense numbers, for look-ups only: no number reaches an output.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Labels that one field may intern; others are looked at as strings, more slowly, with the same result.
const LABELS_MAX: usize = 1 << 16;
/// A label that was not interned.
pub(crate) const UNKNOWN: u32 = u32::MAX;

/// Interned strings of one field. A copy shares them until one of both interns another.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Arc<str>>", into = "Vec<Arc<str>>")]
pub(crate) struct Interner(Arc<Names>);

#[derive(Debug, Clone, Default)]
struct Names {
    labels: Vec<Arc<str>>,
    index: HashMap<Arc<str>, u32, foldhash::fast::FixedState>,
}

impl Interner {
    /// The number of a label, a new one where there is room, else [`UNKNOWN`].
    pub(crate) fn intern(&mut self, label: &str) -> u32 {
        if let Some(&id) = self.0.index.get(label) {
            return id;
        }
        if self.0.labels.len() >= LABELS_MAX {
            return UNKNOWN;
        }
        let Names { labels, index } = Arc::make_mut(&mut self.0);
        let (id, label) = (labels.len() as u32, Arc::<str>::from(label));
        labels.push(Arc::clone(&label));
        index.insert(label, id);
        id
    }

    /// The label of a number; empty for [`UNKNOWN`].
    pub(crate) fn label(&self, id: u32) -> &str {
        self.0.labels.get(id as usize).map_or("", |label| &**label)
    }
}

impl From<Vec<Arc<str>>> for Interner {
    fn from(labels: Vec<Arc<str>>) -> Self {
        let index = labels.iter().enumerate().map(|(i, l)| (Arc::clone(l), i as u32)).collect();
        Self(Arc::new(Names { labels, index }))
    }
}

impl From<Interner> for Vec<Arc<str>> {
    fn from(interner: Interner) -> Self {
        interner.0.labels.clone()
    }
}
