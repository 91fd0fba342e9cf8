//! A watched series: what is kept of it besides its baseline, and how it takes a tick.

use driftline_detectors::evidence::Evidence;
use driftline_detectors::tables::Tables;
use serde::{Deserialize, Serialize};

use crate::engine::decision::Stake;
use crate::engine::resolution::Firing;
use crate::model::Settings;

/// The live state of one watched series: all that is kept of it besides its baseline.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Series {
    /// Its baseline's place in the library.
    pub(crate) baseline: u32,
    pub(crate) evidence: Evidence,
    /// Counts of panes that were too thin to be a tick.
    pub(crate) carry: Vec<u32>,
    pub(crate) carry_from_us: i64,
    /// Events in `carry`; where it is 0, `carry` holds nothing that counts.
    pub(crate) carried: u64,
    /// Counts of the last minutes, for the learned lane.
    pub(crate) recent: Vec<f32>,
    pub(crate) recent_window: i64,
    pub(crate) firing: Option<Firing>,
}

impl Series {
    /// A series without a tick yet, of a baseline by its place in the library, and its tables.
    pub(crate) fn new(baseline: u32, tables: &Tables) -> Self {
        Self {
            baseline,
            evidence: Evidence::new(tables),
            carry: vec![0; tables.codes()],
            carry_from_us: 0,
            carried: 0,
            recent: vec![0.0; tables.codes()],
            recent_window: i64::MIN,
            firing: None,
        }
    }

    /// Takes a pane's counts. Where they are enough for a tick, together with what was carried, returns
    /// when the tick began; the counts are `own` alone where nothing was carried, else `carry`.
    pub(crate) fn gather(
        &mut self,
        own: &[u32],
        events: u64,
        minimum: u64,
        start_us: i64,
    ) -> Option<i64> {
        if self.carried == 0 {
            if events >= minimum {
                return Some(start_us);
            }
            self.carry_from_us = start_us;
            self.carry.copy_from_slice(own);
        } else {
            self.carry.iter_mut().zip(own).for_each(|(sum, n)| *sum += n);
        }
        self.carried += events;
        (self.carried >= minimum).then_some(self.carry_from_us)
    }

    /// Takes a tick: learned lane, evidence, memory.
    pub(crate) fn take(
        &mut self,
        tables: &Tables,
        counts: &[u32],
        lanes: &[f64],
        from_us: i64,
        window_us: i64,
    ) {
        let window = from_us.div_euclid(window_us);
        if self.recent_window != window {
            // Fixed before the tick that it judges, so that it stays an e-value.
            self.evidence.learn(tables.learned(&self.recent));
            self.recent.iter_mut().for_each(|n| *n *= 0.5);
            self.recent_window = window;
        }
        self.evidence.absorb(tables, counts, lanes, from_us);
        self.recent.iter_mut().zip(counts).for_each(|(sum, n)| *sum += *n as f32);
    }

    /// A finding was made of the evidence: it starts anew, and is looked at for signs of calm.
    pub(crate) fn fire(&mut self, stake: Stake, now_us: i64, tables: &Tables) {
        self.firing = Some(Firing::new(stake, now_us, tables, &self.evidence));
        self.evidence.restart();
    }

    /// Takes a tick while a finding is on. Returns its stake where it is resolved by now.
    pub(crate) fn calm(
        &mut self,
        tables: &Tables,
        (counts, lanes): (&[u32], &[f64]),
        now_us: i64,
        settings: &Settings,
    ) -> Option<Stake> {
        let firing = self.firing.as_mut()?;
        self.evidence.look_on(tables, counts, lanes);
        if !firing.take(tables, &self.evidence, counts, now_us, settings.alert.resolve_us) {
            return None;
        }
        self.recent.fill(0.0);
        self.evidence.calm();
        self.firing.take().map(|firing| firing.stake)
    }

    /// Bytes of the live state.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() - size_of::<Evidence>()
            + self.evidence.bytes()
            + self.carry.capacity() * 4
            + self.recent.capacity() * 4
            + self.firing.as_ref().map_or(0, Firing::bytes)
    }
}
