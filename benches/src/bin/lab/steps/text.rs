//! What is shown of the steps.

use driftline::plot::{Axis, Panel, Point, svg};
use serde::Deserialize;
use serde_json::Value;

use super::{Delay, EVENTS, MOMENTS, Report, ZONES};
use crate::Picture;
use crate::text::{short, table};

/// A missed share above this makes a mean a lower bound.
const MISSED_FEW: f64 = 0.001;

pub(crate) fn text(figures: &Value) -> anyhow::Result<String> {
    let report = Report::deserialize(figures)?;
    let mut text = format!(
        "One value a step into the real statistic, promise {}, baselines learned by the \
         real engine: {} baselines, {} runs with each, {} of them to the false alarm. The \
         floor is the exact worst-case delay of the CUSUM that knows both laws, at 10,000 \
         values to a false alarm; the target is what was set before measuring.\n\n",
        report.promise, report.baselines, report.runs, report.runs_in_control
    );
    for events in EVENTS {
        text += &format!("Mean delay in values, baseline of {events} values:\n\n");
        text += &(delays(&report, events) + "\n");
    }
    text += "Values to a false alarm (at most 200,000 counted):\n\n";
    Ok(text + &rates(&report))
}

fn delays(report: &Report, events: usize) -> String {
    let first = |delay: &&Delay| {
        delay.baseline_events == events && delay.zone == ZONES[0] && delay.after == MOMENTS[0]
    };
    let rows: Vec<[String; 9]> = report
        .delays
        .iter()
        .filter(first)
        .map(|one| {
            let other = |zone: f64, after: usize| {
                report.delays.iter().find(|d| {
                    (&d.stream, &d.change, d.baseline_events) == (&one.stream, &one.change, events)
                        && (d.zone, d.after) == (zone, after)
                })
            };
            let shown = |zone, after| other(zone, after).map_or_else(String::new, cell);
            let early = other(ZONES[0], MOMENTS[1]).map_or(0.0, |d| d.early);
            [
                one.stream.clone(),
                one.change.clone(),
                short(one.floor),
                one.target.map_or_else(String::new, short),
                shown(ZONES[0], MOMENTS[0]),
                format!("{:.2}", one.delay / one.floor),
                shown(ZONES[0], MOMENTS[1]),
                shown(ZONES[1], MOMENTS[0]),
                format!("{:.1} %", early * 100.0),
            ]
        })
        .collect();
    table(
        [
            "stream",
            "change",
            "floor",
            "target",
            "zone 0",
            "ratio to floor",
            "zone 0, after 1,000",
            "zone .1",
            "alarms before 1,000",
        ],
        &rows,
    )
}

fn cell(delay: &Delay) -> String {
    let bound = if delay.missed > MISSED_FEW {
        format!(", {} % missed", short(delay.missed * 100.0))
    } else {
        String::new()
    };
    format!("{} ± {}{bound}", short(delay.delay), short(delay.error))
}

fn rates(report: &Report) -> String {
    let rows: Vec<[String; 7]> = report
        .rates
        .iter()
        .map(|rate| {
            [
                rate.stream.clone(),
                rate.baseline_events.to_string(),
                rate.zone.to_string(),
                format!("{:.0} ± {:.0}", rate.run_length, rate.error),
                format!("{:.0} / {:.0} / {:.0}", rate.tenth, rate.median, rate.ninetieth),
                format!("{:.0}", rate.tenth_baseline),
                format!("{:.0} %", rate.cut * 100.0),
            ]
        })
        .collect();
    table(
        [
            "stream",
            "baseline",
            "zone",
            "run length",
            "10 / 50 / 90 % of runs",
            "10 % of baselines",
            "cut",
        ],
        &rows,
    )
}

/// Delay over floor: a panel for each size of baseline and zone.
pub(crate) fn pictures(figures: &Value) -> anyhow::Result<Vec<Picture>> {
    let report = Report::deserialize(figures)?;
    let panel = |events: usize, zone: f64| {
        let of = report.delays.iter().filter(|delay| {
            (delay.baseline_events, delay.zone, delay.after) == (events, zone, MOMENTS[0])
        });
        let points = of.map(|delay| Point {
            x: Some(delay.floor),
            y: delay.delay / delay.floor,
            label: delay.stream.chars().take(2).collect(),
            chosen: delay.target.is_some_and(|target| delay.delay > target),
        });
        Panel {
            title: format!("baseline of {events} values, zone {zone}"),
            x: Axis { title: "floor, values".into(), log: true, format: |v| v.to_string() },
            y: Axis { title: "delay / floor".into(), log: true, format: |v| v.to_string() },
            points: points.collect(),
        }
    };
    let panels: Vec<Panel> =
        EVENTS.iter().flat_map(|events| ZONES.map(|zone| panel(*events, zone))).collect();
    Ok(vec![("steps.svg".into(), svg(&panels, 2))])
}
