//! Seeded telemetry for properties: rows of several models, versions and segments, with all four kinds of
//! metrics, nulls, invalid values, and drifts that come and go.
//!
//! Not a model of real traffic (`driftline generate` is that): small, dense and full of edges. The same
//! seed gives the same rows.

use driftline::model::settings::{MINUTE_US, MetricSettings, SECOND_US};
use driftline::model::{FieldPath, Kind, MetricField, Row, Settings, TimeFormat, Value};
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Start of all telemetry of tests: 2026-01-05T00:00:00Z, a Monday.
pub const START_US: i64 = 1_767_571_200 * SECOND_US;

/// Names and kinds of the metrics.
pub const METRICS: [(&str, Kind); 4] = [
    ("latency_ms", Kind::Number),
    ("finish", Kind::Category),
    ("error", Kind::Flag),
    ("embedding", Kind::Vector),
];

/// What is generated.
#[derive(Debug, Clone)]
pub struct Telemetry {
    /// Seed of the random stream.
    pub seed: u64,
    /// Length in minutes.
    pub minutes: i64,
    /// Events of each model in ten seconds.
    pub events_a_pane: i64,
    /// Whether there are drifts, outages and a new version.
    pub drifts: bool,
}

impl Telemetry {
    /// An hour of four models, with drifts.
    pub fn new(seed: u64) -> Self {
        Self { seed, minutes: 60, events_a_pane: 12, drifts: true }
    }

    /// All events, in the order of time.
    pub fn rows(&self) -> Vec<Row> {
        let mut random = generator(self.seed);
        let mut rows = Vec::new();
        let panes = self.minutes * 6;
        for pane in 0..panes {
            for model in 0..4 {
                let part = pane as f64 / panes as f64;
                let inside = |from: f64, to: f64| self.drifts && (from..to).contains(&part);
                let volume = match model {
                    3 if inside(0.90, 1.0) => 0,
                    3 => self.events_a_pane / 4,
                    _ => self.events_a_pane,
                };
                for _ in 0..volume {
                    let at = START_US + pane * 10 * SECOND_US;
                    rows.push(event(
                        at + random.random_range(0..10 * SECOND_US),
                        model,
                        &inside,
                        &mut random,
                    ));
                }
            }
        }
        rows.sort_by_key(|row| row.time_us);
        for (offset, row) in (0..).zip(&mut rows) {
            row.offset = offset;
        }
        rows
    }
}

fn event(
    time_us: i64,
    model: usize,
    inside: &dyn Fn(f64, f64) -> bool,
    random: &mut Xoshiro256PlusPlus,
) -> Row {
    let mut normal = || -> f64 { StandardNormal.sample(random) };
    let slow = if model == 0 && inside(0.45, 0.65) { 0.6 } else { 0.0 };
    let latency = 200.0 * (0.4 * (normal() + slow)).exp();
    let centre = if model == 2 && inside(0.5, 1.0) { 1.5 } else { 0.0 };
    let embedding: Vec<f32> = (0..3).map(|_| (centre + 0.5 * normal()) as f32).collect();
    let mut chance = |p: f64| random.random::<f64>() < p;
    let latency = match () {
        () if chance(0.01) => Value::Null,
        () if chance(0.005) => Value::Invalid,
        () => Value::Number((latency * 16.0).round() / 16.0),
    };
    let cut = if model == 1 && inside(0.4, 0.6) { 0.5 } else { 0.2 };
    let finish = match () {
        () if model == 1 && inside(0.8, 1.0) && chance(0.3) => Value::Null,
        () if chance(0.01) => Value::Invalid,
        () if chance(cut) => Value::Label("length".into()),
        () if chance(0.1) => Value::Label("tool".into()),
        () => Value::Label("stop".into()),
    };
    let failing = if model == 2 && inside(0.3, 0.5) { 0.3 } else { 0.05 };
    let error = if chance(0.01) { Value::Null } else { Value::Flag(chance(failing)) };
    let version = match model {
        0 if inside(0.7, 1.0) && chance(0.5) => Value::Label("2".into()),
        0 => Value::Label("1".into()),
        // Missing, empty and unreadable versions are one and the same.
        1 if chance(0.3) => Value::Label(String::new()),
        1 => Value::Null,
        _ => Value::Label("7".into()),
    };
    let region = if model == 2 && chance(0.5) { "eu" } else { "us" };
    Row {
        time_us,
        offset: 0,
        keys: vec![
            Value::Label(["alpha", "beta", "gamma", "delta"][model].into()),
            version,
            Value::Label(region.into()),
        ],
        id: None,
        metrics: vec![
            latency,
            finish,
            error,
            if chance(0.01) { Value::Null } else { Value::Vector(embedding) },
        ],
    }
}

/// A seeded source of randomness.
pub fn generator(seed: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed)
}

/// Seeds of a test: those given, or the one of `DRIFTLINE_SEED`.
///
/// # Panics
/// Where `DRIFTLINE_SEED` is no number.
pub fn seeds(default: std::ops::Range<u64>) -> Vec<u64> {
    match std::env::var("DRIFTLINE_SEED") {
        Ok(seed) => vec![seed.parse().expect("DRIFTLINE_SEED is a number")],
        Err(_) => default.collect(),
    }
}

/// Settings that fit [`Telemetry`]: baselines after five minutes, scalars after about forty.
pub fn settings() -> Settings {
    let mut settings = Settings { pipeline: "test".into(), ..Settings::default() };
    settings.layout.time.format = TimeFormat::EpochUs;
    settings.layout.keys =
        ["model", "version", "region"].map(|k| FieldPath(k.to_string())).to_vec();
    settings.key_names = ["model", "version", "region"].map(String::from).to_vec();
    settings.has_version = true;
    for (name, kind) in METRICS {
        let path = FieldPath(name.into());
        settings.layout.metrics.push(MetricField { name: name.into(), path, kind });
        settings.metrics.push(metric(name, kind));
    }
    settings.baseline.learn_events = 300;
    settings.baseline.learn_us = 5 * MINUTE_US;
    settings.scalars.every_us = 10 * SECOND_US;
    settings.scalars.learn_us = 24 * MINUTE_US;
    settings.detect.budget_per_week = 20.0;
    settings.alert.resolve_us = 2 * MINUTE_US;
    settings.limits.rejects_written_max = 1000;
    settings
}

/// A metric with every scalar that its kind allows.
pub fn metric(name: &str, kind: Kind) -> MetricSettings {
    MetricSettings {
        mean: kind == Kind::Number,
        p99: kind == Kind::Number,
        distinct: kind == Kind::Category,
        ratio: kind == Kind::Flag,
        ..MetricSettings::plain(name, kind)
    }
}

/// Deals rows out to partitions at random. Each partition has its rows in the order of arrival: up to
/// `delay_us` behind the order of time.
pub fn deal(
    rows: &[Row],
    partitions: u32,
    delay_us: i64,
    random: &mut Xoshiro256PlusPlus,
) -> Vec<Vec<Row>> {
    let mut dealt: Vec<Vec<(i64, Row)>> = vec![Vec::new(); partitions.max(1) as usize];
    for row in rows {
        let arrival = row.time_us + random.random_range(0..=delay_us.max(0));
        dealt[random.random_range(0..partitions.max(1)) as usize].push((arrival, row.clone()));
    }
    let in_order = |mut rows: Vec<(i64, Row)>| {
        rows.sort_by_key(|(arrival, _)| *arrival);
        (0..).zip(rows).map(|(offset, (_, row))| Row { offset, ..row }).collect()
    };
    dealt.into_iter().map(in_order).collect()
}
