//! Tempering of each code on its own, for the lane of single categories.

use super::ticks::evidence;
use crate::dependence::design_effect::{
    NEIGHBOUR_INFLATION, PRIOR_TICKS, error_factor, largest_valid_exponent, long_run_inflation,
    shrink_to_prior,
};
use crate::dependence::growth::{PooledDependence, TickDeviation, VarianceGrowth};
use crate::dependence::tail::{HEAVY_TAIL_WEIGHT, Tail};
use crate::lanes::lane::RARE_RATIO;
use crate::math::promise::BASELINE_LOG_PROMISE;
use crate::math::special::scale_odds;

/// The effect of a code is shrunk to the median of the codes, which has the weight of this many ticks ...
const USUAL_TICKS: f64 = 120.0;
/// ... unless it exceeds the median by this many standard errors.
const STANDS_OUT: f64 = 2.0;

/// A design effect, and the number of ticks that its estimate is worth.
#[derive(Debug, Clone, Copy)]
struct WeightedEffect {
    effect: f64,
    ticks: f64,
}

/// The ticks of a baseline, code by code.
struct CodeTicks<'a, S> {
    panes: &'a [Vec<(u8, u32)>],
    /// Probabilities of the codes at a tick's hour of the week.
    shares: S,
    /// Events of a usual tick.
    events: f64,
}

/// Tempering of each code on its own, as that of a lane that looks for it four times as often: one caller's
/// batch may be all of one code, and hardly show where many codes are added up.
///
/// `panes` and `pool` as for [`temper`](super::temper); `probabilities`: of the codes; `shares`: the same at
/// a tick's hour of the week.
pub fn temper_codes<'a>(
    panes: &[Vec<(u8, u32)>],
    probabilities: &[f64],
    shares: impl Fn(usize) -> &'a [f64],
    pool: &PooledDependence,
) -> Vec<f64> {
    let events: f64 = panes.iter().flatten().map(|(_, n)| f64::from(*n)).sum();
    let events = (events / panes.len().max(1) as f64).max(1.0);
    let ticks = CodeTicks { panes, shares, events };
    let effects = ticks.effects(probabilities, pool);
    let usual = median(&effects);
    let temper = |(code, p): (usize, &f64)| ticks.temper(code, *p, effects[code], usual);
    probabilities.iter().enumerate().map(temper).collect()
}

impl<'a, S: Fn(usize) -> &'a [f64]> CodeTicks<'_, S> {
    /// The ticks of a code whose events have the evidence `hit` each, beyond that of other events.
    fn deviations(&self, code: usize, hit: f64) -> Vec<TickDeviation> {
        let tick = |(at, pane): (usize, &Vec<(u8, u32)>)| {
            let p = (self.shares)(at)[code];
            let n: f64 = pane.iter().map(|(_, n)| f64::from(*n)).sum();
            let own = pane.iter().find(|(c, _)| usize::from(*c) == code);
            let seen = own.map_or(0.0, |(_, n)| f64::from(*n));
            TickDeviation {
                deviation: hit * (seen - n * p),
                variance: n * hit * hit * p * (1.0 - p),
            }
        };
        self.panes.iter().enumerate().map(tick).collect()
    }

    /// The design effect of each code, with the growth over many ticks.
    fn effects(&self, probabilities: &[f64], pool: &PooledDependence) -> Vec<WeightedEffect> {
        let excess =
            |code: usize| Tail::of_single_code(probabilities[code], self.events).excess.max(0.0);
        let growths: Vec<VarianceGrowth> = (0..probabilities.len())
            .map(|code| VarianceGrowth::from_ticks(&self.deviations(code, 1.0), excess(code)))
            .collect();
        let of_all = VarianceGrowth::pooled(&growths).shrunk_to(pool).of_all_lanes();
        let effect = |(code, own): (usize, &VarianceGrowth)| {
            let growth = own.shrunk_to(pool).of_lane().or_larger(of_all);
            let single = shrink_to_prior(own.tick_ratio(), self.panes.len(), excess(code));
            WeightedEffect {
                effect: single * long_run_inflation(growth, BASELINE_LOG_PROMISE),
                ticks: self.panes.len() as f64 * 2.0 / (2.0 + excess(code)) + PRIOR_TICKS,
            }
        };
        growths.iter().enumerate().map(effect).collect()
    }

    /// Tempering of a code with the probability `p`, beside codes of which the effect `usual` is the median.
    fn temper(&self, code: usize, p: f64, own: WeightedEffect, usual: f64) -> f64 {
        let q = scale_odds(p, RARE_RATIO);
        let miss = libm::log((1.0 - q) / (1.0 - p));
        let hit = libm::log(q / p) - miss;
        let ticks = self.deviations(code, hit);
        let tail = Tail::of_ticks(&ticks).in_excess_of(&Tail::of_single_code(p, self.events));
        let WeightedEffect { mut effect, ticks: weight } = own;
        let mut known = tail.weight() * ticks.len() as f64 + PRIOR_TICKS;
        if effect < usual * (1.0 + STANDS_OUT * libm::sqrt(2.0 / weight)) {
            effect = (effect * weight + usual * USUAL_TICKS) / (weight + USUAL_TICKS);
            known += USUAL_TICKS;
        }
        let raised = effect * NEIGHBOUR_INFLATION * error_factor(BASELINE_LOG_PROMISE, known);
        let factor = tail.valid_exponent(raised, &ticks).min(1.0);
        if tail.weight() < HEAVY_TAIL_WEIGHT {
            return largest_valid_exponent(&evidence(&ticks, hit * p + miss, self.panes), factor);
        }
        factor
    }
}

/// The weighted median: what is usual, whatever one code is like.
fn median(effects: &[WeightedEffect]) -> f64 {
    let mut rising = effects.to_vec();
    rising.sort_by(|a, b| a.effect.total_cmp(&b.effect));
    let half: f64 = rising.iter().map(|of| of.ticks).sum::<f64>() / 2.0;
    let mut below = 0.0;
    let middle = rising.iter().find(|of| {
        below += of.ticks;
        below >= half
    });
    middle.map_or(1.0, |of| of.effect)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::noise::uniform as wave;

    /// Every fifth tick has a batch of code 2; code 3 is as frequent, evenly.
    #[test]
    fn a_code_that_comes_in_batches_is_tempered_and_others_are_not() {
        let pane = |at: usize| {
            let noise = (3.0 + 1.7 * wave(at)).max(0.0) as u32;
            vec![
                (0u8, 60),
                (1, 40 + noise),
                (2, if at.is_multiple_of(5) { 25 } else { 1 }),
                (3, 3 + noise),
            ]
        };
        let panes: Vec<Vec<(u8, u32)>> = (0..400).map(pane).collect();
        let mut shares = [0.0; 5];
        panes.iter().flatten().for_each(|(code, n)| shares[usize::from(*code)] += f64::from(*n));
        shares[4] = 0.5;
        let total: f64 = shares.iter().sum();
        let shares = shares.map(|share| share / total);
        let factors = temper_codes(&panes, &shares, |_| &shares, &PooledDependence::default());
        assert!(factors[2] < 0.1, "{factors:?}");
        assert!(factors[0] > 0.5 && factors[3] > 0.5 && factors[4] > 0.5, "{factors:?}");
    }
}
