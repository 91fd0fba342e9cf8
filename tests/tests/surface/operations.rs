//! The page of operations is current: its table of metrics is that of the code.

use driftline::telemetry::{Metric, manual};
use driftline_tests::{compare, repository};

#[test]
fn every_metric_is_documented() {
    let path = repository("docs/operations.md");
    let page = std::fs::read_to_string(&path).expect("the page is there");
    let renewed = manual::renewed(&page).expect("the page has a place for the table");
    if let Err(fault) = compare(&path, &renewed) {
        panic!("{fault}");
    }
    for metric in Metric::ALL {
        let line = format!("| `{}` |", metric.spec().name);
        assert_eq!(renewed.matches(&line).count(), 1, "{line}");
    }
}

#[test]
fn rules_name_metrics_that_exist_and_are_explained() {
    let rules =
        std::fs::read_to_string(repository("deploy/prometheus-rules.yaml")).expect("the rules");
    // As it was when this was built: the other test may be writing it.
    let page = include_str!("../../../docs/operations.md");
    let known: Vec<&str> = Metric::ALL.iter().map(|metric| metric.spec().name).collect();
    let mut named = 0;
    for line in rules.lines().filter(|line| !line.trim_start().starts_with('#')) {
        if let Some((_, alert)) = line.split_once("alert: ") {
            assert!(page.contains(alert), "{alert} is not in docs/operations.md");
        }
        let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        for word in words.filter(|word| word.starts_with("driftline_")) {
            assert!(known.contains(&word), "{word} is no metric");
            named += 1;
        }
    }
    assert!(named > 10, "only {named} metrics are named");
}
