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
    if let Some((field, _, true)) = &found.time {
        remarks.push(format!("`{}` may have day and month the other way round", field.path));
    }
    remarks
}
