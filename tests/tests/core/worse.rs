//! A finding that is on: what gets worse is told with today's numbers, half of the way back too, and only
//! what is back as clearly as it had left is resolved.

#![allow(clippy::print_stdout)] // delays are the point of the run

use driftline::engine::Engine;
use driftline::model::settings::MINUTE_US;
use driftline::model::time::from_rfc3339;
use driftline::model::{
    Alert, FieldPath, Finding, Kind, MetricField, Row, Settings, Status, Value,
};
use driftline_tests::telemetry::{START_US, generator, metric, seeds};
use driftline_tests::transcript::{
    Mix, Transcript, assert_same, finish, opened, run, run_rows, steps, take,
};
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

/// Learned within an hour, then these.
const LEARNED: i64 = 90;

/// What a model is like in some minutes.
#[derive(Debug, Clone, Copy)]
struct State {
    minutes: i64,
    /// Share of errors, of missing latencies, and of one of four reasons.
    errors: f64,
    missing: f64,
    reason: f64,
    /// Factor of the latency.
    slower: f64,
}

const USUAL: State =
    State { minutes: LEARNED, errors: 0.01, missing: 0.0, reason: 0.03, slower: 1.0 };

fn settings() -> Settings {
    let mut settings = driftline_tests::course::settings();
    settings.layout.metrics.clear();
    settings.metrics.clear();
    for (name, kind) in
        [("latency_ms", Kind::Number), ("error", Kind::Flag), ("reason", Kind::Category)]
    {
        let path = FieldPath(name.into());
        settings.layout.metrics.push(MetricField { name: name.into(), path, kind });
        let mut plain = metric(name, kind);
        (plain.mean, plain.p99, plain.ratio, plain.distinct) = (false, false, false, false);
        settings.metrics.push(plain);
    }
    settings
}

/// Three events a second.
fn rows(seed: u64, course: &[State]) -> Vec<Row> {
    let mut random = generator(seed ^ 0x3e);
    let mut rows = Vec::new();
    let mut from_us = START_US;
    for state in course {
        for number in 0..state.minutes * 180 {
            let z: f64 = StandardNormal.sample(&mut random);
            let mut chance = |p: f64| random.random::<f64>() < p;
            let latency = match chance(state.missing) {
                true => Value::Null,
                false => Value::Number(300.0 * state.slower * (0.5 * z).exp()),
            };
            let error = Value::Flag(chance(state.errors));
            let reason = match () {
                () if chance(state.reason) => "tool",
                () if chance(0.7) => "stop",
                () if chance(0.9) => "length",
                () => "filter",
            };
            rows.push(Row {
                time_us: from_us + number * MINUTE_US / 180,
                offset: rows.len() as u64,
                keys: ["alpha", "1"].map(|k| Value::Label(k.into())).to_vec(),
                id: None,
                metrics: vec![latency, error, Value::Label(reason.into())],
            });
        }
        from_us += state.minutes * MINUTE_US;
    }
    rows
}

fn seconds(time: &str, from_minutes: i64) -> f64 {
    let at = from_rfc3339(time).expect("a time");
    (at - START_US - from_minutes * MINUTE_US) as f64 / 1e6
}

fn told(transcript: &Transcript) -> String {
    let of = |f: &Finding| format!("{} [{}] at {}", f.summary, f.severity, f.detected_at);
    let alert = |a: &Alert| format!("{:?} {} at {}", a.status, a.annotations["severity"], a.at);
    let lines: Vec<String> =
        transcript.findings.iter().map(of).chain(transcript.alerts.iter().map(alert)).collect();
    lines.join("\n")
}

fn resolved(transcript: &Transcript) -> usize {
    transcript.alerts.iter().filter(|alert| alert.status == Status::Resolved).count()
}

/// The update of a finding that changed at a minute, and the last line of its alert until then.
fn update_at(transcript: &Transcript, minute: i64) -> Option<(&Finding, &Alert)> {
    let is_it = |f: &&Finding| f.updates.is_some() && seconds(&f.detected_at, minute) > 0.0;
    let update = transcript.findings.iter().find(is_it)?;
    let alert = transcript.alerts.iter().find(|alert| alert.findings.contains(&update.id))?;
    Some((update, alert))
}

