//! Alerts: the state machine over the findings of each model. Pending, firing, resolved.
//!
//! Nobody is woken up for what is over already, or for a handful of events: an alert fires once it was
//! pending for `[alert].hold`, and one of its findings rests on `[alert].events_min` events and goes on.
//! What is over before is resolved without having fired.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::engine::output::Output;
use crate::engine::series::finding_ref::FindingRef;
use crate::model::alert::{ALERT_SCHEMA, Alert, Status, fingerprint};
use crate::model::finding::SEVERITIES;
use crate::model::time::{from_rfc3339, rfc3339};
use crate::model::{Finding, Settings};

/// The alerts of all models that have one.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Alerts {
    by_model: BTreeMap<String, Arc<AlertEpisode>>,
}

/// One episode of one model, from its first finding until all of them are resolved.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct AlertEpisode {
    status: Status,
    starts_us: i64,
    onset_us: i64,
    /// Findings in their order: id, metric, severity, summary. Of an update only the id: what it says is
    /// said by the finding that it updates.
    findings: Vec<(String, String, String, String)>,
    /// All metrics that they are about.
    metrics: BTreeSet<String>,
    /// Those that are not resolved yet, by their ids.
    active: BTreeMap<String, ActiveFinding>,
    /// Something is to be told at the end of this pane.
    changed: bool,
}

/// A finding that is not resolved yet: its series, by their place among those that carry it; none where one
/// is resolved.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct ActiveFinding(Vec<Option<CarrierState>>);

/// A series of a finding, as far as it matters to whether the alert may fire.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct CarrierState {
    /// Events since its onset.
    events: u64,
    /// The last ticks speak against it.
    seems_over: bool,
}

impl ActiveFinding {
    /// Whether the finding is worth waking somebody up. The metrics of a model share their events, so those
    /// of the series that has most count, not the sum.
    fn goes_on(&self, events_min: u64) -> bool {
        let carriers = || self.0.iter().flatten();
        carriers().any(|of| of.events >= events_min) && carriers().any(|of| !of.seems_over)
    }
}

/// Findings that one alert lists; further ones keep it alive but are not listed.
const FINDINGS_MAX: usize = 1000;

impl Alerts {
    /// A new finding of a model, decided at the end of a pane. `events`: of each series that carries it, how
    /// many it rests on.
    pub(crate) fn found(&mut self, finding: &Finding, events: &[u64], now_us: i64) {
        let onset_us = from_rfc3339(&finding.onset).unwrap_or(now_us);
        let new = || AlertEpisode {
            status: Status::Pending,
            starts_us: now_us,
            onset_us,
            findings: Vec::new(),
            metrics: BTreeSet::new(),
            active: BTreeMap::new(),
            changed: true,
        };
        let entry = self.by_model.entry(finding.model.clone());
        let episode = Arc::make_mut(entry.or_insert_with(|| Arc::new(new())));
        episode.onset_us = episode.onset_us.min(onset_us);
        episode.changed = true;
        let carrier = |events: &u64| Some(CarrierState { events: *events, seems_over: false });
        episode
            .active
            .insert(finding.id.clone(), ActiveFinding(events.iter().map(carrier).collect()));
        episode.metrics.insert(finding.metric.clone());
        episode.metrics.extend(finding.carriers.iter().map(|carrier| carrier.metric.clone()));
        if episode.findings.len() < FINDINGS_MAX {
            episode.findings.push((
                finding.id.clone(),
                finding.metric.clone(),
                finding.severity.clone(),
                finding.summary.clone(),
            ));
        }
    }

    /// A finding goes further: what its alert says of it is what the update says.
    pub(crate) fn updated(&mut self, update: &Finding) {
        let Some(episode) = self.by_model.get_mut(&update.model) else { return };
        let episode = Arc::make_mut(episode);
        let of =
            |told: &&mut (String, String, String, String)| Some(&told.0) == update.updates.as_ref();
        if let Some(told) = episode.findings.iter_mut().find(of) {
            (told.2, told.3) = (update.severity.clone(), update.summary.clone());
        }
        if episode.findings.len() < FINDINGS_MAX {
            let nothing = String::new();
            episode.findings.push((update.id.clone(), nothing.clone(), nothing.clone(), nothing));
        }
        episode.changed = true;
    }

    /// A tick of a series that has a finding, with so many events.
    pub(crate) fn goes_on(
        &mut self,
        model: &str,
        finding: &FindingRef,
        events: u64,
        seems_over: bool,
    ) {
        let pending = self.by_model.get_mut(model).filter(|e| e.status == Status::Pending);
        let Some(episode) = pending else { return };
        let active = Arc::make_mut(episode).active.get_mut(&finding.id);
        if let Some(Some(carrier)) = active.and_then(|a| a.0.get_mut(finding.carrier as usize)) {
            carrier.events = carrier.events.saturating_add(events);
            carrier.seems_over = seems_over;
        }
    }

    /// A series looks like its baseline again. A finding is over with the last of its series.
    pub(crate) fn resolved(&mut self, model: &str, finding: &FindingRef) {
        let Some(episode) = self.by_model.get_mut(model) else { return };
        let episode = Arc::make_mut(episode);
        let Some(of) = episode.active.get_mut(&finding.id) else { return };
        if let Some(carrier) = of.0.get_mut(finding.carrier as usize) {
            *carrier = None;
        }
        if of.0.iter().all(Option::is_none) {
            let before = episode.severity();
            episode.active.remove(&finding.id);
            episode.changed |= episode.severity() != before;
        }
    }

