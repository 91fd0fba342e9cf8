//! Running live in a simulated world: partitions that grow, idle partitions, commits that do or do not
//! reach the broker, crashes at any moment, snapshots of any age.
//!
//! What is durable in the end is compared with one straight reading of the same partitions and the same
//! journal. Single-threaded and seeded; `DRIFTLINE_SEED=n` runs one seed. Controls put faults in, which must
//! be noticed.

#![allow(clippy::print_stdout)] // what was counted is the point of the run

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use driftline::engine::Engine;
use driftline::model::anomaly::SurpriseLevel;
use driftline::model::settings::Fleet;
use driftline::model::stream::{Fetched, TopicPartition};
use driftline::model::{Batch, Row, Settings};
use driftline::runtime::live::decisions::{Decisions, PartitionDecisions};
use driftline::runtime::live::shard::{Intake, Results, Shard};
use driftline_tests::telemetry::{Telemetry, deal, generator, seeds, settings};
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

const PARTITIONS: u32 = 3;
const SECOND_US: i64 = 1_000_000;
/// A partition at its end for this long is idle.
const IDLE_US: i64 = 2 * SECOND_US;
/// A partition that is further ahead of the slowest is not read on.
const AHEAD_US: i64 = 60 * SECOND_US;

/// Events that surprise by more than this are told; later than baselines by more than partitions are apart.
const LEVEL: SurpriseLevel = SurpriseLevel { over_nats: 5.0, after_us: 5 * AHEAD_US };

/// A fault that is put in on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// Decisions are not written to the journal.
    NoJournal,
    /// What is read again gives its results again.
    NotMute,
    /// Snapshots are kept before their cut is committed, and used all the same.
    EarlySnapshot,
}

/// Next offsets, and the engine at them.
type Snapshot = (Vec<(TopicPartition, i64)>, Vec<u8>);

/// What outlives a crash.
struct World {
    settings: Settings,
    logs: Vec<Vec<Row>>,
    /// Rows of each partition that are there by now.
    there: Vec<usize>,
    journal: Decisions,
    committed: BTreeMap<TopicPartition, i64>,
    topic: Vec<String>,
    /// Topic, partition and offset of surprising events.
    surprising: Vec<(TopicPartition, u64)>,
    /// After the straight reading.
    engine: Option<Engine>,
    snapshots: Vec<Snapshot>,
    now_us: u64,
    crashes: usize,
    random: Xoshiro256PlusPlus,
}

fn partition(number: u32) -> TopicPartition {
    TopicPartition { topic: Arc::from("events"), partition: number as i32 }
}

