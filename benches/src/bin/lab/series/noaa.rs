//! NOAA weather of 50 years, a value a day: drift is documented from row 12,000 on.

use anyhow::Context;
use driftline_detectors::anomaly::AlarmThreshold;
use serde::{Deserialize, Serialize};

use crate::charts::{Series, alarms, decades, findings};
use crate::folder::text as read;
use crate::text::table;

const FEATURES: usize = 8;
const DRIFT_ROW: usize = 12_000;
const DAY_US: i64 = 86_400_000_000;
/// 2000-01-01: the files have no dates, and the engine takes none from before.
const START_US: i64 = 946_684_800_000_000;

/// Of one feature: alarms before the documented drift and after, and rows from it to the first.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Feature {
    feature: String,
    drift: Counts,
    anomalies: Counts,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Counts {
    before: usize,
    after: usize,
    first_after: Option<usize>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Report {
    rows: usize,
    features: Vec<Feature>,
}

fn series() -> anyhow::Result<Vec<Series>> {
    let text = read("noaa-weather", "rainfall_data.csv.gz")?;
    let mut lines = text.lines();
    let heads = lines.next().context("no head")?.split(',').skip(1).take(FEATURES);
    let empty = |head: &str| Series { name: head.into(), times_us: vec![], values: vec![] };
    let mut all: Vec<Series> = heads.map(empty).collect();
    for (row, line) in lines.enumerate() {
        for (series, field) in all.iter_mut().zip(line.split(',').skip(1)) {
            let value = field.parse().with_context(|| format!("row {row}"))?;
            series.times_us.push(START_US + row as i64 * DAY_US);
            series.values.push(value);
        }
    }
    Ok(all)
}

fn counts(rows: &[usize]) -> Counts {
    let after = |row: &&usize| **row >= DRIFT_ROW;
    Counts {
        before: rows.iter().filter(|row| !after(row)).count(),
        after: rows.iter().filter(after).count(),
        first_after: rows.iter().find(after).map(|row| row - DRIFT_ROW),
    }
}

pub(super) fn measure() -> anyhow::Result<Report> {
    let all = series()?;
    let found = findings(&all, DAY_US, None);
    let feature = |series: &Series| {
        let of = found.iter().filter(|found| found.name == series.name);
        // A finding is told at the end of its day.
        let drift: Vec<usize> =
            of.map(|found| ((found.at_us - START_US) / DAY_US - 1).max(0) as usize).collect();
        Feature {
            feature: series.name.clone(),
            drift: counts(&drift),
            anomalies: counts(&alarms(&decades(series), AlarmThreshold::default())),
        }
    };
    let rows = all.first().map_or(0, |series| series.values.len());
    Ok(Report { rows, features: all.iter().map(feature).collect() })
}

pub(super) fn text(report: &Report) -> String {
    let rows: Vec<[String; 5]> = report
        .features
        .iter()
        .map(|feature| {
            let thousands = [DRIFT_ROW, report.rows - DRIFT_ROW].map(|rows| rows as f64 / 1000.0);
            let rates = |counts: Counts| {
                let (before, after) = (counts.before as f64, counts.after as f64);
                format!("{:.2}, {:.2}", before / thousands[0], after / thousands[1])
            };
            let first = |counts: Counts| counts.first_after.map_or("-".into(), |n| n.to_string());
            [
                feature.feature.clone(),
                rates(feature.drift),
                first(feature.drift),
                rates(feature.anomalies),
                first(feature.anomalies),
            ]
        })
        .collect();
    table(
        [
            "NOAA: alarms a 1000 rows before, after row 12,000",
            "drift",
            "rows to the first",
            "anomaly",
            "rows to the first",
        ],
        &rows,
    )
}
