//! CUSUMs whose step takes one of a few values, such as the log-likelihood ratio of a code: the run length
//! is that of a finite Markov chain (Brook and Evans 1972).

use super::linear::Banded;
use super::search::threshold as search;

/// A step of the sum, and its probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Atom {
    /// What the sum moves by.
    pub step: f64,
    /// How likely this step is; those of all steps sum to 1.
    pub probability: f64,
}

/// The CUSUM `S = max(0, S + step)` from 0, alarm at `S >= threshold`: mean number of steps to the alarm.
///
/// `atoms`: the steps, whose probabilities sum to 1. The sum moves on a lattice of `threshold / states`, and
/// each step is divided between its two neighbours there, which keeps its mean: with 500 states a run
/// length is good to about 2 %. NaN where there are no states.
#[must_use]
pub fn discrete_cusum(atoms: &[Atom], threshold: f64, states: usize) -> f64 {
    if states == 0
        || threshold.is_nan()
        || threshold <= 0.0
        || atoms.iter().any(|atom| !atom.step.is_finite())
    {
        return f64::NAN;
    }
    let unit = threshold / states as f64;
    // A step of more than all states leads out of them, or back to 0.
    let all = states as f64;
    let units = |step: f64| (step / unit).clamp(-all, all);
    let most = atoms.iter().fold(0.0, |most: f64, atom| most.max(units(atom.step).abs()));
    let width = most as usize + 1;
    let mut chain = Banded::zero(states, width, width);
    for state in 0..states {
        for atom in atoms {
            let place = state as f64 + units(atom.step);
            let (below, part) = (place.floor(), place - place.floor());
            for (place, share) in [(below, 1.0 - part), (below + 1.0, part)] {
                let next = place.max(0.0) as usize;
                if next < states && share > 0.0 {
                    chain.add(state, next, atom.probability * share);
                }
            }
        }
    }
    chain.run_lengths()[0]
}

/// The threshold with a run length of `run_length` steps. NaN if it cannot be reached.
#[must_use]
pub fn discrete_cusum_threshold(atoms: &[Atom], run_length: f64, states: usize) -> f64 {
    search(run_length, |threshold| discrete_cusum(atoms, threshold, states))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arl::{bernoulli_cusum, cusum_one_sided, cusum_threshold_one_sided};
    use crate::math::normal::normal_below;

    fn atom(step: f64, probability: f64) -> Atom {
        Atom { step, probability }
    }

    /// 0.01 to 0.02: a run length of 10,047 has the threshold 327 / 69 and a delay of 670 (Reynolds and
    /// Stoumbos's chart, exact).
    #[test]
    fn it_agrees_with_the_exact_lattice_of_a_flag() {
        let (p, q) = (0.01_f64, 0.02_f64);
        let steps = [(q / p).ln(), ((1.0 - q) / (1.0 - p)).ln()];
        let atoms = |p: f64| [atom(steps[0], p), atom(steps[1], 1.0 - p)];
        let threshold = discrete_cusum_threshold(&atoms(p), 10_047.0, 1_000);
        let delay = discrete_cusum(&atoms(q), threshold, 1_000);
        let exact = bernoulli_cusum(69, 327, q);
        assert!((delay / exact - 1.0).abs() < 0.03, "{delay} {exact}");
    }

    /// A shift of half a standard deviation, in steps of a tenth of one.
    #[test]
    fn it_agrees_with_the_integral_equation_of_a_normal_law() {
        let atoms = |mean: f64| -> Vec<Atom> {
            let of = |at: i32| {
                let x = f64::from(at) * 0.1;
                let p = normal_below(x + 0.05 - mean) - normal_below(x - 0.05 - mean);
                atom(0.5 * x - 0.125, p)
            };
            (-60..=60).map(of).collect()
        };
        let threshold = discrete_cusum_threshold(&atoms(0.0), 1e6, 500);
        let delay = discrete_cusum(&atoms(0.5), threshold, 500);
        let exact = cusum_one_sided(0.25, cusum_threshold_one_sided(0.25, 1e6), 0.0, 0.5);
        assert!((delay / exact - 1.0).abs() < 0.02, "{delay} {exact}");
    }

    #[test]
    fn what_cannot_be_is_no_number() {
        assert!(discrete_cusum(&[atom(1.0, 1.0)], 0.0, 10).is_nan());
        assert!(discrete_cusum(&[atom(f64::INFINITY, 1.0)], 1.0, 10).is_nan());
        assert_eq!(discrete_cusum(&[atom(1e9, 1.0)], 1.0, 10), 1.0);
        assert_eq!(discrete_cusum(&[atom(1.0, 1.0)], 3.0, 30), 3.0);
    }
}
