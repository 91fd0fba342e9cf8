//! Running recorded ticks again, in whatever order: what the same statistic says of other courses of the
//! same data. Which course is not decided here: that takes randomness, and the engine has none.

use std::collections::BTreeMap;
use std::sync::Arc;

use driftline_detectors::baseline::{Baseline, Zone};
use driftline_detectors::encoder::CODES_MAX;
use driftline_detectors::evidence::budget;
use driftline_detectors::lanes::{LANES_MAX, Tables, pane_evidence};
use driftline_detectors::math::week::hour_of_week;
use ndarray::{ArrayView2, ArrayViewMut2};

use crate::engine::chart::model_charts::WINDOW_VALUES;
use crate::engine::learn::group::Phase;
use crate::engine::machine::Engine;
use crate::engine::rerun::record::{RecordLimits, RecordedTicks, Recorder};
use crate::engine::series::finding_ref::FindingRef;
use crate::engine::series::tick::SeriesTick;
use crate::engine::series::watched::{SeriesReference, WatchedSeries};
use crate::model::Settings;

/// One series from the moment at which it began to be watched: judged as the engine judges it.
#[derive(Debug, Clone)]
pub struct Rerun {
    series: WatchedSeries,
    settings: Settings,
    window_us: i64,
    baseline: Arc<Baseline>,
    tables: Arc<SlotTables>,
}

/// Tables of all slots of the week that a record's ticks are from; one for all where there is no season.
#[derive(Debug)]
struct SlotTables {
    is_seasonal: bool,
    by_slot: BTreeMap<usize, Tables>,
}

impl Engine {
    /// Records ticks from now on.
    pub fn record(&mut self, limits: RecordLimits) {
        self.recorder = Some(Recorder::new(limits));
    }

    /// What was recorded, in the order of hashes; records no more.
    pub fn take_records(&mut self) -> Vec<RecordedTicks> {
        self.recorder.take().map_or_else(Vec::new, Recorder::into_records)
    }

    /// A series of a record, under this engine's baseline and settings; none where it is not watched.
    pub fn rerun(&self, record: &RecordedTicks) -> Option<Rerun> {
        let series = match record.every_us {
            Some(_) => self.charts.watched_as(&record.key, &record.metric, &self.settings)?,
            None => {
                let metric = self.settings.metrics.iter().position(|m| m.name == record.metric)?;
                let group = &self.groups[*self.by_key.get(&record.key)? as usize];
                let Phase::Watching(series) = &group.phase else { return None };
                series.get(metric)?.as_ref()?
            }
        };
        let (baseline, zone) = self.library.entry(series.baseline);
        let own = self.settings.time.window_us;
        Some(Rerun {
            series: WatchedSeries::new(series.baseline, self.library.tables(series.baseline)),
            settings: self.settings.clone(),
            window_us: record.every_us.map_or(own, |every_us| WINDOW_VALUES * every_us),
            baseline: Arc::new(baseline.clone()),
            tables: Arc::new(SlotTables::new(record, baseline, *zone, &self.settings)),
        })
    }

    /// `ln A` of a record's series at a budget, where as many series share it as now.
    pub fn log_promise(&self, record: &RecordedTicks, budget_per_week: f64) -> f64 {
        let tick_us = match record.every_us {
            Some(_) => self.settings.scalars.every_us,
            None => self.settings.time.pane_us,
        };
        budget::log_threshold(self.sharing as usize, tick_us, budget_per_week)
    }
}

impl Rerun {
    /// Takes tick `at` of the record, which began at `time_us`, as one that begins at `now_us`. Returns the
    /// logarithm of the mixture; none while a finding is open. It is one from `log_threshold` on.
    pub fn take_tick(
        &mut self,
        record: &RecordedTicks,
        at: usize,
        time_us: i64,
        now_us: i64,
        log_threshold: f64,
    ) -> Option<f64> {
        let Self { series, settings, window_us, tables, baseline } = self;
        let slot = tables.season(time_us);
        let tables = tables.by_slot.get(&slot)?;
        let (mut row, mut lanes) = ([0u32; CODES_MAX], [0.0; LANES_MAX]);
        record.counts(at, &mut row);
        if let (Ok(row), Ok(lanes)) = (
            ArrayView2::from_shape((1, CODES_MAX), &row),
            ArrayViewMut2::from_shape((1, LANES_MAX), &mut lanes),
        ) {
            pane_evidence(row, &[tables], lanes);
        }
        let counts = &row[..tables.codes()];
        let end_us = now_us + record.every_us.unwrap_or(settings.time.pane_us);
        let tick = SeriesTick { counts, lanes: &lanes, from_us: now_us, end_us };
        let by = SeriesReference { baseline, tables, log_threshold };
        if series.open_finding.is_some() {
            series.resolve(&by, &tick, settings.alert.resolve_us);
            return None;
        }
        series.absorb(tables, &tick, *window_us);
        let log_mixture = series.evidence.log_mixture();
        if log_mixture >= log_threshold {
            series.open(FindingRef::only(""), end_us, &by, |_, _| "info");
        }
        Some(log_mixture)
    }

    /// Events of its baseline.
    pub fn baseline_events(&self) -> u64 {
        self.baseline.events()
    }
}

impl SlotTables {
    fn new(record: &RecordedTicks, baseline: &Baseline, zone: Zone, settings: &Settings) -> Self {
        let (whole, slack_z) = (baseline.probabilities(), settings.detect.slack_z);
        let mut all = Self { is_seasonal: baseline.slots.is_some(), by_slot: BTreeMap::new() };
        for time_us in record.times_us() {
            let slot = all.season(time_us);
            all.by_slot.entry(slot).or_insert_with(|| match &baseline.slots {
                Some(slots) => {
                    let (p, events) = slots.probabilities(slot, &whole);
                    Tables::with_events(baseline, p, events, zone, slack_z)
                }
                None => Tables::new(baseline, whole.clone(), zone, slack_z),
            });
        }
        all
    }

    fn season(&self, time_us: i64) -> usize {
        if self.is_seasonal { hour_of_week(time_us) } else { 0 }
    }
}
