//! Tails: how far from normal the evidence of ticks is.
//!
//! Tails heavier than normal (bursts) cost twice: the cumulants of third and fourth order enter
//! `ln E exp(t S) = 0`, and a variance is known less well: its `B` ticks count as `2 B / (2 + g)` with
//! the excess kurtosis `g`.

use super::growth::TickDeviation;

/// Below this weight of a tick, tails are too heavy for four cumulants to describe.
pub(crate) const HEAVY_TAIL_WEIGHT: f64 = 0.6;

/// Skewness and excess kurtosis of a distribution; both 0 for a constant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) skewness: f64,
    pub(crate) excess: f64,
}

impl Shape {
    /// From the second, third and fourth central moment.
    fn from_moments([second, third, fourth]: [f64; 3]) -> Self {
        if second < 1e-30 {
            return Self { skewness: 0.0, excess: 0.0 };
        }
        Self {
            skewness: third / (second * libm::sqrt(second)),
            excess: fourth / (second * second) - 3.0,
        }
    }

    /// That of one event's evidence with this `mean`, of codes with the probabilities `p`.
    pub(crate) fn of_event(p: &[f64], evidence: impl Fn(usize) -> f64, mean: f64) -> Self {
        let mut moments = [0.0; 3];
        for (code, p) in p.iter().enumerate() {
            let off = evidence(code) - mean;
            let square = off * off;
            moments[0] += p * square;
            moments[1] += p * square * off;
            moments[2] += p * square * square;
        }
        Self::from_moments(moments)
    }
}

/// How far from normal the evidence of ticks is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tail {
    skewness: f64,
    pub(crate) excess: f64,
    ticks: f64,
}

impl Tail {
    /// That of a lane's ticks.
    pub(crate) fn of_ticks(ticks: &[TickDeviation]) -> Self {
        let n = (ticks.len() as f64).max(1.0);
        let mut moments = [0.0; 3];
        for tick in ticks {
            // In standard deviations of each tick's own size, so that uneven ticks are no tail.
            let off = tick.deviation / libm::sqrt(tick.variance.max(1e-300));
            let square = off * off;
            moments[0] += square / n;
            moments[1] += square * off / n;
            moments[2] += square * square / n;
        }
        let Shape { skewness, excess } = Shape::from_moments(moments);
        Self { skewness, excess, ticks: n }
    }

    /// That of ticks of this many independent `events` of a shape.
    pub(crate) fn of_independent(Shape { skewness, excess }: Shape, events: f64) -> Self {
        Self {
            skewness: skewness / libm::sqrt(events),
            excess: excess / events,
            ticks: f64::INFINITY,
        }
    }

    /// That of ticks of this many independent `events` of which a share `p` has a code.
    pub(crate) fn of_single_code(p: f64, events: f64) -> Self {
        let moment = |k: f64| p * libm::pow(1.0 - p, k) + (1.0 - p) * libm::pow(-p, k);
        let shape = Shape::from_moments([moment(2.0), moment(3.0), moment(4.0)]);
        Self::of_independent(shape, events)
    }

    /// What exceeds another by more than two standard errors under a normal law, or of how often rare events
    /// happened to come: ticks of rare events have an excess of one over the events of a tick.
    pub(crate) fn in_excess_of(self, other: &Self) -> Self {
        let chance = |of: f64| 2.0 * libm::sqrt(of / self.ticks);
        let rare = 1.0 + chance(other.excess.max(0.0));
        Self {
            skewness: (self.skewness - other.skewness.max(0.0) * rare - chance(6.0)).max(0.0),
            excess: (self.excess - other.excess.max(0.0) * rare - chance(24.0)).max(0.0),
            ..self
        }
    }

    /// Weight of a tick in an estimate of variance, whose own variance is `(2 + excess) / n`.
    pub(crate) fn weight(self) -> f64 {
        2.0 / (2.0 + self.excess)
    }

    /// The exponent `t` with `ln E exp(t S) = 0` up to the fourth cumulant: `t D (1 + skew s / 3 + excess
    /// s^2 / 12) = 1` with the standard deviation `s` of `t S`.
    pub(crate) fn valid_exponent(self, effect: f64, ticks: &[TickDeviation]) -> f64 {
        let n = (ticks.len() as f64).max(1.0);
        let variance = ticks.iter().map(|tick| tick.variance).sum::<f64>() / n;
        let deviation = libm::sqrt(variance * effect);
        let excess = |t: f64| {
            let s = t * deviation;
            t * effect * (1.0 + self.skewness * s / 3.0 + self.excess * s * s / 12.0) - 1.0
        };
        let (mut low, mut high) = (0.0, 1.0 / effect);
        for _ in 0..30 {
            let middle = (low + high) / 2.0;
            if excess(middle) <= 0.0 { low = middle } else { high = middle }
        }
        high
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::noise::uniform as wave;

    fn ticks(offs: impl Iterator<Item = f64>) -> Vec<TickDeviation> {
        offs.map(|off| TickDeviation { deviation: off, variance: 1.0 }).collect()
    }

    #[test]
    fn bursts_are_held_against_a_lane_beyond_their_variance() {
        let quiet = ticks((0..400).map(wave));
        let none = Tail { skewness: 0.0, excess: 0.0, ticks: 1.0 };
        let tail = Tail::of_ticks(&quiet).in_excess_of(&none);
        assert_eq!(tail.weight(), 1.0);
        assert!((tail.valid_exponent(2.0, &quiet) - 0.5).abs() < 1e-6);
        let bursts = ticks((0..400).map(|i| if i % 20 == 0 { 8.0 } else { wave(i) }));
        let tail = Tail::of_ticks(&bursts).in_excess_of(&none);
        assert!(tail.weight() < 0.3, "{tail:?}");
        assert!(tail.valid_exponent(4.0, &bursts) < 0.2);
    }
}
