//! Homes of snapshots: what is given back is whole, fits the committed offsets, and is the newest such; in
//! a folder, in memory, and in a store that speaks S3's protocol.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use arrow::array::{Float64Array, StringArray, UInt32Array};
use driftline::engine::{Engine, Input};
use driftline::model::batch::{Column, Labels};
use driftline::model::live::StateSettings;
use driftline::model::stream::TopicPartition;
use driftline::model::{Batch, Kind, Secret, Settings};
use driftline::state::{FORMAT, Manifest, SnapshotStore, StateFault};
use driftline_tests::object_server::{ObjectServer, free_port};
use driftline_tests::telemetry::{Telemetry, generator, metric, settings};
use driftline_tests::transcript::{Mix, Step, finish, opened, steps, take};
use rand::RngExt;
use tokio::runtime::{Handle, Runtime};

fn handle() -> Handle {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime")).handle().clone()
}

fn state(home: impl Into<String>, options: &[(&str, &str)]) -> StateSettings {
    let option = |(name, value): &(&str, &str)| (name.to_string(), Secret::new(*value));
    StateSettings {
        home: home.into(),
        options: options.iter().map(option).collect::<BTreeMap<_, _>>(),
        every_us: 1,
        keep: 3,
    }
}

fn open(settings: &StateSettings) -> Result<SnapshotStore, StateFault> {
    SnapshotStore::open(settings, "support", "drift/größe", handle())
}

fn local(folder: &Path) -> SnapshotStore {
    open(&state(folder.display().to_string(), &[])).expect("a folder")
}

fn s3(server: &ObjectServer, bucket: &str) -> StateSettings {
    let endpoint = server.endpoint();
    state(
        format!("s3://{bucket}/some/prefix"),
        &[
            ("aws_endpoint", &endpoint),
            ("aws_region", "us-east-1"),
            ("aws_access_key_id", "test"),
            ("aws_secret_access_key", "test"),
            ("allow_http", "true"),
        ],
    )
}

fn partition(number: i32) -> TopicPartition {
    TopicPartition { topic: "events.v1".into(), partition: number }
}

fn at(offsets: &[i64]) -> Vec<(TopicPartition, i64)> {
    (0..).map(partition).zip(offsets.iter().copied()).collect()
}

fn manifest(engine: &Engine, offsets: &[i64], created_us: i64) -> Manifest {
    Manifest {
        format: FORMAT,
        pipeline: "support".into(),
        group: "drift/größe".into(),
        shard: "all".into(),
        config: engine.config().to_string(),
        settings: engine.settings().clone(),
        partitions: at(offsets),
        created_us,
    }
}

/// An engine at a third and at two thirds of some telemetry, and the rest of it.
fn engines(seed: u64) -> (Engine, Engine, Vec<Step>) {
    let rows = Telemetry { minutes: 30, ..Telemetry::new(seed) }.rows();
    let all = steps(&[rows], Mix::Turns(300), &mut generator(seed));
    let mut engine = opened(&settings(), 1);
    let (first, second) = (all.len() / 3, 2 * all.len() / 3);
    all[..first].iter().for_each(|step| drop(take(&mut engine, step)));
    let early = engine.fork();
    all[first..second].iter().for_each(|step| drop(take(&mut engine, step)));
    (early, engine, all[second..].to_vec())
}

