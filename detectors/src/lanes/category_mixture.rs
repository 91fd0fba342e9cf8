//! The lane for single categories: one of them, whichever, or one group of neighbours, has changed.
//!
//! A lane for each category would be too many, and one for all of them together sees nothing where one of
//! fifty trebles. So each *component* - a category or a group of them, and by how much it changed - has a
//! log-likelihood ratio of its own, and the lane's e-value of a tick is their mean, weighted by their
//! e-values so far: Bayes' posterior. Before each tick a part of all weight is dealt out anew; it is the
//! lane's start divided by its start and its Shiryaev-Roberts statistic `R`. Then the lane's `R` is exactly
//! the sum of those of the components, each on its own. The weights are fixed before the tick comes, so the
//! mean of e-values is an e-value. A component that begins to change costs `ln` of their number once.

use std::ops::Range;

use super::estimation_penalty::EstimationPenalty;
use super::lane::Lane;
use super::tick::Tick;
use crate::encoder::CODES_MAX;
use crate::math::overshoot::{jump_overshoot_correction, overshoot_correction};
use crate::math::special::{exp, exp_single};

/// Most evidence of a tick for one component: the next tick has to confirm it anyway.
const TICK_MAX: f64 = 50.0;
/// Least: in single precision a weight stays above 0.
const TICK_MIN: f64 = -60.0;

/// Codes that became more, or less, frequent.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Component {
    /// Codes `from..to`.
    from: u8,
    to: u8,
    ratio: f64,
    /// Evidence of an event within, beyond that of any event.
    hit: f64,
    /// Evidence of any event.
    miss: f64,
    penalty: EstimationPenalty,
}

/// Components that a tick is judged by side by side.
const BLOCK_WIDTH: usize = 8;

/// Components, field by field: loops over them become vector code. Those that are missing from the last
/// block have a prior of 0, and so no weight.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Block {
    from: [u8; BLOCK_WIDTH],
    to: [u8; BLOCK_WIDTH],
    hit: [f64; BLOCK_WIDTH],
    miss: [f64; BLOCK_WIDTH],
    /// For each unit of `ln A`.
    penalty: [f64; BLOCK_WIDTH],
    prior: [f32; BLOCK_WIDTH],
}

/// What all components of a tick have in common.
#[derive(Debug, Clone, Copy)]
struct TickCounts<'a> {
    /// Events with lower codes, by code.
    below: &'a [f64],
    events: f64,
    log_promise: f64,
    /// Share of all weight that is dealt out anew.
    dealt: f32,
}

impl Block {
    fn new((components, priors): (&[Component], &[f32])) -> Self {
        let mut block = Self::default();
        for (at, (component, prior)) in components.iter().zip(priors).enumerate() {
            (block.from[at], block.to[at]) = (component.from, component.to);
            (block.hit[at], block.miss[at]) = (component.hit, component.miss);
            (block.penalty[at], block.prior[at]) = (component.penalty.per_event(1.0), *prior);
        }
        block
    }

    /// Updates `weights` by a tick, without scaling them to 1; they are added to `sums`.
    #[inline]
    fn observe(
        &self,
        tick: TickCounts<'_>,
        weights: &mut [f32; BLOCK_WIDTH],
        sums: &mut [f32; BLOCK_WIDTH],
    ) {
        let TickCounts { below, events, log_promise, dealt } = tick;
        let inside: [f64; BLOCK_WIDTH] = std::array::from_fn(|at| {
            below[usize::from(self.to[at])] - below[usize::from(self.from[at])]
        });
        for at in 0..BLOCK_WIDTH {
            let miss = self.miss[at] - self.penalty[at] * log_promise;
            let evidence = inside[at] * self.hit[at] + events * miss;
            let odds = exp_single(evidence.clamp(TICK_MIN, TICK_MAX) as f32);
            weights[at] = ((1.0 - dealt) * weights[at] + dealt * self.prior[at]) * odds;
            sums[at] += weights[at];
        }
    }
}

/// The components, and their weights before the first tick.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct CategoryMixture {
    components: Vec<Component>,
    blocks: Vec<Block>,
    /// Mean tempering of the components, and the most.
    temper: f64,
    most_temper: f64,
    overshoot_correction: f64,
}

/// What one component looks for.
#[derive(Debug, Clone)]
pub(crate) struct CategoryAlternative {
    pub(crate) codes: Range<u8>,
    /// Odds ratio.
    pub(crate) ratio: f64,
    /// Share of the codes under the null hypothesis, and under the alternative.
    pub(crate) null: f64,
    pub(crate) alternative: f64,
    pub(crate) penalty: EstimationPenalty,
    /// Weight beside the other components.
    pub(crate) weight: f64,
    /// Tempering of its evidence, 0..=1.
    pub(crate) temper: f64,
}

impl CategoryAlternative {
    fn component(&self) -> Component {
        let miss = self.temper * libm::log((1.0 - self.alternative) / (1.0 - self.null));
        let hit = self.temper * libm::log(self.alternative / self.null) - miss;
        let Range { start: from, end: to } = self.codes;
        Component { from, to, ratio: self.ratio, hit, miss, penalty: self.penalty }
    }

