//! What the options are written into while a config is read: typed, complete, not yet checked against
//! one another. Not here: their defaults, which the table of options has.

use std::path::{Path, PathBuf};

use super::live::draft::LiveDraft;
use super::values::Segment;
use crate::model::settings::{
    AlertSettings, BaselineSettings, DetectSettings, MetricSettings, ScalarSettings, TimeSettings,
};
use crate::model::{Limits, TimeFormat};

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

/// A config while it is read. What an option says lands in the settings themselves; a field of its own has
/// only what must be looked at together with others first.
#[derive(Debug, Clone)]
pub struct Draft {
    pub(super) pipeline: String,
    pub(super) preset: Option<String>,
    pub(super) files: Files,
    pub(super) time_path: Option<String>,
    pub(super) time_format: TimeFormat,
    pub(super) time: TimeSettings,
    pub(super) model: Option<String>,
    pub(super) model_default: Option<String>,
    pub(super) version: Option<String>,
    pub(super) segments: Vec<Segment>,
    pub(super) id: Option<String>,
    /// In the order in which they were first named.
    pub(super) metrics: Vec<MetricDraft>,
    pub(super) baseline: BaselineSettings,
    pub(super) from_us: Option<i64>,
    pub(super) to_us: Option<i64>,
    pub(super) detect: DetectSettings,
    pub(super) alert: AlertSettings,
    pub(super) scalars: ScalarSettings,
    pub(super) limits: Limits,
    pub(super) live: LiveDraft,
}

/// One metric while it is read.
#[derive(Debug, Clone)]
pub struct MetricDraft {
    pub(super) path: Option<String>,
    /// In the order in which they were said.
    pub(super) scalars: Vec<String>,
    pub(super) settings: MetricSettings,
}

impl Draft {
    /// Nothing said yet; the defaults of the table of options come next.
    pub(super) fn blank() -> Self {
        Self {
            pipeline: String::new(),
            preset: None,
            files: Files::default(),
            time_path: None,
            time_format: TimeFormat::Auto,
            // Not an option: a replay or a record's broker time sets it.
            time: TimeSettings { not_after_us: i64::MAX, ..TimeSettings::blank() },
            model: None,
            model_default: None,
            version: None,
            segments: Vec::new(),
            id: None,
            metrics: Vec::new(),
            baseline: BaselineSettings::blank(),
            from_us: None,
            to_us: None,
            detect: DetectSettings::blank(),
            alert: AlertSettings::blank(),
            scalars: ScalarSettings::blank(),
            limits: Limits::blank(),
            live: LiveDraft::blank(),
        }
    }
}

impl MetricDraft {
    /// Nothing said yet but its name; the defaults of the table of options come next.
    pub(super) fn blank(name: &str) -> Self {
        let settings = MetricSettings { name: name.into(), ..MetricSettings::blank() };
        Self { path: None, scalars: Vec::new(), settings }
    }

    pub(super) fn name(&self) -> &str {
        &self.settings.name
    }

    /// The path of its value: its name, where none is said.
    pub(super) fn path(&self) -> &str {
        self.path.as_deref().unwrap_or(self.name())
    }
}
