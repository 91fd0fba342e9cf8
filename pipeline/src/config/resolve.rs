//! [`Draft`] to [`Settings`]: whether options fit each other, and what is missing.

use super::diagnostic::Diagnostics;
use super::draft::{Draft, Files, MetricDraft};
use super::duration::format_us;
use super::options::kind_name;
use super::places::Places;
use super::presets;
use super::values::Segment;
use crate::model::settings::{BaselineSettings, Fleet, MetricSettings, Settings};
use crate::model::{FieldPath, Kind, Layout, MetricField, TimeField};

/// Most panes that may be open, as the option's range has it.
const PANES_MAX: usize = 1_000_000;

/// A long lateness takes its room, unless somebody said how much there is.
fn make_room(draft: &mut Draft, places: &Places) {
    if !places.has("limits.panes_open_max") {
        let kept = usize::try_from(draft.time.lateness_us / draft.time.pane_us.max(1) + 2);
        let room = kept.unwrap_or(usize::MAX).saturating_mul(2).min(PANES_MAX);
        draft.limits.panes_open_max = draft.limits.panes_open_max.max(room);
    }
}

/// Makes the settings. `None` where something is missing that has no default; other faults are only said.
pub(super) fn resolve(
    mut draft: Draft,
    places: &Places,
    diagnostics: &mut Diagnostics,
) -> Option<(Settings, Files)> {
    make_room(&mut draft, places);
    let mut checks = Checks { draft: &draft, places, diagnostics };
    checks.required();
    checks.times();
    checks.fleet();
    checks.segments();
    checks.baseline();
    checks.metrics();
    let unnamed = draft.model_default.as_ref().map(|_| "model".to_owned());
    let model = draft.model.clone().or(unnamed)?;
    let time_path = draft.time_path.clone()?;
    Some(settings(draft, time_path, model))
}

struct Checks<'a> {
    draft: &'a Draft,
    places: &'a Places,
    diagnostics: &'a mut Diagnostics,
}

