//! An open pane: what was counted in a span of event time, group by group.

use std::collections::BTreeMap;
use std::sync::Arc;

use driftline_detectors::scalar::Distinct;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::engine::count::pane_statistics::PaneStatistics;
use crate::engine::count::raw::Raw;
use crate::engine::key::{GroupId, Key};

/// One open pane. A copy shares the counts of a group until one of both counts on.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Pane {
    /// By group; short of groups that had no event.
    pub(crate) groups: Vec<Option<Arc<PaneGroup>>>,
    /// Groups that were not admitted yet, by the hash of their key: the smallest are kept. So a group is
    /// safe from a flood of others once its first pane is closed; before, the flood may push it out.
    pub(crate) candidates: BTreeMap<u64, (Key, Arc<PaneGroup>)>,
    /// Events of candidates that were dropped.
    pub(crate) refused_events: u64,
    /// Which candidates were dropped: a sketch, since a dropped one may be offered again and again.
    pub(crate) refused_groups: Distinct,
}

/// The counts of one group in one pane.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct PaneGroup {
    pub(crate) events: u64,
    /// Codes of all metrics, one after the other; empty where nothing was encoded.
    pub(crate) codes: Vec<u32>,
    /// Values that came before there was an encoder.
    pub(crate) raw: Option<Box<Raw>>,
    /// What charts need beyond the codes.
    pub(crate) statistics: Option<Box<PaneStatistics>>,
}

/// The panes that are open, by their start.
pub(crate) type OpenPanes = BTreeMap<i64, Pane>;

/// Empty counts that are used again: a pane's worth, so that closing one and opening the next allocates
/// nothing.
#[derive(Debug, Default)]
pub(crate) struct Spare(Vec<Arc<PaneGroup>>);

impl Spare {
    const MAX: usize = 1 << 14;

    /// Takes counts that are done with.
    pub(crate) fn give(&mut self, mut counts: Arc<PaneGroup>) {
        if self.0.len() >= Self::MAX {
            return;
        }
        // What a copy of the engine still holds is left to it.
        if let Some(own) = Arc::get_mut(&mut counts) {
            own.events = 0;
            own.codes.clear();
            own.raw = None;
            own.statistics = None;
            self.0.push(counts);
        }
    }
}

/// Where the events of one (pane, group) are counted while a batch is being worked on.
pub(crate) enum CountTarget {
    Group(GroupId),
    Candidate(u64, Key),
    /// Over a limit: the events are counted as refused.
    Nowhere,
}

impl Pane {
    /// Takes the counts of a group out, to work on them; [`Pane::put_back`] brings them back.
    pub(crate) fn take_out(&mut self, target: &CountTarget, spare: &mut Spare) -> Arc<PaneGroup> {
        let taken = match target {
            CountTarget::Group(id) => self.groups.get_mut(*id as usize).and_then(Option::take),
            CountTarget::Candidate(hash, _) => self.candidates.remove(hash).map(|(_, group)| group),
            CountTarget::Nowhere => None,
        };
        taken.unwrap_or_else(|| spare.0.pop().unwrap_or_default())
    }

    /// Puts the counts of a group back; adds them where the same group was put back already (a missing and
    /// an empty key are the same group). Of candidates, only the `candidates_max` smallest hashes stay:
    /// which ones do not depend on the order of events.
    pub(crate) fn put_back(
        &mut self,
        target: CountTarget,
        group: Arc<PaneGroup>,
        candidates_max: usize,
    ) {
        match target {
            CountTarget::Group(id) => {
                let at = id as usize;
                self.add(at, group);
            }
            CountTarget::Candidate(hash, key) => {
                match self.candidates.get_mut(&hash) {
                    Some((_, counts)) => {
                        Arc::make_mut(counts).merge(Arc::unwrap_or_clone(group));
                    }
                    None => {
                        self.candidates.insert(hash, (key, group));
                    }
                }
                while self.candidates.len() > candidates_max {
                    if let Some((hash, (_, dropped))) = self.candidates.pop_last() {
                        self.refuse(hash, dropped.events);
                    }
                }
            }
            CountTarget::Nowhere => self.refused_events += group.events,
        }
    }

    /// Adds counts to those of an admitted group.
    pub(crate) fn add(&mut self, at: usize, counts: Arc<PaneGroup>) {
        if self.groups.len() <= at {
            self.groups.resize_with(at + 1, || None);
        }
        match &mut self.groups[at] {
            Some(own) => Arc::make_mut(own).merge(Arc::unwrap_or_clone(counts)),
            empty => *empty = Some(counts),
        }
    }

    /// Counts a candidate as refused.
    pub(crate) fn refuse(&mut self, hash: u64, events: u64) {
        self.refused_events += events;
        // Hashed anew: those refused have the largest hashes, and the sketch wants all alike.
        self.refused_groups.insert(xxh3_64(&hash.to_le_bytes()));
    }
}

impl PaneGroup {
    /// Adds the counts of the same group and pane.
    pub(crate) fn merge(&mut self, other: PaneGroup) {
        self.events += other.events;
        if self.codes.is_empty() {
            self.codes = other.codes;
        } else {
            self.codes.iter_mut().zip(&other.codes).for_each(|(sum, n)| *sum += n);
        }
        match (&mut self.raw, other.raw) {
            (Some(raw), Some(more)) => raw.merge(*more),
            (raw, more) => *raw = raw.take().or(more),
        }
        match (&mut self.statistics, other.statistics) {
            (Some(statistics), Some(more)) => statistics.merge(&more),
            (statistics, more) => *statistics = statistics.take().or(more),
        }
    }

    /// Moves codes from offsets to others: the codes of metric `m` are those that `from[m]` had.
    pub(crate) fn lay_out(&mut self, before: &[u32], now: &[u32], from: &[Option<usize>]) {
        if self.codes.is_empty() {
            return;
        }
        let mut codes = vec![0; now.last().map_or(0, |sum| *sum as usize)];
        for (metric, from) in from.iter().enumerate() {
            let Some(from) = *from else { continue };
            let old = before[from] as usize..before[from + 1] as usize;
            let new = now[metric] as usize..now[metric + 1] as usize;
            if old.len() == new.len() && old.end <= self.codes.len() {
                codes[new].copy_from_slice(&self.codes[old]);
            }
        }
        self.codes = codes;
    }
}

/// Events of counts by code.
pub(crate) fn total(counts: &[u32]) -> u64 {
    counts.iter().map(|n| u64::from(*n)).sum()
}
