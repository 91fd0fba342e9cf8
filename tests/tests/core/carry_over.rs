//! Another config in the middle of a stream: what is known stays known, nothing is counted twice or lost,
//! and the bytes that follow do not depend on the interleaving.

use driftline::engine::{Engine, Input};
use driftline::model::settings::{Fleet, MINUTE_US, SECOND_US};
use driftline::model::time::from_rfc3339;
use driftline::model::{Finding, Row, Settings, Status, Value};
use driftline_tests::telemetry::{METRICS, START_US, Telemetry, deal, generator, seeds, settings};
use driftline_tests::transcript::{
    Mix, Step, Transcript, assert_same, finish, opened, steps, take,
};

/// The settings with some of the metrics, in an order.
fn with_metrics(names: &[&str]) -> Settings {
    let mut settings = settings();
    let all = (settings.layout.metrics.clone(), settings.metrics.clone());
    let at = |name: &&str| METRICS.iter().position(|m| m.0 == *name).expect("a metric");
    settings.layout.metrics = names.iter().map(|name| all.0[at(name)].clone()).collect();
    settings.metrics = names.iter().map(|name| all.1[at(name)].clone()).collect();
    settings
}

/// Rows as a decoder would give them under such settings.
fn project(rows: &[Row], settings: &Settings) -> Vec<Row> {
    let keys = ["model", "version", "region"];
    let at = |names: &[&str], name: &str| names.iter().position(|n| *n == name).expect("a name");
    let metrics: Vec<&str> = METRICS.iter().map(|m| m.0).collect();
    let row = |row: &Row| Row {
        keys: settings.key_names.iter().map(|k| row.keys[at(&keys, k)].clone()).collect(),
        metrics: settings
            .metrics
            .iter()
            .map(|m| row.metrics[at(&metrics, &m.name)].clone())
            .collect(),
        ..row.clone()
    };
    rows.iter().map(row).collect()
}

/// Rows before a minute and from it on, in three partitions.
fn halves(seed: u64, minute: i64) -> [Vec<Vec<Row>>; 2] {
    let partitions = deal(&Telemetry::new(seed).rows(), 3, 20 * SECOND_US, &mut generator(seed));
    let cut = START_US + minute * MINUTE_US;
    let parts = partitions.into_iter().map(|rows| {
        let place = rows.iter().position(|row| row.time_us >= cut).expect("rows of each minute");
        let mut rows = rows;
        let later = rows.split_off(place);
        (rows, later)
    });
    let (before, after) = parts.unzip();
    [before, after]
}

/// Steps over projected rows; without the ends of partitions where more will come.
fn feed(
    partitions: &[Vec<Row>],
    settings: &Settings,
    mix: Mix,
    seed: u64,
    ends: bool,
) -> Vec<Step> {
    let rows: Vec<Vec<Row>> = partitions.iter().map(|rows| project(rows, settings)).collect();
    let steps = steps(&rows, mix, &mut generator(seed));
    steps.into_iter().filter(|step| ends || !matches!(step, Step::End(_))).collect()
}

/// An engine that has taken the rows before a minute, what it said, and the rows after.
fn until(seed: u64, minute: i64, settings: &Settings) -> (Engine, Transcript, Vec<Vec<Row>>) {
    let [before, after] = halves(seed, minute);
    let mut engine = opened(settings, 3);
    let mut made = Transcript::default();
    for step in feed(&before, settings, Mix::Turns(300), seed, false) {
        made.add(take(&mut engine, &step));
    }
    (engine, made, after)
}

fn events(partitions: &[Vec<Row>]) -> u64 {
    partitions.iter().map(|rows| rows.len() as u64).sum()
}

fn about<'a>(made: &'a Transcript, model: &str, metric: &str) -> Vec<&'a Finding> {
    made.findings.iter().filter(|f| f.model == model && f.metric == metric).collect()
}