impl Checks<'_> {
    fn required(&mut self) {
        if self.places.is_wrong("preset") {
            return;
        }
        let presets = presets::NAMES.join("\" or \"");
        let missing = [
            (self.draft.time_path.is_none(), "time", "path", "the event time", "ts"),
            (
                self.draft.model.is_none() && self.draft.model_default.is_none(),
                "keys",
                "model",
                "the model's name",
                "model",
            ),
        ];
        for (_, section, option, what, example) in
            missing.into_iter().filter(|(missing, ..)| *missing)
        {
            if self.places.has(&format!("{section}.{option}")) || self.places.is_wrong(section) {
                continue;
            }
            self.diagnostics
                .error(self.places.key(section), format!("`{section}.{option}` is missing: the path of {what}"))
                .help(format!("add {option} = \"{example}\" to [{section}], or start from preset = \"{presets}\""));
        }
        if self.draft.metrics.is_empty() && !self.places.is_wrong("metrics") {
            self.diagnostics
                .error(self.places.key("metrics"), "there are no metrics, so there is nothing to watch")
                .help(format!(
                    "add one, such as [metrics.latency_ms], or start from preset = \"{presets}\"; `driftline init SAMPLE` writes a config from your events"
                ));
        }
    }

    fn times(&mut self) {
        let time = &self.draft.time;
        self.multiple_of_pane("time.window", time.window_us);
        self.multiple_of_pane("scalars.every", self.draft.scalars.every_us);
        let silence_us = self.draft.detect.silence_us;
        if silence_us > 0 && silence_us < time.pane_us {
            self.diagnostics
                .error(
                    self.places.value("detect.silence"),
                    "`detect.silence` is shorter than the pane",
                )
                .help(format!(
                    "use at least \"{}\", or \"0s\" to turn it off",
                    format_us(time.pane_us)
                ));
        }
        let open = time.lateness_us / time.pane_us.max(1) + 2;
        let panes_max = self.draft.limits.panes_open_max;
        if open as u64 > panes_max as u64 {
            let says = |name: &&str| self.places.has(name);
            let place = ["time.lateness", "limits.panes_open_max"].into_iter().find(says);
            self.diagnostics
                .error(self.places.value(place.unwrap_or("time.pane")), format!(
                    "`time.lateness` keeps {open} panes open, but `limits.panes_open_max` is {panes_max}"
                ))
                .help("shorten the lateness, lengthen the pane, or raise the limit");
        }
    }

    /// Warns of an accepted share that has no effect.
    fn fleet(&mut self) {
        let share = "detect.false_share_per_week";
        let fleet = self.draft.detect.fleet;
        let wrong = self.places.is_wrong(share) || self.places.is_wrong("detect.fleet");
        if self.places.has(share) && fleet == Fleet::Budget && !wrong {
            self.diagnostics
                .warning(
                    self.places.key(share),
                    "`detect.false_share_per_week` has an effect only with fleet = \"share\"",
                )
                .help("add fleet = \"share\" to [detect], or remove it: `detect.budget_per_week` is in force");
        }
    }

    fn multiple_of_pane(&mut self, name: &str, us: i64) {
        let pane_us = self.draft.time.pane_us.max(1);
        let wrong = self.places.is_wrong(name) || self.places.is_wrong("time.pane");
        if wrong || (us % pane_us == 0 && us > 0) {
            return;
        }
        let below = us / pane_us * pane_us;
        let above = below + pane_us;
        let near = match below {
            0 => format!("\"{}\"", format_us(above)),
            below => format!("\"{}\" or \"{}\"", format_us(below), format_us(above)),
        };
        let place = if self.places.has(name) { name } else { "time.pane" };
        self.diagnostics
            .error(
                self.places.value(place),
                format!(
                    "`{name}` ({}) is not a multiple of `time.pane` ({})",
                    format_us(us),
                    format_us(pane_us)
                ),
            )
            .label(format!("`{name}` could be {near}"))
            .help("or choose another pane that divides it");
    }

    fn segments(&mut self) {
        let mut names: Vec<&str> = vec!["model", "version"];
        for (at, Segment { name, path }) in self.draft.segments.iter().enumerate() {
            if names.contains(&name.as_str()) {
                self.diagnostics
                    .error(
                        self.places.value(&format!("keys.segments.{at}")),
                        format!("two keys are named `{name}`"),
                    )
                    .help(format!("name them: segments = {{ other_{name} = \"{path}\" }}"));
            }
            names.push(name);
        }
        let keys = [("keys.model", &self.draft.model), ("keys.version", &self.draft.version)];
        let mut paths: Vec<&str> = Vec::new();
        let named = keys.iter().filter_map(|(name, path)| Some(((*name).into(), path.as_deref()?)));
        let segments = self.draft.segments.iter().enumerate();
        let segments =
            segments.map(|(at, segment)| (format!("keys.segments.{at}"), segment.path.as_str()));
        for (name, path) in named.chain(segments) {
            if paths.contains(&path) {
                self.diagnostics
                    .error(
                        self.places.value(&name),
                        format!("two keys read the same path `{path}`"),
                    )
                    .help("remove one of them");
            }
            paths.push(path);
        }
    }

    fn baseline(&mut self) {
        match (self.draft.from_us, self.draft.to_us) {
            (Some(from), Some(to)) if from >= to => {
                self.diagnostics
                    .error(
                        self.places.value("baseline.to"),
                        "the baseline's span is empty: `to` is not after `from`",
                    )
                    .help("swap them, or correct the year");
            }
            (Some(_), None) | (None, Some(_)) => {
                let (there, missing) =
                    if self.draft.from_us.is_some() { ("from", "to") } else { ("to", "from") };
                self.diagnostics
                    .error(
                        self.places.key(&format!("baseline.{there}")),
                        format!("`baseline.{there}` without `baseline.{missing}`"),
                    )
                    .help(format!("add `{missing}`: the span has two ends"));
            }
            _ => {}
        }
        for (first, second) in [("file", "from"), ("learn", "from")] {
            if self.places.has(&format!("baseline.{first}"))
                && self.places.has(&format!("baseline.{second}"))
            {
                self.diagnostics
                    .error(
                        self.places.key(&format!("baseline.{second}")),
                        format!("`baseline.{first}` and `baseline.{second}` cannot be combined"),
                    )
                    .help("a baseline is learned from the first events, learned from a span, or loaded from a file: choose one");
            }
        }
        if self.places.has("baseline.on_new_version") && self.draft.version.is_none() {
            self.diagnostics
                .warning(
                    self.places.key("baseline.on_new_version"),
                    "`on_new_version` has no effect: no version is read",
                )
                .help("add version = \"...\" to [keys]");
        }
    }

    fn metrics(&mut self) {
        for (at, metric) in self.draft.metrics.iter().enumerate() {
            let (name, path) = (metric.name(), metric.path());
            let full = format!("metrics.{name}");
            if name.is_empty() || name.len() > 128 || name.chars().any(char::is_control) {
                self.diagnostics.error(
                    self.places.key(&full),
                    "a metric's name has 1 to 128 characters, none of them control characters",
                );
            }
            self.scalars(&full, metric);
            let twin =
                self.draft.metrics.iter().take(at).find(|other| {
                    other.path() == path && other.settings.kind == metric.settings.kind
                });
            if let Some(other) = twin.map(MetricDraft::name) {
                self.diagnostics
                    .warning(
                        self.places.key(&full),
                        format!("the metrics `{other}` and `{name}` are the same"),
                    )
                    .help("drop one: each costs a share of the budget");
            }
            let own = [&self.draft.time_path, &self.draft.id];
            if own.into_iter().any(|own| own.as_deref() == Some(path)) {
                self.diagnostics
                    .warning(self.places.key(&full), format!("the metric `{name}` reads the event's time or id, which is different in every event"))
                    .help("drop it");
            }
        }
    }

    fn scalars(&mut self, full: &str, metric: &MetricDraft) {
        let fitting = scalars_of(metric.settings.kind);
        if self.places.is_wrong(&format!("{full}.kind")) {
            return;
        }
        for (at, scalar) in metric.scalars.iter().enumerate() {
            if fitting.contains(&scalar.as_str()) {
                continue;
            }
            let takes = match fitting {
                [] => "a vector has no scalars".to_owned(),
                fitting => format!("allowed: {}", fitting.join(", ")),
            };
            let kind = kind_name(metric.settings.kind);
            self.diagnostics
                .error(
                    self.places.value(&format!("{full}.scalars.{at}")),
                    format!("`{scalar}` does not fit `{full}`, which is a {kind}"),
                )
                .label(takes);
        }
    }
}

