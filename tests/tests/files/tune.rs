//! `driftline tune` on a generated history: what it tells is what the history holds, and what it writes is a
//! config that gives it.

use std::fmt::Write;
use std::path::Path;
use std::process::Output;

use driftline_tests::driftline;
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::Value;

fn run(folder: &Path, arguments: &[&str]) -> Output {
    driftline().current_dir(folder).args(arguments).output().expect("driftline runs")
}

fn told(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    text.into_owned()
}

/// A quiet history of a day.
fn history(folder: &Path) {
    let made = run(
        folder,
        &[
            "generate",
            "--out",
            "set",
            "--events",
            "300000",
            "--span",
            "12h",
            "--models",
            "6",
            "--no-drift",
        ],
    );
    assert!(made.status.success(), "{}", told(&made));
}

fn row<'a>(answer: &'a Value, words: &str) -> &'a Value {
    let rows = answer["settings"].as_array().expect("settings");
    let found = rows.iter().find(|row| row["words"].as_str().is_some_and(|w| w.starts_with(words)));
    found.unwrap_or_else(|| panic!("no {words}: {answer:#}"))
}

fn cell<'a>(row: &'a Value, change: &str) -> &'a Value {
    let cells = row["changes"].as_array().expect("changes");
    cells.iter().find(|cell| cell["change"] == change).expect("the change")
}

#[test]
fn it_tells_what_would_have_been_found_and_writes_the_choice() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    history(here);
    let config = ["--config", "set/driftline.toml"];
    let told_json = run(
        here,
        &[
            &["tune", "--as", "json", "--zones", "0.1,0.6", "--panes", "10s,1m", "--budgets", "1"],
            &config[..],
        ]
        .concat(),
    );
    assert!(told_json.status.success(), "{}", told(&told_json));
    let answer: Value = serde_json::from_slice(&told_json.stdout).expect("JSON");
    assert_eq!(answer["events"], 300_000);
    assert_eq!(answer["chosen"], Value::Null);
    let own = row(&answer, "as it is");
    // A change of half a deviation is found in nearly all series; with a zone of more, in few.
    let shift = cell(own, "shift");
    let (series, found) = (shift["series"].as_u64(), shift["found"].as_u64());
    assert!(series > Some(20), "{shift}");
    assert!(found >= series.map(|n| n * 8 / 10), "{shift}");
    assert!(shift["delay_s"].as_f64().is_some_and(|s| (10.0..7200.0).contains(&s)), "{shift}");
    let wide = cell(row(&answer, "zone 0.6"), "shift");
    assert!(wide["found"].as_u64() < found.map(|n| n / 2), "{wide}");
    let alerts = |row: &Value| row["alerts_per_week"].as_f64().expect("a number");
    // Nothing drifts in it: twelve hours hold a few alerts at most.
    assert!(alerts(own) < 50.0, "{own}");
    assert!(cell(own, "mix")["found"].as_u64() > Some(3), "{own}");

    let written = run(
        here,
        &[
            &["tune", "--zones", "0.6", "--panes", "10s,1m", "--at-most", "60"][..],
            &["--write", "tuned.toml", "--picture", "tune.svg"],
            &config[..],
        ]
        .concat(),
    );
    assert!(written.status.success(), "{}", told(&written));
    assert!(told(&written).contains("finds most, soonest"), "{}", told(&written));
    let picture = std::fs::read_to_string(here.join("tune.svg")).expect("a picture");
    assert!(picture.starts_with("<svg ") && picture.trim_end().ends_with("</svg>"));
    assert!(picture.contains("alerts a week") && picture.contains("class=\"c\""), "one is chosen");
    let checked = run(here, &["check", "tuned.toml", "--offline"]);
    assert!(checked.status.success(), "{}", told(&checked));
}

/// False alarms a week of the config's own settings: promised, replayed, low, high; and series above.
fn false_alarms(answer: &Value) -> ([f64; 4], u64) {
    let own = &row(answer, "as it is")["false_alarms"];
    let names = ["promised_per_week", "replayed_per_week", "low", "high"];
    let rate = names.map(|name| own[name].as_f64().unwrap_or_else(|| panic!("{name}: {own}")));
    (rate, own["above_promise"].as_u64().expect("a number"))
}

