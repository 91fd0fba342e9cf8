//! `driftline tap`: a sampled look into a running instance.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use serde_json::Value;

use super::Terminal;
use super::instance::{DEFAULT_URL, Instance, parse, readable};
use crate::telemetry::At;

/// Print samples of what flows through a running instance
///
/// A tap never slows the instance down: if it reads too slowly it loses samples, and says how many. On a
/// terminal a sample is a line of text, in a pipe a line of JSON.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  driftline tap                                    Evidence of all series, as panes close
  driftline tap --at decode --every 1000           Every thousandth event, as it was read
  driftline tap --at panes --model chat --limit 5  Counts of the next five panes of a model
  driftline tap --metric latency_ms | jq .sample   As JSON, for other programs")]
pub struct Args {
    /// Where to look: events as decoded, counts of closed panes, or evidence of closed panes
    #[arg(long, value_parser = At::ALL.map(At::name), default_value = At::Scores.name(), value_name = "PLACE")]
    at: String,
    /// Only this model
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Only this metric
    #[arg(long, value_name = "NAME")]
    metric: Option<String>,
    /// Only one in N of these
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    every: u64,
    /// Stop after this many samples
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// URL of the instance
    #[arg(long, value_name = "URL", default_value = DEFAULT_URL)]
    url: String,
    /// Print JSON lines even on a terminal
    #[arg(long)]
    json: bool,
}

/// Notes without a sample after which a word is said about it.
const QUIET_NOTES: u32 = 4;

/// Prints samples until the limit, the end of the instance, or the user's.
pub fn run(args: Args, terminal: &Terminal) -> anyhow::Result<ExitCode> {
    let every = args.every.to_string();
    let mut query = vec![("at", args.at.as_str()), ("every", every.as_str())];
    query.extend(args.model.iter().map(|model| ("model", model.as_str())));
    query.extend(args.metric.iter().map(|metric| ("metric", metric.as_str())));
    let json = args.json || !io::stdout().is_terminal();

    let mut out = terminal.out();
    let (mut printed, mut told_drops, mut quiet) = (0, 0, 0);
    for line in Instance::at(&args.url)?.lines("/tap", &query)? {
        let line = line?;
        let sample: Value = parse(&line)?;
        if let Some(note) = sample.get("tap") {
            let dropped = note.get("dropped").and_then(Value::as_u64).unwrap_or(0);
            if dropped > told_drops {
                terminal.tell(&format!(
                    "{dropped} samples dropped so far; use --every N to take fewer"
                ));
            }
            told_drops = dropped;
            quiet += 1;
            if printed == 0 && quiet == QUIET_NOTES {
                terminal
                    .tell("nothing yet; check --model and --metric, or wait for a pane to close");
            }
            continue;
        }
        match json {
            true => writeln!(out, "{line}")?,
            false => writeln!(out, "{}", text(&sample))?,
        }
        out.flush()?;
        printed += 1;
        if args.limit == Some(printed) {
            return Ok(ExitCode::SUCCESS);
        }
    }
    terminal.tell("the instance ended the tap");
    Ok(ExitCode::SUCCESS)
}

/// A sample as a line: what it is of, then its fields.
fn text(sample: &Value) -> String {
    let word = |name: &str| sample.get(name).and_then(Value::as_str).map(readable);
    let mut line: Vec<String> = ["model", "metric"].into_iter().filter_map(word).collect();
    match sample.get("sample") {
        Some(Value::Object(fields)) => {
            line.extend(
                fields.iter().map(|(name, value)| format!("{}={}", readable(name), field(value))),
            );
        }
        Some(other) => line.push(field(other)),
        None => {}
    }
    line.join("  ")
}

fn field(value: &Value) -> String {
    match value {
        Value::String(text) => readable(text),
        // Six digits are enough for eyes.
        Value::Number(n) if n.is_f64() => n.as_f64().map_or_else(String::new, short),
        other => readable(&other.to_string()),
    }
}

fn short(x: f64) -> String {
    let rounded = format!("{x:.5e}").parse().unwrap_or(x);
    rounded.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_sample_is_a_line() {
        let sample = json!({
            "at": "scores", "model": "chat\u{1b}[2J", "metric": "latency_ms",
            "sample": {"pane": "2026-11-21T08:15:30Z", "evidence": 1.0 / 3.0, "lanes": [1, 2], "n": 120}
        });
        assert_eq!(
            text(&sample),
            "chat\u{fffd}[2J  latency_ms  pane=2026-11-21T08:15:30Z  evidence=0.333333  lanes=[1,2]  n=120"
        );
        assert_eq!(text(&json!({"model": "a", "sample": null})), "a  null");
    }
}