    /// Nothing is known any more of what the alerts were about: all are resolved at the end of the next pane.
    pub(crate) fn resolve_all(&mut self) {
        self.by_model.values_mut().for_each(|episode| Arc::make_mut(episode).active.clear());
    }

    /// Tells the transitions that are due at the end of a pane, in the order of models.
    pub(crate) fn advance(&mut self, now_us: i64, settings: &Settings, output: &mut Output) {
        self.by_model.retain(|model, episode| {
            if episode.active.is_empty() {
                let episode = Arc::make_mut(episode);
                episode.status = Status::Resolved;
                output.alerts.push(episode.transition(model, now_us, settings));
                return false;
            }
            let held = now_us - episode.starts_us >= settings.alert.hold_us;
            let goes_on = |active: &ActiveFinding| active.goes_on(settings.alert.events_min);
            let fires =
                episode.status == Status::Pending && held && episode.active.values().any(goes_on);
            if fires || episode.changed {
                let episode = Arc::make_mut(episode);
                if fires {
                    episode.status = Status::Firing;
                }
                episode.changed = false;
                output.alerts.push(episode.transition(model, now_us, settings));
            }
            true
        });
    }

    /// Number of alerts that are pending or firing.
    pub(crate) fn active(&self) -> usize {
        self.by_model.len()
    }
}

impl AlertEpisode {
    /// The worst of what is not resolved; of all, once that is nothing.
    fn severity(&self) -> &'static str {
        let is_on = |id: &String| self.active.is_empty() || self.active.contains_key(id);
        let has = |severity: &&str| self.findings.iter().any(|f| f.2 == *severity && is_on(&f.0));
        SEVERITIES.into_iter().find(has).unwrap_or("info")
    }

    fn transition(&self, model: &str, now_us: i64, settings: &Settings) -> Alert {
        let labels = BTreeMap::from([
            ("alertname".to_string(), "ModelDriftDetected".to_string()),
            ("model".to_string(), model.to_string()),
            ("pipeline".to_string(), settings.pipeline.clone()),
        ]);
        let metrics: Vec<String> = self.metrics.iter().cloned().collect();
        let severity = self.severity();
        let told: Vec<_> = self.findings.iter().filter(|told| !told.3.is_empty()).collect();
        let count = told.len();
        let summary = match told.as_slice() {
            [one] => one.3.clone(),
            _ => format!("{model}: {count} findings on {}", metrics.join(", ")),
        };
        let lines: Vec<&str> = told.iter().take(10).map(|f| f.3.as_str()).collect();
        let annotations = BTreeMap::from([
            ("description".to_string(), lines.join("\n")),
            ("severity".to_string(), severity.to_string()),
            ("summary".to_string(), summary),
        ]);
        Alert {
            schema: ALERT_SCHEMA.into(),
            fingerprint: fingerprint(&labels),
            status: self.status,
            at: rfc3339(now_us),
            labels,
            annotations,
            starts_at: rfc3339(self.starts_us),
            ends_at: (self.status == Status::Resolved).then(|| rfc3339(now_us)),
            onset: rfc3339(self.onset_us),
            metrics,
            findings: self.findings.iter().map(|f| f.0.clone()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carried(carrier: u32) -> FindingRef {
        FindingRef { id: "f".into(), carrier }
    }

    /// Of a finding that three series carry, of which each has four events of the same pane.
    fn pending() -> Alerts {
        let carrier = Some(CarrierState { events: 4, seems_over: false });
        let episode = AlertEpisode {
            status: Status::Pending,
            starts_us: 0,
            onset_us: 0,
            findings: Vec::new(),
            metrics: BTreeSet::new(),
            active: BTreeMap::from([("f".to_string(), ActiveFinding(vec![carrier; 3]))]),
            changed: false,
        };
        Alerts { by_model: BTreeMap::from([("m".to_string(), Arc::new(episode))]) }
    }

    fn advance(alerts: &mut Alerts) -> Vec<Status> {
        let mut settings = Settings::default();
        (settings.alert.hold_us, settings.alert.events_min) = (0, 10);
        let mut output = Output::default();
        alerts.advance(1, &settings, &mut output);
        output.alerts.iter().map(|alert| alert.status).collect()
    }

    #[test]
    fn events_that_series_share_count_once() {
        let mut alerts = pending();
        assert!(advance(&mut alerts).is_empty());
        (0..3).for_each(|carrier| alerts.goes_on("m", &carried(carrier), 4, false));
        assert!(advance(&mut alerts).is_empty(), "8 events each, not 24");
        alerts.goes_on("m", &carried(1), 4, false);
        assert_eq!(advance(&mut alerts), [Status::Firing]);
    }

    #[test]
    fn a_finding_seems_over_where_all_of_its_series_do_and_is_over_with_the_last() {
        let mut alerts = pending();
        (0..3).for_each(|carrier| alerts.goes_on("m", &carried(carrier), 20, true));
        assert!(advance(&mut alerts).is_empty());
        alerts.goes_on("m", &carried(2), 1, false);
        let mut other = alerts.clone();
        assert_eq!(advance(&mut other), [Status::Firing]);
        // The one that goes on is resolved; the others only seem over.
        alerts.resolved("m", &carried(2));
        assert!(advance(&mut alerts).is_empty());
        alerts.resolved("m", &carried(0));
        alerts.resolved("m", &carried(0));
        assert!(advance(&mut alerts).is_empty(), "one is left");
        alerts.resolved("m", &carried(1));
        assert_eq!(advance(&mut alerts), [Status::Resolved]);
    }
}
