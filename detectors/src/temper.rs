//! Tempering: how much of a lane's evidence survives dependence within and between ticks.
//!
//! Events of one pane are rarely independent (a slow replica, one tenant's batch). The baseline's own
//! ticks tell: where the evidence `S` of a tick varies `D` times as much as that of independent events
//! (its design effect, Kish 1965), a normal `S` has `E exp(t S) = 1` at `t = 1 / D`, and the lane is
//! multiplied by that. Dependence between ticks counts, too: `D` is that of sums over many ticks, as far as
//! it grows beyond chance (`spans`).
//!
//! `D` is an estimate from `B` ticks. It is drawn towards [`PRIOR_EFFECT`] with the weight of
//! [`PRIOR_TICKS`], and raised by what its error would cost: at `ln A = L` false alarms go as
//! `A^-(D_estimated / D)`, and with a chi-square of `B` degrees of freedom the mean of that is `1/A`
//! where the estimate is taken `(exp u - 1) / u` times, `u = 2 L / B`.
//!
//! Tails heavier than normal (bursts) cost twice: the cumulants of third and fourth order enter
//! `ln E exp(t S) = 0`, and a variance is known less well: its `B` ticks count as `2 B / (2 + g)` with
//! the excess kurtosis `g`. Where tails are heavier still, the mean over ticks of `exp(t S)` itself
//! must not be above 1. Ticks that made the encoder are left out: they fit it too well.
//!
//! While a series is watched, its own ticks go on telling, over longer spans, too: see `live`. Each tick
//! is judged by what the ticks before it told, so it stays an e-value.

use serde::{Deserialize, Serialize};

use crate::scalar::ORDER;
use crate::spans::{Growth, Off, Siblings, Spans};
use crate::tables::Tables;

/// Design effect that is assumed before any tick was seen ...
const PRIOR_EFFECT: f64 = 1.0;
/// ... with the weight of so many ticks.
pub(crate) const PRIOR_TICKS: f64 = 10.0;
/// Neighbouring ticks are taken to be alike by so much more than the baseline can show: an
/// autoregression of 0.5 over ticks of 50 events has 1.04, and it matters the more, the larger `A` is.
pub(crate) const ALIKE: f64 = 1.03;
/// A slow level that is held while evidence is up lets residuals be alike for a while: by so much (measured
/// with a promise of 10,000: without it false alarms were 1.04 and 1.02 of what is promised).
const LEVEL: f64 = 1.02;
/// `ln A` of a promise of usual size.
pub(crate) const LOG_PROMISE: f64 = 14.0;
/// Most that longer spans add. Few sums cannot tell ticks that are alike for long from one change within the
/// baseline: they add so much ...
const GROWN_OF_FEW: f64 = 8.0;
/// ... or for each of them so much, and what comes after that change is found in the end ...
const GROWN_BY_SUM: f64 = 0.7;
/// ... and many add this.
const GROWN_MAX: f64 = 100.0;
/// Weight of what is assumed of longer spans, in sums.
const PRIOR_SUMS: f64 = 5.0;
/// Below this a lane says nothing any more and would only dilute the others: it is switched off.
const SMALLEST: f64 = 0.0005;
/// Below this weight of a tick, tails are so heavy that four cumulants do not tell of them.
pub(crate) const HEAVY: f64 = 0.6;
/// Fewer ticks than this say nothing about a design effect that is told to people.
const TICKS_MIN: usize = 20;

/// What ticks tell about dependence in a lane.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Dependence {
    /// Variance of single ticks over that of independent events.
    pub effect: f64,
    /// Weight of a tick in an estimate of variance: 1 for a normal law, less for one with heavy tails.
    pub weight: f64,
    /// How many times as much sums over many ticks vary: 1 where ticks are independent ...
    pub growth: f64,
    /// ... as so many sums tell.
    pub sums: f64,
}

/// What baseline ticks tell about each fixed lane.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tempering {
    /// `t`, in 0..=1; 0 switches a lane off.
    pub factors: Vec<f64>,
    /// What it rests on.
    pub dependence: Vec<Dependence>,
}

