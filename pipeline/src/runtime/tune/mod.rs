//! Tuning: one history, judged under several settings at once, as it is and with known changes in it.
//!
//! Not here: which settings, and what is made of the answers.

pub mod inject;
mod left_out;
pub mod replayed;
mod tail;

use std::collections::BTreeMap;

use self::inject::Injection;
pub use self::left_out::LeftOut;
use self::left_out::{Lasting, Span};
use self::replayed::{RECORDED, Replayed, replayed};
use super::replay::{Event, ReplayError, replay};
use crate::engine::{BaselineEntry, Engine, Input, RecordedTicks};
use crate::model::settings::WEEK_US;
use crate::model::time::from_rfc3339;
use crate::model::{Alert, Batch, Finding, Settings, Status};
use crate::source::FileSource;

/// What a history gave under one of the settings.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    /// All findings.
    pub findings: Vec<Finding>,
    /// Alerts that fired.
    pub alerts: u64,
    /// By id: until when each finding that is over lasted, microseconds since 1970.
    over_us: BTreeMap<String, i64>,
}

impl Verdict {
    fn note_what_is_over(&mut self, alerts: &[Alert]) {
        for alert in alerts.iter().filter(|alert| alert.status == Status::Resolved) {
            let Some(at_us) = from_rfc3339(&alert.at) else { continue };
            for id in &alert.findings {
                self.over_us.entry(id.clone()).or_insert(at_us);
            }
        }
    }
}

/// What is known of a history after it was judged as it is.
#[derive(Debug)]
pub struct History {
    /// First event, microseconds since 1970.
    pub from_us: i64,
    /// End of the last pane.
    pub to_us: i64,
    /// Events.
    pub events: u64,
    /// Baselines under the first of the settings.
    pub baselines: Vec<BaselineEntry>,
    /// For each of the settings.
    pub verdicts: Vec<Verdict>,
    engines: Vec<Engine>,
    /// Ticks, by what decides them.
    records: Vec<(Ticking, Vec<RecordedTicks>)>,
}

/// What decides the ticks of a history: settings that have it in common share them. Those of charts depend on
/// findings, too, and so a little on the budget: the level stands still while one is on.
type Ticking = (i64, i64);

fn ticking(settings: &Settings) -> Ticking {
    (settings.time.pane_us, settings.scalars.every_us)
}

/// How an injected change fared under one of the settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// Series that were changed.
    pub series: usize,
    /// Of these, those with a finding after the change.
    pub found: usize,
    /// Median time from the change to the finding, microseconds; of those that were found.
    pub delay_us: Option<i64>,
}

impl History {
    /// Weeks that were judged under these settings: all but what was learned from.
    pub fn weeks(&self, settings: &Settings) -> f64 {
        let learned_us = settings.baseline.range_us.map_or(settings.baseline.learn_us, |_| 0);
        let watched_us = (self.to_us - self.from_us - learned_us).max(settings.time.pane_us);
        watched_us as f64 / WEEK_US as f64
    }

    /// What the `at`-th of the settings gives on courses of this history, down to budgets of
    /// `least_budget`; none where nothing was judged.
    pub fn replayed(&self, at: usize, least_budget: f64, threads: usize) -> Option<Replayed> {
        let engine = self.engines.get(at)?;
        let same = |of: &&(Ticking, _)| of.0 == ticking(engine.settings());
        let (_, records) = self.records.iter().find(same)?;
        replayed(engine, records, &self.lasting(), (least_budget, threads))
    }

    /// What the first of the settings found: the same is left out of all, so that they differ by themselves.
    fn lasting(&self) -> Lasting {
        let mut lasting = Lasting::default();
        let (Some(verdict), Some(engine)) = (self.verdicts.first(), self.engines.first()) else {
            return lasting;
        };
        for finding in &verdict.findings {
            let Some(from_us) = from_rfc3339(&finding.onset) else { continue };
            let to_us = verdict.over_us.get(&finding.id).copied();
            lasting.found(about(finding, engine.settings()), Span { from_us, to_us });
        }
        lasting
    }
}

/// Judges a history under each of these settings, of which there is at least one.
///
/// # Errors
/// Where it cannot be read, or what `progress` returned.
pub fn judge<E: From<ReplayError>>(
    source: &FileSource,
    settings: &[Settings],
    threads: usize,
    progress: impl FnMut(u64, Option<i64>, u64) -> Result<(), E>,
) -> Result<History, E> {
    let mut from_us = i64::MAX;
    let mut engines: Vec<Engine> = settings.iter().cloned().map(Engine::new).collect();
    let mut seen: Vec<Ticking> = Vec::new();
    for engine in &mut engines {
        let own = ticking(engine.settings());
        if !seen.contains(&own) {
            seen.push(own);
            engine.record(RECORDED);
        }
    }
    let verdicts = run(source, &mut engines, threads, progress, |batch| {
        from_us = batch.time_us.iter().copied().fold(from_us, i64::min);
        None
    })?;
    let records = engines.iter_mut().map(|e| (ticking(e.settings()), e.take_records()));
    let records = records.filter(|(_, records)| !records.is_empty()).collect();
    let to_us = engines.first().and_then(Engine::closed_us).unwrap_or(from_us);
    Ok(History {
        from_us: from_us.min(to_us),
        to_us,
        events: engines.first().map_or(0, |engine| engine.counters().events),
        baselines: engines.first_mut().map_or_else(Vec::new, |engine| engine.baselines(false)),
        verdicts,
        engines,
        records,
    })
}

