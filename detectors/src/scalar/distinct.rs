//! Number of distinct values by the k smallest hashes (bottom-k, "KMV"; Bar-Yossef et al. 2002).
//!
//! Order-free and mergeable: the state is a set. Exact up to `K` values, then with a relative standard
//! error of about `1 / sqrt(K - 2)`, 6 %.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

const K: usize = 256;

/// Counts distinct values in constant space.
/// ```
/// use driftline_detectors::scalar::Distinct;
///
/// let mut users = Distinct::default();
/// for id in [1u64, 2, 3, 2, 1] {
///     users.insert(id.wrapping_mul(0x9e37_79b9_7f4a_7c15)); // a hash of the value
/// }
/// assert_eq!(users.estimate(), 3.0);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distinct {
    smallest: BTreeSet<u64>,
}

impl Distinct {
    /// Adds a value by its 64-bit hash (a good one: uniform over all 64 bits).
    pub fn insert(&mut self, hash: u64) {
        if self.smallest.len() < K {
            self.smallest.insert(hash);
        } else if self.smallest.last().is_some_and(|&largest| hash < largest)
            && self.smallest.insert(hash)
        {
            self.smallest.pop_last();
        }
    }

    /// Adds all values of another.
    pub fn merge(&mut self, other: &Distinct) {
        other.smallest.iter().for_each(|&hash| self.insert(hash));
    }

    /// Estimated number of distinct values.
    pub fn estimate(&self) -> f64 {
        match self.smallest.last() {
            Some(&largest) if self.smallest.len() == K => {
                (K as f64 - 1.0) / (largest as f64 / u64::MAX as f64)
            }
            _ => self.smallest.len() as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xxhash_rust::xxh3::xxh3_64;

    #[test]
    fn exact_when_few_and_close_when_many() {
        let (mut few, mut many, mut merged) =
            (Distinct::default(), Distinct::default(), Distinct::default());
        for i in 0..50_000u32 {
            let hash = xxh3_64(&i.to_le_bytes());
            many.insert(hash);
            if i % 2 == 0 { &mut merged } else { &mut few }.insert(hash);
        }
        merged.merge(&few);
        assert_eq!(merged, many);
        assert!((many.estimate() / 50_000.0 - 1.0).abs() < 0.2, "{}", many.estimate());
        let mut three = Distinct::default();
        [1u64, 2, 3, 3, 2].iter().for_each(|i| three.insert(xxh3_64(&i.to_le_bytes())));
        assert_eq!(three.estimate(), 3.0);
    }
}
