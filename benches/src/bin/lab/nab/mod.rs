//! The Numenta Anomaly Benchmark: point anomalies and shifts of real series, with one threshold for
//! all files.

mod files;
mod noise;
mod score;

use std::collections::BTreeMap;

use driftline::plot::{Axis, Panel, Point, svg};
use driftline_detectors::anomaly::{APART_VALUES, AlarmThreshold, FLOOR_DECADES};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::charts::{alarms, decades, findings};
use crate::parallel::in_parallel;
use crate::text::{short, table};
use crate::{Effort, Picture};
use files::{File, PROFILES, Profile};
use noise::Noise;
use score::Tally;

/// Floors that are compared, decades.
const FLOORS: [f64; 12] = [1.6, 1.7, 1.8, 1.9, 2.0, 2.1, 2.2, 2.3, 2.4, 2.5, 2.6, 2.8];
/// Rates that are compared, values to an alarm at least.
const APARTS: [f64; 4] = [500.0, 1000.0, 2000.0, 4000.0];

/// Scores of one floor and rate.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Row {
    floor: f64,
    apart: f64,
    /// In the order of the profiles.
    scores: [f64; 3],
    missed: usize,
    false_alarms: usize,
    /// Values to an alarm, all files with their probation.
    values_to_alarm: f64,
}

/// One kind of data: found with the declared settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Folder {
    folder: String,
    files: usize,
    windows: usize,
    missed: usize,
    false_alarms: usize,
    /// Floor and rate that are best on all other folders.
    floor: f64,
    apart: f64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Report {
    declared: Row,
    /// The drift statistic alone; it has neither floor nor rate.
    drift: Row,
    rows: Vec<Row>,
    folders: Vec<Folder>,
    /// Each folder under the floor and rate that are best on the others.
    held_out: [f64; 3],
    peers: Vec<(String, [f64; 3])>,
    noise: Vec<Noise>,
}

/// Rows at which the drift statistic of the file's series has a finding; none of its settings are
/// the file's but the time between rows.
fn drift(file: &File) -> Vec<usize> {
    let every_us = file.every_us();
    let found = findings(std::slice::from_ref(&file.series), every_us, None);
    let row = |at_us: i64| file.series.times_us.partition_point(|time_us| *time_us < at_us);
    found.iter().map(|found| row(found.at_us).saturating_sub(1)).collect()
}

/// Of each file, under one floor and rate.
struct Trial {
    floor: f64,
    apart: f64,
    tallies: Vec<Tally>,
    alarms: usize,
}

impl Trial {
    fn new(files: &[File], decades: &[Vec<f64>], floor: f64, apart: f64) -> Self {
        let all: Vec<Vec<usize>> = decades
            .iter()
            .map(|decades| alarms(decades, AlarmThreshold::new(floor, apart)))
            .collect();
        Self::of(files, &all, floor, apart)
    }

    fn of(files: &[File], all: &[Vec<usize>], floor: f64, apart: f64) -> Self {
        let tally = |(file, alarms): (&File, &Vec<usize>)| {
            Tally::of(file.series.values.len(), &file.windows, alarms)
        };
        let tallies = files.iter().zip(all).map(tally).collect();
        Self { floor, apart, tallies, alarms: all.iter().map(Vec::len).sum() }
    }

    fn sum(&self, files: &[File], wanted: impl Fn(&str) -> bool) -> Tally {
        let pairs = files.iter().zip(&self.tallies);
        pairs.filter(|(file, _)| wanted(file.folder())).map(|(_, tally)| *tally).sum()
    }

    fn row(&self, files: &[File], profiles: [Profile; 3]) -> Row {
        let all = self.sum(files, |_| true);
        let values: usize = files.iter().map(|file| file.series.values.len()).sum();
        Row {
            floor: self.floor,
            apart: self.apart,
            scores: profiles.map(|profile| all.score(profile)),
            missed: all.missed,
            false_alarms: all.false_alarms,
            values_to_alarm: values as f64 / self.alarms.max(1) as f64,
        }
    }
}

