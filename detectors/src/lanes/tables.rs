//! Tables: each lane as log-likelihood ratios against the baseline.
//!
//! For a lane with null `p0` and alternative `q` the evidence of an event with code `c` is
//! `t (ln q_c - ln p0_c - slack)`. `p0` is the baseline moved to the edge of the indifference zone in
//! the lane's own direction: because the ratio is monotone in that direction, every smaller change is
//! inside the null, too. The slack pays for the estimated baseline, `t` (tempering) for dependence
//! within panes. So `E exp(evidence of a pane) <= 1` under the null: the evidence is an e-value.

use super::catalogue::{fixed_lanes, part_lanes};
use super::lane::{LANES_MAX, Lane};
use super::laws::{pair, spread_of, within};
use super::single_category::{OneOf, Sought};
use super::slack::Slack;
use super::weights::{code_temper, common_temper, follower_temper, slack_of, weights};
use crate::baseline::{Baseline, Zone};
use crate::dependence::design_effect::Dependence;
use crate::dependence::tail::shape;
use crate::math::overshoot::jump_worth;

/// Events beyond its range that an encoder of numbers hid: 2, of which the prior has a half.
const UNKNOWN_MISSED: f64 = 1.5;
/// Events of a rare code that a watched tick may have beyond that.
const FEW: f64 = 2.0;
/// What comes in jumps waits for the next tick more often than what does not, and loses 19 to 39 % of its
/// false alarms by that (measured: ticks of 50 events of 50 categories, 1,000 and 10,000 learned, A = 200
/// and 5,000, with and without waiting): its starts weigh so much more.
const JUMPS_WAIT: f64 = 1.5;
/// The learned lane needs this many recent events to say anything.
const LEARNED_EVENTS_MIN: f64 = 50.0;
/// Weight of the baseline in the learned distribution, in events.
const LEARNED_PRIOR: f64 = 100.0;

/// How the evidence of a tick becomes a number of standard deviations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scale {
    /// Mean evidence of an event of the baseline.
    pub(crate) mean: f64,
    /// One over the standard deviation of an event's evidence, were events independent.
    pub(crate) per_deviation: f64,
    /// What few events of a rare code may be off beyond others.
    pub(crate) few: f64,
    /// Excess kurtosis of a tick of usual size, were events independent: that of a rare event is far from
    /// normal.
    pub(crate) excess: f64,
}

/// The evidence of each code in each lane of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Tables {
    lanes: Vec<Lane>,
    codes: usize,
    /// `codes x width`, lane by lane; `width` is the number of fixed lanes rounded up to a multiple of
    /// 4.
    evidence: Vec<f32>,
    width: usize,
    weights: Vec<f64>,
    /// Weights before lanes are left out, and the mean evidence of an event where a lane is right.
    shares: Vec<f64>,
    gains: Vec<f64>,
    /// Standard deviation of an event's evidence in each lane, as if events were independent: see
    /// [`Tables::spread`].
    spreads: [f64; LANES_MAX],
    /// What a start is worth at least: see [`Tables::worths`].
    worths: [f64; LANES_MAX],
    /// Mean evidence of an event in each fixed lane.
    means: Vec<f64>,
    scales: Vec<Scale>,
    /// What is known about dependence in each fixed lane, and the ticks that told it.
    dependence: Vec<Dependence>,
    ticks: f64,
    slack: Vec<Slack>,
    probabilities: Vec<f64>,
    scores: Vec<f64>,
    events: f64,
    /// Part of the baseline's events that these tables rest on.
    part: f64,
    zone: Zone,
    slack_z: f64,
    temper: Vec<f64>,
    learned_temper: f64,
    one_of: OneOf,
}

impl Tables {
    /// Tables of a baseline.
    ///
    /// `probabilities`: the null distribution over codes (that of the whole baseline, or of a slot of
    /// the week). `slack_z`: slack in standard errors of the baseline, 1 to 2.
    pub fn new(baseline: &Baseline, probabilities: Vec<f64>, zone: Zone, slack_z: f64) -> Self {
        Self::with_events(baseline, probabilities, baseline.events() as f64, zone, slack_z)
    }

