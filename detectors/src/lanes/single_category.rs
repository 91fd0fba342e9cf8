//! One of many: the lane for one category, whichever, or one group of neighbours, that changed.
//!
//! A lane for each category would be too many, and one for all of them together sees nothing where one of
//! fifty trebles. So each *part* - a category or a group of them, and by how much it changed - has a
//! log-likelihood ratio of its own, and the lane's e-value of a tick is their mean, weighed by what each
//! has said before: Bayes' posterior. How much of the weight is dealt out anew before a tick is what the
//! lane's Shiryaev-Roberts statistic `R` starts with, as a part of `R` and that: then the lane's `R` is
//! exactly the sum of those of the parts, each on its own. The weights stand before the tick comes, so the
//! mean of e-values is one. A part that begins to change costs `ln` of their number once.

use super::slack::Slack;
use super::tick::Tick;
use crate::encoder::CODES_MAX;
use crate::math::overshoot::{jump_worth, starts_worth};
use crate::math::special::{exp, exp_single};

/// Most that a tick says for one part: its neighbour has to confirm it anyway.
const TICK_MAX: f64 = 50.0;
/// Least: in single precision a weight stays above 0.
const TICK_MIN: f64 = -60.0;

/// What became more, or less, frequent.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Part {
    /// Codes `from..to`.
    from: u8,
    to: u8,
    ratio: f64,
    /// Evidence of an event within, beyond that of any.
    hit: f64,
    /// Evidence of any event.
    miss: f64,
    slack: Slack,
}

/// Parts that a tick is judged by side by side.
const ABREAST: usize = 8;

/// So many parts, value by value: loops over them become vector code. Those that are not there have a prior
/// of 0, and so no weight.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Block {
    from: [u8; ABREAST],
    to: [u8; ABREAST],
    hit: [f64; ABREAST],
    miss: [f64; ABREAST],
    /// For each unit of `ln A`.
    slack: [f64; ABREAST],
    prior: [f32; ABREAST],
}

impl Block {
    fn of((parts, priors): (&[Part], &[f32])) -> Self {
        let mut block = Self::default();
        for (at, (part, prior)) in parts.iter().zip(priors).enumerate() {
            (block.from[at], block.to[at]) = (part.from, part.to);
            (block.hit[at], block.miss[at]) = (part.hit, part.miss);
            (block.slack[at], block.prior[at]) = (part.slack.at(1.0), *prior);
        }
        block
    }

    /// Takes a tick that has `below[code]` events with lower codes: `weights` become those after it, but
    /// for their sum, which is added to `sums`.
    fn take(
        &self,
        below: &[f64],
        (events, log_promise): (f64, f64),
        dealt: f32,
        weights: &mut [f32; ABREAST],
        sums: &mut [f32; ABREAST],
    ) {
        let inside: [f64; ABREAST] = std::array::from_fn(|at| {
            below[usize::from(self.to[at])] - below[usize::from(self.from[at])]
        });
        for at in 0..ABREAST {
            let miss = self.miss[at] - self.slack[at] * log_promise;
            let evidence = inside[at] * self.hit[at] + events * miss;
            let odds = exp_single(evidence.clamp(TICK_MIN, TICK_MAX) as f32);
            weights[at] = ((1.0 - dealt) * weights[at] + dealt * self.prior[at]) * odds;
            sums[at] += weights[at];
        }
    }
}

/// The parts and their weights before the first tick.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct OneOf {
    parts: Vec<Part>,
    blocks: Vec<Block>,
    /// Mean of how many times the evidence of parts counts, and the most.
    temper: f64,
    most_temper: f64,
    worth: f64,
}

/// What one part looks for: codes `from..to`, whose odds times `ratio` are the share `alternative` instead
/// of `null`, with a weight.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sought {
    pub(crate) codes: (u8, u8),
    pub(crate) ratio: f64,
    pub(crate) null: f64,
    pub(crate) alternative: f64,
    pub(crate) slack: Slack,
    pub(crate) weight: f64,
    /// How many times its evidence counts.
    pub(crate) temper: f64,
}

