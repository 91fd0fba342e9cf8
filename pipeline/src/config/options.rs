//! The one table of all options: name, form and range, default, meaning, and the setting where a value lands.
//!
//! Parsing, defaults (`Settings::default()`, too), errors, `driftline schema config` and `docs/config.md`
//! derive from the rows. A new option is one row here and the field of the settings that it lands in.

use std::path::PathBuf;

use super::draft::MetricDraft;
use super::form::Form;
use super::formats::input_formats;
use super::option::{D, H, MS, Opt, S, opt};
use super::section::Section;
use super::values::words;
use super::{live, presets};
use crate::model::Kind;
use crate::model::settings::{Fleet, OnNewVersion};

/// The section that holds one table a metric.
pub const METRICS: &str = "metrics";
/// What that section is for.
pub const METRICS_DOC: &str = "One table per metric, under a name of your choice. `metrics.NAME = false` drops a metric of the preset.";
/// Options that do nothing any more, by their full names, and what to know instead. Configs that name them
/// are still read, with a warning.
pub const RETIRED: &[(&str, &str)] = &[(
    "limits.exemplars_max",
    "leave it out: exemplars are not kept but found by reading again, with `driftline explain`",
)];
/// Widest zone: a change of ten standard deviations, or of odds by ten times, is never too small to matter.
pub const ZONE_MAX: f64 = 10.0;
/// Least and most false alarms a week that may be accepted.
pub const BUDGETS: (f64, f64) = (0.0001, 1_000_000.0);
/// Words of `scalars` of a metric.
pub const METRIC_SCALARS: &[&str] = &["mean", "p99", "distinct", "ratio"];
/// Words of `kind`, with their kinds.
const METRIC_KINDS: [(&str, Kind); 4] = [
    ("number", Kind::Number),
    ("category", Kind::Category),
    ("flag", Kind::Flag),
    ("vector", Kind::Vector),
];
const METRIC_KIND_WORDS: [&str; 4] = words(&METRIC_KINDS);

/// The word of a metric's kind.
pub fn kind_name(kind: Kind) -> &'static str {
    METRIC_KINDS.iter().find(|(_, known)| *known == kind).map_or("", |(word, _)| word)
}

/// All sections, in the order of the documentation.
pub fn sections() -> impl Iterator<Item = &'static Section> {
    SECTIONS.iter().chain(live::options::SECTIONS)
}

