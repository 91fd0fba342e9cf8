//! `driftline detectors`: the classic detectors by hand: their list, one of them over a file of
//! numbers, and run lengths.
//!
//! Not the engine: `driftline replay` decides otherwise and needs no threshold.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Subcommand, ValueEnum};
use driftline_detectors::arl;
use driftline_detectors::classic::{
    DETECTORS, Decision, Detector, DetectorSpec, Input, SettingError, find,
};

use super::{FOUND, Terminal, USAGE};

/// Longest line that is read, in bytes: a number is far shorter.
const LINE_LIMIT: u64 = 4_096;

/// List the classic detectors, run one over numbers, or compute run lengths
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  driftline detectors                                  List them
  driftline detectors show adwin                       Parameters, variant, run length, reference
  jq .latency_ms events.ndjson | driftline detectors run adwin -
  driftline detectors run cusum --set target=120 --set deviation=35 latency.txt
  driftline detectors arl cusum --k 0.5 --h 5          Inputs to a false alarm: 465.4
  driftline detectors arl cusum --k 0.5 --arl 10000    The threshold for one in 10,000 inputs")]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show one detector: variant, parameters, run length, reference
    Show {
        /// Name of the detector
        name: String,
    },
    /// Print the index (from 0) of each input that a detector calls a drift; exit with 1 if any
    Run {
        /// Name of the detector
        name: String,
        /// Set a parameter; may be repeated
        #[arg(long = "set", value_name = "PARAMETER=VALUE", value_parser = setting)]
        settings: Vec<(String, f64)>,
        /// File with one number per line; - is standard input
        #[arg(default_value = "-")]
        file: PathBuf,
    },
    /// Print the mean run length of a chart, or the threshold that a run length needs
    Arl(Chart),
}

/// Which chart, and what is known of it.
#[derive(Debug, clap::Args)]
struct Chart {
    /// Two-sided chart, for standard normal input
    #[arg(value_enum)]
    chart: ChartKind,
    /// Reference value of the cusum, in deviations
    #[arg(long, default_value_t = 0.5)]
    k: f64,
    /// Weight of the ewma's newest input
    #[arg(long, default_value_t = 0.1)]
    lambda: f64,
    /// Threshold (cusum) or limit (ewma, shewhart), in deviations: prints the run length
    #[arg(long, alias = "limit", required_unless_present = "arl", conflicts_with = "arl")]
    h: Option<f64>,
    /// Desired run length with nothing changed, in inputs: prints the threshold or limit
    #[arg(long)]
    arl: Option<f64>,
    /// Shift of the mean for the run length, in deviations
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true, conflicts_with = "arl")]
    shift: f64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ChartKind {
    Cusum,
    Ewma,
    Shewhart,
}

/// `name=value` of `--set`.
fn setting(text: &str) -> Result<(String, f64), String> {
    let (name, value) = text.split_once('=').ok_or("write PARAMETER=VALUE")?;
    let value = value.trim().parse().map_err(|_| format!("`{value}` is not a number"))?;
    Ok((name.trim().to_owned(), value))
}

