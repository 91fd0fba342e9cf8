//! SKAB valve 1: eight sensors of a water loop at 1 Hz, a fault in each file, known change points.
//!
//! Scored as SKAB does it (`core/metrics.py`, version 0.9): the first 400 rows are for learning; a
//! window is the 60 s from a change point; the first alarm in it earns 1 at its begin down to the
//! cost of a false alarm at its end, by a hyperbolic tangent; others outside of windows cost the
//! profile's weight.

use anyhow::Context;
use driftline_detectors::anomaly::AlarmThreshold;
use serde::{Deserialize, Serialize};

use crate::charts::{Series, alarms, decades, findings};
use crate::folder::{instant_us, text as read};
use crate::parallel::in_parallel;
use crate::text::table;

const FILES: usize = 16;
const SENSORS: usize = 8;
const LEARN_ROWS: usize = 400;
const SECOND_US: i64 = 1_000_000;
const WINDOW_US: i64 = 60 * SECOND_US;
/// Cost of a false alarm, cost of a miss: standard, low FP, low FN.
const PROFILES: [(f64, f64); 3] = [(0.11, 1.0), (0.22, 1.0), (0.11, 2.0)];
/// Published for all 34 files: name, standard score, false alarms where they are told.
pub(super) const PUBLISHED: [(&str, f64, Option<f64>); 4] = [
    ("MSCRED", 32.42, Some(342.0)),
    ("Isolation forest", 26.16, None),
    ("T-squared + Q (PCA)", 25.35, None),
    ("Conv-AE", 23.61, Some(23.0)),
];

struct File {
    sensors: Vec<Series>,
    /// Windows of the change points, without overlap.
    windows: Vec<(i64, i64)>,
    judged_from_us: i64,
}

/// One rule on all files.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Rule {
    pub(super) rule: String,
    pub(super) scores: [f64; 3],
    found: usize,
    windows: usize,
    pub(super) false_alarms: usize,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Report {
    pub(super) rules: Vec<Rule>,
}

fn file(number: usize) -> anyhow::Result<File> {
    let name = format!("valve1/{number}.csv");
    let text = read("skab-valve1", &name)?;
    let mut lines = text.lines().enumerate();
    let heads = lines.next().map(|(_, line)| line).unwrap_or_default();
    let heads: Vec<&str> = heads.split(';').skip(1).take(SENSORS).collect();
    let mut values: Vec<Vec<f64>> = vec![Vec::new(); SENSORS];
    let (mut times_us, mut changes) = (Vec::new(), Vec::new());
    for (at, line) in lines {
        let place = || format!("{name}, line {}", at + 1);
        let mut fields = line.trim().split(';');
        let time_us = instant_us(fields.next().with_context(place)?).with_context(place)?;
        times_us.push(time_us);
        let numbers: Result<Vec<f64>, _> = fields.map(str::parse::<f64>).collect();
        let numbers = numbers.with_context(place)?;
        values.iter_mut().zip(&numbers).for_each(|(all, value)| all.push(*value));
        if numbers.get(SENSORS + 1).with_context(place)? == &1.0 {
            changes.push(time_us);
        }
    }
    let sensor = |(head, values): (&&str, Vec<f64>)| Series {
        name: (*head).into(),
        times_us: times_us.clone(),
        values,
    };
    let judged_from_us = *times_us.get(LEARN_ROWS).with_context(|| format!("{name}: short"))?;
    let sensors = heads.iter().zip(values).map(sensor).collect();
    let mut windows: Vec<(i64, i64)> =
        changes.iter().map(|at| (*at, at + WINDOW_US)).filter(|w| w.0 >= judged_from_us).collect();
    // Overlaps belong to the earlier window.
    for at in 1..windows.len() {
        windows[at].0 = windows[at].0.max(windows[at - 1].1);
    }
    Ok(File { sensors, windows, judged_from_us })
}

