//! `driftline topics create`: the topics that Driftline writes, with sane settings.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use super::{FOUND, Terminal};
use crate::config::{self, DEFAULT_PATH};
use crate::kafka::admin::{Admin, wanted};

/// Copies of each partition, as far as there are brokers.
const COPIES_MAX: usize = 3;

const EXAMPLES: &str = "\
Examples:
  driftline topics create                 Create all topics of [sinks]
  driftline topics create --partitions 6  Create all but the journal with 6 partitions
  driftline topics create --dry-run       Only show what would be created

The journal has exactly one partition: the member that is assigned it runs the engine. Topics that
exist are checked but not changed: exit code 1 if one of them cannot be used.";

/// Create the topics that Driftline writes
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Create the topics of [sinks] that do not exist yet
    Create(Create),
}

#[derive(Debug, clap::Args)]
struct Create {
    /// The config
    #[arg(long, short, default_value = DEFAULT_PATH, value_name = "FILE")]
    config: PathBuf,
    /// Partitions of each topic but the journal
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    partitions: i32,
    /// Replication factor [default: 3, or the number of brokers if that is less]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    replication: Option<i32>,
    /// Only show what would be created
    #[arg(long)]
    dry_run: bool,
}

/// Runs it.
pub fn run(args: Args, terminal: &Terminal) -> anyhow::Result<ExitCode> {
    let What::Create(args) = args.what;
    let (_, _, live) = config::load_live(&args.config)?;
    let admin = Admin::connect(&live.kafka)?;
    let copies = match args.replication {
        Some(copies) => copies,
        None => i32::try_from(admin.brokers()?.clamp(1, COPIES_MAX))?,
    };
    let mut code = ExitCode::SUCCESS;
    for topic in wanted(&live.sinks) {
        let partitions = if topic.exactly { topic.partitions } else { args.partitions };
        let name = &topic.name;
        let told = topic.settings.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>();
        let made = format!(
            "{name} ({}): {partitions} partition{}, {copies} cop{}, {}",
            topic.what,
            if partitions == 1 { "" } else { "s" },
            if copies == 1 { "y" } else { "ies" },
            told.join(", ")
        );
        let line = match admin.find(name)? {
            None if args.dry_run => format!("+ would create {made}"),
            None => match admin.create(&topic, partitions, copies)? {
                true => format!("✓ created {made}"),
                false => format!("✓ {name} was just created by somebody else"),
            },
            Some(found) => {
                let faults = topic.faults(&found);
                if !faults.is_empty() {
                    code = ExitCode::from(FOUND);
                }
                let faults = faults
                    .iter()
                    .map(|(what, remedy)| format!("✗ {name} exists and {what}\n    {remedy}"));
                let faults: Vec<String> = faults.collect();
                match faults.is_empty() {
                    true => format!("✓ {name} exists ({}) and can be used", topic.what),
                    false => faults.join("\n"),
                }
            }
        };
        terminal.print(&format!("{line}\n"))?;
    }
    Ok(code)
}
