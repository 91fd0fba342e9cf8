//! Tempering: how much of a lane's evidence survives dependence within and between ticks.
//!
//! Events of one pane are rarely independent (a slow replica, one tenant's batch). The baseline's own
//! ticks tell: where the evidence `S` of a tick varies `D` times as much as that of independent events
//! (its design effect, Kish 1965), a normal `S` has `E exp(t S) = 1` at `t = 1 / D`, and the lane is
//! multiplied by that. Dependence between ticks counts, too: `D` is that of sums over many ticks, as far as
//! it grows beyond chance (`dependence::growth`).
//!
//! `D` is an estimate: see `dependence::design_effect` for what its error costs, and `dependence::tail` for
//! heavy tails. Where tails are heavier still, the mean over ticks of `exp(t S)` itself must not be above 1.
//! Ticks that made the encoder are left out: they fit it too well.
//!
//! While a series is watched, its own ticks go on telling, over longer spans, too: see `watched`. Each tick
//! is judged by what the ticks before it told, so it stays an e-value.

use super::ticks::{Ticks, evidence};
use crate::dependence::design_effect::{
    ALIKE, Dependence, PRIOR_TICKS, drawn, error_factor, grown, held,
};
use crate::dependence::growth::{Growth, Siblings, Spans};
use crate::dependence::tail::{HEAVY, Tail};
use crate::lanes::tables::Tables;
use crate::math::promise::LOG_PROMISE;

/// Below this a lane says nothing any more and would only dilute the others: it is switched off.
const SMALLEST: f64 = 0.0005;

/// What baseline ticks tell about each fixed lane.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tempering {
    /// `t`, in 0..=1; 0 switches a lane off.
    pub factors: Vec<f64>,
    /// What it rests on.
    pub dependence: Vec<Dependence>,
}

/// Tempering of each fixed lane.
///
/// `panes`: the code counts of baseline ticks in their order, each as pairs of code and count.
/// `tables`: untempered tables for the tick's place in the season; `tables(0)` always exists. `siblings`:
/// what is known of the metric's other series.
pub fn temper<'a>(
    panes: &[Vec<(u8, u32)>],
    tables: impl Fn(usize) -> &'a Tables,
    siblings: &Siblings,
) -> Tempering {
    let mut tempering = Tempering::default();
    let lanes: Vec<Ticks> =
        (0..tables(0).fixed()).map(|at| Ticks::of(panes, &tables, at)).collect();
    let each: Vec<Spans> = lanes.iter().map(Ticks::spans).collect();
    let pooled = Spans::pooled(&each).with(siblings).growth_of_all();
    for (lane, (Ticks { ticks, independent }, spans)) in lanes.iter().zip(&each).enumerate() {
        let single = drawn(spans.single(), ticks.len(), independent.excess);
        let Growth { times, sums } = spans.with(siblings).growth().most(pooled);
        let tail = Tail::of(ticks).beyond(independent);
        let raised = single
            * grown(times, sums, LOG_PROMISE)
            * ALIKE
            * error_factor(LOG_PROMISE, tail.weight() * ticks.len() as f64 + PRIOR_TICKS);
        let mut factor = tail.factor(raised, ticks).min(1.0);
        if tail.weight() < HEAVY {
            factor = held(&evidence(ticks, tables(0).means()[lane], panes), factor);
        }
        let weight = tail.weight();
        tempering.factors.push(if factor < SMALLEST { 0.0 } else { factor });
        tempering.dependence.push(Dependence { effect: single, weight, growth: times, sums });
    }
    tempering
}

/// How much sums over the ticks of a series vary, all lanes together. Arguments as for [`temper`].
pub fn spans<'a>(panes: &[Vec<(u8, u32)>], tables: impl Fn(usize) -> &'a Tables) -> Spans {
    let of_lane = |lane| Ticks::of(panes, &tables, lane).spans();
    Spans::pooled(&(0..tables(0).fixed()).map(of_lane).collect::<Vec<_>>())
}
