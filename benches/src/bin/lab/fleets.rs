//! Fleets: many series under one budget, quiet and with changes in some of them.

use driftline_detectors::baseline::{Baseline, Zone};
use driftline_detectors::budget::log_threshold;
use driftline_detectors::tables::Tables;
use driftline_tests::promise::{PANE_EVENTS, Plan, Watch, learn, mean_and_error};
use driftline_tests::streams::{Change, Law, Stream};
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
/// The fleet with changes: series, ticks, changed series, events learned.
const CHANGED: (usize, usize, usize, usize) = (2_000, 2_000, 40, 10_000);

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
struct Found {
    together: bool,
    false_alarms: usize,
    allowed: f64,
    found: usize,
    changed: usize,
    /// False alarms among all alarms.
    share_false: f64,
    /// Mean ticks, and its standard error.
    delay: f64,
    error: f64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Report {
    quiet: Vec<Quiet>,
    found: Vec<Found>,
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
    Ok(serde_json::to_value(Report { quiet, found: [false, true].map(found).into() })?)
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

/// Some series shift by a standard deviation of a tick's mean, each at a time of its own or all
/// together.
fn found(together: bool) -> Found {
    let (series, ticks, changed, events) = CHANGED;
    // One false alarm in all that is watched.
    let promise = (series * ticks) as f64;
    let numbers: Vec<usize> = (0..series).collect();
    let alarms: Vec<Option<(usize, bool)>> = in_parallel(&numbers, |number| {
        let seed = SEED + 0x1000_0000 + 2 * *number as u64;
        let (baseline, tables) = reference(Law::Gaussian, events, 0.0, seed);
        let plan = Plan::new(Law::Gaussian, events, 0.0, promise);
        let stream = Stream::new(Law::Gaussian, seed + 1);
        let mut watch = Watch::new(&plan, &baseline, &tables, stream);
        let at = if together { ticks / 2 } else { 50 + number * (ticks - 250) / changed };
        for tick in 0..ticks {
            if *number < changed && tick == at {
                watch.stream().change(Change::Shift(1.0 / (PANE_EVENTS as f64).sqrt()));
            }
            if watch.pane(tick) {
                let is_true = *number < changed && tick >= at;
                return Some((if is_true { tick + 1 - at } else { tick }, is_true));
            }
        }
        None
    });
    let delays: Vec<f64> =
        alarms.iter().flatten().filter(|(_, is)| *is).map(|(delay, _)| *delay as f64).collect();
    let false_alarms = alarms.iter().flatten().filter(|(_, is)| !is).count();
    let (delay, error) = mean_and_error(&delays);
    Found {
        together,
        false_alarms,
        allowed: 1.0,
        found: delays.len(),
        changed,
        share_false: false_alarms as f64 / (false_alarms + delays.len()).max(1) as f64,
        delay,
        error,
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
    let found: Vec<[String; 5]> = report
        .found
        .iter()
        .map(|found| {
            [
                yes(found.together),
                format!("{} of {}", found.found, found.changed),
                format!("{} ({} allowed)", found.false_alarms, found.allowed),
                format!("{:.3}", found.share_false),
                format!("{:.1} ± {:.1}", found.delay, found.error),
            ]
        })
        .collect();
    let head =
        ["series", "ticks", "zone", "common factor", "allowed", "false alarms", "worst week"];
    Ok(format!(
        "{}\n{}",
        table(head, &quiet),
        table(["changes together", "found", "false", "share of false", "delay, ticks"], &found)
    ))
}

pub(crate) fn pictures(_: &Value) -> anyhow::Result<Vec<Picture>> {
    Ok(Vec::new())
}
