//! `driftline baseline build|show|diff`: frozen references, as files that people can look at.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;
use driftline_detectors::encoder::Encoder;
use driftline_detectors::score::window_scores;

use super::input::InputArgs;
use super::instance::readable;
use super::progress::Progress;
use super::summary::grouped;
use super::{FOUND, Terminal};
use crate::engine::{BaselineEntry, Engine};
use crate::model::Kind;
use crate::model::time::rfc3339;
use crate::runtime::replay::{Event, replay};
use crate::sink::lines::Lines;

const EXAMPLES: &str = "\
Examples:
  driftline baseline build logs/september/ -o good.baseline
  driftline baseline show good.baseline --model gpt-4o
  driftline baseline diff good.baseline october.baseline
  driftline replay logs/october/ --baseline good.baseline";

/// Build, show and compare baselines
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Build baselines from all given events
    Build(Build),
    /// Show what is in a baseline file
    Show(Show),
    /// Compare two baseline files; exit with 1 if a series differs by more than --above
    Diff(Diff),
}

#[derive(Debug, clap::Args)]
struct Build {
    #[command(flatten)]
    input: InputArgs,
    /// Write the baselines to this file; - is standard output
    #[arg(long, short, default_value = "baseline.ndjson", value_name = "FILE")]
    output: PathBuf,
}

#[derive(Debug, clap::Args)]
struct Show {
    /// A baseline file
    file: PathBuf,
    /// Only this model
    #[arg(long)]
    model: Option<String>,
    /// Only this metric
    #[arg(long)]
    metric: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Diff {
    /// The older file
    old: PathBuf,
    /// The newer file
    new: PathBuf,
    /// Report series whose bias-corrected PSI is above this
    #[arg(long, default_value_t = 0.02, value_name = "PSI")]
    above: f64,
}

/// Runs it.
pub fn run(args: Args, terminal: &Terminal) -> anyhow::Result<ExitCode> {
    match args.what {
        What::Build(args) => build(&args, terminal),
        What::Show(args) => show(&args, terminal),
        What::Diff(args) => diff(&args, terminal),
    }
}

/// Writes baselines, one a line.
pub(super) fn write(entries: &[BaselineEntry], path: &Path) -> anyhow::Result<()> {
    let mut lines = Lines::create(path)?;
    entries.iter().try_for_each(|entry| lines.write(entry))?;
    lines.finish()?;
    Ok(())
}

/// Reads a baseline file into an engine, before its first event.
pub(super) fn load_into(engine: &mut Engine, path: &Path) -> anyhow::Result<()> {
    let entries = read(path)?;
    anyhow::ensure!(!entries.is_empty(), "{} has no baselines", path.display());
    for entry in &entries {
        let metric = engine.settings().metrics.iter().find(|metric| metric.name == entry.metric);
        let kind = kind_of(&entry.baseline.encoder);
        let words = |kind: Kind| format!("{kind:?}").to_lowercase();
        if let Some(metric) = metric.filter(|metric| metric.kind != kind) {
            anyhow::bail!(
                "{}: the baseline of {} is of kind {}, but the config says {}: rebuild it with `driftline baseline build`",
                path.display(),
                entry.metric,
                words(kind),
                words(metric.kind)
            );
        }
    }
    let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    engine.load_baselines(entries, &format!("file {name}"));
    Ok(())
}

fn kind_of(encoder: &Encoder) -> Kind {
    match encoder {
        Encoder::Number(_) => Kind::Number,
        Encoder::Category(_) => Kind::Category,
        Encoder::Flag(_) => Kind::Flag,
        Encoder::Vector(_) => Kind::Vector,
    }
}

pub(super) fn read(path: &Path) -> anyhow::Result<Vec<BaselineEntry>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the baseline {}", path.display()))?;
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| {
            let entry: BaselineEntry = serde_json::from_str(line).with_context(|| {
                format!(
                    "{}:{}: not a baseline; build one with `driftline baseline build`",
                    path.display(),
                    number + 1
                )
            })?;
            if let Some(fault) = entry.baseline.fault() {
                anyhow::bail!(
                    "{}:{}: {fault}; the file was edited, cut off or is too old: rebuild it with `driftline baseline build`",
                    path.display(),
                    number + 1
                );
            }
            Ok(entry)
        })
        .collect()
}

fn build(args: &Build, terminal: &Terminal) -> anyhow::Result<ExitCode> {
    let (mut settings, files) = args.input.load()?;
    // All events that are given are the baseline: learn without end, then freeze.
    settings.baseline.endless = true;
    settings.baseline.range_us = None;
    let source = args.input.source(&files)?;
    let mut engine = Engine::new(settings);
    let progress = Progress::of_bytes(terminal, source.bytes_total());
    let mut rejected = 0;
    replay(&source, &mut engine, 2, |_, event| -> anyhow::Result<()> {
        match event {
            Event::Rejects(rejects) => rejected += rejects.len(),
            Event::Progress { bytes, time_us, events } => progress.show(bytes, time_us, events),
            Event::Input(_) | Event::Output(_) => {}
        }
        Ok(())
    })?;
    progress.finish();
    let entries = engine.baselines(true);
    anyhow::ensure!(
        !entries.is_empty(),
        "no group has 50 events or more ({} events in all, {rejected} rejected): give more, or try `driftline check --sample`",
        engine.counters().events
    );
    write(&entries, &args.output)?;
    terminal.tell(&format!(
        "{} baselines of {} events written to {}",
        grouped(entries.len() as u64),
        grouped(engine.counters().events),
        args.output.display()
    ));
    Ok(ExitCode::SUCCESS)
}