/// The scalars that a kind can have.
fn scalars_of(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Number => &["mean", "p99"],
        Kind::Category => &["distinct"],
        Kind::Flag => &["ratio"],
        Kind::Vector => &[],
    }
}

/// The settings and files of a draft whose paths of time and model are known.
pub(super) fn settings(draft: Draft, time_path: String, model: String) -> (Settings, Files) {
    let mut keys = vec![FieldPath(model)];
    let mut key_names = vec!["model".to_owned()];
    let has_version = draft.version.is_some();
    if let Some(version) = draft.version {
        keys.push(FieldPath(version));
        key_names.push("version".into());
    }
    for Segment { name, path } in draft.segments {
        keys.push(FieldPath(path));
        key_names.push(name);
    }
    let mut fields = Vec::new();
    let mut metrics = Vec::new();
    for metric in draft.metrics {
        fields.push(MetricField {
            name: metric.name().to_owned(),
            path: FieldPath(metric.path().to_owned()),
            kind: metric.settings.kind,
        });
        metrics.push(metric_settings(metric));
    }
    let range_us = draft.from_us.zip(draft.to_us);
    let time = TimeField { path: FieldPath(time_path), format: draft.time_format };
    let settings = Settings {
        pipeline: draft.pipeline,
        layout: Layout {
            time,
            keys,
            model_default: draft.model_default,
            id: draft.id.map(FieldPath),
            metrics: fields,
        },
        key_names,
        has_version,
        metrics,
        time: draft.time,
        baseline: BaselineSettings { range_us, ..draft.baseline },
        detect: draft.detect,
        alert: draft.alert,
        scalars: draft.scalars,
        limits: draft.limits,
    };
    (settings, draft.files)
}

/// The settings of a metric.
pub(super) fn metric_settings(metric: MetricDraft) -> MetricSettings {
    let has = |scalar: &str| metric.scalars.iter().any(|said| said == scalar);
    MetricSettings {
        mean: has("mean"),
        p99: has("p99"),
        distinct: has("distinct"),
        ratio: has("ratio"),
        ..metric.settings
    }
}
