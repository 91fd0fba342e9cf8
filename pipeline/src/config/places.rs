//! Where things stand in the user's text, and which of them were already found wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

/// Dotted names of options, sections and metrics, to the places of their keys and values.
#[derive(Debug, Default)]
pub(super) struct Places {
    said: BTreeMap<String, Place>,
    wrong: BTreeSet<String>,
}

/// Bytes of the user's text.
#[derive(Debug)]
struct Place {
    key: Range<usize>,
    value: Range<usize>,
}

impl Places {
    /// Notes where a name's key and value stand. The entries of a list or table of values are noted as
    /// `name.0`, `name.1` ...
    pub(super) fn put(&mut self, name: &str, key: Range<usize>, value: &Spanned<DeValue<'_>>) {
        let entries: Vec<Range<usize>> = match value.get_ref() {
            DeValue::Array(items) => items.iter().map(Spanned::span).collect(),
            DeValue::Table(table) => table.values().map(Spanned::span).collect(),
            _ => Vec::new(),
        };
        for (at, entry) in entries.into_iter().enumerate() {
            self.said.insert(format!("{name}.{at}"), Place { key: entry.clone(), value: entry });
        }
        self.said.insert(name.into(), Place { key, value: value.span() });
    }

    /// Notes that an error was told about this value: what would follow from it is not worth telling.
    pub(super) fn mark_wrong(&mut self, name: &str) {
        self.wrong.insert(name.into());
    }

    /// Whether an error was told about this value.
    pub(super) fn is_wrong(&self, name: &str) -> bool {
        self.wrong.contains(name)
    }

    /// Whether the user's text says it.
    pub(super) fn has(&self, name: &str) -> bool {
        self.said.contains_key(name)
    }

    /// The value's place; else that of the nearest section around it; else the first byte.
    pub(super) fn value(&self, name: &str) -> Range<usize> {
        match self.said.get(name) {
            Some(place) => place.value.clone(),
            None => self.key(name),
        }
    }

    /// The key's place; else that of the nearest section around it; else the first byte.
    pub(super) fn key(&self, name: &str) -> Range<usize> {
        let mut name = name;
        loop {
            if let Some(place) = self.said.get(name) {
                return place.key.clone();
            }
            match name.rsplit_once('.') {
                Some((outer, _)) => name = outer,
                None => return 0..0,
            }
        }
    }
}