fn show(args: &Show, terminal: &Terminal) -> anyhow::Result<ExitCode> {
    let mut out = String::new();
    for entry in read(&args.file)? {
        let wanted = args.model.as_ref().is_none_or(|m| entry.keys.get("model") == Some(m))
            && args.metric.as_ref().is_none_or(|m| *m == entry.metric);
        if !wanted {
            continue;
        }
        let baseline = &entry.baseline;
        let _ = writeln!(
            out,
            "{}  {} events, {} to {}, version {}",
            name_of(&entry),
            grouped(baseline.events()),
            rfc3339(baseline.provenance.from_us),
            rfc3339(baseline.provenance.to_us),
            readable(&entry.version)
        );
        let weights: Vec<f64> = baseline.counts.iter().map(|n| *n as f64).collect();
        if let Encoder::Number(encoder) = &baseline.encoder {
            let at = |q| encoder.quantile(&weights, q).map_or("-".into(), |v| format!("{v:.4}"));
            let _ = writeln!(out, "  p1 {}  p50 {}  p99 {}", at(0.01), at(0.5), at(0.99));
        }
        out.push_str(&super::bars::one(baseline));
    }
    terminal.print(&out)?;
    Ok(ExitCode::SUCCESS)
}

fn diff(args: &Diff, terminal: &Terminal) -> anyhow::Result<ExitCode> {
    let (old, new) = (read(&args.old)?, read(&args.new)?);
    let find = |entry: &BaselineEntry, among: &[BaselineEntry]| {
        among.iter().position(|o| o.keys == entry.keys && o.metric == entry.metric)
    };
    let mut rows = Vec::new();
    let mut out = String::new();
    for entry in &new {
        let Some(before) = find(entry, &old).map(|at| &old[at]) else {
            let _ = writeln!(out, "only in the new file: {}", name_of(entry));
            continue;
        };
        let counts = recode(&entry.baseline, &before.baseline);
        let psi = window_scores(&before.baseline.counts, &counts, None)
            .into_iter()
            .find(|score| score.name == "psi");
        if let Some((corrected, p)) = psi.and_then(|s| s.corrected.zip(s.p_value))
            && corrected > args.above
        {
            rows.push((corrected, p, name_of(entry)));
        }
    }
    for entry in old.iter().filter(|entry| find(entry, &new).is_none()) {
        let _ = writeln!(out, "only in the old file: {}", name_of(entry));
    }
    rows.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.2.cmp(&b.2)));
    for (psi, p, name) in &rows {
        let _ = writeln!(out, "psi {psi:.3} (p {p:.1e})  {name}");
    }
    if rows.is_empty() {
        let _ = writeln!(out, "No series differs by a PSI of more than {}.", args.above);
    }
    terminal.print(&out)?;
    Ok(if rows.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

/// The counts of a baseline in the codes of another: by its bins' shares of the other's, or by label.
fn recode(
    from: &driftline_detectors::baseline::Baseline,
    to: &driftline_detectors::baseline::Baseline,
) -> Vec<u64> {
    let mut counts = vec![0; to.encoder.codes()];
    let mut ordered = 0;
    if let (Encoder::Number(a), Encoder::Number(b)) = (&from.encoder, &to.encoder) {
        ordered = from.encoder.ordered();
        let recoded = a.recode(&from.counts, b);
        counts[..recoded.len()].copy_from_slice(&recoded);
    }
    for (code, n) in from.counts.iter().enumerate().skip(ordered) {
        let target = match (&from.encoder, &to.encoder) {
            (from_encoder, to_encoder) if code == from_encoder.null() => to_encoder.null(),
            (from_encoder, to_encoder) if code == from_encoder.invalid() => to_encoder.invalid(),
            (Encoder::Category(a), Encoder::Category(b)) => match a.values().get(code) {
                Some(value) => b.encode(value),
                None => b.values().len() + usize::from(code > a.values().len()),
            },
            (Encoder::Flag(_), Encoder::Flag(_)) => code,
            _ => to.encoder.invalid(),
        };
        counts[target] += n;
    }
    counts
}

fn name_of(entry: &BaselineEntry) -> String {
    let keys: Vec<&str> =
        entry.keys.values().map(String::as_str).filter(|v| !v.is_empty()).collect();
    let model = entry.keys.get("model").map_or("", String::as_str);
    let others: Vec<&str> = keys.into_iter().filter(|k| *k != model).collect();
    let others =
        if others.is_empty() { String::new() } else { format!(" [{}]", others.join(", ")) };
    readable(&format!("{model}{others} {}", entry.metric))
}
