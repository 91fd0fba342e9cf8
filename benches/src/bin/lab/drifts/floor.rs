//! The floor: what the CUSUM that knows a series' law before and after its drift needs, at the peers' rate
//! of false alarms. No detector of one series is sooner in the worst case (Moustakides 1986).

use driftline::model::Kind;
use driftline_detectors::arl::{Atom, discrete_cusum, discrete_cusum_threshold};

use super::sets::Series;

/// Bins of a number; more of them would take noise for knowledge.
const BINS: usize = 24;
/// States of the chain.
const STATES: usize = 500;
/// Fewest values after the onset that tell a law.
const VALUES_MIN: usize = 500;

/// Mean values from the onset to the alarm, where a false one comes once in `run_length` values.
///
/// Both laws are those of the series' own values, before its onset and from there to the end: a drift that
/// grows has none.
pub(super) fn values(series: &Series, run_length: f64) -> Option<f64> {
    let (_, at) = series.changed?;
    let (before, after) = series.values.split_at(at);
    if before.len().min(after.len()) < VALUES_MIN {
        return None;
    }
    let edges = match series.kind {
        Kind::Number => edges(&series.values),
        _ => Vec::new(),
    };
    let codes = if series.kind == Kind::Number { edges.len() + 1 } else { series.codes };
    let code = |value: &f64| match series.kind {
        Kind::Number => edges.partition_point(|edge| edge <= value),
        _ => *value as usize,
    };
    let shares = |values: &[f64]| {
        let mut counts = vec![0.5; codes];
        values.iter().for_each(|value| counts[code(value)] += 1.0);
        let all: f64 = counts.iter().sum();
        counts.into_iter().map(|n| n / all).collect::<Vec<f64>>()
    };
    let (p, q) = (shares(before), shares(after));
    let steps = || p.iter().zip(&q).map(|(p, q)| (q / p).ln());
    let atom = |(step, p): (f64, &f64)| Atom { step, probability: *p };
    let null: Vec<Atom> = steps().zip(&p).map(atom).collect();
    let changed: Vec<Atom> = steps().zip(&q).map(atom).collect();
    let threshold = discrete_cusum_threshold(&null, run_length, STATES);
    let delay = discrete_cusum(&changed, threshold, STATES);
    delay.is_finite().then_some(delay)
}

/// Edges of bins with about as many values each.
fn edges(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut edges: Vec<f64> = (1..BINS).map(|at| sorted[at * sorted.len() / BINS]).collect();
    edges.dedup();
    edges
}
