//! Evidence over time: per lane a CUSUM and a Shiryaev-Roberts statistic, over lanes a mixture.
//!
//! Per tick and lane, with evidence `e` of the tick (an e-value's logarithm) and the lane's weight `w`:
//! `S = max(0, S + e)` and `R = (g + R) exp(e)` with `g = w / nu`; `M = sum R` over lanes, alarm at `M
//! >= A`. `S` is drawn, and its last zero is the onset.
//!
//! Proved: `M - sum g` is a supermartingale under the null, so the mean of `sum g` up to a
//! false alarm is at least `A` (Shin, Ramdas, Rinaldo, "E-detectors", 2023). Calibrated: a
//! statistic does not stop at `A` but jumps over it, and with `g = w` the mean run length is `A / sum w
//! nu`, where `nu = E exp(-overshoot)` is known for a normal step (see `math::overshoot`). So `g = w / nu`
//! gives each lane its weight's share of the false alarms, and the mean run length comes to `A`, in
//! ticks, where the evidence of a tick is near normal.

pub mod budget;
mod confirm;
pub mod effect;
pub mod ongoing;
mod steps;

use serde::{Deserialize, Serialize};

use crate::lanes::lane::{LANES_MAX, Lane};
use crate::lanes::pane_evidence;
use crate::lanes::tables::Tables;
use crate::lanes::tick::Tick;
use crate::math::overshoot::overshoot_correction;
use crate::math::promise::WATCHED_LOG_PROMISE;
use crate::math::special::exp;
use crate::temper::watched::WatchedDependence;
use confirm::{Confirmed, Withheld};
use steps::Steps;

pub use steps::{STEPS_MAX, Step};

/// While the CUSUM of any lane is above this part of `ln A`, ticks may be a change ...
const HOLD_SHARE: f64 = 0.25;
/// ... until all are below this one.
const RELEASE_SHARE: f64 = 0.125;
const R_MAX: f64 = 1e280;
const LOG_STEP_MAX: f64 = 500.0;

/// The accumulated evidence of one series.
/// ```
/// use driftline_detectors::baseline::{Baseline, Zone};
/// use driftline_detectors::encoder::{Encoder, FlagEncoder};
/// use driftline_detectors::evidence::effect::effect;
/// use driftline_detectors::evidence::{Evidence, budget};
/// use driftline_detectors::lanes::Tables;
///
/// let baseline = Baseline::new(Encoder::Flag(FlagEncoder), vec![9_900, 100, 0, 0]);
/// let tables = Tables::new(&baseline, baseline.probabilities(), Zone::default(), 0.0);
/// let mut evidence = Evidence::new(&tables);
/// // One series with ticks of 10 s, and one false alarm a week.
/// let threshold = budget::log_threshold(1, 10_000_000, 1.0);
/// for tick in 0..30 {
///     // From tick 20 on four times as many failures.
///     let failures = if tick < 20 { 2 } else { 8 };
///     evidence.tick(&tables, &[200 - failures, failures, 0, 0], i64::from(tick) * 10_000_000);
/// }
/// assert!(evidence.log_mixture() > threshold);
/// assert_eq!(evidence.onset_us(), 20 * 10_000_000);
/// let since = evidence.since_onset(evidence.leader());
/// let size = effect(&baseline, &tables, &evidence.found_lane(&tables), since.counts);
/// assert_eq!(size.unit, "share");
/// assert!(size.low < 0.03 && 0.03 < size.high);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    lanes: u8,
    log_promise: f32,
    #[serde(rename = "live")]
    dependence: WatchedDependence,
    /// Shiryaev-Roberts statistic of each lane.
    r: [f64; LANES_MAX],
    /// CUSUM of each lane.
    s: [f64; LANES_MAX],
    /// Start of the first tick after the lane's CUSUM was last zero.
    onset_us: [i64; LANES_MAX],
    /// Ticks since then.
    ticks_since: [u32; LANES_MAX],
    /// `lanes x codes`: counts since then.
    since: Box<[u32]>,
    withheld: Withheld,
    log_mixture: f64,
    ticks: u32,
    /// Evidence of each code in the learned lane.
    learned: Box<[f32]>,
    learned_is_set: bool,
    /// Weights of the alternatives in the lane of single categories; empty where there is none.
    #[serde(rename = "which")]
    category_weights: Box<[f32]>,
    steps: Steps,
}

