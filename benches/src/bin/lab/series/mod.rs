//! Real series of four kinds: what the drift statistic of scalars and the anomaly rule find in
//! them, with one set of defaults.

mod noaa;
mod servegen;
mod skab;
mod vm;

use driftline::plot::{Axis, Panel, Point, svg};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Effort, Picture};

#[derive(Debug, Serialize, Deserialize)]
struct Report {
    servegen: servegen::Report,
    skab: skab::Report,
    vm: vm::Report,
    noaa: noaa::Report,
}

pub(crate) fn measure(effort: Effort) -> anyhow::Result<Value> {
    Ok(serde_json::to_value(Report {
        servegen: servegen::measure(effort)?,
        skab: skab::measure()?,
        vm: vm::measure()?,
        noaa: noaa::measure()?,
    })?)
}

pub(crate) fn text(figures: &Value) -> anyhow::Result<String> {
    let report = Report::deserialize(figures)?;
    Ok([
        servegen::text(&report.servegen),
        skab::text(&report.skab),
        vm::text(&report.vm),
        noaa::text(&report.noaa),
    ]
    .join("\n"))
}

pub(crate) fn pictures(figures: &Value) -> anyhow::Result<Vec<Picture>> {
    let report = Report::deserialize(figures)?;
    let point =
        |x: f64, y: f64, label: &str, chosen| Point { x: Some(x), y, label: label.into(), chosen };
    let mut rates: Vec<Point> = servegen::PUBLISHED
        .iter()
        .map(|(_, alarms, _, delay)| point(*alarms, *delay, "P", false))
        .collect();
    let ours = report.servegen.rules.iter();
    rates.extend(ours.map(|rule| point(rule.alarms, rule.delay, &rule.rule[..1], true)));
    let mut faults: Vec<Point> = skab::PUBLISHED
        .iter()
        .filter_map(|(_, score, alarms)| Some(point((*alarms)?, *score, "P", false)))
        .collect();
    let ours = report.skab.rules.iter();
    faults.extend(
        ours.map(|rule| point(rule.false_alarms as f64, rule.scores[0], &rule.rule[..1], true)),
    );
    let axis = |title: &str| Axis { title: title.into(), log: false, format: |v| v.to_string() };
    let panels = [
        Panel {
            title: "ServeGen: published (P), drift (d), anomaly (a)".into(),
            x: axis("alarms a chart-week, untouched"),
            y: axis("median delay of a halving, windows"),
            points: rates,
        },
        Panel {
            title: "SKAB: published on all (P), drift (d), anomaly (a)".into(),
            x: axis("alarms outside of windows"),
            y: axis("NAB score, standard"),
            points: faults,
        },
    ];
    Ok(vec![("series.svg".into(), svg(&panels, 2))])
}