/// An engine whose snapshot is larger than two parts of an upload: numbers that nothing can pack.
fn large() -> Engine {
    let mut settings = Settings::default();
    for name in ["a", "b", "c"] {
        settings.metrics.push(metric(name, Kind::Number));
    }
    let mut random = generator(5);
    let rows = 1 << 20;
    let mut numbers = || {
        Column::Number(Float64Array::from_iter_values(
            (0..rows).map(|_| f64::from_bits(random.random::<u64>() >> 2 | 1 << 61)),
        ))
    };
    let batch = Batch {
        partition: 0,
        time_us: vec![1_700_000_000_000_000; rows],
        offsets: (0..rows as u64).collect(),
        keys: vec![Labels {
            indices: UInt32Array::from(vec![0; rows]),
            values: Arc::new(StringArray::from(vec!["model"])),
        }],
        metrics: vec![numbers(), numbers(), numbers()],
        ..Batch::default()
    };
    let mut engine = Engine::new(settings);
    engine.step(Input::Passed { partition: 0, watermark_us: 1_699_999_999_000_000 });
    engine.step(Input::Batch(&batch));
    assert_eq!(engine.counters().events, rows as u64);
    engine
}

/// What every home must do.
fn keeps_and_finds(home: &SnapshotStore) {
    home.probe().expect("all is allowed");
    let found = |committed: &[i64], config: Option<&str>| {
        let found = home.newest("all", &at(committed), config).expect("the home answers");
        found.map(|(manifest, bytes)| (manifest.partitions.iter().map(|p| p.1).sum::<i64>(), bytes))
    };
    assert_eq!(found(&[100, 100], None), None);
    let (early, late, rest) = engines(1);
    let config = early.config().to_string();
    let put = |engine: &Engine, offsets: &[i64], created_us| {
        let manifest = manifest(engine, offsets, created_us);
        home.put("all", &manifest, engine.fork()).expect("it is kept")
    };
    let bytes = put(&early, &[10, 20], 1);
    assert!((1_000..early.snapshot().len() as u64).contains(&bytes), "{bytes}");
    put(&late, &[30, 20], 2);
    // The newest that lies at or before what is committed in every partition that it knows.
    let (early_bytes, late_bytes) = (early.snapshot(), late.snapshot());
    assert_eq!(found(&[30, 20], None), Some((50, late_bytes.clone())));
    assert_eq!(found(&[31, 25, 7], Some(&config)), Some((50, late_bytes.clone())));
    assert_eq!(found(&[29, 500], None), Some((30, early_bytes)));
    assert_eq!(found(&[9, 500], None), None);
    assert_eq!(found(&[500], None), None);
    assert_eq!(found(&[500, 500], Some("another")), None);
    assert!(home.newest("other", &at(&[500, 500]), None).expect("an answer").is_none());
    // The engine goes on from it as if nothing had been.
    let expected = finish(late.fork(), &rest);
    let (manifest, engine) =
        home.recover("all", &at(&[30, 20]), &settings()).expect("an answer").expect("one fits");
    assert_eq!(manifest.settings, settings());
    assert!(finish(engine, &rest) == expected);
    // Under other settings it goes on, too.
    let mut other = settings();
    other.detect.budget_per_week += 1.0;
    let (_, engine) =
        home.recover("all", &at(&[30, 20]), &other).expect("an answer").expect("one fits");
    assert_eq!((engine.settings(), engine.counters()), (&other, late.counters()));
    // Larger than a part: several requests, and visible only as a whole.
    let large = large();
    let manifest = self::manifest(&large, &[40, 40], 3);
    assert!(home.put("all", &manifest, large.fork()).expect("it is kept") > 17 << 20);
    assert_eq!(found(&[40, 40], None), Some((80, large.snapshot())));
    home.prune("all", 2);
    assert_eq!(found(&[30, 20], None), Some((50, late_bytes)));
    home.prune("all", 1);
    assert_eq!(found(&[30, 20], None), None);
    assert!(found(&[40, 40], None).is_some());
}

#[test]
fn a_folder_keeps_snapshots() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path().join("not/there/yet");
    keeps_and_finds(&local(&home));
    let files = files(&home);
    assert_eq!(files.len(), 1, "nothing is left over: {files:?}");
    // Another pipeline, group or shard has a place of its own.
    let other = state(home.display().to_string(), &[]);
    let other = SnapshotStore::open(&other, "support", "drift_größe", handle()).expect("a folder");
    assert!(other.newest("all", &at(&[500, 500]), None).expect("an answer").is_none());
}