/// A history of two models in which the level of `b`'s latency wanders by `wander` standard deviations,
/// with a memory of twenty minutes: what comes and goes, and is no change.
fn wandering(folder: &Path, hours: i64, wander: f64) {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(11);
    let mut normal = move || -> f64 { StandardNormal.sample(&mut random) };
    let mut text = String::new();
    let mut level = 0.0;
    let kept = (-10.0f64 / 1200.0).exp();
    for pane in 0..hours * 360 {
        level = kept * level + (1.0 - kept * kept).sqrt() * wander * normal();
        for event in 0..24 {
            for (model, off) in [("a", 0.0), ("b", level)] {
                let time_ms = 1_767_571_200_000 + pane * 10_000 + event * 400;
                let latency_ms = 300.0 * (0.5 * (normal() + off)).exp();
                let tokens = 80.0 * (0.5 * normal()).exp();
                let error = normal() > 1.7;
                let _ = writeln!(
                    text,
                    r#"{{"ts":{time_ms},"model":"{model}","latency_ms":{latency_ms:.3},"tokens":{tokens:.3},"error":{error}}}"#
                );
            }
        }
    }
    std::fs::write(folder.join("history.ndjson"), text).expect("a history");
    let config = r#"[input]
paths = ["history.ndjson"]
[time]
path = "ts"
[keys]
model = "model"
[metrics.latency_ms]
[metrics.tokens]
[metrics.error]
kind = "flag"
"#;
    std::fs::write(folder.join("driftline.toml"), config).expect("a config");
}

