//! How much more sums over several spans of watched ticks vary than single ticks do.

use super::span_sums::{SPANS, Told};
use crate::dependence::design_effect::{Dependence, grown};
use crate::dependence::growth::{CHANCE, CHANCE_OF_ONE, TOLD_MIN, by_chance};
use crate::lanes::tables::Scale;

/// Sums that a span needs to tell anything.
const SUMS_MIN: u32 = 8;
/// Most sums that the baseline counts for in what longer spans add.
const BASE_SUMS: f64 = 12.0;
/// How much sums of longer spans vary, over single ticks, as far as it stands out from chance: of all lanes
/// together, each with the weight of what it tells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pooled([f64; SPANS]);

impl Pooled {
    pub(super) fn of(sums: &Told, scales: &[Scale]) -> Self {
        let mut all = [1.0; SPANS];
        for (span, all) in all.iter_mut().enumerate().skip(1) {
            if sums.made(span) < SUMS_MIN {
                break;
            }
            let chance = 2.0 / f64::from(sums.made(span) - 1);
            let (mut times, mut weights, mut noises) = (0.0, 0.0, 0.0);
            for (lane, scale) in scales.iter().enumerate() {
                let noise = sums.noise(scale.excess, lane);
                let weight = chance / (chance + noise);
                let (longer, single) = sums.longer(span, lane);
                if single > TOLD_MIN {
                    times += weight * longer / single;
                    weights += weight;
                    noises += weight * noise;
                }
            }
            if weights > 0.0 {
                let told = 2.0 / (chance + noises / weights);
                let times = times / weights;
                if times > by_chance(told, CHANCE) {
                    *all = times;
                }
            }
        }
        Self(all)
    }
}

/// What a lane's effect is to be multiplied by for longer spans: as the baseline and the watched ticks
/// together tell it.
pub(super) fn grown_by(
    sums: &Told,
    (lane, noise): (usize, f64),
    of: &Dependence,
    pooled: &Pooled,
    log_promise: f64,
) -> f64 {
    let (mut times, mut made) = (1.0, f64::from(sums.made(2)));
    for span in 1..SPANS {
        if sums.made(span) < SUMS_MIN {
            break;
        }
        let free = f64::from(sums.made(span) - 1);
        let (longer, single) = sums.longer(span, lane);
        let own = if single > 0.0 { longer / single } else { 1.0 };
        let told = 2.0 / (2.0 / free + noise);
        let own = if own > by_chance(told, CHANCE_OF_ONE) { own } else { 1.0 };
        let most = own.max(pooled.0[span]);
        if most > times {
            (times, made) = (most, free);
        }
    }
    let known = of.sums.min(BASE_SUMS);
    let weight = known + made;
    let times = if weight > 0.0 { (of.growth * known + times * made) / weight } else { 1.0 };
    grown(times, weight, log_promise)
}