/// Judges a history with a change in it under each of these settings.
///
/// # Errors
/// Where it cannot be read, or what `progress` returned.
pub fn find<E: From<ReplayError>>(
    source: &FileSource,
    settings: &[Settings],
    threads: usize,
    injection: &Injection,
    progress: impl FnMut(u64, Option<i64>, u64) -> Result<(), E>,
) -> Result<Vec<Found>, E> {
    let mut engines: Vec<Engine> = settings.iter().cloned().map(Engine::new).collect();
    let verdicts = run(source, &mut engines, threads, progress, |batch| injection.apply(batch))?;
    let found = |(verdict, settings): (&Verdict, &Settings)| found(verdict, injection, settings);
    Ok(verdicts.iter().zip(settings).map(found).collect())
}

fn found(verdict: &Verdict, injection: &Injection, settings: &Settings) -> Found {
    // The first finding of each series after the change. Volume is charted over all versions.
    let mut first: BTreeMap<(Vec<String>, String), i64> = BTreeMap::new();
    for finding in &verdict.findings {
        let Some(at) = from_rfc3339(&finding.detected_at).filter(|at| *at > injection.from_us)
        else {
            continue;
        };
        for series in about(finding, settings) {
            let earliest = first.entry(series).or_insert(at);
            *earliest = at.min(*earliest);
        }
    }
    let series = injection.series();
    let delay = |(key, metric): &(Vec<String>, Option<usize>)| {
        let name = metric.map_or("volume", |metric| settings.metrics[metric].name.as_str());
        let of_version = (key.clone(), name.to_owned());
        let mut all = key.clone();
        if settings.has_version && metric.is_none() {
            all[1].clear();
        }
        let at = first.get(&of_version).or_else(|| first.get(&(all, name.to_owned())))?;
        Some(at - injection.from_us)
    };
    let mut delays: Vec<i64> = series.iter().filter_map(delay).collect();
    delays.sort_unstable();
    Found {
        series: series.len(),
        found: delays.len(),
        delay_us: delays.get(delays.len().saturating_sub(1) / 2).copied(),
    }
}

/// The series that a finding is about: keys, in the order of the settings' key names, and metric.
fn about(finding: &Finding, settings: &Settings) -> Vec<(Vec<String>, String)> {
    let of = |version: &Option<String>, segments: &BTreeMap<String, String>, metric: &String| {
        let part = |(at, name): (usize, &String)| match at {
            0 => finding.model.clone(),
            1 if settings.has_version => version.clone().unwrap_or_default(),
            _ => segments.get(name).cloned().unwrap_or_default(),
        };
        (settings.key_names.iter().enumerate().map(part).collect(), metric.clone())
    };
    let own = of(&finding.version, &finding.segments, &finding.metric);
    let carried = finding.carriers.iter().map(|c| of(&c.version, &c.segments, &c.metric));
    std::iter::once(own).chain(carried).collect()
}

/// Reads the files once, through one engine for each of the settings. `alter` gives another batch in the
/// place of one that came; the first of the engines paces the files by what came.
fn run<E: From<ReplayError>>(
    source: &FileSource,
    engines: &mut [Engine],
    threads: usize,
    mut progress: impl FnMut(u64, Option<i64>, u64) -> Result<(), E>,
    mut alter: impl FnMut(&Batch) -> Option<Batch>,
) -> Result<Vec<Verdict>, E> {
    let mut verdicts = vec![Verdict::default(); engines.len()];
    let mut pace = pace(engines.first().map(Engine::settings));
    replay(source, &mut pace, threads, |_, event| -> Result<(), E> {
        match event {
            Event::Input(input) => {
                let altered = match input {
                    Input::Batch(batch) => alter(batch),
                    _ => None,
                };
                let input = altered.as_ref().map_or(input, Input::Batch);
                for (engine, verdict) in engines.iter_mut().zip(&mut verdicts) {
                    let output = engine.step(input);
                    let firing = output.alerts.iter().filter(|a| a.status == Status::Firing);
                    verdict.alerts += firing.count() as u64;
                    verdict.note_what_is_over(&output.alerts);
                    verdict.findings.extend(output.findings);
                }
            }
            Event::Progress { bytes, time_us, events } => progress(bytes, time_us, events)?,
            Event::Output(_) | Event::Rejects(_) => {}
        }
        Ok(())
    })?;
    Ok(verdicts)
}

/// An engine that sees what came and judges nothing: its clocks say which file is behind. Which of the
/// engines that judge is altered, and how, must not decide what is read next.
fn pace(settings: Option<&Settings>) -> Engine {
    let mut settings = settings.cloned().unwrap_or_default();
    settings.scalars.volume = false;
    settings.detect.silence_us = 0;
    settings.baseline.endless = true;
    Engine::new(settings)
}
