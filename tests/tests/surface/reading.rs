//! What is read, what is not, and what is said of it: the same events in every layout, files that are
//! passed over, events out of order, and a replay that judged nothing.

use std::fmt::Write;
use std::path::Path;
use std::process::Output;

use driftline_tests::driftline;

const EVENTS: i64 = 3_000;

fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } =
        driftline().current_dir(folder).args(arguments).output().expect("it starts");
    let told = String::from_utf8_lossy(&stdout) + String::from_utf8_lossy(&stderr);
    (status.code(), told.into_owned())
}

/// Three hours of events, a few a second apart.
fn objects() -> Vec<String> {
    let event = |at: i64| {
        let time_ms = 1_789_372_800_000 + at * 3_600;
        let latency_ms = 300 + at * 7919 % 101;
        format!(r#"{{"ts":{time_ms},"model":"m","latency_ms":{latency_ms}.5,"ok":true}}"#)
    };
    (0..EVENTS).map(event).collect()
}

fn config(folder: &Path) {
    let config = "[time]\npath = \"ts\"\n[keys]\nmodel = \"model\"\n[metrics.latency_ms]\n\
                  [baseline]\nlearn = { events = 500, time = \"10m\" }\n";
    std::fs::write(folder.join("c.toml"), config).expect("written");
}

fn utf16(text: &str) -> Vec<u8> {
    let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

#[test]
fn init_check_and_replay_read_the_same_events_in_every_layout() {
    let folder = tempfile::tempdir().expect("a folder");
    config(folder.path());
    let objects = objects();
    let pretty = |object: &String| {
        object.replace(",\"", ",\n  \"").replace('{', "{\n  ").replace('}', "\n}")
    };
    let container = |object: &String| format!("2026-09-14T08:00:02.573Z stdout F {object}\n");
    let cells = |object: &String, delimiter: &str, comma: &str| {
        let values = object.split(',').map(|part| part.split_once(':').expect("a field").1);
        let values: Vec<String> =
            values.map(|value| value.trim_matches(['"', '}']).replace('.', comma)).collect();
        values.join(delimiter) + "\n"
    };
    let table = |delimiter: &str, comma: &str| {
        let rows: String = objects.iter().map(|object| cells(object, delimiter, comma)).collect();
        ["ts", "model", "latency_ms", "ok"].join(delimiter) + "\n" + &rows
    };
    let lines = objects.join("\n");
    for (name, bytes) in [
        ("lines.log", lines.clone().into_bytes()),
        ("array.json", format!("[{}]", objects.join(",")).into_bytes()),
        ("lines_of_array.json", format!("[\n{}\n]\n", objects.join(",\n")).into_bytes()),
        ("pretty.json", objects.iter().map(pretty).collect::<String>().into_bytes()),
        ("joined", objects.concat().into_bytes()),
        ("container.log", objects.iter().map(container).collect::<String>().into_bytes()),
        ("utf16.ndjson", utf16(&lines)),
        ("rotated.ndjson.1", lines.clone().into_bytes()),
        ("table.csv", table(",", ".").into_bytes()),
        ("table.tsv", table("\t", ".").into_bytes()),
        ("excel.csv", table(";", ",").into_bytes()),
    ] {
        std::fs::write(folder.path().join(name), bytes).expect("written");
        let (code, told) = run(folder.path(), &["init", name, "-o", "made.toml", "--force"]);
        assert_eq!(code, Some(0), "init {name}: {told}");
        for config in ["made.toml", "c.toml"] {
            let (code, told) = run(folder.path(), &["check", config, "--sample", name]);
            assert_eq!(code, Some(0), "check {name}: {told}");
            assert!(told.contains(" 0 rejects"), "check {name}: {told}");
            assert!(!told.contains("invalid_"), "check {name}: {told}");
            let (code, told) = run(folder.path(), &["replay", name, "-c", config]);
            assert_eq!(code, Some(0), "replay {name}: {told}");
            assert!(told.contains("3,000 events from 1 file"), "replay {name}: {told}");
        }
    }
}

#[test]
fn files_of_a_folder_that_are_not_read_are_named_with_the_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    config(folder.path());
    let logs = folder.path().join("logs");
    std::fs::create_dir(&logs).expect("made");
    let write = |name: &str, bytes: &[u8]| std::fs::write(logs.join(name), bytes).expect("written");
    let lines = objects().join("\n");
    write("a.ndjson", lines.as_bytes());
    write("b.log.bz2", b"BZh91AY&SY");
    write("notes.md", b"# what this is");
    for number in 0..30 {
        write(&format!("x{number:02}.txt"), b"no event");
    }
    let (code, told) = run(folder.path(), &["replay", "logs", "-c", "c.toml"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("3,000 events from 1 file"), "{told}");
    assert!(told.contains("b.log.bz2: this is bzip2, which is not read"), "{told}");
    assert!(told.contains("notes.md: no JSON in it"), "{told}");
    assert!(told.contains("not read: 12 more"), "{told}");
    let (_, told) = run(folder.path(), &["check", "c.toml", "--sample", "logs"]);
    assert!(told.contains("b.log.bz2: this is bzip2"), "{told}");
}

#[test]
fn events_out_of_order_are_told_with_who_how_far_and_what_helps() {
    let folder = tempfile::tempdir().expect("a folder");
    config(folder.path());
    let objects = objects();
    let reversed: Vec<String> = objects.iter().rev().cloned().collect();
    std::fs::write(folder.path().join("reversed.ndjson"), reversed.join("\n")).expect("written");
    // Every other event is of a host whose clock is four minutes ahead.
    let mut apart = String::new();
    for (at, object) in objects.iter().enumerate() {
        let time_ms = 1_789_372_800_000 + at as i64 * 3_600;
        let ahead = (time_ms + at as i64 % 2 * 240_000).to_string();
        let _ = writeln!(apart, "{}", object.replace(&time_ms.to_string(), &ahead));
    }
    std::fs::write(folder.path().join("apart.ndjson"), apart).expect("written");
    for (name, words) in [
        ("reversed.ndjson", &["newest first", "tac"][..]),
        ("apart.ndjson", &["up to 3m56s", "lateness = \"5m\""]),
    ] {
        for command in
            [&["replay", name, "-c", "c.toml"][..], &["check", "c.toml", "--sample", name]]
        {
            let (_, told) = run(folder.path(), command);
            assert!(told.contains(&format!("{name} is not in time order")), "{told}");
            assert!(words.iter().all(|word| told.contains(word)), "{command:?}: {told}");
            assert!(!told.contains("Give more events"), "{told}");
        }
    }
    // What was offered helps, and a day is taken, too.
    for lateness in ["5m", "1d"] {
        let path = folder.path().join("c.toml");
        let before = std::fs::read_to_string(&path).expect("a config");
        let line = format!("path = \"ts\"\nlateness = \"{lateness}\"\n");
        std::fs::write(&path, before.replacen("path = \"ts\"\n", &line, 1)).expect("written");
        let (code, told) = run(folder.path(), &["replay", "apart.ndjson", "-c", "c.toml"]);
        std::fs::write(&path, before).expect("written");
        assert_eq!(code, Some(0), "{told}");
        assert!(!told.contains("late"), "{told}");
    }
}

#[test]
fn nothing_judged_is_an_outcome_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    config(folder.path());
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text);
    write("text.ndjson", &"no event in this line\n".repeat(400)).expect("written");
    write("empty.ndjson", "").expect("written");
    write("short.ndjson", &objects()[..100].join("\n")).expect("written");
    write("whole.ndjson", &objects().join("\n")).expect("written");
    for (name, more, code, words) in [
        ("text.ndjson", &[][..], 4, "most records were rejected (invalid_json)"),
        ("text.ndjson", &["--fail-on", "firing"], 4, "most records were rejected"),
        ("empty.ndjson", &[], 4, "no record in the input"),
        ("whole.ndjson", &["--from", "2027-01-01"], 4, "outside of --from and --to"),
        ("short.ndjson", &[], 0, "enough events"),
        ("short.ndjson", &["--fail-on", "critical"], 4, "enough events"),
        ("whole.ndjson", &["--fail-on", "critical"], 0, "Nothing changed."),
    ] {
        let (made, told) = run(folder.path(), &[&["replay", name, "-c", "c.toml"], more].concat());
        assert_eq!(made, Some(code), "{name} {more:?}: {told}");
        assert!(told.contains(words), "{name} {more:?}: {told}");
        assert_eq!(told.contains("Nothing was judged"), words != "Nothing changed.", "{told}");
    }
}

