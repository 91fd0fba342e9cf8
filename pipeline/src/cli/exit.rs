//! Exit codes, and how an error is told. An error's code follows from its type, not from its text.

use std::io::ErrorKind;
use std::process::ExitCode;

use super::terminal::Terminal;
use crate::codec::{LayoutError, UnknownFormat};
use crate::config::ConfigError;
use crate::kafka::KafkaFault;
use crate::runtime::live::LiveFault;
use crate::runtime::topic_replay::TopicReplayError;
use crate::sink::follower::FollowerFault;
use crate::sink::lines::WriteError;
use crate::source::SourceError;
use crate::state::StateFault;
use crate::synth::PlanError;

/// Something was found, or failed.
pub const FOUND: u8 = 1;
/// Wrong usage or wrong config.
pub const USAGE: u8 = 2;
/// A file is missing or cannot be read or written.
pub const ENVIRONMENT: u8 = 3;

/// Nothing was judged: that nothing was found says nothing.
pub const UNJUDGED: u8 = 4;

/// A program that ends here is to be started again: all that it knew is durable or is read again.
pub(super) const RESTART: u8 = 75;

/// Tells the error on standard error and gives its exit code. A reader that went away is no error.
pub(super) fn report(error: &anyhow::Error, terminal: &Terminal) -> ExitCode {
    if is_broken_pipe(error) {
        return ExitCode::SUCCESS;
    }
    match error.downcast_ref::<ConfigError>() {
        Some(ConfigError::Invalid(diagnostics)) => {
            terminal.tell_always(&diagnostics.render(terminal.color_err()));
        }
        _ => terminal.error(&format!("{error:#}")),
    }
    ExitCode::from(code_of(error))
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().filter_map(io_error).any(|e| e.kind() == ErrorKind::BrokenPipe)
}

/// The error of input or output that a cause is, or that a result file has met.
fn io_error<'a>(cause: &'a (dyn std::error::Error + 'static)) -> Option<&'a std::io::Error> {
    let of_file = || cause.downcast_ref::<WriteError>().map(|error| &error.cause);
    cause.downcast_ref::<std::io::Error>().or_else(of_file)
}

fn code_of(error: &anyhow::Error) -> u8 {
    for cause in error.chain() {
        match cause.downcast_ref::<ConfigError>() {
            Some(ConfigError::Invalid(_)) => return USAGE,
            Some(ConfigError::Unreadable { .. }) => return ENVIRONMENT,
            None => {}
        }
        let is_format = cause.is::<LayoutError>() || cause.is::<UnknownFormat>();
        let is_sink = matches!(
            cause.downcast_ref::<FollowerFault>(),
            Some(FollowerFault::Settings { .. } | FollowerFault::Unknown(_))
        );
        let is_config = is_format || is_sink;
        if cause.is::<clap::Error>() || cause.is::<PlanError>() || is_config {
            return USAGE;
        }
        // A part of the process died: a supervisor starts it again, and it goes on from the last commit.
        if let Some(LiveFault::Died(_)) = cause.downcast_ref() {
            return RESTART;
        }
        let live = cause.is::<LiveFault>() || cause.is::<TopicReplayError>();
        let outside = cause.is::<KafkaFault>() || cause.is::<StateFault>() || live;
        if io_error(cause).is_some() || cause.is::<SourceError>() || outside {
            return ENVIRONMENT;
        }
    }
    FOUND
}
