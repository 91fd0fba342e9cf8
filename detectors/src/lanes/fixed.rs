//! The tables of the fixed lanes: those that do not follow the ticks.

use super::estimation_penalty::EstimationPenalty;
use super::lane::{LANES_MAX, Lane};
use super::laws::{Hypotheses, Known, Reference, evidence_deviation};
use super::weights::share_penalty;
use crate::dependence::tail::Shape;
use crate::math::overshoot::jump_overshoot_correction;

/// Events beyond its range that an encoder of numbers hid: 2, of which the prior has a half.
const UNKNOWN_MISSED: f64 = 1.5;
/// Events of a rare code that a watched tick may have beyond a few standard deviations.
const FEW: f64 = 2.0;

/// How the evidence of a tick becomes a number of standard deviations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Standardization {
    /// Mean evidence of an event of the baseline.
    pub(crate) mean: f64,
    /// One over the standard deviation of an event's evidence, were events independent.
    pub(crate) per_deviation: f64,
    /// Standard deviations by which few events of a rare code may exceed the usual bound.
    pub(crate) few: f64,
    /// Excess kurtosis of a tick of usual size, were events independent: that of a rare event is far from
    /// normal.
    pub(crate) excess: f64,
}

/// The fixed lanes of one series, lane by lane.
#[derive(Debug, Clone)]
pub(super) struct FixedLanes {
    /// `codes x width`; `width` is the number of lanes rounded up to a multiple of 4.
    pub(super) evidence: Vec<f32>,
    pub(super) width: usize,
    /// Mean evidence of an event of the baseline.
    pub(super) means: Vec<f64>,
    /// Mean evidence of an event where the lane is right; infinite where it need not pay for its slack.
    pub(super) gains: Vec<f64>,
    /// Standard deviation of an event's evidence.
    pub(super) spreads: [f64; LANES_MAX],
    /// Least overshoot correction of a start.
    pub(super) start_corrections: [f64; LANES_MAX],
    pub(super) penalties: Vec<EstimationPenalty>,
    /// Of lanes whose dependence is known.
    pub(super) standardizations: Vec<Standardization>,
}

impl FixedLanes {
    /// `slack_z`: slack in standard errors of the baseline.
    pub(super) fn new(lanes: &[Lane], reference: &Reference<'_>, slack_z: f64) -> Self {
        let width = lanes.len().next_multiple_of(4);
        let mut fixed = Self {
            evidence: vec![0.0; reference.probabilities.len() * width],
            width,
            means: Vec::new(),
            gains: Vec::new(),
            spreads: [0.0; LANES_MAX],
            start_corrections: [1.0; LANES_MAX],
            penalties: Vec::new(),
            standardizations: Vec::new(),
        };
        for (index, lane) in lanes.iter().enumerate() {
            fixed.push(index, lane, reference, slack_z);
        }
        fixed
    }

    fn push(&mut self, index: usize, lane: &Lane, reference: &Reference<'_>, slack_z: f64) {
        let Reference { baseline, probabilities, events, .. } = *reference;
        let temper = baseline.temper.get(index).copied().unwrap_or(1.0);
        // Dependent events say as much about the baseline as `temper` times as many independent
        // ones, and only the later ones could be unseen.
        let coded = if lane.is_unseen(baseline) { baseline.unseen_weight() } else { 1.0 };
        let known = (events * coded * temper).max(1.0);
        // Those that made the encoder could not be beyond its range, and two gaps lie there (the
        // law of spacings): as if that had been seen so often.
        let missed = if lane.is_unknown_numbers(baseline) { UNKNOWN_MISSED } else { 0.0 };
        let hypotheses = reference.hypotheses(lane, Known { events: known, missed });
        let slack = hypotheses.slack(slack_z, known);
        for code in 0..probabilities.len() {
            let ratio = libm::log(hypotheses.alternative[code]) - libm::log(hypotheses.null[code]);
            self.evidence[code * self.width + index] = (temper * (ratio - slack)) as f32;
        }
        self.penalties.push(match lane {
            Lane::Share { codes, .. } => {
                share_penalty(codes, probabilities, &hypotheses, (events * coded).max(1.0))
            }
            _ => EstimationPenalty::of_events(events),
        });
        self.summarize(index, lane, temper, reference, &hypotheses);
    }

    /// What follows from the evidence of a lane's codes.
    fn summarize(
        &mut self,
        index: usize,
        lane: &Lane,
        temper: f64,
        reference: &Reference<'_>,
        Hypotheses { null, alternative }: &Hypotheses,
    ) {
        let Reference { baseline, probabilities, .. } = *reference;
        let (table, width) = (&self.evidence, self.width);
        let evidence = |code: usize| f64::from(table[code * width + index]);
        let jump = match lane {
            Lane::Share { codes, ratio } if *ratio > 1.0 => {
                codes.first().map_or(0.0, |code| evidence(usize::from(*code)))
            }
            _ => 0.0,
        };
        self.start_corrections[index] = jump_overshoot_correction(jump);
        let gain: f64 = alternative.iter().enumerate().map(|(c, q)| q * evidence(c)).sum();
        self.gains.push(if lane.is_rare() { f64::INFINITY } else { gain });
        let spread = evidence_deviation(null, evidence, temper);
        self.spreads[index] = spread;
        let mean = probabilities.iter().enumerate().map(|(c, p)| p * evidence(c)).sum();
        self.means.push(mean);
        if index < baseline.dependence.len() {
            let usual_events = baseline.tick_events.max(1.0);
            let deviation = spread * libm::sqrt(temper);
            // Few events of a rare code are far off in standard deviations, and no burst.
            let few = match jump > 0.0 && deviation > 0.0 {
                true => FEW * jump / (deviation * libm::sqrt(usual_events)),
                false => 0.0,
            };
            self.standardizations.push(Standardization {
                mean,
                per_deviation: if deviation > 0.0 { 1.0 / deviation } else { 0.0 },
                few,
                excess: Shape::of_event(probabilities, evidence, mean).excess.max(0.0)
                    / usual_events,
            });
        }
    }
}

impl Hypotheses {
    /// Slack of an event, in standard errors of a baseline of this many events.
    fn slack(&self, slack_z: f64, events: f64) -> f64 {
        let divergence: f64 =
            self.alternative.iter().zip(&self.null).map(|(q, p)| q * q / p).sum::<f64>() - 1.0;
        libm::log(1.0 + slack_z * libm::sqrt(divergence.max(0.0) / events))
    }
}
