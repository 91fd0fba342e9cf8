//! Series of numbers through the product: the engine's drift statistic of a scalar, and the anomaly
//! rule.

use std::sync::Arc;

use arrow::array::{Float64Array, StringArray, UInt32Array};
use driftline::engine::{Engine, Input};
use driftline::model::layout::{FieldPath, Kind, MetricField};
use driftline::model::settings::MetricSettings;
use driftline::model::time::from_rfc3339;
use driftline::model::{Batch, Column, Finding, Labels, Settings};
use driftline_detectors::anomaly::{AlarmThreshold, AnomalyScorer};

/// The engine charts a model that has had so many events; the first value is given so often.
const CHARTED_EVENTS: usize = 100;
const BATCH: usize = 8192;
/// No value is taken for one from the future: series have gaps.
const GAP_MAX_US: i64 = 3_650 * 86_400_000_000;

/// A series in the order of time.
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) times_us: Vec<i64>,
    pub(crate) values: Vec<f64>,
}

/// A change that the drift statistic found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    pub(crate) name: String,
    pub(crate) at_us: i64,
    /// In standard deviations; negative is down.
    pub(crate) effect: f64,
}

/// Findings on the mean of each span of `every_us`, with the defaults but for what is asked for.
/// All series run together and share the budget.
pub(crate) fn findings(series: &[Series], every_us: i64, learn_us: Option<i64>) -> Vec<Found> {
    let mut engine = Engine::new(settings(every_us, learn_us));
    let names = Arc::new(StringArray::from_iter_values(series.iter().map(|s| &s.name)));
    let mut events: Vec<(i64, u32, f64)> = Vec::new();
    for (series, model) in series.iter().zip(0..) {
        let pairs = series.times_us.iter().zip(&series.values);
        let all = pairs.map(|(time_us, value)| (*time_us, model, *value));
        let first = all.clone().take(1).cycle().take(CHARTED_EVENTS - 1);
        events.extend(first.chain(all));
    }
    events.sort_by_key(|(time_us, ..)| *time_us);
    let begin_us = events.first().map(|event| event.0);
    let mut all = engine.step(Input::Opened { partition: 0, begin_us }).findings;
    for (at, chunk) in events.chunks(BATCH).enumerate() {
        let batch = Batch {
            partition: 0,
            time_us: chunk.iter().map(|event| event.0).collect(),
            offsets: ((at * BATCH) as u64..).take(chunk.len()).collect(),
            keys: vec![Labels {
                indices: UInt32Array::from_iter_values(chunk.iter().map(|event| event.1)),
                values: Arc::clone(&names),
            }],
            id: None,
            metrics: vec![Column::Number(Float64Array::from_iter_values(
                chunk.iter().map(|event| event.2),
            ))],
            rejects: Vec::new(),
        };
        all.extend(engine.step(Input::Batch(&batch)).findings);
    }
    all.extend(engine.step(Input::Closed { partition: 0 }).findings);
    all.iter().filter(|finding| finding.metric == "value.mean").filter_map(found).collect()
}

fn found(finding: &Finding) -> Option<Found> {
    let at_us = from_rfc3339(&finding.detected_at)?;
    Some(Found { name: finding.model.clone(), at_us, effect: finding.effect.value })
}

fn settings(every_us: i64, learn_us: Option<i64>) -> Settings {
    let mut settings = Settings::default();
    let path = FieldPath("value".into());
    settings.layout.metrics.push(MetricField { name: "value".into(), path, kind: Kind::Number });
    let plain = MetricSettings::plain("value", Kind::Number);
    settings.metrics.push(MetricSettings { mean: true, ..plain });
    settings.time.pane_us = every_us;
    settings.time.window_us = settings.time.window_us.max(every_us);
    settings.time.max_jump_us = GAP_MAX_US;
    settings.detect.silence_us = 0;
    // The values' distribution is no matter here; its series would share the budget.
    settings.baseline.learn_events = u64::MAX;
    settings.scalars.volume = false;
    settings.scalars.every_us = every_us;
    settings.scalars.learn_us = learn_us.unwrap_or(settings.scalars.learn_us);
    settings
}

/// The anomaly score of each value, decades.
pub(crate) fn decades(series: &Series) -> Vec<f64> {
    let mut oddness = AnomalyScorer::default();
    let values = series.times_us.iter().zip(&series.values);
    values.map(|(time_us, value)| oddness.observe(*time_us, *value)).collect()
}

/// Indices of the scores that are alarms.
pub(crate) fn alarms(decades: &[f64], mut bar: AlarmThreshold) -> Vec<usize> {
    let is_alarm = |(at, decades): (usize, &f64)| bar.observe(*decades).then_some(at);
    decades.iter().enumerate().filter_map(is_alarm).collect()
}
