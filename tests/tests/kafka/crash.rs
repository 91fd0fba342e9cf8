//! Kill -9 of `driftline run` at random moments and at each named point of the commit path and of
//! snapshots, on a real broker. A reader of committed records finds every result of one straight replay,
//! once, in its order and with its bytes.
//!
//! `DRIFTLINE_KILLS` sets the number of kills of the first test, `DRIFTLINE_SEED` where they fall.

#![allow(clippy::print_stdout)] // what was counted is the point of the run

use std::time::{Duration, Instant};

use driftline_tests::broker::{Broker, Sent, Visible};
use driftline_tests::live::course::CONFIG;
use driftline_tests::live::{Course, Pipeline, Promise, Reference, Shape, Verdict};
use driftline_tests::telemetry::{generator, seeds};
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

/// Points of a transaction, and of snapshots.
const EXACT: &[&str] = &[
    "before_begin",
    "after_begin",
    "after_produce",
    "after_send_offsets",
    "during_commit",
    "after_commit",
    "mid_snapshot",
    "after_snapshot",
];
/// Points of a commit without transactions, and of snapshots.
const REPEATED: &[&str] = &["after_records", "after_offsets", "mid_snapshot", "after_snapshot"];
/// A named point is reached within this time.
const REACHED: Duration = Duration::from_secs(40);
/// All is read and committed within this time.
const CAUGHT_UP: Duration = Duration::from_secs(60);
/// What `abort` gives.
const ABORTED: i32 = 128 + 6;

fn kills(default: usize) -> usize {
    let given = std::env::var("DRIFTLINE_KILLS").ok();
    given.map_or(default, |kills| kills.parse().expect("DRIFTLINE_KILLS is a number"))
}

/// How a member dies.
#[derive(Debug, Clone)]
enum Death {
    /// So long after its start.
    Start(Duration),
    /// So long after its first commit.
    Work(Duration),
    /// At the k-th passing of a named point.
    Point(String),
}

impl Death {
    fn draw(number: usize, points: &[&str], random: &mut Xoshiro256PlusPlus) -> Self {
        let mut within = |ms: u64| Duration::from_millis(random.random_range(0..ms));
        match number % 5 {
            0 => Self::Start(within(2_000)),
            1 | 3 => Self::Work(within(700)),
            half => {
                let point = points[(number / 5 * 2 + half / 4) % points.len()];
                // Snapshots are rarer than commits.
                let most = if point.ends_with("snapshot") { 2 } else { 6 };
                Self::Point(format!("{point}:{}", random.random_range(1..=most)))
            }
        }
    }
}

/// Kills members one after the other while events come; then lets one finish.
fn kill_while_events_come(pipeline: &Pipeline<'_>, records: &[Sent], deaths: &[Death]) {
    let part = |number: usize| {
        let of = |number: usize| number * records.len() / (deaths.len() + 1);
        &records[of(number)..of(number + 1)]
    };
    let feed = pipeline.feed();
    for (number, death) in deaths.iter().enumerate() {
        let at = if let Death::Point(point) = death { Some(point.as_str()) } else { None };
        let behind = pipeline.left();
        let begun = Instant::now();
        let mut member = pipeline.start("one", at);
        pipeline.while_events_come(&feed, part(number), || {
            match death {
                Death::Start(after) => std::thread::sleep(*after),
                Death::Work(after) => {
                    let epochs = || member.metric("driftline_committed_epochs_total");
                    Broker::wait_until("a first commit", REACHED, || epochs() > Some(0.0));
                    std::thread::sleep(*after);
                }
                Death::Point(point) => {
                    let ended = member.wait(REACHED);
                    assert_eq!(ended, Some(ABORTED), "{point} is not reached:\n{}", member.last());
                }
            }
            member.kill();
        });
        let took_ms = begun.elapsed().as_millis();
        println!("{number}: {death:?}; took {took_ms} ms, {behind} records were behind");
    }
    let mut member = pipeline.start("one", None);
    let ready = member.wait_ready();
    feed.send(part(deaths.len()).iter().cloned());
    Broker::wait_until("everything is committed", CAUGHT_UP, || pipeline.left() == 0);
    let (code, took) = member.stop();
    println!("ready after {ready:?}, stopped with {code} after {took:?}");
    assert_eq!(code, 0, "a drain:\n{}", member.last());
    assert!(took < Duration::from_secs(10), "a drain took {took:?}");
}

#[test]
fn exactly_once_through_kills() {
    for seed in seeds(1..2) {
        println!("seed {seed}");
        let course = Course { models: 24, minutes: 120, ..Course::new(seed) };
        let records = course.records();
        let folder = tempfile::tempdir().expect("a folder");
        let expected = Reference::of(&records, CONFIG, folder.path());
        let pipeline = Pipeline::new(Broker::shared(), Shape::new(CONFIG));
        let mut random = generator(seed);
        let deaths: Vec<Death> =
            (0..kills(32)).map(|number| Death::draw(number, EXACT, &mut random)).collect();
        kill_while_events_come(&pipeline, &records, &deaths);
        let until = course.passed(&records);
        let verdict = Verdict::of(&pipeline, &expected, Promise::Once, &until);
        println!("{verdict:?} of {}", expected.findings.len());
        verdict.demand("exactly once");
        // Those who read what was never committed may see results twice: how often depends on where in a
        // transaction the kills fell. That the verdict can fail is shown by the test below.
        let all = Verdict::seen(Visible::All, &pipeline, &expected, Promise::Once, &until);
        println!("uncommitted: {} repeated", all.repeated);
    }
}

#[test]
fn at_least_once_repeats_the_same_bytes() {
    let course = Course { minutes: 40, ..Course::new(7) };
    let records = course.records();
    let folder = tempfile::tempdir().expect("a folder");
    let expected = Reference::of(&records, CONFIG, folder.path());
    let shape = Shape { mode: "at-least-once", ..Shape::new(CONFIG) };
    let pipeline = Pipeline::new(Broker::shared(), shape);
    let mut random = generator(7);
    // The journal is written when partitions begin, and no more: none of them is ever idle here.
    let mut deaths = vec![Death::Point("after_journal:1".into())];
    deaths.extend((0..12).map(|number| Death::draw(number, REPEATED, &mut random)));
    kill_while_events_come(&pipeline, &records, &deaths);
    let until = course.passed(&records);
    let verdict = Verdict::of(&pipeline, &expected, Promise::AtLeastOnce, &until);
    println!("{verdict:?} of {}", expected.findings.len());
    verdict.demand("at least once");
    // A control of the verdict on exactly-once: it sees that here results came again.
    let strict = Verdict::of(&pipeline, &expected, Promise::Once, &until);
    assert!(
        strict.repeated > 0 && !strict.wrong.is_empty(),
        "at-least-once passed for exactly-once"
    );
}
