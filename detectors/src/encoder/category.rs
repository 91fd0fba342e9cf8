//! Categories: the baseline's frequent values, then `other` (known but rare) and `unseen`.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::sizes::VALUES_MAX;

/// Encodes strings.
/// ```
/// use driftline_detectors::encoder::CategoryEncoder;
///
/// let encoder = CategoryEncoder::from_counts([("length", 300), ("stop", 700)]);
/// assert_eq!(encoder.values(), ["stop", "length"]);
/// assert_eq!(encoder.encode("length"), 1);
/// assert_eq!(encoder.label(encoder.encode("content_filter")), "unseen");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryEncoder {
    values: Vec<String>,
    /// Sorted hashes of the known values that have no code of their own.
    rare: Vec<u64>,
}

impl CategoryEncoder {
    /// The `VALUES_MAX` most frequent of `(value, count)`; ties by name, so order does not matter.
    pub fn from_counts<'a>(counts: impl IntoIterator<Item = (&'a str, u64)>) -> Self {
        let mut all: Vec<(&str, u64)> = counts.into_iter().collect();
        all.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        let frequent = all.len().min(VALUES_MAX);
        let mut rare: Vec<u64> =
            all[frequent..].iter().map(|(v, _)| xxh3_64(v.as_bytes())).collect();
        rare.sort_unstable();
        Self { values: all[..frequent].iter().map(|(v, _)| (*v).to_string()).collect(), rare }
    }

    /// Values with a code of their own, the most frequent first.
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// The code of a value. Linear in the number of values: callers keep the answer for each label.
    pub fn encode(&self, value: &str) -> usize {
        match self.values.iter().position(|v| v == value) {
            Some(code) => code,
            None if self.rare.binary_search(&xxh3_64(value.as_bytes())).is_ok() => {
                self.values.len()
            }
            None => self.values.len() + 1,
        }
    }

    /// A code in words.
    pub fn label(&self, code: usize) -> String {
        match self.values.get(code) {
            Some(value) => value.clone(),
            None if code == self.values.len() => "other".into(),
            None => "unseen".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequent_values_have_codes_and_the_rest_is_other_or_unseen() {
        let names: Vec<String> = (0..60).map(|i| format!("v{i:02}")).collect();
        let e = CategoryEncoder::from_counts(
            names.iter().enumerate().map(|(i, n)| (n.as_str(), 1000 - i as u64)),
        );
        assert_eq!((e.values().len(), e.encode("v00"), e.encode("v51")), (52, 0, 51));
        assert_eq!((e.encode("v55"), e.encode("new")), (52, 53));
        assert_eq!((e.label(52).as_str(), e.label(53).as_str()), ("other", "unseen"));
        let tie = CategoryEncoder::from_counts([("b", 1), ("a", 1)]);
        assert_eq!(tie.values(), ["a", "b"]);
    }
}
