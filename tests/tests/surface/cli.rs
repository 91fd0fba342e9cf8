//! The real binary: help, exit codes, what goes to which stream, completions, schemas, manners.

use std::io::Write;
use std::process::{Output, Stdio};

use driftline_tests::driftline;

const COMMANDS: &[&str] = &[
    "init",
    "check",
    "replay",
    "explain",
    "baseline",
    "detectors",
    "tap",
    "top",
    "generate",
    "schema",
    "completions",
    "demo",
];

const GOOD: &str = "preset = \"llm\"\n";
const BAD: &str = "preset = \"llm\"\n[time]\nwindo = \"5m\"\npane = 10\n";

fn run(arguments: &[&str]) -> Output {
    driftline().args(arguments).output().expect("the binary starts")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("it was not killed")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("output is UTF-8")
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).expect("a file");
    }
    folder
}

#[test]
fn help_is_short_and_long_and_goes_to_standard_output() {
    for command in COMMANDS {
        let (short, long) = (run(&[command, "-h"]), run(&[command, "--help"]));
        assert_eq!((code(&short), code(&long)), (0, 0), "{command}");
        assert!(short.stderr.is_empty() && long.stderr.is_empty());
        let (short, long) = (text(&short.stdout), text(&long.stdout));
        assert!(short.contains("Usage: driftline"), "{command}");
        assert!(short.lines().count() <= long.lines().count(), "{command}");
        assert!(short.lines().all(|line| line.chars().count() <= 110), "{command}:\n{short}");
    }
    for command in ["init", "check", "tap", "top", "schema", "completions"] {
        assert!(text(&run(&[command, "--help"]).stdout).contains("Examples:"), "{command}");
    }
    let top = text(&run(&["--help"]).stdout);
    assert!(COMMANDS.iter().all(|command| top.contains(&format!("\n  {command} "))), "{top}");
    assert!(top.contains("Exit codes:"));
}

