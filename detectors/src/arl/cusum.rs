//! The Gaussian CUSUM `S = max(0, S + x - k)`, alarm when `S > h`, x normal with unit variance.
//!
//! The one-sided run length solves a Fredholm equation with an atom at 0 (the sum often *is* 0):
//! `L(u) = 1 + L(0) P(x <= k - u) + integral over 0..h of L(y) density(y + k - u) dy`
//! (Page 1954; Goel and Wu 1971), here by Nystroem's method with Gauss-Legendre nodes and `L(0)` as
//! an unknown of its own. Two-sided by `1/L = 1/L+ + 1/L-`, exact for this chart because one sum
//! is 0 whenever the other alarms (Van Dobben de Bruyn 1968; Lucas and Crosier 1982 for head starts).

use super::linear::Banded;
use super::quadrature::{Node, gauss_legendre};
use super::search;
use crate::math::normal::{normal_below, normal_density};

/// Nodes that resolve a kernel of width 1 on `0..h` far beyond 4 digits.
fn node_count(h: f64) -> usize {
    (24.0 + 6.0 * h).min(2_000.0) as usize
}

/// Transition kernel over the states: the atom at 0 first, then the nodes.
struct Chain {
    nodes: Vec<Node>,
    kernel: Banded,
}

/// `k` is the reference value as the shifted mean sees it: reference less shift.
fn chain(k: f64, h: f64) -> Chain {
    let nodes = gauss_legendre(node_count(h), 0.0, h);
    let place = |state: usize| if state == 0 { 0.0 } else { nodes[state - 1].x };
    let kernel = Banded::full(nodes.len() + 1, |from, to| {
        if to == 0 {
            normal_below(k - place(from))
        } else {
            nodes[to - 1].weight * normal_density(place(to) + k - place(from))
        }
    });
    Chain { nodes, kernel }
}

/// Run lengths of the one-sided chart from 0, and with a head start.
struct RunLengths {
    from_zero: f64,
    from_start: f64,
}

fn run_lengths(k: f64, h: f64, start: f64, shift: f64) -> RunLengths {
    let usable = k.is_finite() && shift.is_finite() && h > 0.0 && h <= 300.0;
    if !(usable && (0.0..=h).contains(&start)) {
        return RunLengths { from_zero: f64::NAN, from_start: f64::NAN };
    }
    let reference = k - shift;
    let Chain { nodes, kernel } = chain(reference, h);
    let lengths = kernel.run_lengths();
    let from_zero = lengths[0];
    // The equation itself interpolates between the nodes.
    let beyond: f64 = nodes
        .iter()
        .zip(&lengths[1..])
        .map(|(node, length)| node.weight * length * normal_density(node.x + reference - start))
        .sum();
    let from_start = 1.0 + from_zero * normal_below(reference - start) + beyond;
    RunLengths { from_zero, from_start }
}

/// Run length of the one-sided (upper) chart with reference `k`, threshold `h` and head start
/// `start` (0 for none), when the mean is `shift` standard deviations off.
#[must_use]
pub fn cusum_one_sided(k: f64, h: f64, start: f64, shift: f64) -> f64 {
    run_lengths(k, h, start, shift).from_start
}

/// Run length of the two-sided chart; arguments as [`cusum_one_sided`], `start` on both sides.
/// Exact for `start` at most `h / 2 + k`.
#[must_use]
pub fn cusum(k: f64, h: f64, start: f64, shift: f64) -> f64 {
    let up = run_lengths(k, h, start, shift);
    let down = run_lengths(k, h, start, -shift);
    (up.from_start * down.from_zero + down.from_start * up.from_zero
        - up.from_zero * down.from_zero)
        / (up.from_zero + down.from_zero)
}

/// The threshold at which the two-sided chart without head start has run length `run_length` in
/// control. NaN outside `1..=1e12`.
#[must_use]
pub fn cusum_threshold(k: f64, run_length: f64) -> f64 {
    search::threshold(run_length, |h| run_lengths(k, h, 0.0, 0.0).from_zero / 2.0)
}

/// As [`cusum_threshold`], for the one-sided chart.
#[must_use]
pub fn cusum_threshold_one_sided(k: f64, run_length: f64) -> f64 {
    search::threshold(run_length, |h| run_lengths(k, h, 0.0, 0.0).from_zero)
}

/// Mean delay of the one-sided chart when the change comes after a long time without alarm: the
/// run length under `shift` from the quasi-stationary law of the in-control sum.
#[must_use]
pub fn cusum_steady_state_delay(k: f64, h: f64, shift: f64) -> f64 {
    if !(k.is_finite() && shift.is_finite() && h > 0.0 && h <= 300.0) {
        return f64::NAN;
    }
    let before = chain(k, h).kernel;
    let states = node_count(h) + 1;
    let mut law = vec![1.0 / states as f64; states];
    for _ in 0..100_000 {
        let mut next = before.multiplied_from_left(&law);
        let total: f64 = next.iter().sum();
        next.iter_mut().for_each(|mass| *mass /= total);
        let moved: f64 = next.iter().zip(&law).map(|(new, old)| (new - old).abs()).sum();
        law = next;
        if moved < 1e-12 {
            break;
        }
    }
    let delays = chain(k - shift, h).kernel.run_lengths();
    law.iter().zip(&delays).map(|(mass, delay)| mass * delay).sum()
}

/// Siegmund's approximation of [`cusum_one_sided`] without head start (Siegmund 1985, Sequential
/// Analysis, 2.5): `(exp(-2 d b) + 2 d b - 1) / (2 d^2)` with `d = shift - k`, `b = h + 1.166`.
/// Within a few percent; for a quick look, not for thresholds.
#[must_use]
pub fn siegmund_one_sided(k: f64, h: f64, shift: f64) -> f64 {
    let (drift, b) = (shift - k, h + 1.166);
    if drift.abs() < 1e-9 {
        return b * b;
    }
    (libm::exp(-2.0 * drift * b) + 2.0 * drift * b - 1.0) / (2.0 * drift * drift)
}

/// As [`siegmund_one_sided`], two-sided.
#[must_use]
pub fn siegmund(k: f64, h: f64, shift: f64) -> f64 {
    1.0 / (1.0 / siegmund_one_sided(k, h, shift) + 1.0 / siegmund_one_sided(k, h, -shift))
}