/// Tempering of each fixed lane.
///
/// `panes`: the code counts of baseline ticks in their order, each as pairs of code and count.
/// `tables`: untempered tables for the tick's place in the season; `tables(0)` always exists. `siblings`:
/// what is known of the metric's other series.
pub fn temper<'a>(
    panes: &[Vec<(u8, u32)>],
    tables: impl Fn(usize) -> &'a Tables,
    siblings: &Siblings,
) -> Tempering {
    let mut tempering = Tempering::default();
    let lanes: Vec<Ticks> =
        (0..tables(0).fixed()).map(|at| Ticks::of(panes, &tables, at)).collect();
    let each: Vec<Spans> = lanes.iter().map(Ticks::spans).collect();
    let pooled = Spans::pooled(&each).with(siblings).growth_of_all();
    for (lane, (Ticks { ticks, independent }, spans)) in lanes.iter().zip(&each).enumerate() {
        let single = drawn(spans.single(), ticks.len(), independent.excess);
        let Growth { times, sums } = spans.with(siblings).growth().most(pooled);
        let tail = Tail::of(ticks).beyond(independent);
        let raised = single
            * grown(times, sums, LOG_PROMISE)
            * ALIKE
            * error_factor(LOG_PROMISE, tail.weight() * ticks.len() as f64 + PRIOR_TICKS);
        let mut factor = tail.factor(raised, ticks).min(1.0);
        if tail.weight() < HEAVY {
            factor = held(&evidence(ticks, tables(0).means()[lane], panes), factor);
        }
        let weight = tail.weight();
        tempering.factors.push(if factor < SMALLEST { 0.0 } else { factor });
        tempering.dependence.push(Dependence { effect: single, weight, growth: times, sums });
    }
    tempering
}

/// How much sums over the ticks of a series vary, all lanes together. Arguments as for [`temper`].
pub fn spans<'a>(panes: &[Vec<(u8, u32)>], tables: impl Fn(usize) -> &'a Tables) -> Spans {
    let of_lane = |lane| Ticks::of(panes, &tables, lane).spans();
    Spans::pooled(&(0..tables(0).fixed()).map(of_lane).collect::<Vec<_>>())
}

/// The effect of single ticks, drawn towards what is assumed. Where independent ticks have an `excess`
/// kurtosis, as those of few rare events have, each tells less of variance.
pub(crate) fn drawn(effect: f64, ticks: usize, excess: f64) -> f64 {
    let weight = ticks as f64 * 2.0 / (2.0 + excess.max(0.0));
    (effect * weight + PRIOR_EFFECT * PRIOR_TICKS) / (weight + PRIOR_TICKS)
}

/// The ticks of a series in one lane, and how far from normal they would be were events independent.
struct Ticks {
    ticks: Vec<Off>,
    independent: Tail,
}

impl Ticks {
    fn of<'a>(
        panes: &[Vec<(u8, u32)>],
        tables: &impl Fn(usize) -> &'a Tables,
        lane: usize,
    ) -> Self {
        let ticks = panes.iter().enumerate().map(|(i, pane)| off(pane, tables(i), lane)).collect();
        Self { ticks, independent: Tail::of_independent(tables(0), lane, panes) }
    }

    fn spans(&self) -> Spans {
        Spans::of(&self.ticks, self.independent.excess.max(0.0))
    }
}

impl Tempering {
    /// Of ticks that are one residual each, of which nothing is known but that there were so many: the
    /// ticks that are watched tell the rest.
    pub fn of_residuals(lanes: usize, ticks: f64) -> Self {
        // The autoregression is an estimate, too: what is left of slow waves has a relative error of the
        // variance 4 p / n (Berk 1974, at the frequency 0), and the mean of A^error is to be paid.
        let lags = 1.0 + 2.0 * ORDER as f64 * LOG_PROMISE / ticks.max(1.0);
        let factor = 1.0 / (ALIKE * LEVEL * lags * error_factor(LOG_PROMISE, ticks + PRIOR_TICKS));
        let dependence = Dependence { effect: 1.0, weight: 1.0, growth: 1.0, sums: 0.0 };
        Self { factors: vec![factor; lanes], dependence: vec![dependence; lanes] }
    }
}