/// When the anomaly rule alarms: the scores of all sensors under one bar.
fn anomalies(file: &File) -> Vec<i64> {
    let scores: Vec<Vec<f64>> = file.sensors.iter().map(decades).collect();
    let times_us = &file.sensors[0].times_us;
    let most = |at: usize| scores.iter().map(|scores| scores[at]).fold(0.0, f64::max);
    let most: Vec<f64> = (0..times_us.len()).map(most).collect();
    alarms(&most, AlarmThreshold::default()).into_iter().map(|at| times_us[at]).collect()
}

fn drift(file: &File) -> Vec<i64> {
    let learn_us = LEARN_ROWS as i64 * SECOND_US;
    let found = findings(&file.sensors, SECOND_US, Some(learn_us));
    // A finding is told at the end of its second.
    let mut all: Vec<i64> = found.iter().map(|found| found.at_us - SECOND_US).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// What an alarm earns at a part (0 to 1) of its window.
fn earned(part: f64, false_alarm: f64) -> f64 {
    let x = std::f64::consts::PI * (part - 0.5);
    let fall = -x.tanh() / std::f64::consts::FRAC_PI_2.tanh();
    (1.0 + false_alarm) / 2.0 * fall + (1.0 - false_alarm) / 2.0
}

fn judge(name: &str, files: &[File], rule: impl Fn(&File) -> Vec<i64> + Sync) -> Rule {
    let alarms = in_parallel(files, rule);
    let (mut parts, mut windows, mut false_alarms) = (Vec::new(), 0, 0);
    for (file, alarms) in files.iter().zip(&alarms) {
        let mut judged: Vec<i64> = alarms.clone();
        judged.retain(|alarm| *alarm >= file.judged_from_us);
        let inside = |alarm: &i64| file.windows.iter().any(|(a, b)| (a..=b).contains(&alarm));
        false_alarms += judged.iter().filter(|alarm| !inside(alarm)).count();
        windows += file.windows.len();
        parts.extend(file.windows.iter().filter_map(|(from, to)| {
            let first = judged.iter().find(|alarm| (from..=to).contains(alarm))?;
            Some((first - from) as f64 / (to - from) as f64)
        }));
    }
    let score = |(false_alarm, missed): (f64, f64)| {
        let n = windows as f64;
        let sum = parts.iter().map(|part| earned(*part, false_alarm)).sum::<f64>()
            - false_alarm * false_alarms as f64
            - missed * (n - parts.len() as f64);
        100.0 * (sum + missed * n) / ((1.0 + missed) * n)
    };
    let scores = PROFILES.map(score);
    Rule { rule: name.into(), scores, found: parts.len(), windows, false_alarms }
}

pub(super) fn measure() -> anyhow::Result<Report> {
    let files = (0..FILES).map(file).collect::<anyhow::Result<Vec<_>>>()?;
    let both = |file: &File| {
        let mut all = [drift(file), anomalies(file)].concat();
        all.sort_unstable();
        all
    };
    let rules = vec![
        judge("drift", &files, drift),
        judge("anomaly", &files, anomalies),
        judge("both", &files, both),
    ];
    Ok(Report { rules })
}

pub(super) fn text(report: &Report) -> String {
    let mut rows: Vec<[String; 6]> = report
        .rules
        .iter()
        .map(|rule| {
            let [standard, low_fp, low_fn] = rule.scores.map(|score| format!("{score:.1}"));
            let found = format!("{} of {}", rule.found, rule.windows);
            let name = format!("**Driftline, {}: valve 1**", rule.rule);
            [name, standard, low_fp, low_fn, found, rule.false_alarms.to_string()]
        })
        .collect();
    rows.extend(PUBLISHED.map(|(name, score, alarms)| {
        let alarms = alarms.map_or(String::new(), |n| n.to_string());
        let name = format!("{name}, all 34 files");
        [name, format!("{score:.1}"), String::new(), String::new(), String::new(), alarms]
    }));
    table(["SKAB, change points", "standard", "low FP", "low FN", "found", "alarms outside"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_earns_from_one_down_to_the_cost_of_a_false_one() {
        for (part, wanted) in [(0.0, 1.0), (0.5, 0.445), (1.0, -0.11)] {
            assert!((earned(part, 0.11) - wanted).abs() < 1e-12);
        }
    }
}
