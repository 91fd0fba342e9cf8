//! `driftline explain`: why a finding fired, step by step; and on request the events behind it.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use super::examples::{Examples, examples};
use super::instance::{readable, readable_record};
use super::replay::read_findings;
use super::summary::{self, grouped};
use super::{Terminal, bars};
use crate::config::{self, DEFAULT_PATH};
use crate::model::Finding;
use crate::model::finding::{
    BaselineRecord, CarrierRecord, CodeRecord, EvidenceRecord, ScoreRecord,
};

const EXAMPLES: &str = "\
Examples:
  driftline explain 803fc4c6                                    The beginning of an id is enough
  driftline explain 803fc4c6 --findings october.ndjson
  driftline explain 803fc4c6 --baseline used.baseline logs/     Add its most surprising events

`driftline replay --save-baseline FILE` writes the baselines that a replay used.";

/// Width of the bar that shows how near the statistic is to its threshold.
const BAR: f64 = 24.0;

/// Show why a finding fired
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// Id of the finding, or the beginning of it
    id: String,
    /// The events, to show the most surprising ones since the onset; needs --baseline
    paths: Vec<String>,
    /// File with the findings [default: as in the config]
    #[arg(long, value_name = "FILE")]
    findings: Option<PathBuf>,
    /// The config
    #[arg(long, short, default_value = DEFAULT_PATH, value_name = "FILE")]
    config: PathBuf,
    /// The baselines that the replay used
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// How many events to show
    #[arg(long, default_value_t = 5, value_name = "N")]
    examples: usize,
}

/// Runs it.
pub fn run(args: Args, terminal: &Terminal) -> anyhow::Result<ExitCode> {
    let path = match &args.findings {
        Some(path) => path.clone(),
        None => config::load(&args.config)?.1.findings,
    };
    let findings = read_findings(&path)?;
    let id = args.id.to_lowercase();
    let found: Vec<&Finding> = findings.iter().filter(|f| f.id.starts_with(&id)).collect();
    let finding = match found.as_slice() {
        [one] => one,
        [] => anyhow::bail!("no finding `{id}` among {} in {}", findings.len(), path.display()),
        many => {
            let ids: Vec<&str> = many.iter().take(5).map(|f| f.id.as_str()).collect();
            anyhow::bail!(
                "`{id}` matches {} findings: {}; give more digits",
                many.len(),
                ids.join(", ")
            )
        }
    };
    // Names in a finding are other people's text.
    let mut text = explain(&readable_record::<Finding>(finding)?);
    if let Some(baseline) = &args.baseline {
        let (mut settings, files) = config::load(&args.config)?;
        super::input::limit_time(&mut settings, &files, None, None);
        let source = super::input::find_source(&args.paths, None, &files)?;
        let wanted = Examples { finding, baseline, most: args.examples };
        text.push_str(
            &examples(&wanted, settings, &source).context("the events behind the finding")?,
        );
    }
    let lines: Vec<String> = text.lines().map(readable).collect();
    terminal.print(&format!("{}\n", lines.join("\n")))?;
    Ok(ExitCode::SUCCESS)
}

/// Everything that a finding says, as text.
fn explain(finding: &Finding) -> String {
    let mut out = String::new();
    what(&mut out, finding);
    why(&mut out, &finding.evidence);
    reference(&mut out, &finding.baseline);
    carriers(&mut out, &finding.carriers);
    codes(&mut out, &finding.codes);
    if !finding.distribution.is_empty() {
        let _ = writeln!(out, "\nBaseline (█) and since the onset (▒)");
        out.push_str(&bars::two(&finding.distribution));
    }
    steps(&mut out, finding);
    scores(&mut out, &finding.scores);
    out
}

/// Natural to decimal logarithm.
fn log10(nats: f64) -> f64 {
    nats / std::f64::consts::LN_10
}

fn what(out: &mut String, finding: &Finding) {
    let Finding { evidence, effect, .. } = finding;
    let _ = writeln!(out, "Finding {}\n{}\n", finding.id, finding.summary);
    let _ =
        writeln!(out, "  what      {} is {} ({})", finding.metric, finding.change, finding.kind);
    let _ = writeln!(out, "  how much  {}", summary::effect(effect));
    let _ = writeln!(
        out,
        "  since     {}, decided at {} ({:.0} s later, {} ticks)",
        finding.onset, finding.detected_at, finding.delay_s, evidence.ticks_since_onset
    );
}

