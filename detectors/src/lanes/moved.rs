//! Where counts stand in the direction of a lane, in its own parameter; and the evidence that they stand
//! there no more.
//!
//! The parameter is the shift of the mean score, the exponent of the squared score, or the logarithm of an
//! odds ratio; of another shape, the distance of the two laws. In it a zone is an interval around 0, and the
//! way back is a straight line.

use super::lane::Lane;
use super::laws::{scale_edge, share_of, tilt, with_share};
use super::tables::Tables;
use crate::baseline::Baseline;
use crate::math::special::scale_odds;

/// Standard errors by which a state is drawn back to the zone before it is believed: those who look when a
/// change was found look when it is largest.
const SHRUNK_BY: f64 = 1.5;
/// Part of the way from the zone to a state that is held against a return: half of the way back is none.
const HELD_PART: f64 = 0.85;
/// Least distance from the zone of what is held, in the parameter of numbers, and in that of shares.
const HELD_MIN: (f64, f64) = (0.05, 0.1);
/// Largest exponent of the squared score: at a half there is no such law.
const EXPONENTS: (f64, f64) = (-4.0, 0.45);
/// Weight of the null distribution in another shape, in events.
const SHAPE_PRIOR: f64 = 100.0;

/// Where counts stand in the direction of a lane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moved {
    /// From the null distribution, in the lane's parameter.
    pub value: f64,
    /// Standard error of the counts ...
    pub own_error: f64,
    /// ... and that of the null distribution with it.
    pub error: f64,
    /// How far the zone reaches in this direction.
    pub zone: f64,
}

impl Moved {
    /// `variances`: that of the counts, and that of the null distribution.
    fn new(value: f64, zone: f64, [own, of_null]: [f64; 2]) -> Self {
        Self { value, own_error: libm::sqrt(own), error: libm::sqrt(own + of_null), zone }
    }

    /// Whether it is so many standard errors outside of the zone.
    pub fn is_outside(&self, errors: f64) -> bool {
        self.value.abs() - errors * self.error > self.zone
    }

    /// How far from the null distribution a return must take it, with the sign of the change.
    fn held(&self, least: f64) -> f64 {
        let beyond = self.value.abs() - SHRUNK_BY * self.own_error - self.zone;
        (self.zone + (HELD_PART * beyond).max(least)).copysign(self.value)
    }
}

impl Tables {
    /// Where `counts` stand in the direction of a lane of these tables.
    pub fn moved(&self, baseline: &Baseline, lane: &Lane, counts: &[u32]) -> Moved {
        match lane {
            Lane::Location(_) => self.moved_mean(baseline, counts),
            Lane::Scale(_) => self.moved_square(baseline, counts),
            Lane::Share { codes, .. } => self.moved_share(baseline, codes, counts),
            Lane::OneCategory | Lane::Learned => self.moved_shape(baseline, counts),
        }
    }

    /// A lane that says it better, where numbers are further from 0 since they have moved, not since they
    /// have spread.
    pub fn plainer(&self, baseline: &Baseline, lane: Lane, counts: &[u32]) -> Lane {
        let Lane::Scale(_) = lane else { return lane };
        let ordered = baseline.encoder.ordered();
        let (mean, square) = (self.power(ordered, counts, 1), self.power(ordered, counts, 2));
        if mean * mean >= (square - 1.0).abs() / 2.0 { Lane::Location(mean) } else { lane }
    }

    /// Mean of a power of the scores.
    fn power(&self, ordered: usize, counts: &[u32], of: i32) -> f64 {
        let sum = |(n, z): (&u32, &f64)| f64::from(*n) * libm::pow(*z, f64::from(of));
        let events = total(&counts[..ordered]).max(1.0);
        counts[..ordered].iter().zip(self.scores()).map(sum).sum::<f64>() / events
    }

    fn moved_mean(&self, baseline: &Baseline, counts: &[u32]) -> Moved {
        let ordered = baseline.encoder.ordered();
        let n = total(&counts[..ordered]).max(1.0);
        let mean = self.power(ordered, counts, 1);
        let variance = (self.power(ordered, counts, 2) - mean * mean).max(1.0 / n);
        let errors = [baseline.inflation * variance / n, 1.0 / self.events().max(1.0)];
        Moved::new(mean, self.zone().sigma, errors)
    }

    fn moved_square(&self, baseline: &Baseline, counts: &[u32]) -> Moved {
        let ordered = baseline.encoder.ordered();
        let n = total(&counts[..ordered]).max(1.0);
        let square = self.power(ordered, counts, 2).max(1.0 / n);
        let value = ((1.0 - 1.0 / square) / 2.0).max(EXPONENTS.0);
        let spread = (self.power(ordered, counts, 4) - square * square).max(square * square / n);
        let slope = 1.0 / (2.0 * square * square);
        let edge = scale_edge(f64::INFINITY.copysign(value), self.zone()).abs();
        let own = baseline.inflation * slope * slope * spread.max(1.0) / n;
        Moved::new(value, edge, [own, 1.0 / self.events().max(1.0)])
    }