#[test]
fn memory_keeps_snapshots() {
    keeps_and_finds(&open(&state("memory://home", &[])).expect("memory"));
}

#[test]
fn a_store_that_speaks_s3_keeps_snapshots() {
    let server = ObjectServer::start();
    server.make_bucket("snapshots");
    keeps_and_finds(&open(&s3(&server, "snapshots")).expect("options of S3"));
    // A bucket that is not there is said to be so.
    let home = open(&s3(&server, "elsewhere")).expect("options of S3");
    let (early, ..) = engines(2);
    let put = home.put("all", &manifest(&early, &[1, 1], 1), early.fork());
    for fault in [put.err(), home.probe().err()] {
        let said = fault.expect("there is no such bucket").to_string();
        assert!(
            said.contains("s3://elsewhere") && said.contains("bucket or folder exists"),
            "{said}"
        );
    }
    // One that is gone does not hold anybody up for long.
    let settings = s3(&server, "snapshots");
    drop(server);
    let begun = Instant::now();
    let said = open(&settings).expect("options").probe().expect_err("nobody is there").to_string();
    assert!(said.contains("can be reached"), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    assert!(!said.contains("test\""), "no secret is told: {said}");
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            if entry.path().is_dir() { &mut folders } else { &mut files }.push(entry.path());
        }
    }
    files.sort();
    files
}

#[test]
fn a_damaged_snapshot_is_passed_over_for_the_one_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = local(folder.path());
    let (early, late, _) = engines(3);
    home.put("all", &manifest(&early, &[10], 1), early.fork()).expect("it is kept");
    home.put("all", &manifest(&late, &[20], 2), late.fork()).expect("it is kept");
    let newest = files(folder.path()).pop().expect("two files");
    let whole = fs::read(&newest).expect("a file");
    let found = || {
        let (of, bytes) = home.newest("all", &at(&[50]), None).expect("an answer").expect("one");
        let (again, engine) =
            home.recover("all", &at(&[50]), &settings()).expect("an answer").expect("one");
        assert_eq!(of, again);
        assert!(bytes == engine.snapshot());
        of.partitions[0].1
    };
    assert_eq!(found(), 20);
    let mut random = generator(4);
    let mut places: Vec<usize> = (0..60).map(|_| random.random_range(0..whole.len())).collect();
    places.extend([0, 8, 11, 12, 40, whole.len() - 1]);
    for place in places {
        let mut flipped = whole.clone();
        flipped[place] ^= 1 << random.random_range(0..8);
        fs::write(&newest, &flipped).expect("a file");
        assert_eq!(found(), 10, "a bit of byte {place} flipped");
        fs::write(&newest, &whole[..place]).expect("a file");
        assert_eq!(found(), 10, "cut at {place}");
    }
    let longer = [whole.as_slice(), b"more"].concat();
    fs::write(&newest, longer).expect("a file");
    assert_eq!(found(), 10, "longer");
    fs::write(&newest, &whole).expect("a file");
    assert_eq!(found(), 20);
    // What is no snapshot is nobody's business.
    fs::write(newest.with_file_name("notes.txt"), "mine").expect("a file");
    assert_eq!(found(), 20);
}

