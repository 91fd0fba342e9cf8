//! CUSUMs of counts, whose sum moves on a lattice: the run length is that of a finite Markov chain
//! (Brook and Evans 1972), solved exactly. Reynolds and Stoumbos (1999) for the Bernoulli chart,
//! Lucas (1985) for the Poisson chart.

use super::linear::Banded;

/// Cells of the chain's band; charts that need more are refused with NaN.
const CELL_LIMIT: usize = 1 << 23;
/// States of a Poisson chart, whose band is full.
const STATE_LIMIT: usize = 2_000;

/// The upper Bernoulli CUSUM in units of `1/m`: a 1 adds `m - 1`, a 0 takes 1 away, never below 0;
/// alarm when the sum reaches `threshold` units. Run length when a 1 has probability `p`.
///
/// Choose `m` as the nearest whole `ln(p1 (1 - p0) / (p0 (1 - p1))) / -ln((1 - p1) / (1 - p0))`.
#[must_use]
pub fn bernoulli_cusum(m: usize, threshold: usize, p: f64) -> f64 {
    if m < 2 || threshold == 0 || threshold > CELL_LIMIT / (m + 1) || !(p > 0.0 && p <= 1.0) {
        return f64::NAN;
    }
    let mut chain = Banded::zero(threshold, 1, m - 1);
    for state in 0..threshold {
        chain.add(state, state.saturating_sub(1), 1.0 - p);
        if state + m - 1 < threshold {
            chain.add(state, state + m - 1, p);
        }
    }
    chain.run_lengths()[0]
}

/// The smallest threshold (in units of `1/m`) whose in-control run length is at least
/// `run_length`. `None` if the chart would need more than 2^23 cells.
#[must_use]
pub fn bernoulli_cusum_threshold(m: usize, p0: f64, run_length: f64) -> Option<usize> {
    let enough = |threshold: usize| bernoulli_cusum(m, threshold, p0) >= run_length;
    let (mut low, mut high) = (0, 1);
    while !enough(high) {
        if high > CELL_LIMIT / (m + 1) {
            return None;
        }
        (low, high) = (high, high * 2);
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if enough(middle) { high = middle } else { low = middle }
    }
    Some(high)
}

/// The upper Poisson CUSUM `S = max(0, S + x - k)`, alarm when `S >= h`; `k` and `h` are given in
/// units of `1/units`. Run length when x is Poisson with mean `rate`.
#[must_use]
pub fn poisson_cusum(k: usize, h: usize, units: usize, rate: f64) -> f64 {
    if units == 0 || h == 0 || h > STATE_LIMIT || !(rate > 0.0 && rate < 700.0) {
        return f64::NAN;
    }
    let mut chain = Banded::zero(h, k, h);
    for state in 0..h {
        let mut chance = libm::exp(-rate);
        for count in 0_usize.. {
            let next = (state + count * units).saturating_sub(k);
            if next >= h {
                break;
            }
            chain.add(state, next, chance);
            chance *= rate / (count as f64 + 1.0);
        }
    }
    chain.run_lengths()[0]
}