impl OneOf {
    /// Of parts, in ticks of usually so many `events`. A start of each is worth what it overshoots.
    pub(crate) fn new(sought: &[Sought], events: f64) -> Self {
        let part = |of: &Sought| {
            let miss = of.temper * libm::log((1.0 - of.alternative) / (1.0 - of.null));
            let hit = of.temper * libm::log(of.alternative / of.null) - miss;
            let (from, to) = of.codes;
            Part { from, to, ratio: of.ratio, hit, miss, slack: of.slack }
        };
        let parts: Vec<Part> = sought.iter().map(part).collect();
        let start = |(of, part): (&Sought, &Part)| {
            let reach = part.hit * libm::sqrt(of.null * (1.0 - of.null) * events / of.temper);
            let jump = if of.ratio > 1.0 { part.hit + part.miss } else { 0.0 };
            of.weight * starts_worth(reach.abs()).max(jump_worth(jump))
        };
        let starts: Vec<f64> = sought.iter().zip(&parts).map(start).collect();
        let total: f64 = starts.iter().sum();
        let weights: f64 = sought.iter().map(|of| of.weight).sum();
        let tempers: f64 = sought.iter().map(|of| of.weight * of.temper).sum();
        let temper = tempers / weights.max(f64::MIN_POSITIVE);
        let priors: Vec<f32> = starts.iter().map(|start| (start / total) as f32).collect();
        let blocks = parts.chunks(ABREAST).zip(priors.chunks(ABREAST)).map(Block::of).collect();
        let most_temper = sought.iter().fold(0.0, |most: f64, of| most.max(of.temper));
        Self { parts, blocks, temper, most_temper, worth: total / weights.max(f64::MIN_POSITIVE) }
    }

    pub(crate) fn temper(&self) -> f64 {
        self.temper
    }

    /// Most that the lane's evidence may be multiplied by: beyond, a part would count more than once, and
    /// the tick be no e-value.
    pub(crate) fn factor_max(&self) -> f64 {
        1.0 / self.most_temper.max(1e-9)
    }

    pub(crate) fn parts(&self) -> usize {
        self.parts.len()
    }

    /// How much more a start is worth than it weighs.
    pub(crate) fn worth(&self) -> f64 {
        self.worth
    }

    /// Weights before the first tick, of whole blocks.
    pub(crate) fn weights(&self) -> Box<[f32]> {
        self.blocks.iter().flat_map(|block| block.prior).collect()
    }

    /// The codes of a part, and its ratio.
    pub(crate) fn part(&self, part: usize) -> (std::ops::Range<u8>, f64) {
        let Part { from, to, ratio, .. } = self.parts[part];
        (from..to, ratio)
    }

    /// The part that looks for the same change and is the mildest: a strong one often wins on a weak
    /// change, and is no measure of whether that lasts.
    pub(crate) fn mildest(&self, part: usize) -> usize {
        let of = &self.parts[part];
        let strength = |at: &usize| self.parts[*at].ratio.max(1.0 / self.parts[*at].ratio);
        let is_alike = |at: &usize| {
            let other = &self.parts[*at];
            (other.from, other.to) == (of.from, of.to) && (other.ratio > 1.0) == (of.ratio > 1.0)
        };
        let milder = |a: &usize, b: &usize| strength(a).total_cmp(&strength(b));
        (0..self.parts.len()).filter(is_alike).min_by(milder).unwrap_or(part)
    }

    /// Evidence of a tick for one part, before slack.
    pub(crate) fn of(&self, part: usize, counts: &[u32]) -> f64 {
        let of = &self.parts[part];
        let events: f64 = counts.iter().map(|n| f64::from(*n)).sum();
        let inside = &counts[usize::from(of.from)..usize::from(of.to)];
        inside.iter().map(|n| f64::from(*n)).sum::<f64>() * of.hit + events * of.miss
    }

    /// Evidence of a tick in the lane, with slack for `log_promise`, after this share of all weight was
    /// `dealt` out anew; the weights become those after the tick.
    pub(crate) fn take(
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
        let mut sums = [0.0; ABREAST];
        for (block, weights) in self.blocks.iter().zip(weights.as_chunks_mut().0) {
            block.take(&below, (events, log_promise), dealt as f32, weights, &mut sums);
        }
        let mean = sums.iter().sum::<f32>().max(f32::MIN_POSITIVE);
        let scale = 1.0 / mean;
        weights.iter_mut().for_each(|weight| *weight *= scale);
        libm::log(f64::from(mean))
    }

