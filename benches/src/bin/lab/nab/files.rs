//! The files of the Numenta Anomaly Benchmark, with their windows.

use std::collections::BTreeMap;

use anyhow::Context;

use crate::charts::Series;
use crate::folder::{instant_us, text};

const SET: &str = "nab-dev";

/// A series with its anomaly windows.
pub(super) struct File {
    pub(super) series: Series,
    /// First and last row of each.
    pub(super) windows: Vec<(usize, usize)>,
}

impl File {
    /// The kind of data.
    pub(super) fn folder(&self) -> &str {
        self.series.name.split('/').next().unwrap_or_default()
    }

    /// Median of the times between rows.
    pub(super) fn every_us(&self) -> i64 {
        let mut spans: Vec<i64> = self.series.times_us.windows(2).map(|t| t[1] - t[0]).collect();
        spans.sort_unstable();
        spans.get(spans.len() / 2).copied().unwrap_or(1).max(1)
    }
}

/// All files, in the order of their names.
pub(super) fn read() -> anyhow::Result<Vec<File>> {
    let windows: BTreeMap<String, Vec<(String, String)>> =
        serde_json::from_str(&text(SET, "combined_windows.json")?)?;
    windows.into_iter().map(|(name, windows)| file(name, &windows)).collect()
}

fn file(name: String, windows: &[(String, String)]) -> anyhow::Result<File> {
    let (mut times_us, mut values) = (Vec::new(), Vec::new());
    for (at, line) in text(SET, &format!("data/{name}"))?.lines().enumerate().skip(1) {
        let place = || format!("{name}, line {}", at + 1);
        let (time, value) = line.split_once(',').with_context(place)?;
        times_us.push(instant_us(time).with_context(place)?);
        values.push(value.trim().parse().with_context(place)?);
    }
    let rows = |(from, to): &(String, String)| {
        let (from, to) = (instant_us(from)?, instant_us(to)?);
        let first = times_us.iter().position(|time| *time >= from);
        let last = times_us.iter().rposition(|time| *time <= to);
        first.zip(last).with_context(|| format!("{name}: a window without rows"))
    };
    let windows = windows.iter().map(rows).collect::<anyhow::Result<_>>()?;
    Ok(File { series: Series { name, times_us, values }, windows })
}

/// `fpWeight` and `fnWeight` of a profile; `tpWeight` is 1 in all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Profile {
    pub(super) false_positive: f64,
    pub(super) missed: f64,
}

/// Name on disk and in words of the profiles.
pub(super) const PROFILES: [(&str, &str); 3] =
    [("standard", "standard"), ("reward_low_FP_rate", "low FP"), ("reward_low_FN_rate", "low FN")];

/// In the order of [`PROFILES`].
pub(super) fn profiles() -> anyhow::Result<[Profile; 3]> {
    let all: serde_json::Value = serde_json::from_str(&text(SET, "profiles.json")?)?;
    let weight = |profile: &str, name: &str| {
        let weight = &all[profile]["CostMatrix"][name];
        weight.as_f64().with_context(|| format!("profiles.json: no {name} of {profile}"))
    };
    let mut profiles = [Profile { false_positive: 0.0, missed: 0.0 }; 3];
    for (profile, (name, _)) in profiles.iter_mut().zip(PROFILES) {
        profile.false_positive = weight(name, "fpWeight")?;
        profile.missed = weight(name, "fnWeight")?;
    }
    Ok(profiles)
}

/// Published scores of others on these files, in the order of [`PROFILES`], the best first.
pub(super) fn peers() -> anyhow::Result<Vec<(String, [f64; 3])>> {
    let all: serde_json::Value = serde_json::from_str(&text(SET, "peer_scores.json")?)?;
    let peer = |(name, scores): (&String, &serde_json::Value)| {
        let score = |profile: &str| {
            let score = &scores[profile]["dev"];
            score.as_f64().with_context(|| format!("peer_scores.json: no {profile} of {name}"))
        };
        let [a, b, c] = PROFILES.map(|(profile, _)| score(profile));
        Ok((name.clone(), [a?, b?, c?]))
    };
    let all = all.as_object().context("peer_scores.json: no object")?;
    let mut peers = all.iter().map(peer).collect::<anyhow::Result<Vec<_>>>()?;
    peers.sort_by(|a, b| b.1[0].total_cmp(&a.1[0]));
    Ok(peers)
}
