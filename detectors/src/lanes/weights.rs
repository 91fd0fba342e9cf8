//! Weights, tempering and slack of lanes, where several of them or many codes have one in common.

use super::lane::Lane;
use super::laws::within;
use super::slack::Slack;
use crate::baseline::Baseline;
use crate::math::promise::LOG_PROMISE;

/// Standard errors by which dependence in one lane must stand out.
const STANDS_OUT: f64 = 3.0;
/// Tempering that the lanes of known codes have in common: their mean, or the `least` where one of them
/// stands out beyond chance. What is never missing says nothing of the rest.
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
    Some(within(p, codes) / effect)
}

/// Tempering of what follows any code: the `least` of the lanes', or of one code where that stands out
/// beyond chance.
pub(super) fn follower_temper(baseline: &Baseline, least: f64) -> f64 {
    let of = &baseline.code_temper;
    let mean = of.iter().sum::<f64>() / of.len().max(1) as f64;
    let code = of.iter().copied().fold(f64::INFINITY, f64::min);
    if stands_out(baseline, code, mean) { least.min(code) } else { least }
}

/// Weights that sum to 1, of lanes that gain more where they are right than a baseline of `events`
/// costs in slack. The others would only dilute them.
pub(super) fn weights(shares: &[f64], gains: &[f64], events: f64) -> Vec<f64> {
    let alive = shares.iter().zip(gains).map(|(share, gain)| match gain * events > LOG_PROMISE {
        true => *share,
        false => 0.0,
    });
    let mut weights: Vec<f64> = alive.collect();
    let total: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|w| *w /= total.max(1e-300));
    weights
}

/// Slack of a lane for codes of the shares `p`, whose null and alternative these are.
pub(super) fn slack_of(
    codes: &[u8],
    (p, null, alternative): (&[f64], &[f64], &[f64]),
    events: f64,
) -> Slack {
    Slack::of_share(within(p, codes), within(null, codes), within(alternative, codes), events)
}
