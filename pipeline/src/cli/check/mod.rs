//! `driftline check`: a config's errors all at once, what it resolves to, and how it fits a sample.

mod coverage;
mod live;
mod marks;

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;
use serde_json::{Value, json};

use self::coverage::Coverage;
use self::live::Grade;
use self::marks::{Marks, counted};
use super::{FOUND, Terminal, USAGE};
use crate::config::duration::format_us;
use crate::config::options::kind_name;
use crate::config::{self, Files, ParsedConfig};
use crate::model::settings::{Fleet, OnNewVersion, Settings};

/// Check a config, and whether it fits a sample of events
///
/// Reports all errors at once, each with its line and the remedy. With a sample, up to 10,000 events
/// are read as a replay would read them, and each configured path is counted: found, null, invalid. A
/// path that never occurs is a warning that names the nearest path that does. If the config has a
/// [kafka] section, connection, topics, ACLs, state and port are checked, too.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  driftline check                                  Check driftline.toml
  driftline check bots.toml --sample events.ndjson Check that it fits the events
  driftline check --offline                        Only the config, not the brokers
  driftline check --format json | jq .settings     What the config resolves to, in full

Exit codes: 0 valid; 1 brokers, topics or state are not usable, no event can be read, or there are
warnings and --deny-warnings is given; 2 errors in the config; 3 a file is missing.")]
pub struct Args {
    /// The config
    #[arg(default_value = config::DEFAULT_PATH)]
    config: PathBuf,
    /// Events to try it on: a file, folder, glob or `-`; may be repeated
    #[arg(long, value_name = "FILE")]
    sample: Vec<String>,
    /// Check only the config, not brokers, topics and state
    #[arg(long)]
    offline: bool,
    /// Fail on warnings, too
    #[arg(long)]
    deny_warnings: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Lines for people
    #[default]
    Text,
    /// One JSON object: diagnostics, settings, sample
    Json,
}

/// Checks.
pub fn run(args: Args, terminal: &Terminal) -> anyhow::Result<ExitCode> {
    let reading = match args.offline {
        true => config::read_file(&args.config)?,
        false => config::read_live(&args.config)?,
    };
    let coverage = match (&reading.config, args.sample.is_empty()) {
        (Some((settings, files)), false) => Some(Coverage::read(settings, files, &args.sample)?),
        _ => None,
    };
    let live = match (&reading.config, &reading.live) {
        (Some((settings, _)), Some(live)) if reading.has_kafka && !args.offline => {
            Some((live, live::look(settings, live)))
        }
        _ => None,
    };
    match args.format {
        Format::Json => {
            let mut all = as_json(&reading, coverage.as_ref());
            if let (Value::Object(all), Some((_, lines))) = (&mut all, &live) {
                all.insert("live".into(), live::to_json(lines));
            }
            terminal.print(&format!("{all:#}\n"))?;
        }
        Format::Text => {
            tell(&args, &reading, coverage.as_ref(), terminal)?;
            if let Some((live, lines)) = &live {
                let marks = Marks::new(terminal.color_out());
                terminal.print(&live::to_text(live, lines, &marks))?;
            }
        }
    }
    let grades = || live.iter().flat_map(|(_, lines)| lines).map(|line| line.grade);
    let unusable = grades().any(|grade| grade == Grade::Wrong);
    let doubtful = grades().any(|grade| grade == Grade::Doubt);
    let (errors, warnings) = reading.diagnostics.count();
    let unread = coverage.as_ref().is_some_and(|coverage| coverage.events == 0);
    let warned =
        warnings > 0 || doubtful || coverage.is_some_and(|coverage| !coverage.warnings.is_empty());
    Ok(match (errors > 0, unread || unusable || (warned && args.deny_warnings)) {
        (true, _) => ExitCode::from(USAGE),
        (false, true) => ExitCode::from(FOUND),
        (false, false) => ExitCode::SUCCESS,
    })
}

