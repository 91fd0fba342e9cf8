//! `driftline replay`: months of logs through the engine, and what changed in them.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};

use super::summary::{Summary, Tally};
use super::{FOUND, Terminal};
use crate::codec::CODECS;
use crate::config::{self, DEFAULT_PATH, Files};
use crate::engine::Engine;
use crate::model::settings::Settings;
use crate::model::{Finding, Status, time};
use crate::runtime::replay::{Event, ReplayError, replay};
use crate::sink::ndjson::{Lines, WriteError};
use crate::source::FileSource;

const EXAMPLES: &str = "\
Examples:
  driftline replay logs/                                   all known files in a folder
  driftline replay 'logs/2026-1*.ndjson.gz' --from 2026-10-01 --to 2026-11-01
  zcat huge.gz | driftline replay - -c prod.toml           standard input
  driftline replay logs/ --baseline good.baseline          judge against a baseline made before
  driftline replay logs/ --fail-on warning                 exit code 1 if anything fires: for CI
  driftline replay logs/ --findings - | jq .summary        findings on standard output

Findings, alerts and rejects are written as NDJSON, by default where the config says
([output]: findings.ndjson, alerts.ndjson, rejects.ndjson); the summary goes to standard output.";

/// What makes the exit code 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// Nothing
    Never,
    /// A finding of any severity
    Info,
    /// A finding of severity warning or critical
    Warning,
    /// A finding of severity critical
    Critical,
    /// An alert that is firing at the end
    Firing,
}

/// Replay historical logs and report what changed
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Files, folders, globs, or - for standard input; default: [input].paths of the config
    paths: Vec<String>,
    /// The config
    #[arg(long, short, default_value = DEFAULT_PATH, value_name = "FILE")]
    config: PathBuf,
    /// Only events from this time on (RFC 3339 or a date)
    #[arg(long, value_name = "TIME", value_parser = instant)]
    from: Option<i64>,
    /// Only events before this time
    #[arg(long, value_name = "TIME", value_parser = instant)]
    to: Option<i64>,
    /// Format of the input, where extension and content do not tell
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,
    /// Baselines to judge against instead of learning them
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write the baselines that were used or learned
    #[arg(long, value_name = "FILE")]
    save_baseline: Option<PathBuf>,
    /// False alarms a week that are acceptable, instead of the config's
    #[arg(long, value_name = "N")]
    budget: Option<f64>,
    /// Where findings go; - is standard output
    #[arg(long, value_name = "FILE")]
    findings: Option<PathBuf>,
    /// Where alerts go
    #[arg(long, value_name = "FILE")]
    alerts: Option<PathBuf>,
    /// Where rejects go
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Threads; default: one for each core
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Exit with 1 where something of this kind was found
    #[arg(long, value_enum, default_value_t = FailOn::Never, value_name = "WHAT")]
    fail_on: FailOn,
}

/// An instant on the command line: RFC 3339, or a date, meaning its begin in UTC.
pub(super) fn instant(text: &str) -> Result<i64, String> {
    time::from_rfc3339(text)
        .or_else(|| time::from_rfc3339(&format!("{text}T00:00:00Z")))
        .or_else(|| time::from_rfc3339(&format!("{text}Z")))
        .ok_or_else(|| "expected a time such as 2026-10-01 or 2026-10-01T08:30:00Z".into())
}

