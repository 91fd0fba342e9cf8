//! The baseline's ticks in one lane.

use crate::dependence::VarianceGrowth;
use crate::dependence::growth::TickDeviation;
use crate::dependence::tail::{Shape, Tail};
use crate::lanes::Tables;

/// The ticks of a series in one lane, and how far from normal they would be were events independent.
pub(super) struct LaneTicks {
    pub(super) ticks: Vec<TickDeviation>,
    pub(super) independent: Tail,
}

impl LaneTicks {
    /// `tables`: those of each tick's hour of the week.
    pub(super) fn new<'a>(
        panes: &[Vec<(u8, u32)>],
        tables: &impl Fn(usize) -> &'a Tables,
        lane: usize,
    ) -> Self {
        let tick = |(at, pane): (usize, &Vec<(u8, u32)>)| deviation(pane, tables(at), lane);
        let ticks = panes.iter().enumerate().map(tick).collect();
        Self { ticks, independent: independent(tables(0), lane, panes) }
    }

    pub(super) fn variance_growth(&self) -> VarianceGrowth {
        VarianceGrowth::from_ticks(&self.ticks, self.independent.excess.max(0.0))
    }
}

fn deviation(pane: &[(u8, u32)], tables: &Tables, lane: usize) -> TickDeviation {
    let n: f64 = pane.iter().map(|(_, n)| f64::from(*n)).sum();
    let evidence = |c: &u8| tables.evidence(usize::from(*c), lane);
    let sum: f64 = pane.iter().map(|(c, n)| f64::from(*n) * evidence(c)).sum();
    let spread = tables.spreads()[lane];
    TickDeviation { deviation: sum - n * tables.means()[lane], variance: n * spread * spread }
}

/// The tail of ticks of as many independent events: a log-likelihood ratio is skewed by itself, and its
/// `E exp(S) = 1` has allowed for that.
fn independent(tables: &Tables, lane: usize, panes: &[Vec<(u8, u32)>]) -> Tail {
    let (mean, evidence) = (tables.means()[lane], |code: usize| tables.evidence(code, lane));
    let shape = Shape::of_event(tables.probabilities(), evidence, mean);
    let events: u64 = panes.iter().flatten().map(|(_, n)| u64::from(*n)).sum();
    let events = (events as f64 / panes.len().max(1) as f64).max(1.0);
    Tail::of_independent(shape, events)
}

/// Evidence of each tick, before tempering.
pub(super) fn evidence(ticks: &[TickDeviation], mean: f64, panes: &[Vec<(u8, u32)>]) -> Vec<f64> {
    let events = |pane: &Vec<(u8, u32)>| pane.iter().map(|(_, n)| f64::from(*n)).sum::<f64>();
    ticks.iter().zip(panes).map(|(tick, pane)| tick.deviation + mean * events(pane)).collect()
}
