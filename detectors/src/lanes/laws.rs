//! The two laws of a lane: its null hypothesis, at the edge of the indifference zone, and its alternative.

use super::lane::{Lane, RARE_RATIO};
use crate::baseline::{Baseline, Zone};
use crate::math::special::scale_odds;

/// Least share under the alternative of codes that the baseline hardly knows.
const RARE_SHARE: f64 = 0.01;

/// What tables are made from: a null distribution over codes, and the baseline that it belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reference<'a> {
    pub(super) baseline: &'a Baseline,
    /// Of each code.
    pub(super) probabilities: &'a [f64],
    /// Normal score of each code.
    pub(super) scores: &'a [f64],
    /// Events that the distribution rests on.
    pub(super) events: f64,
    pub(super) zone: Zone,
}

/// Probabilities of all codes under either hypothesis of a lane.
#[derive(Debug, Clone)]
pub(super) struct Hypotheses {
    pub(super) null: Vec<f64>,
    pub(super) alternative: Vec<f64>,
}

/// How well the share that a lane looks for is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    /// Number of independent events that its estimate is worth.
    pub(super) events: f64,
    /// Events of the lane's kind that the encoder hid.
    pub(super) missed: f64,
}

impl Reference<'_> {
    /// The hypotheses of a lane. Those of lanes without a law of their own are both the null distribution.
    pub(super) fn hypotheses(&self, lane: &Lane, known: Known) -> Hypotheses {
        let (p, zone) = (self.probabilities, self.zone);
        match lane {
            Lane::Location(shift) => {
                let edge = zone.sigma.min(shift.abs()) * shift.signum();
                Hypotheses {
                    null: self.tilt(|code| edge * self.scores[code]),
                    alternative: self.tilt(|code| shift * self.scores[code]),
                }
            }
            Lane::Scale(exponent) => {
                let edge = scale_edge(*exponent, zone);
                let square = |code: usize| self.scores[code] * self.scores[code] - 1.0;
                Hypotheses {
                    null: self.tilt(|code| edge * square(code)),
                    alternative: self.tilt(|code| exponent * square(code)),
                }
            }
            Lane::Share { codes, ratio } => {
                let share = share_of(p, codes);
                let edge = if *ratio > 1.0 { 1.0 + zone.odds } else { 1.0 / (1.0 + zone.odds) };
                let mut null = scale_odds(share, edge);
                let mut alternative = scale_odds(share, *ratio);
                if *ratio >= RARE_RATIO {
                    null = null.max((share + known.missed / known.events).min(0.5));
                    alternative = alternative
                        .max(share + RARE_SHARE * (1.0 - share))
                        .max(scale_odds(null, 2.0));
                }
                Hypotheses {
                    null: with_share(p, codes, share, null),
                    alternative: with_share(p, codes, share, alternative),
                }
            }
            Lane::OneCategory | Lane::Learned => {
                Hypotheses { null: p.to_vec(), alternative: p.to_vec() }
            }
        }
    }

    fn tilt(&self, exponent: impl Fn(usize) -> f64) -> Vec<f64> {
        tilt(self.probabilities, self.baseline.encoder.ordered(), exponent)
    }
}

/// The exponent at the edge of the zone: `exp(a z^2)` turns the variance of a normal law into
/// `1 / (1 - 2a)`.
pub(super) fn scale_edge(exponent: f64, zone: Zone) -> f64 {
    let deviation = if exponent > 0.0 { 1.0 + zone.sigma } else { 1.0 / (1.0 + zone.sigma) };
    let edge = (1.0 - 1.0 / (deviation * deviation)) / 2.0;
    if edge.abs() < exponent.abs() { edge } else { exponent }
}

/// Share of some codes together.
pub(super) fn share_of(p: &[f64], codes: &[u8]) -> f64 {
    codes.iter().filter_map(|code| p.get(usize::from(*code))).sum()
}

/// Standard deviation of an event's evidence under `p`. A tempered lane's evidence varies by `1 /
/// temper` more than that of independent events: dependence is what it is tempered for.
pub(super) fn evidence_deviation(p: &[f64], evidence: impl Fn(usize) -> f64, temper: f64) -> f64 {
    let mean: f64 = p.iter().enumerate().map(|(c, p)| p * evidence(c)).sum();
    let square: f64 = p.iter().enumerate().map(|(c, p)| p * evidence(c) * evidence(c)).sum();
    libm::sqrt((square - mean * mean).max(0.0) / temper.max(1e-9))
}

/// `p exp(exponent)` over the ordered codes, scaled to their mass; the others stay.
pub(super) fn tilt(p: &[f64], ordered: usize, exponent: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut q = p.to_vec();
    (0..ordered).for_each(|c| q[c] = p[c] * libm::exp(exponent(c)));
    let scale = p[..ordered].iter().sum::<f64>() / q[..ordered].iter().sum::<f64>();
    q[..ordered].iter_mut().for_each(|q| *q *= scale);
    q
}

/// The codes' common `share` set to `wanted`, proportions within and without kept.
pub(super) fn with_share(p: &[f64], codes: &[u8], share: f64, wanted: f64) -> Vec<f64> {
    let (inside, outside) = (wanted / share, (1.0 - wanted) / (1.0 - share));
    let factor =
        |c: usize| if codes.iter().any(|x| usize::from(*x) == c) { inside } else { outside };
    p.iter().enumerate().map(|(c, p)| p * factor(c)).collect()
}
