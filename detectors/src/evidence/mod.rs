//! Evidence over time: per lane a CUSUM and a Shiryaev-Roberts statistic, over lanes a mixture.
//!
//! Per tick and lane, with evidence `e` of the tick (an e-value's logarithm) and the lane's weight `w`:
//! `S = max(0, S + e)` and `R = (g + R) exp(e)` with `g = w / nu`; `M = sum R` over lanes, alarm at `M
//! >= A`. `S` is drawn, and its last zero is the onset.
//!
//! What is proved: `M - sum g` is a supermartingale under the null, so the mean of `sum g` up to a
//! false alarm is at least `A` (Shin, Ramdas, Rinaldo, "E-detectors", 2023). What is calibrated: a
//! statistic does not stop at `A` but jumps over it, and with `g = w` the mean run length is `A / sum w
//! nu`, where `nu = E exp(-overshoot)` is known for a normal step (see `math::overshoot`). So `g = w / nu`
//! gives each lane its weight's share of the false alarms, and the mean run length comes to `A`, in
//! ticks, where the evidence of a tick is near normal.

pub mod budget;
pub mod effect;

use serde::{Deserialize, Serialize};

use crate::lanes::lane::{LANES_MAX, Lane};
use crate::lanes::pane_evidence;
use crate::lanes::tables::Tables;
use crate::lanes::tick::Tick;
use crate::math::overshoot::starts_worth;
use crate::math::promise::WATCHED_LOG_PROMISE;
use crate::math::special::exp;
use crate::temper::watched::Live;

/// Ticks whose course is kept for `explain`.
pub const STEPS_MAX: usize = 20;
/// Most evidence that one tick may have before its neighbour confirms it, in parts of `ln A`: no single
/// tick decides, however wild it is. A burst of one caller is over after it, a change is not.
const ALONE_SHARE: f64 = 0.35;
/// How many times its own evidence a tick confirms.
const CONFIRMS: f64 = 2.0;
/// While the CUSUM of any lane is above this part of `ln A`, ticks may be a change ...
const HOLD_SHARE: f64 = 0.25;
/// ... until it is below this one.
const RELEASE_SHARE: f64 = 0.125;
const R_MAX: f64 = 1e280;
const LOG_STEP_MAX: f64 = 500.0;

/// One step of the statistic, as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Start of the tick's first pane, microseconds since 1970.
    pub time_us: i64,
    /// Events of the tick.
    pub events: u32,
    /// Lane that led after the tick.
    pub lane: u8,
    /// Evidence of the tick in that lane.
    pub evidence: f32,
    /// CUSUM of that lane.
    pub cusum: f32,
    /// Logarithm of the mixture.
    pub log_mixture: f32,
}

/// A step as it is kept, but for its lane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Kept {
    time_us: i64,
    events: u32,
    evidence: f32,
    cusum: f32,
    log_mixture: f32,
}

/// The accumulated evidence of one series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    lanes: u8,
    log_promise: f32,
    live: Live,
    r: [f64; LANES_MAX],
    s: [f64; LANES_MAX],
    /// Start of the first tick after the lane's CUSUM was last zero.
    onset_us: [i64; LANES_MAX],
    /// Ticks since then.
    ticks_since: [u32; LANES_MAX],
    /// `lanes x codes`: counts since then.
    since: Box<[u32]>,
    /// Evidence of the last tick that waits to be confirmed.
    withheld: [f32; LANES_MAX],
    log_mixture: f64,
    ticks: u32,
    learned: Box<[f32]>,
    learned_is_set: bool,
    /// Weights of the categories in the lane of single ones, where there is one.
    which: Box<[f32]>,
    /// The last steps, around: the next one goes to `ticks % STEPS_MAX`.
    steps: [Kept; STEPS_MAX],
    /// Their lanes.
    step_lanes: [u8; STEPS_MAX],
}

impl Evidence {
    /// No evidence yet.
    pub fn new(tables: &Tables) -> Self {
        let (lanes, codes) = (tables.lanes().len(), tables.codes());
        Self {
            lanes: lanes as u8,
            log_promise: WATCHED_LOG_PROMISE,
            live: Live::new(),
            r: [0.0; LANES_MAX],
            s: [0.0; LANES_MAX],
            onset_us: [0; LANES_MAX],
            ticks_since: [0; LANES_MAX],
            since: vec![0; lanes * codes].into(),
            withheld: [0.0; LANES_MAX],
            log_mixture: f64::NEG_INFINITY,
            ticks: 0,
            learned: vec![0.0; codes].into(),
            learned_is_set: false,
            which: tables.one_of().weights(),
            steps: [Kept::default(); STEPS_MAX],
            step_lanes: [0; STEPS_MAX],
        }
    }

    /// The `ln A` that slack and tempering are for, from now on. The engine leaves it at one of usual size:
    /// what a series has accumulated must not depend on a budget that may change, nor on how many share it.
    pub fn aim(&mut self, log_promise: f64) {
        self.log_promise = log_promise as f32;
    }

