//! Growth of variance: how much more sums over many ticks vary than single ticks do.
//!
//! Where ticks are independent, a sum over 32 of them varies 32 times as much as one. Where tenants come
//! and go or a cache warms up, it varies more, and evidence that adds up over minutes must count less. A
//! baseline of an hour has few such sums. So what is learned of one metric in all series of a pipeline is
//! pooled ([`PooledDependence`]): a series is shrunk to what is usual for its metric (empirical Bayes), as
//! far as its own sums are too few. Series of one metric are taken to be exchangeable in how dependent
//! their ticks are.

use serde::{Deserialize, Serialize};

/// Spans of 2, 4 .. 32 ticks.
const BASELINE_SPANS: usize = 5;
/// Fewest sums of a span that say anything about one series.
const SUMS_MIN: f64 = 10.0;
/// Standard normal deviations by which a longer span must stand out: that of all lanes together ...
pub(crate) const POOLED_DEVIATIONS: f64 = 3.0;
/// ... and of one among many.
pub(crate) const LANE_DEVIATIONS: f64 = 3.5;
/// Below this part of the variance of independent events a lane's ticks do not vary.
pub(crate) const VARIANCE_RATIO_MIN: f64 = 0.1;
/// Sums that the other series count for, at most.
const POOL_SUMS_MAX: f64 = 40.0;
/// Largest ratio that one series adds to the pool.
const RATIO_MAX: f64 = 16.0;
/// Most that is added for what is longer than the longest span.
const BEYOND_MAX: f64 = 4.0;
/// Fixed point of sums over series: they are whole numbers, so that their order does not show.
const FIXED_POINT: f64 = 1024.0;

/// The evidence of one tick in a lane, less its mean, and its variance were events independent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TickDeviation {
    pub(crate) deviation: f64,
    pub(crate) variance: f64,
}

/// How much sums over many ticks vary.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Growth {
    /// Variance of the sums over that of independent ticks.
    pub(crate) ratio: f64,
    /// Number of sums that it was estimated from.
    pub(crate) sums: f64,
}

impl Growth {
    const NONE: Self = Self { ratio: 1.0, sums: 0.0 };

    pub(crate) fn or_larger(self, other: Self) -> Self {
        if other.ratio > self.ratio { other } else { self }
    }
}

/// How much the sums of a series vary, span by span.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VarianceGrowth {
    /// Variance of single ticks over that of independent events.
    tick_ratio: f64,
    /// What the kurtosis of independent ticks, of few rare events each, adds to the noise of a ratio.
    noise: f64,
    /// Of sums over 2, 4 .. 32 ticks.
    spans: [Growth; BASELINE_SPANS],
}

impl VarianceGrowth {
    const UNKNOWN: Self =
        Self { tick_ratio: 0.0, noise: 0.0, spans: [Growth::NONE; BASELINE_SPANS] };

    /// That of a lane's ticks in their order, which have an `excess` kurtosis where events are independent.
    pub(crate) fn from_ticks(ticks: &[TickDeviation], excess: f64) -> Self {
        let ratio = |span: usize| {
            let (mut seen, mut expected) = (0.0, 0.0);
            for ticks in ticks.chunks_exact(span) {
                let deviation: f64 = ticks.iter().map(|tick| tick.deviation).sum();
                seen += deviation * deviation;
                expected += ticks.iter().map(|tick| tick.variance).sum::<f64>();
            }
            if expected > 0.0 { seen / expected } else { 1.0 }
        };
        let tick_ratio = ratio(1);
        let noise = excess / (ticks.len() as f64).max(1.0);
        let mut growth = Self { tick_ratio, noise, ..Self::UNKNOWN };
        if !growth.is_informative() {
            return growth;
        }
        for (at, span) in growth.spans.iter_mut().enumerate() {
            let sums = ticks.len() >> (at + 1);
            if sums > 1 {
                *span = Growth { ratio: ratio(2 << at) / tick_ratio, sums: sums as f64 };
            }
        }
        growth
    }

