//! Properties of whole sets: the same bytes by seed, the labelled changes and nothing else.

use super::event::{CONFIDENCE, FINISH, LATENCY, NULL_NUMBER, OUTPUT, TOOL};
use super::plan::{HOUR_MS, START_MS};
use super::write::text::Speller;
use super::{Drift, Event, Generator, Plan};

/// A set of four models over two hours.
fn small() -> Plan {
    Plan { events: 40_000, models: 4, span_ms: 2 * HOUR_MS, ..Plan::default() }
}

fn with(specification: &str, mut plan: Plan) -> Plan {
    plan.drifts.push(Drift::parse(specification, &plan).expect("a drift"));
    plan
}

fn events(plan: &Plan) -> Vec<Event> {
    let mut generator = Generator::new(plan).expect("a plan");
    let mut event = Event::default();
    let mut all = Vec::new();
    while generator.next_into(&mut event) {
        all.push(event.clone());
    }
    all
}

/// Events of the most frequent model before and after the first hour.
fn halves(plan: &Plan) -> (Vec<Event>, Vec<Event>) {
    let of_model = events(plan).into_iter().filter(|event| event.model == 0);
    of_model.partition(|event| event.time_ms < START_MS + HOUR_MS)
}

fn mean(events: &[Event], value: impl Fn(&Event) -> f64) -> f64 {
    events.iter().map(value).sum::<f64>() / events.len() as f64
}

fn number(place: usize) -> impl Fn(&Event) -> f64 {
    move |event| f64::from(event.numbers[place])
}

fn quantile(events: &[Event], place: usize, share: f64) -> f64 {
    let mut values: Vec<u32> = events.iter().map(|event| event.numbers[place]).collect();
    values.sort_unstable();
    f64::from(values[(values.len() as f64 * share) as usize])
}

#[track_caller]
fn close(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{found} is not {expected} +- {tolerance}");
}

#[test]
fn the_seed_decides_every_event() {
    let plan = Plan { overdispersion: 0.2, vectors: 3, ..small() };
    assert_eq!(events(&plan), events(&plan));
    assert_ne!(events(&plan)[..100], events(&Plan { seed: 2, ..plan })[..100]);
}

#[test]
fn a_drift_leaves_everything_else_as_it_was() {
    let quiet = events(&small());
    let drifted = events(&with("scale:2:1h", small()));
    assert_eq!(quiet.len(), drifted.len());
    let onset = START_MS + HOUR_MS;
    let mut changed = 0;
    for (before, after) in quiet.iter().zip(&drifted) {
        if after.model == 1 && after.time_ms >= onset {
            assert_eq!(before.id, after.id);
            changed += usize::from(before != after);
        } else {
            assert_eq!(before, after);
        }
    }
    assert!(changed > 4_000, "{changed}");
}

#[test]
fn the_default_set_is_as_described() {
    let mut plan = Plan { events: 200_000, ..Plan::default() };
    plan.drifts = plan.default_drifts();
    let all = events(&plan);
    assert_eq!(all.len(), 200_000);
    let mut counts = vec![0_u32; plan.models];
    let mut latest = i64::MIN;
    let mut disorder = 0;
    for event in &all {
        counts[event.model] += 1;
        latest = latest.max(event.time_ms);
        disorder = disorder.max(latest - event.time_ms);
        assert!((plan.start_ms..plan.end_ms()).contains(&event.time_ms));
    }
    assert!((100..=5_000).contains(&disorder), "{disorder}");
    // Zipf over 100 models: shares 0.1928 and 0.001928; standard deviations 177 and 20.
    close(f64::from(counts[0]), 38_556.0, 900.0);
    close(f64::from(counts[99]), 386.0, 100.0);
    let mut speller = Speller::new(Generator::new(&plan).expect("a plan").vocabulary(), false);
    let mut bytes = Vec::new();
    all.iter().for_each(|event| speller.json(event, &mut bytes));
    close(bytes.len() as f64 / all.len() as f64, 345.0, 8.0);
    let models: Vec<usize> = plan.drifts.iter().map(|drift| drift.model).collect();
    assert_eq!(models.len(), 5);
    assert!(plan.drifts.iter().all(|drift| drift.start_ms > HOUR_MS));
    assert!((1..5).all(|at| !models[..at].contains(&models[at])), "{models:?}");
}

#[test]
fn scale_multiplies() {
    let (before, after) = halves(&with("scale:1:1h:size=2", small()));
    let ratio = quantile(&after, LATENCY, 0.5) / quantile(&before, LATENCY, 0.5);
    close(ratio, 2.0, 0.1);
    close(mean(&after, number(OUTPUT)) / mean(&before, number(OUTPUT)), 1.0, 0.05);
}

#[test]
fn ramp_grows_and_stays() {
    let plan = with("ramp:1:1h:size=3,over=30m", small());
    let (before, after) = halves(&plan);
    let full = START_MS + HOUR_MS + 1_800_000;
    let (during, later): (Vec<_>, Vec<_>) =
        after.into_iter().partition(|event| event.time_ms < full);
    let base = mean(&before, number(OUTPUT));
    close(mean(&during, number(OUTPUT)) / base, 2.0, 0.15);
    close(mean(&later, number(OUTPUT)) / base, 3.0, 0.2);
    assert!(mean(&later, number(LATENCY)) > 2.0 * mean(&before, number(LATENCY)));
}

