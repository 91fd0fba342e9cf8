//! One model over hours of event time whose drift is known minute by minute: for tests of what is found,
//! when, and for how long.

use driftline::model::settings::MINUTE_US;
use driftline::model::{FieldPath, Finding, Kind, MetricField, Row, Settings, TimeFormat, Value};
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

use crate::telemetry::{START_US, generator, metric};

/// Events in a pane of ten seconds.
pub const EVENTS_A_PANE: i64 = 30;

const METRICS: [(&str, Kind); 3] =
    [("latency_ms", Kind::Number), ("tokens", Kind::Number), ("error", Kind::Flag)];

/// A stretch of time in which nothing changes.
#[derive(Debug, Clone, Copy)]
pub struct Stretch {
    /// Its length.
    pub minutes: i64,
    /// Shift of both numbers, in standard deviations.
    pub sigma: f64,
    /// Odds ratio of the flag.
    pub odds: f64,
    /// Version of the model.
    pub version: &'static str,
}

/// A stretch like the baseline.
pub fn calm(minutes: i64) -> Stretch {
    Stretch { minutes, sigma: 0.0, odds: 1.0, version: "1" }
}

/// A stretch with both numbers shifted.
pub fn shifted(minutes: i64, sigma: f64) -> Stretch {
    Stretch { sigma, ..calm(minutes) }
}

/// Default settings with the metrics of a course, and no scalars.
pub fn settings() -> Settings {
    let mut settings = Settings { pipeline: "test".into(), ..Settings::default() };
    settings.layout.time.format = TimeFormat::EpochUs;
    settings.layout.keys = ["model", "version"].map(|k| FieldPath(k.to_string())).to_vec();
    settings.key_names = ["model", "version"].map(String::from).to_vec();
    settings.has_version = true;
    for (name, kind) in METRICS {
        let path = FieldPath(name.into());
        settings.layout.metrics.push(MetricField { name: name.into(), path, kind });
        let mut plain = metric(name, kind);
        (plain.mean, plain.p99, plain.ratio) = (false, false, false);
        settings.metrics.push(plain);
    }
    settings.scalars.volume = false;
    settings.detect.silence_us = 0;
    settings
}

/// Findings in a few words, for messages.
pub fn told(findings: &[Finding]) -> Vec<String> {
    let tell = |f: &Finding| format!("{} at {} [{}]", f.summary, f.detected_at, f.evidence.temper);
    findings.iter().map(tell).collect()
}

/// The events of some stretches, one after the other, evenly in time.
pub fn rows(seed: u64, course: &[Stretch]) -> Vec<Row> {
    let mut random = generator(seed ^ 0xa1);
    let mut rows = Vec::new();
    let mut from_us = START_US;
    for stretch in course {
        let events = stretch.minutes * 6 * EVENTS_A_PANE;
        let step_us = stretch.minutes * MINUTE_US / events;
        let odds = 0.05 / 0.95 * stretch.odds;
        for number in 0..events {
            let mut value = |scale: f64| {
                let z: f64 = StandardNormal.sample(&mut random);
                Value::Number(scale * (0.5 * (z + stretch.sigma)).exp())
            };
            let metrics = [value(300.0), value(80.0)];
            let error = Value::Flag(random.random::<f64>() < odds / (1.0 + odds));
            let keys = ["alpha", stretch.version].map(|k| Value::Label(k.into())).to_vec();
            rows.push(Row {
                time_us: from_us + number * step_us,
                offset: rows.len() as u64,
                keys,
                id: None,
                metrics: metrics.into_iter().chain([error]).collect(),
            });
        }
        from_us += stretch.minutes * MINUTE_US;
    }
    rows
}