    /// That of all lanes of a series together: one lane may show what another misses by chance.
    pub(crate) fn pooled(lanes: &[Self]) -> Self {
        let informative = || lanes.iter().filter(|lane| lane.is_informative());
        let total: f64 = informative().map(|lane| lane.tick_ratio).sum();
        if total <= 0.0 {
            return Self::UNKNOWN;
        }
        let lanes = informative().count() as f64;
        let noise = informative().map(|lane| lane.noise).sum::<f64>() / lanes;
        let mut pooled = Self { tick_ratio: total / lanes, noise, ..Self::UNKNOWN };
        for (at, span) in pooled.spans.iter_mut().enumerate() {
            let sum: f64 = informative().map(|lane| lane.spans[at].ratio * lane.tick_ratio).sum();
            let sums = informative().map(|lane| lane.spans[at].sums).fold(0.0, f64::max);
            *span = Growth { ratio: sum / total, sums };
        }
        pooled
    }

    /// Whether ticks vary at all: what never happens says nothing.
    fn is_informative(&self) -> bool {
        self.tick_ratio > VARIANCE_RATIO_MIN
    }

    /// Variance of single ticks over that of independent events.
    pub(crate) fn tick_ratio(&self) -> f64 {
        self.tick_ratio
    }

    /// Shrunk to what is usual for the metric.
    pub(crate) fn shrunk_to(mut self, pool: &PooledDependence) -> Self {
        if !self.is_informative() {
            return self;
        }
        for (own, other) in self.spans.iter_mut().zip(pool.means()) {
            let weight = other.sums.min(POOL_SUMS_MAX);
            let sums = own.sums + weight;
            if sums > 0.0 {
                *own = Growth { ratio: (own.ratio * own.sums + other.ratio * weight) / sums, sums };
            }
        }
        self
    }

    /// The largest growth of a lane that stands out from chance.
    pub(crate) fn of_lane(&self) -> Growth {
        self.significant(LANE_DEVIATIONS)
    }

    /// The same of [`VarianceGrowth::pooled`] ones.
    pub(crate) fn of_all_lanes(&self) -> Growth {
        self.significant(POOLED_DEVIATIONS)
    }

    fn significant(&self, deviations: f64) -> Growth {
        let mut growth = Growth::NONE;
        let known: Vec<Growth> =
            self.spans.iter().copied().take_while(|span| span.sums >= SUMS_MIN).collect();
        for (at, &Growth { ratio, sums }) in known.iter().enumerate() {
            let freedom = 2.0 / (2.0 / sums + self.noise);
            if ratio <= variance_ratio_quantile(freedom, deviations) || ratio <= growth.ratio {
                continue;
            }
            // Where it still grows at the longest span, it goes on growing beyond.
            let before = at.checked_sub(2).map_or(1.0, |at| known[at].ratio);
            let beyond = match at + 1 == known.len() {
                true => (ratio / before.max(1.0)).clamp(1.0, BEYOND_MAX),
                false => 1.0,
            };
            growth = Growth { ratio: ratio * beyond, sums };
        }
        growth
    }
}

/// Quantile of a ratio of variances with `freedom` degrees of freedom, at that of a standard normal
/// `deviations` (Wilson, Hilferty 1931): few sums have a long upper tail.
pub(crate) fn variance_ratio_quantile(freedom: f64, deviations: f64) -> f64 {
    let unit = 2.0 / (9.0 * freedom.max(1.0));
    let root = 1.0 - unit + deviations * libm::sqrt(unit);
    root * root * root
}

/// The variance growth of one metric, over all series that have learned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PooledDependence {
    #[serde(rename = "times")]
    spans: [PooledSpan; BASELINE_SPANS],
}

/// A span over all series, in units of 1 / [`FIXED_POINT`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct PooledSpan {
    /// Sum of the ratios, weighted by their sums.
    weighted_ratio: u64,
    sums: u64,
}

impl PooledDependence {
    /// Adds a series.
    pub fn add(&mut self, series: &VarianceGrowth) {
        if !series.is_informative() {
            return;
        }
        for (all, own) in self.spans.iter_mut().zip(&series.spans) {
            let own = PooledSpan::new(own);
            all.weighted_ratio = all.weighted_ratio.saturating_add(own.weighted_ratio);
            all.sums = all.sums.saturating_add(own.sums);
        }
    }