#[test]
fn the_same_settings_change_nothing() {
    for seed in seeds(0..3) {
        for minute in [2, 7, 31, 46] {
            let (engine, _, after) = until(seed, minute, &settings());
            let same = engine.carry_over(settings());
            assert!(same.snapshot() == engine.snapshot(), "seed {seed}, minute {minute}");
            let rest = feed(&after, &settings(), Mix::Turns(300), seed, true);
            let expected = finish(engine, &rest);
            assert!(expected.findings.len() + expected.alerts.len() > 2);
            assert_same(&expected, &finish(same, &rest), &format!("seed {seed}, minute {minute}"));
        }
    }
}

#[test]
fn what_shapes_no_state_leaves_all_of_it() {
    type Change = fn(&mut Settings);
    let changes: [(&str, Change); 9] = [
        ("budget", |s| s.detect.budget_per_week = 50.0),
        ("fleet", |s| {
            (s.detect.fleet, s.detect.false_share_per_week) = (Fleet::Share, 20.0);
        }),
        ("zone", |s| s.metrics[0].zone_sigma = 0.15),
        ("slack", |s| s.detect.slack_z = 1.5),
        ("hold", |s| s.alert.hold_us = MINUTE_US),
        ("events_min", |s| s.alert.events_min = 500),
        ("resolve", |s| s.alert.resolve_us = 3 * MINUTE_US),
        ("silence", |s| s.detect.silence_us = 3 * MINUTE_US),
        ("limits", |s| s.limits.series_max = 60),
    ];
    for (name, change) in changes {
        let (engine, made, after) = until(1, 28, &settings());
        assert!(engine.alerts_active() > 0 && engine.watched_series() > 15, "{name}");
        let mut other = settings();
        change(&mut other);
        let next = engine.carry_over(other.clone());
        let state =
            |engine: &Engine| (engine.watched_series(), engine.alerts_active(), engine.closed_us());
        assert_eq!(state(&next), state(&engine), "{name}");
        assert_eq!(next.counters(), engine.counters(), "{name}");
        assert_ne!(next.config(), engine.config(), "{name}");
        let rest = finish(next, &feed(&after, &other, Mix::Turns(300), 1, true));
        assert_eq!(rest.counters.refused_series_events, 0, "{name}");
        // Findings and alerts that were on are over when what they are about is.
        let firing: Vec<&String> = made.alerts.iter().map(|alert| &alert.fingerprint).collect();
        let resolved = |a: &&driftline::model::Alert| a.status == Status::Resolved;
        assert!(
            rest.alerts.iter().filter(resolved).any(|a| firing.contains(&&a.fingerprint)),
            "{name}"
        );
        assert!(rest.findings.len() >= 3, "{name}: {}", rest.findings.len());
    }
}

#[test]
fn a_wide_zone_is_taken_at_once() {
    let (engine, _, after) = until(2, 20, &settings());
    let mut other = settings();
    other.metrics[0].zone_sigma = 6.0;
    let rest = |engine: Engine, settings: &Settings| {
        finish(engine, &feed(&after, settings, Mix::Turns(300), 1, true))
    };
    let narrow = rest(engine.fork(), &settings());
    let wide = rest(engine.carry_over(other.clone()), &other);
    let shifts = |made: &Transcript| {
        about(made, "alpha", "latency_ms").iter().filter(|f| f.kind == "shift").count()
    };
    assert!(shifts(&narrow) > 0 && shifts(&wide) == 0, "{} {}", shifts(&narrow), shifts(&wide));
}

