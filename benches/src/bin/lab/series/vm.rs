//! Azure VM: repeated benchmarks on long-lived machines, no known change. The second half of each
//! series is judged.

use std::collections::BTreeMap;

use anyhow::Context;
use driftline_detectors::anomaly::AlarmThreshold;
use serde::{Deserialize, Serialize};

use crate::charts::{Series, alarms, decades, findings};
use crate::folder::{instant_us, text as read};
use crate::text::table;

/// Measurements come every two hours and a bit: nearly each span has one or two.
const SPAN_US: i64 = 3 * 3_600_000_000;
/// Alarms of a textbook chart in the second halves, and what it promises.
const NAIVE: (f64, f64) = (30.0, 0.14);

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Report {
    series: usize,
    /// In the second halves.
    values: usize,
    drift: usize,
    anomalies: usize,
    /// Series without any.
    quiet: (usize, usize),
}

fn series() -> anyhow::Result<Vec<Series>> {
    let mut all: BTreeMap<String, Series> = BTreeMap::new();
    let text = read("azure-vm-eastus", "vm_long_eastus.csv.gz")?;
    for (at, line) in text.lines().enumerate().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let parsed = || {
            let [metric, _, _, sku, vm, time, value, ..] = fields[..] else { return None };
            let name = format!("{metric} {sku} {vm}");
            Some((name, instant_us(time).ok()?, value.parse::<f64>().ok()?))
        };
        let (name, time_us, value) = parsed().with_context(|| format!("line {}", at + 1))?;
        let empty = || Series { name: name.clone(), times_us: Vec::new(), values: Vec::new() };
        let series = all.entry(name.clone()).or_insert_with(empty);
        series.times_us.push(time_us);
        series.values.push(value);
    }
    Ok(all.into_values().collect())
}

pub(super) fn measure() -> anyhow::Result<Report> {
    let all = series()?;
    let found = findings(&all, SPAN_US, None);
    let mut report = Report { series: all.len(), values: 0, drift: 0, anomalies: 0, quiet: (0, 0) };
    for series in &all {
        let half = series.values.len() / 2;
        report.values += series.values.len() - half;
        let Some(from_us) = series.times_us.get(half) else { continue };
        let drift = found.iter().filter(|f| f.name == series.name && f.at_us >= *from_us).count();
        let odd = alarms(&decades(series), AlarmThreshold::default());
        let odd = odd.into_iter().filter(|at| *at >= half).count();
        report.drift += drift;
        report.anomalies += odd;
        report.quiet.0 += usize::from(drift == 0);
        report.quiet.1 += usize::from(odd == 0);
    }
    Ok(report)
}

pub(super) fn text(report: &Report) -> String {
    let ours = |name: &str, alarms: usize, quiet: usize| {
        let quiet = format!("{quiet} of {}", report.series);
        [format!("**Driftline, {name}**"), alarms.to_string(), String::new(), quiet]
    };
    let (naive, promised) = NAIVE;
    let rows = [
        ours("drift", report.drift, report.quiet.0),
        ours("anomaly", report.anomalies, report.quiet.1),
        ["textbook CUSUM".into(), naive.to_string(), promised.to_string(), String::new()],
    ];
    let head = format!("Azure VM, {} values", report.values);
    table([&head, "alarms", "promised", "series without any"], &rows)
}