#[test]
fn pruning_keeps_the_newest_by_offsets_and_by_age() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = local(folder.path());
    let engine = opened(&settings(), 1);
    // Topics were made anew: smaller offsets, later on. And one clock was wrong.
    for (offset, created_us) in
        [(900, 1), (910, 2), (920, 3), (10, 11), (20, 12), (30, 13), (15, 5)]
    {
        home.put("all", &manifest(&engine, &[offset], created_us), engine.fork()).expect("kept");
    }
    home.prune("all", 2);
    let left: Vec<String> = files(folder.path())
        .iter()
        .map(|file| file.file_name().expect("a name").to_string_lossy()[..20].to_string())
        .collect();
    let left: Vec<i64> = left.iter().map(|sum| sum.parse().expect("a sum")).collect();
    assert_eq!(left, [20, 30, 910, 920]);
    // What killed uploads have left goes after an hour, and no sooner.
    let place = files(folder.path()).pop().expect("files");
    let [old, new] = ["#1", "#2"].map(|end| PathBuf::from(format!("{}{end}", place.display())));
    for file in [&old, &new] {
        fs::write(file, "half").expect("a file");
    }
    let before = SystemTime::now() - Duration::from_secs(2 * 3600);
    File::options().write(true).open(&old).expect("a file").set_modified(before).expect("a time");
    home.prune("all", 2);
    assert!(!old.exists() && new.exists());
}

#[test]
fn writers_at_the_same_time_do_not_disturb_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let (early, late, _) = engines(6);
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let (home, early, late) = (local(folder.path()), early.fork(), late.fork());
            scope.spawn(move || {
                for offset in 0..6 {
                    // Two of them write the same names.
                    let created_us = writer / 2;
                    let engine = if offset % 2 == 0 { &early } else { &late };
                    let manifest = manifest(engine, &[offset], created_us);
                    home.put("all", &manifest, engine.fork()).expect("it is kept");
                    let (found, _) = home
                        .recover("all", &at(&[offset]), &settings())
                        .expect("an answer")
                        .expect("what was written is there, and whole");
                    assert_eq!(found.partitions, at(&[offset]));
                    home.prune("all", 6);
                }
            });
        }
    });
    assert!(files(folder.path()).iter().all(|f| f.extension().is_some_and(|e| e == "snapshot")));
}

/// A file of this process may have 4 KiB: as if the disk were full. The child of this test sees to it.
#[test]
fn a_full_disk_is_said_to_be_so_and_leaves_what_was_there() {
    const HOME: &str = "DRIFTLINE_TEST_SMALL_HOME";
    let (early, late, _) = engines(7);
    if let Some(folder) = std::env::var_os(HOME) {
        let home = local(Path::new(&folder));
        let fault = home.put("all", &manifest(&late, &[20], 2), late.fork());
        let said = fault.expect_err("there is no room").to_string();
        assert!(said.contains("make room") && said.contains("keep"), "{said}");
        let found =
            home.newest("all", &at(&[20]), None).expect("an answer").expect("the one before");
        assert_eq!(found.0.partitions, at(&[10]));
        home.prune("all", 3);
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    local(folder.path())
        .put("all", &manifest(&early, &[10], 1), early.fork())
        .expect("there is room");
    let child = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" --exact --nocapture \"$1\""])
        .arg(std::env::current_exe().expect("a running test has a path"))
        .arg("state::a_full_disk_is_said_to_be_so_and_leaves_what_was_there")
        .env(HOME, folder.path())
        .output()
        .expect("sh can be run");
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
    assert_eq!(files(folder.path()).len(), 1, "{:?}", files(folder.path()));
}

#[test]
fn settings_that_mean_no_home_are_refused_with_a_remedy() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "").expect("a file");
    let below = file.join("below").display().to_string();
    let place = folder.path().display().to_string();
    let unknown = format!("http://127.0.0.1:{}", free_port());
    for (home, options, words) in [
        ("ftp://host/path", &[][..], &["ftp:// is no known", "s3://"][..]),
        (&place, &[("aws_region", "x")], &["options.aws_region", "a folder has no options"]),
        ("s3://bucket", &[("aws_colour", "blue")], &["options.aws_colour", "no such option"]),
        ("s3://bucket", &[("aws_endpoint", &unknown), ("timeout", "soon")], &["soon", "Duration"]),
        (&below, &[], &["cannot make the folder", "exists"]),
    ] {
        let said = open(&state(home, options)).err().expect(home).to_string();
        for word in words {
            assert!(said.contains(word), "{home}: {said}");
        }
    }
}