/// What a lane has counted since its onset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SinceOnset<'a> {
    /// Start of the first tick after the lane's CUSUM was last zero, microseconds since 1970.
    pub onset_us: i64,
    /// Events of each code since then.
    pub counts: &'a [u32],
    /// Ticks since then.
    pub ticks: u32,
}

impl Evidence {
    /// No evidence yet.
    pub fn new(tables: &Tables) -> Self {
        let (lanes, codes) = (tables.lanes().len(), tables.codes());
        Self {
            lanes: lanes as u8,
            since: vec![0; lanes * codes].into(),
            learned: vec![0.0; codes].into(),
            category_weights: tables.mixture().weights(),
            ..Self::nothing()
        }
    }

    /// Of a series without lanes and codes.
    fn nothing() -> Self {
        Self {
            lanes: 0,
            log_promise: WATCHED_LOG_PROMISE,
            dependence: WatchedDependence::new(),
            r: [0.0; LANES_MAX],
            s: [0.0; LANES_MAX],
            onset_us: [0; LANES_MAX],
            ticks_since: [0; LANES_MAX],
            since: Box::default(),
            withheld: Withheld::NONE,
            log_mixture: f64::NEG_INFINITY,
            ticks: 0,
            learned: Box::default(),
            learned_is_set: false,
            category_weights: Box::default(),
            steps: Steps::NONE,
        }
    }

    /// No evidence yet against another reference of the same series, in the same lanes: ticks are as
    /// dependent as they are known to be here.
    fn of_other_reference(&self, tables: &Tables) -> Self {
        let dependence = self.dependence.of_other_reference();
        Self { log_promise: self.log_promise, dependence, ..Self::new(tables) }
    }

    /// Sets the `ln A` that slack and tempering are for, from the next tick on. The engine leaves it at one
    /// of usual size: what a series has accumulated must not depend on a budget that may change, nor on how
    /// many series share it.
    pub fn set_log_promise(&mut self, log_promise: f64) {
        self.log_promise = log_promise as f32;
    }

    /// Adds one tick of code `counts` that began at `time_us`: kernel and [`Evidence::absorb`] in one.
    pub fn tick(&mut self, tables: &Tables, counts: &[u32], time_us: i64) {
        let mut lanes = ndarray::Array2::zeros((1, LANES_MAX));
        let view = ndarray::aview1(counts).insert_axis(ndarray::Axis(0));
        pane_evidence(view, &[tables], lanes.view_mut());
        let mut row = [0.0; LANES_MAX];
        row.iter_mut().zip(&lanes).for_each(|(to, from)| *to = *from);
        self.absorb(tables, counts, &row, time_us);
    }

    /// Adds one tick whose evidence in the fixed lanes is known already. `evidence`: [`LANES_MAX`] values.
    pub fn absorb(&mut self, tables: &Tables, counts: &[u32], evidence: &[f64], time_us: i64) {
        let tick = Tick::new(counts);
        let mut e = [0.0; LANES_MAX];
        // What is no number is no evidence: neither for a change nor against it.
        let told = |e: &f64| if e.is_nan() { 0.0 } else { *e };
        e.iter_mut().zip(evidence).for_each(|(to, from)| *to = told(from));
        e[usize::from(self.lanes) - 1] =
            if self.learned_is_set { tick.evidence(&self.learned) } else { 0.0 };
        self.follow_dependence(tables, &e, f64::from(tick.events()));
        let starts = self.weigh(tables, &tick, &mut e);
        self.confirm(&mut e);
        for lane in 0..LANES_MAX {
            self.r[lane] = ((starts[lane] + self.r[lane]) * exp(e[lane])).min(R_MAX);
        }
        let (leader, mixture) = self.lead();
        self.add_to_cusums(&tick, &e, time_us);
        self.log_mixture = libm::log(mixture);
        let step = Step {
            time_us,
            events: tick.events(),
            lane: leader as u8,
            evidence: e[leader] as f32,
            cusum: self.s[leader] as f32,
            log_mixture: self.log_mixture as f32,
        };
        self.steps.record(self.ticks, step);
        self.ticks = self.ticks.saturating_add(1);
    }

    fn promise(&self) -> f64 {
        f64::from(self.log_promise).max(1.0)
    }

