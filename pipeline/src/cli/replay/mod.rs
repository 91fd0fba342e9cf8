//! `driftline replay`: months of logs through the engine, and what changed in them.

mod compare;
mod outputs;
mod topics;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use clap::ValueEnum;

use self::outputs::{OutputArgs, Outputs};
use self::topics::TopicArgs;
use super::input::InputArgs;
use super::progress::Progress;
use super::summary::{Summary, Tally};
use super::{FOUND, Terminal};
use crate::config::DEFAULT_PATH;
use crate::engine::Engine;
use crate::model::settings::{Fleet, Settings};
use crate::model::{Finding, RejectRecord, Status};
use crate::runtime::replay::{Event, ReplayError, replay};

const EXAMPLES: &str = "\
Examples:
  driftline replay logs/                                   All known files in a folder
  driftline replay 'logs/2026-1*.ndjson.gz' --from 2026-10-01 --to 2026-11-01
  zcat huge.gz | driftline replay - -c prod.toml           Standard input
  driftline replay logs/ --baseline good.baseline          Judge against an earlier baseline
  driftline replay logs/ --fail-on warning                 For CI: exit code 1 if anything changed
  driftline replay logs/ --findings - | jq .summary        Findings on standard output
  driftline replay --from-topic events --from 2026-11-01   A topic, as a live run sees it
  driftline replay --compare                               Compare a live run with a replay

Findings, alerts and rejects are written as NDJSON to the files in [output] of the config
(findings.ndjson, alerts.ndjson, rejects.ndjson); the summary goes to standard output.";

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
    /// An alert that is still firing at the end
    Firing,
}

/// Replay historical logs and report what changed
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    input: InputArgs,
    /// Baselines to judge against instead of learning them
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write the baselines that were used or learned
    #[arg(long, value_name = "FILE")]
    save_baseline: Option<PathBuf>,
    /// Acceptable false alarms a week, instead of the config's
    #[arg(long, value_name = "N")]
    budget: Option<f64>,
    #[command(flatten)]
    outputs: OutputArgs,
    /// Threads [default: one per core]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Exit with 1 if something of this kind was found
    #[arg(long, value_enum, default_value_t = FailOn::Never, value_name = "WHAT")]
    fail_on: FailOn,
    #[command(flatten)]
    topics: TopicArgs,
}

/// Runs it.
pub fn run(args: Args, terminal: &Terminal) -> anyhow::Result<ExitCode> {
    if args.topics.is_asked() {
        return topics::run(&args, terminal);
    }
    let (mut settings, files) = args.input.load()?;
    set_budget(&mut settings, args.budget)?;
    let source = args.input.source(&files)?;
    let mut engine = Engine::new(settings);
    if let Some(path) = args.baseline.as_ref().or(files.baseline.as_ref()) {
        super::baseline::load_into(&mut engine, path)?;
    }
    let mut outputs = Outputs::create(&args.outputs, &files)?;
    let mut tally = Tally::default();
    let progress = Progress::of_bytes(terminal, source.bytes_total());
    let begun = Instant::now();
    let threads = args
        .threads
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
    replay(&source, &mut engine, threads, |engine, event| -> anyhow::Result<()> {
        match event {
            Event::Output(output) => {
                outputs.write(&output.findings, &output.alerts)?;
                tally.add(&output.findings, &output.alerts);
            }
            Event::Rejects(rejects) => {
                for reject in rejects {
                    if tally.rejected() < engine.settings().limits.rejects_written_max as u64 {
                        let file = source.files().get(reject.partition as usize);
                        let file = file.map(|file| file.path.display().to_string());
                        outputs.reject(RejectRecord::of_file(reject, file.unwrap_or_default()))?;
                    }
                    tally.reject(reject.reason);
                }
            }
            Event::Progress { bytes, time_us, events } => progress.show(bytes, time_us, events),
            Event::Input(_) => {}
        }
        Ok(())
    })?;
    progress.finish();
    if let Some(path) = &args.save_baseline {
        super::baseline::write(&engine.baselines(false), path)?;
    }
    let files = source.files().len();
    let size =
        source.bytes_total().map_or(String::new(), |b| format!(", {:.1} MB", b as f64 / 1e6));
    let summary = Summary {
        engines: &[&engine],
        tally: &tally,
        elapsed: begun.elapsed(),
        source: format!("{files} file{}{size}", if files == 1 { "" } else { "s" }),
        color: false,
    };
    close(&args, terminal, outputs, summary)
}

/// Closes the results, tells the summary, and says whether it fails.
fn close(
    args: &Args,
    terminal: &Terminal,
    outputs: Outputs,
    mut summary: Summary<'_>,
) -> anyhow::Result<ExitCode> {
    let to_stdout = outputs.on_stdout;
    // `explain` looks where the default config says; what went to standard output is where it was put.
    let is_default =
        args.input.config == Path::new(DEFAULT_PATH) && args.outputs.findings.is_none();
    let path = match &outputs.findings {
        path if path == Path::new("-") => PathBuf::from("FILE"),
        path => path.clone(),
    };
    outputs.finish()?;
    summary.color = if to_stdout { terminal.color_err() } else { terminal.color_out() };
    let text = summary.render((!is_default).then_some(&path));
    if to_stdout {
        terminal.tell(&text)
    } else {
        terminal.print(&text)?
    }
    let tally = summary.tally;
    let fails = match args.fail_on {
        FailOn::Never => false,
        FailOn::Info => !tally.findings.is_empty(),
        FailOn::Warning => tally.findings.iter().any(|f| f.severity != "info"),
        FailOn::Critical => tally.findings.iter().any(|f| f.severity == "critical"),
        FailOn::Firing => tally.alerts.values().any(|a| a.status == Status::Firing),
    };
    Ok(if fails { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

/// Another budget than the config's.
fn set_budget(settings: &mut Settings, budget: Option<f64>) -> anyhow::Result<()> {
    if let Some(budget) = budget {
        anyhow::ensure!(budget > 0.0, "--budget must be above 0, for example 1 (a week)");
        anyhow::ensure!(
            settings.detect.fleet == Fleet::Budget,
            "--budget has no effect with [detect] fleet = \"share\": change \
             false_share_per_week in the config, or remove fleet"
        );
        settings.detect.budget_per_week = budget;
    }
    Ok(())
}

impl From<ReplayError> for std::io::Error {
    fn from(error: ReplayError) -> Self {
        std::io::Error::other(error)
    }
}

/// A finding's line in the summary; used by `explain`, too.
pub(super) fn read_findings(path: &Path) -> anyhow::Result<Vec<Finding>> {
    let text = std::fs::read_to_string(path).with_context(|| {
        format!("cannot read {}; run `driftline replay` first, or give --findings", path.display())
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