    /// As [`Tables::new`] for a distribution that rests on another number of events.
    pub fn with_events(
        baseline: &Baseline,
        probabilities: Vec<f64>,
        events: f64,
        zone: Zone,
        slack_z: f64,
    ) -> Self {
        let codes = probabilities.len();
        let scores = baseline.scores(&probabilities);
        let mut lanes = fixed_lanes(baseline, zone);
        let width = lanes.len().next_multiple_of(4);
        let mut evidence = vec![0.0f32; codes * width];
        let ordered = baseline.encoder.ordered();
        let mut gains = Vec::new();
        let (mut means, mut slacks) = (Vec::new(), Vec::new());
        let mut spreads = [0.0; LANES_MAX];
        let mut worths = [1.0; LANES_MAX];
        let mut scales = Vec::new();
        for (index, lane) in lanes.iter().enumerate() {
            let temper = baseline.temper.get(index).copied().unwrap_or(1.0);
            // Dependent events tell as much about the baseline as `temper` times as many independent
            // ones, and only the later ones tell of what the encoder had not seen.
            let coded = if lane.is_unseen(baseline) { baseline.unseen_weight() } else { 1.0 };
            let told = (events * coded * temper).max(1.0);
            // Those that made the encoder could not be beyond its range, and two gaps lie there (the
            // law of spacings): as if that had been seen so often.
            let missed = if lane.is_unknown_numbers(baseline) { UNKNOWN_MISSED } else { 0.0 };
            let of = (told, missed);
            let (null, alternative) = pair(lane, &probabilities, &scores, ordered, zone, of);
            let spread: f64 =
                alternative.iter().zip(&null).map(|(q, p)| q * q / p).sum::<f64>() - 1.0;
            let slack = libm::log(1.0 + slack_z * libm::sqrt(spread.max(0.0) / told));
            for code in 0..codes {
                let ratio = libm::log(alternative[code]) - libm::log(null[code]);
                evidence[code * width + index] = (temper * (ratio - slack)) as f32;
            }
            slacks.push(match lane {
                Lane::Share { codes, .. } => slack_of(
                    codes,
                    (&probabilities, &null, &alternative),
                    (events * coded).max(1.0),
                ),
                _ => Slack::of_events(events),
            });
            let of = |c: usize| f64::from(evidence[c * width + index]);
            let mut jump = 0.0;
            if let Lane::Share { codes, ratio } = lane
                && *ratio > 1.0
            {
                jump = codes.first().map_or(0.0, |code| of(usize::from(*code)));
            }
            worths[index] = jump_worth(jump);
            let gain: f64 = alternative.iter().enumerate().map(|(c, q)| q * of(c)).sum();
            gains.push(if lane.is_rare() { f64::INFINITY } else { gain });
            spreads[index] = spread_of(&null, of, temper);
            means.push(probabilities.iter().enumerate().map(|(c, p)| p * of(c)).sum());
            if index < baseline.dependence.len() {
                let deviation = spreads[index] * libm::sqrt(temper);
                // Few events of a rare code are far off in standard deviations, and no burst.
                let few = match jump > 0.0 && deviation > 0.0 {
                    true => FEW * jump / (deviation * libm::sqrt(baseline.tick_events.max(1.0))),
                    false => 0.0,
                };
                scales.push(Scale {
                    mean: means[index],
                    per_deviation: if deviation > 0.0 { 1.0 / deviation } else { 0.0 },
                    few,
                    excess: shape(&probabilities, of, means[index]).1.max(0.0)
                        / baseline.tick_events.max(1.0),
                });
            }
        }
        let least = baseline.temper.iter().copied().filter(|t| *t > 0.0).fold(1.0, f64::min);
        let learned_temper = follower_temper(baseline, least);
        let of_lanes = common_temper(baseline, &lanes, least);
        let mut sought = Vec::new();
        for (lane, weight) in part_lanes(baseline, zone) {
            let (null, alternative) =
                pair(&lane, &probabilities, &scores, ordered, zone, (events, 0.0));
            let Lane::Share { codes, ratio } = &lane else { continue };
            let (Some(from), Some(last)) = (codes.first(), codes.last()) else { continue };
            let slack = slack_of(codes, (&probabilities, &null, &alternative), events);
            let (null, alternative) = (within(&null, codes), within(&alternative, codes));
            let mut temper = code_temper(baseline, codes, &probabilities).unwrap_or(learned_temper);
            if codes.len() > 1 {
                // One code's batches move all others together: lanes of groups see that.
                temper = temper.min(of_lanes);
            }
            let (codes, ratio) = ((*from, last + 1), *ratio);
            sought.push(Sought { codes, ratio, null, alternative, slack, weight, temper });
        }
        let one_of = OneOf::new(&sought, baseline.tick_events);
        if one_of.parts() > 0 {
            worths[lanes.len()] = JUMPS_WAIT * one_of.worth();
            lanes.push(Lane::OneOf);
            // Each part pays its own.
            slacks.push(Slack::default());
            gains.push(f64::INFINITY);
        }
        lanes.push(Lane::Learned);
        slacks.push(Slack::of_learned(codes, events));
        let shares = lanes.iter().enumerate().map(|(i, lane)| match baseline.temper.get(i) {
            Some(t) if *t <= 0.0 => 0.0,
            _ => lane.weight(baseline),
        });
        let shares: Vec<f64> = shares.collect();
        gains.push(f64::INFINITY);
        let weights = weights(&shares, &gains, events);
        Self {
            lanes,
            codes,
            evidence,
            width,
            weights,
            shares,
            gains,
            spreads,
            worths,
            means,
            scales,
            dependence: baseline.dependence.clone(),
            ticks: f64::from(baseline.panes),
            slack: slacks,
            probabilities,
            scores,
            events,
            part: (events / (baseline.events() as f64).max(1.0)).min(1.0),
            zone,
            slack_z,
            temper: baseline.temper.clone(),
            learned_temper,
            one_of,
        }
    }

