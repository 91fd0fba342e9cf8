//! What a run found, in numbers; and how it compares with a change at a known instant.

use std::collections::BTreeMap;

use driftline::model::time::from_rfc3339;
use driftline::model::{Alert, Finding, Status};

use super::table::median_and_range;

/// A finding, as far as it matters here.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sighting {
    pub(crate) model: String,
    pub(crate) metric: String,
    pub(crate) kind: String,
    pub(crate) change: String,
    pub(crate) effect: f64,
    pub(crate) onset_us: i64,
    pub(crate) detected_us: i64,
}

impl Sighting {
    /// None where its times cannot be read.
    pub(crate) fn of(finding: &Finding) -> Option<Self> {
        Some(Self {
            model: finding.model.clone(),
            metric: finding.metric.clone(),
            kind: finding.kind.clone(),
            change: finding.change.clone(),
            effect: finding.effect.value,
            onset_us: from_rfc3339(&finding.onset)?,
            detected_us: from_rfc3339(&finding.detected_at)?,
        })
    }
}

/// An alert from its start to its end; open ended where it was not resolved.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Episode {
    pub(crate) model: String,
    pub(crate) metrics: Vec<String>,
    pub(crate) starts_us: i64,
    pub(crate) ends_us: i64,
}

impl Episode {
    /// Of the transitions of alerts, in their order.
    pub(crate) fn all(alerts: &[Alert]) -> Vec<Self> {
        let mut episodes: BTreeMap<(&str, &str), Self> = BTreeMap::new();
        for alert in alerts {
            let (Some(model), Some(starts_us)) =
                (alert.labels.get("model"), from_rfc3339(&alert.starts_at))
            else {
                continue;
            };
            let resolved = (alert.status == Status::Resolved).then_some(&alert.at);
            let ends_us = resolved.and_then(|at| from_rfc3339(at)).unwrap_or(i64::MAX);
            let metrics = alert.metrics.clone();
            let episode = Self { model: model.clone(), metrics, starts_us, ends_us };
            episodes.insert((model, &alert.starts_at), episode);
        }
        episodes.into_values().collect()
    }

    fn is_open(&self, model: &str, metric: &str, at_us: i64) -> bool {
        self.model == model
            && (self.starts_us..self.ends_us).contains(&at_us)
            && self.metrics.iter().any(|m| m == metric)
    }
}

/// All that a run found.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) sightings: Vec<Sighting>,
    pub(crate) episodes: Vec<Episode>,
}

/// What became of several changes.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    fates: Vec<Fate>,
    controls: usize,
}

impl Tally {
    /// Judges one change.
    pub(crate) fn add(
        &mut self,
        untouched: &Outcome,
        changed: &Outcome,
        change: &Change<'_>,
    ) -> Fate {
        let fate = changed.fate(untouched, change);
        self.fates.push(fate);
        self.controls += usize::from(untouched.passes_for(change));
        fate
    }

    /// Changes that were found, as `k of n`, with those that an open alert masked.
    pub(crate) fn found(&self) -> String {
        let number = |is: fn(&Fate) -> bool| self.fates.iter().filter(|fate| is(fate)).count();
        let found = number(|fate| matches!(fate, Fate::Found { .. }));
        match number(|fate| *fate == Fate::Masked) {
            0 => format!("{found} of {}", self.fates.len()),
            masked => format!("{found} of {}, {masked} masked", self.fates.len()),
        }
    }

    /// Untouched streams with a finding that would have passed for the change.
    pub(crate) fn controls(&self) -> String {
        format!("{} of {}", self.controls, self.fates.len())
    }

    /// Median and range of the delays of those that were found, in a unit.
    pub(crate) fn delay(&self, unit_us: i64) -> String {
        self.median(unit_us, |delay_us, _| delay_us)
    }

    /// Median and range of the onset errors of those that were found, in a unit.
    pub(crate) fn onset_error(&self, unit_us: i64) -> String {
        self.median(unit_us, |_, error_us| error_us)
    }

    fn median(&self, unit_us: i64, of: fn(i64, i64) -> i64) -> String {
        let number = |fate: &Fate| match fate {
            Fate::Found { delay_us, onset_error_us } => {
                Some(of(*delay_us, *onset_error_us) as f64 / unit_us as f64)
            }
            _ => None,
        };
        median_and_range(self.fates.iter().filter_map(number).collect(), 0)
    }
}

/// What became of a change of one metric of one model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fate {
    /// Found: delay, and the onset that the finding names less the true one.
    Found { delay_us: i64, onset_error_us: i64 },
    /// An alert on the same metric was open when the change came, and nothing new was told.
    Masked,
    /// Not found.
    Missed,
}

impl Outcome {
    /// Findings of a model and metric; of all models where there is no name.
    pub(crate) fn of<'a>(
        &'a self,
        model: Option<&'a str>,
        metric: &'a str,
    ) -> impl Iterator<Item = &'a Sighting> {
        let same =
            move |s: &&Sighting| s.metric == metric && model.is_none_or(|model| s.model == model);
        self.sightings.iter().filter(same)
    }

    /// What became of a change. `untouched`: the same stream without it; what is found there as well
    /// does not count.
    pub(crate) fn fate(&self, untouched: &Self, change: &Change<'_>) -> Fate {
        let Change { model, metric, onset_us, .. } = *change;
        let known = |s: &Sighting| untouched.of(Some(model), metric).any(|other| other == s);
        match self.telling(change).find(|s| !known(s)) {
            Some(s) => Fate::Found {
                delay_us: s.detected_us - onset_us,
                onset_error_us: s.onset_us - onset_us,
            },
            None if self.episodes.iter().any(|e| e.is_open(model, metric, onset_us)) => {
                Fate::Masked
            }
            None => Fate::Missed,
        }
    }

    /// Whether something here would pass for the change: asked of the untouched stream, a control.
    pub(crate) fn passes_for(&self, change: &Change<'_>) -> bool {
        self.telling(change).next().is_some()
    }

    /// Findings in the time and of the direction of a change.
    fn telling<'a>(&'a self, change: &Change<'a>) -> impl Iterator<Item = &'a Sighting> {
        let Change { model, metric, onset_us, until_us, direction } = *change;
        self.of(Some(model), metric).filter(move |s| {
            let is_due = onset_us < s.detected_us && s.detected_us < until_us;
            is_due && s.kind != "silence" && direction.is_of(s)
        })
    }
}

/// The direction of a change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Direction {
    Any,
    Up,
    Down,
}

impl Direction {
    /// A finding of more or less spread has no direction, and passes for any.
    fn is_of(self, sighting: &Sighting) -> bool {
        let (effect, has_none) = (sighting.effect, sighting.kind == "spread");
        match self {
            Self::Any => true,
            Self::Up => has_none || effect > 0.0,
            Self::Down => has_none || effect < 0.0,
        }
    }
}

/// A change that was made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change<'a> {
    pub(crate) model: &'a str,
    pub(crate) metric: &'a str,
    pub(crate) onset_us: i64,
    /// What is detected from here on does not count.
    pub(crate) until_us: i64,
    pub(crate) direction: Direction,
}
