//! A shard: one engine over a fixed set of partitions, and how far each of them was read.
//!
//! Pure but for the instants that it is handed: no clock, no broker. What it gives is a function of the
//! partitions' records up to its offsets and of decisions that stand at offsets; so reading the same again
//! after a restart gives the same, and what was written before is kept back ([`Shard::recovering`]).

use std::collections::{BTreeMap, VecDeque};

use super::decisions::PartitionDecisions;
use crate::engine::{Engine, Input, Output};
use crate::model::anomaly::{Anomaly, SurpriseLevel};
use crate::model::stream::{Fetched, Original, TopicPartition};
use crate::model::{Alert, Finding, Settings};

/// What a shard gives, in order.
#[derive(Debug, Default)]
pub struct Results {
    /// Findings.
    pub findings: Vec<Finding>,
    /// Transitions of alerts.
    pub alerts: Vec<Alert>,
    /// Surprising events.
    pub anomalies: Vec<(TopicPartition, Anomaly)>,
    /// Messages that could not be read.
    pub originals: Vec<(TopicPartition, Original)>,
    /// Partitions that began, and where.
    pub began: Vec<(TopicPartition, i64)>,
    /// Partitions that are taken to have passed an instant (microseconds since 1970) at an offset.
    pub passed: Vec<(TopicPartition, i64, i64)>,
}

impl Results {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty()
            && self.alerts.is_empty()
            && self.anomalies.is_empty()
            && self.originals.is_empty()
            && self.began.is_empty()
            && self.passed.is_empty()
    }
}

/// One partition of a shard.
#[derive(Debug)]
pub struct Intake {
    /// Which.
    pub of: TopicPartition,
    /// Offset that is read next.
    pub next: i64,
    /// Results of what stands before it were written already.
    until: i64,
    /// Decisions that are still ahead, by offset.
    passed_us: BTreeMap<i64, i64>,
    /// What came from behind `until` before the others had come as far.
    waiting: VecDeque<Fetched>,
    /// Since when it is read to its end, microseconds of the caller's clock.
    at_end_since_us: Option<u64>,
    /// It was not there when the others were read: it holds no pane that is past.
    appeared: bool,
}

impl Intake {
    /// A partition that came to be after the others.
    pub fn appeared(of: TopicPartition, next: i64) -> Self {
        Self { appeared: true, ..Self::new(of, next, next, PartitionDecisions::default()) }
    }

    /// A partition that is read from `next` on; results of what stands before `until` are known.
    pub fn new(of: TopicPartition, next: i64, until: i64, course: PartitionDecisions) -> Self {
        let passed_us = course.passed_us.into_iter().filter(|(at, _)| *at >= next).collect();
        Self {
            of,
            next,
            until: until.max(next),
            passed_us,
            waiting: VecDeque::new(),
            at_end_since_us: None,
            appeared: false,
        }
    }

    /// Offsets that no fetched batch may span.
    pub fn cuts(&self) -> Vec<i64> {
        let mut cuts: Vec<i64> = self.passed_us.keys().copied().chain([self.until]).collect();
        cuts.sort_unstable();
        cuts.dedup();
        cuts
    }

    /// Whether it was read to its end.
    pub fn is_at_end(&self) -> bool {
        self.at_end_since_us.is_some()
    }

    fn has_come(&self) -> bool {
        self.next >= self.until || !self.waiting.is_empty()
    }
}

/// One engine over its partitions.
#[derive(Debug)]
pub struct Shard {
    name: String,
    engine: Engine,
    inputs: Vec<Intake>,
    recovering: bool,
    /// Results of what is read again are kept back.
    mute: bool,
    /// Settings that apply once recovered, where they differ from those of the snapshot.
    then: Option<Settings>,
    /// Events over it are told.
    level: Option<SurpriseLevel>,
    to_be_kept: bool,
}

impl Shard {
    /// A shard that goes on from an engine and offsets. `mute`: what is read again up to the `until` of
    /// its partitions gives no results. [`Shard::begin`] comes next.
    pub fn new(name: String, engine: Engine, inputs: Vec<Intake>, mute: bool) -> Self {
        Self {
            name,
            engine,
            inputs,
            recovering: true,
            mute,
            then: None,
            level: None,
            to_be_kept: false,
        }
    }

    /// Tells of surprising events, too.
    pub fn tell_over(&mut self, level: Option<SurpriseLevel>) {
        self.level = level;
    }

