//! Dependence by watched ticks, on top of the baseline's.
//!
//! A baseline of an hour says little about what takes an hour: tenants that come and go, a daily cycle. So
//! each lane's design effect goes on being estimated from the ticks that are watched, over spans of 1,
//! 8, 64 and 512 ticks, and tempering follows. What is learned holds for the ticks *after* it only, so
//! that each tick's evidence stays an e-value.
//!
//! Watched ticks estimate the baseline's error, too. A lane's mean evidence under the baseline is known, and
//! by how much the watched ticks' mean exceeds it estimates the error with the weight of their events; it is
//! subtracted, up to four standard errors of the baseline, and the slack is that of all events together.
//! It is as if the baseline had gone on growing through its first day of watching, but for the last
//! minutes: sums of 64 ticks count once they are whole.
//!
//! What may be a change is held back: from where any lane's CUSUM stands above a quarter of `ln A` (the
//! mixture of a weak lane hovers there where nothing changes, a CUSUM does not), and while a finding is
//! open, nothing new is learned. If it is over within the longest span it was an excursion, and counts as
//! dependence; what lasts is a change, and never counts. No sum counts for more than [`SUM_DEVIATIONS_MAX`]
//! standard deviations as they were known, so that one incident costs little, and excursions that come again
//! and again are learned within a few.

use serde::{Deserialize, Serialize};

use super::span_sums::{LONGEST_TICKS, PerLane, SpanSums, TickMoments};
use super::watched_growth::{PooledGrowth, watched_growth};
use crate::dependence::Dependence;
use crate::dependence::design_effect::{PRIOR_TICKS, error_factor, long_run_inflation};
use crate::dependence::growth::Growth;
use crate::lanes::{KnownDependence, LANES_MAX, Lane, Tables};
use crate::math::promise::BASELINE_LOG_PROMISE;

/// An excursion that neither falls nor becomes a finding within this many times the baseline's events is no
/// change.
const HOVER_BASELINES: f64 = 4.0;
/// Ticks after which dependence is known well enough: a day of panes of 10 s.
const TICKS_MAX: u32 = 8_640;
/// Watched ticks are clipped at this many standard deviations, or at more where bursts are usual: what is
/// further off is a change.
const TICK_DEVIATIONS_MAX: f64 = 3.0;
/// Sums are clipped at this many standard deviations.
const SUM_DEVIATIONS_MAX: f64 = 4.0;
/// Most standard errors of the baseline that count as its error: what is further off is a change, and one
/// that comes within the first ticks is not mistaken for the baseline's error for good.
const ERROR_MAX: f64 = 4.0;
/// Factors are made anew when the number of sums has grown by this part of it ...
const NEWS: u32 = 16;
/// ... or `ln A` by this much.
const LOG_STEP: f32 = 0.1;

/// An excursion: what may be a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Excursion {
    /// The sums before it.
    before: TickMoments,
    ticks: u32,
    /// It is a finding.
    found: bool,
}

/// What factors, losses and weights were made from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct MadeAt {
    /// Whole sums of the second span.
    sums: u32,
    log_promise: f32,
    /// [`Tables::stamp`].
    stamp: u32,
}

/// What watched ticks say about the lanes of a series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct WatchedDependence {
    sums: SpanSums,
    excursion: Option<Box<Excursion>>,
    /// Excursions that were findings.
    found: u32,
    made_at: Option<MadeAt>,
    /// Factor of the tables' evidence, beside the tempering that is in them.
    pub(crate) factors: PerLane,
    /// What the evidence of each event loses after that: the baseline's error, and slack.
    pub(crate) losses: PerLane,
    /// Weights of the lanes.
    pub(crate) weights: PerLane,
    /// Bound of the square of a sum, for each tick in it.
    bounds: PerLane,
    /// Standard deviations at which a tick is clipped, by its variance as it is known now. A baseline of a
    /// few ticks that underrates their variance would otherwise clip them for good, and never learn it.
    #[serde(rename = "mosts")]
    tick_max: PerLane,
}

impl WatchedDependence {
    pub(crate) fn new() -> Self {
        Self {
            sums: SpanSums::NEW,
            excursion: None,
            found: 0,
            made_at: None,
            factors: [1.0; LANES_MAX],
            losses: [0.0; LANES_MAX],
            weights: [0.0; LANES_MAX],
            bounds: [f32::INFINITY; LANES_MAX],
            tick_max: [f32::INFINITY; LANES_MAX],
        }
    }