pub(crate) fn measure(effort: Effort) -> anyhow::Result<Value> {
    let files = files::read()?;
    let profiles = files::profiles()?;
    let decades = in_parallel(&files, |file| decades(&file.series));
    let declared = Trial::new(&files, &decades, FLOOR_DECADES, APART_VALUES);
    let mut trials = Vec::new();
    for apart in APARTS {
        trials.extend(FLOORS.map(|floor| Trial::new(&files, &decades, floor, apart)));
    }
    let drift = in_parallel(&files, drift);
    let drift = Trial::of(&files, &drift, 0.0, 0.0);
    let mut folders = BTreeMap::new();
    let mut held_out = Vec::new();
    for name in files.iter().map(File::folder) {
        if folders.contains_key(name) {
            continue;
        }
        let elsewhere = |trial: &Trial| trial.sum(&files, |f| f != name).score(profiles[0]);
        let best = trials.iter().reduce(|a, b| if elsewhere(b) > elsewhere(a) { b } else { a });
        let best = best.unwrap_or(&declared);
        held_out.push(best.sum(&files, |f| f == name));
        let here = declared.sum(&files, |f| f == name);
        let folder = Folder {
            folder: name.into(),
            files: files.iter().filter(|file| file.folder() == name).count(),
            windows: here.windows,
            missed: here.missed,
            false_alarms: here.false_alarms,
            floor: best.floor,
            apart: best.apart,
        };
        folders.insert(name, folder);
    }
    let held_out: Tally = held_out.into_iter().sum();
    Ok(serde_json::to_value(Report {
        declared: declared.row(&files, profiles),
        drift: drift.row(&files, profiles),
        rows: trials.iter().map(|trial| trial.row(&files, profiles)).collect(),
        folders: folders.into_values().collect(),
        held_out: profiles.map(|profile| held_out.score(profile)),
        peers: files::peers()?,
        noise: noise::measure(effort),
    })?)
}

impl Report {
    /// The row with the best score in the standard profile.
    fn best(&self) -> &Row {
        let best = self.rows.iter().max_by(|a, b| a.scores[0].total_cmp(&b.scores[0]));
        best.unwrap_or(&self.declared)
    }
}

pub(crate) fn text(figures: &Value) -> anyhow::Result<String> {
    let report = Report::deserialize(figures)?;
    let score = |name: String, scores: [f64; 3]| {
        let [standard, low_fp, low_fn] = scores.map(|score| format!("{score:.1}"));
        (scores[0], [name, standard, low_fp, low_fn])
    };
    let best = report.best();
    let ours = |row: &Row| format!("floor {}, {} apart", row.floor, row.apart);
    let mut scores: Vec<(f64, [String; 4])> = vec![
        score(
            format!("**Driftline, declared: {}**", ours(&report.declared)),
            report.declared.scores,
        ),
        score("**Driftline, the drift statistic alone**".into(), report.drift.scores),
        score("**Driftline, floor and rate from the other folders**".into(), report.held_out),
        score(format!("**Driftline, the best of all: {}**", ours(best)), best.scores),
    ];
    scores.extend(report.peers.iter().map(|(name, scores)| score(name.clone(), *scores)));
    scores.sort_by(|a, b| b.0.total_cmp(&a.0));
    let scores: Vec<[String; 4]> = scores.into_iter().map(|(_, row)| row).collect();
    let [standard, low_fp, low_fn] = PROFILES.map(|(_, words)| words);
    let declared = |row: &&Row| row.apart == report.declared.apart;
    let rows: Vec<[String; 5]> = report
        .rows
        .iter()
        .filter(declared)
        .map(|row| {
            [
                row.floor.to_string(),
                format!("{:.1}", row.scores[0]),
                row.missed.to_string(),
                row.false_alarms.to_string(),
                short(row.values_to_alarm),
            ]
        })
        .collect();
    let folders: Vec<[String; 5]> = report
        .folders
        .iter()
        .map(|folder| {
            [
                folder.folder.clone(),
                folder.files.to_string(),
                format!("{} of {}", folder.windows - folder.missed, folder.windows),
                folder.false_alarms.to_string(),
                format!("{}, {}", folder.floor, folder.apart),
            ]
        })
        .collect();
    Ok([
        table(["detector", standard, low_fp, low_fn], &scores),
        table(
            ["floor, decades", standard, "windows missed", "alarms outside", "values to an alarm"],
            &rows,
        ),
        table(
            ["folder", "files", "windows found", "alarms outside", "best floor, rate elsewhere"],
            &folders,
        ),
        noise::text(&report.noise),
    ]
    .join("\n"))
}

pub(crate) fn pictures(figures: &Value) -> anyhow::Result<Vec<Picture>> {
    let report = Report::deserialize(figures)?;
    let points = report.rows.iter().map(|row| Point {
        x: Some(row.floor),
        y: row.scores[0],
        label: format!("{}", row.apart / 1000.0).trim_start_matches('0').into(),
        chosen: row.apart == report.declared.apart,
    });
    let panel = Panel {
        title: "NAB, standard profile; labels: thousand values to an alarm".into(),
        x: Axis { title: "floor, decades".into(), log: false, format: |v| v.to_string() },
        y: Axis { title: "score".into(), log: false, format: |v| v.to_string() },
        points: points.collect(),
    };
    Ok(vec![("nab.svg".into(), svg(&[panel], 1))])
}
