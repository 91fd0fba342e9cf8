//! How a config fits a sample: what the decoder of a replay finds at each configured path.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use anyhow::Context;
use serde_json::{Value, json};

use super::marks::{Marks, counted};
use crate::cli::disorder::Disorder;
use crate::codec::{Codecs, Decoder};
use crate::config::Files;
use crate::config::diagnostic::nearest;
use crate::config::infer::judge::judge;
use crate::config::infer::profile::Profile;
use crate::config::infer::records;
use crate::config::options::kind_name;
use crate::model::settings::Settings;
use crate::model::{Batch, Column, Labels, Limits, Reason};
use crate::source::FileSource;

/// Events that are read.
const EVENTS_MAX: u64 = 10_000;
/// Rejects after which a sample is given up.
const REJECTS_MAX: u64 = 10_000;

/// What was found at one configured path.
struct Share {
    /// How the config calls it: `keys.model`, `metrics.latency_ms`.
    name: String,
    path: String,
    kind: &'static str,
    found: u64,
    null: u64,
    invalid: u64,
}

/// What was found in the sample.
pub(super) struct Coverage {
    /// Events that were read.
    pub(super) events: u64,
    /// What may not be meant.
    pub(super) warnings: Vec<String>,
    name: String,
    shares: Vec<Share>,
    /// What was not read, and what is out of order.
    notes: Vec<String>,
    /// Count and the first one's words.
    rejects: BTreeMap<Reason, (u64, String)>,
}

