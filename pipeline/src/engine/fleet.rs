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

use super::alerts::Stake;
use super::group::{GroupId, Key, Phase, Series};
use super::learn::total;
use super::report::Decision;
use super::scalars::NO_EVENTS;
use super::{Engine, Output};
use crate::model::Finding;
use crate::model::finding::{CarrierRecord, SEVERITIES};
use crate::model::settings::Fleet;

/// Series that a finding lists; the others are counted.
const CARRIERS_TOLD: usize = 100;

/// Where a watched series is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// Stem, and number in it.
    Scalar(u32, u16),
    /// Group, and metric.
    Metric(GroupId, u16),
}

/// A series that has ticked and could be a part of a finding.
#[derive(Debug)]
pub(super) struct Due {
    pub(super) key: Key,
    pub(super) place: Place,
    /// End of the tick.
    pub(super) end_us: i64,
}

/// A watched series without a finding.
#[derive(Debug)]
struct Candidate {
    key: Key,
    place: Place,
    /// Its evidence, and what it is asked for where it is alone.
    own: f64,
    asked: f64,
    /// Its evidence as one that ticks each pane would have it.
    log: f64,
}

/// Watched series: those that have no finding, and how many have one.
#[derive(Debug, Default)]
struct Fleeted {
    candidates: Vec<Candidate>,
    on: usize,
}

impl Engine {
    /// `ln A` of one series that ticks so often.
    pub(super) fn log_threshold(&self, tick_us: i64) -> f64 {
        let accepted = self.settings.detect.accepted_per_week();
        budget::log_threshold(self.sharing as usize, tick_us, accepted)
    }

    /// The least evidence that can be a part of a finding: if all series had it, all would cross.
    pub(super) fn log_due(&self) -> f64 {
        self.log_threshold(self.settings.time.pane_us) - libm::log(self.sharing.max(1) as f64)
    }

    /// Makes the findings of a pane, where any series is due.
    pub(super) fn decide(&mut self, due: &[Due], end_us: i64, output: &mut Output) {
        if due.is_empty() {
            return;
        }
        let ends: BTreeMap<Place, i64> = due.iter().map(|due| (due.place, due.end_us)).collect();
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
        ends: &BTreeMap<Place, i64>,
        pane_end_us: i64,
        output: &mut Output,
    ) {
        let log_threshold = self.log_threshold(self.settings.time.pane_us);
        let Fleeted { candidates, on } = self.fleet(Some(model));
        // What carries a finding has at least its equal part of it.
        let part = log_threshold - libm::log((candidates.len() + on).max(1) as f64);
        let mut rest = Vec::new();
        for candidate in candidates {
            if candidate.own >= candidate.asked {
                let end_us = ends.get(&candidate.place).copied().unwrap_or(pane_end_us);
                let decision = Decision { end_us, log_threshold: candidate.asked, together: None };
                self.find(&candidate, &decision, output);
            } else if candidate.log >= part {
                rest.push(candidate);
            }
        }
        rest.sort_by(|a, b| b.log.total_cmp(&a.log));
        let logs: Vec<f64> = rest.iter().map(|candidate| candidate.log).collect();
        let (mut rest, mut logs) = (&rest[..], &logs[..]);
        while let Some((count, log_sum)) = budget::fewest(logs, log_threshold) {
            let decision = Decision { end_us: pane_end_us, log_threshold, together: None };
            self.find_together(&rest[..count], log_sum, &decision, output);
            (rest, logs) = (&rest[count..], &logs[count..]);
        }
    }

    /// Of all series, as many as have enough for so many findings. Those that have a finding already began
    /// anew and count for nothing: a standing finding would ask less of all others for as long as it stands.
    fn by_share(&mut self, ends: &BTreeMap<Place, i64>, pane_end_us: i64, output: &mut Output) {
        let log_threshold = self.log_threshold(self.settings.time.pane_us);
        let Fleeted { candidates, .. } = self.fleet(None);
        let mut logs: Vec<f64> = candidates.iter().map(|candidate| candidate.log).collect();
        logs.sort_by(|a, b| b.total_cmp(a));
        let count = budget::together(&logs, log_threshold);
        let Some(least) = count.checked_sub(1).and_then(|at| logs.get(at)) else { return };
        let less = libm::log(count as f64);
        for candidate in candidates.iter().filter(|candidate| candidate.log >= *least) {
            let end_us = ends.get(&candidate.place).copied().unwrap_or(pane_end_us);
            let log_threshold = candidate.asked - less;
            let decision = Decision { end_us, log_threshold, together: Some(count as u64) };
            self.find(candidate, &decision, output);
        }
    }

