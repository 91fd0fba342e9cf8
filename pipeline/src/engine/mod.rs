//! The engine: from decoded batches to findings and alerts. Pure and deterministic.
//!
//! Not here: clocks, files, threads, randomness. The same events give the same findings, byte for byte,
//! for any batch size and any interleaving of partitions, because all that is decided is a function of
//! closed panes, taken in the order of their time and of keys.
//!
//! ```text
//! Input::Opened ... Input::Batch ... Input::Closed  ->  Engine::step  ->  Output (findings, alerts)
//! ```

mod alerts;
mod calm;
mod carry;
mod clock;
mod close;
mod count;
mod extra;
mod fleet;
mod fork;
mod frames;
mod group;
mod intern;
mod learn;
mod library;
mod look;
mod pane;
mod quantiles;
mod raw;
mod record;
mod report;
mod rerun;
mod scalars;
mod snapshot;
mod strays;
mod surprise;
mod tally;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use driftline_detectors::dependence::PooledDependence;
use driftline_detectors::scalar::Distinct;
use serde::{Deserialize, Serialize};

use crate::model::{Alert, Batch, Finding, Kind, Limits, Row, Settings};
use alerts::Alerts;
use clock::{Clock, Verdict};
use close::Scratch;
use group::{Group, GroupId, Key};
use intern::Interner;
use library::Library;
use pane::{OpenPanes, Spare};
use record::Recorder;
use scalars::Scalars;
use strays::Strays;

pub use library::version_of;
pub use look::{Counted, Look, Scored};
pub use record::{Record, RecordLimits};
pub use report::{BaselineEntry, SeriesReport};
pub use rerun::Rerun;
pub use snapshot::SnapshotError;

/// Rows that are counted before panes may close.
const ROWS_AT_ONCE: usize = 8192;

/// What the engine takes.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// A partition begins. It holds all panes open until its clock has passed them; where it is known to
    /// begin at an instant, only those from there on.
    Opened {
        /// Number of the partition.
        partition: u32,
        /// The earliest of its first events, where known.
        begin_us: Option<i64>,
    },
    /// Events of a partition, in their order.
    Batch(&'a Batch),
    /// A decision that is no function of the events: at this point of its events, the partition is taken
    /// to have passed an instant. It holds no pane that ends at or before it, its later events behind it
    /// are late, and its next jump is measured from there. One that is not open is opened by it, for which
    /// the instant is at least [`Engine::closed_us`]: what is closed is not opened again. What says
    /// nothing new changes nothing.
    Passed {
        /// Number of the partition.
        partition: u32,
        /// The instant, microseconds of event time.
        watermark_us: i64,
    },
    /// The end of a partition: it holds nothing any more.
    Closed {
        /// Number of the partition.
        partition: u32,
    },
}

/// What the engine gives.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Output {
    /// Findings, in the order of panes. Within one, by budget: models in their order, of each its charts, its
    /// metrics, and what its series carry together, the most evidence first; by share: all charts, then all
    /// metrics. Silence comes last. Charts, metrics and silence are in the order of keys.
    pub findings: Vec<Finding>,
    /// Transitions of alerts, in the order of panes, then models.
    pub alerts: Vec<Alert>,
}

/// What was counted, exactly.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Events that reached a pane.
    pub events: u64,
    /// Events behind the watermark of their partition.
    pub late: u64,
    /// Events outside of the span that was asked for.
    pub outside: u64,
    /// Lone events far ahead of their partition.
    pub future: u64,
    /// Events of groups that were refused at the limit of series.
    pub refused_series_events: u64,
    /// Distinct groups that were refused there: exact up to 256, then within about 6 %.
    pub refused_groups: u64,
    /// Events that would have opened more panes than the limit.
    pub refused_pane: u64,
    /// Panes that were closed.
    pub panes: u64,
    /// Ticks of series: panes with enough events to say something.
    pub ticks: u64,
    /// Findings.
    pub findings: u64,
}

/// The engine's state and settings. What is large is shared with its copies ([`Engine::fork`]) until one of
/// both changes it.
#[derive(Debug)]
pub struct Engine {
    settings: Settings,
    /// Hash of the settings, 16 hex digits.
    config: String,
    groups: Vec<Arc<Group>>,
    /// Groups in the order of their keys.
    order: Vec<GroupId>,
    library: Library,
    /// Baselines that were loaded, by key and metric.
    loaded: Arc<BTreeMap<Key, BTreeMap<String, u32>>>,
    panes: OpenPanes,
    clocks: BTreeMap<u32, Clock>,
    strays: Strays,
    /// Interned categories, one for each metric.
    labels: Vec<Interner>,
    /// What the series of each metric know together of how dependent ticks are.
    siblings: Vec<PooledDependence>,
    /// End of the last closed pane.
    closed_us: i64,
    scalars: Scalars,
    alerts: Alerts,
    /// Series that are watched.
    watched: u64,
    /// Series that shared the budget when the last pane closed, scalars included.
    sharing: u64,
    counters: Counters,
    /// Groups that were refused.
    refused: Distinct,
    // What follows is no state: it is derived from it, or memory that is used again.
    by_key: Arc<HashMap<Key, GroupId, foldhash::fast::FixedState>>,
    kinds: Vec<Kind>,
    extras: bool,
    code_cache: Vec<tally::LabelCodes>,
    surprises: Vec<Option<Arc<surprise::Surprises>>>,
    spare: Spare,
    scratch: Scratch,
    recorder: Option<Recorder>,
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
    fn derive(&mut self) {
        self.kinds = self.settings.metrics.iter().map(|m| m.kind).collect();
        self.extras = self.settings.metrics.iter().any(extra::wanted);
        let by_key = (0..).zip(&self.groups).map(|(id, group)| (Arc::clone(&group.key), id));
        self.by_key = Arc::new(by_key.collect());
    }

