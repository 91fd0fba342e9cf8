//! The promise: how often the real statistic alarms where nothing changes, beside what was promised,
//! and how soon it finds a change, beside the exact floor.

use driftline::plot::{Axis, Panel, Point, svg};
use driftline_detectors::arl::{cusum_one_sided, cusum_threshold_one_sided};
use driftline_tests::promise::{PANE_EVENTS, Plan};
use driftline_tests::streams::{Change, Law};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::parallel::in_parallel;
use crate::text::{short, table};
use crate::{Effort, Picture};

/// Promises that each baseline is watched for.
const HORIZON: usize = 10;
/// The promise `A`: mean panes to a false alarm.
const PROMISES: [f64; 2] = [200.0, 5_000.0];
/// The promise at which delays are measured.
const DELAY_PROMISE: f64 = 5_000.0;
const EVENTS: [usize; 2] = [1_000, 10_000];
const ZONES: [f64; 2] = [0.0, 0.1];
/// Shifts of a Gaussian, standard deviations of one event.
const SHIFTS: [f64; 5] = [0.1, 0.15, 0.25, 0.5, 1.0];
/// Normal quantile of 97.5 %.
const SURE: f64 = 1.96;

/// A stationary scenario.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Rate {
    law: String,
    baseline_events: usize,
    zone: f64,
    /// Whether the stream stands at the edge of the zone, else at its centre.
    edge: bool,
    promise: f64,
    /// False alarms for each that was promised, mean over baselines, and the ends of its interval.
    realised: f64,
    low: f64,
    high: f64,
    /// Share of baselines with more than 1.5 times what was promised.
    unlucky: f64,
    alarms: usize,
}

/// A change of a Gaussian.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Delay {
    shift: f64,
    zone: f64,
    /// Mean panes.
    delay: f64,
    error: f64,
    missed: f64,
    /// Worst-case mean delay of the CUSUM that knows both laws and the sign.
    floor: f64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Report {
    pane_events: usize,
    baselines: usize,
    rates: Vec<Rate>,
    delays: Vec<Delay>,
}

pub(crate) fn measure(effort: Effort) -> anyhow::Result<Value> {
    let baselines = match effort {
        Effort::Quick => 60,
        Effort::Full => 400,
    };
    let mut plans = Vec::new();
    for promise in PROMISES {
        // The same number of panes for each promise.
        let baselines = (baselines as f64 * (PROMISES[0] / promise).sqrt()) as usize;
        for law in Law::ALL {
            for events in EVENTS {
                for (zone, edge) in [(0.0, false), (0.1, false), (0.1, true)] {
                    if !edge || edge_of(law, zone).is_some() {
                        let plan = Plan::new(law, events, zone, promise);
                        plans.push((Plan { baselines, runs: 1, ..plan }, edge));
                    }
                }
            }
        }
    }
    let rates = in_parallel(&plans, rate);
    let mut changes = Vec::new();
    for zone in ZONES {
        changes.extend(SHIFTS.map(|shift| (shift, zone)).iter().filter(|(s, z)| s > z));
    }
    let delays = in_parallel(&changes, |(shift, zone)| {
        let plan = Plan::new(Law::Gaussian, 10_000, *zone, DELAY_PROMISE);
        let seen = Plan { baselines, runs: 2, ..plan }.delays(Change::Shift(*shift));
        // To the chart that knows, the null is the zone's edge, too.
        let effect = (shift - zone) * (PANE_EVENTS as f64).sqrt();
        let threshold = cusum_threshold_one_sided(effect / 2.0, DELAY_PROMISE);
        Delay {
            shift: *shift,
            zone: *zone,
            delay: seen.mean,
            error: seen.error,
            missed: seen.missed,
            floor: cusum_one_sided(effect / 2.0, threshold, 0.0, effect),
        }
    });
    Ok(serde_json::to_value(Report { pane_events: PANE_EVENTS, baselines, rates, delays })?)
}

/// What stands at the edge of the zone: as far from the baseline as is declared not to matter.
fn edge_of(law: Law, zone: f64) -> Option<Change> {
    match law {
        Law::Gaussian | Law::Autoregressive => Some(Change::Shift(zone)),
        Law::RareFlag => Some(Change::Odds(1.0 + zone)),
        _ => None,
    }
}

fn rate((plan, edge): &(Plan, bool)) -> Rate {
    let change = edge_of(plan.law, plan.zone).filter(|_| *edge).unwrap_or(Change::None);
    let seen = plan.alarms(HORIZON, change);
    Rate {
        law: format!("{:?}", plan.law),
        baseline_events: plan.events,
        zone: plan.zone,
        edge: *edge,
        promise: plan.promise,
        realised: seen.realised,
        low: (seen.realised - SURE * seen.error).max(0.0),
        high: seen.realised + SURE * seen.error,
        unlucky: seen.unlucky,
        alarms: seen.count,
    }
}

