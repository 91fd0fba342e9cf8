//! An order-free histogram of numbers that adapts its resolution: the raw material of an encoder.
//!
//! Each value becomes a *key*, an order-preserving integer of its bits. Equal keys are counted. When
//! there would be more than `cells_max` distinct keys, low bits are dropped until there are not.
//! Because the number of distinct keys at a resolution only grows with the set of values, the final
//! resolution depends on the set alone, not on its order, batching or merging: two sketches of the same
//! values are equal.

use serde::{Deserialize, Serialize};

/// Counted cells of numbers. Non-finite values are the caller's to keep out.
/// ```
/// use driftline_detectors::encoder::Sketch;
///
/// let (mut all, mut half, mut rest) = (Sketch::new(64), Sketch::new(64), Sketch::new(64));
/// let values: Vec<f64> = (0..1_000).map(f64::from).collect();
/// all.extend(&mut values.clone());
/// half.extend(&mut values[..500].to_vec());
/// rest.extend(&mut values[500..].to_vec());
/// rest.merge(&half);
/// assert_eq!(all, rest);
/// assert_eq!((all.len(), all.cells().count() <= 64), (1_000, true));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sketch {
    cells_max: usize,
    dropped_bits: u32,
    /// Sorted by key, keys unique at the current resolution.
    cells: Vec<(u64, u64)>,
}

/// One cell: the smallest and the largest number that fall into it, and how many did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// Smallest number of the cell.
    pub low: f64,
    /// Largest number of the cell.
    pub high: f64,
    /// Values seen.
    pub count: u64,
}

impl Sketch {
    /// An empty sketch of at most `cells_max` cells.
    pub fn new(cells_max: usize) -> Self {
        Self { cells_max: cells_max.max(2), dropped_bits: 0, cells: Vec::new() }
    }

    /// Adds finite values, in any order. Sorts `values` in place.
    pub fn extend(&mut self, values: &mut [f64]) {
        values.sort_unstable_by(f64::total_cmp);
        let mut fresh: Vec<(u64, u64)> = Vec::new();
        for &value in values.iter() {
            let key = key_of(value) >> self.dropped_bits;
            match fresh.last_mut() {
                Some((last, count)) if *last == key => *count += 1,
                _ => fresh.push((key, 1)),
            }
        }
        self.absorb(fresh);
    }

    /// Adds another sketch of the same capacity.
    pub fn merge(&mut self, other: &Sketch) {
        let bits = self.dropped_bits.max(other.dropped_bits);
        self.coarsen_to(bits);
        let mut theirs = other.clone();
        theirs.coarsen_to(bits);
        self.absorb(theirs.cells);
    }

    /// Number of values.
    pub fn len(&self) -> u64 {
        self.cells.iter().map(|(_, count)| count).sum()
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// The cells from the smallest number to the largest.
    pub fn cells(&self) -> impl Iterator<Item = Cell> + '_ {
        self.cells.iter().map(|&(key, count)| Cell {
            low: value_of(key << self.dropped_bits),
            high: value_of((key << self.dropped_bits) | ((1u64 << self.dropped_bits) - 1)),
            count,
        })
    }

    fn absorb(&mut self, fresh: Vec<(u64, u64)>) {
        if self.cells.is_empty() {
            self.cells = fresh;
        } else {
            let mut merged = Vec::with_capacity(self.cells.len() + fresh.len());
            let (mut left, mut right) = (self.cells.iter().peekable(), fresh.iter().peekable());
            loop {
                let next = match (left.peek(), right.peek()) {
                    (Some(a), Some(b)) if a.0 <= b.0 => left.next(),
                    (_, Some(_)) => right.next(),
                    (Some(_), None) => left.next(),
                    (None, None) => break,
                };
                if let Some(&cell) = next {
                    push_cell(&mut merged, cell);
                }
            }
            self.cells = merged;
        }
        while self.cells.len() > self.cells_max {
            self.coarsen_to(self.dropped_bits + 1);
        }
    }

    fn coarsen_to(&mut self, bits: u32) {
        if bits <= self.dropped_bits {
            return;
        }
        let by = bits - self.dropped_bits;
        let mut cells = Vec::with_capacity(self.cells.len());
        for &(key, count) in &self.cells {
            push_cell(&mut cells, (key >> by, count));
        }
        self.cells = cells;
        self.dropped_bits = bits;
    }
}

fn push_cell(cells: &mut Vec<(u64, u64)>, (key, count): (u64, u64)) {
    match cells.last_mut() {
        Some((last, total)) if *last == key => *total += count,
        _ => cells.push((key, count)),
    }
}

/// An integer with the order of the numbers; -0 counts as 0.
fn key_of(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

fn value_of(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 { key & !(1 << 63) } else { !key })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scattered(n: u64) -> Vec<f64> {
        (0..n).map(|i| ((i * 7919 % 10_007) as f64 - 300.0) * 1.37e-3).collect()
    }

    #[test]
    fn order_batching_and_merging_do_not_matter() {
        let values = scattered(6000);
        let mut whole = Sketch::new(256);
        whole.extend(&mut values.clone());
        let mut backwards = Sketch::new(256);
        for chunk in values.rchunks(37) {
            backwards.extend(&mut chunk.to_vec());
        }
        let (mut left, mut right) = (Sketch::new(256), Sketch::new(256));
        left.extend(&mut values[..10].to_vec());
        right.extend(&mut values[10..].to_vec());
        left.merge(&right);
        assert_eq!(whole, backwards);
        assert_eq!(whole, left);
        assert_eq!(whole.len(), 6000);
        assert!(whole.cells().count() <= 256 && whole.cells().count() > 128);
    }

    #[test]
    fn cells_hold_their_values() {
        let values = scattered(3000);
        let mut sketch = Sketch::new(64);
        sketch.extend(&mut values.clone());
        for value in values {
            assert_eq!(sketch.cells().filter(|c| c.low <= value && value <= c.high).count(), 1);
        }
        let mut few = Sketch::new(64);
        few.extend(&mut [-0.0, 0.0, -5.5, 1e300]);
        assert_eq!(
            few.cells().map(|c| (c.low, c.count)).collect::<Vec<_>>(),
            [(-5.5, 1), (0.0, 2), (1e300, 1)]
        );
    }
}
