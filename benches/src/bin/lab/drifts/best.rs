//! The best of what was tried: by peer, over all peers, and for each drift alone.
//!
//! More drifts found is better; of as many, the smaller mean logarithm of the delay.

use driftline::model::Kind;
use serde::{Deserialize, Serialize};

use super::sweep::{Delay, Tried};

/// What became of each drift (outer) with each seed (inner).
pub(super) type Outcome = Vec<Vec<Option<Delay>>>;

/// The kinds of series; a user chooses a setting for each.
const KINDS: [Kind; 3] = [Kind::Number, Kind::Flag, Kind::Category];
/// Shortest delay, seconds: a change that the first value shows has one, too.
const DELAY_MIN_S: f64 = 1e-3;

/// What became of one drift.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Found {
    /// Seeds with which it was found.
    pub(super) found: usize,
    /// Geometric means over them; none where it was never found.
    pub(super) delay_s: Option<f64>,
    pub(super) events: Option<f64>,
    /// Seconds, seed by seed.
    pub(super) by_seed_s: Vec<Option<f64>>,
}

/// A detector with its settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) name: String,
    /// At most one a kind of series ...
    pub(super) settings: Vec<String>,
    /// ... and their places among all that were tried.
    #[serde(skip)]
    pub(super) places: Vec<usize>,
    pub(super) drifts: Vec<Found>,
}

impl Found {
    pub(super) fn of(delays: &[Option<Delay>]) -> Self {
        let found: Vec<Delay> = delays.iter().flatten().copied().collect();
        Self {
            found: found.len(),
            delay_s: geometric(found.iter().map(|(seconds, _)| seconds.max(DELAY_MIN_S))),
            events: geometric(found.iter().map(|(_, events)| events.max(&1)).map(|n| *n as f64)),
            by_seed_s: delays.iter().map(|delay| delay.map(|(seconds, _)| seconds)).collect(),
        }
    }
}

impl Row {
    pub(super) fn of(name: String, outcome: &Outcome) -> Self {
        let drifts = outcome.iter().map(|delays| Found::of(delays)).collect();
        Self { name, settings: Vec::new(), places: Vec::new(), drifts }
    }
}

/// None of nothing.
pub(super) fn geometric(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0.0, 0.0), |(n, sum), value| (n + 1.0, sum + value.ln()));
    (count > 0.0).then(|| f64::exp(sum / count))
}

/// Found, and minus the mean logarithm of the delay: the larger pair is better.
fn score<'a>(delays: impl Iterator<Item = &'a Option<Delay>>) -> (usize, f64) {
    let logs = delays.flatten().map(|(seconds, _)| seconds.max(DELAY_MIN_S).ln());
    let (count, sum) = logs.fold((0, 0.0), |(n, sum), log| (n + 1, sum + log));
    (count, if count > 0 { -sum / count as f64 } else { 0.0 })
}

fn better(this: (usize, f64), other: (usize, f64)) -> bool {
    this.0.cmp(&other.0).then(this.1.total_cmp(&other.1)).is_gt()
}

/// The earliest of several series.
fn earliest(all: &[&Outcome]) -> Outcome {
    let Some((first, rest)) = all.split_first() else { return Vec::new() };
    let mut merged = (*first).clone();
    let soonest = |a: Option<Delay>, b: Option<Delay>| match (a, b) {
        (Some(a), Some(b)) => Some(if b.0 < a.0 { b } else { a }),
        (a, b) => a.or(b),
    };
    for other in rest {
        for (merged, other) in merged.iter_mut().flatten().zip(other.iter().flatten()) {
            *merged = soonest(*merged, *other);
        }
    }
    merged
}

/// What was tried, with what became of it.
pub(super) struct Entry {
    /// Place among all that were tried.
    pub(super) place: usize,
    pub(super) tried: Tried,
    pub(super) outcome: Outcome,
}

/// Names of the peers in the order in which they are tried.
pub(super) fn families(entries: &[Entry]) -> Vec<&'static str> {
    let mut all: Vec<&'static str> = Vec::new();
    for entry in entries {
        let name = entry.tried.setting.family();
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
}