/// The sections that replay and live share.
static SECTIONS: &[Section] = &[
    Section {
        name: "",
        doc: "The top of the file, before the first section.",
        options: &[
            opt(
                "pipeline",
                Form::Text(|d, v| d.pipeline = v),
                "\"driftline\"",
                "Name of the pipeline; part of each finding's id.",
            ),
            opt(
                "preset",
                Form::Word(presets::NAMES, |d, v| d.preset = Some(v.into())),
                "",
                "Start from a ready-made config that this file overrides: keys, time and metrics of a common kind of event.",
            ),
        ],
    },
    Section {
        name: "input",
        doc: "What `driftline replay` reads when the command line names no path.",
        options: &[
            opt(
                "paths",
                Form::Texts(|d, v| {
                    d.files.input_paths = v.into_iter().map(PathBuf::from).collect()
                }),
                "[]",
                "Files, globs or folders; relative to the folder of this file. `-` is standard input.",
            ),
            opt(
                "format",
                Form::WordOf(input_formats, |d, v| {
                    d.files.input_format = (v != "auto").then(|| v.into())
                }),
                "\"auto\"",
                "Format of the input; `auto` goes by the extension, else by the content.",
            ),
        ],
    },
    Section {
        name: "time",
        doc: "Where the event time is, and how it is divided into panes. Everything is judged in event time.",
        options: &[
            opt(
                "path",
                Form::Path(|d, v| d.time_path = Some(v)),
                "",
                "Path of the event time. Required, unless a preset has it.",
            ),
            opt(
                "format",
                Form::TimeFormat(|d, v| d.time_format = v),
                "\"auto\"",
                "How it is written. `auto` takes RFC 3339 text, and numbers as an epoch whose unit follows from their size; a strftime pattern is read as UTC unless it contains an offset.",
            ),
            opt(
                "pane",
                Form::Duration(100 * MS, H, |d, v| d.time.pane_us = v),
                "\"10s\"",
                "Length of a pane, the shortest span that is judged.",
            ),
            opt(
                "window",
                Form::Duration(100 * MS, 7 * D, |d, v| d.time.window_us = v),
                "\"5m\"",
                "How often a series relearns what its recent events look like, which is how changes of an `other shape` are found: each such window is judged by the ones before it, older ones counting half as much each time. A multiple of the pane. Scores such as PSI do not depend on it: they cover the time since the onset.",
            ),
            opt(
                "lateness",
                Form::Duration(0, D, |d, v| d.time.lateness_us = v),
                "\"30s\"",
                "How far an event may be behind the newest of its file or partition and still be counted.",
            ),
            opt(
                "max_future",
                Form::Duration(0, 3650 * D, |d, v| d.files.max_future_us = v),
                "\"10m\"",
                "How far an event may be ahead of the wall clock at the start of a replay or, on Kafka, of its message's broker timestamp; later ones are rejected.",
            ),
            opt(
                "max_jump",
                Form::Duration(S, 3650 * D, |d, v| d.time.max_jump_us = v),
                "\"1d\"",
                "How far an event may be ahead of the newest before it; a longer leap counts only once later events confirm it, so one bad timestamp cannot advance the watermark.",
            ),
            opt(
                "not_before",
                Form::Instant(|d, v| d.time.not_before_us = v),
                "\"2000-01-01T00:00:00Z\"",
                "Events before this time are rejected: most likely a zero or a wrong unit.",
            ),
        ],
    },
    Section {
        name: "keys",
        doc: "What tells one series from another.",
        options: &[
            opt(
                "model",
                Form::Path(|d, v| d.model = Some(v)),
                "",
                "Path of the model's name. Required, unless a preset has it.",
            ),
            opt(
                "model_default",
                Form::Text(|d, v| d.model_default = Some(v)),
                "",
                "The model of events that name none: for logs of a single model. With it, `model` may be left out.",
            ),
            opt(
                "version",
                Form::Path(|d, v| d.version = Some(v)),
                "",
                "Path of the model's version.",
            ),
            opt(
                "segments",
                Form::Segments(|d, v| d.segments = v),
                "[]",
                "Paths whose values split a model's events into series of their own, such as a region. As a list, each is named by the last part of its path; as a table, by its key.",
            ),
            opt(
                "id",
                Form::Path(|d, v| d.id = Some(v)),
                "",
                "Path of the event's own id, by which `driftline explain` names examples.",
            ),
        ],
    },
    Section {
        name: "baseline",
        doc: "What is normal.",
        options: &[
            opt(
                "from",
                Form::Instant(|d, v| d.from_us = Some(v)),
                "",
                "Learn from the events of this span only, from here ...",
            ),
            opt("to", Form::Instant(|d, v| d.to_us = Some(v)), "", "... to here, exclusive."),
            opt(
                "file",
                Form::Text(|d, v| d.files.baseline = Some(v.into())),
                "",
                "Take the baselines from this file, made by `driftline baseline build`.",
            ),
            opt(
                "on_new_version",
                Form::Word(&["compare", "learn"], |d, v| {
                    d.baseline.on_new_version =
                        if v == "learn" { OnNewVersion::Learn } else { OnNewVersion::Compare }
                }),
                "\"compare\"",
                "A new version of a known model is compared with the previous version's baseline, or learns its own.",
            ),
            opt(
                "season_weeks_min",
                Form::Whole(0, 520, |d, v| d.baseline.season_weeks_min = v as u32),
                "2",
                "Profiles of the hour of the week are used where a baseline holds at least this many whole weeks; 0: never.",
            ),
        ],
    },
    Section {
        name: "baseline.learn",
        doc: "Learn from the first events of each series, until it has both of these.",
        options: &[
            opt(
                "events",
                Form::Whole(50, 1_000_000_000, |d, v| d.baseline.learn_events = v),
                "2000",
                "At least this many events.",
            ),
            opt(
                "time",
                Form::Duration(0, 3650 * D, |d, v| d.baseline.learn_us = v),
                "\"1h\"",
                "At least this much event time since the first one.",
            ),
            opt(
                "most",
                Form::Duration(0, 3650 * D, |d, v| d.baseline.learn_most_us = v),
                "\"14d\"",
                "A rare model stops learning after this long, if it has had 200 events by then.",
            ),
        ],
    },
    Section {
        name: "detect",
        doc: "How much evidence is required. There are no thresholds to set: they follow from the budget.",
        options: &[
            opt(
                "budget_per_week",
                Form::Real(BUDGETS.0, BUDGETS.1, |d, v| d.detect.budget_per_week = v),
                "1.0",
                "Acceptable false alarms a week, over everything that runs.",
            ),
            opt(
                "fleet",
                Form::Word(&["budget", "share"], |d, v| {
                    d.detect.fleet = if v == "share" { Fleet::Share } else { Fleet::Budget }
                }),
                "\"budget\"",
                "What is limited over everything that runs. `budget`: the number of false alarms; the series of one model may reach the required evidence together. `share`: the share of false findings, by the e-d-BH procedure: the more series cross in one pane, the less is required of each.",
            ),
            opt(
                "false_share_per_week",
                Form::Real(0.0001, 1_000_000.0, |d, v| d.detect.false_share_per_week = v),
                "0.1",
                "With `fleet = \"share\"`: whenever you stop, T weeks after the start, the expected share of false findings among all so far is at most T times this. Above 1 it promises nothing, but still sets the evidence required.",
            ),
            opt(
                "tick_events_min",
                Form::Whole(1, 1_000_000, |d, v| d.detect.tick_events_min = v as u32),
                "10",
                "A pane with fewer events of a series is merged into the next one before it is judged.",
            ),
            opt(
                "slack",
                Form::Real(0.0, 10.0, |d, v| d.detect.slack_z = v),
                "0.0",
                "Extra allowance for the baseline being an estimate, in standard errors. With 0 the budget holds on average over baselines, with 1 to 2 for nearly all of them, at the cost of delay.",
            ),
            opt(
                "scalar_zone",
                Form::Real(0.0, ZONE_MAX, |d, v| d.detect.scalar_zone_sigma = v),
                "0.5",
                "Change of a charted value (volume, mean, p99 ...) that is too small to matter, in standard deviations.",
            ),
            opt(
                "silence",
                Form::Duration(0, 365 * D, |d, v| d.detect.silence_us = v),
                "\"5m\"",
                "Shortest silence of a model, while others have events, that can be a finding; it also has to be longer than chance explains at that model's usual rate. \"0s\": never.",
            ),
        ],
    },
    Section {
        name: "alert",
        doc: "When an alert (the state of one model's findings) fires and resolves.",
        options: &[
            opt(
                "hold",
                Form::Duration(0, 7 * D, |d, v| d.alert.hold_us = v),
                "\"0s\"",
                "An alert stays pending for this long before it fires. If the change seems to be over by then, it keeps waiting: it resolves without having fired, or fires if the change goes on after all.",
            ),
            opt(
                "events_min",
                Form::Whole(0, 1_000_000_000, |d, v| d.alert.events_min = v),
                "30",
                "An alert stays pending until one of its findings rests on this many events since its onset; 0: no minimum. Silence and charted values are exempt, since they are not about single events.",
            ),
            opt(
                "resolve",
                Form::Duration(0, 30 * D, |d, v| d.alert.resolve_us = v),
                "\"5m\"",
                "An alert resolves once its series have looked like their baselines for twice as long as the change lasted: at least this long, and at most four times as long.",
            ),
        ],
    },
    Section {
        name: "scalars",
        doc: "Values charted once per span, as time series of their own.",
        options: &[
            opt(
                "volume",
                Form::Switch(|d, v| d.scalars.volume = v),
                "true",
                "Chart the number of events of each model.",
            ),
            opt(
                "every",
                Form::Duration(100 * MS, D, |d, v| d.scalars.every_us = v),
                "\"1m\"",
                "One value for each span of this length. A multiple of the pane.",
            ),
            opt(
                "learn",
                Form::Duration(H, 366 * D, |d, v| d.scalars.learn_us = v),
                "\"8d\"",
                "Event time that a profile learns from before it is judged: eight days cover nights and weekends; two are enough where all days are alike, and fourteen know each hour of the week better.",
            ),
        ],
    },
    Section {
        name: "output",
        doc: "Where `driftline replay` writes results; relative to the folder of this file. `-` is standard output.",
        options: &[
            opt(
                "findings",
                Form::Text(|d, v| d.files.findings = v.into()),
                "\"findings.ndjson\"",
                "Findings, one per line (`driftline schema finding`).",
            ),
            opt(
                "alerts",
                Form::Text(|d, v| d.files.alerts = v.into()),
                "\"alerts.ndjson\"",
                "Changes of alerts, one per line (`driftline schema alert`).",
            ),
            opt(
                "rejects",
                Form::Text(|d, v| d.files.rejects = v.into()),
                "\"rejects.ndjson\"",
                "Records that could not be read, one per line (`driftline schema reject`).",
            ),
        ],
    },
    Section {
        name: "limits",
        doc: "Bounds on memory and input. Events and series that are left out because of one are counted by its name.",
        options: &[
            opt(
                "record_bytes_max",
                Form::Whole(64, 1 << 28, |d, v| d.limits.record_bytes_max = v as usize),
                "1048576",
                "Longest record in bytes; a longer one is rejected.",
            ),
            opt(
                "depth_max",
                Form::Whole(1, 1024, |d, v| d.limits.depth_max = v as usize),
                "64",
                "Deepest nesting of a record; a deeper one is rejected.",
            ),
            opt(
                "label_bytes_max",
                Form::Whole(8, 65_536, |d, v| d.limits.label_bytes_max = v as usize),
                "256",
                "Longest key, category or id in bytes; a longer category or id is invalid, an event with a longer key is rejected.",
            ),
            opt(
                "vector_len_max",
                Form::Whole(1, 65_536, |d, v| d.limits.vector_len_max = v as usize),
                "4096",
                "Longest vector; a longer one is invalid.",
            ),
            opt(
                "series_max",
                Form::Whole(1, 10_000_000, |d, v| d.limits.series_max = v as usize),
                "100000",
                "Series (model, version, segments, metric) that may exist; events of further ones are refused and counted.",
            ),
            opt(
                "categories_learned_max",
                Form::Whole(2, 1_000_000, |d, v| d.limits.categories_learned_max = v as usize),
                "2048",
                "Distinct values of a category that are counted while a baseline is learned.",
            ),
            opt(
                "cells_learned_max",
                Form::Whole(64, 1_000_000, |d, v| d.limits.cells_learned_max = v as usize),
                "1024",
                "Distinct cells of a number that are kept while a baseline is learned.",
            ),
            opt(
                "vectors_learned_max",
                Form::Whole(16, 1_000_000, |d, v| d.limits.vectors_learned_max = v as usize),
                "512",
                "Vectors that are kept while a codebook is learned.",
            ),
            opt(
                "panes_open_max",
                Form::Whole(2, 1_000_000, |d, v| d.limits.panes_open_max = v as usize),
                "4096",
                "Panes that may be open at once, over all files or partitions.",
            ),
            opt(
                "files_open_max",
                Form::Whole(1, 4096, |d, v| d.limits.files_open_max = v as usize),
                "64",
                "Files that are read at the same time.",
            ),
            opt(
                "block_bytes",
                Form::Whole(4096, 1 << 28, |d, v| d.limits.block_bytes = v as usize),
                "1048576",
                "Bytes handed to a decoder at once.",
            ),
            opt(
                "rejects_written_max",
                Form::Whole(0, 1_000_000_000, |d, v| d.limits.rejects_written_max = v as usize),
                "1000000",
                "Rejects that are written; all are counted.",
            ),
        ],
    },
];

