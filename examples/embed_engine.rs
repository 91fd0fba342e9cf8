//! The engine in a program of your own: settings and events go in, findings come out. No file, no thread, no
//! clock, and no configuration file.
//!
//!     cargo run --release --example embed_engine

#![allow(clippy::print_stdout)]

use driftline::engine::{Engine, Input};
use driftline::model::settings::{MetricSettings, SECOND_US};
use driftline::model::{Batch, Finding, Kind, Row, Settings, Value};

/// 2026-01-05T00:00:00Z, microseconds since 1970.
const BEGIN_US: i64 = 1_767_571_200 * SECOND_US;
/// Four hours with an event a second ...
const EVENTS: u64 = 4 * 3600;
/// ... of which the last is slower.
const SLOWER_FROM: u64 = 3 * 3600;

/// Latencies of one model: exponential with a mean of 100 ms, later of 130 ms.
fn event(number: u64) -> Row {
    let uniform = (number as f64 * 0.618_033_988_749_894_9).fract();
    let mean_ms = if number < SLOWER_FROM { 100.0 } else { 130.0 };
    Row {
        time_us: BEGIN_US + number as i64 * SECOND_US,
        offset: number,
        keys: vec![Value::Label("router".into())],
        id: None,
        metrics: vec![Value::Number(-mean_ms * (1.0 - uniform).ln())],
    }
}

/// What the engine finds.
pub fn findings() -> Vec<Finding> {
    let settings = Settings {
        metrics: vec![MetricSettings {
            unit: "ms".into(),
            ..MetricSettings::plain("latency_ms", Kind::Number)
        }],
        ..Settings::default()
    };
    let mut engine = Engine::new(settings);
    let mut findings = Vec::new();

    // Each source of events in order (a file, a partition of a topic) is a partition. All that will have
    // events are opened first: a pane closes when every open partition has passed it.
    engine.step(Input::Opened { partition: 0, begin_us: None });

    // How events are cut into batches changes no finding.
    let events: Vec<Row> = (0..EVENTS).map(event).collect();
    for rows in events.chunks(1000) {
        let batch = Batch::from_rows(0, rows, &[Kind::Number]);
        findings.extend(engine.step(Input::Batch(&batch)).findings);
    }

    // At the end of its last partition the engine closes what is still open.
    findings.extend(engine.step(Input::Closed { partition: 0 }).findings);
    findings
}

/// Prints a line for each finding.
pub fn main() {
    for finding in findings() {
        println!("{}", finding.summary);
    }
}
