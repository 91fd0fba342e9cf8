//! Surprise of one event: `sum over its metrics of -ln p(code)` (the histogram-based outlier score,
//! HBOS; Goldstein and Dengel 2012), in whole micro-nats so that sums do not depend on their order.

use std::collections::BTreeSet;

/// Surprise of each code of a distribution, in millionths of a nat.
/// ```
/// use driftline_detectors::score::surprise::{Exemplars, surprises};
///
/// let surprise = surprises(&[0.99, 0.01]);
/// let mut kept = Exemplars::new(1);
/// for (id, code) in [(1u64, 0), (2, 1), (3, 0)] {
///     kept.offer(surprise[code], id, || id);
/// }
/// assert_eq!(kept.iter().next(), Some((4_605_170, &2)));
/// ```
pub fn surprises(probabilities: &[f64]) -> Vec<u64> {
    probabilities.iter().map(|p| (-libm::log(p.clamp(1e-12, 1.0)) * 1e6) as u64).collect()
}

/// What the surprise of one event is on average: the entropy of the distribution, in the same unit.
/// `surprises` are those of its codes.
pub fn expected(probabilities: &[f64], surprises: &[u64]) -> u64 {
    probabilities.iter().zip(surprises).map(|(p, s)| p * *s as f64).sum::<f64>() as u64
}

/// The most surprising events of a span. Ties go to the smaller hash of the id, so order never matters.
#[derive(Debug, Clone)]
pub struct Exemplars<T> {
    most: usize,
    kept: BTreeSet<(u64, std::cmp::Reverse<u64>, T)>,
}

impl<T: Ord> Exemplars<T> {
    /// Keeps the `most` most surprising events.
    pub fn new(most: usize) -> Self {
        Self { most, kept: BTreeSet::new() }
    }

    /// Offers an event: its surprise in millionths of a nat, a hash of its id, and what to keep of it.
    pub fn offer(&mut self, surprise: u64, id_hash: u64, event: impl FnOnce() -> T) {
        let rank = (surprise, std::cmp::Reverse(id_hash));
        let least = self.kept.first().map(|(s, h, _)| (*s, *h));
        if self.kept.len() >= self.most && least.is_some_and(|least| rank < least) {
            return;
        }
        self.kept.insert((surprise, rank.1, event()));
        if self.kept.len() > self.most {
            self.kept.pop_first();
        }
    }

    /// The events, the most surprising first.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        self.kept.iter().rev().map(|(surprise, _, event)| (*surprise, event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_surprising_are_kept_whatever_the_order() {
        assert_eq!(surprises(&[1.0, 0.5]), [0, 693_147]);
        assert_eq!(expected(&[0.5, 0.25, 0.25], &[693_147, 1_386_294, 1_386_294]), 1_039_720);
        let events: Vec<(u64, u64)> = (0..200).map(|i| (i * 7919 % 50, i)).collect();
        let keep = |events: &mut dyn Iterator<Item = &(u64, u64)>| {
            let mut kept = Exemplars::new(5);
            events.for_each(|(surprise, id)| kept.offer(*surprise, *id, || *id));
            kept.iter().map(|(s, id)| (s, *id)).collect::<Vec<_>>()
        };
        let forward = keep(&mut events.iter());
        assert_eq!(forward, keep(&mut events.iter().rev()));
        assert_eq!(forward.iter().map(|e| e.0).collect::<Vec<_>>(), [49, 49, 49, 49, 48]);
    }
}
