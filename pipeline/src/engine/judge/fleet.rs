//! The fleet: whose evidence is enough, over all that runs. Looked at when a pane is closed.
//!
//! By budget, each series is asked for the same `A`, and so is the sum of the evidence of one model's series:
//! a change that moves many of them a little is found before any of them alone would tell it, and the
//! budget is the same (see [`budget`]). By share, series that cross together are asked for less each.
//! Either way nothing can cross that has no due series: one that ticked, with at least what one of
//! all would need if all of them crossed together. So the fleet is only walked where there is one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use driftline_detectors::evidence::budget;

use crate::engine::count::pane::total;
use crate::engine::decision::{Decision, NO_EVENTS};
use crate::engine::key::{Key, SeriesId};
use crate::engine::learn::group::Phase;
use crate::engine::machine::Engine;
use crate::engine::output::Output;
use crate::engine::report::carriers::{CARRIERS_LISTED, Carrier, carried_together};
use crate::engine::report::further::severity_now;
use crate::engine::series::finding_ref::FindingRef;
use crate::engine::series::watched::{SeriesReference, WatchedSeries};
use crate::model::Finding;
use crate::model::settings::Fleet;

/// A series that has ticked and could be a part of a finding.
#[derive(Debug)]
pub(crate) struct Due {
    pub(crate) key: Key,
    pub(crate) id: SeriesId,
    /// End of the tick.
    pub(crate) end_us: i64,
}

/// A watched series without a finding.
#[derive(Debug)]
struct Candidate {
    key: Key,
    id: SeriesId,
    /// Its evidence, and what is required of it where it is alone.
    log_mixture: f64,
    log_threshold: f64,
    /// Its evidence as one that ticks each pane would have it.
    log_mixture_a_pane: f64,
}

/// Series that tick alike: what is required of one alone, and what its evidence counts for more as that of
/// one that ticks each pane.
#[derive(Debug, Clone, Copy)]
struct Pace {
    log_threshold: f64,
    log_panes: f64,
}

/// The evidence of watched series: those that carry no finding, and how many do.
#[derive(Debug, Default)]
struct WatchedEvidence {
    candidates: Vec<Candidate>,
    with_finding: usize,
}

impl Engine {
    /// Makes the findings of a pane, where any series is due.
    pub(crate) fn decide(&mut self, due: &[Due], end_us: i64, output: &mut Output) {
        if due.is_empty() {
            return;
        }
        let ends: BTreeMap<SeriesId, i64> = due.iter().map(|due| (due.id, due.end_us)).collect();
        match self.settings.detect.fleet {
            Fleet::Budget => {
                let models: BTreeSet<&str> = due.iter().map(|due| due.key[0].as_str()).collect();
                models.into_iter().for_each(|model| self.by_budget(model, &ends, end_us, output));
            }
            Fleet::Share => self.by_share(&ends, end_us, output),
        }
    }

    /// Series of a model that each have enough; then the fewest of the others that have it together, as often
    /// as there are such.
    fn by_budget(
        &mut self,
        model: &str,
        ends: &BTreeMap<SeriesId, i64>,
        pane_end_us: i64,
        output: &mut Output,
    ) {
        let log_threshold = self.log_threshold(self.settings.time.pane_us);
        let WatchedEvidence { candidates, with_finding } = self.evidence_of(Some(model));
        // What carries a finding has at least its equal part of it.
        let part = log_threshold - libm::log((candidates.len() + with_finding).max(1) as f64);
        let mut rest = Vec::new();
        for candidate in candidates {
            let Candidate { log_mixture, log_threshold, .. } = candidate;
            if log_mixture >= log_threshold {
                let end_us = ends.get(&candidate.id).copied().unwrap_or(pane_end_us);
                let decision = Decision { end_us, log_threshold, together: None };
                self.find(&candidate, &decision, output);
            } else if candidate.log_mixture_a_pane >= part {
                rest.push(candidate);
            }
        }
        rest.sort_by(|a, b| b.log_mixture_a_pane.total_cmp(&a.log_mixture_a_pane));
        let logs: Vec<f64> = rest.iter().map(|candidate| candidate.log_mixture_a_pane).collect();
        let (mut rest, mut logs) = (&rest[..], &logs[..]);
        while let Some((count, log_sum)) = budget::fewest(logs, log_threshold) {
            let decision = Decision { end_us: pane_end_us, log_threshold, together: None };
            self.find_together(&rest[..count], log_sum, &decision, output);
            (rest, logs) = (&rest[count..], &logs[count..]);
        }
    }

    /// Of all series, as many as have enough for so many findings. Those that have a finding already began
    /// anew and count for nothing: a standing finding would ask less of all others for as long as it stands.
    fn by_share(&mut self, ends: &BTreeMap<SeriesId, i64>, pane_end_us: i64, output: &mut Output) {
        let log_threshold = self.log_threshold(self.settings.time.pane_us);
        let candidates = self.evidence_of(None).candidates;
        let mut logs: Vec<f64> =
            candidates.iter().map(|candidate| candidate.log_mixture_a_pane).collect();
        logs.sort_by(|a, b| b.total_cmp(a));
        let count = budget::together(&logs, log_threshold);
        let Some(least) = count.checked_sub(1).and_then(|at| logs.get(at)) else { return };
        let less = libm::log(count as f64);
        for candidate in candidates.iter().filter(|of| of.log_mixture_a_pane >= *least) {
            let end_us = ends.get(&candidate.id).copied().unwrap_or(pane_end_us);
            let log_threshold = candidate.log_threshold - less;
            let decision = Decision { end_us, log_threshold, together: Some(count as u64) };
            self.find(candidate, &decision, output);
        }
    }

