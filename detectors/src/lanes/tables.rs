//! Tables: each lane as log-likelihood ratios against the baseline.
//!
//! For a lane with null `p0` and alternative `q` the evidence of an event with code `c` is
//! `t (ln q_c - ln p0_c - slack)`. `p0` is the baseline moved to the edge of the indifference zone in
//! the lane's own direction: because the ratio is monotone in that direction, every smaller change is
//! inside the null, too. The slack pays for the estimated baseline, `t` (tempering) for dependence
//! within panes. So `E exp(evidence of a pane) <= 1` under the null: the evidence is an e-value.

use super::alternatives::category_mixture;
use super::catalogue::fixed_lanes;
use super::category_mixture::CategoryMixture;
use super::estimation_penalty::EstimationPenalty;
use super::fixed::{FixedLanes, Standardization};
use super::lane::{LANES_MAX, Lane};
use super::laws::Reference;
use super::weights::{follower_temper, least_temper, prior_weights, weights};
use crate::baseline::{Baseline, Zone};
use crate::dependence::design_effect::Dependence;

/// Ticks come in jumps where events are rare, and evidence that jumps waits for the next tick more often: it
/// loses 19 to 39 % of its false alarms by that (measured: ticks of 50 events of 50 categories, 1,000 and
/// 10,000 learned, A = 200 and 5,000, with and without waiting). Its starts count so much more.
const WAIT_CORRECTION: f64 = 1.5;
/// Most fixed lanes: beside them there is one for single categories, and the learned one.
const FIXED_LANES_MAX: usize = LANES_MAX - 2;
/// The learned lane needs this many recent events to say anything.
const LEARNED_EVENTS_MIN: f64 = 50.0;
/// Weight of the baseline in the learned distribution, in events.
const LEARNED_PRIOR: f64 = 100.0;

/// The evidence of each code in each lane of one series.
/// ```
/// use driftline_detectors::baseline::{Baseline, Zone};
/// use driftline_detectors::encoder::{Encoder, FlagEncoder};
/// use driftline_detectors::lanes::Tables;
///
/// let baseline = Baseline::new(Encoder::Flag(FlagEncoder), vec![9_900, 100, 0, 0]);
/// // Changes of the odds by up to 10 % do not matter.
/// let zone = Zone { odds: 0.1, ..Zone::default() };
/// let tables = Tables::new(&baseline, baseline.probabilities(), zone, 0.0);
/// let lane = tables.lanes().iter().position(|lane| lane.name(&baseline) == "more of true");
/// let lane = lane.expect("a flag has such a lane");
/// // A failure speaks for it, a success against it; by the baseline, they average below 0.
/// assert!(tables.evidence(1, lane) > 0.0 && tables.evidence(0, lane) < 0.0);
/// assert!(tables.means()[lane] < 0.0);
/// ```
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
    prior_weights: Vec<f64>,
    gains: Vec<f64>,
    /// Standard deviation of an event's evidence in each lane, as if events were independent: see
    /// [`Tables::spreads`].
    spreads: [f64; LANES_MAX],
    /// Least overshoot correction of a start: see [`Tables::start_corrections`].
    start_corrections: [f64; LANES_MAX],
    /// Mean evidence of an event in each fixed lane.
    means: Vec<f64>,
    standardizations: Vec<Standardization>,
    /// Dependence in each fixed lane, and the ticks that it was estimated from.
    dependence: Vec<Dependence>,
    ticks: f64,
    penalties: Vec<EstimationPenalty>,
    probabilities: Vec<f64>,
    scores: Vec<f64>,
    events: f64,
    /// Part of the baseline's events that these tables rest on.
    event_share: f64,
    zone: Zone,
    slack_z: f64,
    temper: Vec<f64>,
    learned_temper: f64,
    mixture: CategoryMixture,
}

/// Dependence as a baseline knows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownDependence<'a> {
    /// In each fixed lane; empty where nothing is known.
    pub(crate) lanes: &'a [Dependence],
    /// Ticks that it was estimated from.
    pub(crate) ticks: f64,
}

