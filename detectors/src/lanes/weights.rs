//! Weights, tempering and slack of lanes, where several of them or many codes have one in common.

use super::estimation_penalty::EstimationPenalty;
use super::lane::Lane;
use super::laws::{Hypotheses, share_of};
use crate::baseline::Baseline;
use crate::math::promise::BASELINE_LOG_PROMISE;

/// Standard errors by which dependence in one lane must stand out.
const STANDS_OUT: f64 = 3.0;

/// The least tempering of a lane that is on.
pub(super) fn least_temper(baseline: &Baseline) -> f64 {
    baseline.temper.iter().copied().filter(|t| *t > 0.0).fold(1.0, f64::min)
}

/// Tempering that the lanes of known codes have in common: their mean, or the `least` where one of them
/// stands out beyond chance. Lanes for missing values say nothing about the rest.
pub(super) fn common_temper(baseline: &Baseline, lanes: &[Lane], least: f64) -> f64 {
    let of = baseline.temper.iter().zip(lanes).filter(|(_, lane)| !lane.is_of_missing(baseline));
    let on: Vec<f64> = of.map(|(t, _)| *t).filter(|t| *t > 0.0).collect();
    let mean = on.iter().sum::<f64>() / (on.len() as f64).max(1.0);
    if on.is_empty() || stands_out(baseline, least, mean) { least } else { mean }
}

/// Whether the least of some tempers is below their mean beyond chance.
fn stands_out(baseline: &Baseline, least: f64, mean: f64) -> bool {
    least * (1.0 + STANDS_OUT * libm::sqrt(2.0 / f64::from(baseline.panes.max(1)))) < mean
}

/// Tempering of codes together: the variance of their evidence is about the sum of theirs. `None` where
/// nothing is known of them, or they are too bursty to say anything.
pub(super) fn code_temper(baseline: &Baseline, codes: &[u8], p: &[f64]) -> Option<f64> {
    let mut effect = 0.0;
    for code in codes {
        let temper = *baseline.code_temper.get(usize::from(*code))?;
        effect += p[usize::from(*code)] / temper.max(1e-9);
    }
    Some(share_of(p, codes) / effect)
}

/// Tempering of what follows any code: the `least` of the lanes', or of one code where that stands out
/// beyond chance.
pub(super) fn follower_temper(baseline: &Baseline, least: f64) -> f64 {
    let of = &baseline.code_temper;
    let mean = of.iter().sum::<f64>() / of.len().max(1) as f64;
    let code = of.iter().copied().fold(f64::INFINITY, f64::min);
    if stands_out(baseline, code, mean) { least.min(code) } else { least }
}

/// Weight of each lane before any is left out; 0 for lanes that are switched off.
pub(super) fn prior_weights(baseline: &Baseline, lanes: &[Lane]) -> Vec<f64> {
    let weight = |(at, lane): (usize, &Lane)| match baseline.temper.get(at) {
        Some(temper) if *temper <= 0.0 => 0.0,
        _ => lane.weight(baseline),
    };
    lanes.iter().enumerate().map(weight).collect()
}

/// Weights that sum to 1, of lanes that gain more where they are right than a baseline of `events`
/// costs in slack. The others would only dilute them.
pub(super) fn weights(shares: &[f64], gains: &[f64], events: f64) -> Vec<f64> {
    let alive =
        shares.iter().zip(gains).map(|(share, gain)| match gain * events > BASELINE_LOG_PROMISE {
            true => *share,
            false => 0.0,
        });
    let mut weights: Vec<f64> = alive.collect();
    let total: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|w| *w /= total.max(1e-300));
    weights
}

/// The slack of a lane for the share of some codes.
pub(super) fn share_penalty(
    codes: &[u8],
    probabilities: &[f64],
    hypotheses: &Hypotheses,
    events: f64,
) -> EstimationPenalty {
    EstimationPenalty::of_share(
        share_of(probabilities, codes),
        share_of(&hypotheses.null, codes),
        share_of(&hypotheses.alternative, codes),
        events,
    )
}