#[test]
fn metrics_that_stay_are_watched_on_and_new_ones_are_learned_beside_them() {
    for seed in seeds(0..3) {
        let (old, new) = (
            with_metrics(&["latency_ms", "finish", "error"]),
            with_metrics(&["embedding", "error", "latency_ms"]),
        );
        let (engine, made, after) = until(seed, 15, &old);
        let next = engine.carry_over(new.clone());
        let watched = next.watched_series();
        assert!((6..engine.watched_series()).contains(&watched), "seed {seed}: {watched}");
        let run = |mix| {
            let mut engine = next.fork();
            let mut rest = Transcript::default();
            let mut closed_us = engine.closed_us();
            for step in feed(&after, &new, mix, seed, true) {
                rest.add(take(&mut engine, &step));
                assert!(engine.closed_us() >= closed_us, "a pane is closed once");
                closed_us = engine.closed_us();
            }
            rest.counters = engine.counters().clone();
            (rest, engine)
        };
        let (rest, mut engine) = run(Mix::Turns(300));
        // What is told of a metric that stays does not wait for a baseline.
        let alpha = about(&rest, "alpha", "latency_ms");
        let ends = |f: &Finding| from_rfc3339(&f.baseline.to).expect("a time");
        let kept = |f: &&Finding| ends(f) < START_US + 14 * MINUTE_US && f.kind == "shift";
        assert!(alpha.iter().any(kept), "seed {seed}: {alpha:?}");
        // What is new was learned, and its drift is found.
        assert!(!about(&rest, "gamma", "embedding").is_empty(), "seed {seed}");
        assert!(rest.findings.iter().all(|f| f.metric != "finish"), "seed {seed}");
        let baselines = engine.baselines(false);
        let of = |metric: &str| baselines.iter().filter(|b| b.metric == metric).count();
        assert_eq!(of("embedding"), of("error"), "seed {seed}");
        // Each event is counted once.
        let all = events(&after) + made.counters.events + engine_events(&next);
        assert_eq!(rest.counters.events + rest.counters.late, all, "seed {seed}");
        for mix in [Mix::Turns(7), Mix::Random, Mix::Backwards] {
            assert_same(&rest, &run(mix).0, &format!("seed {seed}, {mix:?}"));
        }
        // A snapshot on the way, while the new ones are learned.
        let mut engine = next.fork();
        let mut again = Transcript::default();
        for (number, step) in feed(&after, &new, Mix::Turns(300), seed, true).iter().enumerate() {
            again.add(take(&mut engine, step));
            if number % 5 == 0 {
                engine = Engine::restore(new.clone(), &engine.snapshot()).expect("whole");
            }
        }
        again.counters = engine.counters().clone();
        assert_same(&rest, &again, &format!("seed {seed}, restored on the way"));
    }
}

/// Events and late ones that an engine has counted.
fn engine_events(engine: &Engine) -> u64 {
    engine.counters().events + engine.counters().late
}

#[test]
fn a_finding_about_a_metric_that_is_gone_is_resolved() {
    let (engine, made, after) = until(0, 30, &settings());
    let beta = about(&made, "beta", "finish");
    assert!(!beta.is_empty(), "the drift of beta is on");
    let new = with_metrics(&["latency_ms", "error", "embedding"]);
    let changed_us = engine.closed_us().expect("panes are closed");
    let rest =
        finish(engine.carry_over(new.clone()), &feed(&after, &new, Mix::Turns(300), 0, true));
    let of_beta = |a: &&driftline::model::Alert| a.labels["model"] == "beta";
    let told = rest.alerts.iter().find(of_beta).expect("beta's alert");
    assert_eq!(told.status, Status::Resolved);
    assert_eq!(told.findings[0], beta[0].id);
    let ends = told.ends_at.as_deref().and_then(from_rfc3339).expect("an end");
    assert!(ends <= changed_us + 10 * SECOND_US, "{ends} {changed_us}");
}

#[test]
fn other_keys_are_learned_anew_and_their_alerts_resolved() {
    let (engine, _, after) = until(3, 30, &settings());
    let active = engine.alerts_active();
    assert!(active > 0);
    let mut new = settings();
    new.layout.keys.pop();
    new.key_names.pop();
    let next = engine.carry_over(new.clone());
    assert_eq!((next.watched_series(), next.closed_us()), (0, engine.closed_us()));
    let mut made = Transcript::default();
    let mut next = next;
    for step in feed(&after, &new, Mix::Turns(300), 3, true) {
        made.add(take(&mut next, &step));
    }
    let first: Vec<Status> = made.alerts.iter().take(active).map(|a| a.status).collect();
    assert_eq!(first, vec![Status::Resolved; active]);
    assert!(next.watched_series() > 8, "{}", next.watched_series());
    assert!(!made.findings.is_empty());
}