/// The best choice of one setting for each kind, or of none where it adds nothing: of one peer or
/// (`None`) of all, for one drift or (`None`) for all.
pub(super) fn wired(
    entries: &[Entry],
    family: Option<&'static str>,
    drift: Option<usize>,
) -> Option<Row> {
    let is_of = |entry: &&Entry| family.is_none_or(|name| entry.tried.setting.family() == name);
    let mut choices: Vec<Vec<&Entry>> = vec![Vec::new()];
    for kind in KINDS {
        let of_kind: Vec<&Entry> =
            entries.iter().filter(|entry| entry.tried.kind == kind).filter(is_of).collect();
        // Those with fewer settings come first, and stay where more are no better.
        let without = choices.len();
        for at in 0..without {
            for entry in &of_kind {
                choices.push([choices[at].as_slice(), &[*entry]].concat());
            }
        }
    }
    choices.sort_by_key(Vec::len);
    let mut best: Option<((usize, f64), Vec<&Entry>, Outcome)> = None;
    for chosen in choices.into_iter().skip(1) {
        let all: Vec<&Outcome> = chosen.iter().map(|entry| &entry.outcome).collect();
        let mut outcome = earliest(&all);
        if let Some(drift) = drift {
            outcome = vec![outcome.swap_remove(drift)];
        }
        let score = score(outcome.iter().flatten());
        if best.as_ref().is_none_or(|(other, ..)| better(score, *other)) {
            best = Some((score, chosen, outcome));
        }
    }
    let (score, chosen, outcome) = best?;
    let chosen = if score.0 == 0 { Vec::new() } else { chosen };
    let settings = chosen.iter().map(|entry| {
        let words = family.map_or_else(|| entry.tried.name(), |_| entry.tried.label());
        let comma = if words.is_empty() { "" } else { " on " };
        format!("{words}{comma}{}", plural(entry.tried.kind))
    });
    let drifts = outcome.iter().map(|delays| Found::of(delays)).collect();
    Some(Row {
        name: family.unwrap_or("all peers").into(),
        settings: settings.collect(),
        places: chosen.iter().map(|entry| entry.place).collect(),
        drifts,
    })
}

/// Series of a kind, in words.
pub(super) fn plural(kind: Kind) -> &'static str {
    match kind {
        Kind::Number => "numbers",
        Kind::Flag => "flags",
        _ => "categories",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::Setting;

    fn entry(kind: Kind, k: f64, delays: [Option<f64>; 2]) -> Entry {
        let setting = Setting::Cusum { k, scores: false };
        let outcome = delays.map(|delay| vec![delay.map(|seconds| (seconds, 1))]).to_vec();
        Entry { place: 0, tried: Tried { kind, setting, codes: false }, outcome }
    }

    #[test]
    fn finding_more_is_better_than_finding_soon_and_kinds_add_up() {
        let entries = [
            entry(Kind::Number, 0.1, [Some(100.0), None]),
            entry(Kind::Number, 0.5, [Some(10.0), None]),
            entry(Kind::Flag, 0.1, [None, Some(80.0)]),
            entry(Kind::Flag, 0.5, [Some(1.0), None]),
        ];
        let row = wired(&entries, Some("CUSUM"), None).expect("a row");
        assert_eq!(row.settings, ["k 0.5 on numbers", "k 0.1 on flags"]);
        let seconds: Vec<_> = row.drifts.iter().map(|drift| drift.by_seed_s[0]).collect();
        assert_eq!(seconds, [Some(10.0), Some(80.0)]);
        let first = wired(&entries, None, Some(0)).expect("a row");
        assert_eq!(first.settings, ["CUSUM k 0.5 on flags"]);
        assert_eq!(first.drifts.len(), 1);
        assert_eq!(first.drifts[0].by_seed_s[0], Some(1.0));
    }

    #[test]
    fn means_are_geometric_and_of_what_was_found() {
        let found = Found::of(&[Some((10.0, 4)), None, Some((1_000.0, 9))]);
        assert_eq!(found.found, 2);
        assert!((found.delay_s.expect("found") - 100.0).abs() < 1e-9);
        assert!((found.events.expect("found") - 6.0).abs() < 1e-9);
        assert!(Found::of(&[None]).delay_s.is_none());
    }
}