    /// How dependent ticks are as it is known here, for another reference of the same series: nothing is
    /// known of the error of that one.
    pub(crate) fn of_other_reference(&self) -> Self {
        let known = self.excursion.as_ref().map_or(self.sums.moments, |excursion| excursion.before);
        Self { sums: SpanSums::without_mean(known), found: self.found, ..Self::new() }
    }

    /// Makes factors, losses and weights ready for the next tick: anew where enough more ticks are known,
    /// and not within an excursion; and where tables are others, as of another hour of the week.
    pub(crate) fn prepare(&mut self, tables: &Tables, log_promise: f64) {
        let now = MadeAt {
            sums: self.sums.moments.whole_sums(1),
            log_promise: log_promise as f32,
            stamp: tables.stamp(),
        };
        let is_near = |at: MadeAt| {
            let is_as_before = (at.sums..=at.sums + at.sums / NEWS).contains(&now.sums);
            let is_news = !is_as_before && self.excursion.is_none();
            let is_same_promise = (at.log_promise - now.log_promise).abs() < LOG_STEP;
            !is_news && is_same_promise && at.stamp == now.stamp
        };
        if self.made_at.is_some_and(is_near) {
            return;
        }
        self.made_at = Some(now);
        let known = self.excursion.as_ref().map_or(self.sums.moments, |excursion| excursion.before);
        self.make_factors(tables, log_promise, &known);
        self.make_losses(tables, log_promise, &known);
    }

    fn make_factors(&mut self, tables: &Tables, log_promise: f64, moments: &TickMoments) {
        let KnownDependence { lanes, ticks } = tables.dependence();
        let pooled = PooledGrowth::new(moments, tables.standardizations());
        let mut least = f64::INFINITY;
        let watched = f64::from(moments.ticks.saturating_sub(1));
        for (lane, known) in lanes.iter().enumerate() {
            let base = known.weight * ticks + PRIOR_TICKS;
            let raised = error_factor(BASELINE_LOG_PROMISE, base)
                / error_factor(log_promise, base + known.weight * watched);
            let single = (known.effect * base + moments.around_mean(0, lane)) / (base + watched);
            let standardization = &tables.standardizations()[lane];
            let noise = moments.noise(standardization.excess, lane);
            let growth = watched_growth(moments, lane, noise, known, &pooled);
            let effect = single * long_run_inflation(growth, log_promise);
            let bound = SUM_DEVIATIONS_MAX * SUM_DEVIATIONS_MAX * (1.0 + f64::from(self.found));
            self.bounds[lane] = (bound * effect / known.weight) as f32;
            let usual = TICK_DEVIATIONS_MAX * libm::sqrt(single / known.weight);
            self.tick_max[lane] = (usual + standardization.few) as f32;
            let mut ratio = baseline_effect(known) / effect;
            if known.weight < 1.0 {
                // Wild ticks are clipped here, and were not in the baseline: that there are fewer is no good
                // news.
                ratio = ratio.min(1.0);
            }
            let temper = tables.temper(lane);
            let mut factor = raised * ratio;
            if temper > 0.0 {
                factor = factor.min(1.0 / temper);
                least = f64::min(least, factor);
            }
            self.factors[lane] = factor as f32;
        }
        // Lanes that follow the ticks have no design effect of their own. They are tempered like the
        // most tempered of the others, and once more by each change that came and went.
        let least = if least.is_finite() { least } else { 1.0 };
        let followers = least.min(1.0) / (1.0 + f64::from(self.found));
        self.factors[lanes.len()..].fill(followers as f32);
        if tables.mixture().components() > 0 {
            // Each single category has a temper of its own, which allows for batches.
            self.factors[lanes.len()] = least.min(tables.mixture().factor_max()) as f32;
        }
    }

