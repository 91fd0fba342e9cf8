//! Dependence as watched ticks tell it, on top of the baseline's.
//!
//! A baseline of an hour says little of what takes an hour: tenants that come and go, a daily cycle. So
//! each lane's design effect goes on being estimated from the ticks that are watched, over spans of 1,
//! 8, 64 and 512 ticks, and tempering follows. What is learned holds for the ticks *after* it only, so
//! that each tick's evidence stays an e-value.
//!
//! They tell of the baseline's error, too. A lane's mean evidence under the baseline is known, and what
//! the watched ticks' mean is beyond it estimates the error with the weight of their events; it is
//! taken off, and the slack is that of all events together. It is as if the baseline had gone on
//! growing through its first day of watching, but for the last minutes: sums of 64 ticks count once
//! they are whole.
//!
//! What may be a change is not taken: ticks while a finding is on, and those at which the mixture stands
//! above a quarter of `ln A` already. The price is that dependence which makes excursions of that height
//! is learned too slowly. Others are cut at [`crate::tables::OFF_MAX`].

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
const SUMS_MIN: u32 = 16;
/// Standard errors by which a longer span's effect must stand out.
const CHANCE: f64 = 2.0;
/// Another `ln A` is taken notice of from this difference on.
const LOG_STEP: f64 = 0.1;

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
        self.sum.iter_mut().zip(&open).for_each(|(sum, open)| *sum += open);
        self.squares.iter_mut().zip(&open).for_each(|(sum, open)| *sum += open * open);
        (self.parts, self.made) = (0, self.made + 1);
        Some(open)
    }

    /// Sum of squares around the own mean.
    fn around_mean(&self, lane: usize) -> f64 {
        let sum = f64::from(self.sum[lane]);
        (f64::from(self.squares[lane]) - sum * sum / f64::from(self.made.max(1))).max(0.0)
    }
}

/// What watched ticks tell about the lanes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Live {
    spans: [Span; SPANS],
    /// Events of the ticks that were taken.
    events: f64,
    /// What the rest was made at: sums of the second span, `ln A`.
    made_at: Option<(u32, f64)>,
    /// What the tables' evidence is to be multiplied by, beside the tempering that is in them.
    pub(crate) factors: [f32; LANES_MAX],
    /// What is to be taken off the evidence of each event then: the baseline's error, and slack.
    pub(crate) losses: [f32; LANES_MAX],
    /// Weights of the lanes.
    pub(crate) weights: [f32; LANES_MAX],
    /// Standard deviation of an event's evidence, as [`Tables::spreads`].
    pub(crate) spreads: [f32; LANES_MAX],
}

impl Live {
    pub(crate) fn new() -> Self {
        Self {
            spans: [Span::NEW; SPANS],
            events: 0.0,
            made_at: None,
            factors: [1.0; LANES_MAX],
            losses: [0.0; LANES_MAX],
            weights: [0.0; LANES_MAX],
            spreads: [0.0; LANES_MAX],
        }
    }

    /// Makes ready for the next tick at a promise of `log_promise`. Anew for every eighth tick only.
    pub(crate) fn aim(&mut self, tables: &Tables, log_promise: f64) {
        let now = (self.spans[1].made, log_promise);
        let is_near = |at: (u32, f64)| at.0 == now.0 && (at.1 - now.1).abs() < LOG_STEP;
        if self.made_at.is_some_and(is_near) {
            return;
        }
        self.made_at = Some(now);
        self.temper(tables, log_promise);
        self.center(tables, log_promise);
    }

    fn temper(&mut self, tables: &Tables, log_promise: f64) {
        let (dependence, ticks) = tables.dependence();
        let told = f64::from(self.spans[0].made.saturating_sub(1));
        let mut least = 1.0;
        for (lane, of) in dependence.iter().enumerate() {
            let base = of.weight * ticks + PRIOR_TICKS;
            let raised = error_factor(LOG_PROMISE, base)
                / error_factor(log_promise, base + of.weight * told);
            let mut ratio = of.effect / self.effect(lane, of.effect * base, base);
            if of.weight < 1.0 {
                // Wild ticks are cut here, and were not in the baseline: less of them is no good news.
                ratio = ratio.min(1.0);
            }
            let temper = tables.temper(lane);
            let mut factor = raised * ratio;
            if temper > 0.0 {
                factor = factor.min(1.0 / temper);
                least = f64::min(least, factor);
            }
            self.factors[lane] = factor as f32;
        }
        // The learned lane is tempered like the most tempered of the others.
        self.factors[dependence.len()] = least as f32;
    }

