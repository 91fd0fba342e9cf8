//! Members of a group that come, go, die and freeze while events come: nothing is lost, nothing is doubled,
//! and the pauses are told.
//!
//! `DRIFTLINE_CHANGES` sets the number of changes of membership, `DRIFTLINE_SEED` which.

#![allow(clippy::print_stdout)] // the pauses are the point of the run

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use driftline_tests::broker::{Broker, Feed, Sent};
use driftline_tests::live::course::CONFIG;
use driftline_tests::live::{Course, Member, Pipeline, Promise, Reference, Shape, Verdict};
use driftline_tests::telemetry::{generator, seeds};
use rand::RngExt;

/// Somebody goes on within this time, whatever happened to another.
const GO_ON: Duration = Duration::from_secs(30);
/// All is read and committed within this time.
const CAUGHT_UP: Duration = Duration::from_secs(60);
/// A member that is silent for so long is thrown out.
const SESSION: Duration = Duration::from_secs(2);
const NAMES: [&str; 3] = ["a", "b", "c"];

/// Events with what must be found in them.
struct Case {
    records: Vec<Sent>,
    expected: Reference,
    until: String,
    promise: Promise,
}

impl Case {
    fn new(course: &Course, split: &str) -> Self {
        let records = course.records();
        let folder = tempfile::tempdir().expect("a folder");
        let (expected, promise) = match split {
            "none" => (Reference::of(&records, CONFIG, folder.path()), Promise::Once),
            _ => {
                // Four partitions share the budget.
                let config = CONFIG.replace("budget_per_week = 50.0", "budget_per_week = 12.5");
                assert_ne!(config, CONFIG);
                let each = Reference::of_each_partition(&records, &config, folder.path());
                (each, Promise::OnceEach)
            }
        };
        Self { until: course.passed(&records), records, expected, promise }
    }

    fn part(&self, number: usize, of: usize) -> &[Sent] {
        let at = |number: usize| number * self.records.len() / of;
        &self.records[at(number)..at(number + 1)]
    }
}

fn shape(split: &'static str, protocol: &'static str) -> Shape {
    Shape {
        split,
        protocol,
        named: false,
        session_s: SESSION.as_secs(),
        // A transaction that a dead member left open holds up readers no longer than this.
        options: vec![("delivery", "transaction_timeout = \"3s\"".into())],
        ..Shape::new(CONFIG)
    }
}

/// How long it took until more was committed than when it was asked.
fn until_progress(pipeline: &Pipeline<'_>, what: &str) -> Duration {
    let done = || -> i64 {
        let committed = pipeline.broker.committed(&pipeline.group, &pipeline.input);
        committed.iter().map(|at| at.unwrap_or(0)).sum()
    };
    let (before, begun) = (done(), Instant::now());
    Broker::wait_until(what, GO_ON, || done() > before);
    begun.elapsed()
}

/// Members come and go while events come; all of their results are those of one straight replay.
fn come_and_go(seed: u64, split: &'static str, protocol: &'static str) {
    let changes = std::env::var("DRIFTLINE_CHANGES").ok();
    let changes: usize = changes.map_or(30, |n| n.parse().expect("DRIFTLINE_CHANGES is a number"));
    println!("split {split}, protocol {protocol}, seed {seed}, {changes} changes");
    let course = Course { minutes: 60, by_model: split == "partition", ..Course::new(seed) };
    let case = Case::new(&course, split);
    let pipeline = Pipeline::new(Broker::shared(), shape(split, protocol));
    let mut random = generator(seed);
    let feed = pipeline.feed();
    let mut members: BTreeMap<&str, Member> = BTreeMap::new();
    members.insert("a", pipeline.start("a", None));
    let mut pauses: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    for change in 0..changes {
        pipeline.while_events_come(&feed, case.part(change, changes + 1), || {
            let name = NAMES[random.random_range(0..NAMES.len())];
            let kind = match members.remove(name) {
                None => {
                    members.insert(name, pipeline.start(name, None));
                    "start"
                }
                Some(member) if members.is_empty() => {
                    // Somebody must be there.
                    members.insert(name, member);
                    let other = if name == "c" { "a" } else { "c" };
                    members.insert(other, pipeline.start(other, None));
                    "start"
                }
                Some(mut member) if random.random_range(0..2) == 0 => {
                    let (code, took) = member.stop();
                    assert_eq!(code, 0, "{name} does not drain:\n{}", member.last());
                    assert!(took < Duration::from_secs(10), "{name} took {took:?} to drain");
                    "stop"
                }
                Some(mut member) => {
                    member.kill();
                    "kill"
                }
            };
            let pause = until_progress(&pipeline, &format!("progress after {kind} of {name}"));
            pauses.entry(kind).or_default().push(pause);
        });
        for (name, member) in &mut members {
            let ended = member.ended();
            assert_eq!(ended, None, "{name} ended by itself:\n{}", member.last());
        }
    }
    for (kind, pauses) in &mut pauses {
        pauses.sort_unstable();
        let (median, longest) = (pauses[pauses.len() / 2], pauses[pauses.len() - 1]);
        println!(
            "{kind}: {} times, pause {median:?} in the median, at most {longest:?}",
            pauses.len()
        );
    }
    finish(&pipeline, &feed, &case, case.part(changes, changes + 1), members);
}

