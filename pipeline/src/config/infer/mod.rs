//! A good config from a sample of the user's own events.
//!
//! `records` reads the sample into a `profile`, `judge` says what each path is good for, `write` makes the
//! commented TOML. Invariant: what is written is a config that loads without an error.

pub mod judge;
pub mod names;
pub mod profile;
pub mod records;
mod times;
mod write;

use judge::Judgement;
use profile::Profile;

pub use write::Origin;

/// Records of a sample that are read, unless asked otherwise.
pub const RECORDS_DEFAULT: u64 = 20_000;

/// A config, and what its reader should know.
#[derive(Debug)]
pub struct Inference {
    /// The config.
    pub toml: String,
    /// Number of metrics.
    pub metrics: usize,
    /// What must be filled in by hand before it can be used.
    pub missing: Vec<&'static str>,
    /// What may be wrong.
    pub remarks: Vec<String>,
}

/// Makes a config. `None` if nothing in the sample can be watched.
pub fn infer(profile: &Profile, origin: &Origin) -> Option<Inference> {
    let found = judge::judge(profile);
    if found.metrics.is_empty() {
        return None;
    }
    let mut missing = Vec::new();
    if found.time.is_none() {
        missing.push("[time] path: no field of the sample looks like the event time");
    }
    let toml = write::toml(profile, &found, origin);
    Some(Inference {
        toml,
        metrics: found.metrics.len(),
        missing,
        remarks: remarks(profile, &found),
    })
}

/// Fields that are told on the terminal as left out; more are counted.
const TOLD_MAX: usize = 10;

/// What is left out although it may hold what a user wants to have watched.
fn left_out(found: &Judgement<'_>) -> Vec<String> {
    let matters = |field: &profile::Field| {
        field.vectors + field.lists > 0
            || field.texts > 0 && field.numbers > 0
            || field.looks_like_json()
            || field.distinct.len() > 5
                && field.distinct.iter().all(|value| judge::is_quantity(value))
    };
    let mut told: Vec<String> = Vec::new();
    let all: Vec<_> = found.left_out.iter().filter(|(field, _)| matters(field)).collect();
    for (field, reason) in all.iter().take(TOLD_MAX) {
        let remedy = if field.looks_like_json() {
            "; it holds JSON in a text: what is in it is not reached (flatten it first, as with jq)"
        } else if field.lists > 0 {
            "; what is in a list is not reached by a path (flatten it first, as with jq)"
        } else {
            ""
        };
        told.push(format!(
            "`{}` is left out, and a change of it would be missed: {reason}{remedy}",
            field.path
        ));
    }
    if all.len() > TOLD_MAX {
        told.push(format!(
            "{} more fields are left out: see the end of the config",
            all.len() - TOLD_MAX
        ));
    }
    told
}

fn remarks(profile: &Profile, found: &Judgement<'_>) -> Vec<String> {
    let mut remarks = Vec::new();
    if found.model.is_none() {
        remarks.push(
            "no field of the sample looks like the model's name: all events count as one model's (model_default)"
                .to_owned(),
        );
    }
    if profile.records < 200 {
        remarks.push(format!(
            "the sample has only {} events, so the kinds are guesses; some thousands are better",
            profile.records
        ));
    }
    if profile.unreadable > 0 {
        remarks.push(format!("{} records of the sample could not be read", profile.unreadable));
    }
    remarks.extend(left_out(found));
    if let Some((field, _, true)) = &found.time {
        remarks.push(format!("`{}` may have day and month the other way round", field.path));
    }
    remarks
}