/// The options of one metric.
pub static METRIC_OPTIONS: &[Opt<MetricDraft>] = &[
    opt(
        "path",
        Form::Path(|m, v| m.path = Some(v)),
        "",
        "Path of its value. Default: the metric's name.",
    ),
    opt(
        "kind",
        Form::Word(&METRIC_KIND_WORDS, |m, v| {
            if let Some((_, kind)) = METRIC_KINDS.iter().find(|(word, _)| *word == v) {
                m.settings.kind = *kind;
            }
        }),
        "\"number\"",
        "How it is read: a `number`, a `category` (text from a limited set), a `flag` (true or false), a `vector` (an embedding).",
    ),
    opt("unit", Form::Text(|m, v| m.settings.unit = v), "", "Unit, for people: `ms`, `tokens`."),
    opt(
        "zone",
        Form::Real(0.0, ZONE_MAX, |m, v| {
            (m.settings.zone_sigma, m.settings.zone_odds) = (v, v);
        }),
        "0.1",
        "Change that is too small to matter: in standard deviations for numbers, as an odds ratio minus one otherwise.",
    ),
    opt(
        "scalars",
        Form::Words(METRIC_SCALARS, |m, v| m.scalars = v),
        "[]",
        "Also chart these once per span: `mean` and `p99` (number), `distinct` (category), `ratio` (flag).",
    ),
];

/// The section of that name.
pub fn section(name: &str) -> Option<&'static Section> {
    sections().find(|section| section.name == name)
}
