//! One of many: the lane for one category, whichever, that became several times as frequent.
//!
//! A lane for each category would be too many, and one for all of them together sees nothing where one of
//! fifty trebles. So each has a log-likelihood ratio of its own, as a rare category's lane has it, and
//! the lane's e-value of a tick is their mean, weighed by what each has said before: Bayes' posterior,
//! of which a small share goes back to all of them at each tick, since they may change at any time (the
//! fixed share of Herbster and Warmuth, "Tracking the best expert", 1998). The weights stand before the
//! tick comes, so the mean of e-values is one. A category that begins to change costs `ln` of their
//! number once.

use crate::special::exp;

/// Share of all weight that is dealt out anew at each tick.
const DEALT_SHARE: f32 = 0.01;
/// Most that a tick says for one category: its neighbour has to confirm it anyway.
const TICK_MAX: f64 = 50.0;

/// Evidence of an event for each category: where it has it, and where it has another.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct OneOf {
    hit: Vec<f32>,
    miss: Vec<f32>,
}

impl OneOf {
    /// One more category, whose share `null` became `alternative`; its evidence counts `temper` times.
    pub(crate) fn push(&mut self, null: f64, alternative: f64, temper: f64) {
        self.hit.push((temper * libm::log(alternative / null)) as f32);
        self.miss.push((temper * libm::log((1.0 - alternative) / (1.0 - null))) as f32);
    }

    pub(crate) fn categories(&self) -> usize {
        self.hit.len()
    }

    /// Weights before the first tick.
    pub(crate) fn weights(&self) -> Box<[f32]> {
        let all = self.categories();
        vec![1.0 / all as f32; all].into()
    }

    /// Evidence of a tick for one category.
    pub(crate) fn of(&self, category: usize, counts: &[u32], events: f64) -> f64 {
        let (hit, miss) = (f64::from(self.hit[category]), f64::from(self.miss[category]));
        f64::from(counts[category]) * (hit - miss) + events * miss
    }

    /// Evidence of a tick in the lane; the weights become those of the next tick.
    pub(crate) fn take(&self, counts: &[u32], events: f64, weights: &mut [f32]) -> f64 {
        let (mut mean, mut total) = (0.0, 0.0);
        for (category, weight) in weights.iter_mut().enumerate() {
            let odds = exp(self.of(category, counts, events).min(TICK_MAX));
            mean += f64::from(*weight) * odds;
            *weight = (f64::from(*weight) * odds) as f32;
            total += *weight;
        }
        let dealt = DEALT_SHARE / weights.len() as f32;
        let kept = (1.0 - DEALT_SHARE) / total.max(f32::MIN_POSITIVE);
        weights.iter_mut().for_each(|weight| *weight = *weight * kept + dealt);
        libm::log(mean.max(f64::MIN_POSITIVE))
    }

    /// Evidence of one event with `code` as the weights stand.
    pub(crate) fn at(&self, code: usize, weights: &[f32]) -> f64 {
        let each = weights.iter().enumerate().map(|(category, weight)| {
            let of = if category == code { self.hit[category] } else { self.miss[category] };
            f64::from(*weight) * exp(f64::from(of))
        });
        libm::log(each.sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forty() -> OneOf {
        let mut one_of = OneOf::default();
        (0..40).for_each(|_| one_of.push(0.025, 0.1, 1.0));
        one_of
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
                (one_of.take(&counts, 1.0, &mut weights.clone()), one_of.at(code, &weights))
            };
            let mean: f64 = (0..40).map(|code| 0.025 * of(code).0.exp()).sum();
            assert!((mean - 1.0).abs() < 1e-5, "{round}: {mean}");
            assert!((of(round).0 - of(round).1).abs() < 1e-9);
            let mut counts = [0; 40];
            counts[round * round % 40] = 3;
            one_of.take(&counts, 5.0, &mut weights);
        }
    }

    #[test]
    fn one_that_trebles_is_found_at_the_cost_of_their_number() {
        let one_of = forty();
        let mut weights = one_of.weights();
        let mut counts = [5; 40];
        counts[17] = 17;
        let events = f64::from(counts.iter().sum::<u32>());
        let told: Vec<f64> = (0..10).map(|_| one_of.take(&counts, events, &mut weights)).collect();
        let alone = one_of.of(17, &counts, events);
        assert!(told[0] < alone && told[9] > 0.95 * alone && alone > 3.0, "{told:?} {alone}");
        let lost: f64 = told.iter().map(|one| alone - one).sum();
        assert!(lost < 40f64.ln() + 0.5, "{lost}");
        assert!(weights[17] > 0.9, "{weights:?}");
    }
}
