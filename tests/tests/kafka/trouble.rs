//! Brokers that go away and come back, and sinks that take nothing: Driftline waits, says so, loses nothing.

#![allow(clippy::print_stdout)] // what was counted is the point of the run

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use driftline_tests::broker::{Broker, Options, Sent};
use driftline_tests::live::course::CONFIG;
use driftline_tests::live::{Course, Pipeline, Promise, Reference, Shape, Verdict};

const SOON: Duration = Duration::from_secs(60);
/// A broker that says nothing, says nothing for so long.
const MUTE: Duration = Duration::from_secs(60);

struct Case {
    records: Vec<Sent>,
    expected: Reference,
    until: String,
}

impl Case {
    fn new(seed: u64) -> Self {
        let course = Course { minutes: 40, ..Course::new(seed) };
        let records = course.records();
        let folder = tempfile::tempdir().expect("a folder");
        let expected = Reference::of(&records, CONFIG, folder.path());
        let until = course.passed(&records);
        Self { records, expected, until }
    }

    /// Sends the rest, waits until all is committed, stops, and compares.
    fn finish(
        &self,
        pipeline: &Pipeline<'_>,
        member: &mut driftline_tests::live::Member,
        what: &str,
    ) {
        Broker::wait_until("everything is committed", SOON, || pipeline.left() == 0);
        let (code, _) = member.stop();
        assert_eq!(code, 0, "a drain:\n{}", member.last());
        let verdict = Verdict::of(pipeline, &self.expected, Promise::Once, &self.until);
        println!("{what}: {verdict:?}");
        verdict.demand(what);
    }
}

#[test]
fn a_broker_that_restarts_or_does_not_answer_costs_only_time() {
    let broker = Broker::own(Options::default());
    let case = Case::new(51);
    let pipeline = Pipeline::new(&broker, Shape { session_s: 10, ..Shape::new(CONFIG) });
    let third = case.records.len() / 3;
    pipeline.send(case.records[..third].iter().cloned());
    let mut member = pipeline.start("one", None);
    member.wait_ready();
    Broker::wait_until("a third is committed", SOON, || pipeline.left() == 0);
    // It answers nobody for a minute, longer than a session and a transaction may last, with work on its way.
    pipeline.send(case.records[third..2 * third].iter().cloned());
    broker.freeze();
    let begun = Instant::now();
    Broker::wait_until("it says that it waits", SOON, || {
        begun.elapsed() > MUTE || !member.is_ready()
    });
    assert!(begun.elapsed() < MUTE, "it never says that it waits:\n{}", member.log());
    std::thread::sleep(MUTE.saturating_sub(begun.elapsed()));
    broker.thaw();
    let thawed = Instant::now();
    while pipeline.left() > 0 {
        assert!(thawed.elapsed() < 2 * SOON, "two thirds are not committed:\n{}", member.log());
        std::thread::sleep(Duration::from_millis(200));
    }
    // It dies and comes back.
    broker.kill();
    std::thread::sleep(Duration::from_secs(2));
    broker.start();
    Broker::wait_until("the broker answers", SOON, || broker.answers());
    pipeline.send(case.records[2 * third..].iter().cloned());
    assert_eq!(member.ended(), None, "it lives on:\n{}", member.last());
    case.finish(&pipeline, &mut member, "freeze and restart");
}

#[test]
fn a_sink_that_takes_nothing_is_waited_for_and_told() {
    let broker = Broker::shared();
    let case = Case::new(52);
    let pipeline = Pipeline::new(broker, Shape::new(CONFIG));
    // No finding fits.
    broker.configure(&pipeline.findings, &[("max.message.bytes", "100")]);
    let mut member = pipeline.start("one", None);
    member.wait_ready();
    pipeline.send(case.records.iter().cloned());
    let told = || {
        member
            .get("/readyz")
            .is_some_and(|(status, text)| status == 503 && text.contains(&pipeline.findings))
    };
    Broker::wait_until("/readyz names the topic", SOON, told);
    assert!(pipeline.left() > 0, "offsets were committed without their results");
    assert_eq!(pipeline.read(&pipeline.findings).len(), 0);
    broker.configure(&pipeline.findings, &[("max.message.bytes", "1048576")]);
    case.finish(&pipeline, &mut member, "a sink that took nothing");
}

/// The broker stands still for three quarters of the time, a fifth of a second each.
#[test]
fn a_slow_broker_costs_only_time() {
    let broker = Broker::own(Options::default());
    let case = Case::new(53);
    let pipeline = Pipeline::new(&broker, Shape::new(CONFIG));
    let mut member = pipeline.start("one", None);
    member.wait_ready();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                broker.freeze();
                std::thread::sleep(Duration::from_millis(150));
                broker.thaw();
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        // A panic must not leave the broker to its fits.
        let work = std::panic::AssertUnwindSafe(|| {
            pipeline.send(case.records.iter().cloned());
            Broker::wait_until("everything is committed", 2 * SOON, || pipeline.left() == 0);
        });
        let worked = std::panic::catch_unwind(work);
        done.store(true, Ordering::Relaxed);
        worked.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    assert_eq!(member.ended(), None, "it lives on:\n{}", member.last());
    case.finish(&pipeline, &mut member, "a slow broker");
}