    fn moved_share(&self, baseline: &Baseline, codes: &[u8], counts: &[u32]) -> Moved {
        let (n, before) = (total(counts), share_of(self.probabilities(), codes));
        let inside: f64 = codes.iter().map(|c| f64::from(counts[usize::from(*c)])).sum();
        // Drawn to the null by half an event of the rarer kind, or by as many events as there are.
        let weight = (0.5 / before.min(1.0 - before)).min(n.max(1.0));
        let (hits, misses) = (inside + weight * before, n - inside + weight * (1.0 - before));
        let value = libm::log(hits / misses) - libm::log(before / (1.0 - before));
        let own = baseline.inflation * (1.0 / hits + 1.0 / misses);
        let of_null = 1.0 / (before * (1.0 - before) * self.events().max(1.0));
        Moved::new(value, libm::log(1.0 + self.zone().odds), [own, of_null.min(1.0)])
    }

    fn moved_shape(&self, baseline: &Baseline, counts: &[u32]) -> Moved {
        let (n, p) = (total(counts).max(1.0), self.probabilities());
        let part = |(n_c, p): (&u32, &f64)| {
            let off = f64::from(*n_c) / n - p;
            off * off / p
        };
        let square = counts.iter().zip(p).map(part).sum::<f64>() - (p.len() as f64 - 1.0) / n;
        let zone = self.zone().sigma.max(self.zone().odds);
        let errors = [baseline.inflation / n, 1.0 / self.events().max(1.0)];
        Moved::new(libm::sqrt(square.max(0.0)), zone, errors)
    }

    /// Evidence of one event of each code that a change in the direction of a lane is over: that counts are
    /// at the edge of the zone, and no more on the way to where `counts` stood.
    pub fn contrary(&self, baseline: &Baseline, lane: &Lane, counts: &[u32]) -> Vec<f32> {
        let (p, zone) = (self.probabilities(), self.zone());
        let moved = self.moved(baseline, lane, counts);
        let ordered = baseline.encoder.ordered();
        let (edge, held) = match lane {
            Lane::Location(_) => {
                let at = |shift: f64| tilt(p, ordered, |c| shift * self.scores()[c]);
                (at(moved.zone.copysign(moved.value)), at(moved.held(HELD_MIN.0)))
            }
            Lane::Scale(_) => {
                let square = |c: usize| self.scores()[c] * self.scores()[c] - 1.0;
                let at = |exponent: f64| tilt(p, ordered, |c| exponent * square(c));
                let held = moved.held(HELD_MIN.0).clamp(EXPONENTS.0, EXPONENTS.1);
                (at(moved.zone.copysign(moved.value)), at(held))
            }
            Lane::Share { codes, .. } => {
                let share = share_of(p, codes);
                let at = |log_odds: f64| {
                    with_share(p, codes, share, scale_odds(share, libm::exp(log_odds)))
                };
                (at(moved.zone.copysign(moved.value)), at(moved.held(HELD_MIN.1)))
            }
            Lane::OneCategory | Lane::Learned => {
                let reach = (moved.held(HELD_MIN.1) / moved.value.max(1e-3)).min(1.0);
                let held = shape(p, counts, reach);
                let spread: f64 = held.iter().zip(p).map(|(q, p)| q * q / p).sum::<f64>() - 1.0;
                let slack = 1.0 + libm::sqrt(spread.max(0.0)) * zone.sigma.max(zone.odds);
                (p.iter().map(|p| p * slack).collect(), held)
            }
        };
        let evidence = |(edge, held): (&f64, &f64)| (libm::log(*edge) - libm::log(*held)) as f32;
        edge.iter().zip(&held).map(evidence).collect()
    }

    /// The null distribution moved to where `counts` stand, of which `usual` were to be expected; and what it
    /// rests on the number of their events.
    pub fn beside(&self, baseline: &Baseline, counts: &[u32], usual: &[f64]) -> Self {
        let events: f64 = counts.iter().map(|n| f64::from(*n)).sum::<f64>().max(1.0);
        let all = usual.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        let weight = self.codes() as f64 / 2.0;
        let p = self.probabilities();
        let moved = |code: usize| {
            let usual = (usual[code] / all).max(f64::MIN_POSITIVE);
            let now = (f64::from(counts[code]) + weight * p[code]) / (events + weight);
            // What the hour has in it stays in it.
            if usual > 0.0 && all > 1.0 { now * (p[code] / usual) } else { now }
        };
        let mut all: Vec<f64> = (0..self.codes()).map(moved).collect();
        let sum: f64 = all.iter().sum();
        all.iter_mut().for_each(|p| *p /= sum);
        Self::with_events(baseline, all, events, self.zone(), self.slack_z())
    }
}

fn total(counts: &[u32]) -> f64 {
    counts.iter().map(|n| f64::from(*n)).sum()
}

/// A distribution part of the way to that of some counts.
fn shape(p: &[f64], counts: &[u32], reach: f64) -> Vec<f64> {
    let n: f64 = counts.iter().map(|n| f64::from(*n)).sum();
    let now = |(n_c, p): (&u32, &f64)| (f64::from(*n_c) + SHAPE_PRIOR * p) / (n + SHAPE_PRIOR);
    let towards = |at: (&u32, &f64)| at.1 + reach * (now(at) - at.1);
    counts.iter().zip(p).map(towards).collect()
}
