//! What the series of a metric tell each other of slow dependence, through the real engine.

use std::sync::Arc;

use arrow::array::{StringArray, UInt32Array};
use driftline::engine::{Engine, Input};
use driftline::model::batch::Labels;
use driftline::model::{Batch, Kind, Settings};
use driftline_detectors::baseline::{Baseline, Zone};
use driftline_tests::promise::{metric, settings};
use driftline_tests::streams::column;
use driftline_tests::telemetry::generator;
use rand_distr::{Distribution, StandardNormal};

const HOUR_US: i64 = 3_600_000_000;
const BATCH_PANES: usize = 50;

/// A number in the panes of one model: its mean in each pane.
type Course<'a> = &'a dyn Fn(usize) -> f64;

/// Baselines of models after so many panes, each of so many events: as they are learned, or frozen at
/// that moment.
fn baselines(
    settings: &Settings,
    (panes, events): (usize, usize),
    courses: &[Course],
    frozen: bool,
) -> Vec<Baseline> {
    let mut settings = settings.clone();
    let pane_us = settings.time.pane_us;
    settings.baseline.learn_events = (panes * events) as u64;
    settings.baseline.learn_us = panes as i64 * pane_us;
    settings.baseline.endless = frozen;
    let names: Vec<String> = (0..courses.len()).map(|at| format!("model {at}")).collect();
    // A Monday at midnight, UTC.
    let from_us = 1_767_571_200_000_000;
    let mut random = generator(7);
    let mut engine = Engine::new(settings);
    engine.step(Input::Opened { partition: 0, begin_us: None });
    for first in (0..panes).step_by(BATCH_PANES) {
        let (mut times, mut models, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for pane in first..panes.min(first + BATCH_PANES) {
            for at in 0..events {
                for (model, course) in courses.iter().enumerate() {
                    let noise: f64 = StandardNormal.sample(&mut random);
                    times.push(from_us + pane as i64 * pane_us + at as i64 * 1000);
                    models.push(model as u32);
                    values.push(Some(course(pane) + noise));
                }
            }
        }
        let offset = (first * events * courses.len()) as u64;
        engine.step(Input::Batch(&Batch {
            partition: 0,
            offsets: (0..times.len() as u64).map(|at| offset + at).collect(),
            keys: vec![Labels {
                indices: UInt32Array::from(models),
                values: Arc::new(StringArray::from(names.clone())),
            }],
            time_us: times,
            id: None,
            metrics: vec![column(Kind::Number, &values)],
            rejects: Vec::new(),
        }));
    }
    engine.step(Input::Closed { partition: 0 });
    let entries = engine.baselines(frozen);
    assert_eq!(entries.len(), courses.len(), "each model has a baseline");
    entries.into_iter().map(|entry| entry.baseline).collect()
}

fn least_temper(baseline: &Baseline) -> f64 {
    baseline.temper.iter().copied().fold(1.0, f64::min)
}

/// Tenants that come and go, each model's at other times.
fn tenants(model: usize) -> impl Fn(usize) -> f64 {
    move |pane| if ((pane + 7 * model) / 24).is_multiple_of(2) { 0.5 } else { -0.5 }
}

#[test]
fn baselines_that_are_built_know_what_those_that_are_learned_know() {
    let settings = settings(vec![metric("value", Kind::Number, Zone::default())]);
    let all: Vec<_> = (0..6).map(tenants).collect();
    let mut courses: Vec<Course> = all.iter().map(|course| course as Course).collect();
    courses.push(&|_| 0.0);
    let learned = baselines(&settings, (180, 20), &courses, false);
    let built = baselines(&settings, (180, 20), &courses, true);
    for (learned, built) in learned.iter().zip(&built) {
        assert_eq!(learned.temper, built.temper);
        assert_eq!(learned.dependence, built.dependence);
    }
    // One that is calm by itself is drawn to the others, so that this could be seen.
    let alone = baselines(&settings, (180, 20), &courses[6..], true);
    let (with, without) = (least_temper(&built[6]), least_temper(&alone[0]));
    assert!(with < 0.7 * without, "{with} with siblings, {without} without");
}

/// A daily swing that is in the baseline of each hour of the week is no dependence.
#[test]
fn a_season_that_is_learned_is_not_told_as_dependence() {
    let mut settings = settings(vec![metric("value", Kind::Number, Zone::default())]);
    settings.time.pane_us = HOUR_US;
    settings.time.window_us = HOUR_US;
    settings.baseline.learn_most_us = 60 * 24 * HOUR_US;
    let day = |pane: usize| 0.4 * (pane as f64 / 24.0 * std::f64::consts::TAU).sin();
    let courses: [Course; 4] = [&day, &day, &day, &|_| 0.0];
    let weeks = (4 * 168, 200);
    let seasonal = baselines(&settings, weeks, &courses, false);
    assert!(seasonal.iter().all(|baseline| baseline.slots.is_some()));
    settings.baseline.season_weeks_min = 0;
    let plain = baselines(&settings, weeks, &courses, false);
    let (with, without) = (least_temper(&seasonal[3]), least_temper(&plain[3]));
    assert!(with > 0.5, "a season: {with}");
    assert!(without < 0.5 * with, "the control, without one: {without}");
}

/// Only a part of many ticks is kept: in blocks, so that what is alike from tick to tick stays so.
#[test]
fn learning_for_long_does_not_hide_what_is_alike_from_tick_to_tick() {
    let settings = settings(vec![metric("value", Kind::Number, Zone::default())]);
    let (mut random, mut level) = (generator(11), 0.0);
    let levels: Vec<f64> = (0..4_096)
        .map(|_| {
            let fresh: f64 = StandardNormal.sample(&mut random);
            level = 0.5 * level + 0.75f64.sqrt() * fresh;
            0.35 * level
        })
        .collect();
    let alike = |pane: usize| levels[pane];
    let shuffled = |pane: usize| levels[pane * 1_237 % 4_096];
    let courses: [Course; 2] = [&alike, &shuffled];
    let each: Vec<f64> = courses
        .iter()
        .map(|course| least_temper(&baselines(&settings, (4_096, 20), &[*course], false)[0]))
        .collect();
    // Sums of many ticks vary 2.4 times as much where neighbours are alike.
    assert!(each[0] < 0.6 * each[1], "{each:?}");
}
