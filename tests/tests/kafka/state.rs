//! State that is not as it should be, on a real broker: snapshots that nobody can read, an epoch that is
//! lost in the midst of a reload. Driftline goes on from what there is, says so, and loses nothing.

#![allow(clippy::print_stdout)] // what was counted is the point of the run

use std::path::{Path, PathBuf};
use std::time::Duration;

use driftline_tests::broker::{Broker, Sent};
use driftline_tests::live::course::CONFIG;
use driftline_tests::live::{Course, Member, Pipeline, Promise, Reference, Shape, Verdict};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, Producer};

const SOON: Duration = Duration::from_secs(60);

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

    /// Waits until all is committed, stops, and compares.
    fn finish(&self, pipeline: &Pipeline<'_>, member: &mut Member, what: &str) {
        let (code, _) = member.stop();
        assert_eq!(code, 0, "a drain:\n{}", member.last());
        assert_eq!(pipeline.left(), 0, "{what}: not all is committed");
        let verdict = Verdict::of(pipeline, &self.expected, Promise::Once, &self.until);
        println!("{what}: {verdict:?}");
        verdict.demand(what);
    }
}

/// The snapshots of a pipeline, the newest last.
fn snapshots(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            match path.extension().is_some_and(|extension| extension == "snapshot") {
                true => found.push(path),
                false if path.is_dir() => folders.push(path),
                false => {}
            }
        }
    }
    found.sort();
    found
}

/// Makes it one of another version of the engine: whole, with its checksums, and unreadable.
fn of_another_version(path: &Path) {
    let bytes = std::fs::read(path).expect("a snapshot");
    let length = u32::from_le_bytes(bytes[8..12].try_into().expect("four bytes")) as usize;
    let (head, packed) = bytes.split_at(12 + length + 4);
    let mut state = zstd::decode_all(packed).expect("packed");
    state[..8].copy_from_slice(b"otherver");
    let mut packed = zstd::Encoder::new(head.to_vec(), 1).expect("an encoder");
    packed.include_checksum(true).expect("a checksum");
    std::io::Write::write_all(&mut packed, &state).expect("memory");
    std::fs::write(path, packed.finish().expect("memory")).expect("the folder can be written");
}

#[test]
fn snapshots_that_cannot_be_read_are_passed_over() {
    let case = Case::new(54);
    let (first, second) = case.records.split_at(case.records.len() / 2);
    for all in [false, true] {
        let pipeline = Pipeline::new(Broker::shared(), Shape::new(CONFIG));
        let mut member = pipeline.start("one", None);
        member.wait_ready();
        pipeline.send(first[..first.len() / 2].iter().cloned());
        Broker::wait_until("two snapshots are kept", SOON, || {
            pipeline.left() == 0 && snapshots(pipeline.folder()).len() >= 2
        });
        pipeline.send(first[first.len() / 2..].iter().cloned());
        Broker::wait_until("a half is committed", SOON, || pipeline.left() == 0);
        assert_eq!(member.stop().0, 0, "a drain:\n{}", member.last());
        let kept = snapshots(pipeline.folder());
        assert!(kept.len() >= 2, "{kept:?}");
        let damaged = if all { &kept[..] } else { &kept[kept.len() - 1..] };
        damaged.iter().for_each(|path| of_another_version(path));
        let mut member = pipeline.start("one", None);
        member.wait_ready();
        let log = member.log();
        let said = if all { "are read again" } else { "continues from the snapshot of" };
        assert!(log.contains("another version of Driftline") && log.contains(said), "{log}");
        pipeline.send(second.iter().cloned());
        Broker::wait_until("all is committed", SOON, || pipeline.left() == 0);
        case.finish(&pipeline, &mut member, if all { "none is left" } else { "one is left" });
    }
}

#[test]
fn an_epoch_that_is_lost_in_a_reload_is_read_again() {
    let case = Case::new(55);
    // Nothing is cut but where somebody asks for it.
    let pipeline = Pipeline::new(
        Broker::shared(),
        Shape {
            commit_ms: 50_000,
            options: vec![("delivery", "transaction_timeout = \"200s\"".into())],
            ..Shape::new(CONFIG)
        },
    );
    let mut member = pipeline.start("one", None);
    member.wait_ready();
    pipeline.send(case.records.iter().cloned());
    Broker::wait_until("all is read", SOON, || {
        let read = member.metric("driftline_messages_total");
        read.is_some_and(|read| read as usize == case.records.len())
    });
    // Another takes its transactions over.
    let name = CONFIG.lines().find_map(|line| line.strip_prefix("pipeline = "));
    let name = name.expect("a name").trim().trim_matches('"');
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", pipeline.broker.bootstrap())
        .set("transactional.id", format!("{name}.{}", pipeline.group));
    let other: BaseProducer = config.create().expect("a producer");
    other.init_transactions(SOON).expect("transactions");
    let file = pipeline.folder().join("one.toml");
    let text = std::fs::read_to_string(&file).expect("the config");
    let text = text.replace("budget_per_week = 50.0", "budget_per_week = 500.0");
    std::fs::write(&file, text).expect("the folder can be written");
    member.signal("HUP");
    Broker::wait_until("the reload is refused", SOON, || member.log().contains("reload refused"));
    assert!(member.log().contains("is discarded"), "{}", member.log());
    let failed = || {
        let (_, metrics) = member.get("/metrics").expect("an answer");
        metrics.contains("driftline_config_reloads_total{result=\"failure\"} 1")
    };
    Broker::wait_until("the refusal is counted", SOON, failed);
    Broker::wait_until("all is read again", SOON, || {
        let read = member.metric("driftline_messages_total");
        read.is_some_and(|read| read as usize == 2 * case.records.len()) && member.is_ready()
    });
    // What is read again is written when it stops.
    case.finish(&pipeline, &mut member, "lost in a reload");
}