/// A tick in a lane.
fn off(pane: &[(u8, u32)], tables: &Tables, lane: usize) -> Off {
    let n: f64 = pane.iter().map(|(_, n)| f64::from(*n)).sum();
    let sum: f64 = pane.iter().map(|(c, n)| f64::from(*n) * tables.at(usize::from(*c), lane)).sum();
    let spread = tables.spreads()[lane];
    Off { off: sum - n * tables.means()[lane], variance: n * spread * spread }
}

/// What an effect is to be multiplied by where sums grow so much, as so many sums tell.
pub(crate) fn grown(growth: f64, sums: f64, log_promise: f64) -> f64 {
    let most = (GROWN_BY_SUM * sums).clamp(GROWN_OF_FEW, GROWN_MAX);
    (1.0 + (growth - 1.0) * error_factor(log_promise, sums + PRIOR_SUMS)).min(most)
}

/// How many times its estimate from `ticks` a design effect is to be taken at `log_promise`.
pub(crate) fn error_factor(log_promise: f64, ticks: f64) -> f64 {
    let u = (2.0 * log_promise / ticks).clamp(1e-9, 20.0);
    libm::expm1(u) / u
}

/// Evidence of each tick, before tempering.
pub(crate) fn evidence(ticks: &[Off], mean: f64, panes: &[Vec<(u8, u32)>]) -> Vec<f64> {
    let events = |pane: &Vec<(u8, u32)>| pane.iter().map(|(_, n)| f64::from(*n)).sum::<f64>();
    ticks.iter().zip(panes).map(|(tick, pane)| tick.off + mean * events(pane)).collect()
}

/// The largest factor up to `most` at which the mean over ticks of `exp(t S)` is at most 1. It is
/// convex in `t` and 1 at 0, so where it is at most 1 is an interval that starts at 0.
pub(crate) fn held(sums: &[f64], most: f64) -> f64 {
    let fits = |t: f64| {
        let sum: f64 = sums.iter().map(|s| libm::exp((t * s).min(600.0))).sum();
        sum <= sums.len() as f64
    };
    if fits(most) {
        return most;
    }
    let (mut low, mut high) = (0.0, most);
    for _ in 0..20 {
        let middle = (low + high) / 2.0;
        if fits(middle) { low = middle } else { high = middle }
    }
    low
}

/// Skewness and excess kurtosis from the second, third and fourth central moment; none of a constant.
fn of_moments([second, third, fourth]: [f64; 3]) -> (f64, f64) {
    if second < 1e-30 {
        return (0.0, 0.0);
    }
    (third / (second * libm::sqrt(second)), fourth / (second * second) - 3.0)
}

/// Skewness and excess kurtosis of one event's evidence, of codes with the probabilities `p`.
pub(crate) fn shape(p: &[f64], evidence: impl Fn(usize) -> f64, mean: f64) -> (f64, f64) {
    let mut moments = [0.0; 3];
    for (code, p) in p.iter().enumerate() {
        let off = evidence(code) - mean;
        let square = off * off;
        moments[0] += p * square;
        moments[1] += p * square * off;
        moments[2] += p * square * square;
    }
    of_moments(moments)
}

/// How far from normal ticks are: skewness and excess kurtosis.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tail {
    skewness: f64,
    pub(crate) excess: f64,
    ticks: f64,
}

impl Tail {
    pub(crate) fn of(ticks: &[Off]) -> Self {
        let n = (ticks.len() as f64).max(1.0);
        let mut moments = [0.0; 3];
        for tick in ticks {
            // In standard deviations of each tick's own size, so that uneven ticks are no tail.
            let off = tick.off / libm::sqrt(tick.variance.max(1e-300));
            let square = off * off;
            moments[0] += square / n;
            moments[1] += square * off / n;
            moments[2] += square * square / n;
        }
        let (skewness, excess) = of_moments(moments);
        Self { skewness, excess, ticks: n }
    }