    /// Part of the baseline's events that these tables rest on: that of an hour of the week, or 1.
    pub(crate) fn part(&self) -> f64 {
        self.part
    }

    /// Tells tables of a baseline from those of another hour, zone or slack.
    pub(crate) fn stamp(&self) -> u32 {
        let of = [self.events, self.zone.sigma, self.zone.odds, self.slack_z];
        let mix = |stamp: u64, x: &f64| stamp.rotate_left(17).wrapping_mul(31) ^ x.to_bits();
        (of.iter().fold(0, mix) >> 32) as u32
    }

    /// Tempering of a lane, 0..=1.
    pub fn temper(&self, lane: usize) -> f64 {
        if lane >= self.fixed() {
            return match self.lanes.get(lane) {
                Some(Lane::OneOf) => self.one_of.temper(),
                _ => self.learned_temper,
            };
        }
        self.temper.get(lane).copied().unwrap_or(1.0)
    }

    /// Lanes, the learned one last.
    pub fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    /// How many of them are fixed: all but those that follow the ticks.
    pub fn fixed(&self) -> usize {
        self.means.len()
    }

    /// The lane of single categories.
    pub(crate) fn one_of(&self) -> &OneOf {
        &self.one_of
    }

    /// Evidence of a tick that a part of the lane of single categories changed as the mildest part alike
    /// says; 0 where no lane looks for that.
    pub fn of_category(&self, part: usize, counts: &[u32]) -> f64 {
        if part >= self.one_of.parts() {
            return 0.0;
        }
        self.one_of.of(self.one_of.mildest(part), counts)
    }

    /// Number of codes.
    pub fn codes(&self) -> usize {
        self.codes
    }

    /// Standard deviation of one event's evidence in each fixed lane, were events independent; 0 for the
    /// others. That of a tick of `n` events is `sqrt n` times as large: how far a statistic overshoots
    /// follows from it.
    pub fn spreads(&self) -> &[f64; LANES_MAX] {
        &self.spreads
    }

