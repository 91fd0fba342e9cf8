//! The rooms of the house, as tables: see `map` for what they serve.
//!
//! A new folder is one row here; `just bless` then writes ARCHITECTURE.md anew.

use super::map::{Map, Room};

const fn room(name: &'static str, holds: &'static str, knows: &'static [&'static str]) -> Room {
    Room { name, holds, knows }
}

/// All maps.
pub(crate) const MAPS: &[&Map] = &[&DETECTORS, &PIPELINE, &ENGINE];

/// The folders of `detectors/`, the ground first.
const DETECTORS: Map = Map {
    name: "detectors",
    sources: "detectors/src",
    within: "",
    rooms: &[
        room(
            "math",
            "Special functions, tails, overshoot, the promise; nothing about streams.",
            &[],
        ),
        room("encoder", "A value becomes a small integer, its code; sketches that learn how.", &[]),
        room("dependence", "How much more sums vary than those of independent events.", &[]),
        room("arl", "Mean run lengths of charts by integral equations.", &["math"]),
        room(
            "score",
            "PSI, Jensen-Shannon, KS and the other known scores of two distributions.",
            &["math"],
        ),
        room("two_sample", "Tests of two samples, with p-values.", &["math", "score"]),
        room("anomaly", "A score for each value of a series, learned as it comes.", &["math"]),
        room(
            "baseline",
            "What a series looked like when all was well; frozen.",
            &["math", "encoder", "dependence"],
        ),
        room(
            "lanes",
            "Each way of having changed, as a table of log-likelihood ratios; counts times tables.",
            &["math", "encoder", "dependence", "baseline"],
        ),
        room(
            "classic",
            "ADWIN, Page-Hinkley, DDM and the other detectors that people know.",
            &["arl", "two_sample"],
        ),
        room(
            "temper",
            "What dependence costs a lane: from the baseline, and from watched ticks.",
            &["math", "dependence", "lanes"],
        ),
        room(
            "scalar",
            "Values of a pane (volume, p99) as a time series: season, level, autoregression.",
            &["math", "encoder", "dependence", "baseline", "lanes", "temper"],
        ),
        room(
            "evidence",
            "CUSUM and Shiryaev-Roberts over time, the budget, effect and blame.",
            &["math", "baseline", "lanes", "temper"],
        ),
    ],
};

/// The rooms of the engine, in the order of events.
const ENGINE: Map = Map {
    name: "engine",
    sources: "pipeline/src",
    within: "engine",
    rooms: &[
        room("input", "What the engine takes: events, and what is known of their partitions.", &[]),
        room("output", "What it gives: findings and alerts.", &[]),
        room("counters", "What became of each event, counted exactly.", &[]),
        room("key", "What names a group and a series.", &[]),
        room("decision", "What was decided, for those who tell it.", &[]),
        room("clock", "Which events count: the watermark of each partition.", &[]),
        room(
            "step",
            "One step: an input to its room; panes that all partitions have passed close.",
            &["input", "output", "clock"],
        ),
        room("series", "A watched series: its ticks, and when its finding is over.", &[]),
        room("count", "Events become counts, by pane and group.", &["key"]),
        room(
            "learn",
            "How a group gets its baselines, and the library of those.",
            &["key", "series", "count"],
        ),
        room(
            "chart",
            "Volume, means and the like of a model as time series.",
            &["key", "series", "count"],
        ),
        room(
            "report",
            "Findings, alerts, and looks at what is watched; nothing is decided here.",
            &["output", "key", "decision", "series", "count", "learn"],
        ),
        room(
            "judge",
            "Closing a pane: evidence is scored, and what has enough of it is decided about.",
            &["output", "key", "decision", "series", "count", "learn", "chart", "report"],
        ),
        room(
            "rerun",
            "Recorded ticks, and the same statistic run over them again (`tune`).",
            &["key", "series", "learn", "chart"],
        ),
        room(
            "machine",
            "The engine as a whole: its state, settings, and what can be asked of it.",
            &["counters", "key", "clock", "count", "learn", "chart", "report", "judge", "rerun"],
        ),
        room(
            "state",
            "The whole state as bytes and back, as a cheap copy, and under other settings.",
            &["series", "count", "learn", "judge", "machine"],
        ),
    ],
};

/// The folders of `pipeline/`.
const PIPELINE: Map = Map {
    name: "pipeline",
    sources: "pipeline/src",
    within: "",
    rooms: &[
        room("model", "What travels between stages? Plain data, every bound in `Limits`.", &[]),
        room("engine", "Which events count, when does a pane close, what does it say?", &["model"]),
        room(
            "codec",
            "Bytes to columns of only the configured paths; one bad record is one reject.",
            &["model"],
        ),
        room(
            "kafka",
            "How does one speak to brokers? Client config, faults in words, queries, topics.",
            &["model"],
        ),
        room(
            "synth",
            "Labelled synthetic telemetry, and scoring against its truth.",
            &["model", "codec"],
        ),
        room("plot", "Curves and bars as SVG, for the documentation.", &[]),
        room(
            "source",
            "Where do bytes come from? Files in blocks; Kafka by fetch threads, and the group's member.",
            &["codec", "kafka", "model"],
        ),
        room(
            "sink",
            "Where do results go? NDJSON files; Kafka by the commit thread; followers of what is committed.",
            &["kafka", "model"],
        ),
        room(
            "state",
            "Where are snapshots kept? A folder or an object store.",
            &["engine", "model"],
        ),
        room("telemetry", "What does it tell about itself? Never makes the flow wait.", &["model"]),
        room(
            "http",
            "Who may ask, and what is answered? Health, metrics, status, tap.",
            &["telemetry"],
        ),
        room(
            "runtime",
            "Threads, pacing by event time, order. The only place that orchestrates.",
            &["model", "engine", "codec", "kafka", "source", "sink", "state", "telemetry"],
        ),
        room(
            "config",
            "TOML to `Settings`, with errors that teach. One table of options.",
            &["model", "codec", "sink"],
        ),
        room(
            "cli",
            "One file a subcommand.",
            &[
                "model",
                "engine",
                "codec",
                "kafka",
                "source",
                "sink",
                "state",
                "runtime",
                "config",
                "telemetry",
                "http",
                "synth",
                "plot",
            ],
        ),
    ],
};