    /// The evidence of a model's watched series, or of all: charts first, both in the order of keys.
    fn evidence_of(&self, model: Option<&str>) -> WatchedEvidence {
        let mut evidence = WatchedEvidence::default();
        let pace = Pace {
            log_threshold: self.log_threshold(self.settings.scalars.every_us),
            log_panes: self.log_panes_a_span(),
        };
        let charted = match model {
            Some(model) => self.charts.of_model(model),
            None => self.charts.all(),
        };
        for (key, charts) in charted {
            for (place, series) in self.charts.models[charts as usize].watched() {
                evidence.add(key, SeriesId::Chart { charts, place }, series, pace);
            }
        }
        let pace =
            Pace { log_threshold: self.log_threshold(self.settings.time.pane_us), log_panes: 0.0 };
        let first = model.map_or(0, |model| {
            self.order.partition_point(|id| self.groups[*id as usize].key[0].as_str() < model)
        });
        for id in &self.order[first..] {
            let group = &self.groups[*id as usize];
            if model.is_some_and(|model| group.key[0] != model) {
                break;
            }
            let Phase::Watching(all) = &group.phase else { continue };
            for (metric, series) in (0..).zip(all) {
                let Some(series) = series else { continue };
                let id = SeriesId::Metric { group: *id, metric };
                evidence.add(&group.key, id, series, pace);
            }
        }
        evidence
    }

    /// Makes the finding of a series that has crossed, and starts its evidence anew.
    fn find(&mut self, candidate: &Candidate, decision: &Decision, output: &mut Output) {
        let Some(finding) = self.report(&candidate.key, candidate.id, decision) else { return };
        let carried = FindingRef::only(&finding.id);
        let events = self.open_finding(candidate.id, carried, decision.end_us);
        self.publish(finding, &[events], decision.end_us, output);
    }

    /// Makes the finding of series of one model that have crossed together, the one with the most evidence
    /// first: it is told as that one's, with all of them.
    fn find_together(
        &mut self,
        carriers: &[Candidate],
        log_sum: f64,
        decision: &Decision,
        output: &mut Output,
    ) {
        let told = |of: &&Candidate| self.is_told(of.id);
        let carriers: Vec<&Candidate> = carriers.iter().filter(told).collect();
        let listed = carriers.iter().take(CARRIERS_LISTED).filter_map(|carrier| {
            let finding = self.report(&carrier.key, carrier.id, decision)?;
            Some(Carrier { finding, log_mixture: carrier.log_mixture_a_pane })
        });
        let listed = listed.collect();
        let Some(finding) = carried_together(listed, carriers.len(), log_sum, decision) else {
            return;
        };
        let mut events = Vec::with_capacity(carriers.len());
        for (number, carrier) in (0..).zip(carriers) {
            let carried = FindingRef { id: finding.id.clone(), carrier: number };
            events.push(self.open_finding(carrier.id, carried, decision.end_us));
        }
        self.publish(finding, &events, decision.end_us, output);
    }

    /// A series carries a finding from here on, and its evidence starts anew. Returns the events that the
    /// finding rests on.
    fn open_finding(&mut self, id: SeriesId, finding: FindingRef, end_us: i64) -> u64 {
        let log_threshold = self.log_threshold(self.settings.time.pane_us);
        let Engine { groups, charts, library, .. } = self;
        let (series, is_chart) = match id {
            SeriesId::Chart { charts: id, place } => (charts.series_mut(id, place), true),
            SeriesId::Metric { group, metric } => {
                let group = Arc::make_mut(&mut groups[group as usize]);
                (group.series_mut(usize::from(metric)), false)
            }
        };
        let Some(series) = series else { return 0 };
        let since = series.evidence.since_onset(series.evidence.leader()).counts;
        let events = if is_chart { NO_EVENTS } else { total(since) };
        let (baseline, tables) =
            (library.baseline(series.baseline), library.tables(series.baseline));
        let by = SeriesReference { baseline, tables, log_threshold };
        series.open(finding, end_us, &by, severity_now);
        events
    }

    /// Gives a finding out, and to the alert of its model. `events`: of each series that carries it, how many
    /// it rests on.
    pub(crate) fn publish(
        &mut self,
        finding: Finding,
        events: &[u64],
        end_us: i64,
        output: &mut Output,
    ) {
        self.counters.findings += 1;
        self.alerts.found(&finding, events, end_us);
        output.findings.push(finding);
    }
}

impl WatchedEvidence {
    fn add(&mut self, key: &Key, id: SeriesId, series: &WatchedSeries, pace: Pace) {
        if series.open_finding.is_some() {
            self.with_finding += 1;
            return;
        }
        // Nothing is told where nothing has begun, however little evidence a budget asks for.
        if !series.evidence.has_begun() {
            return;
        }
        let log_mixture = series.evidence.log_mixture();
        self.candidates.push(Candidate {
            key: Arc::clone(key),
            id,
            log_mixture,
            log_threshold: pace.log_threshold,
            log_mixture_a_pane: log_mixture + pace.log_panes,
        });
    }
}