#[test]
fn a_metric_without_values_is_told_and_no_check_passes_on_it() {
    let folder = tempfile::tempdir().expect("a folder");
    config(folder.path());
    let objects = objects();
    let with = |value: &str| -> String {
        let other = |object: &String| {
            let (before, after) = object.split_once("\"latency_ms\":").expect("the metric");
            let rest = after.split_once(',').expect("more").1;
            format!("{before}\"latency_ms\":{value},{rest}\n")
        };
        objects.iter().map(other).collect()
    };
    for (value, words) in
        [("null", "null in all of them"), ("\"fast\"", "3,000 cannot be read as its kind")]
    {
        std::fs::write(folder.path().join("blind.ndjson"), with(value)).expect("written");
        let replay = ["replay", "blind.ndjson", "-c", "c.toml"];
        let (code, told) = run(folder.path(), &replay);
        assert_eq!(code, Some(0), "{told}");
        assert!(told.contains("metrics.latency_ms is not watched"), "{told}");
        assert!(told.contains(words) && !told.contains("Nothing changed.\n"), "{told}");
        let (code, _) = run(folder.path(), &[&replay[..], &["--fail-on", "firing"]].concat());
        assert_eq!(code, Some(4), "{value}");
    }
}

#[test]
fn names_of_others_do_nothing_to_a_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    config(folder.path());
    // It clears the screen, sets the clipboard, writes from right to left, and forges a line.
    let hostile = "m\\u001b[2J\\u001b]52;c;aGk=\\u0007\\u202e\\u009b\\nforged";
    let mut text = String::new();
    for at in 0..4 * EVENTS {
        let (time_ms, off) = (1_789_372_800_000 + at * 3_600, if at < 2 * EVENTS { 0 } else { 80 });
        let latency_ms = 300 + off + at * 7919 % 101;
        let _ =
            writeln!(text, r#"{{"ts":{time_ms},"model":"{hostile}","latency_ms":{latency_ms}}}"#);
    }
    std::fs::write(folder.path().join("h.ndjson"), text).expect("written");
    let replay = ["replay", "h.ndjson", "-c", "c.toml", "--save-baseline", "h.baseline"];
    let findings = || std::fs::read_to_string(folder.path().join("findings.ndjson"));
    let mut told = vec![run(folder.path(), &replay).1];
    let found = findings().expect("findings");
    let id = found.split("\"id\":\"").nth(1).expect("a finding").get(..12).expect("an id");
    for command in [
        &["explain", id, "-c", "c.toml"][..],
        &["explain", id, "-c", "c.toml", "--baseline", "h.baseline", "h.ndjson"],
        &["baseline", "show", "h.baseline"],
        &["check", "c.toml", "--sample", "h.ndjson"],
        &["init", "h.ndjson", "-o", "i.toml"],
        &["tune", "h.ndjson", "-c", "c.toml", "--panes", "10s", "--zones", "0.1", "--budgets", "1"],
    ] {
        told.push(run(folder.path(), command).1);
    }
    for told in told {
        let marks = ['\u{1b}', '\u{7}', '\u{202e}', '\u{9b}'];
        assert!(!told.contains(marks), "{told:?}");
        assert!(!told.lines().any(|line| line.starts_with("forged")), "{told}");
    }
}