/// The answer about such a history, without known changes put in.
fn replayed(folder: &Path, more: &[&str]) -> Value {
    let tune = ["tune", "--as", "json", "--panes", "10s"];
    let none = ["--shift", "0", "--scale", "1", "--mix", "0", "--rate", "1"];
    let output = run(folder, &[&tune[..], &none, more].concat());
    assert!(output.status.success(), "{}", told(&output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn a_stationary_history_keeps_its_promise_when_it_is_replayed() {
    let folder = tempfile::tempdir().expect("a folder");
    let with = |threads| {
        let zones = ["--zones", "0.1", "--budgets", "1,1000", "--threads", threads];
        replayed(folder.path(), &zones)
    };
    wandering(folder.path(), 14, 0.0);
    let answer = with("1");
    let own = row(&answer, "as it is");
    let ([promised, seen, low, high], above) = false_alarms(&answer);
    assert!((0.5..1.001).contains(&promised), "{own:#}");
    assert!(low <= seen && seen <= high, "{own:#}");
    assert!(seen <= promised, "{own:#}");
    assert_eq!(above, 0, "{own:#}");
    let often = &row(&answer, "budget 1000")["false_alarms"];
    let rate = |name: &str| often[name].as_f64().expect("a number");
    assert!(rate("promised_per_week") > 500.0 && rate("low") <= rate("promised_per_week"));
    // A thousand times the budget is about a thousand times the alarms, not the same figure.
    assert!(rate("replayed_per_week") > 30.0 * seen, "{often:#} {own:#}");
    assert_eq!(answer, with("3"), "threads do not show");
}

#[test]
fn what_comes_and_goes_for_longer_than_the_baseline_shows_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    wandering(folder.path(), 60, 0.7);
    let answer = replayed(folder.path(), &["--zones", "0.1", "--budgets", "1"]);
    let ([promised, seen, low, high], above) = false_alarms(&answer);
    let own = &row(&answer, "as it is")["false_alarms"];
    assert!(seen > 3.0 * promised, "{own:#}");
    // What the history itself had is within the interval.
    let alerts = row(&answer, "as it is")["alerts_per_week"].as_f64().expect("a number");
    assert!(low <= alerts && alerts <= high, "{alerts}: {own:#}");
    assert!(above >= 1, "{own:#}");
    let worst = own["worst"][0]["series"].as_str().expect("a series");
    assert_eq!(worst, "b latency_ms", "{own:#}");
    // A budget that promises fifty does not give fifty: what is chosen keeps to it in the replay, too.
    let more = ["--zones", "0.1,0.5", "--budgets", "50", "--at-most", "50"];
    let answer = replayed(folder.path(), &more);
    let rows = answer["settings"].as_array().expect("settings");
    let high = |row: &Value| row["false_alarms"]["high"].as_f64().expect("a number");
    assert!(rows.iter().any(|row| high(row) > 50.0), "{answer:#}");
    let chosen = answer["chosen"].as_u64().map(|at| &rows[at as usize]);
    assert!(chosen.is_some_and(|row| high(row) <= 50.0), "{answer:#}");
}

/// The answer about a generated set with five drifts in it, of so many hours.
fn drifting(folder: &Path, (seed, hours): (u32, u32), more: &[&str]) -> Value {
    let (seed, events) = (seed.to_string(), (hours * 100_000).to_string());
    let span = format!("{hours}h");
    let set = ["--out", ".", "--seed", &seed, "--events", &events, "--span", &span];
    let made = run(folder, &[&["generate"][..], &set].concat());
    assert!(made.status.success(), "{}", told(&made));
    replayed(folder, more)
}

#[test]
fn drifts_that_were_found_are_no_false_alarms_and_what_is_replayed_follows_budget_and_zone() {
    let rate = |answer: &Value, words: &str, name: &str| {
        row(answer, words)["false_alarms"][name].as_f64().expect("a number")
    };
    let choices = ["--zones", "0.05,0.2", "--budgets", "1,1000,100000"];
    for seed in [21, 22] {
        let folder = tempfile::tempdir().expect("a folder");
        let answer = drifting(folder.path(), (seed, 6), &choices);
        let own = &row(&answer, "as it is")["false_alarms"];
        // Nothing but drifts was told, so what is left keeps the promise.
        assert!(rate(&answer, "as it is", "high") < 20.0, "{own:#}");
        assert!(rate(&answer, "as it is", "replayed_per_week") <= 0.3, "{own:#}");
        assert_eq!(own["above_promise"], 0, "{own:#}");
        let of = |words: &str| rate(&answer, words, "replayed_per_week");
        assert!(of("as it is") < of("budget 1000") && of("budget 1000") < of("budget 100000"));
        assert!(
            of("zone 0.2") <= of("as it is") && of("as it is") <= of("zone 0.05"),
            "{answer:#}"
        );
    }
    // Few series: each is replayed, those that drift among them, and it is told what was left out.
    let folder = tempfile::tempdir().expect("a folder");
    let few =
        ["--models", "8", "--out", "few", "--seed", "5", "--events", "400000", "--span", "12h"];
    let made = run(folder.path(), &[&["generate"][..], &few].concat());
    assert!(made.status.success(), "{}", told(&made));
    let answer = replayed(folder.path(), &["--config", "few/driftline.toml", "--budgets", "1"]);
    let own = &row(&answer, "as it is")["false_alarms"];
    assert!(own["changed_series"].as_u64() >= Some(3), "{own:#}");
    assert!(
        own["left_out_share"].as_f64().is_some_and(|share| share > 0.02 && share < 0.5),
        "{own:#}"
    );
    assert!(rate(&answer, "as it is", "replayed_per_week") < 1.0, "{own:#}");
}

#[test]
fn what_cannot_be_tuned_is_told_with_the_remedy() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    history(here);
    for (arguments, words) in [
        (vec!["tune", "--budgets", "0"], "from 0.0001 to"),
        (vec!["tune", "--at-most", "0"], "from 0.0001 to"),
        (vec!["tune", "--zones", "20"], "from 0 to 10"),
        (vec!["tune", "--at", "1.5"], "share between 0 and 1"),
        (vec!["tune", "--panes", "soon"], "10s, 1m or 1h"),
        (vec!["tune", "-"], "standard input does not allow"),
        (vec!["tune", "--to", "2000-01-01"], "no series has a baseline"),
        (vec!["tune", "--write", "x.toml"], "--at-most"),
    ] {
        let output = run(here, &[&arguments[..], &["--config", "set/driftline.toml"]].concat());
        assert!(!output.status.success(), "{arguments:?}");
        assert!(told(&output).contains(words), "{arguments:?}: {}", told(&output));
    }
    // By share there is no budget to compare, nor to give a replay.
    let config = std::fs::read_to_string(here.join("set/driftline.toml")).expect("a config");
    let by_share = config.replace("[detect]\n", "[detect]\nfleet = \"share\"\n");
    assert_ne!(by_share, config);
    std::fs::write(here.join("set/share.toml"), by_share).expect("a config");
    for command in [&["tune"][..], &["replay", "--budget", "5"]] {
        let output = run(here, &[command, &["--config", "set/share.toml"]].concat());
        assert!(!output.status.success(), "{command:?}");
        assert!(told(&output).contains("remove fleet"), "{command:?}: {}", told(&output));
    }
    let none = run(
        here,
        &["tune", "--at-most", "-1", "--write", "x.toml", "--config", "set/driftline.toml"],
    );
    assert!(!none.status.success() && !here.join("x.toml").exists(), "{}", told(&none));
}
