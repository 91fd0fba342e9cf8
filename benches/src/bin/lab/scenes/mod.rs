//! Scenes: the whole engine with its defaults on a company's telemetry, quiet and with known faults.

mod world;

use driftline::engine::{Engine, Input, Output};
use driftline::model::settings::{HOUR_US, SECOND_US, WEEK_US};
use driftline::model::time::{from_rfc3339, span};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::world::{DAY_US, Fault, START_US, Weather, World};
use crate::parallel::in_parallel;
use crate::text::{short, table};
use crate::{Effort, Picture};

/// Budgets: the default, and one that gives enough false alarms to measure.
const BUDGETS: [f64; 2] = [1.0, 100.0];
/// Models with faults, all in steady weather; three of each.
const FAULTS: [(&str, &str, Fault); 13] = [
    ("latency x 1.1", "latency_ms", Fault::Latency(1.1)),
    ("latency x 1.25", "latency_ms", Fault::Latency(1.25)),
    ("latency x 1.5", "latency_ms", Fault::Latency(1.5)),
    ("latency +2 % a day", "latency_ms", Fault::Ramp(0.02)),
    ("latency +10 % a day", "latency_ms", Fault::Ramp(0.10)),
    ("errors 1 % to 2 %", "error", Fault::Errors(2.0)),
    ("errors 1 % to 5 %", "error", Fault::Errors(5.0)),
    ("rarest reason +2 points", "finish", Fault::Mix(0.02)),
    ("rarest reason +10 points", "finish", Fault::Mix(0.10)),
    ("latency missing 0.5 %", "latency_ms", Fault::Nulls(0.005)),
    ("latency missing 5 %", "latency_ms", Fault::Nulls(0.05)),
    ("rate halved", "volume", Fault::Rate(0.5)),
    ("rate x 1.5", "volume", Fault::Rate(1.5)),
];
/// Models with each fault.
const EACH: usize = 3;

/// A scene in which nothing goes wrong.
struct Quiet {
    name: &'static str,
    weather: Weather,
    models: usize,
    /// Events a second of each model.
    rate: f64,
    step_us: i64,
    /// Days in the quick and in the full version.
    days: [i64; 2],
}

const QUIET: [Quiet; 6] = [
    quiet("steady", Weather::Steady, 10, 1.0, [2, 7]),
    quiet("weekly season", Weather::Weekly, 10, 0.5, [9, 28]),
    quiet("bursts", Weather::Bursts, 10, 1.0, [2, 7]),
    quiet("tenants", Weather::Tenants, 10, 1.0, [2, 7]),
    quiet("outages of the collector", Weather::Outages, 10, 1.0, [4, 8]),
    Quiet {
        name: "20 events a day",
        weather: Weather::Steady,
        models: 100,
        rate: 20.0 / 86_400.0,
        step_us: HOUR_US,
        days: [60, 168],
    },
];

const fn quiet(
    name: &'static str,
    weather: Weather,
    models: usize,
    rate: f64,
    days: [i64; 2],
) -> Quiet {
    Quiet { name, weather, models, rate, step_us: 10 * SECOND_US, days }
}

/// What became of a quiet scene.
#[derive(Debug, Serialize, Deserialize)]
struct Calm {
    name: String,
    days: i64,
    models: usize,
    events: u64,
    /// Models that were watched at the end.
    watched: usize,
    budget_per_week: f64,
    /// Findings that the budget allows.
    allowed: f64,
    /// Findings of events' distributions, of volume and other charted values, and of silence.
    findings: [usize; 3],
    /// Alerts: findings of one model at one time are one.
    alerts: usize,
}

