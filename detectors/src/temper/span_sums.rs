//! Sums of watched ticks over several spans: what dependence between ticks is told by.

use serde::{Deserialize, Serialize};

use crate::lanes::LANES_MAX;

/// A number for each lane.
pub(crate) type Lanes = [f32; LANES_MAX];

/// Ticks of each span: this many of the span before.
const STEP: u32 = 8;
/// Spans of 1, 8, 64 and 512 ticks.
pub(crate) const SPANS: usize = 4;
/// Ticks of the longest.
pub(crate) const LONGEST: u32 = STEP.pow(SPANS as u32 - 1);
/// Ticks of the sums that tell of the baseline's error.
const CENTERED: u32 = STEP * STEP;

/// What sums of ticks told, in standard deviations of independent events.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) ticks: u32,
    pub(crate) events: f64,
    /// Sum of all ticks in sums of [`CENTERED`], and how many those are.
    total: Lanes,
    pub(crate) centered: u32,
    /// Sums of squares of each span's whole sums.
    squares: [Lanes; SPANS],
    /// Sums that were not whole, of each span.
    cut: [u16; SPANS],
}

/// The same, with the sums that are being made.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sums {
    pub(crate) told: Told,
    /// Of each span beyond the first, and the tick after which they began anew.
    open: [Lanes; SPANS - 1],
    anew_at: u32,
}

impl Sums {
    pub(crate) const NEW: Self = Self::after(Told {
        ticks: 0,
        events: 0.0,
        total: [0.0; LANES_MAX],
        centered: 0,
        squares: [[0.0; LANES_MAX]; SPANS],
        cut: [0; SPANS],
    });

    /// Goes on after what was told: sums that were being made are given up.
    pub(crate) const fn after(told: Told) -> Self {
        let anew_at = told.ticks;
        Self { told, open: [[0.0; LANES_MAX]; SPANS - 1], anew_at }
    }

    /// Gives up the sums that are being made, and what was told of the mean since `before`.
    pub(crate) fn forget_mean_since(&mut self, before: &Told) {
        (self.told.total, self.told.centered) = (before.total, before.centered);
        *self = Self::after(self.told);
    }

    /// Takes a tick that is `off` by so much. `bounds`: most that the square of a sum counts for, for each
    /// tick in it; but one tick alone may count for all of its own, `mosts`.
    pub(crate) fn take(&mut self, mut off: Lanes, events: f64, bounds: &Lanes, mosts: &Lanes) {
        let Self { told, open, anew_at } = self;
        told.ticks += 1;
        told.events += events;
        let mut span = 1;
        for at in 0..SPANS {
            if told.ticks.saturating_sub(*anew_at) < span {
                told.cut[at] = told.cut[at].saturating_add(1);
            } else {
                let squares = told.squares[at].iter_mut();
                for (((squares, off), bound), most) in squares.zip(&off).zip(bounds).zip(mosts) {
                    *squares += (off * off).min((bound * span as f32).max(most * most));
                }
                if span == CENTERED {
                    told.total.iter_mut().zip(&off).for_each(|(total, off)| *total += off);
                    told.centered += span;
                }
            }
            let Some(open) = open.get_mut(at) else { return };
            open.iter_mut().zip(&off).for_each(|(open, off)| *open += off);
            span *= STEP;
            if !told.ticks.is_multiple_of(span) {
                return;
            }
            off = std::mem::replace(open, [0.0; LANES_MAX]);
        }
    }
}

impl Told {
    /// Whole sums of a span.
    pub(crate) fn made(&self, span: usize) -> u32 {
        (self.ticks / STEP.pow(span as u32)).saturating_sub(u32::from(self.cut[span]))
    }

    /// Mean of a tick.
    pub(crate) fn mean(&self, lane: usize) -> f64 {
        f64::from(self.total[lane]) / f64::from(self.centered.max(1))
    }

    /// Sum of the squares of a span's sums around the mean: a lasting small change, inside the zone, is
    /// no dependence.
    pub(crate) fn around_mean(&self, span: usize, lane: usize) -> f64 {
        let mean = self.mean(lane) * f64::from(STEP.pow(span as u32));
        (f64::from(self.squares[span][lane]) - mean * mean * f64::from(self.made(span))).max(0.0)
    }

    /// What the kurtosis of independent ticks adds to the variance of a ratio of variances, whatever the
    /// span: of a rare event, one over how often it was seen.
    pub(crate) fn noise(&self, excess: f64, lane: usize) -> f64 {
        excess / self.around_mean(0, lane).max(1.0)
    }

    /// Variance of a tick as sums of a span tell it, and as single ticks do.
    pub(crate) fn longer(&self, span: usize, lane: usize) -> (f64, f64) {
        let ticks = f64::from(STEP.pow(span as u32));
        let free = f64::from(self.made(span).max(2) - 1);
        let told = f64::from(self.ticks.max(2) - 1);
        (self.around_mean(span, lane) / (free * ticks), self.around_mean(0, lane) / told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ticks of 1: a sum of eight that was given up on the way is left out, not counted as smaller.
    #[test]
    fn sums_that_are_not_whole_are_left_out() {
        let (mut off, none) = ([0.0; LANES_MAX], [f32::INFINITY; LANES_MAX]);
        off[0] = 1.0;
        let mut sums = Sums::NEW;
        (0..3).for_each(|_| sums.take(off, 1.0, &none, &none));
        let before = sums.told;
        (0..2).for_each(|_| sums.take(off, 1.0, &none, &none));
        sums.forget_mean_since(&before);
        (0..19).for_each(|_| sums.take(off, 1.0, &none, &none));
        assert_eq!((sums.told.ticks, sums.told.made(1)), (24, 2));
        assert_eq!(sums.told.squares[1][0], 128.0);
        // Sums of 64 begin after it: the first is not whole, the second is.
        (0..104).for_each(|_| sums.take(off, 1.0, &none, &none));
        assert_eq!((sums.told.made(2), sums.told.centered), (1, 64));
        assert_eq!(sums.told.mean(0), 1.0);
    }
}
