//! The baseline's ticks in one lane.

use crate::dependence::growth::{Spans, TickDeviation};
use crate::dependence::tail::{Tail, shape};
use crate::lanes::tables::Tables;

/// The ticks of a series in one lane, and how far from normal they would be were events independent.
pub(super) struct Ticks {
    pub(super) ticks: Vec<TickDeviation>,
    pub(super) independent: Tail,
}

impl Ticks {
    pub(super) fn of<'a>(
        panes: &[Vec<(u8, u32)>],
        tables: &impl Fn(usize) -> &'a Tables,
        lane: usize,
    ) -> Self {
        let ticks = panes.iter().enumerate().map(|(i, pane)| off(pane, tables(i), lane)).collect();
        Self { ticks, independent: independent(tables(0), lane, panes) }
    }

    pub(super) fn spans(&self) -> Spans {
        Spans::of(&self.ticks, self.independent.excess.max(0.0))
    }
}

/// A tick in a lane.
fn off(pane: &[(u8, u32)], tables: &Tables, lane: usize) -> TickDeviation {
    let n: f64 = pane.iter().map(|(_, n)| f64::from(*n)).sum();
    let sum: f64 = pane.iter().map(|(c, n)| f64::from(*n) * tables.at(usize::from(*c), lane)).sum();
    let spread = tables.spreads()[lane];
    TickDeviation { off: sum - n * tables.means()[lane], variance: n * spread * spread }
}

/// The tail of ticks of as many independent events: a log-likelihood ratio is skewed by itself, and its
/// `E exp(S) = 1` has allowed for that.
fn independent(tables: &Tables, lane: usize, panes: &[Vec<(u8, u32)>]) -> Tail {
    let mean = tables.means()[lane];
    let (skewness, excess) = shape(tables.probabilities(), |code| tables.at(code, lane), mean);
    let events: u64 = panes.iter().flatten().map(|(_, n)| u64::from(*n)).sum();
    let events = (events as f64 / panes.len().max(1) as f64).max(1.0);
    Tail::of_independent(skewness, excess, events)
}

/// Evidence of each tick, before tempering.
pub(super) fn evidence(ticks: &[TickDeviation], mean: f64, panes: &[Vec<(u8, u32)>]) -> Vec<f64> {
    let events = |pane: &Vec<(u8, u32)>| pane.iter().map(|(_, n)| f64::from(*n)).sum::<f64>();
    ticks.iter().zip(panes).map(|(tick, pane)| tick.off + mean * events(pane)).collect()
}
