//! The demo, as a user runs it: the real binary, a broker inside of it, a bound on its time.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use driftline_tests::driftline;

/// Longer, and something hangs.
const BOUND: Duration = Duration::from_secs(150);

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("output is UTF-8")
}

/// The binary with a folder of its own for temporary files.
fn command(folder: &Path) -> Command {
    let mut command = driftline();
    command.env("TMPDIR", folder).env_remove("DRIFTLINE_LOG").stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Its output, if it ends by itself within the bound.
fn finish(mut child: Child) -> Output {
    let begun = Instant::now();
    while child.try_wait().expect("it can be asked").is_none() {
        if begun.elapsed() > BOUND {
            child.kill().expect("it can be ended");
            let output = child.wait_with_output().expect("its output");
            panic!("no end after {BOUND:?}:\n{}{}", text(&output.stdout), text(&output.stderr));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().expect("its output")
}

/// The lines of the score: what was found, with delays and onsets.
fn score(output: &str) -> Vec<&str> {
    let lines = output.lines().skip_while(|line| !line.starts_with("model   "));
    lines.take_while(|line| !line.starts_with("found ")).collect()
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).expect("the folder is there").next().is_none()
}

#[test]
fn live_and_over_files_the_same_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let live = finish(
        command(folder.path()).args(["demo", "--seconds", "12"]).spawn().expect("it starts"),
    );
    let (told, errors) = (text(&live.stdout), text(&live.stderr));
    assert!(live.status.success() && errors.is_empty(), "{told}{errors}");
    assert!(is_empty(folder.path()), "something was left behind");

    assert_eq!(told.matches("  INJECTED  ").count(), 5, "{told}");
    assert!(told.matches("  found     ").count() >= 5, "{told}");
    assert!(told.matches("  FIRING    alert ").count() >= 5, "{told}");
    assert!(told.contains("found 5 of 5 drifts; 0 of "), "{told}");
    assert!(
        told.contains("600,012 messages read, 600,000 events judged, 12 in quarantine"),
        "{told}"
    );
    // No finding comes before its cause.
    for model in score(&told).iter().skip(1).filter_map(|line| line.split_whitespace().next()) {
        let at = |what: &str| {
            told.find(&format!("{what}{model}")).unwrap_or_else(|| panic!("{what}{model}\n{told}"))
        };
        assert!(at("INJECTED  ") < at("found     "), "{model}\n{told}");
    }

    let set = folder.path().join("set");
    let over_files =
        command(folder.path()).arg("demo").arg("--files").arg(&set).spawn().expect("it starts");
    let over_files = finish(over_files);
    let retold = text(&over_files.stdout);
    assert!(over_files.status.success(), "{}", text(&over_files.stderr));
    assert_eq!(score(&told).len(), 6 + 1, "{told}");
    assert_eq!(score(&told), score(&retold), "live and replay differ");
    assert!(set.join("findings.ndjson").exists());
}

#[test]
fn an_interrupted_demo_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let child =
        command(folder.path()).args(["demo", "--seconds", "600"]).spawn().expect("it starts");
    let begun = Instant::now();
    while is_empty(folder.path()) {
        assert!(begun.elapsed() < BOUND, "it does not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
    // It listens to signals before it is ready to run; a moment later is any moment of it.
    std::thread::sleep(Duration::from_secs(2));
    let signal = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(signal.expect("kill is there").success());
    let output = finish(child);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    assert!(text(&output.stderr).contains("interrupted"), "{}", text(&output.stderr));
    assert!(is_empty(folder.path()), "something was left behind");
}
