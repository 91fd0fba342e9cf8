//! How much more sums over several spans of watched ticks vary than single ticks do.

use super::span_sums::{TickMoments, TickVariance, WATCHED_SPANS};
use crate::dependence::design_effect::Dependence;
use crate::dependence::growth::{
    Growth, LANE_DEVIATIONS, POOLED_DEVIATIONS, VARIANCE_RATIO_MIN, variance_ratio_quantile,
};
use crate::lanes::Standardization;

/// Fewest sums of a span that say anything.
const SUMS_MIN: u32 = 8;
/// Largest weight of the baseline's growth, in sums.
const BASELINE_SUMS_MAX: f64 = 12.0;

/// Ratio of the variance of sums to that of single ticks, span by span, as far as it stands out from chance:
/// of all lanes together, each with the weight of its information.
#[derive(Debug, Clone, Copy)]
pub(super) struct PooledGrowth([f64; WATCHED_SPANS]);

impl PooledGrowth {
    pub(super) fn new(moments: &TickMoments, lanes: &[Standardization]) -> Self {
        let mut ratios = [1.0; WATCHED_SPANS];
        for (span, pooled) in ratios.iter_mut().enumerate().skip(1) {
            if moments.whole_sums(span) < SUMS_MIN {
                break;
            }
            let chance = 2.0 / f64::from(moments.whole_sums(span) - 1);
            let (mut sum, mut weights, mut noises) = (0.0, 0.0, 0.0);
            for (lane, standardization) in lanes.iter().enumerate() {
                let noise = moments.noise(standardization.excess, lane);
                let weight = chance / (chance + noise);
                let TickVariance { of_sums, of_ticks } = moments.variance(span, lane);
                if of_ticks > VARIANCE_RATIO_MIN {
                    sum += weight * of_sums / of_ticks;
                    weights += weight;
                    noises += weight * noise;
                }
            }
            if weights > 0.0 {
                let freedom = 2.0 / (chance + noises / weights);
                let ratio = sum / weights;
                if ratio > variance_ratio_quantile(freedom, POOLED_DEVIATIONS) {
                    *pooled = ratio;
                }
            }
        }
        Self(ratios)
    }
}

/// Growth of a lane's variance by the baseline and the watched ticks together. `noise`: that of
/// [`TickMoments::noise`] in the lane.
pub(super) fn watched_growth(
    moments: &TickMoments,
    lane: usize,
    noise: f64,
    baseline: &Dependence,
    pooled: &PooledGrowth,
) -> Growth {
    let mut watched = Growth { ratio: 1.0, sums: f64::from(moments.whole_sums(2)) };
    for span in 1..WATCHED_SPANS {
        if moments.whole_sums(span) < SUMS_MIN {
            break;
        }
        let sums = f64::from(moments.whole_sums(span) - 1);
        let TickVariance { of_sums, of_ticks } = moments.variance(span, lane);
        let own = if of_ticks > 0.0 { of_sums / of_ticks } else { 1.0 };
        let freedom = 2.0 / (2.0 / sums + noise);
        let own = if own > variance_ratio_quantile(freedom, LANE_DEVIATIONS) { own } else { 1.0 };
        let ratio = own.max(pooled.0[span]);
        if ratio > watched.ratio {
            watched = Growth { ratio, sums };
        }
    }
    let known = baseline.sums.min(BASELINE_SUMS_MAX);
    let sums = known + watched.sums;
    let ratio = match sums > 0.0 {
        true => (baseline.growth * known + watched.ratio * watched.sums) / sums,
        false => 1.0,
    };
    Growth { ratio, sums }
}