/// Sends the rest, lets everybody finish, and compares.
fn finish(
    pipeline: &Pipeline<'_>,
    feed: &Feed,
    case: &Case,
    rest: &[Sent],
    members: BTreeMap<&str, Member>,
) {
    feed.send(rest.iter().cloned());
    Broker::wait_until("everything is committed", CAUGHT_UP, || pipeline.left() == 0);
    for (name, mut member) in members {
        let (code, _) = member.stop();
        assert_eq!(code, 0, "{name} does not drain:\n{}", member.last());
    }
    let verdict = Verdict::of(pipeline, &case.expected, case.promise, &case.until);
    println!("{verdict:?} of {}", case.expected.findings.len());
    verdict.demand("through changes of membership");
}

#[test]
fn one_leads_and_others_stand_by() {
    seeds(1..2).into_iter().for_each(|seed| come_and_go(seed, "none", "classic"));
}

#[test]
fn partitions_are_shared() {
    seeds(2..3).into_iter().for_each(|seed| come_and_go(seed, "partition", "classic"));
}

/// Whoever works is frozen for longer than its session, so that another takes over; then it goes on, in the
/// belief that nothing happened.
fn freeze(seed: u64, split: &'static str) {
    const FREEZES: usize = 5;
    let course = Course { minutes: 40, by_model: split == "partition", ..Course::new(seed) };
    let case = Case::new(&course, split);
    let pipeline = Pipeline::new(Broker::shared(), shape(split, "classic"));
    let mut random = generator(seed);
    let feed = pipeline.feed();
    let mut members: BTreeMap<&str, Member> = BTreeMap::new();
    let mut names = ["a", "b"];
    for name in names {
        members.insert(name, pipeline.start(name, None));
        if name == "a" {
            pipeline.while_events_come(&feed, &case.records[..1000], || {
                until_progress(&pipeline, "a works")
            });
        }
    }
    let rest = &case.records[1000..];
    let part = |number: usize| {
        let at = |number: usize| number * rest.len() / (FREEZES + 1);
        &rest[at(number)..at(number + 1)]
    };
    for number in 0..FREEZES {
        let [zombie, other] = names;
        // A zombie stands by again, or has ended to be started again, at once or a little later: both are
        // right.
        let awake = |members: &mut BTreeMap<&str, Member>, within| {
            let member = members.get_mut(zombie).expect("a member");
            if let Some(code) = member.wait(within) {
                assert_eq!(code, 75, "{zombie}:\n{}", member.last());
                members.insert(zombie, pipeline.start(zombie, None));
            }
        };
        pipeline.while_events_come(&feed, part(number), || {
            until_progress(&pipeline, "before the freeze");
            awake(&mut members, Duration::from_millis(random.random_range(0..300)));
            members[zombie].signal("STOP");
            let begun = Instant::now();
            // What was under way at the broker may still be done, and others go on with partitions of
            // their own: only then is it a zombie.
            std::thread::sleep(SESSION + Duration::from_millis(300));
            until_progress(&pipeline, &format!("{other} takes over from {zombie}"));
            println!("{number}: {other} works {:?} after the freeze", begun.elapsed());
            members[zombie].signal("CONT");
            until_progress(&pipeline, "after the thaw");
        });
        awake(&mut members, Duration::from_millis(500));
        if split == "none" {
            names.reverse();
        }
    }
    finish(&pipeline, &feed, &case, part(FREEZES), members);
}

#[test]
fn a_zombie_leader_commits_nothing() {
    freeze(3, "none");
}

#[test]
fn a_zombie_with_partitions_commits_nothing() {
    freeze(4, "partition");
}