    /// The start of the component, in ticks of usually this many `events`.
    fn start(&self, component: &Component, events: f64) -> f64 {
        let variance = self.null * (1.0 - self.null) * events / self.temper;
        let reach = component.hit * libm::sqrt(variance);
        let jump = if self.ratio > 1.0 { component.hit + component.miss } else { 0.0 };
        self.weight * overshoot_correction(reach.abs()).max(jump_overshoot_correction(jump))
    }
}

impl CategoryMixture {
    /// A mixture over `alternatives`, in ticks of usually this many `events`.
    pub(crate) fn new(alternatives: &[CategoryAlternative], events: f64) -> Self {
        let components: Vec<Component> =
            alternatives.iter().map(CategoryAlternative::component).collect();
        let pairs = alternatives.iter().zip(&components);
        let starts: Vec<f64> = pairs.map(|(of, component)| of.start(component, events)).collect();
        let total: f64 = starts.iter().sum();
        let weights: f64 = alternatives.iter().map(|of| of.weight).sum();
        let tempers: f64 = alternatives.iter().map(|of| of.weight * of.temper).sum();
        let priors: Vec<f32> = starts.iter().map(|start| (start / total) as f32).collect();
        let chunks = components.chunks(BLOCK_WIDTH).zip(priors.chunks(BLOCK_WIDTH));
        Self {
            blocks: chunks.map(Block::new).collect(),
            components,
            temper: tempers / weights.max(f64::MIN_POSITIVE),
            most_temper: alternatives.iter().fold(0.0, |most: f64, of| most.max(of.temper)),
            overshoot_correction: total / weights.max(f64::MIN_POSITIVE),
        }
    }

    pub(crate) fn temper(&self) -> f64 {
        self.temper
    }

    /// Largest factor that keeps the lane an e-value: beyond, a component would count more than once.
    pub(crate) fn factor_max(&self) -> f64 {
        1.0 / self.most_temper.max(1e-9)
    }

    /// Number of components.
    pub(crate) fn components(&self) -> usize {
        self.components.len()
    }

    /// By how much a start of the lane counts more than its weight.
    pub(crate) fn overshoot_correction(&self) -> f64 {
        self.overshoot_correction
    }

    /// Weights before the first tick, of whole blocks.
    pub(crate) fn weights(&self) -> Box<[f32]> {
        self.blocks.iter().flat_map(|block| block.prior).collect()
    }

    /// The lane that looks for what a component does.
    pub(crate) fn lane(&self, component: usize) -> Lane {
        let Component { from, to, ratio, .. } = self.components[component];
        Lane::Share { codes: (from..to).collect(), ratio }
    }

    /// The component that looks for the same change and is the mildest: a strong one often wins on a weak
    /// change, and is no measure of whether that lasts.
    pub(crate) fn mildest(&self, component: usize) -> usize {
        let own = &self.components[component];
        let strength =
            |at: &usize| self.components[*at].ratio.max(1.0 / self.components[*at].ratio);
        let is_alike = |at: &usize| {
            let other = &self.components[*at];
            (other.from, other.to) == (own.from, own.to) && (other.ratio > 1.0) == (own.ratio > 1.0)
        };
        let milder = |a: &usize, b: &usize| strength(a).total_cmp(&strength(b));
        (0..self.components.len()).filter(is_alike).min_by(milder).unwrap_or(component)
    }

    /// Evidence of a tick for one component, before slack.
    pub(crate) fn component_evidence(&self, component: usize, counts: &[u32]) -> f64 {
        let Component { from, to, hit, miss, .. } = self.components[component];
        let events: f64 = counts.iter().map(|n| f64::from(*n)).sum();
        let inside = &counts[usize::from(from)..usize::from(to)];
        inside.iter().map(|n| f64::from(*n)).sum::<f64>() * hit + events * miss
    }

    /// Evidence of a tick in the lane, with the slack for `log_promise`, after the share `dealt` of all
    /// weight was dealt out anew. `weights` become those after the tick.
    pub(crate) fn observe(
        &self,
        tick: &Tick<'_>,
        dealt: f64,
        log_promise: f64,
        weights: &mut [f32],
    ) -> f64 {
        let mut below = [0.0f64; CODES_MAX + 1];
        let mut events = 0.0;
        for (below, n) in below[1..].iter_mut().zip(tick.counts()) {
            events += f64::from(*n);
            *below = events;
        }
        let counts = TickCounts { below: &below, events, log_promise, dealt: dealt as f32 };
        let mut sums = [0.0; BLOCK_WIDTH];
        for (block, weights) in self.blocks.iter().zip(weights.as_chunks_mut().0) {
            block.observe(counts, weights, &mut sums);
        }
        let mean = sums.iter().sum::<f32>().max(f32::MIN_POSITIVE);
        let scale = 1.0 / mean;
        weights.iter_mut().for_each(|weight| *weight *= scale);
        libm::log(f64::from(mean))
    }

