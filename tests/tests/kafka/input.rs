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

#[test]
fn surprising_events_are_told_once_each_with_what_makes_them_so() {
    let course = Course { minutes: 40, poison: 0.0, tombstones: 0.0, ..Course::new(43) };
    let mut records = course.records();
    // A latency that nobody has seen, and an error with it; before the end of learning, and after.
    let strange = |time_us: i64| {
        let value = format!(
            "{{\"id\":\"strange-{time_us}\",\"ts\":{time_us},\"model\":\"model-03\",\
             \"latency_ms\":1e7,\"error\":null}}"
        );
        Sent { value: Some(value.into_bytes()), ..event(1, time_us, time_us) }
    };
    let minute = |number: i64| START_US + number * 60_000_000;
    for number in [2, 20, 25, 30] {
        let at = records.len() * number as usize / 40;
        records.insert(at, strange(minute(number)));
    }
    let topic = Broker::shared().topic("anomalies", 1, &[]);
    let config = CONFIG.replace("model = \"model\"", "model = \"model\"\nid = \"id\"");
    assert_ne!(config, CONFIG);
    let options = vec![
        ("sinks", format!("anomalies = \"{topic}\"\nsurprise = 6.0")),
        ("source", "ahead = \"1m\"".to_owned()),
    ];
    let pipeline = Pipeline::new(Broker::shared(), Shape { options, ..Shape::new(&config) });
    // Baselines are there before what comes after them.
    let (first, second) = records.split_at(records.len() * 15 / 40);
    let names = ["driftline_anomalies_total"];
    let counted = run(&pipeline, first, &names)[0] + run(&pipeline, second, &names)[0];
    let told: Vec<serde_json::Value> = pipeline
        .read(&topic)
        .iter()
        .map(|record| serde_json::from_str(&record.text()).expect("JSON"))
        .collect();
    assert_eq!(counted, told.len() as f64);
    let strange: Vec<&serde_json::Value> = told
        .iter()
        .filter(|told| told["event_id"].as_str().is_some_and(|id| id.starts_with("strange")))
        .collect();
    let ids: Vec<&str> = strange.iter().filter_map(|told| told["event_id"].as_str()).collect();
    let expected = [20, 25, 30].map(|number| format!("strange-{}", minute(number)));
    assert_eq!(ids, expected, "those after learning, each once");
    assert_eq!(strange[0]["keys"]["model"], "model-03");
    assert_eq!(strange[0]["source"]["partition"], 1);
    let metrics: Vec<&str> = strange[0]["metrics"]
        .as_array()
        .expect("metrics")
        .iter()
        .filter_map(|metric| metric["metric"].as_str())
        .collect();
    assert_eq!(metrics.len(), 2);
    assert!(told.len() < records.len() / 100, "{} of {}", told.len(), records.len());
}
