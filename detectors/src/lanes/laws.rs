//! The two laws of a lane: its null hypothesis, at the edge of the indifference zone, and its alternative.

use super::lane::{Lane, RARE_RATIO};
use crate::baseline::Zone;
use crate::math::special::scale_odds;

/// Share that a code which the baseline hardly knows is looked for at, at least.
const RARE_SHARE: f64 = 0.01;
/// Share of some codes together.
pub(super) fn within(p: &[f64], codes: &[u8]) -> f64 {
    codes.iter().filter_map(|c| p.get(usize::from(*c))).sum()
}

/// Null at the edge of the zone, and alternative, of a lane. `events`: what `p` rests on, and how many
/// of the lane's kind were missed.
pub(super) fn pair(
    lane: &Lane,
    p: &[f64],
    scores: &[f64],
    ordered: usize,
    zone: Zone,
    (events, missed): (f64, f64),
) -> (Vec<f64>, Vec<f64>) {
    match lane {
        Lane::Location(a) => {
            let edge = zone.sigma.min(a.abs()) * a.signum();
            (tilt(p, ordered, |c| edge * scores[c]), tilt(p, ordered, |c| a * scores[c]))
        }
        Lane::Scale(a) => {
            // exp(a z^2) turns the variance of a normal law into 1 / (1 - 2a).
            let deviation = if *a > 0.0 { 1.0 + zone.sigma } else { 1.0 / (1.0 + zone.sigma) };
            let edge = (1.0 - 1.0 / (deviation * deviation)) / 2.0;
            let edge = if edge.abs() < a.abs() { edge } else { *a };
            let square = |c: usize| scores[c] * scores[c] - 1.0;
            (tilt(p, ordered, |c| edge * square(c)), tilt(p, ordered, |c| a * square(c)))
        }
        Lane::Share { codes, ratio } => {
            let share = within(p, codes);
            let edge = if *ratio > 1.0 { 1.0 + zone.odds } else { 1.0 / (1.0 + zone.odds) };
            let mut null = scale_odds(share, edge);
            let mut alternative = scale_odds(share, *ratio);
            if *ratio >= RARE_RATIO {
                null = null.max((share + missed / events).min(0.5));
                alternative =
                    alternative.max(share + RARE_SHARE * (1.0 - share)).max(scale_odds(null, 2.0));
            }
            (with_share(p, codes, share, null), with_share(p, codes, share, alternative))
        }
        Lane::OneOf | Lane::Learned => (p.to_vec(), p.to_vec()),
    }
}

/// Standard deviation of an event's evidence under `p`. A tempered lane's evidence varies by `1 /
/// temper` more than that of independent events: dependence is what it is tempered for.
pub(super) fn spread_of(p: &[f64], evidence: impl Fn(usize) -> f64, temper: f64) -> f64 {
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

/// The codes' common share set to `wanted`, proportions within and without kept.
pub(super) fn with_share(p: &[f64], codes: &[u8], share: f64, wanted: f64) -> Vec<f64> {
    let (inside, outside) = (wanted / share, (1.0 - wanted) / (1.0 - share));
    let factor =
        |c: usize| if codes.iter().any(|x| usize::from(*x) == c) { inside } else { outside };
    p.iter().enumerate().map(|(c, p)| p * factor(c)).collect()
}
