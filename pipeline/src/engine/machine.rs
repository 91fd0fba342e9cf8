//! The engine as a whole: its state, its settings, and what can be asked of it. What it does with them is
//! said where it is done: each room has its own `impl Engine`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use driftline_detectors::distinct::Distinct;
use driftline_detectors::spans::Siblings;

use crate::engine::clock::partition::Clock;
use crate::engine::clock::strays::Strays;
use crate::engine::count::extra::wanted;
use crate::engine::count::intern::Interner;
use crate::engine::count::pane::{OpenPanes, Spare};
use crate::engine::count::tally::LabelCodes;
use crate::engine::counters::Counters;
use crate::engine::judge::scalars::Scalars;
use crate::engine::judge::scratch::Scratch;
use crate::engine::key::{GroupId, Key};
use crate::engine::learn::group::{Group, Phase};
use crate::engine::learn::library::Library;
use crate::engine::report::alerts::Alerts;
use crate::engine::report::surprise::Surprises;
use crate::engine::rerun::record::Recorder;
use crate::model::{Kind, Limits, Settings};

/// The engine's state and settings. What is large is shared with its copies ([`Engine::fork`]) until one of
/// both changes it.
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
    pub(crate) siblings: Vec<Siblings>,
    /// End of the last closed pane.
    pub(crate) closed_us: i64,
    pub(crate) scalars: Scalars,
    pub(crate) alerts: Alerts,
    /// Series that are watched.
    pub(crate) watched: u64,
    /// Series that shared the budget when the last pane closed, scalars included.
    pub(crate) sharing: u64,
    pub(crate) counters: Counters,
    /// Groups that were refused.
    pub(crate) refused: Distinct,
    // What follows is no state: it is derived from it, or memory that is used again.
    pub(crate) by_key: Arc<HashMap<Key, GroupId, foldhash::fast::FixedState>>,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) extras: bool,
    pub(crate) code_cache: Vec<LabelCodes>,
    pub(crate) surprises: Vec<Option<Arc<Surprises>>>,
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
            siblings: vec![Siblings::default(); settings.metrics.len()],
            closed_us: i64::MIN,
            scalars: Scalars::default(),
            alerts: Alerts::default(),
            watched: 0,
            sharing: 0,
            counters: Counters::default(),
            refused: Distinct::default(),
            by_key: Arc::default(),
            kinds: Vec::new(),
            extras: false,
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
        self.extras = self.settings.metrics.iter().any(wanted);
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
        self.watched + self.scalars.watched()
    }

    /// Bytes of live state a watched series, besides the baselines: mean and largest.
    pub fn series_bytes(&self) -> (usize, usize) {
        let bytes: Vec<usize> = self
            .groups
            .iter()
            .filter_map(|g| match &g.phase {
                Phase::Watching(series) => Some(series.iter().flatten().map(|s| s.bytes())),
                _ => None,
            })
            .flatten()
            .collect();
        (bytes.iter().sum::<usize>() / bytes.len().max(1), bytes.into_iter().max().unwrap_or(0))
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