    /// Design effect of a lane, where `base` baseline ticks have the sum of squares `seen`.
    fn effect(&self, lane: usize, seen: f64, base: f64) -> f64 {
        let told = f64::from(self.spans[0].made.saturating_sub(1));
        // Around the ticks' own mean: a lasting small change, inside the zone, is no dependence.
        let mut effect = (seen + self.spans[0].around_mean(lane)) / (base + told);
        let mut ticks = 1.0;
        for span in &self.spans[1..] {
            ticks *= f64::from(STEP);
            if span.made < SUMS_MIN {
                break;
            }
            let sums = f64::from(span.made - 1);
            let longer = span.around_mean(lane) / (sums * ticks);
            if longer > effect * (1.0 + CHANCE * libm::sqrt(2.0 / sums)) {
                effect = longer;
            }
        }
        effect
    }

    /// The baseline's error in each lane, as far as whole sums of 64 ticks tell it, and what that
    /// leaves of the slack.
    fn center(&mut self, tables: &Tables, log_promise: f64) {
        let (dependence, _) = tables.dependence();
        let ticks = f64::from(self.spans[2].made * STEP * STEP);
        let told = self.events * ticks / f64::from(self.spans[0].made.max(1));
        let baseline = tables.events().max(1.0);
        let left = baseline / (baseline + told);
        let weights = tables.weights_at(baseline + told);
        for (lane, weight) in weights.into_iter().enumerate() {
            self.weights[lane] = weight as f32;
            let (spread, factor) = (tables.spreads()[lane], f64::from(self.factors[lane]));
            self.spreads[lane] = (spread * libm::sqrt(factor)) as f32;
            let slack = tables.slack()[lane].at(log_promise);
            let mut loss = slack;
            if lane < dependence.len() {
                loss *= left;
                if ticks > 0.0 {
                    // In standard deviations of an event's evidence, were events independent.
                    let root = libm::sqrt(told / ticks);
                    let mean = f64::from(self.spans[2].sum[lane]) / ticks / root;
                    let deviation = spread * libm::sqrt(tables.temper(lane));
                    loss += factor * mean * (1.0 - left) * deviation;
                }
            }
            self.losses[lane] = loss as f32;
        }
    }

    /// Takes a tick of `events`, with its `evidence` as the tables give it.
    pub(crate) fn take(&mut self, tables: &Tables, evidence: &[f64; LANES_MAX], events: f64) {
        let (dependence, _) = tables.dependence();
        if dependence.is_empty() || self.spans[0].made >= TICKS_MAX {
            return;
        }
        let root = libm::sqrt(events.max(1.0));
        let mut off = [0.0f32; LANES_MAX];
        for (lane, of) in tables.scales().iter().enumerate() {
            let by = (evidence[lane] - events * of.mean) / root * of.per_deviation;
            off[lane] = by.clamp(-of.most, of.most) as f32;
        }
        self.events += events;
        let mut part = off;
        for (at, span) in self.spans.iter_mut().enumerate() {
            match span.take(&part, if at == 0 { 1 } else { STEP }) {
                Some(whole) => part = whole,
                None => break,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::baseline::{Baseline, Zone};
    use crate::encoder::{Encoder, NumberEncoder};
    use crate::evidence::Evidence;
    use crate::tables::Tables;
    use crate::temper::temper;

    #[test]
    fn a_constant_says_nothing() {
        let encoder = Encoder::Number(NumberEncoder::from_edges(vec![0.0, 0.0]));
        let codes = encoder.codes();
        let mut counts = vec![0; codes];
        counts[1] = 10_801;
        let mut baseline = Baseline::new(encoder, counts);
        let zone = Zone::default();
        let plain = Tables::new(&baseline, baseline.probabilities(), zone, 0.0);
        let tempering = temper(&vec![vec![(1, 30)]; 180], |_| &plain);
        (baseline.temper, baseline.dependence) = (tempering.factors, tempering.dependence);
        baseline.panes = 180;
        let tables = Tables::new(&baseline, baseline.probabilities(), zone, 0.0);
        let mut evidence = Evidence::new(&tables);
        let mut tick = vec![0; codes];
        tick[1] = 30;
        for time in 0..1_000 {
            evidence.tick(&tables, &tick, time);
            assert!(evidence.log_mixture() < 10.0, "{tables:?} {evidence:?}");
        }
    }
}
