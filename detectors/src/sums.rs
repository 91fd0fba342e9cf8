//! Sums of watched ticks over several spans: what dependence between ticks is told by.

use serde::{Deserialize, Serialize};

use crate::lane::LANES_MAX;

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

/// Sums of ticks, in standard deviations of independent events.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sums {
    pub(crate) ticks: u32,
    pub(crate) events: f64,
    /// That of all ticks in sums of [`CENTERED`], and how many those are.
    pub(crate) total: Lanes,
    pub(crate) centered: u32,
    /// Sums of squares of each span's whole sums.
    squares: [Lanes; SPANS],
    /// The sum that is being made, of each span beyond the first.
    pub(crate) open: [Lanes; SPANS - 1],
}

impl Sums {
    pub(crate) const NEW: Self = Self {
        ticks: 0,
        events: 0.0,
        total: [0.0; LANES_MAX],
        centered: 0,
        squares: [[0.0; LANES_MAX]; SPANS],
        open: [[0.0; LANES_MAX]; SPANS - 1],
    };

    /// Takes a tick that is `off` by so much. `bounds`: most that the square of a sum counts for, for each
    /// tick in it; but one tick alone may count for all of its own, `mosts`.
    pub(crate) fn take(&mut self, mut off: Lanes, events: f64, bounds: &Lanes, mosts: &Lanes) {
        self.ticks += 1;
        self.events += events;
        let mut span = 1;
        for at in 0..SPANS {
            let squares = self.squares[at].iter_mut();
            for (((squares, off), bound), most) in squares.zip(&off).zip(bounds).zip(mosts) {
                *squares += (off * off).min((bound * span as f32).max(most * most));
            }
            if span == CENTERED {
                self.total.iter_mut().zip(&off).for_each(|(total, off)| *total += off);
                self.centered += span;
            }
            let Some(open) = self.open.get_mut(at) else { return };
            open.iter_mut().zip(&off).for_each(|(open, off)| *open += off);
            span *= STEP;
            if !self.ticks.is_multiple_of(span) {
                return;
            }
            off = std::mem::replace(open, [0.0; LANES_MAX]);
        }
    }

    /// Whole sums of a span.
    pub(crate) fn made(&self, span: usize) -> u32 {
        self.ticks / STEP.pow(span as u32)
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

    /// What the kurtosis of independent ticks adds to the variance of a ratio of variances, whatever the span:
    /// of a rare event, one over how often it was seen.
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
