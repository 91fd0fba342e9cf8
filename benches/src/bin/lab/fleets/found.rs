//! A fleet with changes in some of its series: found by budget, and by the share of false ones.

use driftline_detectors::evidence::budget::together;
use driftline_tests::promise::{PANE_EVENTS, Plan, Watch, mean_and_error};
use driftline_tests::streams::{Change, Law, Stream};
use serde::{Deserialize, Serialize};

use super::{SEED, reference};
use crate::parallel::in_parallel;
use crate::text::table;

/// Series, ticks, changed series, events learned.
const FLEET: (usize, usize, usize, usize) = (2_000, 2_000, 40, 10_000);
/// Levels of e-d-BH, a tick.
const LEVELS: [f64; 2] = [1e-3, 1e-4];

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Found {
    together: bool,
    /// Level of e-d-BH a tick; none: one false alarm is allowed in all that is watched.
    level: Option<f64>,
    false_alarms: usize,
    found: usize,
    changed: usize,
    /// False alarms among all alarms.
    share_false: f64,
    /// Mean ticks, and its standard error.
    delay: f64,
    error: f64,
}

/// Ticks of a series with evidence that could count, and its logarithm.
type Course = Vec<(usize, f64)>;

/// Some series shift by a standard deviation of a tick's mean, each at a time of its own or all
/// together.
pub(super) fn found(is_together: bool) -> Vec<Found> {
    let (series, ticks, changed, events) = FLEET;
    let promise = (series * ticks) as f64;
    let begins = |number: usize| match is_together {
        true => ticks / 2,
        false => 50 + number * (ticks - 250) / changed,
    };
    // If all series had it, all would cross, at the higher level.
    let least = (1.0 / LEVELS[0]).ln();
    let numbers: Vec<usize> = (0..series).collect();
    let courses: Vec<Course> = in_parallel(&numbers, |number| {
        let seed = SEED + 0x1000_0000 + 2 * *number as u64;
        let (baseline, tables) = reference(Law::Gaussian, events, 0.0, seed);
        let plan = Plan::new(Law::Gaussian, events, 0.0, promise);
        let stream = Stream::new(Law::Gaussian, seed + 1);
        let mut watch = Watch::new(&plan, &baseline, &tables, stream);
        let mut course = Vec::new();
        for tick in 0..ticks {
            if *number < changed && tick == begins(*number) {
                watch.stream().change(Change::Shift(1.0 / (PANE_EVENTS as f64).sqrt()));
            }
            let log = watch.take(tick);
            if log >= least {
                course.push((tick, log));
            }
            // The most that any rule asks for: it is found.
            if log >= promise.ln().max((series as f64 / LEVELS[1]).ln()) {
                break;
            }
        }
        course
    });
    let levels = std::iter::once(None).chain(LEVELS.map(Some));
    levels
        .map(|level| {
            let alarms = alarms(&courses, level);
            let is_true =
                |(number, tick): &&(usize, usize)| *number < changed && *tick >= begins(*number);
            let delays: Vec<f64> = alarms
                .iter()
                .filter(is_true)
                .map(|(number, tick)| (tick + 1 - begins(*number)) as f64)
                .collect();
            let (delay, error) = mean_and_error(&delays);
            let false_alarms = alarms.len() - delays.len();
            Found {
                together: is_together,
                level,
                false_alarms,
                found: delays.len(),
                changed,
                share_false: false_alarms as f64 / alarms.len().max(1) as f64,
                delay,
                error,
            }
        })
        .collect()
}

/// First alarms: series and tick. A series that has alarmed stays found, and counts for no other.
fn alarms(courses: &[Course], level: Option<f64>) -> Vec<(usize, usize)> {
    let (series, ticks, ..) = FLEET;
    let mut at: Vec<Vec<(usize, f64)>> = vec![Vec::new(); ticks];
    for (number, course) in courses.iter().enumerate() {
        course.iter().for_each(|(tick, log)| at[*tick].push((number, *log)));
    }
    let (mut found, mut alarms) = (vec![false; series], Vec::new());
    for (tick, mut due) in at.into_iter().enumerate() {
        due.retain(|(number, _)| !found[*number]);
        due.sort_by(|a, b| b.1.total_cmp(&a.1));
        let logs: Vec<f64> = due.iter().map(|(_, log)| *log).collect();
        let count = match level {
            Some(level) => together(&logs, (series as f64 / level).ln()),
            None => {
                let log_threshold = ((series * ticks) as f64).ln();
                logs.iter().filter(|log| **log >= log_threshold).count()
            }
        };
        for (number, _) in &due[..count] {
            found[*number] = true;
            alarms.push((*number, tick));
        }
    }
    alarms
}

pub(super) fn text(found: &[Found]) -> String {
    let row = |found: &Found| {
        [
            found.level.map_or("budget: 1 in all".into(), |level| format!("share: {level} a tick")),
            if found.together { "yes" } else { "no" }.to_owned(),
            format!("{} of {}", found.found, found.changed),
            found.false_alarms.to_string(),
            format!("{:.3}", found.share_false),
            format!("{:.1} ± {:.1}", found.delay, found.error),
        ]
    };
    let head = ["rule", "changes together", "found", "false", "share of false", "delay, ticks"];
    table(head, &found.iter().map(row).collect::<Vec<_>>())
}
