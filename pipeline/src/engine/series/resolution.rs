//! A finding that is on, as one of the series that carry it sees it: whether the change goes further, and
//! when it is over.
//!
//! It is over by evidence of return as strong as that of the change was (see
//! [`Ongoing`](driftline_detectors::evidence::ongoing::Ongoing)), once the return has lasted: twice as long
//! as the change did, within bounds of `[alert] resolve`, and longer than it was back before and did not
//! stay. What comes and goes is one finding so. Not here: what is told of it.

use driftline_detectors::evidence::ongoing::{Further, Judged, Ongoing};
use driftline_detectors::lanes::{Lane, Tables};
use serde::{Deserialize, Serialize};

use crate::engine::series::before::Before;
use crate::engine::series::finding_ref::FindingRef;
use crate::engine::series::tick::SeriesTick;

/// Evidence against a change by which it seems to be over, so that nobody is woken up for it any more:
/// odds of twenty to one.
const LOG_OVER: f64 = 3.0;
/// Times `[alert] resolve` that a return has to last at most ...
const QUIET_MAX: i64 = 4;
/// ... and where it did not stay before.
const QUIET_AGAIN_MAX: i64 = 24;

/// A finding that is not resolved, as one of the series that carry it sees it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OpenFinding {
    pub(crate) finding: FindingRef,
    /// When the change began, and since when the finding is on.
    onset_us: i64,
    pub(crate) since_us: i64,
    /// The category that the lane which found the change spoke of.
    category: Option<u8>,
    /// The weakest lane that says the same as that one: what a weak change still speaks for.
    weakest: u8,
    /// CUSUM of the evidence against the change by it.
    over: f64,
    /// Since when it is back, where it is, and for how long it was before.
    back_us: Option<i64>,
    was_back_us: i64,
    pub(crate) ongoing: Ongoing,
    /// A further change that was not told yet.
    pub(crate) untold: Option<Box<Further>>,
    /// When the finding or an update of it was told, and how severe it was then.
    pub(crate) told_us: i64,
    pub(crate) severity: String,
}

impl OpenFinding {
    /// A finding was made of the evidence.
    pub(crate) fn new(finding: FindingRef, now_us: i64, judged: &Judged<'_>) -> Self {
        let Judged { tables, evidence, .. } = *judged;
        let leader = evidence.leader();
        Self {
            finding,
            onset_us: evidence.since_onset(leader).onset_us,
            since_us: now_us,
            category: evidence.category().map(|category| category as u8),
            weakest: weakest(tables, leader) as u8,
            over: 0.0,
            back_us: None,
            was_back_us: 0,
            ongoing: Ongoing::new(tables, evidence),
            untold: None,
            told_us: now_us,
            severity: String::new(),
        }
    }

    /// A finding of a snapshot that has nothing of its state.
    pub(crate) fn resumed(before: Before) -> Self {
        let Before { finding, since_us, leader, category, weakest, .. } = before;
        Self {
            finding,
            onset_us: since_us,
            since_us,
            category,
            weakest,
            over: 0.0,
            back_us: None,
            was_back_us: 0,
            ongoing: Ongoing::resumed(leader),
            untold: None,
            told_us: since_us,
            severity: String::new(),
        }
    }

    /// Whether the last ticks speak against the change, though not clearly enough to resolve it.
    pub(crate) fn seems_over(&self) -> bool {
        self.over.max(self.ongoing.against()) >= LOG_OVER
    }

    /// Takes a tick; true where the change is over.
    pub(crate) fn absorb(
        &mut self,
        judged: &Judged<'_>,
        tick: &SeriesTick<'_>,
        resolve_us: i64,
    ) -> bool {
        self.over = (self.over - self.evidence_of(judged, tick.counts)).max(0.0);
        if let Some(further) = self.ongoing.absorb(judged, tick.counts, tick.from_us) {
            self.untold = Some(further);
        }
        let back_us = self.ongoing.back_since_us();
        if let (Some(from_us), None) = (self.back_us, back_us) {
            self.was_back_us = self.was_back_us.max(tick.from_us - from_us);
        }
        self.back_us = back_us;
        let is_quiet = |from_us| tick.end_us - from_us >= self.quiet_us(from_us, resolve_us);
        back_us.is_some_and(is_quiet) && tick.end_us - self.since_us >= resolve_us
    }

    /// How long a return that began at an instant has to last.
    fn quiet_us(&self, from_us: i64, resolve_us: i64) -> i64 {
        let change_us = (from_us - self.onset_us).max(0);
        let quiet_us = change_us.saturating_mul(2).clamp(resolve_us, QUIET_MAX * resolve_us);
        quiet_us.max((2 * self.was_back_us).min(QUIET_AGAIN_MAX * resolve_us))
    }

    /// Evidence of a tick by the weakest lane that says what the finding does.
    fn evidence_of(&self, judged: &Judged<'_>, counts: &[u32]) -> f64 {
        let Judged { tables, evidence, .. } = *judged;
        let lane = usize::from(self.weakest);
        let of_code =
            |(code, n): (usize, &u32)| f64::from(*n) * evidence.event_evidence(tables, code, lane);
        match self.category {
            Some(category) => tables.category_evidence(usize::from(category), counts),
            None => counts.iter().enumerate().map(of_code).sum(),
        }
    }

    /// Bytes beside the struct itself.
    pub(crate) fn bytes(&self) -> usize {
        self.finding.id.capacity()
    }
}

/// The weakest lane of the same direction as `leader`.
fn weakest(tables: &Tables, leader: usize) -> usize {
    let lanes = tables.lanes();
    let alike =
        |lane: &usize| same_direction(&lanes[*lane], &lanes[leader]) && tables.temper(*lane) > 0.0;
    let by_strength = |a: &usize, b: &usize| strength(&lanes[*a]).total_cmp(&strength(&lanes[*b]));
    // Of equal ones the last.
    (0..lanes.len()).rev().filter(alike).min_by(by_strength).unwrap_or(leader)
}

fn same_direction(a: &Lane, b: &Lane) -> bool {
    match (a, b) {
        (Lane::Location(a), Lane::Location(b)) | (Lane::Scale(a), Lane::Scale(b)) => {
            (*a > 0.0) == (*b > 0.0)
        }
        (Lane::Share { codes, ratio }, Lane::Share { codes: others, ratio: other }) => {
            codes == others && (*ratio > 1.0) == (*other > 1.0)
        }
        (Lane::Learned, Lane::Learned) => true,
        _ => false,
    }
}

fn strength(lane: &Lane) -> f64 {
    match lane {
        Lane::Location(a) | Lane::Scale(a) => a.abs(),
        Lane::Share { ratio, .. } => ratio.max(1.0 / ratio),
        Lane::OneCategory | Lane::Learned => 0.0,
    }
}
