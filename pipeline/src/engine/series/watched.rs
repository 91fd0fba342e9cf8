//! A watched series: what is kept of it besides its baseline, and how it takes a tick.

use driftline_detectors::baseline::Baseline;
use driftline_detectors::evidence::Evidence;
use driftline_detectors::evidence::ongoing::{Judged, Ongoing};
use driftline_detectors::lanes::Tables;
use serde::{Deserialize, Serialize};

use crate::engine::series::finding_ref::FindingRef;
use crate::engine::series::resolution::OpenFinding;
use crate::engine::series::stored;
use crate::engine::series::tick::SeriesTick;

/// The live state of one watched series: all that is kept of it besides its baseline.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct WatchedSeries {
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
    /// The finding that it carries, until that is resolved.
    #[serde(with = "stored")]
    pub(crate) open_finding: Option<Box<OpenFinding>>,
}

/// What a series is judged by while it carries a finding.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SeriesReference<'a> {
    pub(crate) baseline: &'a Baseline,
    pub(crate) tables: &'a Tables,
    /// `ln A`.
    pub(crate) log_threshold: f64,
}

impl<'a> SeriesReference<'a> {
    /// The same with the evidence of the series.
    pub(crate) fn judged(&self, evidence: &'a Evidence) -> Judged<'a> {
        let Self { baseline, tables, log_threshold } = *self;
        Judged { baseline, tables, evidence, log_threshold }
    }
}

impl WatchedSeries {
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
            open_finding: None,
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

    /// Takes a tick: learned lane, evidence, memory. `window_us`: how long the learned lane keeps a table.
    pub(crate) fn absorb(&mut self, tables: &Tables, tick: &SeriesTick<'_>, window_us: i64) {
        let window = tick.from_us.div_euclid(window_us);
        if self.recent_window != window {
            // Fixed before the tick that it judges, so that it stays an e-value.
            self.evidence.learn(tables.learned(&self.recent));
            self.recent.iter_mut().for_each(|n| *n *= 0.5);
            self.recent_window = window;
        }
        self.evidence.absorb(tables, tick.counts, tick.lanes, tick.from_us);
        self.recent.iter_mut().zip(tick.counts).for_each(|(sum, n)| *sum += *n as f32);
    }

    /// A finding was made of the evidence: it starts anew, and ticks are watched for the end of the change.
    /// `severity`: how severe it is as it was told.
    pub(crate) fn open(
        &mut self,
        finding: FindingRef,
        now_us: i64,
        by: &SeriesReference<'_>,
        severity: impl FnOnce(&Judged<'_>, &Ongoing) -> &'static str,
    ) {
        let judged = by.judged(&self.evidence);
        let mut open = OpenFinding::new(finding, now_us, &judged);
        open.severity = severity(&judged, &open.ongoing).into();
        self.open_finding = Some(Box::new(open));
        self.evidence.restart();
    }

    /// Takes a tick while a finding is open. Returns the finding where it is resolved by now; it is open for
    /// more than `resolve_us`.
    pub(crate) fn resolve(
        &mut self,
        by: &SeriesReference<'_>,
        tick: &SeriesTick<'_>,
        resolve_us: i64,
    ) -> Option<FindingRef> {
        let open = self.open_finding.as_mut()?;
        self.evidence.watch_finding(by.tables, tick.counts, tick.lanes);
        if !open.absorb(&by.judged(&self.evidence), tick, resolve_us) {
            return None;
        }
        self.recent.fill(0.0);
        self.evidence.end_finding();
        self.open_finding.take().map(|open| open.finding)
    }

    /// Bytes of the live state, without the second look at a change that is on: that is as much again,
    /// and some 4 KiB of tables, while a finding is open.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() - size_of::<Evidence>()
            + self.evidence.bytes()
            + self.carry.capacity() * 4
            + self.recent.capacity() * 4
            + self.open_finding.as_ref().map_or(0, |open| open.bytes())
    }
}
