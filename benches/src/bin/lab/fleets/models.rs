//! One model's series: each alone, together by their sum, and by products that take them for independent.

use driftline_tests::promise::mean_and_error;
use driftline_tests::together::{Model, Reference, Rule, SERIES};
use serde::{Deserialize, Serialize};

use super::SEED;
use crate::Effort;
use crate::parallel::in_parallel;
use crate::text::table;

/// Events that each series learns of.
const EVENTS: usize = 20_000;
const CORRELATIONS: [f64; 3] = [0.0, 0.3, 0.6];
/// Series that change.
const CHANGED: [usize; 3] = [SERIES, SERIES / 2, 1];
/// By so many standard deviations of a value.
const SHIFTS: [f64; 3] = [0.05, 0.1, 0.2];
/// Panes to a false alarm that are promised: while alarms are counted, and while delays are: a
/// model among a hundred at one a week with panes of 10 s is promised some six million.
const PROMISES: (f64, f64) = (1_000.0, 6e6);
/// Panes before a change, and after which it counts as missed.
const PANES: (usize, usize) = (100, 3_000);

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Together {
    rule: String,
    correlation: f64,
    /// False alarms for each one promised, and the standard error.
    realised: f64,
    error: f64,
    /// Mean panes to find each change, by [`CHANGED`], then by [`SHIFTS`].
    delays: Vec<Vec<f64>>,
}

fn rules(correlation: f64) -> [(&'static str, Rule); 4] {
    [
        ("each alone", Rule::Alone),
        ("sum (in use)", Rule::Together),
        ("product, correlation known", Rule::Tempered(correlation)),
        ("product as if independent", Rule::Product),
    ]
}

pub(super) fn measure(effort: Effort) -> Vec<Together> {
    let (models, runs) = match effort {
        Effort::Quick => (16, 8),
        Effort::Full => (40, 24),
    };
    let mut jobs = Vec::new();
    for correlation in CORRELATIONS {
        jobs.extend(rules(correlation).map(|(name, rule)| (correlation, name, rule)));
    }
    let numbers: Vec<u64> = (0..models.max(runs) as u64).collect();
    let references =
        in_parallel(&numbers, |number| Reference::learn(EVENTS, SEED + 0x2000_0000 + number));
    in_parallel(&jobs, |(correlation, name, rule)| {
        let (correlation, rule) = (*correlation, *rule);
        let horizon = 4.0 * PROMISES.0;
        let seed = |number: usize| SEED + 0x3000_0000 + number as u64;
        let rates: Vec<f64> = (0..models)
            .map(|number| {
                let reference = &references[number];
                let mut model = Model::new(reference, rule, correlation, PROMISES.0, seed(number));
                let alarms: usize = (0..horizon as usize).map(|_| model.pane()).sum();
                alarms as f64 / horizon * PROMISES.0
            })
            .collect();
        let (realised, error) = mean_and_error(&rates);
        let delay = |changed: usize, shift: f64| {
            let one = |number: usize| {
                let reference = &references[number];
                let mut model =
                    Model::new(reference, rule, correlation, PROMISES.1, seed(1_000 + number));
                (0..PANES.0).for_each(|_| {
                    model.pane();
                });
                model.shift(changed, shift);
                (1..PANES.1).find(|_| model.pane() > 0).unwrap_or(PANES.1) as f64
            };
            (0..runs).map(one).sum::<f64>() / runs as f64
        };
        let delays = CHANGED.map(|changed| SHIFTS.map(|shift| delay(changed, shift)).to_vec());
        Together { rule: (*name).to_owned(), correlation, realised, error, delays: delays.to_vec() }
    })
}

pub(super) fn text(rows: &[Together]) -> String {
    let row = |one: &Together| {
        let delays = |at: usize| {
            let each = one.delays.get(at).into_iter().flatten().map(|d| format!("{d:.0}"));
            each.collect::<Vec<_>>().join(" / ")
        };
        [
            one.rule.clone(),
            one.correlation.to_string(),
            format!("{:.2} ± {:.2}", one.realised, one.error),
            delays(0),
            delays(1),
            delays(2),
        ]
    };
    let head = [
        "rule",
        "correlation",
        "false, of promised",
        "delay, all 9 by .05/.1/.2 sd",
        "4 of 9",
        "1 of 9",
    ];
    table(head, &rows.iter().map(row).collect::<Vec<_>>())
}
