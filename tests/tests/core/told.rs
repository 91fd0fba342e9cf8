//! What is told of a finding is what the events were: since when, and how much.

use driftline::model::time::from_rfc3339;
use driftline::model::{FieldPath, Kind, MetricField, Row, Settings, Value};
use driftline_tests::course::settings;
use driftline_tests::telemetry::{START_US, generator, metric, seeds};
use driftline_tests::transcript::run_rows;
use rand::RngExt;

/// Settings of one model with one metric.
fn one_metric(name: &str, kind: Kind) -> Settings {
    let mut settings = settings();
    settings.layout.metrics =
        vec![MetricField { name: name.into(), path: FieldPath(name.into()), kind }];
    let mut plain = metric(name, kind);
    (plain.mean, plain.p99, plain.ratio, plain.distinct) = (false, false, false, false);
    settings.metrics = vec![plain];
    settings
}

/// Three events a second, `minutes` long, each with the value that `make` gives for its minute.
fn rows(minutes: i64, mut make: impl FnMut(i64) -> Value) -> Vec<Row> {
    let row = |number: i64| Row {
        time_us: START_US + number * 1_000_000 / 3,
        offset: number as u64,
        keys: ["alpha", "1"].map(|key| Value::Label(key.into())).to_vec(),
        id: None,
        metrics: vec![make(number / 180)],
    };
    (0..minutes * 180).map(row).collect()
}

/// Budgets beyond any use ask for so little evidence that a mixture has it before anything was seen.
#[test]
fn with_any_budget_an_onset_is_watched_and_an_effect_is_something() {
    for seed in seeds(0..4) {
        let mut random = generator(seed);
        let never = rows(150, |_| Value::Label("direct".into()));
        let constant = rows(150, |_| Value::Number(0.7));
        let flags = rows(150, |_| Value::Flag(random.random::<f64>() < 0.02));
        let mut random = generator(seed + 100);
        let numbers = rows(150, |_| Value::Number(random.random::<f64>()));
        let all = [
            (Kind::Category, &never, true),
            (Kind::Number, &constant, true),
            (Kind::Flag, &flags, false),
            (Kind::Number, &numbers, false),
        ];
        for (kind, rows, is_constant) in all {
            for budget in [1.0, 1e3, 1e4, 1e5, 1e7] {
                let mut settings = one_metric("route", kind);
                settings.detect.budget_per_week = budget;
                let findings = run_rows(&settings, rows).findings;
                let about = format!("seed {seed}, {kind:?}, budget {budget}");
                assert!(!is_constant || findings.is_empty(), "{about}: {:?}", findings[0].summary);
                for finding in findings {
                    let onset = from_rfc3339(&finding.onset).expect("a time");
                    assert!(onset >= START_US, "{about}: {}", finding.summary);
                    assert!(finding.delay_s < 150.0 * 60.0, "{about}: {}", finding.summary);
                    let nothing = ["(0.00 % of", "+0.00 sigma", "-0.00 sigma", "spread x 1.00"];
                    for nothing in nothing {
                        assert!(!finding.summary.contains(nothing), "{about}: {}", finding.summary);
                    }
                }
            }
        }
    }
}

/// A bell becomes two humps with the same middle: a share of the events moved, and no median is a share.
#[test]
fn a_change_of_shape_is_told_in_shares_that_are_shares() {
    let mut random = generator(7);
    let rows = rows(240, |minute| {
        let bell: f64 = (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
        let humps = if random.random::<bool>() { 0.95 } else { -0.95 };
        let deviations = if minute < 120 { bell } else { 0.3 * bell + humps };
        Value::Number(90_000.0 + 9_000.0 * deviations)
    });
    let findings = run_rows(&one_metric("audio_ms", Kind::Number), &rows).findings;
    let shapes: Vec<_> = findings.iter().filter(|f| f.kind == "shape").collect();
    assert!(!shapes.is_empty(), "{findings:?}");
    for finding in shapes {
        let effect = &finding.effect;
        assert_eq!((effect.unit.as_str(), effect.before, effect.after), ("share", None, None));
        assert!(finding.summary.contains("% of events moved"), "{}", finding.summary);
    }
}