    /// Has dependence follow a tick, unless it may be a change. The tick itself is judged by what was known
    /// before it.
    #[inline]
    fn follow_dependence(&mut self, tables: &Tables, e: &[f64; LANES_MAX], events: f64) {
        let promise = self.promise();
        self.dependence.prepare(tables, promise);
        let highest = self.s.iter().fold(0.0, |most: f64, s| most.max(*s));
        if highest > HOLD_SHARE * promise {
            self.dependence.hold(false);
        } else if highest < RELEASE_SHARE * promise {
            self.dependence.release();
        }
        self.dependence.observe(tables, e, events);
    }

    /// Turns the tables' evidence of a tick into what counts, `e`, by tempering and slack. Returns the start
    /// of each lane's statistic.
    #[inline]
    fn weigh(
        &mut self,
        tables: &Tables,
        tick: &Tick<'_>,
        e: &mut [f64; LANES_MAX],
    ) -> [f64; LANES_MAX] {
        let promise = self.promise();
        let events = f64::from(tick.events());
        let root = libm::sqrt(events);
        let mut starts = [0.0; LANES_MAX];
        let (known, spreads) = (&self.dependence, tables.spreads());
        let corrections = tables.start_corrections();
        if let Some(lane) = self.category_lane() {
            let weight = f64::from(known.weights[lane]);
            let start = (weight * corrections[lane]).max(f64::MIN_POSITIVE);
            let dealt = start / (start + self.r[lane]);
            let weights = &mut self.category_weights;
            e[lane] = tables.mixture().observe(tick, dealt, promise, weights);
        }
        for lane in 0..LANES_MAX {
            let factor = f64::from(known.factors[lane]);
            let own = e[lane] * factor - events * f64::from(known.losses[lane]);
            e[lane] = if own.is_nan() { 0.0 } else { own.clamp(-LOG_STEP_MAX, LOG_STEP_MAX) };
            let reach = spreads[lane] * factor.sqrt() * root;
            let jump = 1.0 + (corrections[lane] - 1.0) * factor.min(1.0);
            starts[lane] = f64::from(known.weights[lane]) * overshoot_correction(reach).max(jump);
        }
        starts
    }

    /// Withholds evidence that a single tick may not decide by, and adds what this tick confirms.
    #[inline]
    fn confirm(&mut self, e: &mut [f64; LANES_MAX]) {
        let promise = self.promise();
        if !self.withheld.concerns(e, promise) {
            return;
        }
        for (lane, e) in e.iter_mut().enumerate() {
            let Confirmed { now, before } = self.withheld.confirm(lane, *e, promise);
            if before > 0.0 {
                self.r[lane] *= exp(before);
                self.s[lane] += before;
            }
            *e = now;
        }
    }

    /// The lane with the largest statistic, and the sum over lanes.
    #[inline]
    fn lead(&self) -> (usize, f64) {
        let (mut leader, mut mixture) = (0, 0.0);
        for lane in 0..usize::from(self.lanes) {
            mixture += self.r[lane];
            if self.r[lane] > self.r[leader] {
                leader = lane;
            }
        }
        (leader, mixture)
    }

    #[inline]
    fn add_to_cusums(&mut self, tick: &Tick<'_>, e: &[f64; LANES_MAX], time_us: i64) {
        let codes = self.learned.len();
        for (lane, e) in e.iter().enumerate().take(usize::from(self.lanes)) {
            let sum = self.s[lane] + e;
            let since = &mut self.since[lane * codes..(lane + 1) * codes];
            if sum <= 0.0 {
                self.s[lane] = 0.0;
                if self.ticks_since[lane] > 0 {
                    since.fill(0);
                    self.ticks_since[lane] = 0;
                }
                continue;
            }
            if self.ticks_since[lane] == 0 {
                self.onset_us[lane] = time_us;
            }
            self.s[lane] = sum;
            self.ticks_since[lane] += 1;
            tick.add_to(since);
        }
    }

    /// Sets the learned lane's table, for the ticks *after* this call only: so it stays an e-value.
    pub fn learn(&mut self, table: Vec<f32>) {
        self.learned_is_set = table.iter().any(|e| *e != 0.0);
        self.learned = table.into();
    }

    /// `ln M`; minus infinity before the first tick.
    pub fn log_mixture(&self) -> f64 {
        self.log_mixture
    }

    /// The lane that carries the mixture: of those in which something has begun, where there are any.
    pub fn leader(&self) -> usize {
        let rank = |lane: usize| (self.ticks_since[lane] > 0, self.r[lane]);
        (0..usize::from(self.lanes))
            .fold(0, |best, lane| if rank(lane) > rank(best) { lane } else { best })
    }

