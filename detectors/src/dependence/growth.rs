//! Spans: how much more sums over many ticks vary than single ticks do.
//!
//! Where ticks are independent, a sum over 32 of them varies 32 times as much as one. Where tenants come
//! and go or a cache warms up, it varies more, and evidence that adds up over minutes must count less. A
//! baseline of an hour has few such sums. So what is learned of one metric in all series of a pipeline is
//! put together ([`Siblings`]): a series is drawn to what is usual for its metric (empirical Bayes), as far
//! as it cannot tell for itself. What is exchangeable: series of one metric, as to how dependent ticks are.

use serde::{Deserialize, Serialize};

/// Spans of 2, 4 .. 32 ticks.
const SPANS: usize = 5;
/// Sums that a span needs to tell anything of a series by itself.
const SUMS_MIN: f64 = 10.0;
/// Standard normal deviations by which a longer span must stand out: that of all lanes together ...
pub(crate) const CHANCE: f64 = 3.0;
/// ... and of one among many.
pub(crate) const CHANCE_OF_ONE: f64 = 3.5;
/// Below this part of the variance of independent events a lane's ticks do not vary.
pub(crate) const TOLD_MIN: f64 = 0.1;
/// Sums that the other series count for, at most.
const SIBLINGS_SUMS: f64 = 40.0;
/// Most that a longer span is taken to add in one series, where it is put together with others.
const TIMES_MAX: f64 = 16.0;
/// Most that is added for what is longer than the longest span.
const BEYOND_MAX: f64 = 4.0;
/// Fixed point of sums over series: they are whole numbers, so that their order does not show.
const UNIT: f64 = 1024.0;

/// One tick in a lane: what its evidence is off by, and its variance were events independent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TickDeviation {
    pub(crate) off: f64,
    pub(crate) variance: f64,
}

/// How much the sums of a series vary, span by span.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spans {
    /// Variance of single ticks over that of independent events.
    single: f64,
    /// What the kurtosis of independent ticks, of few rare events each, adds to the noise of a ratio.
    noise: f64,
    /// How many times as much sums over 2, 4 .. ticks vary for each tick, and how many sums there were.
    times: [(f64, f64); SPANS],
}

/// How many times as much sums over many ticks vary as single ones do, and how many sums tell so.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Growth {
    pub(crate) times: f64,
    pub(crate) sums: f64,
}

impl Spans {
    const UNTOLD: Self = Self { single: 0.0, noise: 0.0, times: [(1.0, 0.0); SPANS] };

    /// Of a lane's ticks in their order, which have an `excess` kurtosis where events are independent.
    pub(crate) fn of(ticks: &[TickDeviation], excess: f64) -> Self {
        let ratio = |span: usize| {
            let (mut seen, mut expected) = (0.0, 0.0);
            for ticks in ticks.chunks_exact(span) {
                let off: f64 = ticks.iter().map(|tick| tick.off).sum();
                seen += off * off;
                expected += ticks.iter().map(|tick| tick.variance).sum::<f64>();
            }
            if expected > 0.0 { seen / expected } else { 1.0 }
        };
        let single = ratio(1);
        let noise = excess / (ticks.len() as f64).max(1.0);
        let mut spans = Self { single, noise, ..Self::UNTOLD };
        if !spans.is_told() {
            return spans;
        }
        for (at, times) in spans.times.iter_mut().enumerate() {
            let sums = ticks.len() >> (at + 1);
            if sums > 1 {
                *times = (ratio(2 << at) / single, sums as f64);
            }
        }
        spans
    }

    /// All lanes of a series together: what one of them cannot tell from chance, and another did not
    /// happen to meet.
    pub(crate) fn pooled(lanes: &[Self]) -> Self {
        let told = || lanes.iter().filter(|lane| lane.is_told());
        let single: f64 = told().map(|lane| lane.single).sum();
        if single <= 0.0 {
            return Self::UNTOLD;
        }
        let lanes = told().count() as f64;
        let noise = told().map(|lane| lane.noise).sum::<f64>() / lanes;
        let mut pooled = Self { single: single / lanes, noise, ..Self::UNTOLD };
        for (at, times) in pooled.times.iter_mut().enumerate() {
            let sum: f64 = told().map(|lane| lane.times[at].0 * lane.single).sum();
            let sums = told().map(|lane| lane.times[at].1).fold(0.0, f64::max);
            *times = (sum / single, sums);
        }
        pooled
    }

    /// Whether ticks vary at all: what never happens tells nothing.
    fn is_told(&self) -> bool {
        self.single > TOLD_MIN
    }

    /// That of single ticks.
    pub(crate) fn single(&self) -> f64 {
        self.single
    }

    /// Drawn to what is usual for the metric.
    pub(crate) fn with(mut self, siblings: &Siblings) -> Self {
        if !self.is_told() {
            return self;
        }
        for (own, other) in self.times.iter_mut().zip(siblings.times()) {
            let weight = other.1.min(SIBLINGS_SUMS);
            let sums = own.1 + weight;
            if sums > 0.0 {
                *own = ((own.0 * own.1 + other.0 * weight) / sums, sums);
            }
        }
        self
    }

    /// What longer spans add, as far as it stands out from chance.
    pub(crate) fn growth(&self) -> Growth {
        self.beyond(CHANCE_OF_ONE)
    }

    /// The same of [`Spans::pooled`] ones.
    pub(crate) fn growth_of_all(&self) -> Growth {
        self.beyond(CHANCE)
    }