    /// What a start is worth at least in each lane, where events are rare and a tick is small: a jump's
    /// overshoot does not shrink with the tick.
    pub(crate) fn worths(&self) -> &[f64; LANES_MAX] {
        &self.worths
    }

    /// Mean evidence of an event of the baseline in each fixed lane.
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    /// Dependence in each fixed lane as the baseline's ticks told it (empty: nothing is known), and how
    /// many those were.
    pub fn dependence(&self) -> (&[Dependence], f64) {
        (&self.dependence, self.ticks)
    }

    /// How a tick's evidence in each fixed lane becomes a deviation; empty where nothing is known of
    /// dependence.
    pub(crate) fn scales(&self) -> &[Scale] {
        &self.scales
    }

    /// Slack of each lane for an estimated baseline.
    pub fn slack(&self) -> &[Slack] {
        &self.slack
    }

    /// Weight of each lane in the mixture; they sum to 1.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The same where the baseline has been made as good as one of `events`.
    pub(crate) fn weights_at(&self, events: f64) -> Vec<f64> {
        weights(&self.shares, &self.gains, events)
    }

    /// Events that the null distribution rests on.
    pub fn events(&self) -> f64 {
        self.events
    }

    /// The null distribution over codes.
    pub fn probabilities(&self) -> &[f64] {
        &self.probabilities
    }

    /// The normal score of each code.
    pub fn scores(&self) -> &[f64] {
        &self.scores
    }

    /// `width` values a code: the rows of the kernel.
    pub fn rows(&self) -> (&[f32], usize) {
        (&self.evidence, self.width)
    }

    /// Evidence of one event with `code` in a fixed `lane`.
    pub fn at(&self, code: usize, lane: usize) -> f64 {
        f64::from(self.evidence[code * self.width + lane])
    }

