//! Laws with a parameter, and endless seeded values of them: a change is another law of the same
//! kind.
//!
//! A value is a number, a flag (0 or 1) or the number of a category, most frequent first. Nothing
//! is missing. The same seed gives the same values. Not here: anything that Driftline computes of
//! them.

use driftline::model::Kind;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Exp1, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::streams::LEVELS;

/// Poisson counts above are not drawn: at a mean of 55 their chance is below 1e-40.
const COUNT_MAX: usize = 200;

/// How independent values are distributed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Law {
    /// Normal.
    Normal {
        /// Its mean.
        mean: f64,
        /// Its standard deviation.
        deviation: f64,
    },
    /// Student's t with 3 degrees of freedom, scaled to variance 1.
    StudentT3 {
        /// Its mean, in standard deviations.
        mean: f64,
    },
    /// The exponential of a normal.
    Lognormal {
        /// Standard deviation of the logarithm.
        deviation: f64,
        /// The median.
        factor: f64,
    },
    /// Exponential.
    Exponential {
        /// Its mean.
        mean: f64,
    },
    /// Flags.
    Flag {
        /// Share of true.
        share: f64,
    },
    /// [`LEVELS`] categories by Zipf's law with exponent 1, or what became of it.
    Categories(Mix),
    /// Poisson.
    Counts {
        /// Its mean.
        mean: f64,
    },
}

/// Shares of categories.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mix {
    /// Zipf's law.
    Zipf,
    /// So much of all traffic goes from the most frequent to the rarest.
    TopToRarest(f64),
    /// So much of all traffic is uniform over the categories.
    Uniform(f64),
    /// The two most frequent change places.
    Swap,
}

impl Law {
    /// The metric's kind.
    pub fn kind(self) -> Kind {
        match self {
            Law::Flag { .. } => Kind::Flag,
            Law::Categories(_) => Kind::Category,
            _ => Kind::Number,
        }
    }

    /// The chance of each whole number from 0 on; empty for continuous laws.
    fn chances(self) -> Vec<f64> {
        match self {
            Law::Flag { share } => vec![1.0 - share, share],
            Law::Categories(mix) => mix.shares(),
            Law::Counts { mean } => {
                let mut chance = (-mean).exp();
                let next = |count: usize| {
                    let this = chance;
                    chance *= mean / (count as f64 + 1.0);
                    this
                };
                (0..COUNT_MAX).map(next).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl Mix {
    fn shares(self) -> Vec<f64> {
        let weights: Vec<f64> = (1..=LEVELS).map(|rank| 1.0 / rank as f64).collect();
        let total: f64 = weights.iter().sum();
        let mut shares: Vec<f64> = weights.iter().map(|weight| weight / total).collect();
        match self {
            Mix::Zipf => {}
            Mix::TopToRarest(part) => {
                shares[0] -= part;
                shares[LEVELS - 1] += part;
            }
            Mix::Uniform(part) => shares
                .iter_mut()
                .for_each(|share| *share = (1.0 - part) * *share + part / LEVELS as f64),
            Mix::Swap => shares.swap(0, 1),
        }
        shares
    }
}

/// An endless series of values.
#[derive(Debug, Clone)]
pub struct Values {
    random: Xoshiro256PlusPlus,
    law: Law,
    /// Chance of each whole number or a smaller one; empty for continuous laws.
    below: Vec<f64>,
}

impl Values {
    /// Values of a law.
    pub fn new(law: Law, seed: u64) -> Self {
        let random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut values = Self { random, law, below: Vec::new() };
        values.change(law);
        values
    }

    /// Another law from the next value on.
    pub fn change(&mut self, law: Law) {
        let mut sum = 0.0;
        let running = |chance: f64| {
            sum += chance;
            sum
        };
        (self.law, self.below) = (law, law.chances().into_iter().map(running).collect());
    }

    /// The next value.
    pub fn draw(&mut self) -> f64 {
        match self.law {
            Law::Normal { mean, deviation } => mean + deviation * self.normal(),
            Law::StudentT3 { mean } => {
                // Its variance is 3: a normal over the root of the mean of three squares of others.
                let normal = self.normal();
                let squares: f64 = (0..3).map(|_| self.normal().powi(2)).sum();
                mean + normal / squares.sqrt()
            }
            Law::Lognormal { deviation, factor } => factor * (deviation * self.normal()).exp(),
            Law::Exponential { mean } => {
                let waiting: f64 = Exp1.sample(&mut self.random);
                mean * waiting
            }
            Law::Flag { .. } | Law::Categories(_) | Law::Counts { .. } => {
                let at: f64 = self.random.random();
                let last = self.below.len().saturating_sub(1);
                self.below.partition_point(|below| *below <= at).min(last) as f64
            }
        }
    }

    fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn information(after: Law, before: Law) -> f64 {
        let pairs = after.chances().into_iter().zip(before.chances());
        pairs.filter(|(q, _)| *q > 0.0).map(|(q, p)| q * (q / p).ln()).sum()
    }

    /// Kullback-Leibler informations that were computed elsewhere, of the changes that are
    /// simulated.
    #[test]
    fn changes_are_as_large_as_they_should_be() {
        let zipf = Law::Categories(Mix::Zipf);
        for (after, before, wanted) in [
            (Law::Categories(Mix::TopToRarest(0.05)), zipf, 0.093),
            (Law::Categories(Mix::Uniform(0.1)), zipf, 0.0062),
            (Law::Categories(Mix::Uniform(0.3)), zipf, 0.052),
            (Law::Categories(Mix::Swap), zipf, 0.077),
            (Law::Counts { mean: 12.0 }, Law::Counts { mean: 10.0 }, 0.188),
            (Law::Counts { mean: 55.0 }, Law::Counts { mean: 50.0 }, 0.242),
            (Law::Flag { share: 0.02 }, Law::Flag { share: 0.01 }, 0.0039),
        ] {
            let got = information(after, before);
            assert!((got / wanted - 1.0).abs() < 0.03, "{after:?}: {got}, not {wanted}");
        }
    }

    #[test]
    fn laws_have_the_moments_they_say() {
        for (law, mean, variance) in [
            (Law::StudentT3 { mean: 0.5 }, 0.5, None),
            (Law::Normal { mean: 1.0, deviation: 2.0 }, 1.0, Some(4.0)),
            (Law::Exponential { mean: 3.0 }, 3.0, Some(9.0)),
            (Law::Counts { mean: 10.0 }, 10.0, Some(10.0)),
            (Law::Flag { share: 0.01 }, 0.01, Some(0.0099)),
        ] {
            let mut values = Values::new(law, 1);
            let drawn: Vec<f64> = (0..200_000).map(|_| values.draw()).collect();
            let n = drawn.len() as f64;
            let m = drawn.iter().sum::<f64>() / n;
            let v = drawn.iter().map(|x| (x - m) * (x - m)).sum::<f64>() / n;
            assert!((m - mean).abs() < 0.02 * mean.max(0.5), "{law:?}: mean {m}");
            if let Some(wanted) = variance {
                assert!((v / wanted - 1.0).abs() < 0.05, "{law:?}: variance {v}");
            }
        }
    }
}