/// Runs it.
pub fn run(args: Args, terminal: &Terminal) -> anyhow::Result<ExitCode> {
    let (mut settings, files) = config::load(&args.config)?;
    if let Some(budget) = args.budget {
        anyhow::ensure!(budget > 0.0, "--budget must be above 0, for example 1 (a week)");
        settings.detect.budget_per_week = budget;
    }
    limit_time(&mut settings, &files, args.from, args.to)?;
    let source = find_source(&args.paths, args.format.as_deref(), &files)?;
    let mut engine = Engine::new(settings);
    if let Some(path) = args.baseline.as_ref().or(files.baseline.as_ref()) {
        super::baseline::load_into(&mut engine, path)?;
    }
    let mut outputs = Outputs::create(&args, &files)?;
    let mut tally = Tally::default();
    let progress = Progress::new(terminal, source.bytes_total());
    let begun = Instant::now();
    let threads = args
        .threads
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
    replay(&source, &mut engine, threads, |engine, event| -> anyhow::Result<()> {
        match event {
            Event::Output(output) => {
                output.findings.iter().try_for_each(|f| outputs.findings.write(f))?;
                output.alerts.iter().try_for_each(|a| outputs.alerts.write(a))?;
                tally.add(output);
            }
            Event::Rejects(rejects) => {
                for reject in rejects {
                    if tally.rejected() < engine.settings().limits.rejects_written_max as u64 {
                        let file = source.files().get(reject.partition as usize);
                        outputs.rejects.write(&super::summary::RejectLine::new(reject, file))?;
                    }
                    tally.reject(reject.reason);
                }
            }
            Event::Progress { bytes, time_us, events } => progress.show(bytes, time_us, events),
        }
        Ok(())
    })?;
    progress.finish();
    if let Some(path) = &args.save_baseline {
        super::baseline::write(&engine.baselines(false), path)?;
    }
    let to_stdout = outputs.on_stdout;
    outputs.finish()?;
    let text = Summary {
        engine: &engine,
        tally: &tally,
        elapsed: begun.elapsed(),
        bytes: source.bytes_total(),
        files: source.files().len(),
        color: if to_stdout { terminal.color_err() } else { terminal.color_out() },
    }
    .render();
    if to_stdout {
        terminal.tell(&text)
    } else {
        terminal.print(&text)?
    }
    let fails = match args.fail_on {
        FailOn::Never => false,
        FailOn::Info => !tally.findings.is_empty(),
        FailOn::Warning => tally.findings.iter().any(|f| f.severity != "info"),
        FailOn::Critical => tally.findings.iter().any(|f| f.severity == "critical"),
        FailOn::Firing => tally.alerts.values().any(|a| a.status == Status::Firing),
    };
    Ok(if fails { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

/// Sets which times are looked at: up to the wall clock, and the span that was asked for.
pub(super) fn limit_time(
    settings: &mut Settings,
    files: &Files,
    from: Option<i64>,
    to: Option<i64>,
) -> anyhow::Result<()> {
    if let (Some(from), Some(to)) = (from, to) {
        anyhow::ensure!(from < to, "--from must be before --to");
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let now_us = i64::try_from(now.as_micros()).unwrap_or(i64::MAX);
    settings.time.not_after_us = now_us.saturating_add(files.max_future_us);
    if from.is_some() || to.is_some() {
        settings.time.only_us = Some((from.unwrap_or(i64::MIN), to.unwrap_or(i64::MAX)));
    }
    Ok(())
}

/// The files to read: those of the command line, else those of the config.
pub(super) fn find_source(
    paths: &[String],
    format: Option<&str>,
    files: &Files,
) -> anyhow::Result<FileSource> {
    let format = format.or(files.input_format.as_deref()).filter(|f| *f != "auto");
    let format = match format {
        Some(name) => {
            Some(CODECS.iter().find(|c| c.name == name).map(|c| c.format).with_context(|| {
                let known: Vec<_> = CODECS.iter().map(|c| c.name).collect();
                format!("unknown format `{name}`; expected one of {}", known.join(", "))
            })?)
        }
        None => None,
    };
    let configured: Vec<String>;
    let paths = if paths.is_empty() {
        configured = files.input_paths.iter().map(|p| p.display().to_string()).collect();
        &configured
    } else {
        paths
    };
    anyhow::ensure!(
        !paths.is_empty(),
        "nothing to read: name files, folders or - (standard input), or set [input].paths in the config"
    );
    Ok(FileSource::find(paths, format)?)
}

/// The three result files.
struct Outputs {
    findings: Lines,
    alerts: Lines,
    rejects: Lines,
    on_stdout: bool,
}

impl Outputs {
    fn create(args: &Args, files: &Files) -> Result<Self, WriteError> {
        let pick = |asked: &Option<PathBuf>, configured: &Path| -> PathBuf {
            asked.clone().unwrap_or_else(|| configured.to_owned())
        };
        let paths = [
            pick(&args.findings, &files.findings),
            pick(&args.alerts, &files.alerts),
            pick(&args.rejects, &files.rejects),
        ];
        Ok(Self {
            findings: Lines::create(&paths[0])?,
            alerts: Lines::create(&paths[1])?,
            rejects: Lines::create(&paths[2])?,
            on_stdout: paths.iter().any(|p| p.as_os_str() == "-"),
        })
    }

    fn finish(self) -> Result<(), WriteError> {
        self.findings.finish()?;
        self.alerts.finish()?;
        self.rejects.finish()?;
        Ok(())
    }
}

/// A bar with rate and ETA, where a person looks.
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn new(terminal: &Terminal, bytes: Option<u64>) -> Self {
        if !terminal.progress() {
            return Self(ProgressBar::hidden());
        }
        let template = match bytes {
            Some(_) => "{bar:30} {percent:>3} %  {binary_bytes_per_sec:>12}  {eta} left  {msg}",
            None => "{spinner} {binary_bytes:>10}  {binary_bytes_per_sec:>12}  {msg}",
        };
        let bar = match bytes {
            Some(bytes) => ProgressBar::new(bytes),
            None => ProgressBar::new_spinner(),
        };
        let style = ProgressStyle::with_template(template);
        Self(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    pub(super) fn show(&self, bytes: u64, time_us: Option<i64>, events: u64) {
        if self.0.is_hidden() {
            return;
        }
        self.0.set_position(bytes);
        let at = time_us.map_or(String::new(), |t| format!("at {}", time::rfc3339(t)));
        self.0.set_message(format!("{events} events {at}"));
    }

    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

impl From<ReplayError> for std::io::Error {
    fn from(error: ReplayError) -> Self {
        std::io::Error::other(error)
    }
}

/// A finding's line in the summary; used by `explain`, too.
pub(super) fn read_findings(path: &Path) -> anyhow::Result<Vec<Finding>> {
    let text = std::fs::read_to_string(path).with_context(|| {
        format!("cannot read {}; run `driftline replay` first, or name the file", path.display())
    })?;
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| {
            serde_json::from_str(line)
                .with_context(|| format!("{}:{}: not a finding", path.display(), number + 1))
        })
        .collect()
}