    /// One tick of code `counts` that began at `time_us`: kernel and [`Evidence::absorb`] in one.
    pub fn tick(&mut self, tables: &Tables, counts: &[u32], time_us: i64) {
        let mut lanes = ndarray::Array2::zeros((1, LANES_MAX));
        let view = ndarray::aview1(counts).insert_axis(ndarray::Axis(0));
        pane_evidence(view, &[tables], lanes.view_mut());
        let mut row = [0.0; LANES_MAX];
        row.iter_mut().zip(&lanes).for_each(|(to, from)| *to = *from);
        self.absorb(tables, counts, &row, time_us);
    }

    /// One tick whose evidence in the fixed lanes is known already. `evidence`: [`LANES_MAX`] values.
    pub fn absorb(&mut self, tables: &Tables, counts: &[u32], evidence: &[f64], time_us: i64) {
        let (lanes, codes) = (usize::from(self.lanes), tables.codes());
        let mut e = [0.0; LANES_MAX];
        e.iter_mut().zip(evidence).for_each(|(to, from)| *to = *from);
        let tick = Tick::of(counts);
        e[lanes - 1] = if self.learned_is_set { tick.evidence(&self.learned) } else { 0.0 };
        let events = tick.events();
        let (n, root) = (f64::from(events), libm::sqrt(f64::from(events)));
        let promise = f64::from(self.log_promise).max(1.0);
        self.live.aim(tables, promise);
        let highest = self.s.iter().fold(0.0, |most: f64, s| most.max(*s));
        if highest > HOLD_SHARE * promise {
            self.live.hold(false);
        } else if highest < RELEASE_SHARE * promise {
            self.live.release();
        }
        self.live.take(tables, &e, n);
        let mut starts = [0.0; LANES_MAX];
        let (live, spreads, worths) = (&self.live, tables.spreads(), tables.worths());
        if let Some(lane) = self.of_categories() {
            let start = (f64::from(live.weights[lane]) * worths[lane]).max(f64::MIN_POSITIVE);
            let dealt = start / (start + self.r[lane]);
            e[lane] = tables.one_of().take(&tick, dealt, promise, &mut self.which);
        }
        for lane in 0..LANES_MAX {
            let factor = f64::from(live.factors[lane]);
            let own = e[lane] * factor - n * f64::from(live.losses[lane]);
            #[expect(
                clippy::manual_clamp,
                reason = "what is no number tells nothing, and clamp keeps it"
            )]
            let bounded = own.max(-LOG_STEP_MAX).min(LOG_STEP_MAX);
            e[lane] = bounded;
            let reach = spreads[lane] * factor.sqrt() * root;
            let jump = 1.0 + (worths[lane] - 1.0) * factor.min(1.0);
            starts[lane] = f64::from(live.weights[lane]) * starts_worth(reach).max(jump);
        }
        let alone = ALONE_SHARE * promise;
        let is_wild = e.iter().fold(false, |is, e| is | (*e > alone));
        if is_wild || self.withheld.iter().fold(false, |is, w| is | (*w > 0.0)) {
            for (lane, e) in e.iter_mut().enumerate() {
                *e = self.confirmed(lane, *e, alone);
            }
        }
        for lane in 0..LANES_MAX {
            self.r[lane] = ((starts[lane] + self.r[lane]) * exp(e[lane])).min(R_MAX);
        }
        let (mut leader, mut mixture) = (0, 0.0);
        for (lane, e) in e.iter().enumerate().take(lanes) {
            mixture += self.r[lane];
            if self.r[lane] > self.r[leader] {
                leader = lane;
            }
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
        self.log_mixture = libm::log(mixture);
        let at = self.ticks as usize % STEPS_MAX;
        self.step_lanes[at] = leader as u8;
        self.steps[at] = Kept {
            time_us,
            events,
            evidence: e[leader] as f32,
            cusum: self.s[leader] as f32,
            log_mixture: self.log_mixture as f32,
        };
        self.ticks = self.ticks.saturating_add(1);
    }

    /// What a tick's evidence `e` counts for in a lane: a part above [`ALONE_SHARE`] waits for the next
    /// tick, and counts if that says as much, or half. So one burst does not decide with the next, an hour
    /// later. To withhold some evidence only ever makes a product of e-values smaller.
    fn confirmed(&mut self, lane: usize, e: f64, alone: f64) -> f64 {
        let withheld = std::mem::take(&mut self.withheld[lane]);
        if withheld > 0.0 {
            let due = f64::from(withheld).min(CONFIRMS * e.max(0.0));
            self.r[lane] *= exp(due);
            self.s[lane] += due;
        }
        if e <= alone || withheld > 0.0 {
            return e;
        }
        self.withheld[lane] = (e - alone) as f32;
        alone
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

    /// The lane that carries the mixture.
    pub fn leader(&self) -> usize {
        (0..usize::from(self.lanes))
            .fold(0, |best, lane| if self.r[lane] > self.r[best] { lane } else { best })
    }

    /// The lane of single categories.
    fn of_categories(&self) -> Option<usize> {
        (!self.which.is_empty()).then(|| usize::from(self.lanes) - 2)
    }

    /// The part that the leading lane speaks of, where that is the lane of single categories.
    pub fn category(&self) -> Option<usize> {
        let lane = self.of_categories()?;
        let heavier =
            |best: usize, at: usize| if self.which[at] > self.which[best] { at } else { best };
        (lane == self.leader()).then(|| (0..self.which.len()).fold(0, heavier))
    }

    /// What a finding of the leading lane is called and measured by.
    pub fn told_as(&self, tables: &Tables) -> Lane {
        match self.category() {
            Some(part) => {
                let (codes, ratio) = tables.one_of().part(part);
                Lane::Share { codes: codes.collect(), ratio }
            }
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

    /// Onset by a lane's CUSUM, the counts since then, and the ticks.
    pub fn since_onset(&self, lane: usize) -> (i64, &[u32], u32) {
        let codes = self.learned.len();
        (self.onset_us[lane], &self.since[lane * codes..(lane + 1) * codes], self.ticks_since[lane])
    }

    /// Evidence of one event with `code` in a lane, the learned one included, before slack and
    /// what watched ticks told.
    pub fn at(&self, tables: &Tables, code: usize, lane: usize) -> f64 {
        if lane + 1 == usize::from(self.lanes) {
            f64::from(self.learned[code])
        } else if self.of_categories() == Some(lane) {
            tables.one_of().at(code, &self.which)
        } else {
            tables.at(code, lane)
        }
    }

    /// The same as it is counted now: with slack, and what watched ticks told.
    pub fn counted_at(&self, tables: &Tables, code: usize, lane: usize) -> f64 {
        let (factor, loss) = (self.live.factors[lane], self.live.losses[lane]);
        self.at(tables, code, lane) * f64::from(factor) - f64::from(loss)
    }

    /// Tempering of a lane as it stands, 0..=1.
    pub fn temper(&self, tables: &Tables, lane: usize) -> f64 {
        f64::from(self.live.factors[lane]) * tables.temper(lane)
    }

    /// The last ticks.
    pub fn steps(&self) -> Vec<Step> {
        let ticks = self.ticks as usize;
        let oldest = ticks.saturating_sub(STEPS_MAX);
        let show = |at: usize| {
            let at = at % STEPS_MAX;
            let (kept, lane) = (self.steps[at], self.step_lanes[at]);
            let Kept { time_us, events, evidence, cusum, log_mixture } = kept;
            Step { time_us, events, lane, evidence, cusum, log_mixture }
        };
        (oldest..ticks).map(show).collect()
    }

    /// A tick while a finding is on: it may be learned of once that is over. `evidence`: as for
    /// [`Evidence::absorb`].
    pub fn look_on(&mut self, tables: &Tables, counts: &[u32], evidence: &[f64]) {
        let events = counts.iter().fold(0, |sum: u32, n| sum.wrapping_add(*n));
        self.live.hold(true);
        self.live.take(tables, evidence, f64::from(events));
    }

    /// For how many ticks what comes may be a change: evidence has risen, and has not fallen back. 0: not at
    /// all.
    pub fn held(&self) -> u32 {
        self.live.held()
    }

    /// The change of a finding is over.
    pub fn calm(&mut self) {
        self.live.found();
    }

    /// Forgets the evidence, as after an alarm; the learned lane keeps its table.
    pub fn restart(&mut self) {
        self.r.fill(0.0);
        self.s.fill(0.0);
        self.withheld.fill(0.0);
        self.since.fill(0);
        self.ticks_since.fill(0);
        self.log_mixture = f64::NEG_INFINITY;
        self.ticks = 0;
    }

    /// Bytes of the live state.
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + (self.since.len() + self.learned.len() + self.which.len()) * 4
            + self.live.bytes()
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
        assert!(ordered.clone().any(|code| tables.at(code, 0).is_nan()));
        let mut evidence = Evidence::new(&tables);
        for code in ordered.cycle().take(200) {
            let mut tick = vec![0; tables.codes()];
            tick[code] = 50;
            evidence.tick(&tables, &tick, 0);
        }
        assert!(!evidence.r.iter().any(|r| *r >= R_MAX), "{evidence:?}");
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
        let (onset, counts, ticks) = evidence.since_onset(lane);
        assert_eq!((onset, counts, ticks), (30, &[1800, 200, 0, 0][..], 10));
        assert!(evidence.log_mixture() > 50.0);
        assert_eq!(evidence.steps().len(), STEPS_MAX);
        evidence.restart();
        assert_eq!((evidence.ticks(), evidence.log_mixture()), (0, f64::NEG_INFINITY));
    }
}
