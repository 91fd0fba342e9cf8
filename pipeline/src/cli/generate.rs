//! `driftline generate`: labelled synthetic telemetry into a folder.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use indicatif::{ProgressBar, ProgressStyle};

use super::Terminal;
use crate::synth::write::{FORMATS, Format};
use crate::synth::{Drift, Plan, PlanError, dataset, drift};

const EXAMPLES: &str = "\
Examples:
  driftline generate --out telemetry                     2,000,000 events, 6 h, five drifts
  driftline generate --out quiet --no-drift --seed 7     The same without drift, for false alarms
  driftline generate --out t --events 200000 --span 2h --drift scale:3:80m:size=1.2
  driftline generate --out t --drift unseen:agent-009:2h:value=shell --drift silence:4:3h:end=4h
  driftline replay -c telemetry/driftline.toml           Find them again

A drift is KIND:MODEL:START[:KEY=VALUE,..]. MODEL is a rank by traffic from 1, or a name; START is
the time since the beginning of the set; the keys are metric, size, share, value, over, end. Kinds:
";

fn after_long_help() -> String {
    let kinds = drift::DriftKind::ALL.iter();
    let lines = kinds.map(|kind| format!("  {:<10} {}\n", kind.name(), kind.help()));
    EXAMPLES.to_owned() + &lines.collect::<String>()
}

/// Write labelled synthetic telemetry: events, truth.json and a matching driftline.toml
#[derive(Debug, clap::Args)]
#[command(after_long_help = after_long_help())]
pub struct Args {
    /// Folder to write to; created if missing, files with the same names are replaced
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Format of the files
    #[arg(long, default_value = "ndjson",
        value_parser = PossibleValuesParser::new(FORMATS.iter().map(|format| format.extension)))]
    format: String,
    /// Number of events
    #[arg(long, default_value_t = Plan::default().events)]
    events: u64,
    /// Number of models
    #[arg(long, default_value_t = Plan::default().models)]
    models: usize,
    /// Exponent of the Zipf law of traffic by model
    #[arg(long, default_value_t = Plan::default().zipf)]
    zipf: f64,
    /// Start of the set, RFC 3339
    #[arg(long, default_value = "2026-03-02T08:00:00Z", value_name = "TIME", value_parser = start)]
    start: i64,
    /// Length of the set, in event time
    #[arg(long, default_value = "6h", value_name = "DURATION", value_parser = drift::duration_ms)]
    span: i64,
    /// Seed of every draw: the same seed and options give the same bytes
    #[arg(long, default_value_t = Plan::default().seed)]
    seed: u64,
    /// Split by time into this many files
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = files)]
    files: usize,
    /// Labelled change, instead of the five default ones; may be repeated; see --help
    #[arg(long, value_name = "KIND:MODEL:START..", conflicts_with = "no_drift")]
    drift: Vec<String>,
    /// No drift at all
    #[arg(long)]
    no_drift: bool,
    /// Random effects that all events of a model share for 10 s, in standard deviations of each number
    #[arg(long, default_value_t = 0.0, value_name = "SD")]
    overdispersion: f64,
    /// Add an `embedding` of this length
    #[arg(long, default_value_t = 0, value_name = "LENGTH")]
    vectors: usize,
}

fn start(text: &str) -> Result<i64, String> {
    chrono::DateTime::parse_from_rfc3339(text)
        .map(|time| time.timestamp_millis())
        .map_err(|error| format!("{error}; write for example 2026-03-02T08:00:00Z"))
}

fn files(text: &str) -> Result<usize, String> {
    let parsed = text.parse::<usize>().ok();
    let allowed = parsed.filter(|files| (1..=dataset::FILES_MAX).contains(files));
    allowed.ok_or_else(|| format!("expected a number from 1 to {}", dataset::FILES_MAX))
}

impl Args {
    fn plan(&self) -> Result<Plan, PlanError> {
        let mut plan = Plan {
            seed: self.seed,
            events: self.events,
            models: self.models,
            zipf: self.zipf,
            start_ms: self.start,
            span_ms: self.span,
            overdispersion: self.overdispersion,
            vectors: self.vectors,
            drifts: Vec::new(),
        };
        plan.check()?;
        plan.drifts = match (self.no_drift, self.drift.as_slice()) {
            (true, _) => Vec::new(),
            (_, []) => plan.default_drifts(),
            (_, given) => {
                given.iter().map(|given| Drift::parse(given, &plan)).collect::<Result<_, _>>()?
            }
        };
        plan.check()?;
        Ok(plan)
    }
}

/// Writes the set and says what was written.
pub fn run(args: Args, terminal: &Terminal) -> anyhow::Result<ExitCode> {
    let plan = args.plan()?;
    let format = Format::named(&args.format)
        .filter(|format| plan.vectors == 0 || format.vectors)
        .ok_or_else(|| PlanError::Range {
        name: "format",
        value: args.format.clone(),
        expected: "one that can hold vectors (not csv)",
    })?;
    let bar = progress(plan.events, terminal);
    let written =
        dataset::write(&plan, format, args.files, &args.out, &mut |done| bar.set_position(done))?;
    bar.finish_and_clear();
    let folder = args.out.display();
    terminal.tell(&format!(
        "{} events in {} file(s), {} bytes, {} labelled drift(s): {folder}/truth.json\n\
         Next: driftline replay -c {folder}/driftline.toml",
        written.events,
        written.files.len(),
        written.bytes,
        plan.drifts.len(),
    ));
    Ok(ExitCode::SUCCESS)
}

fn progress(events: u64, terminal: &Terminal) -> ProgressBar {
    if !terminal.progress() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(events);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {human_pos} events  {per_sec}  {eta}")
    {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