    /// Whether something has begun in any lane. With a large budget a mixture is enough where no CUSUM is
    /// above zero: by what each tick may be the first of, and not by what was seen.
    pub fn has_begun(&self) -> bool {
        self.ticks_since.iter().any(|ticks| *ticks > 0)
    }

    /// The lane for single categories.
    fn category_lane(&self) -> Option<usize> {
        (!self.category_weights.is_empty()).then(|| usize::from(self.lanes) - 2)
    }

    /// The alternative with the most weight, where the lane for single categories leads.
    pub fn category(&self) -> Option<usize> {
        let lane = self.category_lane()?;
        let weights = &self.category_weights;
        let heavier = |best: usize, at: usize| if weights[at] > weights[best] { at } else { best };
        (lane == self.leader()).then(|| (0..weights.len()).fold(0, heavier))
    }

    /// The lane that a finding is named after and measured by: the leading one, or the category that it
    /// found.
    pub fn found_lane(&self, tables: &Tables) -> Lane {
        match self.category() {
            Some(alternative) => tables.mixture().lane(alternative),
            None => tables.lanes()[self.leader()].clone(),
        }
    }

    /// Onset by the CUSUM of the lane that carries the mixture, microseconds since 1970.
    pub fn onset_us(&self) -> i64 {
        self.onset_us[self.leader()]
    }

    /// Ticks since the start or the last [`Evidence::restart`].
    pub fn ticks(&self) -> u32 {
        self.ticks
    }

    /// CUSUM of a lane.
    pub fn cusum(&self, lane: usize) -> f64 {
        self.s[lane]
    }