    /// All but one series that was added.
    pub fn without(&self, series: &VarianceGrowth) -> Self {
        let mut others = self.clone();
        if series.is_informative() {
            for (all, own) in others.spans.iter_mut().zip(&series.spans) {
                let own = PooledSpan::new(own);
                all.weighted_ratio = all.weighted_ratio.saturating_sub(own.weighted_ratio);
                all.sums = all.sums.saturating_sub(own.sums);
            }
        }
        others
    }

    fn means(&self) -> [Growth; BASELINE_SPANS] {
        self.spans.map(|PooledSpan { weighted_ratio, sums }| match sums {
            0 => Growth::NONE,
            _ => Growth {
                ratio: weighted_ratio as f64 / sums as f64,
                sums: sums as f64 / FIXED_POINT,
            },
        })
    }
}

impl PooledSpan {
    /// What a series adds.
    fn new(Growth { ratio, sums }: &Growth) -> Self {
        Self {
            weighted_ratio: (ratio.min(RATIO_MAX) * sums * FIXED_POINT) as u64,
            sums: (sums * FIXED_POINT) as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::noise::uniform as wave;

    fn spans(ticks: usize, off: impl Fn(usize) -> f64) -> VarianceGrowth {
        let ticks: Vec<TickDeviation> =
            (0..ticks).map(|i| TickDeviation { deviation: off(i), variance: 1.0 }).collect();
        VarianceGrowth::from_ticks(&ticks, 0.0)
    }

    #[test]
    fn dependence_within_ticks_is_single_and_between_ticks_is_growth() {
        let plain = spans(1000, wave);
        assert!((plain.tick_ratio() - 1.0).abs() < 0.1);
        assert_eq!(plain.of_lane().ratio, 1.0);
        let within = spans(1000, |i| 2.0 * wave(i));
        assert!((within.tick_ratio() - 4.0).abs() < 0.4);
        assert_eq!(within.of_lane().ratio, 1.0);
        // Four ticks in a row are alike.
        let between = spans(1000, |i| wave(i / 4)).of_lane().ratio;
        assert!(between > 3.0 && between < 5.5, "{between}");
        // Sixty: beyond the longest span it goes on.
        let slow = spans(1000, |i| wave(i / 60)).of_lane().ratio;
        assert!(slow > 32.0, "{slow}");
    }

    #[test]
    fn what_never_happens_tells_nothing() {
        let constant = spans(1000, |_| -0.01);
        assert_eq!(constant.of_lane().ratio, 1.0);
        let pooled = VarianceGrowth::pooled(&[constant, spans(1000, wave)]);
        assert_eq!(pooled, VarianceGrowth::pooled(&[spans(1000, wave)]));
    }

    #[test]
    fn a_series_is_no_sibling_of_itself() {
        let (own, other) = (spans(200, |i| wave(i / 10)), spans(200, |i| wave(i + 500)));
        let mut all = PooledDependence::default();
        all.add(&own);
        assert_eq!(all.without(&own), PooledDependence::default());
        let (mut both, mut one) = (all, PooledDependence::default());
        both.add(&other);
        one.add(&other);
        assert_eq!(both.without(&own), one);
    }

    /// A series of 64 ticks, which cannot tell by itself, among others of its metric.
    #[test]
    fn a_series_is_drawn_to_its_metric() {
        let (calm, slow) = (spans(64, wave), |from: usize| spans(64, |i| wave((from + i) / 30)));
        let (mut still, mut moving) = (PooledDependence::default(), PooledDependence::default());
        for number in 0..20 {
            still.add(&spans(64, |i| wave(1000 * number + i)));
            moving.add(&slow(1000 * number));
        }
        assert_eq!(calm.of_lane().ratio, 1.0);
        assert_eq!(calm.shrunk_to(&still).of_lane().ratio, 1.0);
        assert!(calm.shrunk_to(&moving).of_lane().ratio > 4.0);
        // One that is off by chance is drawn back.
        let unlucky = spans(128, |i| wave(i) + 0.6);
        assert!(unlucky.of_lane().ratio > 1.0, "{unlucky:?}");
        assert!(unlucky.shrunk_to(&still).of_lane().ratio < unlucky.of_lane().ratio);
    }
}
