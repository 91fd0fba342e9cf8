//! Sums of watched ticks over several spans, by which dependence between ticks is estimated.

use serde::{Deserialize, Serialize};

use crate::lanes::LANES_MAX;

/// A number for each lane.
pub(crate) type PerLane = [f32; LANES_MAX];

/// Ticks of each span: this many of the span before.
const SPAN_FACTOR: u32 = 8;
/// Spans of 1, 8, 64 and 512 ticks.
pub(crate) const WATCHED_SPANS: usize = 4;
/// Ticks of the longest.
pub(crate) const LONGEST_TICKS: u32 = SPAN_FACTOR.pow(WATCHED_SPANS as u32 - 1);
/// Ticks of the sums that the baseline's error is estimated from.
const CENTERED_TICKS: u32 = SPAN_FACTOR * SPAN_FACTOR;

/// Moments of watched ticks and of their sums, in standard deviations of independent events.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct TickMoments {
    pub(crate) ticks: u32,
    pub(crate) events: f64,
    /// Sum of all ticks that are in whole sums of [`CENTERED_TICKS`], and how many those are.
    total: PerLane,
    pub(crate) centered: u32,
    /// Sums of squares of each span's whole sums.
    squares: [PerLane; WATCHED_SPANS],
    /// Sums that were not whole, of each span.
    cut: [u16; WATCHED_SPANS],
}

/// The moments, and the sums that are not whole yet.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct SpanSums {
    #[serde(rename = "told")]
    pub(crate) moments: TickMoments,
    /// Of each span beyond the first, and the tick after which they began anew.
    open: [PerLane; WATCHED_SPANS - 1],
    anew_at: u32,
}

/// Variance of a tick in a lane by two estimates; equal where ticks are independent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TickVariance {
    /// By the sums of a span, for each tick in them.
    pub(crate) of_sums: f64,
    /// By single ticks.
    pub(crate) of_ticks: f64,
}

impl SpanSums {
    pub(crate) const NEW: Self = Self::after(TickMoments {
        ticks: 0,
        events: 0.0,
        total: [0.0; LANES_MAX],
        centered: 0,
        squares: [[0.0; LANES_MAX]; WATCHED_SPANS],
        cut: [0; WATCHED_SPANS],
    });

    /// Goes on after `moments`: sums that are not whole are given up.
    pub(crate) const fn after(moments: TickMoments) -> Self {
        let anew_at = moments.ticks;
        Self { moments, open: [[0.0; LANES_MAX]; WATCHED_SPANS - 1], anew_at }
    }

    /// Goes on after `moments` without their mean.
    pub(crate) fn without_mean(moments: TickMoments) -> Self {
        Self::after(TickMoments { total: [0.0; LANES_MAX], centered: 0, ..moments })
    }

    /// Gives up the sums that are not whole, and what was learned of the mean since `before`.
    pub(crate) fn forget_mean_since(&mut self, before: &TickMoments) {
        (self.moments.total, self.moments.centered) = (before.total, before.centered);
        *self = Self::after(self.moments);
    }

    /// Adds a tick. The square of a sum is clipped at `bounds` for each tick in it, but not below the square
    /// of `tick_max`, at which single ticks are clipped.
    pub(crate) fn observe(
        &mut self,
        mut deviation: PerLane,
        events: f64,
        bounds: &PerLane,
        tick_max: &PerLane,
    ) {
        let Self { moments, open, anew_at } = self;
        moments.ticks += 1;
        moments.events += events;
        let mut span = 1;
        for at in 0..WATCHED_SPANS {
            if moments.ticks.saturating_sub(*anew_at) < span {
                moments.cut[at] = moments.cut[at].saturating_add(1);
            } else {
                let squares = moments.squares[at].iter_mut();
                let limits = bounds.iter().zip(tick_max);
                for ((squares, sum), (bound, most)) in squares.zip(&deviation).zip(limits) {
                    *squares += (sum * sum).min((bound * span as f32).max(most * most));
                }
                if span == CENTERED_TICKS {
                    let sums = moments.total.iter_mut().zip(&deviation);
                    sums.for_each(|(total, sum)| *total += sum);
                    moments.centered += span;
                }
            }
            let Some(open) = open.get_mut(at) else { return };
            open.iter_mut().zip(&deviation).for_each(|(open, sum)| *open += sum);
            span *= SPAN_FACTOR;
            if !moments.ticks.is_multiple_of(span) {
                return;
            }
            deviation = std::mem::replace(open, [0.0; LANES_MAX]);
        }
    }
}

impl TickMoments {
    /// Number of whole sums of a span.
    pub(crate) fn whole_sums(&self, span: usize) -> u32 {
        (self.ticks / SPAN_FACTOR.pow(span as u32)).saturating_sub(u32::from(self.cut[span]))
    }

    /// Mean of a tick.
    pub(crate) fn mean(&self, lane: usize) -> f64 {
        f64::from(self.total[lane]) / f64::from(self.centered.max(1))
    }

    /// Sum of the squares of a span's sums around the mean: a lasting small change, inside the zone, is
    /// no dependence.
    pub(crate) fn around_mean(&self, span: usize, lane: usize) -> f64 {
        let mean = self.mean(lane) * f64::from(SPAN_FACTOR.pow(span as u32));
        let squares = f64::from(self.squares[span][lane]);
        (squares - mean * mean * f64::from(self.whole_sums(span))).max(0.0)
    }

    /// What the kurtosis of independent ticks adds to the variance of a ratio of variances, whatever the
    /// span: of a rare event, one over how often it was seen.
    pub(crate) fn noise(&self, excess: f64, lane: usize) -> f64 {
        excess / self.around_mean(0, lane).max(1.0)
    }

    /// Variance of a tick by the sums of a span, and by single ticks.
    pub(crate) fn variance(&self, span: usize, lane: usize) -> TickVariance {
        let ticks = f64::from(SPAN_FACTOR.pow(span as u32));
        let sums = f64::from(self.whole_sums(span).max(2) - 1);
        let single = f64::from(self.ticks.max(2) - 1);
        TickVariance {
            of_sums: self.around_mean(span, lane) / (sums * ticks),
            of_ticks: self.around_mean(0, lane) / single,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ticks of 1: a sum of eight that was given up on the way is left out, not counted as smaller.
    #[test]
    fn sums_that_are_not_whole_are_left_out() {
        let (mut deviation, none) = ([0.0; LANES_MAX], [f32::INFINITY; LANES_MAX]);
        deviation[0] = 1.0;
        let mut sums = SpanSums::NEW;
        (0..3).for_each(|_| sums.observe(deviation, 1.0, &none, &none));
        let before = sums.moments;
        (0..2).for_each(|_| sums.observe(deviation, 1.0, &none, &none));
        sums.forget_mean_since(&before);
        (0..19).for_each(|_| sums.observe(deviation, 1.0, &none, &none));
        assert_eq!((sums.moments.ticks, sums.moments.whole_sums(1)), (24, 2));
        assert_eq!(sums.moments.squares[1][0], 128.0);
        // Sums of 64 begin after it: the first is not whole, the second is.
        (0..104).for_each(|_| sums.observe(deviation, 1.0, &none, &none));
        assert_eq!((sums.moments.whole_sums(2), sums.moments.centered), (1, 64));
        assert_eq!(sums.moments.mean(0), 1.0);
    }
}
