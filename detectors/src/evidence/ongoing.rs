//! While a change is on: whether it goes further, and whether it is over.
//!
//! The state since its onset is a reference of its own. A second look judges each tick against it, with the
//! same lanes, slack for as many events as it rests on, and dependence as it is known of the series; it asks
//! for `ln 2` more than the first. What is found is told where it lies clearly outside of the zone around
//! that state and around the baseline, and is the reference from then on. What lies within the zone around
//! the baseline is no further change but the way back, and that is a question of its own: a CUSUM of the
//! evidence that counts are at the edge of the zone, and no more where they were held to be. It asks for as
//! much as a change does.
//!
//! Each way in which the series has changed has to be gone back. Not here: how long it has to be quiet.

use serde::{Deserialize, Serialize};

use super::{Evidence, Step};
use crate::baseline::Baseline;
use crate::lanes::lane::Lane;
use crate::lanes::tables::Tables;
use crate::lanes::tick::Tick;
use crate::math::promise::WATCHED_LOG_PROMISE;

/// A state rests on so many ticks at most.
const TICKS_MAX: u32 = 1_024;
/// It grows while the CUSUM of each lane is below this part of `ln A` ...
const GROWS_BELOW: f64 = 0.25;
/// ... by this part of itself at once: each time the second look begins anew.
const GROWTH: u32 = 4;
/// Standard errors by which a further change must be outside of the zones.
const OUTSIDE: f64 = 4.0;
/// Ticks after which what is not clear is taken as it is, and not told.
const UNCLEAR_TICKS: u32 = 32;
/// What is within the zone, or this part of the way to the state, is as good as back.
const NEAR_PART: f64 = 0.25;
/// Ways in which a series has changed that are kept apart.
const WAYS_MAX: usize = 3;
/// A return that was as good as sure is given up below this part of it.
const LEFT_BELOW: f64 = 0.5;
/// Least tempering: what is found in a lane is not without any weight in it.
const TEMPER_MIN: f64 = 0.02;

/// What a series is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    /// Its baseline.
    pub baseline: &'a Baseline,
    /// The tables of the hour.
    pub tables: &'a Tables,
    /// Its evidence, which has stopped at the finding, and knows how dependent ticks are.
    pub evidence: &'a Evidence,
    /// `ln A`.
    pub log_threshold: f64,
}

/// A further change: against the state since the onset of the one before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Further {
    /// Start of the first tick after the lane's CUSUM was last zero, microseconds since 1970.
    pub onset_us: i64,
    /// The lane that found it; of codes that are those of the baseline's lanes.
    pub lane: Lane,
    /// Events by code of the state before.
    pub before: Box<[u32]>,
    /// `ln` of the statistic that decided, and the CUSUM of the lane.
    pub log_mixture: f64,
    /// CUSUM of the lane.
    pub cusum: f64,
    /// Tempering of the lane.
    pub temper: f64,
    /// Ticks since the state before was taken, and those since the onset.
    pub ticks: u32,
    /// Ticks since the onset.
    pub ticks_since_onset: u32,
    /// The last ticks before it was decided.
    pub steps: Vec<Step>,
}

/// A way in which the series has changed, and the evidence that it is gone back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Way {
    lane: Lane,
    /// Place of the lane that found it.
    at: u8,
    against: f64,
    /// Start of the first tick after `against` was last zero.
    from_us: i64,
    is_back: bool,
}

impl Way {
    fn new(lane: Lane, at: usize) -> Self {
        Self { lane, at: at as u8, against: 0.0, from_us: 0, is_back: false }
    }
}

/// What follows from the state and the tables of the hour.
#[derive(Debug, Clone)]
struct Derived {
    /// Of the tables that it was made from.
    of: (Vec<f64>, u32),
    tables: Tables,
    /// Evidence of each code that a way is gone back.
    contrary: Vec<Vec<f32>>,
}

/// A change that is on, as one series has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ongoing {
    /// Events by code of the state, and how many of the same events the baseline would have had.
    counts: Box<[u32]>,
    usual: Box<[f64]>,
    ticks: u32,
    /// What came since, and may belong to it.
    more: Box<[u32]>,
    more_usual: Box<[f64]>,
    more_ticks: u32,
    second: Evidence,
    /// Ticks since the second look has enough evidence of what is not clear.
    unclear: u32,
    ways: Vec<Way>,
    #[serde(skip)]
    derived: Option<Box<Derived>>,
}

impl Ongoing {
    /// A change that was just found: its state is what came since the onset.
    pub fn new(tables: &Tables, evidence: &Evidence) -> Self {
        let leader = evidence.leader();
        let since = evidence.since_onset(leader);
        let lane = evidence.found_lane(tables);
        let mut ongoing = Self::nothing(Way::new(lane, leader));
        ongoing.begin(tables, evidence, since.counts, since.ticks);
        ongoing
    }