    /// Evidence of one event with `code` as the weights stand, before slack.
    pub(crate) fn at(&self, code: usize, weights: &[f32]) -> f64 {
        let (mut mean, mut all) = (0.0, 0.0);
        for (part, weight) in self.parts.iter().zip(weights) {
            let is_within = (usize::from(part.from)..usize::from(part.to)).contains(&code);
            let evidence = part.miss + if is_within { part.hit } else { 0.0 };
            mean += f64::from(*weight) * exp(evidence);
            all += f64::from(*weight);
        }
        libm::log(mean / all.max(f64::MIN_POSITIVE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forty() -> OneOf {
        let sought = |code: u8| Sought {
            codes: (code, code + 1),
            ratio: 4.3,
            null: 0.025,
            alternative: 0.1,
            slack: Slack::default(),
            weight: 1.0,
            temper: 1.0,
        };
        OneOf::new(&(0..40).map(sought).collect::<Vec<_>>(), 50.0)
    }

    /// Over all that one event can be.
    #[test]
    fn a_tick_is_an_e_value_whatever_the_weights() {
        let one_of = forty();
        let mut weights = one_of.weights();
        for round in 0..20 {
            let of = |code: usize| {
                let mut counts = [0; 40];
                counts[code] = 1;
                let told = one_of.take(&Tick::of(&counts), 0.0, 14.0, &mut weights.clone());
                (told, one_of.at(code, &weights))
            };
            let mean: f64 = (0..40).map(|code| 0.025 * of(code).0.exp()).sum();
            assert!((mean - 1.0).abs() < 1e-5, "{round}: {mean}");
            assert!((of(round).0 - of(round).1).abs() < 1e-6);
            let mut counts = [0; 40];
            counts[round * round % 40] = 3;
            one_of.take(&Tick::of(&counts), 0.01, 14.0, &mut weights);
        }
    }

    /// Multiplied by the most that is allowed it is one still; by a little more it is none.
    #[test]
    fn no_part_counts_more_than_once() {
        let sought = |(code, temper): (u8, f64)| Sought {
            codes: (code, code + 1),
            ratio: 4.3,
            null: 0.25,
            alternative: 0.6,
            slack: Slack::default(),
            weight: 1.0,
            temper,
        };
        let tempers = [(0, 0.5), (1, 0.8), (2, 0.8), (3, 0.8)];
        let one_of = OneOf::new(&tempers.map(sought), 50.0);
        let mean = |factor: f64| {
            let of = |code: usize| {
                let mut counts = [0; 4];
                counts[code] = 1;
                // Sure of the part that counts most.
                let mut weights = one_of.weights();
                weights.fill(0.0);
                weights[1] = 1.0;
                0.25 * (factor * one_of.take(&Tick::of(&counts), 0.0, 14.0, &mut weights)).exp()
            };
            (0..4).map(of).sum::<f64>()
        };
        assert!(mean(one_of.factor_max()) < 1.0 + 1e-6, "{}", mean(one_of.factor_max()));
        assert!(mean(1.1 * one_of.factor_max()) > 1.005);
    }

    /// The statistic of the lane is the sum of those of its parts.
    #[test]
    fn the_lane_is_the_sum_of_its_parts() {
        let one_of = forty();
        let (mut weights, mut r, mut each) = (one_of.weights(), 0.0, [0.0f64; 40]);
        for tick in 0..200usize {
            let mut counts = [0; 40];
            (0..30).for_each(|event| counts[(tick * tick + 7 * event * tick) % 40] += 1);
            let e = one_of.take(&Tick::of(&counts), 1.0 / (1.0 + r), 14.0, &mut weights);
            r = (1.0 + r) * e.exp();
            for (part, own) in each.iter_mut().enumerate() {
                *own = (1.0 / 40.0 + *own) * one_of.of(part, &counts).exp();
            }
            let sum: f64 = each.iter().sum();
            assert!((r / sum - 1.0).abs() < 1e-3, "{tick}: {r}, not {sum}");
        }
    }

    #[test]
    fn one_that_trebles_is_found_at_the_cost_of_their_number() {
        let one_of = forty();
        let mut weights = one_of.weights();
        let mut counts = [5; 40];
        counts[17] = 17;
        let told: Vec<f64> =
            (0..10).map(|_| one_of.take(&Tick::of(&counts), 0.01, 14.0, &mut weights)).collect();
        let alone = one_of.of(17, &counts);
        assert!(told[0] < alone && told[9] > 0.95 * alone && alone > 3.0, "{told:?} {alone}");
        let lost: f64 = told.iter().map(|one| alone - one).sum();
        assert!(lost < 40f64.ln() + 0.5, "{lost}");
        assert!(weights[17] > 0.9, "{weights:?}");
    }
}