    /// That of ticks of so many independent events of which a share `p` has a code.
    pub(crate) fn of_one(p: f64, events: f64) -> Self {
        let moment = |k: f64| p * libm::pow(1.0 - p, k) + (1.0 - p) * libm::pow(-p, k);
        let (skewness, excess) = of_moments([moment(2.0), moment(3.0), moment(4.0)]);
        Self {
            skewness: skewness / libm::sqrt(events),
            excess: excess / events,
            ticks: f64::INFINITY,
        }
    }

    /// That of ticks of as many independent events: a log-likelihood ratio is skewed by itself, and its
    /// `E exp(S) = 1` has allowed for that.
    fn of_independent(tables: &Tables, lane: usize, panes: &[Vec<(u8, u32)>]) -> Self {
        let mean = tables.means()[lane];
        let (skewness, excess) = shape(tables.probabilities(), |code| tables.at(code, lane), mean);
        let events: u64 = panes.iter().flatten().map(|(_, n)| u64::from(*n)).sum();
        let events = (events as f64 / panes.len().max(1) as f64).max(1.0);
        Self {
            skewness: skewness / libm::sqrt(events),
            excess: excess / events,
            ticks: f64::INFINITY,
        }
    }

    /// What is beyond another, by more than two standard errors under a normal law, or of how often what is
    /// rare happened to come: ticks of rare events have an excess of one over the events of a tick.
    pub(crate) fn beyond(self, other: &Self) -> Self {
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

    /// `t` with `ln E exp(t S) = 0` up to the fourth cumulant: `t D (1 + skew s / 3 + excess s^2 / 12)
    /// = 1` with the standard deviation `s` of `t S`.
    pub(crate) fn factor(self, effect: f64, ticks: &[Off]) -> f64 {
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

/// How much more a pane's mean score varies than that of independent events: a design effect, at least
/// 1.
pub fn inflation(panes: &[Vec<(u8, u32)>], scores: &[f64]) -> f64 {
    let pearson: Vec<f64> = panes
        .iter()
        .filter_map(|pane| {
            let n: f64 = pane.iter().map(|(_, n)| f64::from(*n)).sum();
            let sum: f64 = pane.iter().map(|(c, n)| f64::from(*n) * scores[usize::from(*c)]).sum();
            (n > 0.0).then(|| sum * sum / n)
        })
        .collect();
    if pearson.len() < TICKS_MIN {
        return 1.0;
    }
    (pearson.iter().sum::<f64>() / pearson.len() as f64).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spans::tests::wave;

    fn ticks(offs: impl Iterator<Item = f64>) -> Vec<Off> {
        offs.map(|off| Off { off, variance: 1.0 }).collect()
    }

    #[test]
    fn few_ticks_cost_caution_and_many_do_not() {
        assert!(error_factor(14.0, 20.0) > 2.0 && error_factor(14.0, 400.0) < 1.05);
        assert!(error_factor(5.0, 20.0) < 1.3);
        assert!(grown(1.0, 0.0, 14.0) == 1.0 && grown(3.0, 10.0, 14.0) > 3.0);
    }

    #[test]
    fn bursts_are_held_against_a_lane_beyond_their_variance() {
        let quiet = ticks((0..400).map(wave));
        let none = Tail { skewness: 0.0, excess: 0.0, ticks: 1.0 };
        let tail = Tail::of(&quiet).beyond(&none);
        assert_eq!(tail.weight(), 1.0);
        assert!((tail.factor(2.0, &quiet) - 0.5).abs() < 1e-6);
        let bursts = ticks((0..400).map(|i| if i % 20 == 0 { 8.0 } else { wave(i) }));
        let tail = Tail::of(&bursts).beyond(&none);
        assert!(tail.weight() < 0.3, "{tail:?}");
        assert!(tail.factor(4.0, &bursts) < 0.2);
    }
}
