//! Tempering: how much of a lane's evidence survives dependence within and between events.
//!
//! Events of one pane are rarely independent (a slow replica, one tenant's batch). The baseline's own
//! panes tell: a lane is multiplied by the largest `t <= 1` with `mean over panes of exp(t S) <= 1`,
//! where `S` is the evidence of a pane. Panes that made the encoder are left out: they fit it too well.
//!
//! A mean of exponentials over a few hundred panes does not see its own tail. So `t` is also held to what
//! it would be if `S` were normal with the panes' mean `m` and variance `v`: `t <= -2 m / v`.
//!
//! Both means are a guess where there are few panes. A variance is known sooner: `t <= 1 / D` with the
//! lane's design effect `D`, the variance of `S` over that of independent events (Kish 1965), drawn
//! towards [`PRIOR_EFFECT`]. What the panes cannot have shown is not taken for independence.

use crate::lane::Tables;

/// Fewer panes than this say nothing about a mean of exponentials.
pub const PANES_MIN: usize = 20;
/// Design effect that is assumed before any pane was seen ...
const PRIOR_EFFECT: f64 = 3.0;
/// ... with the weight of so many panes.
const PRIOR_PANES: f64 = 4.0;
/// Below this a lane says nothing any more and would only dilute the others: it is switched off.
const SMALLEST: f64 = 0.02;

/// `t` for each fixed lane, in 0..=1; 0 switches a lane off.
///
/// `panes`: the code counts of baseline panes, each as pairs of code and count.
/// `tables`: untempered tables for the pane's place in the season; `tables(0)` always exists.
pub fn temper<'a>(panes: &[Vec<(u8, u32)>], tables: impl Fn(usize) -> &'a Tables) -> Vec<f64> {
    let lanes = tables(0).lanes().len() - 1;
    (0..lanes)
        .map(|lane| {
            let sums: Vec<f64> = panes
                .iter()
                .enumerate()
                .map(|(i, pane)| {
                    let tables = tables(i);
                    pane.iter().map(|(c, n)| f64::from(*n) * tables.at(usize::from(*c), lane)).sum()
                })
                .collect();
            let effect = design_effect(panes, &tables, lane, &sums);
            let by_variance = (1.0 / effect).min(1.0);
            if panes.len() < PANES_MIN {
                by_variance
            } else {
                largest_factor(&sums).min(by_variance)
            }
        })
        .collect()
}

/// Variance of the panes' evidence over that of independent events, drawn towards [`PRIOR_EFFECT`].
fn design_effect<'a>(
    panes: &[Vec<(u8, u32)>],
    tables: &impl Fn(usize) -> &'a Tables,
    lane: usize,
    sums: &[f64],
) -> f64 {
    let (mut seen, mut independent) = (0.0, 0.0);
    for (i, (pane, sum)) in panes.iter().zip(sums).enumerate() {
        let tables = tables(i);
        let shares = tables.probabilities();
        let moment = |power: i32| -> f64 {
            let term = |(c, p): (usize, &f64)| {
                let e = tables.at(c, lane);
                p * if power == 1 { e } else { e * e }
            };
            shares.iter().enumerate().map(term).sum()
        };
        let mean = moment(1);
        let n: f64 = pane.iter().map(|(_, n)| f64::from(*n)).sum();
        let off = sum - n * mean;
        seen += off * off;
        independent += n * (moment(2) - mean * mean);
    }
    let weight = panes.len() as f64;
    let ratio = if independent > 0.0 { seen / independent } else { 1.0 };
    (ratio * weight + PRIOR_EFFECT * PRIOR_PANES) / (weight + PRIOR_PANES)
}

/// The largest `t` in 0..=1 with `mean exp(t s) <= 1`. The mean is convex in `t` and 1 at 0, so where it
/// is at most 1 is an interval that starts at 0.
fn largest_factor(sums: &[f64]) -> f64 {
    let normal = normal_factor(sums);
    let mean = |t: f64| {
        sums.iter().map(|s| libm::exp((t * s).min(600.0))).sum::<f64>() / sums.len() as f64
    };
    if mean(normal) <= 1.0 {
        return if normal < SMALLEST { 0.0 } else { normal };
    }
    let (mut low, mut high) = (0.0, normal);
    for _ in 0..20 {
        let middle = (low + high) / 2.0;
        if mean(middle) <= 1.0 { low = middle } else { high = middle }
    }
    if low < SMALLEST { 0.0 } else { low }
}

/// The largest `t` in 0..=1 with `E exp(t S) <= 1` for a normal `S` with the sums' mean and variance.
fn normal_factor(sums: &[f64]) -> f64 {
    let n = sums.len() as f64;
    let mean = sums.iter().sum::<f64>() / n;
    let variance = sums.iter().map(|s| (s - mean) * (s - mean)).sum::<f64>() / (n - 1.0).max(1.0);
    if variance <= 0.0 {
        return if mean <= 0.0 { 1.0 } else { 0.0 };
    }
    (-2.0 * mean / variance).clamp(0.0, 1.0)
}

/// How much more a pane's mean score varies than that of independent events: a design effect, at least 1.
pub fn inflation(panes: &[Vec<(u8, u32)>], scores: &[f64]) -> f64 {
    let pearson: Vec<f64> = panes
        .iter()
        .filter_map(|pane| {
            let n: f64 = pane.iter().map(|(_, n)| f64::from(*n)).sum();
            let sum: f64 = pane.iter().map(|(c, n)| f64::from(*n) * scores[usize::from(*c)]).sum();
            (n > 0.0).then(|| sum * sum / n)
        })
        .collect();
    if pearson.len() < PANES_MIN {
        return 1.0;
    }
    (pearson.iter().sum::<f64>() / pearson.len() as f64).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_panes_keep_the_evidence_and_wild_ones_lose_it() {
        assert_eq!(largest_factor(&[-1.0, -0.5, 0.2, -0.3]), 1.0);
        let wild = [-1.0, -1.0, -1.0, 1.7, -1.0];
        let t = largest_factor(&wild);
        assert!(t > 0.0 && t < 1.0);
        let mean = wild.iter().map(|s| (t * s).exp()).sum::<f64>() / 5.0;
        assert!(mean <= 1.0 && mean > 0.9, "{t} {mean}");
        // Normal with mean -1 and variance 10: a fifth, though no pane of these is large.
        let spread: Vec<f64> =
            (0..1000).map(|i| -1.0 + libm::sqrt(120.0) * (f64::from(i) / 999.0 - 0.5)).collect();
        assert!((largest_factor(&spread) - 0.2).abs() < 0.01);
        assert_eq!(largest_factor(&[1.0, 0.5]), 0.0);
    }
}
