//! What a config means that says nothing: the defaults of the table of options, for the reader and as
//! settings.

use super::draft::{Draft, MetricDraft};
use super::option::set_defaults;
use super::options::{METRIC_OPTIONS, sections};
use super::resolve::{metric_settings, settings};
use crate::model::settings::{MetricSettings, Settings};
use crate::model::{Kind, Limits};

/// A config without a line.
pub(super) fn draft() -> Draft {
    let mut draft = Draft::blank();
    for section in sections() {
        set_defaults(section.options, &mut draft);
    }
    draft
}

/// A metric without an option.
pub(super) fn metric(name: &str) -> MetricDraft {
    let mut metric = MetricDraft::blank(name);
    set_defaults(METRIC_OPTIONS, &mut metric);
    metric
}

impl Default for Settings {
    /// What a config means that names only the time, `ts`, and the model, `model`; without metrics it reads
    /// nothing.
    fn default() -> Self {
        settings(draft(), "ts".into(), "model".into()).0
    }
}

impl Default for Limits {
    fn default() -> Self {
        draft().limits
    }
}

impl MetricSettings {
    /// A metric with the default zone and without charted values.
    pub fn plain(name: &str, kind: Kind) -> Self {
        Self { kind, ..metric_settings(metric(name)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;

    #[test]
    fn default_settings_are_those_of_the_smallest_config() {
        let text = "[time]\npath='ts'\n[keys]\nmodel='model'\n[metrics.latency_ms]\n";
        let (mut settings, _) = parse(text, "t.toml").config.expect("it has no errors");
        assert_eq!(settings.metrics, [MetricSettings::plain("latency_ms", Kind::Number)]);
        settings.metrics.clear();
        settings.layout.metrics.clear();
        assert_eq!(settings, Settings::default());
        assert_eq!(settings.limits, Limits::default());
    }
}
