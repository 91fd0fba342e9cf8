//! A fleet through the real engine: 500 stationary series of mixed kinds, and the budget.
//!
//! 100 models of 5 metrics each; the first hour is learned, two more are watched. The expected number of
//! false findings is at most the budget's share of that time. In the second part five models change: an
//! engine that never speaks would pass the first.

use std::sync::Arc;

use arrow::array::{StringArray, UInt32Array};
use driftline::engine::{Engine, Input};
use driftline::model::batch::Labels;
use driftline::model::settings::{HOUR_US, WEEK_US};
use driftline::model::{Batch, Finding};
use driftline_detectors::baseline::Zone;
use driftline_tests::promise::{metric, settings};
use driftline_tests::streams::{Change, Law, Stream, column};

const MODELS: usize = 100;
/// Metrics of each model.
const LAWS: [Law; 5] =
    [Law::Lognormal, Law::Whole, Law::PaneEffects, Law::RareFlag, Law::Categories];
/// Events of a model in a pane.
const PANE_EVENTS: usize = 20;
/// Hours that are learned, and those that are watched.
const HOURS: (i64, i64) = (1, 2);
/// False findings that the budget promises at most over the watched hours.
const PROMISED: f64 = 8.0;
const SEED: u64 = 0xf1ee7;

/// Findings of a fleet in which `changing` models change at the end of the first watched hour.
fn findings(changing: usize) -> (Vec<Finding>, u64) {
    // No zone: the null hypothesis is exactly the truth, which is where the promise is tight.
    let none = Zone { sigma: 0.0, odds: 0.0 };
    let metrics: Vec<_> =
        LAWS.iter().map(|law| metric(&format!("{law:?}"), law.kind(), none)).collect();
    let mut settings = settings(metrics);
    settings.detect.budget_per_week = PROMISED * WEEK_US as f64 / (HOURS.1 * HOUR_US) as f64;
    let (pane_us, from_us) = (settings.time.pane_us, settings.time.not_before_us);
    let mut engine = Engine::new(settings);
    let mut streams: Vec<Vec<Stream>> = (0..MODELS)
        .map(|model| {
            let seed = |law: Law| SEED + ((model as u64) << 8) + law as u64;
            LAWS.iter().map(|law| Stream::new(*law, seed(*law))).collect()
        })
        .collect();
    let names = Arc::new(StringArray::from_iter_values((0..MODELS).map(|m| format!("m{m:03}"))));
    let panes = (HOURS.0 + HOURS.1) * HOUR_US / pane_us;
    let change_pane = (HOURS.0 + 1) * HOUR_US / pane_us;
    let rows = MODELS * PANE_EVENTS;
    let mut found = Vec::new();
    let mut values = Vec::new();
    engine.step(Input::Opened { partition: 0, begin_us: None });
    for pane in 0..panes {
        let mut columns = vec![Vec::with_capacity(rows); LAWS.len()];
        for (model, streams) in streams.iter_mut().enumerate() {
            for ((stream, law), column) in streams.iter_mut().zip(LAWS).zip(&mut columns) {
                if pane == change_pane && model < changing {
                    stream.change(match law {
                        Law::RareFlag => Change::Odds(4.0),
                        Law::Categories => Change::Swap,
                        _ => Change::Factor(1.5),
                    });
                }
                stream.pane(PANE_EVENTS, &mut values);
                column.append(&mut values);
            }
        }
        let model = (0..rows).map(|row| (row / PANE_EVENTS) as u32);
        let batch = Batch {
            partition: 0,
            time_us: (0..rows)
                .map(|row| from_us + pane * pane_us + (row % PANE_EVENTS) as i64 * 1_000)
                .collect(),
            offsets: (pane as u64 * rows as u64..).take(rows).collect(),
            keys: vec![Labels {
                indices: UInt32Array::from_iter_values(model),
                values: names.clone(),
            }],
            id: None,
            metrics: columns.iter().zip(LAWS).map(|(c, law)| column(law.kind(), c)).collect(),
            rejects: Vec::new(),
        };
        found.extend(engine.step(Input::Batch(&batch)).findings);
    }
    found.extend(engine.step(Input::Closed { partition: 0 }).findings);
    assert_eq!(engine.counters().events, panes as u64 * rows as u64);
    (found, engine.watched_series())
}

#[test]
fn a_stationary_fleet_keeps_its_budget_and_a_changing_one_is_seen() {
    let (quiet, series) = findings(0);
    assert_eq!(series, (MODELS * LAWS.len()) as u64);
    println!(
        "{series} series, {} h: {} false findings, promised at most {PROMISED}",
        HOURS.1,
        quiet.len()
    );
    for finding in &quiet {
        println!("  {} {} {}", finding.model, finding.metric, finding.change);
    }
    // Counts of independent series are as the Poisson law has them, or tighter.
    assert!(quiet.len() as f64 <= PROMISED + 3.0 * PROMISED.sqrt(), "{}", quiet.len());

    let changing = 5;
    let (found, _) = findings(changing);
    let mut seen: Vec<(&str, &str)> =
        found.iter().map(|f| (f.model.as_str(), f.metric.as_str())).collect();
    seen.sort_unstable();
    seen.dedup();
    let changed = seen.iter().filter(|(model, _)| *model < "m005").count();
    println!("{changed} of {} changed series found", changing * LAWS.len());
    assert!(changed >= changing * LAWS.len() - 2, "{seen:?}");
}
