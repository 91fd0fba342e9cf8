//! Settings of the engine: resolved, validated, plain data.
//!
//! `config` makes this from a TOML file, and `Settings::default()` from one that says nothing: its table of
//! options has the defaults. All times are microseconds of event time. Everything here except `not_after_us`
//! and `only_us` is part of the config hash, and so of each finding's id.

use serde::{Deserialize, Serialize};

use super::blank::blank_settings;
use super::layout::{Kind, Layout};
use super::limits::Limits;

/// One second in the engine's unit of time.
pub const SECOND_US: i64 = 1_000_000;
/// One minute.
pub const MINUTE_US: i64 = 60 * SECOND_US;
/// One hour.
pub const HOUR_US: i64 = 60 * MINUTE_US;
/// One week.
pub const WEEK_US: i64 = 7 * 24 * HOUR_US;

/// All that decides the bytes of findings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Name of the pipeline; part of each finding's id.
    pub pipeline: String,
    /// What is read from an event.
    pub layout: Layout,
    /// Names of the key fields, in the order of `layout.keys`: `model`, `version`, then segments.
    pub key_names: Vec<String>,
    /// Whether `layout.keys[1]` is the model's version.
    pub has_version: bool,
    /// One for each of `layout.metrics`, in its order.
    pub metrics: Vec<MetricSettings>,
    /// Panes, lateness, bounds of event time.
    pub time: TimeSettings,
    /// Where baselines come from.
    pub baseline: BaselineSettings,
    /// How much evidence is required.
    pub detect: DetectSettings,
    /// When an alert fires and resolves.
    pub alert: AlertSettings,
    /// Values of a pane that are charted as time series of their own.
    pub scalars: ScalarSettings,
    /// Bounds.
    pub limits: Limits,
}

blank_settings! {
    /// How one metric is judged.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct MetricSettings {
        /// Name, as in the layout.
        pub name: String,
        /// Kind, as in the layout.
        pub kind: Kind,
        /// Unit, for people (`ms`, `tokens`); may be empty.
        pub unit: String,
        /// Change of a number that is too small to matter, in standard deviations of the baseline.
        pub zone_sigma: f64,
        /// Change of a share that is too small to matter, as an odds ratio minus one.
        pub zone_odds: f64,
        /// Chart the pane's mean, too.
        pub mean: bool,
        /// Chart the pane's 99th percentile, too (numbers; by HdrHistogram).
        pub p99: bool,
        /// Chart the number of distinct values in a pane, too (categories).
        pub distinct: bool,
        /// For a flag: chart the pane's share of true as a time series, too (for example an error ratio).
        pub ratio: bool,
    }
}

blank_settings! {
    /// Event time.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct TimeSettings {
        /// Length of a pane.
        pub pane_us: i64,
        /// How often the learned lane is fitted again; a multiple of the pane.
        pub window_us: i64,
        /// How far an event may be behind the newest of its partition and still count.
        pub lateness_us: i64,
        /// How far an event may be ahead of the newest of its partition before it needs confirmation by
        /// the events after it (one record from the future cannot advance the watermark).
        pub max_jump_us: i64,
        /// Earlier events are rejected.
        pub not_before_us: i64,
        /// Events at or after this are rejected. Replay sets it to the wall clock at its start plus
        /// `max_future`, or to `--to`.
        pub not_after_us: i64,
        /// Only events of this span count, `[from, to)`; others are counted and left out. Like
        /// `not_after_us` it says what is read, not what is found: it is not part of the config hash.
        pub only_us: Option<(i64, i64)>,
    }
}

impl TimeSettings {
    /// How many panes partitions may be apart, and how many may be counted before complete ones are closed: a
    /// third each of what may be open besides the panes that lateness keeps. So no event of an ordinary log
    /// needs a pane that is not to be had, however sparse it is.
    pub fn panes_apart(&self, limits: &Limits) -> i64 {
        let kept = self.lateness_us / self.pane_us.max(1) + 2;
        ((limits.panes_open_max as i64 - kept) / 3).max(1)
    }
}