    /// Evidence of one event with `code` by the weights as they are, before slack.
    pub(crate) fn event_evidence(&self, code: usize, weights: &[f32]) -> f64 {
        let (mut mean, mut all) = (0.0, 0.0);
        for (component, weight) in self.components.iter().zip(weights) {
            let is_within =
                (usize::from(component.from)..usize::from(component.to)).contains(&code);
            let evidence = component.miss + if is_within { component.hit } else { 0.0 };
            mean += f64::from(*weight) * exp(evidence);
            all += f64::from(*weight);
        }
        libm::log(mean / all.max(f64::MIN_POSITIVE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forty() -> CategoryMixture {
        let alternative = |code: u8| CategoryAlternative {
            codes: code..code + 1,
            ratio: 4.3,
            null: 0.025,
            alternative: 0.1,
            penalty: EstimationPenalty::default(),
            weight: 1.0,
            temper: 1.0,
        };
        CategoryMixture::new(&(0..40).map(alternative).collect::<Vec<_>>(), 50.0)
    }

    /// Over all that one event can be.
    #[test]
    fn a_tick_is_an_e_value_whatever_the_weights() {
        let mixture = forty();
        let mut weights = mixture.weights();
        for round in 0..20 {
            let of = |code: usize| {
                let mut counts = [0; 40];
                counts[code] = 1;
                let told = mixture.observe(&Tick::new(&counts), 0.0, 14.0, &mut weights.clone());
                (told, mixture.event_evidence(code, &weights))
            };
            let mean: f64 = (0..40).map(|code| 0.025 * of(code).0.exp()).sum();
            assert!((mean - 1.0).abs() < 1e-5, "{round}: {mean}");
            assert!((of(round).0 - of(round).1).abs() < 1e-6);
            let mut counts = [0; 40];
            counts[round * round % 40] = 3;
            mixture.observe(&Tick::new(&counts), 0.01, 14.0, &mut weights);
        }
    }

    /// Multiplied by the most that is allowed it is one still; by a little more it is none.
    #[test]
    fn no_part_counts_more_than_once() {
        let alternative = |(code, temper): (u8, f64)| CategoryAlternative {
            codes: code..code + 1,
            ratio: 4.3,
            null: 0.25,
            alternative: 0.6,
            penalty: EstimationPenalty::default(),
            weight: 1.0,
            temper,
        };
        let tempers = [(0, 0.5), (1, 0.8), (2, 0.8), (3, 0.8)];
        let mixture = CategoryMixture::new(&tempers.map(alternative), 50.0);
        let mean = |factor: f64| {
            let of = |code: usize| {
                let mut counts = [0; 4];
                counts[code] = 1;
                // Sure of the part that counts most.
                let mut weights = mixture.weights();
                weights.fill(0.0);
                weights[1] = 1.0;
                0.25 * (factor * mixture.observe(&Tick::new(&counts), 0.0, 14.0, &mut weights))
                    .exp()
            };
            (0..4).map(of).sum::<f64>()
        };
        assert!(mean(mixture.factor_max()) < 1.0 + 1e-6, "{}", mean(mixture.factor_max()));
        assert!(mean(1.1 * mixture.factor_max()) > 1.005);
    }

    /// The statistic of the lane is the sum of those of its parts.
    #[test]
    fn the_lane_is_the_sum_of_its_parts() {
        let mixture = forty();
        let (mut weights, mut r, mut each) = (mixture.weights(), 0.0, [0.0f64; 40]);
        for tick in 0..200usize {
            let mut counts = [0; 40];
            (0..30).for_each(|event| counts[(tick * tick + 7 * event * tick) % 40] += 1);
            let e = mixture.observe(&Tick::new(&counts), 1.0 / (1.0 + r), 14.0, &mut weights);
            r = (1.0 + r) * e.exp();
            for (part, own) in each.iter_mut().enumerate() {
                *own = (1.0 / 40.0 + *own) * mixture.component_evidence(part, &counts).exp();
            }
            let sum: f64 = each.iter().sum();
            assert!((r / sum - 1.0).abs() < 1e-3, "{tick}: {r}, not {sum}");
        }
    }

    #[test]
    fn one_that_trebles_is_found_at_the_cost_of_their_number() {
        let mixture = forty();
        let mut weights = mixture.weights();
        let mut counts = [5; 40];
        counts[17] = 17;
        let told: Vec<f64> = (0..10)
            .map(|_| mixture.observe(&Tick::new(&counts), 0.01, 14.0, &mut weights))
            .collect();
        let alone = mixture.component_evidence(17, &counts);
        assert!(told[0] < alone && told[9] > 0.95 * alone && alone > 3.0, "{told:?} {alone}");
        let lost: f64 = told.iter().map(|one| alone - one).sum();
        assert!(lost < 40f64.ln() + 0.5, "{lost}");
        assert!(weights[17] > 0.9, "{weights:?}");
    }
}