    /// A change that was found in a lane, by its place: its state begins with the next tick.
    pub fn resumed(leader: u8) -> Self {
        Self::nothing(Way::new(Lane::Learned, usize::from(leader)))
    }

    fn nothing(way: Way) -> Self {
        Self {
            counts: Box::default(),
            usual: Box::default(),
            ticks: 0,
            more: Box::default(),
            more_usual: Box::default(),
            more_ticks: 0,
            second: Evidence::nothing(),
            unclear: 0,
            ways: vec![way],
            derived: None,
        }
    }

    /// Takes a state: `counts` since its onset.
    fn begin(&mut self, tables: &Tables, evidence: &Evidence, counts: &[u32], ticks: u32) {
        let events: f64 = counts.iter().map(|n| f64::from(*n)).sum();
        self.counts = counts.into();
        self.usual = tables.probabilities().iter().map(|p| p * events).collect();
        self.ticks = ticks;
        self.more = vec![0; counts.len()].into();
        self.more_usual = vec![0.0; counts.len()].into();
        self.more_ticks = 0;
        self.second = evidence.of_other_reference(tables);
        self.unclear = 0;
        self.derived = None;
        for way in &mut self.ways {
            (way.against, way.is_back) = (0.0, false);
        }
    }

    /// Takes a tick that began at `time_us`. Returns a further change, where there is one.
    pub fn absorb(
        &mut self,
        judged: &Judged<'_>,
        counts: &[u32],
        time_us: i64,
    ) -> Option<Box<Further>> {
        if self.counts.is_empty() {
            let tables = judged.tables;
            for way in &mut self.ways {
                let place = usize::from(way.at).min(tables.lanes().len() - 1);
                way.lane = tables.lanes()[place].clone();
            }
            self.begin(tables, judged.evidence, &vec![0; tables.codes()], 0);
        }
        let derived = self.derive(judged);
        self.second.tick(&derived.tables, counts, time_us);
        self.go_back(judged, &derived, counts, time_us);
        let further = self.look(judged, &derived.tables);
        let has_news = further.is_some() || self.turn_unclear(judged, &derived.tables);
        if !has_news && !self.grow(judged, counts) {
            self.derived = Some(derived);
        }
        further
    }

    /// What follows from the state, made anew where that or the hour is another.
    fn derive(&mut self, judged: &Judged<'_>) -> Box<Derived> {
        let Judged { baseline, tables, .. } = *judged;
        let of = (tables.probabilities().to_vec(), tables.stamp());
        if let Some(derived) = self.derived.take_if(|derived| derived.of == of) {
            return derived;
        }
        let contrary = |way: &Way| tables.contrary(baseline, &way.lane, &self.counts);
        Box::new(Derived {
            of,
            tables: tables.beside(baseline, &self.counts, &self.usual),
            contrary: self.ways.iter().map(contrary).collect(),
        })
    }

    /// The evidence that each way is gone back.
    fn go_back(&mut self, judged: &Judged<'_>, derived: &Derived, counts: &[u32], time_us: i64) {
        let enough = judged.log_threshold;
        for (way, contrary) in self.ways.iter_mut().zip(&derived.contrary) {
            let temper = judged.evidence.temper(judged.tables, usize::from(way.at)).max(TEMPER_MIN);
            if way.against <= 0.0 {
                way.from_us = time_us;
            }
            let sum = way.against + temper * Tick::new(counts).evidence(contrary);
            way.against = if sum.is_nan() { way.against } else { sum.clamp(0.0, enough) };
            if way.against >= enough {
                way.is_back = true;
            } else if way.is_back && way.against < LEFT_BELOW * enough {
                (way.is_back, way.against) = (false, 0.0);
            }
        }
    }

    /// Looks for a further change, and begins anew with its state.
    fn look(&mut self, judged: &Judged<'_>, reference: &Tables) -> Option<Box<Further>> {
        let second = &self.second;
        if second.log_mixture() < judged.log_threshold + std::f64::consts::LN_2 {
            self.unclear = 0;
            return None;
        }
        self.unclear += 1;
        let leader = second.leader();
        let since = second.since_onset(leader);
        let lane = reference.plainer(judged.baseline, second.found_lane(reference), since.counts);
        let is_outside =
            |of: &Tables| of.moved(judged.baseline, &lane, since.counts).is_outside(OUTSIDE);
        if since.ticks == 0 || !is_outside(reference) || !is_outside(judged.tables) {
            return None;
        }
        let further = Further {
            onset_us: since.onset_us,
            before: self.counts.clone(),
            log_mixture: second.log_mixture(),
            cusum: second.cusum(leader),
            temper: second.temper(reference, leader).min(1.0),
            ticks: second.ticks(),
            ticks_since_onset: since.ticks,
            steps: second.steps(),
            lane,
        };
        let (counts, ticks) = (since.counts.to_vec(), since.ticks);
        self.add_way(judged, &further.lane, leader, &counts);
        self.begin(judged.tables, judged.evidence, &counts, ticks);
        Some(Box::new(further))
    }

