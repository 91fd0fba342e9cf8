//! Tempering of each code on its own, for what is looked for in single categories.

use super::ticks::evidence;
use crate::dependence::design_effect::{ALIKE, PRIOR_TICKS, drawn, error_factor, grown, held};
use crate::dependence::growth::{Growth, Siblings, Spans, TickDeviation};
use crate::dependence::tail::{HEAVY, Tail};
use crate::lanes::lane::RARE_RATIO;
use crate::math::promise::LOG_PROMISE;
use crate::math::special::scale_odds;

/// A code's own ticks against what is usual among the codes, which has the weight of so many ...
const USUAL_TICKS: f64 = 120.0;
/// ... unless it stands out by so many standard errors.
const STANDS_OUT: f64 = 2.0;

/// Tempering of each code on its own, as a lane that looks for it four times as often would have it: one
/// caller's batch may be all of one code, and hardly seen where many codes are added up.
///
/// `panes` and `siblings` as for [`temper`](crate::temper::temper); `probabilities`: of the codes;
/// `shares`: the same at a tick's place in the season.
pub fn temper_codes<'a>(
    panes: &[Vec<(u8, u32)>],
    probabilities: &[f64],
    shares: impl Fn(usize) -> &'a [f64],
    siblings: &Siblings,
) -> Vec<f64> {
    let events: f64 = panes.iter().flatten().map(|(_, n)| f64::from(*n)).sum();
    let usual = (events / panes.len().max(1) as f64).max(1.0);
    let ticks_of = |code: usize, hit: f64| -> Vec<TickDeviation> {
        let tick = |(at, pane): (usize, &Vec<(u8, u32)>)| {
            let p = shares(at)[code];
            let n: f64 = pane.iter().map(|(_, n)| f64::from(*n)).sum();
            let own = pane.iter().find(|(c, _)| usize::from(*c) == code);
            let seen = own.map_or(0.0, |(_, n)| f64::from(*n));
            TickDeviation { off: hit * (seen - n * p), variance: n * hit * hit * p * (1.0 - p) }
        };
        panes.iter().enumerate().map(tick).collect()
    };
    let excess = |code: usize| Tail::of_one(probabilities[code], usual).excess.max(0.0);
    let each: Vec<Spans> = (0..probabilities.len())
        .map(|code| Spans::of(&ticks_of(code, 1.0), excess(code)))
        .collect();
    let pooled = Spans::pooled(&each).with(siblings).growth_of_all();
    let effects: Vec<(f64, f64)> = each
        .iter()
        .enumerate()
        .map(|(code, spans)| {
            let weight = panes.len() as f64 * 2.0 / (2.0 + excess(code)) + PRIOR_TICKS;
            let Growth { times, sums } = spans.with(siblings).growth().most(pooled);
            let single = drawn(spans.single(), panes.len(), excess(code));
            (single * grown(times, sums, LOG_PROMISE), weight)
        })
        .collect();
    let usual_effect = median(&effects);
    let one = |(code, share): (usize, &f64)| {
        let (p, q) = (*share, scale_odds(*share, RARE_RATIO));
        let miss = libm::log((1.0 - q) / (1.0 - p));
        let hit = libm::log(q / p) - miss;
        let ticks = ticks_of(code, hit);
        let tail = Tail::of(&ticks).beyond(&Tail::of_one(p, usual));
        let (mut effect, weight) = effects[code];
        let mut told = tail.weight() * ticks.len() as f64 + PRIOR_TICKS;
        if effect < usual_effect * (1.0 + STANDS_OUT * libm::sqrt(2.0 / weight)) {
            effect = (effect * weight + usual_effect * USUAL_TICKS) / (weight + USUAL_TICKS);
            told += USUAL_TICKS;
        }
        let raised = effect * ALIKE * error_factor(LOG_PROMISE, told);
        let factor = tail.factor(raised, &ticks).min(1.0);
        if tail.weight() < HEAVY {
            return held(&evidence(&ticks, hit * p + miss, panes), factor);
        }
        factor
    };
    probabilities.iter().enumerate().map(one).collect()
}

/// The median of values with weights: what is usual, whatever one of them is.
fn median(values: &[(f64, f64)]) -> f64 {
    let mut rising = values.to_vec();
    rising.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half: f64 = rising.iter().map(|(_, weight)| weight).sum::<f64>() / 2.0;
    let mut below = 0.0;
    let middle = rising.iter().find(|(_, weight)| {
        below += weight;
        below >= half
    });
    middle.map_or(1.0, |(value, _)| *value)
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
        let factors = temper_codes(&panes, &shares, |_| &shares, &Siblings::default());
        assert!(factors[2] < 0.1, "{factors:?}");
        assert!(factors[0] > 0.5 && factors[3] > 0.5 && factors[4] > 0.5, "{factors:?}");
    }
}