/// Lists, shows, runs or computes.
pub fn run(args: Args, terminal: &Terminal) -> anyhow::Result<ExitCode> {
    match args.command {
        None => terminal.print(&list())?,
        Some(Command::Show { name }) => match find(&name) {
            Ok(spec) => terminal.print(&page(spec))?,
            Err(error) => return Ok(refused(&error, terminal)),
        },
        Some(Command::Run { name, settings, file }) => {
            let given: BTreeMap<String, f64> = settings.into_iter().collect();
            let detector = find(&name).and_then(|spec| spec.build(&given));
            return match detector {
                Ok(detector) => watch(detector, &file, terminal),
                Err(error) => Ok(refused(&error, terminal)),
            };
        }
        Some(Command::Arl(chart)) => {
            let Some(answer) = chart.answer() else {
                terminal.error(
                    "there is no answer for these values; give --h above 0, --arl from 1 to 1e12, \
                     --lambda above 0 and at most 1",
                );
                return Ok(ExitCode::from(USAGE));
            };
            terminal.print(&format!("{}\n", digits(answer)))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn refused(error: &SettingError, terminal: &Terminal) -> ExitCode {
    terminal.error(&format!("{error}; see `driftline detectors show NAME`"));
    ExitCode::from(USAGE)
}

fn list() -> String {
    DETECTORS.iter().fold(String::new(), |mut text, spec| {
        let _ = writeln!(text, "{:<20}{}", spec.name, spec.doc);
        text
    })
}

fn page(spec: &DetectorSpec) -> String {
    let input = match spec.input {
        Input::Number => "numbers",
        Input::Bit => "bits; 1 is the error",
    };
    let mut text = format!("{}: {}\n\n", spec.name, spec.doc);
    for (title, content) in [
        ("Input", input),
        ("Variant", spec.variant),
        ("Run length", spec.run_length),
        ("Otherwise", spec.otherwise),
        ("Reference", spec.reference),
    ] {
        let _ = writeln!(text, "{title:<12}{content}");
    }
    let _ = writeln!(text, "{:<12}{} numbers at most", "Memory", spec.memory_values);
    text.push_str("\nParameters\n");
    for parameter in spec.parameters {
        let kind = if parameter.whole { "whole, " } else { "" };
        let _ = writeln!(
            text,
            "  {:<20}{} ({kind}{} to {}) {}",
            parameter.name,
            parameter.default,
            bound(parameter.least),
            bound(parameter.most),
            parameter.doc
        );
    }
    text
}

/// A bound of a range, short.
fn bound(value: f64) -> String {
    let plain = value == 0.0 || (1e-3..1e6).contains(&value.abs());
    if plain { value.to_string() } else { format!("{value:e}") }
}

/// Six significant digits.
fn digits(value: f64) -> String {
    let whole = libm::floor(libm::log10(value.abs())) as i32 + 1;
    format!("{value:.*}", usize::try_from(6 - whole).unwrap_or(0))
}

impl Chart {
    fn answer(&self) -> Option<f64> {
        let answer = match (self.chart, self.h, self.arl) {
            (ChartKind::Cusum, Some(h), _) => arl::cusum(self.k, h, 0.0, self.shift),
            (ChartKind::Ewma, Some(limit), _) => arl::ewma(self.lambda, limit, self.shift),
            (ChartKind::Shewhart, Some(limit), _) => arl::shewhart(limit, self.shift),
            (ChartKind::Cusum, None, Some(wanted)) => arl::cusum_threshold(self.k, wanted),
            (ChartKind::Ewma, None, Some(wanted)) => arl::ewma_limit(self.lambda, wanted),
            (ChartKind::Shewhart, None, Some(wanted)) => arl::shewhart_limit(wanted),
            (_, None, None) => return None,
        };
        answer.is_finite().then_some(answer)
    }
}

fn open(file: &Path) -> anyhow::Result<Box<dyn BufRead>> {
    if file.as_os_str() == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(Box::new(BufReader::new(opened)))
}

/// Feeds the numbers to the detector. Empty lines are skipped; `nan`, `inf` and `null` count as
/// inputs that say nothing, so that indices stay those of the events.
fn watch(
    mut detector: impl Detector,
    file: &Path,
    terminal: &Terminal,
) -> anyhow::Result<ExitCode> {
    let mut reader = open(file)?;
    let mut out = terminal.out();
    let mut line = Vec::new();
    let (mut inputs, mut drifts) = (0_u64, 0_u64);
    for number in 1_u64.. {
        line.clear();
        if reader.by_ref().take(LINE_LIMIT).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let text = str::from_utf8(&line).unwrap_or("(not UTF-8)").trim();
        if text.is_empty() {
            continue;
        }
        let x = if text == "null" { Ok(f64::NAN) } else { text.parse() };
        let Ok(x) = x else {
            let seen: String = text.chars().take(40).collect();
            bail!("line {number}: `{seen}` is not a number; give one number per line");
        };
        if detector.update(x) == Decision::Drift {
            writeln!(out, "{inputs}")?;
            drifts += 1;
        }
        inputs += 1;
    }
    out.flush()?;
    terminal.tell(&format!("{drifts} drifts in {inputs} inputs"));
    Ok(if drifts > 0 { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}