/// The table of the kernel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KernelTable<'a> {
    /// Evidence of one event: `codes x width`, the lanes of a code side by side.
    pub(crate) evidence: &'a [f32],
    /// Fixed lanes, rounded up to a multiple of 4; lanes that are not there have 0.
    pub(crate) width: usize,
}

impl Tables {
    /// Tables of a baseline.
    ///
    /// `probabilities`: the null distribution over codes (that of the whole baseline, or of an hour of
    /// the week). `slack_z`: slack in standard errors of the baseline, 0 to 2.
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
        let lanes = fixed_lanes(baseline, zone);
        Self::of_lanes(lanes, baseline, probabilities, (events, zone, slack_z))
    }

    /// Tables of these fixed lanes: as many as leave room for the two that follow the ticks.
    fn of_lanes(
        mut lanes: Vec<Lane>,
        baseline: &Baseline,
        probabilities: Vec<f64>,
        (events, zone, slack_z): (f64, Zone, f64),
    ) -> Self {
        lanes.truncate(FIXED_LANES_MAX);
        let codes = probabilities.len();
        let scores = baseline.scores(&probabilities);
        let reference =
            Reference { baseline, probabilities: &probabilities, scores: &scores, events, zone };
        let FixedLanes {
            evidence,
            width,
            means,
            mut gains,
            spreads,
            mut start_corrections,
            mut penalties,
            standardizations,
        } = FixedLanes::new(&lanes, &reference, slack_z);
        let learned_temper = follower_temper(baseline, least_temper(baseline));
        let mixture = category_mixture(&reference, &lanes, learned_temper);
        if mixture.components() > 0 {
            start_corrections[lanes.len()] = WAIT_CORRECTION * mixture.overshoot_correction();
            lanes.push(Lane::OneCategory);
            // Each part pays its own.
            penalties.push(EstimationPenalty::default());
            gains.push(f64::INFINITY);
        }
        lanes.push(Lane::Learned);
        penalties.push(EstimationPenalty::of_learned(codes, events));
        gains.push(f64::INFINITY);
        let prior_weights = prior_weights(baseline, &lanes);
        Self {
            weights: weights(&prior_weights, &gains, events),
            lanes,
            codes,
            evidence,
            width,
            prior_weights,
            gains,
            spreads,
            start_corrections,
            means,
            standardizations,
            dependence: baseline.dependence.clone(),
            ticks: f64::from(baseline.panes),
            penalties,
            events,
            event_share: (events / (baseline.events() as f64).max(1.0)).min(1.0),
            zone,
            slack_z,
            temper: baseline.temper.clone(),
            learned_temper,
            mixture,
            probabilities,
            scores,
        }
    }

    /// Part of the baseline's events that these tables rest on: that of an hour of the week, or 1.
    pub(crate) fn event_share(&self) -> f64 {
        self.event_share
    }

    /// Tells tables of a baseline from those of another hour, zone or slack.
    pub(crate) fn stamp(&self) -> u32 {
        let of = [self.events, self.zone.sigma, self.zone.odds, self.slack_z];
        let mix = |stamp: u64, x: &f64| stamp.rotate_left(17).wrapping_mul(31) ^ x.to_bits();
        (of.iter().fold(0, mix) >> 32) as u32
    }

    /// Changes that are too small to matter.
    pub(crate) fn zone(&self) -> Zone {
        self.zone
    }

    /// Slack, in standard errors of the baseline.
    pub(crate) fn slack_z(&self) -> f64 {
        self.slack_z
    }

    /// Tempering of a lane, 0..=1.
    pub fn temper(&self, lane: usize) -> f64 {
        if lane >= self.fixed() {
            return match self.lanes.get(lane) {
                Some(Lane::OneCategory) => self.mixture.temper(),
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

    /// The alternatives of the lane for single categories.
    pub(crate) fn mixture(&self) -> &CategoryMixture {
        &self.mixture
    }

    /// Evidence of a tick for one alternative of the lane for single categories, by the mildest ratio that
    /// is looked for in the same codes and direction; 0 where there is no such alternative.
    pub fn category_evidence(&self, alternative: usize, counts: &[u32]) -> f64 {
        if alternative >= self.mixture.components() {
            return 0.0;
        }
        self.mixture.component_evidence(self.mixture.mildest(alternative), counts)
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

    /// Least overshoot correction of a start in each lane, where events are rare and a tick is small: the
    /// overshoot of a jump does not shrink with the tick.
    pub(crate) fn start_corrections(&self) -> &[f64; LANES_MAX] {
        &self.start_corrections
    }

    /// Mean evidence of an event of the baseline in each fixed lane.
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    /// Dependence of the baseline's ticks.
    pub(crate) fn dependence(&self) -> KnownDependence<'_> {
        KnownDependence { lanes: &self.dependence, ticks: self.ticks }
    }

    /// How a tick's evidence in each fixed lane becomes a deviation; empty where nothing is known of
    /// dependence.
    pub(crate) fn standardizations(&self) -> &[Standardization] {
        &self.standardizations
    }

    /// Slack of each lane for an estimated baseline.
    pub(crate) fn penalties(&self) -> &[EstimationPenalty] {
        &self.penalties
    }

    /// Weight of each lane in the mixture; they sum to 1.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// The same where the baseline has been made as good as one of `events`.
    pub(crate) fn weights_at(&self, events: f64) -> Vec<f64> {
        weights(&self.prior_weights, &self.gains, events)
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

    /// The table of [`pane_evidence`](super::pane_evidence).
    pub(crate) fn kernel_table(&self) -> KernelTable<'_> {
        KernelTable { evidence: &self.evidence, width: self.width }
    }

    /// Evidence of one event with `code` in a fixed `lane`.
    pub fn evidence(&self, code: usize, lane: usize) -> f64 {
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
    use crate::lanes::catalogue::part_lanes;
    use crate::lanes::lane::RARE_RATIO;
    use crate::lanes::laws::{Hypotheses, Known, tilt, with_share};
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
            let scores = baseline.scores(&p);
            let (probabilities, scores) = (&p[..], &scores[..]);
            let reference = Reference { baseline, probabilities, scores, events: 1e6, zone };
            let known = Known { events: 1e6, missed: 0.0 };
            let Hypotheses { null, alternative } = reference.hypotheses(&lane, known);
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
                let mean: f64 = inside
                    .iter()
                    .enumerate()
                    .map(|(c, p)| p * tables.evidence(c, index).exp())
                    .sum();
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
    fn below_at_and_above_the_most_lanes_all_have_a_place() {
        let encoder = Encoder::Category(CategoryEncoder::from_counts([("a", 700), ("b", 300)]));
        let baseline = Baseline::new(encoder, vec![700, 300, 0, 0, 0, 0]);
        for fixed in FIXED_LANES_MAX - 2..=FIXED_LANES_MAX + 3 {
            let lanes = vec![Lane::Share { codes: vec![0], ratio: 2.0 }; fixed];
            let about = (1000.0, Zone::default(), 0.0);
            let tables = Tables::of_lanes(lanes, &baseline, baseline.probabilities(), about);
            assert_eq!(tables.lanes().len(), fixed.min(FIXED_LANES_MAX) + 2);
            assert_eq!(tables.lanes().last(), Some(&Lane::Learned));
            let mut evidence = crate::evidence::Evidence::new(&tables);
            (0..20).for_each(|time| evidence.tick(&tables, &[95, 5, 0, 0, 0, 0], time));
            assert!(evidence.log_mixture() > 10.0, "{fixed}: {}", evidence.log_mixture());
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
            // Shares pay by their own law, and the learned lane by its own rule: see `EstimationPenalty`.
            if matches!(kind, Lane::Learned | Lane::Share { .. }) {
                continue;
            }
            assert!(
                with.evidence(5, lane) < less.evidence(5, lane)
                    && less.evidence(5, lane) < none.evidence(5, lane)
            );
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
