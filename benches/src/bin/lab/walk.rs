//! One value a step: from the start to the alarm, and from changes on the way to theirs.

use driftline_tests::laws::{Law, Values};
use driftline_tests::promise::mean_and_error;

use crate::scenarios::{Change, Stream};

/// What watches a stream.
pub(crate) trait Chart: Clone {
    /// Takes a value; whether there is an alarm.
    fn step(&mut self, value: f64) -> bool;
}

/// What a walk is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan<'a> {
    /// In-control values after which a walk ends without an alarm.
    pub(crate) cap: usize,
    /// In-control values before a change; the walk splits there.
    pub(crate) moments: &'a [usize],
    pub(crate) changes: &'a [Change],
    /// Changed values after which a change counts as missed.
    pub(crate) delay_max: usize,
}

/// What one walk saw.
#[derive(Debug, Clone)]
pub(crate) struct Walk {
    /// Values to the alarm without a change; `None`: not up to the cap.
    pub(crate) length: Option<usize>,
    /// Values to the alarm, the first changed one is 1, for each moment and change (`None`:
    /// missed). Only of moments that the walk reached without an alarm.
    pub(crate) delays: Vec<Vec<Option<usize>>>,
}

/// Follows a stream. The chart has seen the baseline and nothing else.
pub(crate) fn walk<C: Chart>(mut chart: C, mut values: Values, plan: Plan) -> Walk {
    let mut delays = Vec::new();
    let branch = |chart: &C, values: &Values, law: Law| {
        let (mut chart, mut values) = (chart.clone(), values.clone());
        values.change(law);
        (1..=plan.delay_max).find(|_| chart.step(values.draw()))
    };
    for seen in 0..plan.cap {
        if plan.moments.contains(&seen) {
            delays.push(plan.changes.iter().map(|c| branch(&chart, &values, c.law)).collect());
        }
        if chart.step(values.draw()) {
            return Walk { length: Some(seen + 1), delays };
        }
    }
    Walk { length: None, delays }
}

/// Run lengths of walks with several baselines: mean of `min(length, cap)` and its standard error
/// between baselines, whose means are given too, rising; share that was cut.
#[derive(Debug, Clone)]
pub(crate) struct Lengths {
    pub(crate) mean: f64,
    pub(crate) error: f64,
    pub(crate) by_baseline: Vec<f64>,
    pub(crate) all: Vec<f64>,
    pub(crate) cut: f64,
}

/// `walks`: one list a baseline.
pub(crate) fn lengths(walks: &[Vec<Walk>], cap: usize) -> Lengths {
    let length = |walk: &Walk| walk.length.unwrap_or(cap) as f64;
    let of = |walks: &Vec<Walk>| walks.iter().map(length).sum::<f64>() / walks.len() as f64;
    let mut by_baseline: Vec<f64> = walks.iter().map(of).collect();
    let (mean, error) = mean_and_error(&by_baseline);
    let mut all: Vec<f64> = walks.iter().flatten().map(length).collect();
    let cut = walks.iter().flatten().filter(|walk| walk.length.is_none()).count();
    let cut = cut as f64 / all.len() as f64;
    by_baseline.sort_by(f64::total_cmp);
    all.sort_by(f64::total_cmp);
    Lengths { mean, error, by_baseline, all, cut }
}

/// The value below which a share of rising values lies.
pub(crate) fn percentile(rising: &[f64], share: f64) -> f64 {
    let at = (rising.len() as f64 * share) as usize;
    rising.get(at.min(rising.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

/// Delays of one change at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Delays {
    /// Mean, where missed changes count as the longest delay.
    pub(crate) mean: f64,
    /// Its standard error, between baselines.
    pub(crate) error: f64,
    pub(crate) median: f64,
    /// Share that was missed.
    pub(crate) missed: f64,
    /// Share of walks that had alarmed before the change: left out.
    pub(crate) early: f64,
}

pub(crate) fn delays(walks: &[Vec<Walk>], moment: usize, change: usize, max: usize) -> Delays {
    let seen = |walk: &Walk| walk.delays.get(moment).map(|delays| delays[change]);
    let (mut all, mut means, mut missed) = (Vec::new(), Vec::new(), 0);
    for of_baseline in walks {
        let found: Vec<Option<usize>> = of_baseline.iter().filter_map(seen).collect();
        missed += found.iter().filter(|delay| delay.is_none()).count();
        let found = found.into_iter().map(|delay| delay.unwrap_or(max) as f64);
        let before = all.len();
        all.extend(found);
        let own: &[f64] = &all[before..];
        if !own.is_empty() {
            means.push(own.iter().sum::<f64>() / own.len() as f64);
        }
    }
    let walked = walks.iter().map(Vec::len).sum::<usize>() as f64;
    let counted = all.len() as f64;
    let (_, error) = mean_and_error(&means);
    let mean = all.iter().sum::<f64>() / counted;
    all.sort_by(f64::total_cmp);
    Delays {
        mean,
        error,
        median: percentile(&all, 0.5),
        missed: missed as f64 / counted,
        early: 1.0 - counted / walked,
    }
}

/// A seed for each baseline (`run` 0) and run of a stream. All charts see the same values.
pub(crate) fn seed(stream: &Stream, baseline: usize, run: usize) -> u64 {
    let name = stream.name.bytes().fold(7u64, |sum, byte| sum.wrapping_mul(31) + u64::from(byte));
    (name << 32) ^ ((baseline as u64) << 16) ^ run as u64
}
