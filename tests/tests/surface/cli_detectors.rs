//! `driftline detectors`, the real binary: list, pages, a run over numbers, run lengths, refusals.

use std::io::Write;
use std::process::{Output, Stdio};

use driftline_detectors::classic::DETECTORS;
use driftline_tests::driftline;

fn run(arguments: &[&str], input: &str) -> Output {
    let mut child = driftline()
        .arg("detectors")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    // A run that is refused does not read its input.
    let _ = child.stdin.take().expect("an input").write_all(input.as_bytes());
    child.wait_with_output().expect("the binary ends")
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

#[test]
fn list_and_pages_show_every_detector_and_parameter() {
    let list = out(&run(&[], ""));
    assert_eq!(list.lines().count(), DETECTORS.len());
    for spec in DETECTORS {
        assert!(list.contains(spec.name) && list.contains(spec.doc), "{}", spec.name);
        let page = out(&run(&["show", spec.name], ""));
        assert!(page.contains(spec.variant) && page.contains(spec.reference), "{page}");
        assert!(spec.parameters.iter().all(|parameter| page.contains(parameter.name)), "{page}");
    }
}

#[test]
fn a_run_prints_the_index_of_each_drift() {
    let step = |level: &str| format!("{level}\n").repeat(100);
    let input = format!("{}null\n\n{}", step("0.1"), step("9"));
    let output = run(&["run", "cusum", "--set", "threshold=5", "-"], &input);
    // Each 9 is a drift of its own; null is input 100.
    let expected: String = (101..201).map(|index| format!("{index}\n")).collect();
    assert_eq!(out(&output), expected);
    assert_eq!(err(&output), "100 drifts in 201 inputs\n");
    assert_eq!(output.status.code(), Some(1));

    let quiet = run(&["run", "adwin"], &step("3"));
    assert_eq!((out(&quiet).as_str(), quiet.status.code()), ("", Some(0)));
}

#[test]
fn run_lengths_and_thresholds() {
    for (arguments, expected) in [
        (&["arl", "cusum", "--k", "0.5", "--h", "5"][..], "465.444\n"),
        (&["arl", "cusum", "--k", "0.5", "--h", "5", "--shift", "-1"], "10.3760\n"),
        (&["arl", "cusum", "--k", "0.5", "--arl", "10000"], "8.05305\n"),
        (&["arl", "ewma", "--lambda", "0.25", "--limit", "3", "--shift", "1"], "11.1543\n"),
        (&["arl", "shewhart", "--h", "3"], "370.398\n"),
    ] {
        let output = run(arguments, "");
        assert_eq!((out(&output).as_str(), output.status.code()), (expected, Some(0)));
    }
}

#[test]
fn refusals_name_the_remedy() {
    for (arguments, input, code, text) in [
        (&["run", "adwim"][..], "", 2, "did you mean `adwin`?"),
        (&["show", "cusun"], "", 2, "did you mean `cusum`?"),
        (&["run", "adwin", "--set", "delta=7"], "", 2, "from 0.000000000001 to 1"),
        (&["run", "adwin", "--set", "delta"], "", 2, "PARAMETER=VALUE"),
        (&["run", "adwin"], "1\nlatency\n", 1, "line 2: `latency` is not a number"),
        (&["run", "adwin", "no-such-file"], "", 3, "cannot read no-such-file"),
        (&["arl", "cusum"], "", 2, "--h"),
        (&["arl", "cusum", "--h", "0"], "", 2, "there is no answer"),
        (&["arl", "cusum", "--arl", "0.1"], "", 2, "there is no answer"),
    ] {
        let output = run(arguments, input);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", err(&output));
        assert!(err(&output).contains(text), "{arguments:?}: {}", err(&output));
    }
}
