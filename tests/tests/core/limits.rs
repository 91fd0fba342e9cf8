//! Limits: what is over one is refused and counted, exactly; what was there before does not notice.

#![allow(clippy::print_stdout)] // bytes a series and peaks of memory are the point of the run

use std::collections::BTreeSet;

use driftline::engine::{Engine, Input};
use driftline::model::settings::{MINUTE_US, SECOND_US};
use driftline::model::{Row, Settings, Value};
use driftline_tests::telemetry::{METRICS, START_US, Telemetry, deal, generator, seeds, settings};
use driftline_tests::transcript::{Mix, Step, assert_same, open, run, run_rows, steps, take};
use rand::RngExt;

fn with_groups(groups: usize) -> Settings {
    let mut settings = settings();
    settings.limits.series_max = groups * METRICS.len();
    settings
}

/// Copies of random rows from `from_us` on, each as an event of one of `models` other models.
fn strangers(rows: &[Row], from_us: i64, events: usize, models: usize, seed: u64) -> Vec<Row> {
    let mut random = generator(seed ^ 0x5a);
    let first = rows.partition_point(|row| row.time_us < from_us);
    (0..events)
        .map(|number| {
            let mut row = rows[random.random_range(first..rows.len())].clone();
            row.keys[0] = Value::Label(format!("stranger {}", number % models));
            row
        })
        .collect()
}

fn merged(one: &[Row], other: &[Row]) -> Vec<Row> {
    let mut all = [one, other].concat();
    all.sort_by_key(|row| row.time_us);
    all
}

#[test]
fn series_beyond_the_limit_are_refused_and_the_others_unaffected() {
    for seed in seeds(0..4) {
        let mut random = generator(seed ^ 0x61);
        let rows = Telemetry::new(seed).rows();
        // All six groups have come at 42 minutes, and their first panes are closed some minutes later.
        let settings = with_groups(6);
        let expected = run_rows(&settings, &rows);
        assert!(expected.findings.len() >= 4, "seed {seed}");
        for models in [1, 40, 3000] {
            let bomb = strangers(&rows, START_US + 52 * MINUTE_US, 3000, models, seed);
            let groups = bomb.iter().map(key_of).collect::<BTreeSet<_>>().len() as f64;
            let all = merged(&rows, &bomb);
            for mix in [Mix::Turns(1000), Mix::Turns(13), Mix::Turns(1)] {
                let dealt = deal(&all, 2, 20 * SECOND_US, &mut random);
                let mut made = run(&settings, 2, &steps(&dealt, mix, &mut random));
                let what = format!("seed {seed}, {models} models, {mix:?}");
                assert_eq!(made.counters.refused_series_events, 3000, "{what}");
                let off = (made.counters.refused_groups as f64 / groups - 1.0).abs();
                assert!(off <= if groups <= 256.0 { 0.0 } else { 0.25 }, "{what}: {off}");
                assert_eq!(made.counters.events, expected.counters.events + 3000, "{what}");
                made.counters = expected.counters.clone();
                assert_same(&expected, &made, &what);
            }
        }
    }
}

fn key_of(row: &Row) -> Vec<String> {
    let label = |value: &Value| match value {
        Value::Label(label) => label.clone(),
        _ => String::new(),
    };
    row.keys.iter().map(label).collect()
}

#[test]
fn who_is_admitted_does_not_depend_on_the_order() {
    for seed in seeds(0..6) {
        let mut random = generator(seed ^ 0x71);
        // All in one pane: beyond it, who was there first decides.
        let rows = Telemetry { minutes: 3, ..Telemetry::new(seed) }.rows();
        let mut all = strangers(&rows, START_US, 2000, 40, seed);
        all.iter_mut().for_each(|row| row.time_us = START_US + row.time_us % (10 * SECOND_US));
        let groups: BTreeSet<Vec<String>> = all.iter().map(key_of).collect();
        let settings = with_groups(8);
        let mut outcomes = BTreeSet::new();
        for mix in [Mix::Turns(1), Mix::Turns(64), Mix::Turns(5000), Mix::Backwards, Mix::Random] {
            let dealt = deal(&merged(&all, &[]), 2, 0, &mut random);
            let mut engine = driftline_tests::transcript::opened(&settings, 2);
            steps(&dealt, mix, &mut random).iter().for_each(|s| drop(take(&mut engine, s)));
            let admitted: Vec<_> = engine.series().into_iter().map(|s| (s.key, s.events)).collect();
            assert_eq!(admitted.len(), 8, "seed {seed}, {mix:?}");
            let counted: u64 = admitted.iter().map(|a| a.1).sum();
            let counters = engine.counters();
            assert_eq!(counted + counters.refused_series_events, 2000, "seed {seed}, {mix:?}");
            assert_eq!(counters.refused_groups as usize, groups.len() - 8, "seed {seed}");
            outcomes.insert((admitted, counters.refused_groups));
        }
        assert_eq!(outcomes.len(), 1, "seed {seed}: {outcomes:?}");
    }
}

