//! The engine as a whole: its state, its settings, and what can be asked of it. What it does with them is
//! said where it is done: each room has its own `impl Engine`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use driftline_detectors::dependence::PooledDependence;
use driftline_detectors::scalar::Distinct;

use crate::engine::chart::charts::Charts;
use crate::engine::clock::partition::Clock;
use crate::engine::clock::strays::Strays;
use crate::engine::count::intern::Interner;
use crate::engine::count::pane::{OpenPanes, Spare};
use crate::engine::count::pane_statistics::is_charted;
use crate::engine::count::tally::LabelCodes;
use crate::engine::counters::Counters;
use crate::engine::judge::ticks::Scratch;
use crate::engine::key::{GroupId, Key};
use crate::engine::learn::group::{Group, Phase};
use crate::engine::learn::library::Library;
use crate::engine::report::alerts::Alerts;
use crate::engine::report::code_surprises::CodeSurprises;
use crate::engine::rerun::record::Recorder;
use crate::model::{Kind, Limits, Settings};

/// Bytes of live state a watched series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeriesBytes {
    /// In the mean.
    pub mean: usize,
    /// Of the largest.
    pub largest: usize,
}

/// The engine's state and settings. What is large is shared with its copies ([`Engine::fork`]) until one of
/// both changes it.
///
/// Settings, then events of partitions, then what was found:
///
/// ```
/// use driftline::engine::{Engine, Input};
/// use driftline::model::settings::{MetricSettings, SECOND_US};
/// use driftline::model::{Batch, Kind, Row, Settings, Value};
///
/// // One flag of one model; all else is as in a config that does not mention it.
/// let metrics = vec![MetricSettings::plain("error", Kind::Flag)];
/// let mut engine = Engine::new(Settings { metrics, ..Settings::default() });
///
/// // Four hours with a request a second. Of 50 one fails, in the last hour of 10.
/// let event = |number: i64| Row {
///     time_us: 1_767_571_200 * SECOND_US + number * SECOND_US,
///     offset: number as u64,
///     keys: vec![Value::Label("router".into())],
///     id: None,
///     metrics: vec![Value::Flag(number % if number < 3 * 3600 { 50 } else { 10 } == 0)],
/// };
/// let events: Vec<Row> = (0..4 * 3600).map(event).collect();
///
/// engine.step(Input::Opened { partition: 0, begin_us: None });
/// let batch = Batch::from_rows(0, &events, &[Kind::Flag]);
/// let output = engine.step(Input::Batch(&batch));
///
/// let finding = &output.findings[0];
/// assert_eq!((&*finding.model, &*finding.metric), ("router", "error"));
/// assert_eq!(finding.change, "more of true");
/// assert_eq!(finding.onset, "2026-01-05T03:00:00Z");
/// ```
#[derive(Debug)]
pub struct Engine {
    pub(crate) settings: Settings,
    /// Hash of the settings, 16 hex digits.
    pub(crate) config: String,
    pub(crate) groups: Vec<Arc<Group>>,
    /// Groups in the order of their keys.
    pub(crate) order: Vec<GroupId>,
    pub(crate) library: Library,
    /// Baselines that were loaded, by key and metric.
    pub(crate) loaded: Arc<BTreeMap<Key, BTreeMap<String, u32>>>,
    pub(crate) panes: OpenPanes,
    pub(crate) clocks: BTreeMap<u32, Clock>,
    pub(crate) strays: Strays,
    /// Interned categories, one for each metric.
    pub(crate) labels: Vec<Interner>,
    /// What the series of each metric know together of how dependent ticks are.
    pub(crate) siblings: Vec<PooledDependence>,
    /// End of the last closed pane.
    pub(crate) closed_us: i64,
    pub(crate) charts: Charts,
    pub(crate) alerts: Alerts,
    /// Series that are watched.
    pub(crate) watched: u64,
    /// Series that shared the budget when the last pane closed, charts included.
    pub(crate) sharing: u64,
    pub(crate) counters: Counters,
    /// Groups that were refused.
    pub(crate) refused: Distinct,
    // What follows is no state: it is derived from it, or memory that is used again.
    pub(crate) by_key: Arc<HashMap<Key, GroupId, foldhash::fast::FixedState>>,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) keeps_statistics: bool,
    pub(crate) code_cache: Vec<LabelCodes>,
    pub(crate) surprises: Vec<Option<Arc<CodeSurprises>>>,
    pub(crate) spare: Spare,
    pub(crate) scratch: Scratch,
    pub(crate) recorder: Option<Recorder>,
}