fn lines(results: &Results) -> Vec<String> {
    let findings = results.findings.iter().map(|f| serde_json::to_string(f).expect("JSON"));
    let alerts = results.alerts.iter().map(|a| serde_json::to_string(a).expect("JSON"));
    findings.chain(alerts).collect()
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = generator(seed ^ 0x5eed);
        let mut logs = deal(&Telemetry::new(seed).rows(), PARTITIONS, 20 * SECOND_US, &mut random);
        // Gaps as compaction and transactions leave them; one partition sleeps for a while.
        for rows in &mut logs {
            let mut offset = random.random_range(0..5);
            for row in rows.iter_mut() {
                offset +=
                    if random.random_range(0..10) == 0 { random.random_range(1..4) } else { 1 };
                row.offset = offset;
            }
        }
        let length = logs[2].len();
        logs[2].drain(length / 3..length / 2);
        Self {
            settings: {
                let mut settings = settings();
                // Either rule of the fleet.
                if seed % 4 == 3 {
                    settings.detect.fleet = Fleet::Share;
                    settings.detect.false_share_per_week = 20.0;
                }
                settings
            },
            there: vec![0; logs.len()],
            logs,
            journal: Decisions::default(),
            committed: BTreeMap::new(),
            topic: Vec::new(),
            surprising: Vec::new(),
            engine: None,
            snapshots: Vec::new(),
            now_us: 0,
            crashes: 0,
            random,
        }
    }

    /// Time goes on, and producers write what belongs to it: 60 s of events in each second.
    fn grow(&mut self) {
        let step_us = self.random.random_range(10_000..700_000);
        self.now_us += step_us;
        let begin = driftline_tests::telemetry::START_US;
        let reached = begin + self.now_us as i64 * 60;
        for (there, rows) in self.there.iter_mut().zip(&self.logs) {
            *there = rows.partition_point(|row| row.time_us <= reached).max(*there);
        }
    }

    fn is_over(&self) -> bool {
        self.there.iter().zip(&self.logs).all(|(there, rows)| *there == rows.len())
    }

    /// What a fetch thread would hand over: at most so many rows, not over a cut.
    fn fetch(&self, number: u32, next: i64, cuts: &[i64], rows_max: usize) -> Option<Fetched> {
        let rows = &self.logs[number as usize][..self.there[number as usize]];
        let from = rows.partition_point(|row| (row.offset as i64) < next);
        let rest = &rows[from..];
        let first = rest.first().map_or(next, |row| row.offset as i64);
        let cut = cuts.iter().copied().find(|cut| *cut > first).unwrap_or(i64::MAX);
        let taken: Vec<Row> = rest
            .iter()
            .take(rows_max)
            .take_while(|row| (row.offset as i64) < cut)
            .cloned()
            .collect();
        let kinds: Vec<_> = self.settings.metrics.iter().map(|m| m.kind).collect();
        Some(Fetched {
            assignment: 0,
            partition: number,
            first,
            next: taken.last().map_or(next, |row| row.offset as i64 + 1),
            messages: taken.len() as u64,
            at_end: taken.len() == rest.len(),
            batch: Batch::from_rows(number, &taken, &kinds),
            originals: Vec::new(),
            tombstones: 0,
            bytes: 0,
            end: None,
            broker_time_ms: None,
        })
    }

    /// Opens a shard as a new process would.
    fn open(&mut self, fault: Fault, out: &mut Results) -> Shard {
        let usable = |offsets: &[(TopicPartition, i64)], committed: &BTreeMap<_, _>| {
            offsets.iter().all(|(of, at)| committed.get(of).is_some_and(|c: &i64| at <= c))
        };
        let fitting: Vec<usize> = (0..self.snapshots.len())
            .filter(|at| {
                fault == Fault::EarlySnapshot || usable(&self.snapshots[*at].0, &self.committed)
            })
            .collect();
        // Mostly the newest; sometimes an old one, as after a damaged one.
        let pick = match self.random.random_range(0..4) {
            0 if !fitting.is_empty() => Some(fitting[self.random.random_range(0..fitting.len())]),
            _ => fitting.last().copied(),
        };
        let (places, engine) = match pick {
            Some(at) => {
                let (offsets, bytes) = &self.snapshots[at];
                let engine = Engine::restore(self.settings.clone(), bytes).expect("whole");
                (offsets.clone(), engine)
            }
            None => {
                let began = |number| {
                    let of = partition(number);
                    let at = self.journal.of(&of).began.unwrap_or(0);
                    (of, at)
                };
                ((0..PARTITIONS).map(began).collect(), Engine::new(self.settings.clone()))
            }
        };
        let mut inputs = Vec::new();
        for (of, next) in places {
            let until = self.committed.get(&of).copied().unwrap_or(next);
            let course = self.journal.of(&of);
            if course.began.is_none() {
                out.began.push((of.clone(), next));
            }
            inputs.push(Intake::new(of, next, until, course));
        }
        let mut shard = Shard::new("all".into(), engine, inputs, fault != Fault::NotMute);
        shard.tell_over(Some(LEVEL));
        shard.begin(self.now_us, out);
        shard
    }

    /// The journal, the results and the offsets of a cut become durable, together.
    fn commit(&mut self, shard: &Shard, results: &Results, fault: Fault) {
        if fault != Fault::NoJournal {
            self.note(results);
        }
        self.topic.extend(lines(results));
        let places = results.anomalies.iter().map(|(of, told)| (of.clone(), told.offset));
        self.surprising.extend(places);
        self.committed.extend(shard.offsets().map(|(of, next)| (of.clone(), next)));
    }

    fn note(&mut self, results: &Results) {
        for (of, at) in &results.began {
            self.journal.began(of, *at);
        }
        for (of, at, us) in &results.passed {
            self.journal.passed(of, *at, *us);
        }
    }

    fn keep(&mut self, shard: &Shard) {
        let offsets = shard.offsets().map(|(of, next)| (of.clone(), next)).collect();
        self.snapshots.push((offsets, shard.engine().fork().snapshot()));
    }

    /// A process: until it crashes, or until everything is read and written.
    fn process(&mut self, fault: Fault, exactly_once: bool) -> bool {
        let mut results = Results::default();
        let mut shard = self.open(if exactly_once { fault } else { Fault::NotMute }, &mut results);
        let cuts: Vec<Vec<i64>> = shard.inputs().iter().map(Intake::cuts).collect();
        let mut fetched: Vec<i64> = shard.inputs().iter().map(|i| i.next).collect();
        loop {
            self.grow();
            for _ in 0..self.random.random_range(1..6) {
                let number = self.random.random_range(0..PARTITIONS);
                let rows_max = self.random.random_range(1..900);
                let at = number as usize;
                if shard.holds(AHEAD_US)[at] {
                    continue;
                }
                if let Some(got) = self.fetch(number, fetched[at], &cuts[at], rows_max) {
                    fetched[at] = got.next;
                    shard.take(at, got, self.now_us, &mut results);
                }
            }
            shard.release(self.now_us, IDLE_US, &mut results);
            if self.random.random_range(0..150) == 0 {
                self.crashes += 1;
                return false;
            }
            if shard.recovering() && exactly_once || self.random.random_range(0..3) > 0 {
                continue;
            }
            if fault == Fault::EarlySnapshot && self.random.random_range(0..3) == 0 {
                self.keep(&shard);
            }
            match self.random.random_range(0..30) {
                // The cut does not reach the broker.
                0 => {
                    self.crashes += 1;
                    return false;
                }
                // At least once: results reach it, offsets do not.
                1 | 2 if !exactly_once => {
                    self.note(&results);
                    self.topic.extend(lines(&results));
                    self.crashes += 1;
                    return false;
                }
                _ if shard.recovering() => continue,
                _ => self.commit(&shard, &std::mem::take(&mut results), fault),
            }
            if self.random.random_range(0..12) == 0 {
                self.keep(&shard);
            }
            let end = |(at, input): (usize, &Intake)| {
                input.next > self.logs[at].last().map_or(0, |row| row.offset as i64)
            };
            if self.is_over() && shard.inputs().iter().enumerate().all(end) {
                return true;
            }
        }
    }

    /// One straight reading of all that was committed, with the journal, partition after partition.
    fn straight(&mut self) -> (Vec<String>, Engine) {
        let mut results = Results::default();
        let journal = self.journal.clone();
        let intake = |number| {
            let of = partition(number);
            let course = journal.of(&of);
            Intake::new(
                of,
                course.began.unwrap_or(0),
                0,
                PartitionDecisions { began: None, ..course },
            )
        };
        let inputs: Vec<Intake> = (0..PARTITIONS).map(intake).collect();
        let cuts: Vec<Vec<i64>> = inputs.iter().map(Intake::cuts).collect();
        let engine = Engine::new(self.settings.clone());
        let mut shard = Shard::new("all".into(), engine, inputs, false);
        shard.begin(0, &mut results);
        let mut next: Vec<i64> = shard.inputs().iter().map(|i| i.next).collect();
        for number in [1u32, 2, 0] {
            let at = number as usize;
            let end = self.committed.get(&partition(number)).copied().unwrap_or(0);
            while next[at] < end {
                let Some(got) = self.fetch(number, next[at], &cuts[at], 777) else { break };
                next[at] = got.next;
                shard.take(at, got, 0, &mut results);
            }
        }
        (lines(&results), shard.engine().fork())
    }
}