    /// Opens its partitions, and takes the decisions that stand where they begin.
    pub fn begin(&mut self, now_us: u64, out: &mut Results) {
        let open: Vec<u32> = self.engine.open_partitions().collect();
        for local in 0..self.inputs.len() {
            let partition = local as u32;
            if !open.contains(&partition) {
                let output = self.engine.step(Input::Opened { partition, begin_us: None });
                self.give(output, out);
            }
        }
        for local in 0..self.inputs.len() {
            self.pass(local, i64::MIN, out);
        }
        self.go_live(now_us, out);
    }

    /// Its name: `all`, or that of its one partition.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Its partitions, in the order of the engine's numbers.
    pub fn inputs(&self) -> &[Intake] {
        &self.inputs
    }

    /// Whether it still reads again what was read before.
    pub fn recovering(&self) -> bool {
        self.recovering
    }

    /// Records that are still to be read again.
    pub fn recovery_left(&self) -> i64 {
        let left = |input: &Intake| match input.has_come() {
            true => 0,
            false => input.until - input.next,
        };
        if self.recovering { self.inputs.iter().map(left).sum() } else { 0 }
    }

    /// Next offsets: everything before them is in the engine.
    pub fn offsets(&self) -> impl Iterator<Item = (&TopicPartition, i64)> {
        self.inputs.iter().map(|input| (&input.of, input.next))
    }

    /// Once recovered, goes on with these settings.
    pub fn then(&mut self, settings: Settings) {
        if self.recovering {
            self.then = Some(settings);
        } else {
            self.engine = self.engine.carry_over(settings);
        }
    }

    /// Takes what was fetched of its partition `local`.
    pub fn take(&mut self, local: usize, fetched: Fetched, now_us: u64, out: &mut Results) {
        let Some(input) = self.inputs.get_mut(local) else { return };
        if self.recovering && fetched.first >= input.until {
            input.waiting.push_back(fetched);
        } else {
            self.apply(local, fetched, now_us, out);
        }
        self.go_live(now_us, out);
    }

    /// Whether reading of a partition should pause: it has come where others have not, or runs ahead of
    /// the slowest by more than `ahead_us` of event time.
    pub fn holds(&self, ahead_us: i64) -> Vec<bool> {
        // One that waits for the others is not what they have to wait for.
        let waits = |input: &Intake| input.is_at_end() || (self.recovering && input.has_come());
        let reached = |(local, input): (usize, &Intake)| {
            (!waits(input)).then(|| self.engine.reached_us(local as u32).unwrap_or(i64::MIN))
        };
        let slowest = self.inputs.iter().enumerate().filter_map(reached).min();
        let limit = slowest.map_or(i64::MAX, |us| us.saturating_add(ahead_us));
        let ahead = |local: usize| {
            let reached = self.engine.reached_us(local as u32);
            slowest.is_some_and(|us| us > i64::MIN) && reached.is_some_and(|us| us > limit)
        };
        let wait = |input: &Intake| self.recovering && !input.waiting.is_empty();
        (0..self.inputs.len()).map(|at| wait(&self.inputs[at]) || ahead(at)).collect()
    }

    /// Decides about partitions that are idle: read to their end for `idle_us`. They are taken to have
    /// passed what the slowest of the others has; where all are idle, what the fastest has.
    pub fn release(&mut self, now_us: u64, idle_us: i64, out: &mut Results) {
        if self.recovering {
            return;
        }
        let idle: Vec<bool> = self.inputs.iter().map(|i| i.is_idle(now_us, idle_us)).collect();
        let watermark = |local: usize| self.engine.watermark_us(local as u32);
        let all = 0..self.inputs.len();
        let busy = all.clone().filter(|at| !idle[*at]).map(watermark).min();
        let target = busy.unwrap_or_else(|| all.clone().map(watermark).max().flatten());
        let Some(target) = target else { return };
        let pane_us = self.engine.settings().time.pane_us;
        let target = target.div_euclid(pane_us) * pane_us;
        for local in all.filter(|at| idle[*at]) {
            if self.engine.watermark_us(local as u32).is_none_or(|us| us < target) {
                self.decide(local, target, out);
            }
        }
    }