    /// What a lane has counted since its CUSUM was last zero.
    pub fn since_onset(&self, lane: usize) -> SinceOnset<'_> {
        let codes = self.learned.len();
        SinceOnset {
            onset_us: self.onset_us[lane],
            counts: &self.since[lane * codes..(lane + 1) * codes],
            ticks: self.ticks_since[lane],
        }
    }

    /// Evidence of one event with `code` in a lane, the learned one included, before the slack and the
    /// tempering that watched ticks ask for.
    pub fn event_evidence(&self, tables: &Tables, code: usize, lane: usize) -> f64 {
        if lane + 1 == usize::from(self.lanes) {
            f64::from(self.learned[code])
        } else if self.category_lane() == Some(lane) {
            tables.mixture().event_evidence(code, &self.category_weights)
        } else {
            tables.evidence(code, lane)
        }
    }

    /// The same after slack and tempering, as it counts in the next tick.
    pub fn weighed_evidence(&self, tables: &Tables, code: usize, lane: usize) -> f64 {
        let (factor, loss) = (self.dependence.factors[lane], self.dependence.losses[lane]);
        self.event_evidence(tables, code, lane) * f64::from(factor) - f64::from(loss)
    }

    /// Tempering of a lane as it stands, 0..=1.
    pub fn temper(&self, tables: &Tables, lane: usize) -> f64 {
        f64::from(self.dependence.factors[lane]) * tables.temper(lane)
    }

    /// The last ticks, up to [`STEPS_MAX`], the oldest first.
    pub fn steps(&self) -> Vec<Step> {
        self.steps.last(self.ticks)
    }

    /// Adds a tick while a finding is open: it adds no evidence, but dependence learns from it should the
    /// finding turn out to be short. `evidence`: as for [`Evidence::absorb`].
    pub fn watch_finding(&mut self, tables: &Tables, counts: &[u32], evidence: &[f64]) {
        let events = counts.iter().fold(0, |sum: u32, n| sum.wrapping_add(*n));
        self.dependence.hold(true);
        self.dependence.observe(tables, evidence, f64::from(events));
    }

    /// Ticks since evidence rose so far that a change may have begun, while it has not fallen back; 0 where
    /// it has.
    pub fn ticks_held(&self) -> u32 {
        self.dependence.ticks_held()
    }

    /// Ends a finding: the change is over.
    pub fn end_finding(&mut self) {
        self.dependence.end_finding();
    }

    /// Forgets the evidence, as after an alarm; the learned lane keeps its table.
    pub fn restart(&mut self) {
        self.r.fill(0.0);
        self.s.fill(0.0);
        self.withheld = Withheld::NONE;
        self.since.fill(0);
        self.ticks_since.fill(0);
        self.log_mixture = f64::NEG_INFINITY;
        self.ticks = 0;
    }

    /// Bytes of the live state.
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + (self.since.len() + self.learned.len() + self.category_weights.len()) * 4
            + self.dependence.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::{Baseline, Zone};
    use crate::encoder::{Encoder, FlagEncoder, NumberEncoder};

    /// Two bursts, each of which would decide alone, against one change of the same size.
    #[test]
    fn no_single_tick_decides_and_two_in_a_row_do() {
        let baseline = Baseline::new(Encoder::Flag(FlagEncoder), vec![9000, 1000, 0, 0]);
        let tables = Tables::new(&baseline, baseline.probabilities(), Zone::default(), 0.0);
        let (calm, burst) = ([90, 10, 0, 0], [20, 80, 0, 0]);
        let highest = |ticks: &[[u32; 4]]| {
            let mut evidence = Evidence::new(&tables);
            let after = ticks.iter().enumerate().map(|(time, tick)| {
                evidence.tick(&tables, tick, time as i64);
                evidence.log_mixture()
            });
            after.fold(f64::NEG_INFINITY, f64::max)
        };
        assert!(highest(&[calm, burst, calm, calm, burst, calm]) < 12.0);
        assert!(highest(&[calm, burst, burst]) > 32.0);
    }

    /// A zone so wide that tables are no numbers any more.
    #[test]
    fn what_is_no_number_tells_nothing() {
        let encoder = Encoder::Number(NumberEncoder::from_edges((0..=20).map(f64::from).collect()));
        let mut counts = vec![0; encoder.codes()];
        counts[1..21].fill(500);
        let baseline = Baseline::new(encoder, counts);
        let zone = Zone { sigma: 1e3, odds: 0.1 };
        let tables = Tables::new(&baseline, baseline.probabilities(), zone, 0.0);
        let ordered = 0..baseline.encoder.ordered();
        assert!(ordered.clone().any(|code| tables.evidence(code, 0).is_nan()));
        let mut evidence = Evidence::new(&tables);
        for code in ordered.cycle().take(200) {
            let mut tick = vec![0; tables.codes()];
            tick[code] = 50;
            evidence.tick(&tables, &tick, 0);
        }
        assert!(!evidence.r.iter().any(|r| *r >= R_MAX), "{evidence:?}");
    }

    /// One value that is no number, in the midst of a change: the lane keeps what it has.
    #[test]
    fn what_is_no_number_wipes_no_lane() {
        let baseline = Baseline::new(Encoder::Flag(FlagEncoder), vec![9900, 100, 0, 0]);
        let tables = Tables::new(&baseline, baseline.probabilities(), Zone::default(), 0.0);
        let mut evidence = Evidence::new(&tables);
        (0..10).for_each(|time| evidence.tick(&tables, &[190, 10, 0, 0], time));
        let (lane, before) = (evidence.leader(), evidence.log_mixture());
        let cusum = evidence.cusum(lane);
        evidence.absorb(&tables, &[190, 10, 0, 0], &[f64::NAN; LANES_MAX], 10);
        let lost = cusum - evidence.cusum(lane);
        assert!(before > 10.0 && lost < 1.0 && evidence.onset_us() == 0, "{lost} {evidence:?}");
        assert!(evidence.log_mixture() > before - 1.0);
    }

    #[test]
    fn onset_is_the_last_zero_and_a_restart_forgets() {
        let baseline = Baseline::new(Encoder::Flag(FlagEncoder), vec![9900, 100, 0, 0]);
        let tables = Tables::new(&baseline, baseline.probabilities(), Zone::default(), 1.0);
        let mut evidence = Evidence::new(&tables);
        for pane in 0..40 {
            evidence.tick(
                &tables,
                if pane < 30 { &[198, 2, 0, 0] } else { &[180, 20, 0, 0] },
                pane,
            );
        }
        let lane = evidence.leader();
        let SinceOnset { onset_us, counts, ticks } = evidence.since_onset(lane);
        assert_eq!((onset_us, counts, ticks), (30, &[1800, 200, 0, 0][..], 10));
        assert!(evidence.log_mixture() > 50.0);
        assert_eq!(evidence.steps().len(), STEPS_MAX);
        evidence.restart();
        assert_eq!((evidence.ticks(), evidence.log_mixture()), (0, f64::NEG_INFINITY));
    }
}