    /// The watched series of a model, or of all: scalars first, both in the order of keys.
    fn fleet(&self, model: Option<&str>) -> Fleeted {
        let mut fleet = Fleeted::default();
        let time = (self.settings.time.pane_us, self.settings.scalars.every_us);
        let asked = (self.log_threshold(time.0), self.log_threshold(time.1));
        let lift = self.log_of_span();
        let stems: Vec<_> = match model {
            Some(model) => self.scalars.of_model(model).collect(),
            None => self.scalars.all().collect(),
        };
        for (key, stem) in stems {
            for (at, series) in self.scalars.series_of(stem) {
                fleet.add(key, Place::Scalar(stem, at), series, (asked.1, lift));
            }
        }
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
                fleet.add(&group.key, Place::Metric(*id, metric), series, (asked.0, 0.0));
            }
        }
        fleet
    }

    /// Makes the finding of a series that has crossed, and starts its evidence anew.
    fn find(&mut self, candidate: &Candidate, decision: &Decision, output: &mut Output) {
        let Some(finding) = self.report_at(candidate, decision) else { return };
        let events = self.fire(candidate.place, Stake::first(&finding.id), decision.end_us);
        self.tell(finding, &[events], decision.end_us, output);
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
        let told = carriers.iter().take(CARRIERS_TOLD);
        let findings: Vec<Finding> = told.filter_map(|one| self.report_at(one, decision)).collect();
        let Some(mut finding) = findings.first().cloned() else { return };
        if findings.len() > 1 {
            let record = |(finding, carrier): (&Finding, &Candidate)| CarrierRecord {
                version: finding.version.clone(),
                segments: finding.segments.clone(),
                metric: finding.metric.clone(),
                change: finding.change.clone(),
                onset: finding.onset.clone(),
                effect: finding.effect.clone(),
                log_mixture: super::report::round(carrier.log),
            };
            finding.carriers = findings.iter().zip(carriers).map(record).collect();
            finding.carriers_more = (carriers.len() - findings.len()) as u32;
            let has = |severity: &&str| findings.iter().any(|f| f.severity == *severity);
            if let Some(worst) = SEVERITIES.into_iter().find(has) {
                finding.severity = worst.into();
            }
            finding.kind = "model".into();
            finding.evidence.log_mixture = super::report::round(log_sum);
            finding.summary = super::report::summary_together(&finding, decision.end_us);
        }
        let mut events = Vec::with_capacity(carriers.len());
        for (number, carrier) in (0..).zip(carriers) {
            let stake = Stake { finding: finding.id.clone(), carrier: number };
            events.push(self.fire(carrier.place, stake, decision.end_us));
        }
        self.tell(finding, &events, decision.end_us, output);
    }

    fn report_at(&self, candidate: &Candidate, decision: &Decision) -> Option<Finding> {
        match candidate.place {
            Place::Scalar(stem, at) => self.report_scalar(&candidate.key, (stem, at), decision),
            Place::Metric(group, metric) => self.report(group, usize::from(metric), decision),
        }
    }

    /// The evidence of a series starts anew. Returns the events that its finding rests on.
    fn fire(&mut self, place: Place, stake: Stake, end_us: i64) -> u64 {
        let Engine { groups, scalars, library, .. } = self;
        let (series, is_scalar) = match place {
            Place::Scalar(stem, at) => (scalars.series_mut(stem, at), true),
            Place::Metric(group, metric) => {
                let series = match &mut Arc::make_mut(&mut groups[group as usize]).phase {
                    Phase::Watching(all) => {
                        all.get_mut(usize::from(metric)).and_then(Option::as_mut)
                    }
                    _ => None,
                };
                (series, false)
            }
        };
        let Some(series) = series else { return 0 };
        let since = series.evidence.since_onset(series.evidence.leader()).counts;
        let events = if is_scalar { NO_EVENTS } else { total(since) };
        let tables = library.tables(series.baseline);
        series.fire(stake, end_us, tables);
        events
    }

    fn tell(&mut self, finding: Finding, events: &[u64], end_us: i64, output: &mut Output) {
        self.counters.findings += 1;
        self.alerts.found(&finding, events, end_us);
        output.findings.push(finding);
    }
}

impl Fleeted {
    fn add(&mut self, key: &Key, place: Place, series: &Series, (asked, lift): (f64, f64)) {
        if series.firing.is_some() {
            self.on += 1;
            return;
        }
        let own = series.evidence.log_mixture();
        let key = Arc::clone(key);
        self.candidates.push(Candidate { key, place, own, asked, log: own + lift });
    }
}
