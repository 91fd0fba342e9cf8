//! Dependence as watched ticks tell it, on top of the baseline's.
//!
//! A baseline of an hour says little of what takes an hour: tenants that come and go, a daily cycle. So each
//! lane's design effect goes on being estimated from the ticks that are watched, over spans of 1, 8, 64 and
//! 512 ticks, and tempering follows. What is learned holds for the ticks *after* it only, so that each tick's
//! evidence stays an e-value. Ticks while a finding is on are not taken; those before it are cut at
//! [`OFF_MAX`], and a lasting change moves the mean and not the spread of single ticks.

use serde::{Deserialize, Serialize};

use crate::lane::LANES_MAX;
use crate::tables::Tables;
use crate::temper::{LOG_PROMISE, PRIOR_TICKS, error_factor};

/// Ticks of each span: this many of the span before.
const STEP: u32 = 8;
/// Spans of 1, 8, 64 and 512 ticks.
const SPANS: usize = 4;
/// Ticks after which dependence is known well enough: a day of panes of 10 s.
const TICKS_MAX: u32 = 8_640;
/// Sums that a span needs to tell anything.
const SUMS_MIN: u32 = 4;
/// Standard errors by which a longer span's effect must stand out.
const CHANCE: f64 = 2.0;
/// A watched tick counts as at most so many standard deviations, or more where bursts are usual: what is
/// further off is a change.
const OFF_MAX: f64 = 3.0;

/// Sums over one span, in standard deviations of independent events.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Span {
    /// The sum that is being made, and of how many parts.
    open: [f32; LANES_MAX],
    parts: u32,
    /// Sums that were made, their sum and that of their squares.
    made: u32,
    sum: [f32; LANES_MAX],
    squares: [f32; LANES_MAX],
}

impl Span {
    const NEW: Self = Self {
        open: [0.0; LANES_MAX],
        parts: 0,
        made: 0,
        sum: [0.0; LANES_MAX],
        squares: [0.0; LANES_MAX],
    };

    /// Takes a part; gives the sum where it is whole.
    fn take(&mut self, part: &[f32; LANES_MAX], whole: u32) -> Option<[f32; LANES_MAX]> {
        self.open.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        self.parts += 1;
        if self.parts < whole {
            return None;
        }
        let open = std::mem::replace(&mut self.open, [0.0; LANES_MAX]);
        for lane in 0..LANES_MAX {
            self.sum[lane] += open[lane];
            self.squares[lane] += open[lane] * open[lane];
        }
        (self.parts, self.made) = (0, self.made + 1);
        Some(open)
    }

    /// Sum of squares around the own mean.
    fn around_mean(&self, lane: usize) -> f64 {
        let sum = f64::from(self.sum[lane]);
        (f64::from(self.squares[lane]) - sum * sum / f64::from(self.made.max(1))).max(0.0)
    }
}

/// What watched ticks tell about the lanes' design effects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Live {
    spans: [Span; SPANS],
    /// What the tables' evidence is to be multiplied by, beside the tempering that is in them.
    pub(crate) factors: [f64; LANES_MAX],
}

impl Live {
    pub(crate) fn new() -> Self {
        Self { spans: [Span::NEW; SPANS], factors: [1.0; LANES_MAX] }
    }

    /// Factors for the next tick at a promise of `log_promise`.
    pub(crate) fn aim(&mut self, tables: &Tables, log_promise: f64) {
        let (dependence, ticks) = tables.dependence();
        let made = self.spans[0].made;
        let told = f64::from(made.saturating_sub(1));
        let mut least = 1.0f64;
        for (lane, of) in dependence.iter().enumerate() {
            let base = of.weight * ticks + PRIOR_TICKS;
            let raised = error_factor(LOG_PROMISE, base)
                / error_factor(log_promise, base + of.weight * told);
            // Around the ticks' own mean: a lasting small change, inside the zone, is no dependence.
            let single = (of.effect * base + self.spans[0].around_mean(lane)) / (base + told);
            let mut effect = single;
            let mut ticks = 1.0;
            for span in &self.spans[1..] {
                ticks *= f64::from(STEP);
                if span.made < SUMS_MIN {
                    break;
                }
                let sums = f64::from(span.made - 1);
                let chance = libm::sqrt(2.0 / sums);
                effect =
                    effect.max(span.around_mean(lane) / (sums * ticks) / (1.0 + CHANCE * chance));
            }
            let temper = tables.temper(lane);
            let mut ratio = of.effect / effect;
            if of.weight < 1.0 {
                // Wild ticks are cut here, and were not in the baseline: less of them is no good news.
                ratio = ratio.min(1.0);
            }
            self.factors[lane] = raised * ratio;
            if temper > 0.0 {
                self.factors[lane] = self.factors[lane].min(1.0 / temper);
                least = least.min(self.factors[lane]);
            }
        }
        // The learned lane is tempered like the most tempered of the others.
        self.factors[dependence.len()] = least;
    }

    /// Takes a tick of `events`, with its `evidence` as the tables give it.
    pub(crate) fn take(&mut self, tables: &Tables, evidence: &[f64; LANES_MAX], events: f64) {
        let (dependence, _) = tables.dependence();
        if dependence.is_empty() || self.spans[0].made >= TICKS_MAX {
            return;
        }
        let mut off = [0.0f32; LANES_MAX];
        for (lane, of) in dependence.iter().enumerate() {
            let (mean, spread) = (tables.means()[lane], tables.spreads()[lane]);
            let variance = events * spread * spread * tables.temper(lane);
            if variance > 0.0 {
                let most = OFF_MAX * libm::sqrt(of.effect / of.weight);
                let by = (evidence[lane] - events * mean) / libm::sqrt(variance);
                off[lane] = by.clamp(-most, most) as f32;
            }
        }
        let mut part = off;
        for (at, span) in self.spans.iter_mut().enumerate() {
            match span.take(&part, if at == 0 { 1 } else { STEP }) {
                Some(whole) => part = whole,
                None => break,
            }
        }
    }
}
