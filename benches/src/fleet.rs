//! Many series: synthetic events as decoded batches, made on the way, for benches of the engine's state.
//!
//! Not here: text, files, decoding. Traffic is even over models, and nearly so over their regions.

use std::sync::Arc;

use anyhow::Context;
use arrow::array::{Float64Array, StringArray, UInt8Array, UInt32Array};
use driftline::config;
use driftline::model::batch::{Column, Labels};
use driftline::model::{Batch, Settings};
use driftline::synth::event::DECIMALS;
use driftline::synth::vocabulary::REGIONS;
use driftline::synth::write::Format;
use driftline::synth::{Event, Generator, METRICS, Plan, Slot, dataset};

/// Events of many models, in order of arrival.
pub struct Fleet {
    generator: Generator,
    keys: [Arc<StringArray>; 3],
    categories: [Arc<StringArray>; 3],
    settings: Settings,
    offset: u64,
}

impl Fleet {
    /// Metrics of each group.
    pub const METRICS: usize = 9;

    /// A fleet of at least so many series, each with about `events_a_pane` events in 10 s, for `panes`
    /// panes. A group is a model in a region.
    ///
    /// # Errors
    /// Where there are too many series for a plan.
    pub fn new(series: usize, events_a_pane: u64, panes: u64) -> anyhow::Result<Self> {
        let models = series.div_ceil(Self::METRICS * REGIONS.len());
        let groups = (models * REGIONS.len()) as u64;
        let plan = Plan {
            models,
            zipf: 0.0,
            events: groups * events_a_pane * panes,
            span_ms: panes as i64 * 10_000,
            ..Plan::default()
        };
        let format = Format::named("ndjson").context("a format")?;
        let text = dataset::config_text(&plan, format).replace("# segments", "segments");
        let mut fleet = Self::with(&plan, &text)?;
        fleet.settings.limits.series_max = 2 * series;
        Ok(fleet)
    }

    /// The events of a plan, with the settings that `driftline generate` writes beside them.
    ///
    /// # Errors
    /// Where the plan breaks a bound.
    pub fn of(plan: &Plan) -> anyhow::Result<Self> {
        let format = Format::named("ndjson").context("a format")?;
        Self::with(plan, &dataset::config_text(plan, format))
    }

    fn with(plan: &Plan, config: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("driftline.toml");
        std::fs::write(&path, config)?;
        let (settings, _) = config::load(&path)?;
        let generator = Generator::new(plan)?;
        let vocabulary = generator.vocabulary();
        let labels = |values: &[String]| -> Arc<StringArray> {
            Arc::new(StringArray::from_iter_values(values))
        };
        let keys = [&vocabulary.models, &vocabulary.versions, &vocabulary.regions];
        let keys = keys.map(|values| labels(values));
        let categories = [0, 1, 2].map(|at: usize| labels(&vocabulary.categories[at]));
        Ok(Self { generator, keys, categories, settings, offset: 0 })
    }

    /// Settings that fit the events.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The next events; none at the end.
    pub fn next_batch(&mut self, rows: usize) -> Option<Batch> {
        let mut events = Vec::with_capacity(rows);
        let mut event = Event::default();
        while events.len() < rows && self.generator.next_into(&mut event) {
            events.push(event.clone());
        }
        let labels = |values: &Arc<StringArray>, index: &dyn Fn(&Event) -> usize| Labels {
            indices: UInt32Array::from_iter_values(events.iter().map(|e| index(e) as u32)),
            values: Arc::clone(values),
        };
        let column = |slot: Slot| match slot {
            Slot::Number(at) => Column::Number(Float64Array::from_iter_values(
                events
                    .iter()
                    .map(|e| f64::from(e.numbers[at]) / f64::from(10u32.pow(DECIMALS[at]))),
            )),
            Slot::Category(at) => {
                Column::Category(labels(&self.categories[at], &|e| usize::from(e.categories[at])))
            }
            _ => Column::Flag(UInt8Array::from_iter_values(events.iter().map(|e| e.error))),
        };
        let first = self.offset;
        self.offset += events.len() as u64;
        (!events.is_empty()).then(|| Batch {
            partition: 0,
            time_us: events.iter().map(|e| e.time_ms * 1000).collect(),
            offsets: (first..self.offset).collect(),
            keys: self
                .keys
                .iter()
                .zip([|e: &Event| e.model, |e: &Event| e.version, |e: &Event| e.region])
                .take(self.settings.layout.keys.len())
                .map(|(values, index)| labels(values, &index))
                .collect(),
            id: None,
            metrics: METRICS[..Self::METRICS].iter().map(|m| column(m.slot)).collect(),
            rejects: Vec::new(),
        })
    }
}
