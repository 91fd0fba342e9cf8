//! `driftline evaluate`: findings and alerts against the truth of a generated set.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use super::form::Form;
use super::{FOUND, Terminal};
use crate::synth::evaluate::{Evaluation, Unexplained, evaluate};
use crate::synth::results::Results;
use crate::synth::truth::Truth;

const EXAMPLES: &str = "\
Examples:
  driftline evaluate telemetry/truth.json telemetry/findings.ndjson telemetry/alerts.ndjson
  driftline evaluate truth.json findings.ndjson --false-max 1   Exit with 1 if a drift was missed or
                                                                more than one finding is false";

/// Score findings and alerts against the truth of a generated set
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    /// The set's truth.json
    truth: PathBuf,
    /// NDJSON of findings, alerts, or both
    #[arg(required = true)]
    results: Vec<PathBuf>,
    /// Exit with 1 if a drift was missed, or if more than N alerts (findings, if no alerts are given)
    /// are false
    #[arg(long, value_name = "N")]
    false_max: Option<usize>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
}

/// Prints the score.
pub fn run(args: Args, terminal: &Terminal) -> anyhow::Result<ExitCode> {
    let open = |path: &PathBuf| {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        anyhow::Ok(BufReader::new(file))
    };
    let truth: Truth = serde_json::from_reader(open(&args.truth)?).with_context(|| {
        format!("{} is not the truth.json of a generated set", args.truth.display())
    })?;
    let inputs = args.results.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    let evaluation = evaluate(&truth, &Results::read(inputs)?)?;
    terminal.print(&match args.format {
        Form::Json => serde_json::to_string_pretty(&evaluation)? + "\n",
        Form::Text => text(&evaluation),
    })?;
    let wrong = match evaluation.alerts {
        0 => evaluation.false_findings.len(),
        _ => evaluation.false_alerts.len(),
    };
    let missed = evaluation.drifts.len() - evaluation.found();
    let failed = args.false_max.is_some_and(|max| missed > 0 || wrong > max);
    Ok(if failed { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

/// The score as a table for people.
pub(super) fn text(evaluation: &Evaluation) -> String {
    let mut text =
        format!("{:<20} {:<50} {:>9} {:>11}  found on\n", "model", "drift", "delay", "onset error");
    for drift in &evaluation.drifts {
        let minutes = |seconds: Option<f64>, sign: bool| match seconds {
            None => "-".to_owned(),
            Some(seconds) if sign => format!("{:+.1} min", seconds / 60.0),
            Some(seconds) => format!("{:.1} min", seconds / 60.0),
        };
        let found = match &drift.found_on {
            None => "MISSED".to_owned(),
            Some(metric) => format!("{metric}, findings: {}", drift.findings),
        };
        text += &format!(
            "{:<20} {:<50} {:>9} {:>11}  {found}\n",
            drift.model,
            drift.words,
            minutes(drift.delay_s, false),
            minutes(drift.onset_error_s, true)
        );
    }
    text += &format!(
        "\nfound {} of {} drifts; {} of {} findings false",
        evaluation.found(),
        evaluation.drifts.len(),
        evaluation.false_findings.len(),
        evaluation.findings
    );
    if evaluation.alerts > 0 {
        text +=
            &format!("; {} of {} alerts false", evaluation.false_alerts.len(), evaluation.alerts);
    }
    text.push('\n');
    for (title, unexplained) in
        [("false finding", &evaluation.false_findings), ("false alert", &evaluation.false_alerts)]
    {
        text.extend(unexplained.iter().map(|of| line(title, of)));
    }
    text
}

fn line(title: &str, unexplained: &Unexplained) -> String {
    let Unexplained { model, metric, detected_at, why } = unexplained;
    format!("{title}: {model} {metric} at {detected_at}: {why}\n")
}