/// What became of a fault.
#[derive(Debug, Serialize, Deserialize)]
struct Found {
    name: String,
    models: usize,
    found: usize,
    /// Seconds from the fault to the finding, of those that were found.
    delays_s: Vec<f64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Report {
    calm: Vec<Calm>,
    found: Vec<Found>,
    /// Findings in the scene of faults that no fault explains.
    unexplained: usize,
}

pub(crate) fn measure(effort: Effort) -> anyhow::Result<Value> {
    let mut plans = Vec::new();
    for scene in &QUIET {
        plans.extend(BUDGETS.map(|budget| (scene, budget)));
    }
    let calm = in_parallel(&plans, |(scene, budget)| calm(scene, *budget, effort));
    // Charts learn for eight days.
    let days = if effort == Effort::Full { 20 } else { 4 };
    let (found, unexplained) = faults(days);
    Ok(serde_json::to_value(Report { calm, found, unexplained })?)
}

fn run(world: &mut World, budget: f64, until_us: i64) -> (Engine, Output) {
    let mut settings = World::settings();
    settings.detect.budget_per_week = budget;
    let mut engine = Engine::new(settings);
    let mut all = engine.step(Input::Opened { partition: 0, begin_us: Some(START_US) });
    let mut now_us = START_US;
    while now_us < until_us {
        let batch = world.step(now_us);
        let more = engine.step(Input::Batch(&batch));
        all.findings.extend(more.findings);
        all.alerts.extend(more.alerts);
        now_us += world.step_us;
    }
    (engine, all)
}

fn calm(scene: &Quiet, budget: f64, effort: Effort) -> Calm {
    let days = scene.days[usize::from(effort == Effort::Full)];
    let mut world = World::new(scene.weather, scene.rate, scene.step_us, scene.models, 0x0005_cee0);
    let (engine, all) = run(&mut world, budget, START_US + days * DAY_US);
    let mut findings = [0; 3];
    for finding in &all.findings {
        findings[match finding.kind.as_str() {
            "volume" | "scalar" => 1,
            "silence" => 2,
            _ => 0,
        }] += 1;
    }
    let firing = all.alerts.iter().filter(|alert| alert.status == driftline::model::Status::Firing);
    let mut starts: Vec<_> = firing.map(|a| (a.labels.get("model"), &a.starts_at)).collect();
    starts.sort();
    starts.dedup();
    Calm {
        name: scene.name.into(),
        days,
        models: scene.models,
        events: engine.counters().events,
        watched: engine.series().iter().filter(|series| series.watched).count(),
        budget_per_week: budget,
        allowed: budget * (days * DAY_US) as f64 / WEEK_US as f64,
        findings,
        alerts: starts.len(),
    }
}

/// Three models of each fault and as many without one; it comes after half of the time.
fn faults(days: i64) -> (Vec<Found>, usize) {
    let models = FAULTS.len() * EACH + EACH;
    let mut world = World::new(Weather::Steady, 1.0, 10 * SECOND_US, models, 0x000f_a017);
    for (at, (_, _, fault)) in FAULTS.iter().enumerate() {
        world.faults[at * EACH..(at + 1) * EACH].fill(*fault);
    }
    world.fault_us = START_US + days * DAY_US / 2;
    let fault_us = world.fault_us;
    let (_, all) = run(&mut world, BUDGETS[0], START_US + days * DAY_US);
    let mut delays: Vec<Vec<f64>> = vec![Vec::new(); models];
    let mut unexplained = 0;
    for finding in &all.findings {
        let model = finding.model.trim_start_matches("model ").parse().unwrap_or(usize::MAX);
        let wanted = FAULTS.get(model / EACH).map(|(_, metric, _)| *metric);
        let is_wanted = wanted.is_some_and(|wanted| finding.metrics().any(|m| m == wanted));
        let at_us = from_rfc3339(&finding.detected_at).unwrap_or(i64::MAX);
        if !is_wanted || at_us < fault_us {
            unexplained += 1;
        } else {
            delays[model].push((at_us - fault_us) as f64 / 1e6);
        }
    }
    let found = FAULTS.iter().enumerate().map(|(at, (name, ..))| {
        let firsts = delays[at * EACH..(at + 1) * EACH].iter();
        let delays_s: Vec<f64> = firsts.filter_map(|delays| delays.first().copied()).collect();
        Found { name: (*name).into(), models: EACH, found: delays_s.len(), delays_s }
    });
    (found.collect(), unexplained)
}

pub(crate) fn text(figures: &Value) -> anyhow::Result<String> {
    let report = Report::deserialize(figures)?;
    let calm: Vec<[String; 8]> = report
        .calm
        .iter()
        .map(|calm| {
            [
                calm.name.clone(),
                format!("{} of {}", calm.watched, calm.models),
                calm.days.to_string(),
                format!("{:.1} M", calm.events as f64 / 1e6),
                calm.budget_per_week.to_string(),
                short(calm.allowed),
                format!("{} + {} + {}", calm.findings[0], calm.findings[1], calm.findings[2]),
                calm.alerts.to_string(),
            ]
        })
        .collect();
    let found: Vec<[String; 3]> = report
        .found
        .iter()
        .map(|found| {
            let delay = |s: &f64| span((s * 1e6) as i64);
            let delays: Vec<String> = found.delays_s.iter().map(delay).collect();
            [found.name.clone(), format!("{} of {}", found.found, found.models), delays.join(", ")]
        })
        .collect();
    let head = [
        "weather",
        "models watched",
        "days",
        "events",
        "budget a week",
        "allowed",
        "false findings: events + charts + silence",
        "alerts",
    ];
    Ok(format!(
        "{}\n{}\n{} findings in the second table's run are explained by no fault.\n",
        table(head, &calm),
        table(["fault", "found", "delay"], &found),
        report.unexplained
    ))
}

pub(crate) fn pictures(_: &Value) -> anyhow::Result<Vec<Picture>> {
    Ok(Vec::new())
}
