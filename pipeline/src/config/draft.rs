//! What the options are written into while a config is read: typed, complete, not yet checked against
//! one another.

use std::path::{Path, PathBuf};

use super::live::LiveDraft;
use crate::model::settings::{
    AlertSettings, BaselineSettings, DetectSettings, Fleet, OnNewVersion, ScalarSettings,
    TimeSettings,
};
use crate::model::{Kind, Limits};

/// What a config says about files, and about the wall clock: nothing that the engine sees.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Files {
    /// Files, globs or folders to read when the command line names none.
    pub input_paths: Vec<PathBuf>,
    /// Name of the input format; `None`: by extension and content.
    pub input_format: Option<String>,
    /// Baselines to load instead of learning them.
    pub baseline: Option<PathBuf>,
    /// Where findings go.
    pub findings: PathBuf,
    /// Where alerts go.
    pub alerts: PathBuf,
    /// Where rejects go.
    pub rejects: PathBuf,
    /// How far an event may be ahead of the wall clock.
    pub max_future_us: i64,
}

impl Files {
    /// Makes relative paths relative to `folder`. `-`, the standard streams, stays as it is.
    pub(super) fn resolve_in(&mut self, folder: &Path) {
        if folder.as_os_str().is_empty() {
            return;
        }
        let outputs = [&mut self.findings, &mut self.alerts, &mut self.rejects];
        for path in self.input_paths.iter_mut().chain(&mut self.baseline).chain(outputs) {
            if path.as_os_str() != "-" {
                *path = folder.join(&*path);
            }
        }
    }
}

/// A config while it is read.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    pub(super) pipeline: String,
    pub(super) preset: Option<String>,
    pub(super) files: Files,
    pub(super) time_path: Option<String>,
    pub(super) time_format: String,
    pub(super) time: TimeDraft,
    pub(super) model: Option<String>,
    pub(super) model_default: Option<String>,
    pub(super) version: Option<String>,
    /// Name and path.
    pub(super) segments: Vec<(String, String)>,
    pub(super) id: Option<String>,
    /// In the order in which they were first named.
    pub(super) metrics: Vec<(String, MetricDraft)>,
    pub(super) baseline: BaselineDraft,
    pub(super) from_us: Option<i64>,
    pub(super) to_us: Option<i64>,
    pub(super) detect: DetectDraft,
    pub(super) alert: AlertDraft,
    pub(super) scalars: ScalarDraft,
    pub(super) limits: Limits,
    pub(super) live: LiveDraft,
}

/// One metric while it is read.
#[derive(Debug, Clone, Default)]
pub struct MetricDraft {
    pub(super) path: Option<String>,
    pub(super) kind: KindDraft,
    pub(super) unit: String,
    pub(super) zone: f64,
    pub(super) scalars: Vec<String>,
}

/// The settings' own types, with a zero that the table's defaults overwrite.
macro_rules! zeroed {
    ($($name:ident($type:ty) = $zero:expr;)*) => { $(
        #[derive(Debug, Clone)]
        pub(super) struct $name(pub(super) $type);
        impl Default for $name {
            fn default() -> Self { Self($zero) }
        }
    )* };
}

zeroed! {
    KindDraft(Kind) = Kind::Number;
    TimeDraft(TimeSettings) = TimeSettings {
        pane_us: 0,
        window_us: 0,
        lateness_us: 0,
        max_jump_us: 0,
        not_before_us: 0,
        not_after_us: i64::MAX,
        only_us: None,
    };
    BaselineDraft(BaselineSettings) = BaselineSettings {
        learn_events: 0,
        learn_us: 0,
        learn_most_us: 0,
        range_us: None,
        endless: false,
        on_new_version: OnNewVersion::Compare,
        season_weeks_min: 0,
    };
    DetectDraft(DetectSettings) = DetectSettings {
        fleet: Fleet::Budget,
        budget_per_week: 0.0,
        false_share_per_week: 0.0,
        tick_events_min: 0,
        slack_z: 0.0,
        scalar_zone_sigma: 0.0,
        silence_us: 0,
    };
    AlertDraft(AlertSettings) = AlertSettings { hold_us: 0, events_min: 0, resolve_us: 0 };
    ScalarDraft(ScalarSettings) = ScalarSettings { volume: false, every_us: 0, learn_us: 0 };
}
