//! How seldom a deviation is, by those that were seen before: tail probabilities from a fading
//! histogram.
//!
//! Magnitudes are counted by side of zero in cells of a quarter octave. Inside of what was seen
//! often the probability is a rank; beyond, the mean excess of the outermost values carries it on
//! (an exponential tail: peaks over threshold with shape 0; Davison and Smith 1990).

use serde::{Deserialize, Serialize};

/// Values after which a value counts `1/e` of a new one.
const MEMORY: f64 = 4000.0;
const CELLS_PER_OCTAVE: f64 = 4.0;
/// Octaves below and above 1.
const OCTAVES: f64 = 30.0;
/// Share of all values that is the tail on each side ...
const TAIL_SHARE: f64 = 0.05;
/// ... and its least number of values.
const TAIL_MIN: f64 = 10.0;
/// The weight of a new value grows until it is scaled down.
const WEIGHT_MAX: f64 = 1e9;

/// Fading counts of signed magnitudes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Tails {
    up: Vec<(u8, f64)>,
    down: Vec<(u8, f64)>,
    total: f64,
    values: u32,
    /// Of the next value: it grows instead of the older ones fading.
    weight: f64,
}

impl Tails {
    pub(super) fn new() -> Self {
        Self { up: Vec::new(), down: Vec::new(), total: 0.0, values: 0, weight: 1.0 }
    }

    /// Values that were added.
    pub(super) fn values(&self) -> u32 {
        self.values
    }

    /// Adds a finite value; zero is on no side.
    pub(super) fn add(&mut self, value: f64) {
        let weight = self.weight;
        if value != 0.0 {
            let side = if value > 0.0 { &mut self.up } else { &mut self.down };
            let cell = position(value.abs()) as u8;
            match side.binary_search_by_key(&cell, |(cell, _)| *cell) {
                Ok(at) => side[at].1 += weight,
                Err(at) => side.insert(at, (cell, weight)),
            }
        }
        self.total += weight;
        self.values = self.values.saturating_add(1);
        self.weight /= 1.0 - 1.0 / MEMORY;
        if self.weight > WEIGHT_MAX {
            let scale = 1.0 / self.weight;
            for (_, count) in self.up.iter_mut().chain(&mut self.down) {
                *count *= scale;
            }
            self.total *= scale;
            self.weight = 1.0;
        }
    }

    /// Probability of a deviation to the side of `value` that is at least as large, in (0, 1].
    pub(super) fn probability(&self, value: f64) -> f64 {
        if value == 0.0 {
            return 1.0;
        }
        let side = if value > 0.0 { &self.up } else { &self.down };
        let counts = side.iter().rev().map(|(cell, count)| (f64::from(*cell), count / self.weight));
        let n = self.total / self.weight;
        let at = position(value.abs());
        let (mut tail, mut begin) = (0.0, 0.0);
        for (cell, count) in counts.clone() {
            tail += count;
            if tail >= f64::max(TAIL_SHARE * n, TAIL_MIN) {
                begin = cell;
                break;
            }
        }
        if at < begin + 1.0 || tail == 0.0 {
            let beyond = |(cell, count): (f64, f64)| count * (cell + 1.0 - at).clamp(0.0, 1.0);
            return (counts.map(beyond).sum::<f64>() + 0.5) / (n + 1.0);
        }
        let from = magnitude(begin);
        let excess = counts
            .take_while(|(cell, _)| *cell >= begin)
            .map(|(cell, count)| count * (magnitude(cell + 0.5) - from))
            .sum::<f64>();
        // One value of half the tail's begin is added: a mean of few is drawn towards it.
        let mean_excess = (excess + from / 2.0) / (tail + 1.0);
        (tail + 0.5) / (n + 1.0) * libm::exp(-(value.abs() - from) / mean_excess)
    }
}

/// Place of a magnitude on the scale of cells.
fn position(magnitude: f64) -> f64 {
    let octave = libm::log2(magnitude.max(f64::MIN_POSITIVE)) + OCTAVES;
    (octave * CELLS_PER_OCTAVE).clamp(0.0, 2.0 * OCTAVES * CELLS_PER_OCTAVE - 1e-6)
}

fn magnitude(position: f64) -> f64 {
    libm::exp2(position / CELLS_PER_OCTAVE - OCTAVES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::special::normal_quantile;

    #[test]
    fn probabilities_of_a_normal_law_are_about_right_and_go_on_beyond_what_was_seen() {
        let mut tails = Tails::new();
        for i in 0..20_000u64 {
            tails.add(normal_quantile((i * 7919 % 20_000) as f64 / 20_000.0 + 2.5e-5));
        }
        // The tail is a little heavier than the normal one.
        for (z, p) in [(0.5, 0.3085), (1.0, 0.1587), (2.0, 0.02275), (3.0, 0.00135)] {
            for value in [z, -z] {
                let got = tails.probability(value);
                assert!((0.9..2.0).contains(&(got / p)), "{value}: {got} {p}");
            }
        }
        assert!(tails.probability(6.0) < 1e-5 && tails.probability(12.0) < 1e-10);
        assert!(tails.probability(6.0) > tails.probability(7.0));
    }

    #[test]
    fn a_side_without_values_gives_the_rank_of_a_record() {
        let mut tails = Tails::new();
        (0..99).for_each(|_| tails.add(0.0));
        assert_eq!(tails.probability(0.0), 1.0);
        let p = tails.probability(-3.0);
        assert!((p - 0.005).abs() < 1e-4, "{p}");
    }

    #[test]
    fn old_values_fade_and_weights_stay_finite() {
        let mut tails = Tails::new();
        (0..50_000).for_each(|_| tails.add(1.0));
        (0..50_000).for_each(|_| tails.add(-1.0));
        assert!(tails.probability(0.5) < 1e-3 && tails.probability(-0.5) > 0.99);
        assert!(tails.total.is_finite() && tails.weight <= WEIGHT_MAX);
    }
}
