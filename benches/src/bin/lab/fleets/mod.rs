//! Fleets: many series under one budget, quiet and with changes in some of them; and the series of one model.

mod found;
mod models;

use driftline_detectors::baseline::{Baseline, Zone};
use driftline_detectors::evidence::budget::log_threshold;
use driftline_detectors::lanes::Tables;
use driftline_tests::promise::{Plan, Watch, learn};
use driftline_tests::streams::{Law, Stream};
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::parallel::in_parallel;
use crate::text::{short, table};
use crate::{Effort, Picture};

const WEEKS: usize = 8;
const WEEK_US: i64 = 7 * 24 * 3_600_000_000;
const EVENTS: usize = 2_000;
const SEED: u64 = 0xf1ee_7000_0000;

/// A quiet fleet.
#[derive(Debug, Clone, Copy)]
struct Fleet {
    series: usize,
    /// Length of a tick.
    tick_us: i64,
    zone: f64,
    /// Whether all series have a common factor (30 % of the variance of their panes' effects).
    common: bool,
    /// False alarms a week that are allowed.
    budget: f64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Quiet {
    series: usize,
    ticks: usize,
    zone: f64,
    common: bool,
    allowed: f64,
    false_alarms: usize,
    /// Most in any single week.
    worst_week: usize,
}

#[derive(Debug, Serialize, Deserialize)]
struct Report {
    quiet: Vec<Quiet>,
    found: Vec<found::Found>,
    #[serde(default)]
    models: Vec<models::Together>,
}

pub(crate) fn measure(effort: Effort) -> anyhow::Result<Value> {
    let hour = 3_600_000_000;
    let fleet =
        |series, tick_us, zone, common, budget| Fleet { series, tick_us, zone, common, budget };
    let mut fleets = vec![
        fleet(2_000, hour, 0.1, false, 1.0),
        fleet(2_000, hour, 0.0, false, 1.0),
        fleet(2_000, hour, 0.0, true, 1.0),
        fleet(2_000, hour, 0.0, false, 20.0),
        fleet(2_000, hour, 0.0, true, 20.0),
    ];
    if effort == Effort::Full {
        fleets.extend([
            fleet(2_000, hour / 6, 0.0, false, 1.0),
            fleet(20_000, hour, 0.1, false, 1.0),
            fleet(20_000, hour, 0.0, false, 1.0),
            fleet(20_000, hour, 0.0, true, 1.0),
        ]);
    }
    let quiet = fleets.iter().map(quiet).collect();
    let found = [false, true].into_iter().flat_map(found::found).collect();
    let models = models::measure(effort);
    Ok(serde_json::to_value(Report { quiet, found, models })?)
}

/// A common factor's course, the same for all series.
fn factor(ticks: usize) -> Vec<f64> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(SEED);
    (0..ticks).map(|_| StandardNormal.sample(&mut random)).collect()
}

fn reference(law: Law, events: usize, zone: f64, seed: u64) -> (Baseline, Tables) {
    let zone = Zone { sigma: zone, odds: zone };
    let baseline = learn(law, events, zone, seed);
    let tables = Tables::new(&baseline, baseline.probabilities(), zone, 0.0);
    (baseline, tables)
}

fn quiet(fleet: &Fleet) -> Quiet {
    let a_week = (WEEK_US / fleet.tick_us) as usize;
    let ticks = WEEKS * a_week;
    let promise = log_threshold(fleet.series, fleet.tick_us, fleet.budget).exp();
    let course = factor(ticks);
    let numbers: Vec<usize> = (0..fleet.series).collect();
    let alarms: Vec<Vec<usize>> = in_parallel(&numbers, |number| {
        let law = if fleet.common { Law::PaneEffects } else { Law::ALL[number % Law::ALL.len()] };
        let seed = SEED + 2 * *number as u64;
        let (baseline, tables) = reference(law, EVENTS, fleet.zone, seed);
        let plan = Plan::new(law, EVENTS, fleet.zone, promise);
        let mut watch = Watch::new(&plan, &baseline, &tables, Stream::new(law, seed + 1));
        let alarm = |tick: &usize| {
            if fleet.common {
                watch.stream().share(course[*tick]);
            }
            watch.pane(*tick)
        };
        (0..ticks).filter(alarm).map(|tick| tick / a_week).collect()
    });
    let of_week = |week: usize| alarms.iter().flatten().filter(|w| **w == week).count();
    Quiet {
        series: fleet.series,
        ticks,
        zone: fleet.zone,
        common: fleet.common,
        allowed: fleet.budget * WEEKS as f64,
        false_alarms: alarms.iter().map(Vec::len).sum(),
        worst_week: (0..WEEKS).map(of_week).max().unwrap_or(0),
    }
}

pub(crate) fn text(figures: &Value) -> anyhow::Result<String> {
    let report = Report::deserialize(figures)?;
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let quiet: Vec<[String; 7]> = report
        .quiet
        .iter()
        .map(|fleet| {
            [
                fleet.series.to_string(),
                fleet.ticks.to_string(),
                fleet.zone.to_string(),
                yes(fleet.common),
                short(fleet.allowed),
                fleet.false_alarms.to_string(),
                fleet.worst_week.to_string(),
            ]
        })
        .collect();
    let head =
        ["series", "ticks", "zone", "common factor", "allowed", "false alarms", "worst week"];
    Ok([table(head, &quiet), found::text(&report.found), models::text(&report.models)].join("\n"))
}

pub(crate) fn pictures(_: &Value) -> anyhow::Result<Vec<Picture>> {
    Ok(Vec::new())
}