/// As with `driftline replay --rejects - | head -1`.
#[test]
fn a_reader_that_went_away_is_no_error() {
    let lines = "no json\n".repeat(50_000);
    let here = folder(&[("good.toml", GOOD), ("text.ndjson", &lines)]);
    let mut child = driftline()
        .args(["replay", "-c", "good.toml", "text.ndjson", "--rejects", "-"])
        .current_dir(here.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert!(!text(&output.stderr).contains("cannot write"), "{}", text(&output.stderr));
}

#[test]
fn exit_codes() {
    let here = folder(&[("good.toml", GOOD), ("bad.toml", BAD), ("text.ndjson", "no json\n")]);
    for (expected, arguments) in [
        (0, &["--version"][..]),
        (0, &["check", "good.toml"]),
        (2, &[]),
        (2, &["serve"]),
        (2, &["check", "--colour", "never"]),
        (2, &["schema", "findings"]),
        (2, &["check", "bad.toml"]),
        (2, &["init"]),
        (3, &["check", "absent.toml"]),
        (3, &["check"]),
        (3, &["init", "absent.ndjson"]),
        (1, &["init", "text.ndjson"]),
        (2, &["replay", "-c", "good.toml", "text.ndjson", "--format", "xml"]),
        (3, &["replay", "-c", "good.toml", "text.ndjson", "--rejects", "/dev/full"]),
    ] {
        let output =
            driftline().args(arguments).current_dir(here.path()).output().expect("it starts");
        assert_eq!(code(&output), expected, "{arguments:?}: {}", text(&output.stderr));
        let silent = if expected == 0 { &output.stderr } else { &output.stdout };
        assert!(silent.is_empty(), "{arguments:?} talks on the wrong stream: {}", text(silent));
    }
}

#[test]
fn errors_name_the_remedy() {
    let here = folder(&[("bad.toml", BAD)]);
    let path = here.path().join("bad.toml").display().to_string();
    let said = text(&run(&["check", &path]).stderr);
    for part in [":3:1", "did you mean `window`?", ":4:8", "add a unit", "2 errors"] {
        assert!(said.contains(part), "{part} is missing in:\n{said}");
    }
    let said = text(&run(&["check", "absent.toml"]).stderr);
    assert!(said.contains("absent.toml") && said.contains("driftline init"), "{said}");
}

#[test]
fn check_speaks_json() {
    let here = folder(&[("bad.toml", BAD), ("good.toml", GOOD)]);
    let path = |name: &str| here.path().join(name).display().to_string();
    let output = run(&["check", &path("bad.toml"), "--format", "json"]);
    assert_eq!(code(&output), 2);
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let items = said["diagnostics"].as_array().expect("a list");
    let places: Vec<_> =
        items.iter().map(|item| (item["line"].as_u64(), item["column"].as_u64())).collect();
    assert_eq!(places, [(Some(3), Some(1)), (Some(4), Some(8))]);
    assert!(said["settings"].is_null());
    let output = run(&["check", &path("good.toml"), "--format", "json"]);
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(said["settings"]["limits"]["series_max"], 100_000);
    assert_eq!(said["diagnostics"].as_array().map(Vec::len), Some(0));
}

#[test]
fn colour_only_where_it_is_wanted() {
    let here = folder(&[("bad.toml", BAD)]);
    let path = here.path().join("bad.toml").display().to_string();
    let escapes = |wish: &str| {
        let output =
            driftline().args(["check", &path, "--color", wish]).output().expect("it starts");
        output.stderr.contains(&0x1B)
    };
    assert!(!escapes("auto"), "standard error is no terminal here");
    assert!(!escapes("never"));
    assert!(escapes("always"));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    // The schema is longer than a pipe's buffer only by chance, so close the pipe before it is written.
    let mut child = driftline()
        .args(["schema", "config"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(code(&output), 0);
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = text(&run(&["completions", shell]).stdout);
        assert!(COMMANDS.iter().all(|command| script.contains(command)), "{shell}");
    }
}

#[test]
fn schemas_are_those_of_the_repository() {
    let list = text(&run(&["schema"]).stdout);
    let names: Vec<&str> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() >= 3, "{list}");
    let mut faults = Vec::new();
    for name in names {
        let shipped = driftline_tests::repository(&format!("schemas/{name}.v1.json"));
        let fault = driftline_tests::compare(&shipped, &text(&run(&["schema", name]).stdout));
        faults.extend(fault.err());
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn init_never_overwrites_unasked_and_check_likes_what_it_writes() {
    let events: String = (0..300)
        .map(|n| {
            format!(
                "{{\"ts\":{},\"model\":\"m{}\",\"latency_ms\":{},\"error\":{}}}\n",
                1_772_442_904_000_i64 + n * 250,
                n % 3,
                20.5 + (n * 7919 % 100) as f64,
                n % 50 == 0
            )
        })
        .collect();
    let here = folder(&[("events.ndjson", &events), ("driftline.toml", "mine")]);
    let run = |arguments: &[&str]| {
        driftline().args(arguments).current_dir(here.path()).output().expect("it starts")
    };
    let refused = run(&["init", "events.ndjson", "-o", "driftline.toml"]);
    assert_eq!(code(&refused), 3);
    assert!(text(&refused.stderr).contains("--force"));
    let read = |name: &str| std::fs::read_to_string(here.path().join(name)).expect("a file");
    assert_eq!(read("driftline.toml"), "mine");
    let forced = run(&["init", "events.ndjson", "-o", "driftline.toml", "--force"]);
    assert_eq!(code(&forced), 0, "{}", text(&forced.stderr));
    assert!(forced.stdout.is_empty(), "the config goes to the file");
    let checked = run(&["check", "--sample", "events.ndjson"]);
    assert_eq!(code(&checked), 0, "{}", text(&checked.stderr));
    let printed = run(&["init", "events.ndjson"]);
    assert_eq!(text(&printed.stdout), read("driftline.toml"));

    let mut child = driftline()
        .args(["init", "-", "--quiet"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    child.stdin.take().expect("a pipe").write_all(events.as_bytes()).expect("it reads");
    let piped = child.wait_with_output().expect("it ends");
    assert_eq!(code(&piped), 0, "{}", text(&piped.stderr));
    assert!(piped.stderr.is_empty());
    assert!(text(&piped.stdout).contains("[metrics.latency_ms]"));
    assert!(!text(&piped.stdout).contains("[input]"), "standard input is no path to keep");
}

#[test]
fn check_tells_how_a_config_fits_a_sample() {
    let config = "[time]\npath = \"ts\"\n[keys]\nmodel = \"model\"\nsegments = [\"geo.region\"]\n\
        [metrics.latency]\npath = \"latencyms\"\n[metrics.input_tokens]\n[metrics.lang]\n";
    let event = |time: &str, n: usize| {
        format!(
            "{{\"{time}\":\"2026-03-02T09:15:{:02}Z\",\"model\":\"m\",\"region\":\"eu\",\"latency_ms\":{n},\
             \"usage\":{{\"input_tokens\":{}}},\"lang\":\"{}\"}}\n",
            n % 60,
            if n.is_multiple_of(4) { "null".into() } else { n.to_string() },
            ["de", "en"][n % 2]
        )
    };
    let good: String = (0..400).map(|n| event("ts", n)).chain(["{}\n".into()]).collect();
    let untimed: String = (0..400).map(|n| event("when", n)).collect();
    let files = [("c.toml", config), ("good.ndjson", &good), ("untimed.ndjson", &untimed)];
    let here = folder(&files);
    let check = |arguments: &[&str]| {
        let mut command = driftline();
        let output = command.arg("check").arg("c.toml").args(arguments).current_dir(here.path());
        let output = output.output().expect("it starts");
        (code(&output), text(&output.stdout))
    };
    let (code, said) = check(&["--sample", "good.ndjson"]);
    assert_eq!(code, 0, "{said}");
    for part in [
        "good.ndjson: 400 events, 1 reject",
        "missing_time",
        "`geo.region` never occurs; did you mean `region`?",
        "`latencyms` never occurs; did you mean `latency_ms`?",
        "`input_tokens` never occurs; did you mean `usage.input_tokens`?",
        "no value of `lang` can be read as a number; it looks like a category",
    ] {
        assert!(said.contains(part), "{part} is missing in:\n{said}");
    }
    assert_eq!(check(&["--sample", "good.ndjson", "--deny-warnings"]).0, 1);
    let (code, said) = check(&["--sample", "untimed.ndjson"]);
    assert_eq!(code, 1, "nothing could be read");
    assert!(said.contains("time.path: `ts` never occurs; did you mean `when`?"), "{said}");
    assert_eq!(check(&["--sample", "absent.ndjson"]).0, 3);

    let (_, said) = check(&["--sample", "good.ndjson", "--format", "json"]);
    let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(said["sample"]["events"], 400);
    assert_eq!(said["sample"]["rejects"][0]["reason"], "missing_time");
    let fields = said["sample"]["fields"].as_array().expect("a list");
    let of = |name: &str| fields.iter().find(|field| field["name"] == name).expect("a field");
    assert_eq!(of("keys.model")["found"], 400);
    assert_eq!(of("metrics.input_tokens")["null"], 400);
    assert_eq!(of("metrics.lang")["invalid"], 400);
}

/// The last line of a replay is a command that works from where it was said.
#[test]
fn a_replay_says_how_to_explain_what_it_found() {
    let folder = folder(&[]);
    let within = |arguments: &[&str]| {
        let mut command = driftline();
        command.current_dir(folder.path()).args(arguments).output().expect("the binary starts")
    };
    assert_eq!(code(&within(&["generate", "--events", "300000", "--out", "set"])), 0);
    let replayed = text(&within(&["replay", "-c", "set/driftline.toml"]).stdout);
    let said = replayed.lines().last().and_then(|line| line.strip_prefix("See why: driftline "));
    let said: Vec<&str> = said.expect("something was found").split(' ').collect();
    let explained = within(&said);
    assert_eq!(code(&explained), 0, "{said:?}: {}", text(&explained.stderr));
    assert!(text(&explained.stdout).starts_with(&format!("Finding {}", said[1])), "{said:?}");
}

#[test]
fn why_a_config_cannot_be_read_is_told_once() {
    let told = text(&run(&["replay", "--config", "/nowhere/driftline.toml"]).stderr);
    assert_eq!(told.matches("No such file").count(), 1, "{told}");
    assert!(told.contains("driftline init"), "{told}");
}