pub(crate) fn text(figures: &Value) -> anyhow::Result<String> {
    let report = Report::deserialize(figures)?;
    // The hardest first: where nothing is declared too small to matter.
    let mut sorted: Vec<&Rate> = report.rates.iter().collect();
    sorted.sort_by(|a, b| {
        a.zone.total_cmp(&b.zone).then(a.edge.cmp(&b.edge)).then(a.promise.total_cmp(&b.promise))
    });
    let rates: Vec<[String; 7]> = sorted
        .into_iter()
        .map(|rate| {
            let place = if rate.edge { ", at its edge" } else { "" };
            [
                format!("{}{place}", rate.zone),
                rate.promise.to_string(),
                rate.law.clone(),
                rate.baseline_events.to_string(),
                format!("{} ({} to {})", short(rate.realised), short(rate.low), short(rate.high)),
                rate.alarms.to_string(),
                format!("{:.0} %", rate.unlucky * 100.0),
            ]
        })
        .collect();
    let delays: Vec<[String; 6]> = report
        .delays
        .iter()
        .map(|delay| {
            [
                delay.shift.to_string(),
                delay.zone.to_string(),
                format!("{:.1} ± {:.1}", delay.delay, delay.error),
                format!("{:.0} %", delay.missed * 100.0),
                format!("{:.1}", delay.floor),
                format!("{:.2}", delay.delay / delay.floor),
            ]
        })
        .collect();
    Ok(table(
        [
            "zone",
            "promise A, panes",
            "law",
            "baseline events",
            "realised / promised (95 %)",
            "false alarms",
            "unlucky baselines",
        ],
        &rates,
    ) + "\n"
        + &table(["shift, sd", "zone", "mean delay, panes", "missed", "floor", "ratio"], &delays))
}

pub(crate) fn pictures(figures: &Value) -> anyhow::Result<Vec<Picture>> {
    let report = Report::deserialize(figures)?;
    Ok(vec![
        ("promise-rates.svg".into(), rates_picture(&report)),
        ("promise-delays.svg".into(), delays_picture(&report)),
    ])
}

/// Realised over promised rate: a panel for each size of baseline and zone.
fn rates_picture(report: &Report) -> String {
    let panel = |events: usize, zone: f64| {
        let of = report.rates.iter().filter(|r| {
            r.baseline_events == events && r.zone == zone && !r.edge && r.promise == PROMISES[0]
        });
        let points = of.enumerate().map(|(at, rate)| Point {
            x: Some(at as f64),
            y: rate.realised.max(0.001),
            label: initials(&rate.law),
            chosen: rate.high > 1.1,
        });
        // The promise itself, so that the axis always reaches it.
        let promise = Point { x: Some(-1.0), y: 1.0, label: "1".into(), chosen: false };
        Panel {
            title: format!("baseline of {events} events, zone {zone}"),
            x: Axis { title: "law".into(), log: false, format: |_| String::new() },
            y: Axis {
                title: "realised / promised rate".into(),
                log: true,
                format: |v| v.to_string(),
            },
            points: points.chain([promise]).collect(),
        }
    };
    let panels: Vec<Panel> =
        EVENTS.iter().flat_map(|events| ZONES.map(|zone| panel(*events, zone))).collect();
    svg(&panels, 2)
}

/// Two letters of a law's name: its capitals, or how it begins.
fn initials(name: &str) -> String {
    let capitals: String = name.chars().filter(|c| c.is_uppercase()).collect();
    let of = if capitals.len() > 1 { &capitals } else { name };
    of.chars().take(2).collect()
}

/// Delay and floor over the size of the shift.
fn delays_picture(report: &Report) -> String {
    let panel = |zone: f64| {
        let of = report.delays.iter().filter(|delay| delay.zone == zone);
        let points = of.flat_map(|delay| {
            let point = |y: f64, label: &str, chosen| Point {
                x: Some(delay.shift),
                y,
                label: label.into(),
                chosen,
            };
            [point(delay.delay, "D", true), point(delay.floor, "F", false)]
        });
        Panel {
            title: format!("delay (D) and floor (F), zone {zone}"),
            x: Axis { title: "shift, sd".into(), log: true, format: |v| v.to_string() },
            y: Axis { title: "panes".into(), log: true, format: |v| v.to_string() },
            points: points.collect(),
        }
    };
    svg(&ZONES.map(panel), 2)
}
