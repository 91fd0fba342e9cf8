//! Effect and blame: how much changed, with an interval, and which codes carry the evidence.

use super::Evidence;
use crate::baseline::Baseline;
use crate::lanes::{Lane, Tables};

/// Quantile of the normal law at 1 - 0.025: two-sided intervals of 95 % ...
const Z95: f64 = 1.959_963_984_540_054;
/// ... and at 1 - 0.025 / 4, for the end towards no change. The counts begin where the CUSUM was last zero
/// and end where it was enough: of all stretches it is the one that looks largest. The largest of a walk's
/// sums over all ends goes beyond a value twice as often as the last does (Levy), and over all starts twice
/// again (the largest rise of Brownian motion: Feller 1951).
const Z95_CHOSEN: f64 = 2.497_705_474_412_374;

/// The size of a change since its onset.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// `sigma` (shift of the mean normal score), `sd_ratio`, or `share` (difference of shares).
    pub unit: &'static str,
    /// Estimate.
    pub value: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A code's part in the evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Blame {
    /// The code.
    pub code: usize,
    /// Its share in the baseline.
    pub baseline_share: f64,
    /// Its share since the onset.
    pub share: f64,
    /// Its part of the lane's evidence since the onset (counts times table; the parts add up exactly).
    pub evidence: f64,
}

/// Effect of a change in `lane` whose counts since the onset are `counts`. Intervals allow for counts that
/// were chosen by their evidence, use the baseline's design effect for dependence, and both samples' errors.
pub fn effect(baseline: &Baseline, tables: &Tables, lane: &Lane, counts: &[u32]) -> Effect {
    let p = tables.probabilities();
    let ordered = baseline.encoder.ordered();
    let base_events = baseline.events().max(1) as f64;
    match lane {
        Lane::Location(_) => {
            let (n, mean, variance) = moments(&counts[..ordered], tables.scores());
            let error = Errors {
                now: libm::sqrt(baseline.inflation * variance / n.max(1.0)),
                before: libm::sqrt(1.0 / base_events),
            };
            interval("sigma", mean, 0.0, error)
        }
        Lane::Scale(_) => {
            let (n, _, variance) = moments(&counts[..ordered], tables.scores());
            let deviation = libm::sqrt(variance);
            let error = Errors {
                now: deviation * libm::sqrt(baseline.inflation / (2.0 * n.max(1.0))),
                before: deviation * libm::sqrt(0.5 / base_events),
            };
            interval("sd_ratio", deviation, 1.0, error)
        }
        Lane::Share { codes, .. } => {
            let within = |c: usize| codes.iter().any(|x| usize::from(*x) == c);
            share(baseline, p, counts, within, base_events)
        }
        Lane::OneCategory | Lane::Learned => {
            // Two distributions differ most, in one number, on the codes that gained: total variation.
            let n: f64 = counts.iter().map(|n| f64::from(*n)).sum::<f64>().max(1.0);
            let gained: Vec<bool> =
                counts.iter().zip(p).map(|(c, p)| f64::from(*c) / n > *p).collect();
            share(baseline, p, counts, |c| gained[c], base_events)
        }
    }
}

/// Whether the shares of counts are others than those that the baseline counted: shares of a baseline are
/// estimates, none of which is 0, so that even a constant is a little off its own.
pub fn differs(baseline: &Baseline, counts: &[u32]) -> bool {
    let (before, now) = (baseline.events(), counts.iter().map(|n| u64::from(*n)).sum::<u64>());
    let cross = |a: u64, b: u64| u128::from(a) * u128::from(b);
    baseline.counts.iter().zip(counts).any(|(b, n)| cross(*b, now) != cross(u64::from(*n), before))
}

/// The codes that carry the evidence of a lane since its onset, the heaviest first; at most `most`.
pub fn blame(evidence: &Evidence, tables: &Tables, lane: usize, most: usize) -> Vec<Blame> {
    let counts = evidence.since_onset(lane).counts;
    let n: f64 = counts.iter().map(|n| f64::from(*n)).sum::<f64>().max(1.0);
    let mut all: Vec<Blame> = (0..counts.len())
        .map(|code| Blame {
            code,
            baseline_share: tables.probabilities()[code],
            share: f64::from(counts[code]) / n,
            evidence: f64::from(counts[code]) * evidence.weighed_evidence(tables, code, lane),
        })
        .collect();
    // What speaks for the change is more events of codes that it favours: order by the surplus's weight.
    let weight =
        |b: &Blame| (b.share - b.baseline_share) * evidence.event_evidence(tables, b.code, lane);
    all.sort_by(|a, b| weight(b).total_cmp(&weight(a)).then(a.code.cmp(&b.code)));
    all.truncate(most);
    all
}

fn moments(counts: &[u32], scores: &[f64]) -> (f64, f64, f64) {
    let n: f64 = counts.iter().map(|n| f64::from(*n)).sum();
    let sum = |f: &dyn Fn(f64) -> f64| -> f64 {
        counts.iter().zip(scores).map(|(n, z)| f64::from(*n) * f(*z)).sum::<f64>() / n.max(1.0)
    };
    let mean = sum(&|z| z);
    (n, mean, sum(&|z| (z - mean) * (z - mean)))
}