    /// A partition that was not there before. Returns its number.
    pub fn appear(&mut self, of: TopicPartition, offset: i64, out: &mut Results) -> usize {
        let local = self.inputs.len();
        self.inputs.push(Intake::appeared(of.clone(), offset));
        let output = self.engine.step(Input::Opened { partition: local as u32, begin_us: None });
        self.give(output, out);
        out.began.push((of, offset));
        if !self.recovering {
            self.settle(local, out);
        }
        local
    }

    /// One that appeared late has passed what is closed already.
    fn settle(&mut self, local: usize, out: &mut Results) {
        let appeared = std::mem::take(&mut self.inputs[local].appeared);
        if let (true, Some(closed_us)) = (appeared, self.engine.closed_us()) {
            self.decide(local, closed_us, out);
        }
    }

    /// Goes on with other settings from here on.
    pub fn change(&mut self, settings: Settings) {
        self.engine = self.engine.carry_over(settings);
    }

    fn decide(&mut self, local: usize, watermark_us: i64, out: &mut Results) {
        let input = &self.inputs[local];
        out.passed.push((input.of.clone(), input.next, watermark_us));
        let output = self.engine.step(Input::Passed { partition: local as u32, watermark_us });
        self.give(output, out);
    }

    fn apply(&mut self, local: usize, mut fetched: Fetched, now_us: u64, out: &mut Results) {
        self.pass(local, fetched.first, out);
        fetched.batch.partition = local as u32;
        let keep_back = self.recovering && self.mute;
        if let Some(level) = self.level.filter(|_| !keep_back) {
            let found = self.engine.surprising(&fetched.batch, level);
            out.anomalies.extend(found.into_iter().map(|a| (self.inputs[local].of.clone(), a)));
        }
        let output = self.engine.step(Input::Batch(&fetched.batch));
        self.give(output, out);
        let input = &mut self.inputs[local];
        if !keep_back {
            let of = &input.of;
            out.originals.extend(fetched.originals.into_iter().map(|o| (of.clone(), o)));
        }
        input.next = input.next.max(fetched.next);
        input.at_end_since_us = match (fetched.at_end, input.at_end_since_us) {
            (false, _) => None,
            (true, Some(since)) if fetched.messages == 0 => Some(since),
            (true, _) => Some(now_us),
        };
        self.pass(local, i64::MIN, out);
    }

    /// Applies the decisions that stand at or before `first`, or where reading stands.
    fn pass(&mut self, local: usize, first: i64, out: &mut Results) {
        loop {
            let input = &mut self.inputs[local];
            let Some(entry) = input.passed_us.first_entry() else { return };
            if *entry.key() > first.max(input.next) {
                return;
            }
            let watermark_us = entry.remove();
            let output = self.engine.step(Input::Passed { partition: local as u32, watermark_us });
            self.give(output, out);
        }
    }

    /// Ends recovery where every partition has come to the place up to which results are known.
    fn go_live(&mut self, now_us: u64, out: &mut Results) {
        if !self.recovering || !self.inputs.iter().all(Intake::has_come) {
            return;
        }
        for local in 0..self.inputs.len() {
            let input = &mut self.inputs[local];
            input.next = input.next.max(input.until);
            self.pass(local, i64::MIN, out);
        }
        self.recovering = false;
        if let Some(settings) = self.then.take() {
            self.engine = self.engine.carry_over(settings);
            self.to_be_kept = true;
        } else {
            self.go_on(now_us, out);
        }
    }

    /// Whether it waits with other settings than those of its snapshot, for a snapshot of its own and then
    /// [`Shard::go_on`]: what is judged from here on must not be read again under the old ones.
    pub fn is_to_be_kept(&self) -> bool {
        self.to_be_kept
    }

    /// Goes on after recovery, with what came meanwhile.
    pub fn go_on(&mut self, now_us: u64, out: &mut Results) {
        self.to_be_kept = false;
        for local in 0..self.inputs.len() {
            self.settle(local, out);
        }
        for local in 0..self.inputs.len() {
            for fetched in std::mem::take(&mut self.inputs[local].waiting) {
                self.apply(local, fetched, now_us, out);
            }
        }
    }

    fn give(&self, output: Output, out: &mut Results) {
        if !(self.recovering && self.mute) {
            out.findings.extend(output.findings);
            out.alerts.extend(output.alerts);
        }
    }
}

impl Intake {
    fn is_idle(&self, now_us: u64, idle_us: i64) -> bool {
        self.at_end_since_us.is_some_and(|since| now_us.saturating_sub(since) as i64 >= idle_us)
    }
}
