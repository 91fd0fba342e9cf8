//! Tempering: how much of a lane's evidence survives dependence within and between ticks.
//!
//! Events of one pane are rarely independent (a slow replica, one tenant's batch). Where the evidence `S`
//! of the baseline's ticks varies `D` times as much as that of independent events (its design effect, Kish
//! 1965), a normal `S` has `E exp(t S) = 1` at `t = 1 / D`, and the lane is multiplied by that. Dependence
//! between ticks counts, too: `D` is that of sums over many ticks, as far as it grows beyond chance
//! (`dependence::growth`).
//!
//! `D` is an estimate: see `dependence::design_effect` for what its error costs, and `dependence::tail` for
//! heavy tails. Where tails are heavier still, the mean over ticks of `exp(t S)` itself must not be above 1.
//! Ticks that made the encoder are left out: they fit it too well.
//!
//! While a series is watched, its own ticks correct the estimate, over longer spans, too: see
//! `temper::watched`.

use super::ticks::{LaneTicks, evidence};
use crate::dependence::design_effect::{
    Dependence, NEIGHBOUR_INFLATION, PRIOR_TICKS, error_factor, largest_valid_exponent,
    long_run_inflation, shrink_to_prior,
};
use crate::dependence::growth::{PooledDependence, VarianceGrowth};
use crate::dependence::tail::{HEAVY_TAIL_WEIGHT, Tail};
use crate::lanes::Tables;
use crate::math::promise::BASELINE_LOG_PROMISE;

/// Below this a lane adds hardly any evidence and would only dilute the others: it is switched off.
const FACTOR_MIN: f64 = 0.0005;

/// Tempering of each fixed lane.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tempering {
    /// `t`, in 0..=1; 0 switches a lane off.
    pub factors: Vec<f64>,
    /// The estimates that it follows from.
    pub dependence: Vec<Dependence>,
}

/// Tempering of each fixed lane by the ticks of a baseline.
///
/// `panes`: of each tick, in their order, codes and their counts. `tables`: untempered tables for the tick's
/// hour of the week; `tables(0)` always exists. `pool`: what the metric's other series know.
pub fn temper<'a>(
    panes: &[Vec<(u8, u32)>],
    tables: impl Fn(usize) -> &'a Tables,
    pool: &PooledDependence,
) -> Tempering {
    let mut tempering = Tempering::default();
    let lanes: Vec<LaneTicks> =
        (0..tables(0).fixed()).map(|at| LaneTicks::new(panes, &tables, at)).collect();
    let growths: Vec<VarianceGrowth> = lanes.iter().map(LaneTicks::variance_growth).collect();
    let of_all = VarianceGrowth::pooled(&growths).shrunk_to(pool).of_all_lanes();
    for (lane, (LaneTicks { ticks, independent }, own)) in lanes.iter().zip(&growths).enumerate() {
        let effect = shrink_to_prior(own.tick_ratio(), ticks.len(), independent.excess);
        let growth = own.shrunk_to(pool).of_lane().or_larger(of_all);
        let tail = Tail::of_ticks(ticks).in_excess_of(independent);
        let weight = tail.weight();
        let raised = effect
            * long_run_inflation(growth, BASELINE_LOG_PROMISE)
            * NEIGHBOUR_INFLATION
            * error_factor(BASELINE_LOG_PROMISE, weight * ticks.len() as f64 + PRIOR_TICKS);
        let mut factor = tail.valid_exponent(raised, ticks).min(1.0);
        if weight < HEAVY_TAIL_WEIGHT {
            let evidence = evidence(ticks, tables(0).means()[lane], panes);
            factor = largest_valid_exponent(&evidence, factor);
        }
        tempering.factors.push(if factor < FACTOR_MIN { 0.0 } else { factor });
        let (growth, sums) = (growth.ratio, growth.sums);
        tempering.dependence.push(Dependence { effect, weight, growth, sums });
    }
    tempering
}

/// Growth of variance over the ticks of a series, all lanes together. Arguments as for [`temper`].
pub fn variance_growth<'a>(
    panes: &[Vec<(u8, u32)>],
    tables: impl Fn(usize) -> &'a Tables,
) -> VarianceGrowth {
    let of_lane = |lane| LaneTicks::new(panes, &tables, lane).variance_growth();
    VarianceGrowth::pooled(&(0..tables(0).fixed()).map(of_lane).collect::<Vec<_>>())
}