fn share(
    baseline: &Baseline,
    p: &[f64],
    counts: &[u32],
    within: impl Fn(usize) -> bool,
    base_events: f64,
) -> Effect {
    let n: f64 = counts.iter().map(|n| f64::from(*n)).sum::<f64>().max(1.0);
    let inside: f64 =
        counts.iter().enumerate().filter(|(c, _)| within(*c)).map(|(_, n)| f64::from(*n)).sum();
    let before: f64 = p.iter().enumerate().filter(|(c, _)| within(*c)).map(|(_, p)| p).sum();
    // Agresti and Caffo (2000): add one success and one failure to each sample.
    let now = (inside + 1.0) / (n + 2.0);
    let error = Errors {
        now: libm::sqrt(baseline.inflation * now * (1.0 - now) / (n + 2.0)),
        before: libm::sqrt(before * (1.0 - before) / base_events),
    };
    Effect { value: inside / n - before, ..interval("share", now - before, 0.0, error) }
}

/// Standard errors of what is now, and of the baseline.
struct Errors {
    now: f64,
    before: f64,
}

impl Errors {
    /// Half of an interval, with so many standard errors of the newer counts.
    fn half(&self, deviations: f64) -> f64 {
        let (now, before) = (deviations * self.now, Z95 * self.before);
        libm::sqrt(now * now + before * before)
    }
}

/// The interval around `value`, where `none` is no change.
fn interval(unit: &'static str, value: f64, none: f64, error: Errors) -> Effect {
    let (towards, beyond) = (error.half(Z95_CHOSEN), error.half(Z95));
    let (below, above) = if value > none { (towards, beyond) } else { (beyond, towards) };
    Effect { unit, value, low: value - below, high: value + above }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::Zone;
    use crate::encoder::{Encoder, FlagEncoder, NumberEncoder};

    #[test]
    fn a_shifted_sample_has_its_shift_inside_the_interval() {
        let encoder = Encoder::Number(NumberEncoder::from_edges((0..=30).map(f64::from).collect()));
        let counts: Vec<u64> = (0..34)
            .map(
                |c| if (1..=30).contains(&c) { 400 - (i64::from(c) - 15).pow(2) as u64 } else { 0 },
            )
            .collect();
        let baseline = Baseline::new(encoder, counts);
        let tables = Tables::new(&baseline, baseline.probabilities(), Zone::default(), 1.0);
        let shifted: Vec<u32> = baseline
            .probabilities()
            .iter()
            .zip(tables.scores())
            .map(|(p, z)| (p * 10_000.0 * (0.3 * z).exp() / 1.046) as u32)
            .collect();
        let e = effect(&baseline, &tables, &Lane::Location(0.4), &shifted);
        assert!(e.low < 0.3 && 0.3 < e.high && e.high - e.low < 0.06, "{e:?}");
    }

    #[test]
    fn a_share_has_an_honest_interval_and_blame_adds_up() {
        let baseline = Baseline::new(Encoder::Flag(FlagEncoder), vec![9900, 100, 0, 0]);
        let tables = Tables::new(&baseline, baseline.probabilities(), Zone::default(), 1.0);
        let mut evidence = Evidence::new(&tables);
        (0..10).for_each(|i| evidence.tick(&tables, &[95, 5, 0, 0], i));
        let lane = evidence.leader();
        let e =
            effect(&baseline, &tables, &tables.lanes()[lane], evidence.since_onset(lane).counts);
        assert!((e.value - 0.04).abs() < 1e-3 && e.low > 0.02 && e.high < 0.065, "{e:?}");
        let blames = blame(&evidence, &tables, lane, 4);
        assert_eq!(blames[0].code, 1);
        let sum: f64 = blames.iter().map(|b| b.evidence).sum();
        assert!((sum - evidence.cusum(lane)).abs() < 1e-9);
    }

    /// A flag's share trebles; whatever is found is measured when it is found. With the interval of a sample
    /// that nobody chose 35 of 400 miss.
    #[test]
    fn an_interval_holds_for_what_was_found_because_it_looked_large() {
        let baseline = Baseline::new(Encoder::Flag(FlagEncoder), vec![990_000, 10_000, 0, 0]);
        let tables = Tables::new(&baseline, baseline.probabilities(), Zone::default(), 0.0);
        let (mut missed, mut index) = (0, 0);
        for _ in 0..400 {
            let mut evidence = Evidence::new(&tables);
            for time in 0.. {
                let failures = (0..50).filter(|_| {
                    index += 1;
                    // Uniform to within `sqrt 3`.
                    crate::math::noise::uniform(index) > 3f64.sqrt() * (1.0 - 2.0 * 0.03)
                });
                let failures = failures.count() as u32;
                evidence.tick(&tables, &[50 - failures, failures, 0, 0], time);
                if evidence.log_mixture() > 14.0 {
                    break;
                }
            }
            let counts = evidence.since_onset(evidence.leader()).counts;
            let e = effect(&baseline, &tables, &evidence.found_lane(&tables), counts);
            missed += u32::from(e.low > 0.02 || e.high < 0.02);
        }
        // 20, and two standard deviations.
        assert!(missed <= 29, "{missed} of 400");
    }
}