/// What is surprising to an engine that has read everything.
fn surprising(world: &World, engine: &Engine) -> Vec<(TopicPartition, u64)> {
    let kinds: Vec<_> = world.settings.metrics.iter().map(|m| m.kind).collect();
    let mut engine = engine.fork();
    let mut told = Vec::new();
    for (number, rows) in (0..).zip(&world.logs) {
        let found = engine.surprising(&Batch::from_rows(number, rows, &kinds), LEVEL);
        told.extend(found.into_iter().map(|told| (partition(number), told.offset)));
    }
    told
}

/// Runs a world to its end. Returns what is durable and what a straight reading gives.
fn live(seed: u64, fault: Fault, exactly_once: bool) -> (Vec<String>, Vec<String>, World) {
    let mut world = World::new(seed);
    let mut processes = 0;
    while !world.process(fault, exactly_once) {
        processes += 1;
        assert!(processes < 500, "seed {seed}: it never ends");
    }
    let (straight, engine) = world.straight();
    world.engine = Some(engine);
    (world.topic.clone(), straight, world)
}

fn sorted(lines: &[String]) -> Vec<&String> {
    let mut lines: Vec<&String> = lines.iter().collect();
    lines.sort_unstable();
    lines
}

#[test]
fn each_result_is_durable_exactly_once_whatever_crashes() {
    let (mut crashes, mut findings, mut decided) = (0, 0, 0);
    for seed in seeds(0..40) {
        let (durable, straight, world) = live(seed, Fault::None, true);
        // Findings and alerts are two topics: each in the order of panes.
        assert_eq!(sorted(&durable), sorted(&straight), "seed {seed}");
        crashes += world.crashes;
        findings += straight.len();
        let course = |number| world.journal.of(&partition(number)).passed_us.len();
        decided += (0..PARTITIONS).map(course).sum::<usize>();
    }
    println!("{crashes} crashes, {findings} results, {decided} decisions");
    if std::env::var_os("DRIFTLINE_SEED").is_none() {
        assert!(crashes >= 100, "{crashes} crashes are too few to show anything");
        assert!(findings >= 200, "{findings} results");
        assert!(decided >= 40, "{decided} decisions: no partition was ever idle");
    }
}