#[test]
fn what_gets_worse_is_told_with_its_own_onset_and_severity() {
    let pairs = [
        (
            "errors 1 -> 3 -> 100 %",
            State { errors: 0.03, ..USUAL },
            State { errors: 1.0, ..USUAL },
            60.0,
        ),
        (
            "latency x1.5 -> x10",
            State { slower: 1.5, ..USUAL },
            State { slower: 10.0, ..USUAL },
            60.0,
        ),
        (
            "missing 5 -> 100 %",
            State { missing: 0.05, ..USUAL },
            State { missing: 1.0, ..USUAL },
            60.0,
        ),
        (
            "a reason 3 -> 8 -> 40 %",
            State { reason: 0.08, ..USUAL },
            State { reason: 0.4, ..USUAL },
            180.0,
        ),
        (
            "slower, then missing",
            State { slower: 1.5, ..USUAL },
            State { slower: 1.5, missing: 0.5, ..USUAL },
            120.0,
        ),
    ];
    let mut faults = Vec::new();
    for (name, first, second, most) in pairs {
        for seed in seeds(0..3) {
            let course = [USUAL, State { minutes: 240, ..first }, State { minutes: 60, ..second }];
            let transcript = run_rows(&settings(), &rows(seed, &course));
            let begun = LEARNED + 240;
            let Some((update, alert)) = update_at(&transcript, begun) else {
                faults.push(format!("{name}, seed {seed}: not told\n{}", told(&transcript)));
                continue;
            };
            let after = seconds(&update.detected_at, begun);
            println!("{name}, seed {seed}: {} after {after} s", update.summary);
            let onset = seconds(&update.onset, begun);
            let severity = &alert.annotations["severity"];
            let says = &alert.annotations["summary"];
            let first = transcript.findings.iter().find(|f| Some(&f.id) == update.updates.as_ref());
            let is_right = after <= most
                && (-60.0..=60.0).contains(&onset)
                && update.severity == "critical"
                && severity == "critical"
                && alert.status == Status::Firing
                && *says == update.summary
                && first.is_some_and(|first| first.metric == update.metric)
                && resolved(&transcript) == 0;
            if !is_right {
                faults.push(format!("{name}, seed {seed}: {after} s\n{}", told(&transcript)));
            }
            let others = transcript.findings.iter().filter(|f| f.updates.is_none()).count();
            if others != 1 || transcript.findings.len() > 3 {
                faults.push(format!("{name}, seed {seed}: more\n{}", told(&transcript)));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn half_of_the_way_back_is_told_and_not_resolved() {
    let pairs = [
        (State { slower: 1.65, ..USUAL }, State { slower: 1.28, ..USUAL }),
        (State { errors: 0.3, ..USUAL }, State { errors: 0.1, ..USUAL }),
    ];
    let mut faults = Vec::new();
    for (first, second) in pairs {
        for seed in seeds(0..3) {
            let course = [USUAL, State { minutes: 120, ..first }, State { minutes: 240, ..second }];
            let transcript = run_rows(&settings(), &rows(seed, &course));
            let after = update_at(&transcript, LEARNED + 120)
                .map(|(update, _)| seconds(&update.detected_at, LEARNED + 120));
            println!("half way back, seed {seed}: after {after:?} s");
            if after.is_none_or(|after| after > 300.0) || resolved(&transcript) > 0 {
                faults.push(format!("seed {seed}: {after:?}\n{}", told(&transcript)));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn what_comes_and_goes_is_one_episode_or_two() {
    let mut faults = Vec::new();
    for seed in seeds(0..4) {
        let on = match seed % 2 {
            0 => State { minutes: 10, slower: 1.5, ..USUAL },
            _ => State { minutes: 10, errors: 0.2, ..USUAL },
        };
        let off = State { minutes: 10, ..USUAL };
        let mut course = vec![USUAL];
        (0..9).for_each(|_| course.extend([on, off]));
        course.push(State { minutes: 120, ..USUAL });
        let transcript = run_rows(&settings(), &rows(seed, &course));
        let episodes = resolved(&transcript);
        println!(
            "on and off, seed {seed}: {episodes} episodes, {} told",
            transcript.findings.len()
        );
        let last = transcript.alerts.last().map(|alert| alert.status);
        if !(1..=2).contains(&episodes) || last != Some(Status::Resolved) {
            faults.push(format!("seed {seed}\n{}", told(&transcript)));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn what_lasts_is_never_resolved_nor_told_again() {
    let lasting = [
        State { slower: 1.15, ..USUAL },
        State { slower: 1.5, ..USUAL },
        State { errors: 0.02, ..USUAL },
        State { reason: 0.08, ..USUAL },
    ];
    let mut faults = Vec::new();
    for (seed, state) in seeds(0..4).into_iter().zip(lasting) {
        let course = [USUAL, State { minutes: 2 * 1440, ..state }];
        let transcript = run_rows(&settings(), &rows(seed, &course));
        println!("lasting, {state:?}: {} told", transcript.findings.len());
        if transcript.findings.len() != 1 || resolved(&transcript) > 0 {
            faults.push(format!("{state:?}\n{}", told(&transcript)));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The same bytes in other batches, and restored on the way: within a finding, its update and its return.
#[test]
fn an_update_is_the_same_after_a_restart() {
    let course = [
        USUAL,
        State { minutes: 40, slower: 1.5, errors: 0.05, ..USUAL },
        State { minutes: 20, slower: 10.0, errors: 0.05, ..USUAL },
        State { minutes: 60, ..USUAL },
    ];
    let settings = settings();
    let mut random = generator(7);
    let partitions = [rows(1, &course)];
    let mix = steps(&partitions, Mix::Turns(400), &mut random);
    let expected = run(&settings, 1, &mix);
    assert!(expected.findings.iter().any(|f| f.updates.is_some()), "{}", told(&expected));
    assert_eq!(resolved(&expected), 1, "{}", told(&expected));
    let other = run(&settings, 1, &steps(&partitions, Mix::Turns(37), &mut random));
    assert_same(&expected, &other, "other batches");
    for _ in 0..8 {
        let cut = random.random_range(mix.len() / 3..mix.len());
        let (mut engine, mut made) = (opened(&settings, 1), Transcript::default());
        mix[..cut].iter().for_each(|step| made.add(take(&mut engine, step)));
        let bytes = engine.snapshot();
        let engine = Engine::restore(settings.clone(), &bytes).expect("a snapshot");
        assert!(engine.snapshot() == bytes, "restored at {cut}: other bytes");
        let rest = finish(engine, &mix[cut..]);
        made.findings.extend(rest.findings);
        made.alerts.extend(rest.alerts);
        made.counters = rest.counters;
        assert_same(&expected, &made, &format!("restored at step {cut}"));
    }
}