#[test]
fn a_category_that_explodes_leaves_the_others_alone() {
    for seed in seeds(0..2) {
        let rows = Telemetry::new(seed).rows();
        let settings = settings();
        let explosion: Vec<Row> = (0..100_000i64)
            .map(|number| Row {
                time_us: START_US + number * 36_000,
                offset: 0,
                keys: ["zeta", "1", "us"].map(|k| Value::Label(k.into())).to_vec(),
                id: None,
                metrics: vec![
                    Value::Null,
                    Value::Label(format!("{number} {}", "x".repeat(60))),
                    Value::Null,
                    Value::Null,
                ],
            })
            .collect();
        // The same model without the explosion: it shares the budget alike.
        let tame = |row: &Row| {
            let mut row = row.clone();
            row.metrics[1] = Value::Label("one".into());
            row
        };
        let tame: Vec<Row> = explosion.iter().map(tame).collect();
        let others = |rows: &[Row]| {
            let mut all = run_rows(&settings, rows);
            all.findings.retain(|f| f.model != "zeta");
            all.alerts.retain(|a| a.labels["model"] != "zeta");
            all
        };
        let (expected, made) = (others(&merged(&rows, &tame)), others(&merged(&rows, &explosion)));
        assert!(expected.findings.len() >= 4, "seed {seed}");
        let same = |f: &driftline::model::Finding| f.id.clone();
        assert_eq!(
            expected.findings.iter().map(same).collect::<Vec<_>>(),
            made.findings.iter().map(same).collect::<Vec<_>>(),
            "seed {seed}"
        );
        assert_eq!(expected.lines(), made.lines(), "seed {seed}");
    }
}

#[test]
fn panes_beyond_the_limit_are_refused_and_counted() {
    let mut settings = settings();
    settings.limits.panes_open_max = 50;
    let rows = Telemetry::new(1).rows();
    let mut engine = Engine::new(settings);
    open(&mut engine, 2);
    // Partition 1 says nothing, so nothing may close.
    take(&mut engine, &Step::Rows(0, rows.clone()));
    let inside = rows.iter().filter(|r| r.time_us < START_US + 500 * SECOND_US).count() as u64;
    assert_eq!(engine.counters().refused_pane, rows.len() as u64 - inside);
    assert_eq!(engine.counters().panes, 0);
    engine.step(Input::Closed { partition: 0 });
    engine.step(Input::Closed { partition: 1 });
    assert_eq!(engine.counters().panes, 50);
    assert_eq!(engine.counters().events, rows.len() as u64);
}

#[test]
fn live_state_is_at_most_four_kibibytes_a_series() {
    let (mut mean, mut largest) = (0, 0);
    for seed in seeds(0..2) {
        let mut engine = driftline_tests::transcript::opened(&settings(), 1);
        take(&mut engine, &Step::Rows(0, Telemetry::new(seed).rows()));
        assert!(engine.watched_series() >= 20, "seed {seed}");
        let bytes = engine.series_bytes();
        (mean, largest) = (mean.max(bytes.mean), largest.max(bytes.largest));
    }
    println!("live state a series: mean {mean} bytes, largest {largest}");
    assert!(mean > 500 && largest <= 4096, "mean {mean}, largest {largest}");
}

/// Peaks of memory, each in a process of its own: this test runs itself.
#[cfg(target_os = "linux")]
mod memory {
    use super::*;

    const CHILD: &str = "DRIFTLINE_TEST_CHILD";

    /// Peak resident bytes of the test `name` as a child, after its work.
    fn peak_of(name: &str) -> u64 {
        let test = std::env::current_exe().expect("a running test has a path");
        let output = std::process::Command::new(test)
            .args(["--exact", name, "--nocapture", "--test-threads", "1"])
            .env(CHILD, "1")
            .output()
            .expect("a test can run itself");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}");
        let line = text.lines().find_map(|l| l.split("peak_kib=").nth(1)).expect("a peak");
        line.trim().parse::<u64>().expect("a number") * 1024
    }

    /// True in the child.
    fn is_child() -> bool {
        std::env::var_os(CHILD).is_some()
    }

    fn tell_peak() {
        let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
        let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).expect("a peak");
        println!("peak_kib={}", peak.trim().trim_end_matches(" kB"));
    }

    /// Feeds `events` events, made one batch at a time.
    fn feed(settings: &Settings, events: u64, make: impl Fn(u64) -> (Value, Value)) {
        let mut engine = driftline_tests::transcript::opened(settings, 1);
        for from in (0..events).step_by(1000) {
            let rows: Vec<Row> = (from..from + 1000)
                .map(|number| {
                    let (model, finish) = make(number);
                    Row {
                        time_us: START_US + number as i64 * 1000,
                        offset: number,
                        keys: vec![model, Value::Null, Value::Null],
                        id: None,
                        metrics: vec![
                            Value::Number((number * 7919 % 10_007) as f64),
                            finish,
                            Value::Flag(number % 9 == 0),
                            Value::Vector(vec![number as f32, 1.0, 2.0]),
                        ],
                    }
                })
                .collect();
            take(&mut engine, &Step::Rows(0, rows));
        }
        assert_eq!(engine.counters().events, events);
        assert!(engine.series().len() <= settings.limits.series_max / METRICS.len());
        tell_peak();
    }

    fn label(number: u64) -> Value {
        Value::Label(format!("model-{number:06}"))
    }

    #[test]
    fn two_hundred_thousand_models_stay_within_bounds() {
        if is_child() {
            // Each model twice, in 400 s: the default limit of series is passed in the first minute.
            return feed(&settings(), 400_000, |n| {
                (label(n % 200_000), Value::Label("stop".into()))
            });
        }
        let peak = peak_of("limits::memory::two_hundred_thousand_models_stay_within_bounds");
        println!("200,000 models: peak {} MiB", peak >> 20);
        assert!(peak < 400 << 20, "{} MiB", peak >> 20);
    }

    #[test]
    fn a_hundred_thousand_categories_of_a_hundred_models_stay_within_bounds() {
        if is_child() {
            return feed(&settings(), 1_000_000, |n| {
                (label(n % 100), Value::Label(format!("{:05}{}", n % 100_000, "x".repeat(40))))
            });
        }
        let peak = peak_of(
            "limits::memory::a_hundred_thousand_categories_of_a_hundred_models_stay_within_bounds",
        );
        println!("100,000 categories: peak {} MiB", peak >> 20);
        assert!(peak < 200 << 20, "{} MiB", peak >> 20);
    }
}
