//! Counts of categories in bounded space, whatever the order: the raw material of a category encoder.
//!
//! Up to `distinct_max` values are counted exactly. Beyond, those with the smallest hashes are kept and
//! all others are counted together, so the state depends on the set of values alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// Counted strings.
/// ```
/// use driftline_detectors::encoder::{Categories, CategoryEncoder};
///
/// let mut counts = Categories::new(1_000);
/// for reason in ["stop", "stop", "length"] {
///     counts.add(reason, 1);
/// }
/// let encoder = CategoryEncoder::from_counts(counts.iter());
/// assert_eq!(encoder.values(), ["stop", "length"]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Categories {
    distinct_max: usize,
    counts: BTreeMap<u64, (String, u64)>,
    rest: u64,
}

impl Categories {
    /// Nothing counted yet.
    pub fn new(distinct_max: usize) -> Self {
        Self { distinct_max: distinct_max.max(1), counts: BTreeMap::new(), rest: 0 }
    }

    /// Adds `count` events of a value.
    pub fn add(&mut self, value: &str, count: u64) {
        let hash = xxh3_64(value.as_bytes());
        if let Some((_, total)) = self.counts.get_mut(&hash) {
            *total += count;
            return;
        }
        let full = self.counts.len() >= self.distinct_max;
        if full && self.counts.keys().next_back().is_some_and(|largest| *largest < hash) {
            self.rest += count;
            return;
        }
        self.counts.insert(hash, (value.to_string(), count));
        if self.counts.len() > self.distinct_max
            && let Some((_, (_, dropped))) = self.counts.pop_last()
        {
            self.rest += dropped;
        }
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: &Categories) {
        other.counts.values().for_each(|(value, count)| self.add(value, *count));
        self.rest += other.rest;
    }

    /// Values and their counts.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.counts.values().map(|(value, count)| (value.as_str(), *count))
    }

    /// Events of values that were not kept.
    pub fn rest(&self) -> u64 {
        self.rest
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.rest == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_does_not_matter_even_over_the_limit() {
        let values: Vec<String> = (0..500).map(|i| format!("v{}", i * 7919 % 300)).collect();
        let (mut forward, mut backward) = (Categories::new(64), Categories::new(64));
        values.iter().for_each(|v| forward.add(v, 1));
        values.iter().rev().for_each(|v| backward.add(v, 1));
        assert_eq!(forward, backward);
        assert_eq!(forward.iter().map(|(_, n)| n).sum::<u64>() + forward.rest(), 500);
        let mut merged = Categories::new(64);
        merged.merge(&forward);
        assert_eq!(merged, forward);
    }
}