#[test]
fn spread_keeps_the_mean_and_tail_keeps_the_median() {
    let (before, after) = halves(&with("spread:1:1h:metric=output_tokens,size=0.8", small()));
    close(mean(&after, number(OUTPUT)) / mean(&before, number(OUTPUT)), 1.0, 0.06);
    assert!(quantile(&after, OUTPUT, 0.95) > 1.2 * quantile(&before, OUTPUT, 0.95));
    let (before, after) = halves(&with("tail:1:1h", small()));
    close(quantile(&after, LATENCY, 0.5) / quantile(&before, LATENCY, 0.5), 1.0, 0.08);
    assert!(quantile(&after, LATENCY, 0.99) > 1.3 * quantile(&before, LATENCY, 0.99));
}

#[test]
fn categories_move_appear_and_vanish() {
    let share = |events: &[Event], column: usize, code: u8| {
        mean(events, |event| f64::from(u8::from(event.categories[column] == code)))
    };
    let (before, after) = halves(&with("mix:1:1h", small()));
    close(share(&after, FINISH, 3) - share(&before, FINISH, 3), 0.06, 0.01);
    let (before, after) = halves(&with("unseen:1:1h:value=shell", small()));
    close(share(&before, TOOL, 8), 0.0, 0.0);
    close(share(&after, TOOL, 8), 0.05, 0.01);
    let (before, after) = halves(&with("nulls:1:1h", small()));
    let nulls =
        |events: &[Event]| events.iter().filter(|e| e.numbers[CONFIDENCE] == NULL_NUMBER).count();
    assert_eq!(nulls(&before), 0);
    close(nulls(&after) as f64 / after.len() as f64, 0.1, 0.015);
}

#[test]
fn errors_multiply_and_confidence_shifts() {
    let rate = |events: &[Event]| mean(events, |event| f64::from(event.error));
    let (before, after) = halves(&with("errors:1:1h:size=5", small()));
    close(rate(&before), 0.010, 0.004);
    close(rate(&after) / rate(&before), 5.0, 1.5);
    let (before, after) = halves(&with("shift:1:1h", small()));
    let centre = mean(&before, number(CONFIDENCE));
    let variance = mean(&before, |event| (f64::from(event.numbers[CONFIDENCE]) - centre).powi(2));
    let moved = (mean(&after, number(CONFIDENCE)) - centre) / variance.sqrt();
    close(moved, -0.5, 0.05);
}

#[test]
fn traffic_halves_or_stops_and_comes_back() {
    let (quiet_before, quiet) = halves(&small());
    let (before, after) = halves(&with("volume:1:1h", small()));
    assert_eq!(quiet_before.len(), before.len());
    close(after.len() as f64 / quiet.len() as f64, 0.5, 0.02);
    let (_, after) = halves(&with("silence:1:1h:end=90m", small()));
    let back = START_MS + HOUR_MS + 1_800_000;
    assert!(after.iter().all(|event| event.time_ms >= back));
    assert!(after.len() > 4_000, "{}", after.len());
}

#[test]
fn versions_and_embeddings_change() {
    let plan = with("version:1:1h", with("embedding:1:1h", Plan { vectors: 4, ..small() }));
    let (before, after) = halves(&plan);
    assert!(before.iter().all(|event| event.version == 0));
    assert!(after.iter().all(|event| event.version == 1));
    let centre =
        |events: &[Event]| mean(events, |event| f64::from(event.vector.iter().sum::<f32>()));
    // A move of 3 in one direction over four axes alike moves their sum by 3 / sqrt(4) * 4.
    close(centre(&after) - centre(&before), 6.0, 0.2);
}

#[test]
fn overdispersion_moves_whole_spans() {
    // Variance of the means of 10 s spans over the variance that independent draws would give.
    let ratio = |overdispersion: f64| {
        let plan = Plan { overdispersion, models: 1, ..small() };
        let mut spans = vec![Vec::new(); 720];
        for event in events(&plan) {
            let span = ((event.time_ms - START_MS) / 10_000) as usize;
            spans[span].push(f64::from(event.numbers[CONFIDENCE]));
        }
        let all: Vec<f64> = spans.concat();
        let centre = all.iter().sum::<f64>() / all.len() as f64;
        let variance = all.iter().map(|x| (x - centre).powi(2)).sum::<f64>() / all.len() as f64;
        let standardised = spans.iter().map(|span| {
            let mean = span.iter().sum::<f64>() / span.len() as f64;
            (mean - centre).powi(2) / variance * span.len() as f64
        });
        standardised.sum::<f64>() / 720.0
    };
    close(ratio(0.0), 1.0, 0.2);
    // 55 events a span: 1 + 55 * 0.3^2.
    close(ratio(0.3), 6.0, 1.5);
}

#[test]
fn wrong_drifts_say_what_to_write() {
    let plan = small();
    for (given, part) in [
        ("sclae:1:1h", "there are scale, ramp"),
        ("scale:9:1h", "rank from 1 to 4"),
        ("scale:1:soon", "write for example"),
        ("scale:1:1h:size=big", "no number"),
        ("scale:1:1h:metric=tool", "but: latency_ms, ttft_ms"),
        ("mix:1:1h:share=2", "0 to 1"),
        ("unseen:1:1h:value=a\"b", "at most 64"),
        ("volume:1:1h:size=2", "must be 0 to 1"),
        ("scale:1:1h:end=30m", "later end"),
        ("scale:1", "no start"),
    ] {
        let problem = Drift::parse(given, &plan).expect_err(given).to_string();
        assert!(problem.contains(part), "{given}: {problem}");
    }
    let late = Plan { drifts: vec![Drift::new(super::DriftKind::Scale, 0, 3 * HOUR_MS)], ..plan };
    assert!(late.check().is_err());
}