impl Engine {
    /// An engine without state.
    pub fn new(settings: Settings) -> Self {
        let mut engine = Self {
            config: config_hash(&settings),
            groups: Vec::new(),
            order: Vec::new(),
            library: Library::new(settings.detect.slack_z),
            loaded: Arc::default(),
            panes: OpenPanes::new(),
            clocks: BTreeMap::new(),
            strays: Strays::default(),
            labels: vec![Interner::default(); settings.metrics.len()],
            siblings: vec![PooledDependence::default(); settings.metrics.len()],
            closed_us: i64::MIN,
            charts: Charts::default(),
            alerts: Alerts::default(),
            watched: 0,
            sharing: 0,
            counters: Counters::default(),
            refused: Distinct::default(),
            by_key: Arc::default(),
            kinds: Vec::new(),
            keeps_statistics: false,
            code_cache: Vec::new(),
            surprises: Vec::new(),
            spare: Spare::default(),
            scratch: Scratch::default(),
            recorder: None,
            settings,
        };
        engine.derive();
        engine
    }

    /// What follows from settings and state, and is no part of either.
    pub(crate) fn derive(&mut self) {
        self.kinds = self.settings.metrics.iter().map(|m| m.kind).collect();
        self.keeps_statistics = self.settings.metrics.iter().any(is_charted);
        let by_key = (0..).zip(&self.groups).map(|(id, group)| (Arc::clone(&group.key), id));
        self.by_key = Arc::new(by_key.collect());
    }

    /// What was counted so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// How far an open partition has come in event time: its newest confirmed event, or what it is taken to
    /// have passed; none before either. A lone event from the future does not count: a source that paces
    /// its partitions goes by this.
    pub fn reached_us(&self, partition: u32) -> Option<i64> {
        self.clocks.get(&partition).map(Clock::reached_us).filter(|reached| *reached > i64::MIN)
    }

    /// Watermark of an open partition, microseconds of event time: it holds no pane that ends at or before
    /// it. None where it is not open, or holds panes from the beginning of time.
    pub fn watermark_us(&self, partition: u32) -> Option<i64> {
        let watermark = self.clocks.get(&partition)?.watermark_us(&self.settings.time);
        Some(watermark).filter(|watermark| *watermark > i64::MIN)
    }

    /// End of the last closed pane, microseconds of event time; none before the first.
    pub fn closed_us(&self) -> Option<i64> {
        Some(self.closed_us).filter(|closed| *closed > i64::MIN)
    }

    /// Numbers of the partitions that are open, rising.
    pub fn open_partitions(&self) -> impl Iterator<Item = u32> + '_ {
        self.clocks.keys().copied()
    }

    /// Hash of all settings that decide what is found, 16 hex digits: part of each finding.
    pub fn config(&self) -> &str {
        &self.config
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Number of series that are watched.
    pub fn watched_series(&self) -> u64 {
        self.watched + self.charts.watched
    }

    /// Bytes of live state a watched series, besides the baselines.
    pub fn series_bytes(&self) -> SeriesBytes {
        let bytes: Vec<usize> = self
            .groups
            .iter()
            .filter_map(|g| match &g.phase {
                Phase::Watching(series) => Some(series.iter().flatten().map(|s| s.bytes())),
                _ => None,
            })
            .flatten()
            .collect();
        SeriesBytes {
            mean: bytes.iter().sum::<usize>() / bytes.len().max(1),
            largest: bytes.into_iter().max().unwrap_or(0),
        }
    }

    /// The largest number of groups.
    pub(crate) fn groups_max(&self) -> usize {
        (self.settings.limits.series_max / self.settings.metrics.len().max(1)).max(1)
    }
}

/// Hash of everything that decides what is found. The end of time is left out: it is when one looked; so
/// are limits that only say how files are read and how much is written.
pub(crate) fn config_hash(settings: &Settings) -> String {
    let mut settings = settings.clone();
    let Limits { block_bytes, files_open_max, rejects_written_max, .. } = &mut settings.limits;
    (*block_bytes, *files_open_max, *rejects_written_max) = (0, 0, 0);
    settings.time.not_after_us = 0;
    settings.time.only_us = None;
    let bytes = postcard::to_stdvec(&settings).unwrap_or_default();
    format!("{:016x}", xxhash_rust::xxh3::xxh3_64(&bytes))
}