    /// The baseline's error in each lane, as far as whole sums of 64 ticks show it, and the slack that is
    /// left then.
    fn make_losses(&mut self, tables: &Tables, log_promise: f64, moments: &TickMoments) {
        let fixed = tables.dependence().lanes.len();
        let ticks = f64::from(moments.centered);
        let baseline = tables.events().max(1.0);
        // Of an hour of the week, its own share of what was watched.
        let watched =
            tables.event_share() * moments.events * ticks / f64::from(moments.ticks.max(1));
        let left = baseline / (baseline + watched);
        let weights = tables.weights_at(baseline + watched);
        for (lane, weight) in weights.into_iter().enumerate() {
            self.weights[lane] = weight as f32;
            let (spread, factor) = (tables.spreads()[lane], f64::from(self.factors[lane]));
            let mut slack = tables.penalties()[lane].per_event(log_promise);
            if tables.lanes()[lane] == Lane::OneCategory {
                // Each component has paid in full, and counts `factor` times.
                slack += (1.0 - factor).max(0.0) * log_promise / baseline;
            }
            let mut loss = slack;
            if lane < fixed {
                loss *= left;
                if ticks > 0.0 {
                    // In standard deviations of an event's evidence, were events independent.
                    let root = libm::sqrt(moments.events / f64::from(moments.ticks.max(1)));
                    let known = tables.temper(lane) * factor * baseline;
                    let most = ERROR_MAX / libm::sqrt(known.max(1.0));
                    let mean = (moments.mean(lane) / root).clamp(-most, most);
                    let deviation = spread * libm::sqrt(tables.temper(lane));
                    loss += factor * mean * (1.0 - left) * deviation;
                }
            }
            self.losses[lane] = loss as f32;
        }
    }

    /// Learns from a tick of `events`, with its `evidence` by the tables.
    pub(crate) fn observe(&mut self, tables: &Tables, evidence: &[f64], events: f64) {
        if let Some(excursion) = &mut self.excursion {
            excursion.ticks = excursion.ticks.saturating_add(1);
            if excursion.ticks > LONGEST_TICKS {
                if excursion.found {
                    return;
                }
                let since = self.sums.moments.events - excursion.before.events;
                if since >= HOVER_BASELINES * tables.events() {
                    self.leave_excursion();
                }
            }
        }
        if tables.dependence().lanes.is_empty() || self.sums.moments.ticks >= TICKS_MAX {
            return;
        }
        let part = 1.0 / libm::sqrt(events.max(1.0));
        let mut deviations = [0.0f32; LANES_MAX];
        for (lane, of) in tables.standardizations().iter().enumerate() {
            let deviation = (evidence[lane] - events * of.mean) * part * of.per_deviation;
            let most = f64::from(self.tick_max[lane]);
            let known = if deviation.is_nan() { 0.0 } else { deviation };
            deviations[lane] = known.clamp(-most, most) as f32;
        }
        self.sums.observe(deviations, events, &self.bounds, &self.tick_max);
    }

    /// Begins an excursion: what comes now may be a change, or is `found` to be one.
    pub(crate) fn hold(&mut self, found: bool) {
        let before = self.sums.moments;
        let new = || Box::new(Excursion { before, ticks: 0, found: false });
        self.excursion.get_or_insert_with(new).found |= found;
    }

    /// Ends the excursion: it was no change, or is over.
    pub(crate) fn release(&mut self) {
        let is_lasting =
            |excursion: &mut Box<Excursion>| excursion.found && excursion.ticks > LONGEST_TICKS;
        if let Some(excursion) = self.excursion.take_if(is_lasting) {
            self.sums = SpanSums::after(excursion.before);
        }
        self.leave_excursion();
    }

    /// Ends a finding. If it was short, it was another distribution for a while, which says something about
    /// dependence, but nothing about the baseline's error.
    pub(crate) fn end_finding(&mut self) {
        self.found = self.found.saturating_add(1);
        self.made_at = None;
        if self.excursion.as_ref().is_some_and(|excursion| excursion.ticks > LONGEST_TICKS) {
            return self.release();
        }
        if let Some(excursion) = self.leave_excursion() {
            self.sums.forget_mean_since(&excursion.before);
        }
    }

    /// Leaves the excursion, whose ticks count from now on.
    fn leave_excursion(&mut self) -> Option<Box<Excursion>> {
        let excursion = self.excursion.take()?;
        self.made_at = None;
        Some(excursion)
    }

    /// Ticks since the excursion began; 0 where there is none.
    pub(crate) fn ticks_held(&self) -> u32 {
        self.excursion.as_ref().map_or(0, |excursion| excursion.ticks.saturating_add(1))
    }

