//! Configuration: a TOML file to validated [`Settings`], and errors that name the remedy.
//!
//! One table ([`options`]) describes every option. Parsing, defaults, "did you mean", the JSON Schema
//! and the documentation page all derive from it, so they cannot disagree. Not here: what the settings
//! do, and any I/O besides reading the one file, and, where running live is asked for, the environment
//! variables and files that it names.

pub mod bytes;
mod defaults;
pub mod diagnostic;
pub mod draft;
pub mod duration;
mod external_text;
mod fault;
pub mod form;
pub mod formats;
pub mod infer;
mod live;
pub mod manual;
pub mod option;
pub mod options;
mod places;
pub mod presets;
mod read;
mod resolve;
pub mod schema;
mod secret_names;
mod secrets;
pub mod section;
mod values;

use std::path::{Path, PathBuf};

pub use diagnostic::{Diagnostic, Diagnostics, Level};
pub use draft::Files;
pub use external_text::Outside;

use crate::model::live::Live;
use crate::model::settings::Settings;

/// The config file that is read unless another is named.
pub const DEFAULT_PATH: &str = "driftline.toml";

/// Why there is no config.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error(
        "cannot read the config {path}: {cause}; name another with --config, or write one with `driftline init SAMPLE`"
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why. Not a `source`: the message tells it already.
        cause: std::io::Error,
    },
    /// The file was read, and is wrong.
    #[error("{0}")]
    Invalid(Diagnostics),
}

/// The result of reading a config text: settings if it has no errors, and all errors and warnings.
#[derive(Debug)]
pub struct ParsedConfig {
    /// The settings and files, unless there is an error.
    pub config: Option<(Settings, Files)>,
    /// Whether there is a section `[kafka]`.
    pub has_kafka: bool,
    /// How to run live; none if there is an error or no `[kafka]`, or if secrets and files were not read.
    pub live: Option<Live>,
    /// Errors and warnings, by place.
    pub diagnostics: Diagnostics,
}

/// Reads and validates a config file. Paths in it are relative to its folder. Environment variables and
/// files that it refers to are not read.
pub fn load(path: &Path) -> Result<(Settings, Files), ConfigError> {
    let reading = read_file(path)?;
    reading.config.ok_or(ConfigError::Invalid(reading.diagnostics))
}

/// As [`load`], with what running live needs: the section `[kafka]`, and the environment variables and
/// files that the config names.
pub fn load_live(path: &Path) -> Result<(Settings, Files, Live), ConfigError> {
    let mut reading = read_live(path)?;
    if !reading.has_kafka && !reading.diagnostics.has_errors() {
        reading
            .diagnostics
            .error(0..0, "there is no section [kafka], so there is nothing to read live")
            .help("add [kafka] with brokers = \"host:9092\" and [source] with topics = [\"...\"]; logs in files are read by `driftline replay`");
    }
    match (reading.config, reading.live) {
        (Some((settings, files)), Some(live)) => Ok((settings, files, live)),
        _ => Err(ConfigError::Invalid(reading.diagnostics)),
    }
}

/// As [`load`], with the warnings.
pub fn read_file(path: &Path) -> Result<ParsedConfig, ConfigError> {
    Ok(parse(&text_of(path)?, &path.display().to_string()).in_folder(path))
}

/// As [`load_live`], with the warnings, and without asking for `[kafka]`.
pub fn read_live(path: &Path) -> Result<ParsedConfig, ConfigError> {
    let text = text_of(path)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let outside = Outside { variable: &|name| std::env::var(name).ok(), folder };
    Ok(parse_live(&text, &path.display().to_string(), &outside).in_folder(path))
}

fn text_of(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |cause| ConfigError::Unreadable { path: path.to_owned(), cause };
    let bytes = std::fs::read(path).map_err(unreadable)?;
    String::from_utf8(bytes).map_err(|error| {
        unreadable(std::io::Error::new(std::io::ErrorKind::InvalidData, error.utf8_error()))
    })
}

/// Reads and validates a config text; `name` is what errors call it. Environment variables and files that it
/// refers to are not read.
pub fn parse(text: &str, name: &str) -> ParsedConfig {
    parse_with(text, name, None)
}

/// As [`parse`], and reads the environment variables and files that it refers to.
pub fn parse_live(text: &str, name: &str, outside: &Outside<'_>) -> ParsedConfig {
    parse_with(text, name, Some(outside))
}

