//! Requests through the real engine. Not here: what a finding means.

use std::sync::Arc;

use arrow::array::{Float64Array, StringArray, UInt32Array};
use driftline::engine::{Counters, Engine, Input, Output};
use driftline::model::layout::{FieldPath, Kind, MetricField};
use driftline::model::settings::MetricSettings;
use driftline::model::{Batch, Column, Labels, Settings};

use super::outcome::{Episode, Outcome, Sighting};
use super::trace::{Request, TOKENS};

/// Requests in a batch; the engine's answer does not depend on it.
const BATCH: usize = 8192;

/// The defaults, with both token counts as metrics.
pub(crate) fn token_settings() -> Settings {
    let mut settings = Settings::default();
    for name in TOKENS {
        let path = FieldPath(name.into());
        settings.layout.metrics.push(MetricField { name: name.into(), path, kind: Kind::Number });
        settings.metrics.push(MetricSettings {
            unit: "tokens".into(),
            ..MetricSettings::plain(name, Kind::Number)
        });
    }
    settings
}

/// What the engine finds on requests in the order of their time. `models`: names, by number.
pub(crate) fn run(settings: Settings, models: &[String], requests: &[Request]) -> Outcome {
    let mut engine = Engine::new(settings);
    let names = Arc::new(StringArray::from_iter_values(models));
    let begin_us = requests.first().map(|request| request.time_us);
    let mut all = engine.step(Input::Opened { partition: 0, begin_us });
    for (at, chunk) in requests.chunks(BATCH).enumerate() {
        let batch = batch(chunk, at * BATCH, &names, engine.settings().metrics.len());
        extend(&mut all, engine.step(Input::Batch(&batch)));
    }
    extend(&mut all, engine.step(Input::Closed { partition: 0 }));
    let Counters { events, late, future, .. } = *engine.counters();
    debug_assert_eq!((events, late + future), (requests.len() as u64, 0), "every request counts");
    Outcome {
        sightings: all.findings.iter().filter_map(Sighting::of).collect(),
        episodes: Episode::all(&all.alerts),
    }
}

fn extend(all: &mut Output, more: Output) {
    all.findings.extend(more.findings);
    all.alerts.extend(more.alerts);
}

fn batch(requests: &[Request], first: usize, names: &Arc<StringArray>, metrics: usize) -> Batch {
    let tokens = |at: usize| {
        Column::Number(Float64Array::from_iter_values(requests.iter().map(|r| r.tokens[at])))
    };
    Batch {
        partition: 0,
        time_us: requests.iter().map(|r| r.time_us).collect(),
        offsets: (first as u64..).take(requests.len()).collect(),
        keys: vec![Labels {
            indices: UInt32Array::from_iter_values(requests.iter().map(|r| r.model)),
            values: Arc::clone(names),
        }],
        id: None,
        metrics: (0..metrics).map(tokens).collect(),
        rejects: Vec::new(),
    }
}