    fn beyond(&self, chance: f64) -> Growth {
        let mut growth = Growth { times: 1.0, sums: 0.0 };
        let told: Vec<(f64, f64)> =
            self.times.iter().copied().take_while(|(_, sums)| *sums >= SUMS_MIN).collect();
        for (at, &(times, sums)) in told.iter().enumerate() {
            let free = 2.0 / (2.0 / sums + self.noise);
            if times <= by_chance(free, chance) || times <= growth.times {
                continue;
            }
            // Where it still grows at the longest span, it goes on growing beyond.
            let before = at.checked_sub(2).map_or(1.0, |at| told[at].0);
            let beyond = match at + 1 == told.len() {
                true => (times / before.max(1.0)).clamp(1.0, BEYOND_MAX),
                false => 1.0,
            };
            growth = Growth { times: times * beyond, sums };
        }
        growth
    }
}

/// What a ratio of variances of `free` degrees of freedom is not above but for chance, so many standard
/// normal deviations out (Wilson, Hilferty 1931): few sums have a long upper tail.
pub(crate) fn by_chance(free: f64, deviations: f64) -> f64 {
    let unit = 2.0 / (9.0 * free.max(1.0));
    let root = 1.0 - unit + deviations * libm::sqrt(unit);
    root * root * root
}

impl Growth {
    pub(crate) fn most(self, other: Self) -> Self {
        if other.times > self.times { other } else { self }
    }
}

/// What is known of one metric's spans over all series that have learned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Siblings {
    /// Span by span: sum of how many times as much they vary, weighed by sums, and the sums; in
    /// [`UNIT`].
    times: [(u64, u64); SPANS],
}

impl Siblings {
    /// One more series.
    pub fn add(&mut self, spans: &Spans) {
        if !spans.is_told() {
            return;
        }
        for (all, own) in self.times.iter_mut().zip(in_units(spans)) {
            (all.0, all.1) = (all.0.saturating_add(own.0), all.1.saturating_add(own.1));
        }
    }

    /// All but one that was added.
    pub fn without(&self, spans: &Spans) -> Self {
        let mut others = self.clone();
        if spans.is_told() {
            for (all, own) in others.times.iter_mut().zip(in_units(spans)) {
                (all.0, all.1) = (all.0.saturating_sub(own.0), all.1.saturating_sub(own.1));
            }
        }
        others
    }

    fn times(&self) -> [(f64, f64); SPANS] {
        self.times.map(|(times, sums)| match sums {
            0 => (1.0, 0.0),
            _ => (times as f64 / sums as f64, sums as f64 / UNIT),
        })
    }
}

/// What a series adds.
fn in_units(spans: &Spans) -> [(u64, u64); SPANS] {
    spans
        .times
        .map(|(times, sums)| ((times.min(TIMES_MAX) * sums * UNIT) as u64, (sums * UNIT) as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::noise::uniform as wave;

    fn spans(ticks: usize, off: impl Fn(usize) -> f64) -> Spans {
        let ticks: Vec<TickDeviation> =
            (0..ticks).map(|i| TickDeviation { off: off(i), variance: 1.0 }).collect();
        Spans::of(&ticks, 0.0)
    }

    #[test]
    fn dependence_within_ticks_is_single_and_between_ticks_is_growth() {
        let plain = spans(1000, wave);
        assert!((plain.single() - 1.0).abs() < 0.1);
        assert_eq!(plain.growth().times, 1.0);
        let within = spans(1000, |i| 2.0 * wave(i));
        assert!((within.single() - 4.0).abs() < 0.4);
        assert_eq!(within.growth().times, 1.0);
        // Four ticks in a row are alike.
        let between = spans(1000, |i| wave(i / 4)).growth().times;
        assert!(between > 3.0 && between < 5.5, "{between}");
        // Sixty: beyond the longest span it goes on.
        let slow = spans(1000, |i| wave(i / 60)).growth().times;
        assert!(slow > 32.0, "{slow}");
    }

    #[test]
    fn what_never_happens_tells_nothing() {
        let constant = spans(1000, |_| -0.01);
        assert_eq!(constant.growth().times, 1.0);
        let pooled = Spans::pooled(&[constant, spans(1000, wave)]);
        assert_eq!(pooled, Spans::pooled(&[spans(1000, wave)]));
    }

    #[test]
    fn a_series_is_no_sibling_of_itself() {
        let (own, other) = (spans(200, |i| wave(i / 10)), spans(200, |i| wave(i + 500)));
        let mut all = Siblings::default();
        all.add(&own);
        assert_eq!(all.without(&own), Siblings::default());
        let (mut both, mut one) = (all, Siblings::default());
        both.add(&other);
        one.add(&other);
        assert_eq!(both.without(&own), one);
    }

    /// A series of 64 ticks, which cannot tell by itself, among others of its metric.
    #[test]
    fn a_series_is_drawn_to_its_metric() {
        let (calm, slow) = (spans(64, wave), |from: usize| spans(64, |i| wave((from + i) / 30)));
        let (mut still, mut moving) = (Siblings::default(), Siblings::default());
        for number in 0..20 {
            still.add(&spans(64, |i| wave(1000 * number + i)));
            moving.add(&slow(1000 * number));
        }
        assert_eq!(calm.growth().times, 1.0);
        assert_eq!(calm.with(&still).growth().times, 1.0);
        assert!(calm.with(&moving).growth().times > 4.0);
        // One that is off by chance is drawn back.
        let unlucky = spans(128, |i| wave(i) + 0.6);
        assert!(unlucky.growth().times > 1.0, "{unlucky:?}");
        assert!(unlucky.with(&still).growth().times < unlucky.growth().times);
    }
}