blank_settings! {
    /// Where a series' baseline comes from.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct BaselineSettings {
        /// Learn until the series has this many events ...
        pub learn_events: u64,
        /// ... and this much event time has passed since its first.
        pub learn_us: i64,
        /// A rare model stops learning after this long, if it has had [`RARE_EVENTS`] by then.
        pub learn_most_us: i64,
        /// Learn from events of this span only, instead: `[from, to)`.
        pub range_us: Option<(i64, i64)>,
        /// Learn without end: all events are the baseline, and it is frozen on demand (`baseline build`).
        pub endless: bool,
        /// What a new version of a known model is compared with.
        pub on_new_version: OnNewVersion,
        /// Hour-of-week profiles are used if a baseline covers at least this many whole weeks; 0 = never.
        pub season_weeks_min: u32,
    }
}

/// What a new version of a known model is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnNewVersion {
    /// The previous version's baseline: a release that changes the numbers is a finding.
    #[default]
    Compare,
    /// A baseline of its own, learned from scratch.
    Learn,
}

/// Fewest events of a rare model's baseline: enough to find a shift of one standard deviation.
pub const RARE_EVENTS: u64 = 200;

blank_settings! {
    /// How much evidence is required.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct DetectSettings {
        /// What is limited over everything that runs.
        pub fleet: Fleet,
        /// Acceptable false alarms a week over everything that runs.
        pub budget_per_week: f64,
        /// With [`Fleet::Share`]: what each week may add to the expected share of false findings.
        pub false_share_per_week: f64,
        /// A pane of a series with fewer events is not a tick: it is merged into the next one.
        pub tick_events_min: u32,
        /// Extra slack for an estimated baseline, in standard errors; with 0 the promise holds on average.
        pub slack_z: f64,
        /// Change of a pane scalar that is too small to matter, in standard deviations.
        pub scalar_zone_sigma: f64,
        /// Shortest silence of a model, while others go on, that can be a finding; 0 = off.
        pub silence_us: i64,
    }
}

/// What is limited over all series together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fleet {
    /// The number of false alarms: every series needs the same evidence, and those of one model may
    /// reach it together.
    #[default]
    Budget,
    /// The share of false findings (e-d-BH): the more series cross in one pane, the less evidence each
    /// needs.
    Share,
}

impl DetectSettings {
    /// What is accepted per week, by the rule in force: false alarms, or a share of false findings.
    pub fn accepted_per_week(&self) -> f64 {
        match self.fleet {
            Fleet::Budget => self.budget_per_week,
            Fleet::Share => self.false_share_per_week,
        }
    }

    /// Keeps one of `shares` equal parts of what is accepted: engines that judge separately share it. A share
    /// of false findings adds up like their number: over all, each counts for less.
    pub fn divide(&mut self, shares: f64) {
        match self.fleet {
            Fleet::Budget => self.budget_per_week /= shares,
            Fleet::Share => self.false_share_per_week /= shares,
        }
    }
}

blank_settings! {
    /// When an alert fires and resolves.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct AlertSettings {
        /// An alert stays pending for this long before it fires; 0 = fires at once.
        pub hold_us: i64,
        /// Events since the onset that a finding must rest on before its alert fires.
        pub events_min: u64,
        /// A series must have looked like its baseline for at least this long before it is resolved.
        pub resolve_us: i64,
    }
}

blank_settings! {
    /// Pane values that are charted as time series of their own.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct ScalarSettings {
        /// Chart the number of events of each model (with version and segments).
        pub volume: bool,
        /// One value for each span of this length, a multiple of the pane.
        pub every_us: i64,
        /// Event time that a scalar's profile is learned from before it is judged.
        pub learn_us: i64,
    }
}