    /// The learned lane's table: `recent` (counts of the last minutes) shrunk to the baseline, against
    /// the baseline, with a slack for the whole zone.
    /// All zero where the last minutes say too little.
    pub fn learned(&self, recent: &[f32]) -> Vec<f32> {
        let total: f64 = recent.iter().map(|n| f64::from(*n)).sum();
        if total < LEARNED_EVENTS_MIN {
            return vec![0.0; self.codes];
        }
        let q: Vec<f64> = recent
            .iter()
            .zip(&self.probabilities)
            .map(|(n, p)| (f64::from(*n) + LEARNED_PRIOR * p) / (total + LEARNED_PRIOR))
            .collect();
        let spread: f64 =
            q.iter().zip(&self.probabilities).map(|(q, p)| q * q / p).sum::<f64>() - 1.0;
        let zone = self.zone.sigma.max(self.zone.odds);
        let slack = libm::log(1.0 + libm::sqrt(spread.max(0.0)) * zone);
        q.iter()
            .zip(&self.probabilities)
            .map(|(q, p)| (self.learned_temper * (libm::log(q / p) - slack)) as f32)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoder::{CategoryEncoder, Encoder, FlagEncoder, NumberEncoder};
    use crate::lanes::lane::RARE_RATIO;
    use crate::lanes::laws::{tilt, with_share};
    use crate::math::special::scale_odds;

    fn baselines() -> Vec<Baseline> {
        let number = NumberEncoder::from_edges((0..=20).map(f64::from).collect());
        let mut counts: Vec<u64> = (0..24).map(|i| 200 + 37 * (i % 5)).collect();
        counts[0] = 3;
        counts[22] = 0;
        let names: Vec<String> = (0..12).map(|i| i.to_string()).collect();
        let category = CategoryEncoder::from_counts(names.iter().map(|n| (n.as_str(), 5)));
        vec![
            Baseline::new(Encoder::Number(number), counts),
            Baseline::new(Encoder::Flag(FlagEncoder), vec![9900, 100, 0, 0]),
            Baseline::new(Encoder::Category(category), (0..16).map(|i| 1600 / (i + 1)).collect()),
        ]
    }

    /// The promise of a lane: under every distribution inside its zone, `E exp(evidence) <= 1`.
    #[test]
    fn each_lane_is_an_e_value_over_the_whole_zone() {
        for baseline in baselines() {
            for zone in
                [Zone::default(), Zone { sigma: 0.5, odds: 0.5 }, Zone { sigma: 2.0, odds: 2.0 }]
            {
                is_e_value_over(&baseline, zone);
            }
        }
    }

    fn is_e_value_over(baseline: &Baseline, zone: Zone) {
        // One of the parts of the lane of single categories, too, as the zone's edge has it.
        for (lane, _) in part_lanes(baseline, zone) {
            let p = baseline.probabilities();
            let (null, alternative) = pair(&lane, &p, &[], 0, zone, (1e6, 0.0));
            let mean: f64 =
                p.iter().zip(&null).zip(&alternative).map(|((p, n), q)| p * q / n).sum();
            assert!(mean <= 1.0 + 1e-9, "{lane:?}: {mean}");
        }
        let p = baseline.probabilities();
        let tables = Tables::new(baseline, p.clone(), zone, 0.0);
        let ordered = baseline.encoder.ordered();
        for (index, lane) in tables.lanes().iter().enumerate().take(tables.fixed()) {
            for step in 0..=10 {
                let part = f64::from(step) / 10.0;
                let inside = match lane {
                    Lane::Location(a) => {
                        tilt(&p, ordered, |c| part * zone.sigma * a.signum() * tables.scores()[c])
                    }
                    Lane::Share { codes, ratio } => {
                        let share: f64 = codes.iter().map(|c| p[usize::from(*c)]).sum();
                        let odds = 1.0 + part * zone.odds;
                        let odds = if *ratio > 1.0 { odds } else { 1.0 / odds };
                        with_share(&p, codes, share, scale_odds(share, odds))
                    }
                    _ => p.clone(),
                };
                let mean: f64 =
                    inside.iter().enumerate().map(|(c, p)| p * tables.at(c, index).exp()).sum();
                assert!(mean <= 1.0 + 1e-6, "{lane:?} at {part}: {mean}");
                // At the zone's edge nothing is given away.
                let tight = match lane {
                    Lane::Share { ratio, .. } => *ratio < RARE_RATIO,
                    lane => !matches!(lane, Lane::Scale(_)),
                };
                assert!(step < 10 || mean > 0.9999 || !tight, "{lane:?}: {mean}");
            }
        }
    }

    #[test]
    fn slack_is_paid_in_every_lane_and_shrinks_with_the_baseline() {
        let small = &baselines()[0];
        let mut large = small.clone();
        large.counts.iter_mut().for_each(|n| *n *= 100);
        let p = small.probabilities();
        let zone = Zone::default();
        let none = Tables::new(small, p.clone(), zone, 0.0);
        let with = Tables::new(small, p.clone(), zone, 1.0);
        let less = Tables::new(&large, p, zone, 1.0);
        for (lane, kind) in none.lanes().iter().enumerate() {
            // Shares pay by their own law, and the learned lane by its own rule: see `Slack`.
            if matches!(kind, Lane::Learned | Lane::Share { .. }) {
                continue;
            }
            assert!(with.at(5, lane) < less.at(5, lane) && less.at(5, lane) < none.at(5, lane));
        }
    }

    #[test]
    fn the_learned_lane_waits_for_events_and_prefers_what_it_saw() {
        let baseline = &baselines()[2];
        let tables = Tables::new(baseline, baseline.probabilities(), Zone::default(), 1.0);
        assert!(tables.learned(&[1.0; 16]).iter().all(|e| *e == 0.0));
        let mut recent = vec![0.0; 16];
        recent[11] = 400.0;
        recent[0] = 400.0;
        let table = tables.learned(&recent);
        assert!(table[11] > 1.0 && table[5] < 0.0);
        // Still an e-value under the baseline itself.
        let mean: f64 =
            baseline.probabilities().iter().zip(&table).map(|(p, e)| p * f64::from(*e).exp()).sum();
        assert!(mean < 1.0);
    }
}
