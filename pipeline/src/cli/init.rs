//! `driftline init`: a config from a sample of the user's own events.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};

use super::instance::readable;
use super::{FOUND, Terminal};
use crate::config;
use crate::config::formats::input_formats;
use crate::config::infer::{self, Origin, records};

/// Write a config from a sample of your own events
///
/// Reads the first events of a file and infers from names and values which field is the event time,
/// the model, its version and the event's id, and which are metrics, of what kind and unit. Fields
/// that are left out are listed with the reason. The config contains names, counts and ranges of
/// numbers, never text from an event.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  driftline init events.ndjson                       See the config
  driftline init logs/march.parquet -o driftline.toml
  zcat big.ndjson.gz | head -20000 | driftline init -

Reads NDJSON and CSV (plain, gzip, zstd), Parquet and Arrow. OpenTelemetry GenAI and OpenInference
names are recognised.")]
pub struct Args {
    /// A file with a few thousand events; `-` is standard input
    sample: PathBuf,
    /// Where to write the config [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
    /// Format of the sample [default: from its extension or content]
    #[arg(long, value_parser = input_formats().to_vec(), hide_default_value = true, default_value = "auto")]
    format: String,
    /// How many events to read
    #[arg(long, value_name = "N", default_value_t = infer::RECORDS_DEFAULT,
        value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    records: u64,
    /// Name of the pipeline [default: the name of the sample]
    #[arg(long, value_name = "NAME")]
    pipeline: Option<String>,
}

/// Writes the config; exit code 1 if something must be filled in by hand.
pub fn run(args: Args, terminal: &Terminal) -> anyhow::Result<ExitCode> {
    if let Some(output) = args.output.as_deref().filter(|output| output.exists() && !args.force) {
        let error = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        return Err(error).with_context(|| {
            format!("{} already exists; add --force to replace it", output.display())
        });
    }
    let format = (args.format != "auto").then_some(args.format.as_str());
    let profile = records::read(&args.sample, format, args.records)?;
    let origin = Origin {
        name: args.sample.display().to_string(),
        input_path: input_path(&args.sample, args.output.as_deref()),
        pipeline: args.pipeline.unwrap_or_else(|| pipeline_name(&args.sample)),
    };
    let Some(inference) = infer::infer(&profile, &origin) else {
        bail!(
            "nothing in {} can be watched: apart from keys and times it has no numbers, flags or categories; to write a config by hand see docs/config.md",
            args.sample.display()
        );
    };
    let reading = config::parse(&inference.toml, "driftline.toml");
    if reading.diagnostics.has_errors() {
        bail!(
            "the inferred config is invalid, which is a bug in Driftline:\n{}",
            reading.diagnostics
        );
    }
    match &args.output {
        Some(output) => write(output, &inference.toml, args.force)?,
        None => terminal.print(&inference.toml)?,
    }
    for remark in &inference.remarks {
        terminal.tell(&format!("note: {remark}"));
    }
    for missing in &inference.missing {
        terminal.error(&format!("{missing}; add it by hand"));
    }
    if let Some(output) = &args.output {
        terminal.tell(&readable(&format!(
            "Wrote {} with {} metrics. Next: driftline check {0} --sample {}",
            output.display(),
            inference.metrics,
            args.sample.display()
        )));
    }
    Ok(if inference.missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

/// Writes a file; without `force` never over one that is there, even if it came to be just now.
fn write(path: &Path, text: &str, force: bool) -> anyhow::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true);
    if force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    let result = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    result.with_context(|| format!("cannot write {}", path.display()))
}

/// The sample as seen from the folder of the config.
fn input_path(sample: &Path, output: Option<&Path>) -> Option<String> {
    if sample.as_os_str() == "-" {
        return None;
    }
    let folder = output.and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty());
    let seen = match folder {
        None => sample.to_owned(),
        Some(folder) => {
            let (sample, folder) = (sample.canonicalize().ok()?, folder.canonicalize().ok()?);
            sample.strip_prefix(&folder).map(Path::to_owned).unwrap_or(sample)
        }
    };
    seen.to_str().map(str::to_owned)
}

/// The sample's name up to its first dot.
fn pipeline_name(sample: &Path) -> String {
    let stem =
        sample.file_name().and_then(|name| name.to_str()).and_then(|name| name.split('.').next());
    stem.filter(|stem| !stem.is_empty() && *stem != "-").unwrap_or("driftline").into()
}