#[test]
fn each_surprising_event_is_told_once_whatever_crashes() {
    let (mut told, mut missed, mut crashes) = (0, 0, 0);
    for seed in seeds(0..15) {
        let (_, _, world) = live(seed, Fault::None, true);
        let durable: BTreeSet<_> = world.surprising.iter().cloned().collect();
        assert_eq!(durable.len(), world.surprising.len(), "seed {seed}: some are told twice");
        let expected: BTreeSet<_> =
            surprising(&world, world.engine.as_ref().expect("it was read")).into_iter().collect();
        let more: Vec<_> = durable.difference(&expected).collect();
        assert!(more.is_empty(), "seed {seed}: {more:?} are not surprising");
        // While a partition is behind by more than the level says, events may come before their baseline.
        missed += expected.len() - durable.len();
        told += durable.len();
        crashes += world.crashes;
    }
    println!("{told} surprising events through {crashes} crashes, {missed} before their baseline");
    assert!(told > 1000 && missed * 500 < told, "{missed} missed, {told} told");
    let (_, _, world) = live(1, Fault::NotMute, true);
    let distinct: BTreeSet<_> = world.surprising.iter().collect();
    assert!(distinct.len() < world.surprising.len(), "repeats were not noticed");
}

#[test]
fn at_least_once_repeats_the_same_bytes_and_loses_nothing() {
    let mut repeated = 0;
    for seed in seeds(0..15) {
        let (durable, straight, _) = live(seed, Fault::None, false);
        let distinct: BTreeSet<&String> = durable.iter().collect();
        let expected: BTreeSet<&String> = straight.iter().collect();
        assert_eq!(distinct, expected, "seed {seed}");
        repeated += durable.len() - distinct.len();
    }
    assert!(repeated > 0, "nothing was ever repeated: the crashes are at the wrong places");
}

#[test]
fn faults_are_noticed() {
    for fault in [Fault::NoJournal, Fault::NotMute, Fault::EarlySnapshot] {
        let noticed = seeds(0..150).into_iter().any(|seed| {
            let (durable, straight, _) = live(seed, fault, true);
            sorted(&durable) != sorted(&straight)
        });
        assert!(noticed, "{fault:?} was not noticed in any world");
    }
}
