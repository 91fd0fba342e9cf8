//! `driftline replay`: months of logs through the engine, and what changed in them.

mod args;
mod compare;
mod ending;
mod outputs;
mod topics;

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;

pub use self::args::Args;
use self::ending::{close, set_budget};
use self::outputs::Outputs;
use super::Terminal;
use super::blind::Blind;
use super::disorder::Disorder;
use super::progress::Progress;
use super::summary::{Summary, Tally};
use crate::engine::{Engine, Input};
use crate::model::{Finding, RejectRecord};
use crate::runtime::replay::{Event, ReplayError, replay};

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
    let (mut tally, mut disorder, mut blind) =
        (Tally::default(), Disorder::default(), Blind::default());
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
                    tally.reject(reject.reason, (&reject.excerpt, &reject.detail));
                }
            }
            Event::Progress { bytes, time_us, events } => progress.show(bytes, time_us, events),
            Event::Input(Input::Batch(batch)) => {
                disorder.take(batch, &engine.settings().time);
                blind.take(batch);
            }
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
        notes: source
            .unread()
            .lines()
            .into_iter()
            .chain(disorder.lines(|file| source.name_of(file)))
            .collect(),
        blind: blind.lines(engine.settings().metrics.iter().map(|metric| metric.name.as_str())),
        color: false,
    };
    close(&args, terminal, outputs, summary)
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