    /// Takes one input and gives what it decided.
    pub fn step(&mut self, input: Input<'_>) -> Output {
        let mut output = Output::default();
        match input {
            Input::Opened { partition, begin_us } => {
                self.clocks.insert(partition, Clock::new(begin_us));
            }
            Input::Batch(batch) => self.take(batch, &mut output),
            Input::Passed { partition, watermark_us } => {
                let clock = self.clocks.entry(partition).or_insert_with(|| Clock::new(None));
                let judged = clock.pass(watermark_us, &self.settings.time);
                self.count_held(partition, judged);
            }
            Input::Closed { partition } => {
                if let Some(clock) = self.clocks.remove(&partition) {
                    self.strays.take(clock);
                }
            }
        }
        self.close_due(&mut output);
        output
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
                group::Phase::Watching(series) => Some(series.iter().flatten().map(|s| s.bytes())),
                _ => None,
            })
            .flatten()
            .collect();
        (bytes.iter().sum::<usize>() / bytes.len().max(1), bytes.into_iter().max().unwrap_or(0))
    }

    /// The largest number of groups.
    fn groups_max(&self) -> usize {
        (self.settings.limits.series_max / self.settings.metrics.len().max(1)).max(1)
    }

    fn take(&mut self, batch: &Batch, output: &mut Output) {
        let Some(mut clock) = self.clocks.remove(&batch.partition) else {
            debug_assert!(false, "a partition is opened before its first batch");
            return;
        };
        let mut rows = Vec::with_capacity(batch.rows().min(ROWS_AT_ONCE));
        let only = self.settings.time.only_us;
        for row in 0..batch.rows() {
            if only.is_some_and(|(from, to)| !(from..to).contains(&batch.time_us[row])) {
                self.counters.outside += 1;
                continue;
            }
            match clock.judge(batch.time_us[row], &self.settings.time) {
                Verdict::Count => {
                    if clock.holds() {
                        self.counters.future += clock.refuse();
                    }
                    rows.push(row as u32);
                }
                Verdict::Late => {
                    if clock.holds() {
                        self.counters.future += clock.refuse();
                    }
                    self.counters.late += 1;
                }
                Verdict::Ahead => {
                    let judged = clock.hold(batch.row(row), &self.settings.time);
                    self.count_held(batch.partition, judged);
                }
            }
            if rows.len() == ROWS_AT_ONCE {
                self.count(batch, &rows);
                self.counters.events += rows.len() as u64;
                rows.clear();
                // Only this partition's clock moved, and it is put back for the look at all of them.
                self.clocks.insert(batch.partition, clock);
                self.close_due(output);
                clock = self.clocks.remove(&batch.partition).unwrap_or_else(|| Clock::new(None));
            }
        }
        self.count(batch, &rows);
        self.counters.events += rows.len() as u64;
        self.clocks.insert(batch.partition, clock);
    }

    /// Counts events that were held back by a clock.
    fn count_held(&mut self, partition: u32, judged: Vec<(Row, Verdict)>) {
        for (held, verdict) in judged {
            if verdict == Verdict::Late {
                self.counters.late += 1;
                continue;
            }
            let one = Batch::from_rows(partition, &[held], &self.kinds);
            self.count(&one, &[0]);
            self.counters.events += 1;
        }
    }

    /// Closes all panes that every partition has passed.
    fn close_due(&mut self, output: &mut Output) {
        self.settle_strays();
        let time = &self.settings.time;
        let watermark =
            self.clocks.values().map(|c| c.watermark_us(time)).min().unwrap_or(i64::MAX);
        let pane_us = time.pane_us;
        while let Some(entry) = self.panes.first_entry() {
            let start = *entry.key();
            if start + pane_us > watermark {
                break;
            }
            let pane = entry.remove();
            self.close(start, pane, output);
        }
    }
}

/// Hash of everything that decides what is found. The end of time is left out: it is when one looked; so
/// are limits that only say how files are read and how much is written.
fn config_hash(settings: &Settings) -> String {
    let mut settings = settings.clone();
    let Limits { block_bytes, files_open_max, rejects_written_max, .. } = &mut settings.limits;
    (*block_bytes, *files_open_max, *rejects_written_max) = (0, 0, 0);
    settings.time.not_after_us = 0;
    settings.time.only_us = None;
    let bytes = postcard::to_stdvec(&settings).unwrap_or_default();
    format!("{:016x}", xxhash_rust::xxh3::xxh3_64(&bytes))
}