    /// Bytes beside the struct itself.
    pub(crate) fn bytes(&self) -> usize {
        self.excursion.as_ref().map_or(0, |_| size_of::<Excursion>())
    }
}

/// The design effect that a lane's tempering was made for.
fn baseline_effect(known: &Dependence) -> f64 {
    let growth = Growth { ratio: known.growth, sums: known.sums };
    known.effect * long_run_inflation(growth, BASELINE_LOG_PROMISE)
}

#[cfg(test)]
mod tests {
    use crate::baseline::{Baseline, Zone};
    use crate::dependence::{Dependence, PooledDependence};
    use crate::encoder::{Encoder, FlagEncoder, NumberEncoder};
    use crate::evidence::Evidence;
    use crate::lanes::{LANES_MAX, Tables, pane_evidence};
    use crate::temper::temper;

    /// Ticks of 50 numbers of a uniform law in 0..20, by a small generator.
    struct Course {
        tables: Tables,
        evidence: Evidence,
        state: u64,
        time: i64,
    }

    impl Course {
        fn new() -> Self {
            Self::of(1.0, 180)
        }

        /// With a baseline of `panes` ticks and this design effect.
        fn of(effect: f64, panes: u32) -> Self {
            let encoder =
                Encoder::Number(NumberEncoder::from_edges((0..=20).map(f64::from).collect()));
            let mut counts = vec![0; encoder.codes()];
            counts[1..21].fill(500);
            let mut baseline = Baseline::new(encoder, counts);
            let zone = Zone::default();
            let plain = Tables::new(&baseline, baseline.probabilities(), zone, 0.0);
            let siblings = PooledDependence::default();
            let ticks = vec![(1..21).map(|c| (c, 3)).collect(); 180];
            let tempering = temper(&ticks, |_| &plain, &siblings);
            let dependence = |d: &Dependence| Dependence { effect, ..*d };
            baseline.dependence = tempering.dependence.iter().map(dependence).collect();
            baseline.temper = vec![0.8 / effect; baseline.dependence.len()];
            baseline.panes = panes;
            let tables = Tables::new(&baseline, baseline.probabilities(), zone, 0.0);
            let evidence = Evidence::new(&tables);
            Self { tables, evidence, state: 1, time: 0 }
        }

        fn uniform(&mut self) -> f64 {
            // Multipliers of Steele and Vigna (2021).
            self.state = self.state.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(1);
            (self.state >> 11) as f64 / (1u64 << 53) as f64
        }

        /// Ticks with the uniform law to a `power`; where that is not 1 a finding is on, and over then.
        fn ticks(&mut self, ticks: usize, power: f64) {
            for _ in 0..ticks {
                let mut counts = vec![0; self.tables.codes()];
                for _ in 0..50 {
                    counts[1 + (self.uniform().powf(power) * 20.0) as usize] += 1;
                }
                self.time += 1;
                if power == 1.0 {
                    self.evidence.tick(&self.tables, &counts, self.time);
                } else {
                    let mut lanes = ndarray::Array2::zeros((1, LANES_MAX));
                    let view = ndarray::aview1(&counts).insert_axis(ndarray::Axis(0));
                    pane_evidence(view, &[&self.tables], lanes.view_mut());
                    let lanes: Vec<f64> = lanes.iter().copied().collect();
                    self.evidence.watch_finding(&self.tables, &counts, &lanes);
                }
            }
            if power != 1.0 {
                self.evidence.end_finding();
            }
        }

        /// Ticks each of which has a power of its own.
        fn uneven_ticks(&mut self, ticks: usize) {
            for _ in 0..ticks {
                let normal: f64 = (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0;
                let (mut counts, power) = (vec![0; self.tables.codes()], (0.25 * normal).exp());
                for _ in 0..50 {
                    counts[1 + (self.uniform().powf(power) * 20.0) as usize] += 1;
                }
                self.time += 1;
                self.evidence.tick(&self.tables, &counts, self.time);
            }
        }

        fn least_temper(&self) -> f64 {
            let lanes = 0..self.tables.dependence().lanes.len();
            lanes.map(|lane| self.evidence.temper(&self.tables, lane)).fold(1.0, f64::min)
        }
    }