fn why(out: &mut String, evidence: &EvidenceRecord) {
    let _ = writeln!(
        out,
        "  why       the mixture statistic reached 10^{:.2} (required: 10^{:.2}):",
        log10(evidence.log_mixture),
        log10(evidence.log_threshold)
    );
    let _ = match (evidence.false_share_per_week, evidence.together) {
        (Some(share), together) => writeln!(
            out,
            "            {} series, {} crossed together; a week may add {} to the share of false findings ({})",
            grouped(evidence.series),
            grouped(together.unwrap_or(1)),
            share,
            evidence.promise
        ),
        (None, _) => writeln!(
            out,
            "            {} series share a budget of {} false alert(s) a week ({})",
            grouped(evidence.series),
            evidence.budget_per_week,
            evidence.promise
        ),
    };
    if evidence.temper < 1.0 {
        let _ = writeln!(
            out,
            "            evidence is discounted to {:.0} %: events within a pane depend on each other",
            evidence.temper * 100.0
        );
    }
}

fn reference(out: &mut String, baseline: &BaselineRecord) {
    let _ = writeln!(
        out,
        "  baseline  {} ({}), {} to {}, {} events\n",
        baseline.version,
        baseline.source,
        baseline.from,
        baseline.to,
        grouped(baseline.events)
    );
}

fn carriers(out: &mut String, carriers: &[CarrierRecord]) {
    if carriers.is_empty() {
        return;
    }
    let _ = writeln!(out, "Together with these series (10^.. is the evidence of each)");
    for carrier in carriers {
        let of = carrier.version.iter().chain(carrier.segments.values());
        let of: Vec<&str> = of.map(String::as_str).filter(|part| !part.is_empty()).collect();
        let _ = writeln!(
            out,
            "  {:<28} {:<16} {}  since {}  10^{:.2}  {}",
            carrier.metric,
            carrier.change,
            summary::effect_size(&carrier.effect.unit, carrier.effect.value),
            carrier.onset,
            log10(carrier.log_mixture),
            of.join(" ")
        );
    }
    let _ = writeln!(out, "\nThe rest is about the first of them.\n");
}

fn codes(out: &mut String, codes: &[CodeRecord]) {
    if codes.is_empty() {
        return;
    }
    let _ = writeln!(out, "Driven by");
    for code in codes {
        let _ = writeln!(
            out,
            "  {:<28} {:>7.2} % -> {:>7.2} %  {:+.2} nats",
            code.label,
            code.baseline_share * 100.0,
            code.share * 100.0,
            code.evidence
        );
    }
}

fn scores(out: &mut String, scores: &[ScoreRecord]) {
    if scores.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "\nScores since the onset, as if events were independent (for information; they decide nothing)"
    );
    for score in scores {
        let corrected = score.corrected.map_or(String::new(), |c| format!("  corrected {c:.4}"));
        let p = score.p_value.map_or(String::new(), |p| format!("  p {p:.2e}"));
        let _ = writeln!(out, "  {:<14} {:>10.4}{corrected}{p}", score.name, score.value);
    }
}

fn steps(out: &mut String, finding: &Finding) {
    if finding.steps.is_empty() {
        return;
    }
    let threshold = finding.evidence.log_threshold;
    let _ = writeln!(
        out,
        "\nThe last ticks (threshold 10^{:.2})\n  {:<22} {:>7} {:>9} {:>8} {:>8}",
        log10(threshold),
        "tick",
        "events",
        "evidence",
        "cusum",
        "log10 M"
    );
    for step in &finding.steps {
        let part = (step.log_mixture / threshold).clamp(0.0, 1.0);
        let bar = "▮".repeat((part * BAR) as usize);
        let mark = if step.log_mixture >= threshold { " crossed" } else { "" };
        let _ = writeln!(
            out,
            "  {:<22} {:>7} {:>+9.2} {:>8.2} {:>8.2} {bar}{mark}  {}",
            step.at,
            step.events,
            step.evidence,
            step.cusum,
            log10(step.log_mixture),
            step.lane
        );
    }
}
