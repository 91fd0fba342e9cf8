//! The rooms of the house, as tables: see `map` for what they serve.
//!
//! A new folder is one row here; `DRIFTLINE_BLESS=1` then writes ARCHITECTURE.md anew.

use super::map::{Map, Room};

const fn room(name: &'static str, holds: &'static str, knows: &'static [&'static str]) -> Room {
    Room { name, holds, knows }
}

/// All maps.
pub(crate) const MAPS: &[&Map] = &[&PIPELINE];

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