    /// Ticks that vary three times as much are not cut to what few ticks of a baseline made of them.
    #[test]
    fn a_baseline_that_took_ticks_for_calmer_learns_what_they_are() {
        let temper = |effect: f64| {
            let mut course = Course::of(effect, 20);
            course.uneven_ticks(8_000);
            course.least_temper()
        };
        let (wrong, right) = (temper(0.8), temper(3.0));
        assert!(right < 0.45 && (wrong / right - 1.0).abs() < 0.05, "{wrong}, not {right}");
    }

    #[test]
    fn an_incident_costs_little_and_excursions_without_end_are_learned_of() {
        let mut course = Course::new();
        course.ticks(2_000, 1.0);
        let before = course.least_temper();
        // An hour of panes of 10 s, in which numbers are higher by 0.6 standard deviations.
        course.ticks(360, 0.5);
        course.ticks(3_000, 1.0);
        let after = course.least_temper();
        assert!(after < before && after > before / 2.0, "{before} {after}");
        for _ in 0..6 {
            course.ticks(120, 0.5);
            course.ticks(120, 1.0);
        }
        let often = course.least_temper();
        assert!(often < before / 10.0, "{before} {often}");
    }

    #[test]
    fn a_lasting_change_is_never_learned() {
        let mut course = Course::new();
        course.ticks(2_000, 1.0);
        let before = course.least_temper();
        course.ticks(900, 0.5);
        course.ticks(64, 1.0);
        let after = course.least_temper();
        assert!(after > 0.95 * before, "{before} {after}");
    }

    /// Flags of which one in a hundred is true, one a tick: alone, or three in a row three times as seldom.
    #[test]
    fn rare_events_that_come_in_clusters_are_dependent() {
        let encoder = Encoder::Flag(FlagEncoder);
        let codes = encoder.codes();
        let mut counts = vec![0; codes];
        (counts[0], counts[1]) = (9_900, 100);
        let mut baseline = Baseline::new(encoder, counts);
        baseline.tick_events = 1.0;
        let zone = Zone::default();
        let plain = Tables::new(&baseline, baseline.probabilities(), zone, 0.0);
        let ticks: Vec<_> = (0..500).map(|at| vec![(u8::from(at % 100 == 0), 1)]).collect();
        let tempering = temper(&ticks, |_| &plain, &PooledDependence::default());
        (baseline.temper, baseline.dependence) = (tempering.factors, tempering.dependence);
        baseline.panes = 500;
        let tables = Tables::new(&baseline, baseline.probabilities(), zone, 0.0);
        let temper_after = |is_true: &dyn Fn(usize) -> bool| {
            let mut evidence = Evidence::new(&tables);
            for at in 0..8_000 {
                let mut tick = vec![0; codes];
                tick[usize::from(is_true(at))] = 1;
                evidence.tick(&tables, &tick, at as i64);
            }
            evidence.temper(&tables, 0)
        };
        // At places that follow no rhythm.
        let at_random =
            |of: usize, one_in: usize| ((of * of * 31 + of * 17) % 1_009).is_multiple_of(one_in);
        let (alone, clustered) =
            (temper_after(&|at| at_random(at, 100)), temper_after(&|at| at_random(at / 3, 100)));
        assert!(alone > 0.8 && clustered < 0.5 * alone, "{alone} {clustered}");
    }

    #[test]
    fn a_constant_says_nothing() {
        let encoder = Encoder::Number(NumberEncoder::from_edges(vec![0.0, 0.0]));
        let codes = encoder.codes();
        let mut counts = vec![0; codes];
        counts[1] = 10_801;
        let mut baseline = Baseline::new(encoder, counts);
        let zone = Zone::default();
        let plain = Tables::new(&baseline, baseline.probabilities(), zone, 0.0);
        let tempering = temper(&vec![vec![(1, 30)]; 180], |_| &plain, &PooledDependence::default());
        (baseline.temper, baseline.dependence) = (tempering.factors, tempering.dependence);
        baseline.panes = 180;
        let tables = Tables::new(&baseline, baseline.probabilities(), zone, 0.0);
        let mut evidence = Evidence::new(&tables);
        let mut tick = vec![0; codes];
        tick[1] = 30;
        for time in 0..1_000 {
            evidence.tick(&tables, &tick, time);
            assert!(evidence.log_mixture() < 10.0, "{tables:?} {evidence:?}");
        }
    }
}