fn as_json(reading: &ParsedConfig, coverage: Option<&Coverage>) -> Value {
    let mut all = reading.diagnostics.to_json();
    if let Value::Object(all) = &mut all {
        let settings = reading.config.as_ref().map(|(settings, _)| json!(settings));
        all.insert("settings".into(), settings.unwrap_or_default());
        all.insert("sample".into(), coverage.map(Coverage::to_json).unwrap_or_default());
    }
    all
}

fn tell(
    args: &Args,
    reading: &ParsedConfig,
    coverage: Option<&Coverage>,
    terminal: &Terminal,
) -> anyhow::Result<()> {
    let (errors, warnings) = reading.diagnostics.count();
    if errors + warnings > 0 {
        terminal.tell_always(&reading.diagnostics.render(terminal.color_err()));
    }
    let name = args.config.display();
    let Some((settings, files)) = &reading.config else {
        terminal.error(&format!("{name} has {}", counted(errors, "error")));
        return Ok(());
    };
    let marks = Marks::new(terminal.color_out());
    let mut text = match warnings {
        0 => format!("{} {name} is valid\n", marks.right),
        some => format!("{} {name} is usable, with {}\n", marks.doubt, counted(some, "warning")),
    };
    text.push_str(&summary(settings, files));
    if let Some(coverage) = coverage {
        text.push_str(&coverage.to_text(&marks));
    }
    terminal.print(&text)?;
    Ok(())
}

/// What the config resolves to, in brief.
fn summary(settings: &Settings, files: &Files) -> String {
    let layout = &settings.layout;
    let keys = settings.key_names.iter().zip(&layout.keys);
    let mut keys: Vec<String> = keys.map(|(name, path)| named(name, &path.0)).collect();
    keys.extend(layout.id.as_ref().map(|path| named("id", &path.0)));
    let metrics = settings.metrics.iter().map(|metric| {
        let unit = if metric.unit.is_empty() { "" } else { ", " };
        format!("{} ({}{unit}{})", metric.name, kind_name(metric.kind), metric.unit)
    });
    let time = &settings.time;
    let limits = &settings.limits;
    let rows = [
        ("pipeline", settings.pipeline.clone()),
        (
            "time",
            format!(
                "{}, panes of {}, windows of {}, lateness {}",
                layout.time.path.0,
                format_us(time.pane_us),
                format_us(time.window_us),
                format_us(time.lateness_us)
            ),
        ),
        ("keys", keys.join(", ")),
        ("metrics", metrics.collect::<Vec<_>>().join(", ")),
        ("baseline", baseline(settings, files)),
        (
            "budget",
            match settings.detect.fleet {
                Fleet::Budget => {
                    let budget = settings.detect.budget_per_week;
                    format!("false alarms a week, over all series: {budget}")
                }
                Fleet::Share => {
                    let share = settings.detect.false_share_per_week;
                    format!("share of false findings that a week may add, over all series: {share}")
                }
            },
        ),
        (
            "limits",
            format!(
                "{} series, {} bytes a record, {} open panes, {} rejects written",
                limits.series_max,
                limits.record_bytes_max,
                limits.panes_open_max,
                limits.rejects_written_max
            ),
        ),
    ];
    let mut text = String::new();
    for (name, value) in rows {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "  {name:<10}{value}");
    }
    text
}

fn baseline(settings: &Settings, files: &Files) -> String {
    let baseline = &settings.baseline;
    let source = match (&files.baseline, baseline.range_us) {
        (Some(path), _) => format!("from {}", path.display()),
        (None, Some((from, to))) => {
            format!(
                "from the events of the configured span of {}",
                format_us(to.saturating_sub(from))
            )
        }
        (None, None) => format!(
            "learned from the first {} events and {} of each series; rare series stop after {}",
            baseline.learn_events,
            format_us(baseline.learn_us),
            format_us(baseline.learn_most_us)
        ),
    };
    match (settings.has_version, baseline.on_new_version) {
        (false, _) => source,
        (true, OnNewVersion::Compare) => {
            format!("{source}; a new version is compared with the one before")
        }
        (true, OnNewVersion::Learn) => format!("{source}; a new version learns its own"),
    }
}

fn named(name: &str, path: &str) -> String {
    if name == path { name.into() } else { format!("{name} = {path}") }
}
