//! The demo over files: telemetry is written into a folder and replayed.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;

use crate::cli::Terminal;
use crate::cli::summary::grouped;
use crate::config;
use crate::engine::Engine;
use crate::model::{Finding, Status};
use crate::runtime::replay::{Event, replay};
use crate::sink::lines::Lines;
use crate::synth::write::Format;
use crate::synth::{Plan, Truth, dataset, evaluate::evaluate, results::Results};

/// Runs it.
pub(super) fn run(plan: &Plan, out: &Path, terminal: &Terminal) -> anyhow::Result<ExitCode> {
    let format = Format::named("ndjson").context("ndjson is a format")?;
    let folder = out.display();
    terminal.print(&format!(
        "Driftline demo: {} inference events of {} models over 6 hours, written to {folder}/\n",
        grouped(plan.events),
        plan.models
    ))?;
    let written = dataset::write(plan, format, 1, out, &mut |_| {})?;
    let truth: Truth = serde_json::from_reader(open(&out.join("truth.json"))?)?;
    let mut text = String::from("\nFive changes were injected:\n");
    for drift in &truth.drifts {
        text += &format!("  at {}  {:<18} {}\n", drift.onset, drift.model, drift.words);
    }
    text += "\nReplaying. The first hour of each model is its baseline; the engine is told nothing else.\n\n";
    terminal.print(&text)?;

    let (settings, _) = config::load(&out.join("driftline.toml"))?;
    let inputs: Vec<String> = written.files.iter().map(|f| f.display().to_string()).collect();
    let source = crate::source::FileSource::find(&inputs, None)?;
    let mut engine = Engine::new(settings);
    let mut findings = Lines::create(&out.join("findings.ndjson"))?;
    let mut alerts = Lines::create(&out.join("alerts.ndjson"))?;
    let mut found: Vec<Finding> = Vec::new();
    let mut firing = 0;
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let begun = Instant::now();
    replay(&source, &mut engine, threads, |_, event| -> anyhow::Result<()> {
        let Event::Output(output) = event else { return Ok(()) };
        for finding in &output.findings {
            findings.write(finding)?;
            terminal.print(&format!("  {}\n", finding.summary))?;
            found.push(finding.clone());
        }
        for alert in &output.alerts {
            alerts.write(alert)?;
            firing += usize::from(alert.status == Status::Firing);
        }
        Ok(())
    })?;
    findings.finish()?;
    alerts.finish()?;
    let seconds = begun.elapsed().as_secs_f64().max(1e-3);
    let mut text = format!(
        "\n{} events in {seconds:.1} s: {} events/s, {} series watched, {} alert lines\n\n",
        grouped(engine.counters().events),
        grouped((engine.counters().events as f64 / seconds) as u64),
        grouped(engine.watched_series()),
        firing
    );
    let results = ["findings.ndjson", "alerts.ndjson"].map(|name| out.join(name));
    let results = results.iter().map(|path| open(path)).collect::<anyhow::Result<Vec<_>>>()?;
    text += &crate::cli::evaluate::text(&evaluate(&truth, &Results::read(results)?)?);
    let first = found.first().map_or("ID", |f| &f.id[..8.min(f.id.len())]);
    text += &format!(
        "\nWhat to try next:\n\
         \x20 driftline explain {first} -c {folder}/driftline.toml      why it fired, step by step\n\
         \x20 driftline evaluate {folder}/truth.json {folder}/findings.ndjson {folder}/alerts.ndjson\n\
         \x20 driftline init your-events.ndjson -o driftline.toml   a config for your own logs\n\
         \x20 driftline replay your-logs/                           and what changed in them\n"
    );
    terminal.print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn open(path: &Path) -> anyhow::Result<BufReader<File>> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    Ok(BufReader::new(file))
}