    /// Keeps apart the ways in which the series is changed now.
    fn add_way(&mut self, judged: &Judged<'_>, lane: &Lane, leader: usize, counts: &[u32]) {
        let Judged { baseline, tables, .. } = *judged;
        let stands = |way: &Way| tables.moved(baseline, &way.lane, counts).is_outside(0.0);
        self.ways.retain(|way| !is_same(&way.lane, lane) && stands(way));
        self.ways.truncate(WAYS_MAX - 1);
        self.ways.push(Way::new(lane.clone(), leader));
    }

    /// What is within the zone is no further change. What stays unclear is taken as it is, and not told.
    fn turn_unclear(&mut self, judged: &Judged<'_>, reference: &Tables) -> bool {
        if self.unclear == 0 {
            return false;
        }
        let since = self.second.since_onset(self.second.leader());
        let lane = self.second.found_lane(reference);
        let stands = |counts| judged.tables.moved(judged.baseline, &lane, counts);
        let now = stands(since.counts);
        let near = now.zone.max(NEAR_PART * stands(&self.counts).value.abs());
        let is_back = now.value.abs() <= near;
        if is_back && self.ways.len() == 1 {
            // What comes next is looked at for itself.
            self.second.restart();
            self.unclear = 0;
            return false;
        }
        if self.unclear < UNCLEAR_TICKS {
            return false;
        }
        let (counts, ticks, ways) = (since.counts.to_vec(), since.ticks, self.ways.clone());
        self.begin(judged.tables, judged.evidence, &counts, ticks);
        // Nothing was told: the way back goes on.
        self.ways = ways;
        true
    }

    /// What may belong to the state is added to it; true where it has grown.
    fn grow(&mut self, judged: &Judged<'_>, counts: &[u32]) -> bool {
        let lanes = judged.tables.lanes().len();
        let highest = (0..lanes).fold(0.0, |most: f64, lane| most.max(self.second.cusum(lane)));
        let below = GROWS_BELOW * f64::from(WATCHED_LOG_PROMISE);
        if self.unclear > 0 || highest > below || self.ticks >= TICKS_MAX {
            return false;
        }
        let events: f64 = counts.iter().map(|n| f64::from(*n)).sum();
        self.more.iter_mut().zip(counts).for_each(|(sum, n)| *sum = sum.saturating_add(*n));
        let usual = self.more_usual.iter_mut().zip(judged.tables.probabilities());
        usual.for_each(|(sum, p)| *sum += events * p);
        self.more_ticks += 1;
        if self.more_ticks * GROWTH < self.ticks {
            return false;
        }
        let add = |(n, more): (&u32, &u32)| n.saturating_add(*more);
        self.counts = self.counts.iter().zip(&self.more).map(add).collect();
        self.usual = self.usual.iter().zip(&self.more_usual).map(|(n, more)| n + more).collect();
        self.ticks += self.more_ticks;
        self.more.fill(0);
        self.more_usual.fill(0.0);
        self.more_ticks = 0;
        self.second = judged.evidence.of_other_reference(judged.tables);
        true
    }

    /// Since when it looks as if all were as before, where the evidence of that is enough.
    pub fn back_since_us(&self) -> Option<i64> {
        let all = self.ways.iter().all(|way| way.is_back);
        all.then(|| self.ways.iter().map(|way| way.from_us).max()).flatten()
    }

    /// The evidence that all is as before: that of the way which has the least.
    pub fn against(&self) -> f64 {
        self.ways.iter().map(|way| way.against).fold(f64::INFINITY, f64::min)
    }

    /// Events by code since the last onset.
    pub fn counts(&self) -> &[u32] {
        &self.counts
    }

    /// The ways in which it has changed, the first one first.
    pub fn lanes(&self) -> impl Iterator<Item = &Lane> {
        self.ways.iter().map(|way| &way.lane)
    }
}

/// Whether lanes look the same way, there or back.
fn is_same(a: &Lane, b: &Lane) -> bool {
    match (a, b) {
        (Lane::Share { codes, .. }, Lane::Share { codes: others, .. }) => codes == others,
        _ => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}
