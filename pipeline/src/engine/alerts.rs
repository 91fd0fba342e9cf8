//! Alerts: the state machine over the findings of each model. Pending, firing, resolved.
//!
//! Nobody is woken up for what is over already, or for a handful of events: an alert fires once it was
//! pending for `[alert].hold`, and one of its findings rests on `[alert].events_min` events and goes on.
//! What is over before is resolved without having fired.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Output;
use crate::model::alert::{ALERT_SCHEMA, Alert, Status, fingerprint};
use crate::model::time::{from_rfc3339, rfc3339};
use crate::model::{Finding, Settings};

/// The alerts of all models that have one.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Alerts {
    by_model: BTreeMap<String, Arc<Episode>>,
}

/// One episode of one model, from its first finding until all of them are calm.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Episode {
    status: Status,
    starts_us: i64,
    onset_us: i64,
    /// Findings in their order: id, metric, severity, summary.
    findings: Vec<(String, String, String, String)>,
    /// All metrics that they are about.
    metrics: BTreeSet<String>,
    /// Those that are not calm yet, by their ids.
    active: BTreeMap<String, Active>,
    /// Something is to be told at the end of this pane.
    changed: bool,
}

/// A finding that is not calm yet, as far as it matters to whether its alert may fire.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Active {
    /// Series that are not calm yet.
    series: u32,
    /// Events since its onset.
    events: u64,
    /// The last ticks speak against it.
    seems_over: bool,
}

/// Findings that one alert lists; further ones keep it alive but are not listed.
const FINDINGS_MAX: usize = 1000;

impl Alerts {
    /// A new finding of a model, decided at the end of a pane, that rests on so many `events`.
    pub(crate) fn found(&mut self, finding: &Finding, events: u64, now_us: i64) {
        let onset_us = from_rfc3339(&finding.onset).unwrap_or(now_us);
        let new = || Episode {
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
        let series = finding.carriers.len().max(1) as u32;
        episode.active.insert(finding.id.clone(), Active { series, events, seems_over: false });
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

    /// A tick of a series that has a finding, with so many events.
    pub(crate) fn goes_on(&mut self, model: &str, finding: &str, events: u64, seems_over: bool) {
        let pending = self.by_model.get_mut(model).filter(|e| e.status == Status::Pending);
        let Some(episode) = pending else { return };
        if let Some(active) = Arc::make_mut(episode).active.get_mut(finding) {
            active.events = active.events.saturating_add(events);
            // Of several series one may be over while the others go on.
            active.seems_over = seems_over && active.series == 1;
        }
    }

    /// A series looks like its baseline again. A finding is over with the last of its series.
    pub(crate) fn calmed(&mut self, model: &str, finding: &str) {
        if let Some(episode) = self.by_model.get_mut(model) {
            let active = &mut Arc::make_mut(episode).active;
            if let Some(of) = active.get_mut(finding) {
                of.series -= 1;
                if of.series == 0 {
                    active.remove(finding);
                }
            }
        }
    }

    /// Nothing is known any more of what the alerts were about: all are resolved at the end of the next pane.
    pub(crate) fn calm_all(&mut self) {
        self.by_model.values_mut().for_each(|episode| Arc::make_mut(episode).active.clear());
    }

    /// Tells the transitions that are due at the end of a pane, in the order of models.
    pub(crate) fn advance(&mut self, now_us: i64, settings: &Settings, output: &mut Output) {
        self.by_model.retain(|model, episode| {
            if episode.active.is_empty() {
                let episode = Arc::make_mut(episode);
                episode.status = Status::Resolved;
                output.alerts.push(episode.tell(model, now_us, settings));
                return false;
            }
            let held = now_us - episode.starts_us >= settings.alert.hold_us;
            let goes_on = |a: &Active| a.events >= settings.alert.events_min && !a.seems_over;
            let fires =
                episode.status == Status::Pending && held && episode.active.values().any(goes_on);
            if fires || episode.changed {
                let episode = Arc::make_mut(episode);
                if fires {
                    episode.status = Status::Firing;
                }
                episode.changed = false;
                output.alerts.push(episode.tell(model, now_us, settings));
            }
            true
        });
    }

    /// Number of alerts that are pending or firing.
    pub(crate) fn active(&self) -> usize {
        self.by_model.len()
    }
}

impl Episode {
    fn tell(&self, model: &str, now_us: i64, settings: &Settings) -> Alert {
        let labels = BTreeMap::from([
            ("alertname".to_string(), "ModelDriftDetected".to_string()),
            ("model".to_string(), model.to_string()),
            ("pipeline".to_string(), settings.pipeline.clone()),
        ]);
        let metrics: Vec<String> = self.metrics.iter().cloned().collect();
        let severity = ["critical", "warning", "info"]
            .into_iter()
            .find(|s| self.findings.iter().any(|f| f.2 == *s))
            .unwrap_or("info");
        let count = self.findings.len();
        let summary = match self.findings.as_slice() {
            [one] => one.3.clone(),
            _ => format!("{model}: {count} findings on {}", metrics.join(", ")),
        };
        let lines: Vec<&str> = self.findings.iter().take(10).map(|f| f.3.as_str()).collect();
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