fn parse_with(text: &str, name: &str, outside: Option<&Outside<'_>>) -> ParsedConfig {
    let mut diagnostics = Diagnostics::new(name, text);
    let (mut config, mut live, mut has_kafka) = (None, None, false);
    if let Some((draft, places)) = read::read(text, &mut diagnostics) {
        has_kafka = places.has("kafka");
        live = live::resolve::resolve(&draft, &places, outside, &mut diagnostics);
        config = resolve::resolve(draft, &places, &mut diagnostics);
    }
    diagnostics.sort();
    if diagnostics.has_errors() {
        (config, live) = (None, None);
    }
    ParsedConfig { config, has_kafka, live, diagnostics }
}

impl ParsedConfig {
    /// Makes the paths of files relative to the folder of the config.
    fn in_folder(mut self, path: &Path) -> Self {
        if let (Some((_, files)), Some(folder)) = (&mut self.config, path.parent()) {
            files.resolve_in(folder);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::options::{METRIC_OPTIONS, sections};
    use super::*;
    use crate::model::{Kind, Limits};

    const SMALL: &str = "[time]\npath='ts'\n[keys]\nmodel='m'\n[metrics.latency_ms]\n";

    fn good(text: &str) -> (Settings, Files) {
        let reading = parse(text, "t.toml");
        assert!(reading.diagnostics.items().is_empty(), "{}", reading.diagnostics);
        reading.config.expect("no errors, so there is a config")
    }

    #[test]
    fn defaults_of_the_table_are_readable_and_those_of_the_model() {
        let (settings, files) = good(SMALL);
        assert_eq!(settings.limits, Limits::default());
        assert_eq!(settings.time.pane_us, 10_000_000);
        assert_eq!(settings.time.not_before_us, 946_684_800_000_000);
        assert_eq!(settings.baseline.learn_events, 2000);
        assert_eq!(files.findings, Path::new("findings.ndjson"));
        assert_eq!(settings.metrics[0].zone_sigma, 0.1);
        let mut names: Vec<String> = sections()
            .flat_map(|s| s.options.iter().map(move |o| format!("{}.{}", s.name, o.name)))
            .collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all, "an option is given twice in the table");
        assert!(METRIC_OPTIONS.iter().all(|option| !option.doc.is_empty()));
    }

    #[test]
    fn file_overrides_preset() {
        let (settings, _) = good(
            "preset = 'llm'\n[keys]\nsegments = { area = 'geo.region' }\n[metrics]\nerror = false\n\
             [metrics.latency_ms]\nscalars = ['p99']\n[metrics.tool]\nkind = 'category'\n",
        );
        let names: Vec<&str> = settings.metrics.iter().map(|metric| metric.name.as_str()).collect();
        let expected =
            ["latency_ms", "ttft_ms", "input_tokens", "output_tokens", "finish_reason", "tool"];
        assert_eq!(names, expected);
        assert_eq!(settings.metrics[0].unit, "ms");
        assert!(settings.metrics[0].p99);
        assert_eq!(settings.metrics[5].kind, Kind::Category);
        assert_eq!(settings.layout.metrics[2].path.0, "usage.input_tokens");
        assert_eq!(settings.key_names, ["model", "version", "area"]);
    }

    #[test]
    fn every_preset_is_a_config() {
        for name in presets::NAMES {
            good(&format!("preset = '{name}'"));
        }
    }

    #[test]
    fn paths_are_relative_to_the_folder_of_the_file() {
        let (_, mut files) = good(&format!("[input]\npaths=['-', 'logs/*.gz', '/abs']\n{SMALL}"));
        files.resolve_in(Path::new("there"));
        let paths: Vec<_> = files.input_paths.iter().map(|path| path.to_string_lossy()).collect();
        assert_eq!(paths, ["-", "there/logs/*.gz", "/abs"]);
        assert_eq!(files.alerts, Path::new("there/alerts.ndjson"));
    }

    #[test]
    fn no_text_panics() {
        // Every cut of a rich text, at every character, is either read or told to be wrong.
        let text = include_str!("presets/llm.toml");
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            let reading = parse(&text[..end], "cut");
            assert!(reading.config.is_some() || reading.diagnostics.has_errors());
            reading.diagnostics.render(true);
        }
    }
}
