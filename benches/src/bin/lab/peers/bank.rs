//! A bank of CUSUMs of log-likelihood ratios for several changes of a normal law: what a careful
//! classical chart can do about a change that is not known.

use super::known::Known;

/// Shifts of the mean, in standard deviations, up and down.
const SHIFTS: [f64; 5] = [0.25, 0.5, 1.0, 2.0, 4.0];
/// Ratios of the standard deviation.
const SPREADS: [f64; 4] = [0.5, 0.67, 1.5, 2.0];

/// The charts as they run.
#[derive(Debug, Clone)]
pub(super) struct Bank<'a> {
    known: &'a Known,
    scores: bool,
    spreads: bool,
    up: [f64; SHIFTS.len()],
    down: [f64; SHIFTS.len()],
    spread: [f64; SPREADS.len()],
}

impl<'a> Bank<'a> {
    pub(super) fn new(known: &'a Known, scores: bool, spreads: bool) -> Self {
        let (up, down, spread) = Default::default();
        Self { known, scores, spreads, up, down, spread }
    }

    /// The largest of the sums.
    pub(super) fn step(&mut self, value: f64) -> f64 {
        let z = match self.scores {
            true => self.known.score(value),
            false => (value - self.known.mean) / self.known.deviation,
        };
        let mut largest = 0.0f64;
        let mut add = |sum: &mut f64, ratio: f64| {
            *sum = (*sum + ratio).max(0.0);
            largest = largest.max(*sum);
        };
        for (d, (up, down)) in SHIFTS.iter().zip(self.up.iter_mut().zip(&mut self.down)) {
            add(up, d * z - d * d / 2.0);
            add(down, -d * z - d * d / 2.0);
        }
        if self.spreads {
            for (s, sum) in SPREADS.iter().zip(&mut self.spread) {
                add(sum, z * z / 2.0 * (1.0 - 1.0 / (s * s)) - s.ln());
            }
        }
        largest
    }
}
