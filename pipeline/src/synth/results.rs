//! What a detector said, read from its NDJSON: findings and alerts, by the few fields that scoring needs.
//!
//! Not here: the rest of a finding; so the results of any other tool can be scored as well.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead};

use serde::Deserialize;

use crate::model::Finding;
use crate::model::finding::CarrierRecord;

/// A finding, as far as it is scored.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FindingLine {
    /// Its id.
    pub id: String,
    /// The model.
    pub model: String,
    /// The metric, or a scalar of it such as `latency_ms.p99`.
    pub metric: String,
    /// When the change began, RFC 3339.
    pub onset: String,
    /// When it was decided, RFC 3339.
    pub detected_at: String,
    /// The series that carry it together, where it is of several.
    #[serde(default)]
    pub carriers: Vec<CarrierLine>,
}

/// A series that carries a finding with others.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CarrierLine {
    /// The metric.
    pub metric: String,
}

impl From<&Finding> for FindingLine {
    fn from(of: &Finding) -> Self {
        let carrier = |carrier: &CarrierRecord| CarrierLine { metric: carrier.metric.clone() };
        Self {
            id: of.id.clone(),
            model: of.model.clone(),
            metric: of.metric.clone(),
            onset: of.onset.clone(),
            detected_at: of.detected_at.clone(),
            carriers: of.carriers.iter().map(carrier).collect(),
        }
    }
}

impl FindingLine {
    /// All metrics that it is about.
    pub fn metrics(&self) -> Vec<&str> {
        let others = self.carriers.iter().map(|carrier| carrier.metric.as_str());
        std::iter::once(self.metric.as_str()).chain(others).collect()
    }
}

/// A transition of an alert, as far as it is scored.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct AlertLine {
    fingerprint: String,
    labels: BTreeMap<String, String>,
    #[serde(rename = "startsAt")]
    starts_at: String,
    #[serde(default)]
    metrics: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Finding(FindingLine),
    Alert(AlertLine),
}

/// All transitions of an alert with one start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Episode {
    /// The model.
    pub model: String,
    /// When it was detected, RFC 3339.
    pub starts_at: String,
    /// All metrics that were off at some time.
    pub metrics: BTreeSet<String>,
}

/// Findings and alert episodes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Results {
    /// In the order of their lines; a finding that is written twice counts once.
    pub findings: Vec<FindingLine>,
    /// In the order of fingerprint and start.
    pub episodes: Vec<Episode>,
}

/// Most findings and alert episodes that are scored at once.
pub const RESULTS_MAX: usize = 1_000_000;

/// Why results cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    /// The file cannot be read.
    #[error("the results cannot be read")]
    Read(#[from] io::Error),
    /// A line is neither a finding nor an alert.
    #[error(
        "line {line} is neither a finding (id, model, metric, onset, detected_at) \
         nor an alert (fingerprint, labels, startsAt): give the findings or alerts of a replay"
    )]
    Line {
        /// Number of the line, from 1.
        line: usize,
    },
    /// There are too many.
    #[error("more than {RESULTS_MAX} findings and alerts: score a shorter span")]
    TooMany,
}

impl Results {
    /// Reads NDJSON of findings, of alerts, or of both.
    ///
    /// # Errors
    /// When a line cannot be read.
    pub fn read(inputs: impl IntoIterator<Item = impl BufRead>) -> Result<Self, ResultsError> {
        let mut results = Self::default();
        let mut seen = BTreeSet::new();
        let mut episodes: BTreeMap<(String, String), Episode> = BTreeMap::new();
        for input in inputs {
            for (number, line) in input.lines().enumerate() {
                let line = line?;
                if line.trim().is_empty() {
                    continue;
                }
                if results.findings.len() + episodes.len() >= RESULTS_MAX {
                    return Err(ResultsError::TooMany);
                }
                match serde_json::from_str(&line) {
                    Ok(Line::Finding(finding)) => {
                        if seen.insert(finding.id.clone()) {
                            results.findings.push(finding);
                        }
                    }
                    Ok(Line::Alert(alert)) => {
                        let key = (alert.fingerprint, alert.starts_at.clone());
                        let episode = episodes.entry(key).or_insert_with(|| Episode {
                            model: alert.labels.get("model").cloned().unwrap_or_default(),
                            starts_at: alert.starts_at,
                            metrics: BTreeSet::new(),
                        });
                        episode.metrics.extend(alert.metrics);
                    }
                    Err(_) => return Err(ResultsError::Line { line: number + 1 }),
                }
            }
        }
        results.episodes = episodes.into_values().collect();
        Ok(results)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_and_transitions_are_gathered() {
        let text = r#"{"id":"a","model":"m","metric":"x","onset":"o","detected_at":"d","more":1}

{"id":"a","model":"m","metric":"x","onset":"o","detected_at":"d"}
{"fingerprint":"f","labels":{"model":"m"},"startsAt":"s","metrics":["x"],"status":"pending"}
{"fingerprint":"f","labels":{"model":"m"},"startsAt":"s","metrics":["x","y"],"endsAt":"e"}
"#;
        let results = Results::read([text.as_bytes()]).expect("results");
        assert_eq!(results.findings.len(), 1);
        assert_eq!(results.episodes.len(), 1);
        assert_eq!(results.episodes[0].metrics.len(), 2);
    }

    #[test]
    fn another_line_is_named() {
        let error = Results::read(["{\"id\":1}\n".as_bytes()]).expect_err("no finding");
        assert!(error.to_string().starts_with("line 1 is neither"), "{error}");
    }
}
