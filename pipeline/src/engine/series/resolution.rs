//! Resolution: when a change is over.
//!
//! A series that has a finding is watched for the contrary: a CUSUM of the evidence against a lane. That
//! lane is not simply the one that found the change: a strong lane often wins on a weak change, and then
//! evidence against *it* piles up while the change lasts, so that the alert would flap. Nor can the events
//! up to the finding tell how strong the change is, since they were picked for looking strong. So the
//! events of the time in which nothing may be resolved anyway are gathered, and the strongest lane of the
//! same direction that they clearly speak for is taken, else the weakest.

use driftline_detectors::evidence::Evidence;
use driftline_detectors::lanes::{Lane, Tables};
use serde::{Deserialize, Serialize};

use crate::engine::series::finding_ref::FindingRef;
use crate::engine::series::tick::SeriesTick;

/// Evidence against a change that resolves it: odds of ten thousand to one.
const LOG_RESOLVED: f64 = 9.2;
/// Evidence against a change by which it seems to be over, so that nobody is woken up for it any more:
/// odds of twenty to one.
const LOG_OVER: f64 = 3.0;
/// Standard errors by which the events since the finding must speak for a lane.
const CLEAR: f64 = 2.0;

/// A finding that is not resolved, as one of the series that carry it sees it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OpenFinding {
    pub(crate) finding: FindingRef,
    since_us: i64,
    /// The lane that found the change, and the category that it spoke of.
    leader: u8,
    category: Option<u8>,
    /// Counts since the finding, until there is a lane.
    since: Vec<u32>,
    /// The lane whose contrary resolves the change.
    lane: Option<u8>,
    /// CUSUM of the evidence *against* the change.
    against: f64,
    /// The weakest lane that says the same as the leader: what a weak change still speaks for.
    weakest: u8,
    /// As `against`, from the finding on: by the weakest lane until there is one.
    over: f64,
}

impl OpenFinding {
    /// A finding was made of the evidence.
    pub(crate) fn new(
        finding: FindingRef,
        now_us: i64,
        tables: &Tables,
        evidence: &Evidence,
    ) -> Self {
        let leader = evidence.leader();
        let weakest = alike(tables, leader).last().copied().unwrap_or(leader) as u8;
        Self {
            finding,
            since_us: now_us,
            leader: leader as u8,
            category: evidence.category().map(|category| category as u8),
            since: Vec::new(),
            lane: None,
            against: 0.0,
            weakest,
            over: 0.0,
        }
    }

    /// Whether the last ticks speak against the change, though not clearly enough to resolve it.
    pub(crate) fn seems_over(&self) -> bool {
        self.over >= LOG_OVER
    }

    /// Takes a tick; true where the change is over. It is on for more than `resolve_us`.
    pub(crate) fn absorb(
        &mut self,
        tables: &Tables,
        evidence: &Evidence,
        tick: &SeriesTick<'_>,
        resolve_us: i64,
    ) -> bool {
        let counts = tick.counts;
        let lane = usize::from(self.lane.unwrap_or(self.weakest));
        let of_tick: f64 = match self.category {
            Some(category) => tables.category_evidence(usize::from(category), counts),
            None => counts
                .iter()
                .enumerate()
                .map(|(code, n)| f64::from(*n) * evidence.event_evidence(tables, code, lane))
                .sum(),
        };
        self.over = (self.over - of_tick).max(0.0);
        if self.lane.is_none() {
            self.since.resize(counts.len(), 0);
            self.since.iter_mut().zip(counts).for_each(|(sum, n)| *sum = sum.saturating_add(*n));
            if tick.end_us - self.since_us >= resolve_us {
                let since = std::mem::take(&mut self.since);
                let leader = usize::from(self.leader);
                self.lane = Some(lane_of(tables, evidence, leader, &since) as u8);
            }
            return false;
        }
        self.against = (self.against - of_tick).max(0.0);
        self.against >= LOG_RESOLVED
    }

    /// Bytes beside the struct itself.
    pub(crate) fn bytes(&self) -> usize {
        self.finding.id.capacity() + self.since.capacity() * 4
    }
}

/// The lane whose contrary resolves a change that `leader` found, and that went on with `counts`.
fn lane_of(tables: &Tables, evidence: &Evidence, leader: usize, counts: &[u32]) -> usize {
    let alike = alike(tables, leader);
    let clear = alike.iter().find(|lane| speaks_for(tables, evidence, counts, **lane));
    clear.or(alike.last()).copied().unwrap_or(leader)
}

/// The lanes of the same direction as `leader`, the strongest first.
fn alike(tables: &Tables, leader: usize) -> Vec<usize> {
    let lanes = tables.lanes();
    let mut alike: Vec<usize> = (0..lanes.len())
        .filter(|lane| same_direction(&lanes[*lane], &lanes[leader]) && tables.temper(*lane) > 0.0)
        .collect();
    alike.sort_by(|a, b| strength(&lanes[*b]).total_cmp(&strength(&lanes[*a])));
    alike
}

/// Whether the events are changed at least as much as a lane says, beyond chance: then
/// `E exp(-evidence) <= 1`, and the odds against the change rise above `exp(LOG_RESOLVED)` by chance at most
/// once in so many starts of the CUSUM (Ville 1939).
fn speaks_for(tables: &Tables, evidence: &Evidence, counts: &[u32], lane: usize) -> bool {
    let (mut events, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for (code, n) in counts.iter().enumerate() {
        let (n, odds) = (f64::from(*n), libm::exp(-evidence.event_evidence(tables, code, lane)));
        events += n;
        sum += n * odds;
        squares += n * odds * odds;
    }
    let events = f64::max(events, 1.0);
    let mean = sum / events;
    let variance = (squares / events - mean * mean).max(0.0);
    sum > 0.0 && mean + CLEAR * libm::sqrt(variance / events) <= 1.0
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
