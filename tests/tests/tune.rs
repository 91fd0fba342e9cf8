//! `driftline tune` on a generated history: what it tells is what the history holds, and what it writes is a
//! config that gives it.

use std::path::Path;
use std::process::Output;

use driftline_tests::driftline;
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

#[test]
fn what_cannot_be_tuned_is_told_with_the_remedy() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    history(here);
    for (arguments, words) in [
        (vec!["tune", "--budgets", "0"], "above 0"),
        (vec!["tune", "--at", "1.5"], "share between 0 and 1"),
        (vec!["tune", "--panes", "soon"], "10s, 1m or 1h"),
        (vec!["tune", "-"], "standard input cannot"),
        (vec!["tune", "--to", "2000-01-01"], "no series has a baseline"),
        (vec!["tune", "--write", "x.toml"], "--at-most"),
    ] {
        let output = run(here, &[&arguments[..], &["--config", "set/driftline.toml"]].concat());
        assert!(!output.status.success(), "{arguments:?}");
        assert!(told(&output).contains(words), "{arguments:?}: {}", told(&output));
    }
    let none = run(
        here,
        &["tune", "--at-most", "-1", "--write", "x.toml", "--config", "set/driftline.toml"],
    );
    assert!(!none.status.success() && !here.join("x.toml").exists(), "{}", told(&none));
}