impl Coverage {
    /// Reads the sample with the decoder of a replay.
    pub(super) fn read(
        settings: &Settings,
        files: &Files,
        sample: &[String],
    ) -> anyhow::Result<Self> {
        let format = files.input_format.as_deref();
        let codec = format.map(|name| Codecs::built_in().for_files(name)).transpose()?;
        let source = FileSource::find(sample, codec)
            .map_err(|error| std::io::Error::new(std::io::ErrorKind::NotFound, error))
            .context("cannot read the sample")?;
        let time = &settings.time;
        let mut decoder = Decoder::new(
            &settings.layout,
            &settings.limits,
            time.not_before_us,
            time.not_after_us,
        )?;
        let mut coverage = Self::of(settings, sample);
        let limits = Limits { block_bytes: 1 << 16, ..settings.limits.clone() };
        let mut disorder = Disorder::default();
        'files: for partition in 0..source.files().len() {
            for block in source.open(partition as u32, &limits) {
                decoder.decode(&block, &mut |batch| {
                    coverage.add(&batch);
                    disorder.take(&batch, time);
                });
                let rejects: u64 = coverage.rejects.values().map(|(count, _)| count).sum();
                if coverage.events >= EVENTS_MAX || rejects >= REJECTS_MAX {
                    break 'files;
                }
            }
        }
        coverage.notes = source.unread().lines();
        coverage.notes.extend(disorder.lines(|file| source.name_of(file)));
        let profile = match source.files() {
            // Standard input was read, and cannot be read again.
            [file, ..] if !file.is_stdin() => profile(&file.path, format),
            _ => None,
        };
        coverage.warnings = coverage.doubts(settings, profile.as_ref());
        Ok(coverage)
    }

    fn of(settings: &Settings, sample: &[String]) -> Self {
        let share = |name: String, path: &str, kind| Share {
            name,
            path: path.into(),
            kind,
            found: 0,
            null: 0,
            invalid: 0,
        };
        let keys = settings.key_names.iter().zip(&settings.layout.keys);
        let keys = keys.map(|(name, path)| share(format!("keys.{name}"), &path.0, "key"));
        let id = settings.layout.id.as_ref().map(|path| share("keys.id".into(), &path.0, "key"));
        let metrics = settings.layout.metrics.iter().map(|metric| {
            share(format!("metrics.{}", metric.name), &metric.path.0, kind_name(metric.kind))
        });
        Self {
            events: 0,
            warnings: Vec::new(),
            name: sample.join(", "),
            notes: Vec::new(),
            shares: keys.chain(id).chain(metrics).collect(),
            rejects: BTreeMap::new(),
        }
    }

    fn add(&mut self, batch: &Batch) {
        self.events += batch.rows() as u64;
        let labels = batch.keys.iter().chain(&batch.id).map(Labels::absent);
        for (share, (null, invalid)) in
            self.shares.iter_mut().zip(labels.chain(batch.metrics.iter().map(Column::absent)))
        {
            share.null += null;
            share.invalid += invalid;
            share.found += batch.rows() as u64 - null - invalid;
        }
        for reject in &batch.rejects {
            let entry = self.rejects.entry(reject.reason).or_insert((0, reject.detail.clone()));
            entry.0 += 1;
        }
    }

    fn doubts(&self, settings: &Settings, profile: Option<&Profile>) -> Vec<String> {
        let mut doubts = Vec::new();
        let occurs = |path: &str| profile.and_then(|profile| profile.field(path)).is_some();
        let instead = |path: &str| match profile.and_then(|profile| near(path, profile)) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => String::new(),
        };
        let judged = profile.map(judge);
        let time = &settings.layout.time.path.0;
        if self.rejects.contains_key(&Reason::MissingTime) && !occurs(time) {
            let found = judged.as_ref().and_then(|judged| judged.time.as_ref());
            let hint = match found {
                Some((field, ..)) => format!("; did you mean `{}`?", field.path),
                None => instead(time),
            };
            doubts.push(format!("time.path: `{time}` never occurs{hint}"));
        }
        for share in self.shares.iter().filter(|share| share.found == 0) {
            let (name, path) = (&share.name, &share.path);
            let is_missed = self.events > 0 || self.rejects.contains_key(&Reason::MissingModel);
            if share.invalid > 0 {
                let metrics = judged.iter().flat_map(|judged| &judged.metrics);
                let other = metrics.into_iter().find(|metric| metric.field.path == *path);
                let other = other.map(|metric| kind_name(metric.kind));
                let hint = other.map_or(String::new(), |kind| format!("; it looks like a {kind}"));
                let kind = share.kind;
                doubts.push(format!("{name}: no value of `{path}` can be read as a {kind}{hint}"));
            } else if is_missed && !occurs(path) {
                doubts.push(format!("{name}: `{path}` never occurs{}", instead(path)));
            } else if self.events > 0 {
                doubts.push(format!("{name}: `{path}` is always null"));
            }
        }
        for share in self.shares.iter().filter(|share| share.found > 0) {
            if share.invalid * 20 > self.events {
                doubts.push(format!(
                    "{}: {} of `{}` cannot be read as a {}",
                    share.name,
                    percent(share.invalid, self.events).trim(),
                    share.path,
                    share.kind
                ));
            }
        }
        doubts.extend(self.notes.iter().cloned());
        doubts
    }

    /// For machines.
    pub(super) fn to_json(&self) -> Value {
        let shares = self.shares.iter().map(|share| {
            json!({
                "name": share.name,
                "path": share.path,
                "found": share.found,
                "null": share.null,
                "invalid": share.invalid,
            })
        });
        let rejects = self.rejects.iter().map(
            |(reason, (count, first))| json!({ "reason": reason, "count": count, "first": first }),
        );
        json!({
            "events": self.events,
            "fields": shares.collect::<Vec<_>>(),
            "rejects": rejects.collect::<Vec<_>>(),
            "warnings": self.warnings,
        })
    }

    /// For people.
    pub(super) fn to_text(&self, marks: &Marks) -> String {
        let rejects: u64 = self.rejects.values().map(|(count, _)| count).sum();
        let mark = match (self.events, rejects) {
            (0, _) => marks.wrong,
            (_, 0) => marks.right,
            _ => marks.doubt,
        };
        let events = counted(self.events as usize, "event");
        let rejects = counted(rejects as usize, "reject");
        let mut text = format!("{mark} {}: {events}, {rejects}\n", self.name);
        // Writing into a String cannot fail.
        for (reason, (count, first)) in &self.rejects {
            let detail = if first.is_empty() { String::new() } else { format!(" ({first})") };
            let _ = writeln!(text, "    {count} x {}{detail}: {}", reason.name(), reason.help());
        }
        if self.events > 0 {
            let widest = self.shares.iter().map(|share| share.name.chars().count()).max();
            let width = widest.unwrap_or(0).max(5);
            let _ = writeln!(text, "  {:<width$}   found    null invalid", "field");
            for share in &self.shares {
                let [found, null, invalid] =
                    [share.found, share.null, share.invalid].map(|part| percent(part, self.events));
                let _ = writeln!(text, "  {:<width$} {found} {null} {invalid}", share.name);
            }
        }
        for warning in &self.warnings {
            let _ = writeln!(text, "{} {warning}", marks.doubt);
        }
        text
    }
}

/// The paths of the sample. None where they cannot be read: then there is no path to suggest.
fn profile(path: &Path, format: Option<&str>) -> Option<Profile> {
    records::read(path, format, EVENTS_MAX).ok()
}

/// The nearest path that occurs: one with the same last part, else one that is spelled alike.
fn near<'p>(path: &str, profile: &'p Profile) -> Option<&'p str> {
    let last = |path: &'p str| path.rsplit('.').next().unwrap_or(path);
    let wanted = path.rsplit('.').next().unwrap_or(path);
    let paths = || profile.fields.iter().map(|field| field.path.as_str());
    paths()
        .find(|path| last(path).eq_ignore_ascii_case(wanted))
        .or_else(|| nearest(path, paths()))
        .or_else(|| {
            let alike = nearest(wanted, paths().map(last))?;
            paths().find(|path| last(path) == alike)
        })
}

fn percent(part: u64, whole: u64) -> String {
    let share = 100.0 * part as f64 / whole.max(1) as f64;
    // A rare value must not look like none.
    if part > 0 && share < 0.05 { "  <0.1%".into() } else { format!("{share:6.1}%") }
}
