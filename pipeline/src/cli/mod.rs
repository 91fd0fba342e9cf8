//! The command line: arguments to calls, and results to an exit code. One file a subcommand, one line
//! in each of the two tables below.
//!
//! Not here: any work. Standard output carries only what was asked for; everything said
//! about it goes to standard error.

mod bars;
mod blind;
mod disorder;
mod examples;
mod exit;
mod form;
mod input;
mod instance;
mod outcome;
mod progress;
mod summary;
mod terminal;

pub mod baseline;
pub mod check;
pub mod completions;
pub mod demo;
pub mod detectors;
pub mod evaluate;
pub mod explain;
pub mod generate;
pub mod init;
pub mod replay;
pub mod run;
pub mod schema;
pub mod tap;
pub mod top;
pub mod topics;
pub mod tune;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

pub use exit::{ENVIRONMENT, FOUND, UNJUDGED, USAGE};
pub use terminal::{ColorWish, Terminal};

use crate::sink::{self, SinkSpec};

/// Detect drift and anomalies in AI inference telemetry, at a false-alarm rate that you choose
///
/// Driftline reads the inference telemetry of every model you run and tells you which model changed,
/// since when, in what, and how sure it is.
#[derive(Debug, Parser)]
#[command(name = "driftline", version, max_term_width = 100, after_long_help = EXAMPLES)]
pub struct CommandLine {
    #[command(subcommand)]
    command: Command,

    /// When to use colour; `auto` respects NO_COLOR
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    color: ColorWish,

    /// Print only errors to standard error
    #[arg(long, short, global = true)]
    quiet: bool,
}

const EXAMPLES: &str = "\
Examples:
  driftline init events.ndjson -o driftline.toml   Write a config from a sample of your events
  driftline check --sample events.ndjson           Check the config, and whether it fits the events
  driftline replay logs/                           Find what changed in months of logs
  driftline explain 3f2a                           See why a finding fired
  driftline tune logs/                             See what other settings would have found

Exit codes:
  0   success
  1   something was found, or another error
  2   wrong usage, or an invalid config
  3   the environment: a file, a broker or an address cannot be used
  4   `replay` judged nothing, or, with --fail-on, not all that it was to watch
  75  `run` could not finish its work: start it again, nothing is lost";

macro_rules! commands {
    ($($(#[$doc:meta])* $variant:ident $module:ident;)*) => {
        #[derive(Debug, Subcommand)]
        enum Command { $($(#[$doc])* $variant($module::Args),)* }

        impl Command {
            fn run(self, terminal: &Terminal) -> anyhow::Result<ExitCode> {
                match self { $(Self::$variant(args) => $module::run(args, terminal),)* }
            }
        }
    };
}

commands! {
    Init init;
    Check check;
    Run run;
    Topics topics;
    Replay replay;
    Explain explain;
    Baseline baseline;
    Detectors detectors;
    Generate generate;
    Evaluate evaluate;
    Tune tune;
    Tap tap;
    Top top;
    Schema schema;
    Completions completions;
    Demo demo;
}

/// The whole command line as clap knows it; completions and tests read it.
pub fn command() -> clap::Command {
    CommandLine::command()
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    main_with(&[])
}

/// The same with sinks beside the table that follow what is committed: `run` writes to them, `check` looks at
/// them, and each has its section `[sinks.NAME]` in the config.
pub fn main_with(sinks: &'static [SinkSpec]) -> ExitCode {
    sink::add(sinks);
    let line = CommandLine::parse();
    let terminal = Terminal::new(line.color, line.quiet);
    match line.command.run(&terminal) {
        Ok(code) => code,
        Err(error) => exit::report(&error, &terminal),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn arguments_are_consistent() {
        super::command().debug_assert();
    }
}
