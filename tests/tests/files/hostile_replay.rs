//! Hostile input through the real replay: each fault has one answer, costs one record or one file, is
//! counted, and changes nothing about the good events.

use std::path::Path;

use driftline::engine::Engine;
use driftline::model::settings::{HOUR_US, MINUTE_US};
use driftline::model::{Finding, Reason, Row, Settings, Value};
use driftline_tests::course::{calm, rows, settings, shifted};
use driftline_tests::logs::{Replayed, gzip, line, replay_folder, replay_into, text, write};
use driftline_tests::telemetry::{START_US, generator, seeds};
use driftline_tests::transcript::assert_same;
use rand::RngExt;

/// Settings that end a week after the telemetry begins.
fn until_next_week() -> Settings {
    let mut settings = settings();
    settings.time.not_after_us = START_US + 7 * 24 * HOUR_US;
    settings
}

fn replay_files(files: &[(&str, Vec<u8>)], settings: &Settings) -> Replayed {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in files {
        write(folder.path(), name, bytes);
    }
    replay_folder(folder.path(), settings, 2)
}

fn replay_rows(rows: &[Row], settings: &Settings) -> Replayed {
    let replayed = replay_files(&[("a.ndjson", text(rows, settings).into_bytes())], settings);
    assert_eq!(replayed.rejects, []);
    replayed
}

fn of<'a>(replayed: &'a Replayed, metric: &str) -> Vec<&'a Finding> {
    replayed.transcript.findings.iter().filter(|f| f.metric == metric).collect()
}