#[test]
fn another_length_of_panes_keeps_baselines() {
    let (engine, _, after) = until(4, 24, &settings());
    let mut new = settings();
    new.time.pane_us = 30 * SECOND_US;
    new.scalars.every_us = 30 * SECOND_US;
    let next = engine.carry_over(new.clone());
    let scalars = engine.watched_series() - next.watched_series();
    assert!(next.watched_series() > 15 && scalars < 30, "{scalars}");
    let panes = next.counters().panes;
    let rest = finish(next, &feed(&after, &new, Mix::Turns(300), 4, true));
    assert!((70..76).contains(&(rest.counters.panes - panes)), "{:?}", rest.counters);
    assert!(!about(&rest, "alpha", "latency_ms").is_empty());
}

#[test]
fn a_longer_lateness_opens_nothing_that_is_closed() {
    let (engine, _, after) = until(5, 24, &settings());
    let mut new = settings();
    new.time.lateness_us = 180 * SECOND_US;
    let mut next = engine.carry_over(new.clone());
    let closed_us = engine.closed_us().expect("panes are closed");
    // An event of a closed pane is late, though it is within the new lateness.
    let mut late = project(&after[0][..1], &new);
    late[0].time_us = closed_us - 1;
    let counted = engine_events(&next);
    take(&mut next, &Step::Rows(0, late));
    assert_eq!(
        (next.counters().late, engine_events(&next)),
        (engine.counters().late + 1, counted + 1)
    );
    let mut last = Some(closed_us);
    for step in feed(&after, &new, Mix::Random, 5, true) {
        take(&mut next, &step);
        assert!(next.closed_us() >= last);
        last = next.closed_us();
    }
    assert_eq!(next.counters().late, engine.counters().late + 1, "none of the others is late");
}

#[test]
fn what_is_charted_of_a_metric_may_change() {
    let (engine, _, after) = until(6, 46, &settings());
    let mut new = settings();
    (new.metrics[0].mean, new.metrics[0].p99) = (false, false);
    (new.metrics[1].distinct, new.metrics[2].ratio, new.scalars.volume) = (false, true, false);
    let next = engine.carry_over(new.clone());
    assert!(next.watched_series() < engine.watched_series());
    let back = next.carry_over(settings());
    for (engine, settings) in [(next, new), (back, settings())] {
        let before = engine_events(&engine);
        let rest = finish(engine, &feed(&after, &settings, Mix::Turns(300), 6, true));
        assert_eq!(rest.counters.events + rest.counters.late, before + events(&after));
    }
}

#[test]
fn a_baseline_that_a_file_lacks_is_learned() {
    let rows = Telemetry { drifts: false, ..Telemetry::new(7) }.rows();
    let half = rows.len() / 2;
    let whole = |rows: &[Row]| [Step::Rows(0, rows.to_vec()), Step::End(0)];
    let mut engine = opened(&settings(), 1);
    whole(&rows[..half]).iter().for_each(|step| drop(take(&mut engine, step)));
    let mut baselines = engine.baselines(false);
    let all = baselines.len();
    baselines.retain(|entry| entry.metric != "error");
    assert!(baselines.len() < all && all > 12, "{all}");
    let mut engine = Engine::new(settings());
    engine.load_baselines(baselines, "file");
    engine.step(Input::Opened { partition: 0, begin_us: None });
    whole(&rows[half..]).iter().for_each(|step| drop(take(&mut engine, step)));
    let made = engine.baselines(false);
    let learned =
        made.iter().filter(|b| b.metric == "error" && b.baseline.provenance.source == "learned");
    assert_eq!((learned.count(), made.len()), (all / 4, all));
    // What was loaded stays what it was.
    let kept = made.iter().filter(|b| b.metric != "error");
    assert!(kept.into_iter().all(|b| b.baseline.provenance.source == "file"));
    assert!(matches!(rows[0].metrics[2], Value::Flag(_) | Value::Null));
}
