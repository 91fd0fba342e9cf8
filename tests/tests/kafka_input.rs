//! What may come on a topic, and what becomes of it: poison, tombstones, codecs, partitions without a
//! record, events from the future and from long ago. Everything is accounted for.

use std::time::Duration;

use driftline_tests::broker::{Broker, Sent};
use driftline_tests::live::course::CONFIG;
use driftline_tests::live::{Course, Pipeline, Promise, Reference, Shape, Verdict};
use driftline_tests::telemetry::START_US;

const CAUGHT_UP: Duration = Duration::from_secs(60);

/// Runs a pipeline until everything is committed. Returns the sums of some counters.
fn run(pipeline: &Pipeline<'_>, records: &[Sent], counters: &[&str]) -> Vec<f64> {
    pipeline.send(records.iter().cloned());
    let mut member = pipeline.start("one", None);
    member.wait_ready();
    Broker::wait_until("everything is committed", CAUGHT_UP, || pipeline.left() == 0);
    // Counters of the engine are told once a second.
    std::thread::sleep(Duration::from_millis(1_200));
    let values = counters.iter().map(|name| member.metric(name).unwrap_or(0.0)).collect();
    let (code, _) = member.stop();
    assert_eq!(code, 0, "a drain:\n{}", member.last());
    values
}

#[test]
fn poison_goes_to_quarantine_and_costs_nothing_else() {
    for (share, seed) in [(0.01, 21), (0.5, 22), (1.0, 23)] {
        let course = Course { poison: share, minutes: 30, ..Course::new(seed) };
        let course = if share < 1.0 { course } else { Course { tombstones: 0.0, ..course } };
        let records = course.records();
        let folder = tempfile::tempdir().expect("a folder");
        let expected = Reference::of(&records, CONFIG, folder.path());
        let pipeline = Pipeline::new(Broker::shared(), Shape::new(CONFIG));
        let counted = run(
            &pipeline,
            &records,
            &[
                "driftline_messages_total",
                "driftline_events_total",
                "driftline_rejects_total",
                "driftline_tombstones_total",
            ],
        );
        let poison = expected.quarantine.len();
        assert!((poison as f64 / records.len() as f64 - share).abs() < 0.02, "{poison}");
        // Each message is an event, a reject or a tombstone.
        assert_eq!(counted[0], records.len() as f64, "{share}: {counted:?}");
        assert_eq!(counted[1] + counted[2] + counted[3], counted[0], "{share}: {counted:?}");
        assert_eq!(counted[2], poison as f64, "{share}: {counted:?}");
        let until = if share < 1.0 { course.passed(&records) } else { String::new() };
        let verdict = Verdict::of(&pipeline, &expected, Promise::Once, &until);
        verdict.demand(&format!("{share} poison"));
        assert_eq!(verdict.quarantined, poison);
    }
}

#[test]
fn every_codec_gives_the_same() {
    let course = Course { minutes: 20, ..Course::new(31) };
    let records = course.records();
    let folder = tempfile::tempdir().expect("a folder");
    let expected = Reference::of(&records, CONFIG, folder.path());
    assert!(!expected.findings.is_empty());
    let pipeline = Pipeline::new(Broker::shared(), Shape::new(CONFIG));
    let part = records.len() / 4 + 1;
    for (records, codec) in records.chunks(part).zip(["gzip", "lz4", "zstd", "snappy"]) {
        pipeline.broker.feed(&pipeline.input, codec).send(records.iter().cloned());
    }
    run(&pipeline, &[], &[]);
    Verdict::of(&pipeline, &expected, Promise::Once, &course.passed(&records)).demand("codecs");
}

/// An event of a model, at a time, with a broker time.
fn event(partition: i32, time_us: i64, sent_us: i64) -> Sent {
    let value =
        format!("{{\"ts\":{time_us},\"model\":\"model-00\",\"latency_ms\":1,\"error\":false}}");
    Sent {
        partition,
        key: Some(b"model-00".to_vec()),
        value: Some(value.into_bytes()),
        timestamp_ms: Some(sent_us / 1000),
    }
}

#[test]
fn silent_partitions_hold_nothing_up_and_strange_times_move_no_clock() {
    const HOUR_US: i64 = 3_600_000_000;
    const YEAR_9999_US: i64 = 253_370_764_800_000_000;
    let course = Course { minutes: 30, partitions: 2, poison: 0.0, ..Course::new(41) };
    let mut records = course.records();
    let expected = {
        let folder = tempfile::tempdir().expect("a folder");
        Reference::of(&records, CONFIG, folder.path())
    };
    assert!(expected.findings.len() > 3);
    // Events an hour behind, in the midst of the rest; and one of the year 9999.
    let late = 50;
    for number in 0..late {
        let at = records.len() / 2 + number * 7;
        let time_us = START_US - HOUR_US + number as i64;
        records.insert(at, event((number % 2) as i32, time_us, START_US + 15 * 60_000_000));
    }
    records.insert(records.len() / 3, event(0, YEAR_9999_US, START_US));
    // Partition 2 has no record at all, partition 3 one at the very beginning and is silent then.
    records.insert(0, event(3, START_US, START_US));
    let shape = Shape { idle: "300ms", ..Shape::new(CONFIG) };
    let pipeline = Pipeline::new(Broker::shared(), shape);
    let counted = run(
        &pipeline,
        &records,
        &["driftline_late_events_total", "driftline_rejects_total", "driftline_idle_partitions"],
    );
    assert_eq!(counted[0], late as f64, "late: {counted:?}");
    assert_eq!(counted[1], 1.0, "rejects: {counted:?}");
    let quarantined = pipeline.read(&pipeline.quarantine);
    assert_eq!(quarantined.len(), 1);
    assert_eq!(quarantined[0].header("driftline-reason").as_deref(), Some("time_too_late"));
    assert!(quarantined[0].text().contains(&YEAR_9999_US.to_string()));
    // The lone event of partition 3 is of a model that is there anyway: findings stay as they were.
    let found = pipeline.read(&pipeline.findings).len();
    assert!(found + 2 >= expected.findings.len(), "{found} of {}", expected.findings.len());
}