/// Bad lines, each with its answer.
fn poisons() -> Vec<(Vec<u8>, Reason)> {
    let rest = r#""model":"alpha","version":"1","latency_ms":5,"tokens":9,"error":true}"#;
    let at = |ts: &str| format!(r#"{{"ts":{ts},{rest}"#).into_bytes();
    let now = (START_US + MINUTE_US).to_string();
    let deep = format!(r#"{{"ts":{now},"x":{}{},{rest}"#, "[".repeat(10_000), "]".repeat(10_000));
    let long = format!(r#"{{"ts":{now},"x":"{}",{rest}"#, "x".repeat(2 << 20));
    vec![
        (at("0"), Reason::TimeTooEarly),
        (at("-86400000000"), Reason::TimeTooEarly),
        (at("253402300799000000"), Reason::TimeTooLate),
        (at("null"), Reason::MissingTime),
        (format!("{{{rest}").into_bytes(), Reason::MissingTime),
        (at("\"soon\""), Reason::BadTime),
        (at("[1]"), Reason::BadTime),
        (at("NaN"), Reason::BadTime),
        (at(&now)[..40].to_vec(), Reason::InvalidJson),
        (b"\x00\x01\x02 binary \x7f".to_vec(), Reason::InvalidJson),
        (b"17".to_vec(), Reason::NotAnObject),
        ([&at(&now)[..20], b"\xff\xfe", &at(&now)[20..]].concat(), Reason::InvalidUtf8),
        (deep.into_bytes(), Reason::TooDeep),
        (long.into_bytes(), Reason::TooLong),
        (format!(r#"{{"ts":{now},"latency_ms":5}}"#).into_bytes(), Reason::MissingModel),
        (format!(r#"{{"ts":{now},"ts":{now},{rest}"#).into_bytes(), Reason::DuplicateField),
    ]
}

#[test]
fn each_bad_line_has_its_answer() {
    let settings = until_next_week();
    for (poison, reason) in poisons() {
        let shown = String::from_utf8_lossy(&poison[..poison.len().min(80)]).into_owned();
        let replayed = replay_files(&[("a.ndjson", poison)], &settings);
        assert_eq!(replayed.rejects, [reason], "{shown}");
        assert_eq!(replayed.transcript.counters.events, 0, "{shown}");
    }
}

#[test]
fn poison_of_any_share_leaves_the_findings_of_the_good_events_alone() {
    let settings = until_next_week();
    let poisons = poisons();
    // The long and the deep one would be most of the bytes: they come once in a while.
    let (huge, small): (Vec<_>, Vec<_>) = poisons.into_iter().partition(|(p, _)| p.len() > 10_000);
    for seed in seeds(0..2) {
        let rows = rows(seed, &[calm(75), shifted(25, 1.0)]);
        let expected = replay_rows(&rows, &settings).transcript;
        assert_eq!(expected.findings.len(), 2, "seed {seed}");
        for share in [0.01, 0.5] {
            let mut random = generator(seed);
            let (mut bytes, mut bad) = (Vec::new(), 0);
            for row in &rows {
                while random.random::<f64>() < share {
                    let from = if bad % 5000 == 77 { &huge } else { &small };
                    bytes.extend_from_slice(&from[random.random_range(0..from.len())].0);
                    bytes.push(b'\n');
                    bad += 1;
                }
                bytes.extend_from_slice(line(row, &settings).as_bytes());
            }
            let replayed = replay_files(&[("a.ndjson", bytes)], &settings);
            assert_eq!(replayed.rejects.len(), bad, "seed {seed}, share {share}");
            assert_same(&expected, &replayed.transcript, &format!("seed {seed}, share {share}"));
        }
        let only: Vec<u8> =
            (0..2000).flat_map(|n| [&small[n % small.len()].0[..], b"\n"].concat()).collect();
        let replayed = replay_files(&[("a.ndjson", only)], &settings);
        assert_eq!((replayed.rejects.len(), replayed.transcript.counters.events), (2000, 0));
        assert_eq!(replayed.transcript.lines(), Vec::<String>::new());
    }
}

#[test]
fn an_event_from_the_future_changes_nothing_wherever_it_stands() {
    let mut settings = until_next_week();
    settings.time.max_jump_us = HOUR_US;
    let good = rows(1, &[calm(75), shifted(25, 1.0)]);
    let expected = replay_rows(&good, &settings).transcript;
    assert_eq!(expected.findings.len(), 2);
    for at in [0, 1, 2, 500, good.len() / 2, good.len() - 1, good.len()] {
        for ahead_us in [2 * HOUR_US, 3 * 24 * HOUR_US] {
            let mut poisoned = good.clone();
            let mut stray = good[at.min(good.len() - 1)].clone();
            stray.time_us = good[good.len() - 1].time_us + ahead_us;
            poisoned.insert(at, stray);
            let mut made = replay_rows(&poisoned, &settings).transcript;
            assert_eq!(made.counters.future, 1, "at {at}");
            made.counters.future = 0;
            assert_same(&expected, &made, &format!("at {at}, {ahead_us} us ahead"));
        }
    }
    // In years that no log has, it does not even get that far.
    for year in ["1970-01-01T00:00:01Z", "9999-12-31T23:59:59Z"] {
        let mut settings = settings.clone();
        settings.layout.time.format = driftline::model::TimeFormat::Auto;
        let stray = format!("{{\"ts\":\"{year}\",\"model\":\"alpha\",\"version\":\"1\"}}\n");
        let expected = replay_rows(&good, &settings).transcript;
        let made =
            replay_files(&[("a.ndjson", (text(&good, &settings) + &stray).into())], &settings);
        assert_eq!(made.rejects.len(), 1, "{year}");
        assert_same(&expected, &made.transcript, year);
    }
}

#[test]
fn a_file_with_a_wrong_clock_does_not_hold_the_others_up() {
    // Two files of the same hours; one has a lone event days ahead. Were it to set the pace, the other
    // file would be read to its end first, and more panes would be open than may be.
    let mut settings = until_next_week();
    settings.limits.panes_open_max = 100;
    settings.limits.block_bytes = 16 << 10;
    let good = rows(2, &[calm(75), shifted(25, 1.0)]);
    let (even, odd): (Vec<Row>, Vec<Row>) = good.iter().cloned().partition(|r| r.offset % 2 == 0);
    let files = |even: &[Row]| {
        replay_files(
            &[
                ("a.ndjson", text(even, &settings).into_bytes()),
                ("b.ndjson", text(&odd, &settings).into_bytes()),
            ],
            &settings,
        )
    };
    let expected = files(&even).transcript;
    assert_eq!(expected.findings.len(), 2);
    let mut poisoned = even.clone();
    let stray = Row { time_us: START_US + 3 * 24 * HOUR_US, ..even[0].clone() };
    poisoned.insert(700, stray);
    let mut made = files(&poisoned).transcript;
    assert_eq!((made.counters.future, made.counters.refused_pane), (1, 0));
    made.counters.future = 0;
    assert_same(&expected, &made, "a wrong clock in one file");
}

#[test]
fn a_change_of_type_is_a_finding_and_so_is_a_metric_that_goes_missing() {
    let settings = until_next_week();
    let good = rows(3, &[calm(100)]);
    let onset = START_US + 80 * MINUTE_US;
    let changed = |value: &dyn Fn(&Row) -> Value| -> Vec<Row> {
        let change = |row: &Row| {
            let mut row = row.clone();
            if row.time_us >= onset {
                row.metrics[1] = value(&row);
            }
            row
        };
        good.iter().map(change).collect()
    };
    for (name, rows) in [
        ("invalid", changed(&|_| Value::Label("many".into()))),
        ("invalid", changed(&|_| Value::Invalid)),
        ("missing", changed(&|_| Value::Null)),
        (
            "invalid",
            changed(&|r| if r.offset % 10 == 0 { Value::Invalid } else { r.metrics[1].clone() }),
        ),
    ] {
        let replayed = replay_rows(&rows, &settings);
        let found = of(&replayed, "tokens");
        assert_eq!((found.len(), replayed.transcript.findings.len()), (1, 1), "{name}");
        assert_eq!(found[0].kind, name);
        assert_eq!(found[0].onset, driftline::model::time::rfc3339(onset), "{name}");
        assert_eq!(replayed.transcript.counters.events, good.len() as u64, "no event is lost");
    }
}

#[test]
fn a_metric_that_was_constant_begins_to_vary() {
    let settings = until_next_week();
    for constant in [0.0_f64, 1.0, -273.15, 1e300] {
        let varies = |from: i64| -> Vec<Row> {
            let mut rows = rows(4, &[calm(100)]);
            for row in &mut rows {
                let step = if row.time_us < from { 0 } else { row.offset % 7 };
                row.metrics[1] = Value::Number(constant + step as f64 * constant.abs().max(1.0));
            }
            rows
        };
        let replayed = replay_rows(&varies(START_US + 80 * MINUTE_US), &settings);
        assert_eq!(of(&replayed, "tokens").len(), 1, "{constant}");
        assert_eq!(replayed.transcript.findings.len(), 1, "{constant}");
        let still = replay_rows(&varies(i64::MAX), &settings);
        assert_eq!(still.transcript.findings, [], "{constant}");
    }
}

#[test]
fn a_model_with_three_events_is_listed_and_not_judged() {
    let settings = until_next_week();
    let good = rows(5, &[calm(75), shifted(25, 1.0)]);
    let expected = replay_rows(&good, &settings).transcript;
    let mut more = good.clone();
    for at in [100, 9_000, 17_000] {
        let mut row = good[at].clone();
        row.keys[0] = Value::Label("rare".into());
        row.metrics = vec![Value::Number(f64::MAX), Value::Null, Value::Invalid];
        more.insert(at, row);
    }
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "a.ndjson", text(&more, &settings));
    let mut engine = Engine::new(settings);
    let made = replay_into(&mut engine, folder.path(), 1);
    assert_eq!(made.transcript.counters.events, expected.counters.events + 3);
    assert_eq!(made.transcript.lines(), expected.lines());
    let rare: Vec<_> = engine.series().into_iter().filter(|s| s.key[0] == "rare").collect();
    assert_eq!(rare.len(), 1);
    assert!(rare[0].events == 3 && !rare[0].watched);
}

#[test]
fn files_that_are_none_cost_themselves_only() {
    let settings = until_next_week();
    let good = rows(6, &[calm(75), shifted(25, 1.0)]);
    let (first, second) = good.split_at(good.len() / 2);
    let file = |rows: &[Row]| text(rows, &settings).into_bytes();
    let good_files = [("b.ndjson", file(first)), ("d.ndjson.gz", gzip(&file(second)))];
    let expected = replay_files(&good_files, &settings);
    assert!(expected.rejects.is_empty() && expected.transcript.findings.len() == 2);
    let mut corrupt = gzip(&file(&good[..3000]));
    let middle = corrupt.len() / 3;
    corrupt[middle..middle + 64].fill(0x55);
    let mut random = generator(6);
    let binary: Vec<u8> = (0..100_000).map(|_| random.random()).collect();
    let bad: [(&str, Vec<u8>, Option<Reason>); 8] = [
        ("a.ndjson", Vec::new(), None),
        ("a.ndjson", b"\n\n  \n".to_vec(), None),
        ("c.ndjson", binary.clone(), None),
        // The content says what it is, whatever the name: this is one line of text.
        ("a.ndjson.gz", b"no gzip at all".to_vec(), Some(Reason::InvalidJson)),
        ("a.ndjson.gz", b"\x1f\x8b\x08\xff and then nothing".to_vec(), Some(Reason::BadFile)),
        ("c.parquet", binary, Some(Reason::BadFile)),
        ("a.parquet", Vec::new(), None),
        ("c.arrow", b"ARROW1\0\0 and then nothing".to_vec(), Some(Reason::BadFile)),
    ];
    for (name, bytes, reason) in bad {
        let what = format!("{name} of {} bytes", bytes.len());
        let mut files = good_files.to_vec();
        files.push((name, bytes));
        let made = replay_files(&files, &settings);
        if let Some(reason) = reason {
            assert_eq!(made.rejects, [reason], "{what}");
        }
        assert_same(&expected.transcript, &made.transcript, &what);
    }
    // What stands before the break of a file was used; so its events are those of a cut file.
    let mut files = good_files.to_vec();
    files.push(("a.ndjson.gz", corrupt));
    let made = replay_files(&files, &settings);
    assert_eq!(made.rejected(Reason::BadFile), 1);
    assert!(made.transcript.counters.events >= good.len() as u64);
    let unreadable = Path::new("/no/such/folder");
    assert!(
        driftline::source::FileSource::find(&[unreadable.display().to_string()], None).is_err()
    );
}
