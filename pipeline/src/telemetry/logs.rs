//! Logs of a long-running command: lines on standard error, for people or for machines.
//!
//! One line an event, with its time (UTC), level, place and fields. Secrets are never logged: they have no
//! `Display` (`model::Secret`). The noise of librdkafka is at `debug`.

use std::io;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// The environment variable that says what is logged, such as `debug` or `info,librdkafka=debug`.
pub const LOG_VARIABLE: &str = "DRIFTLINE_LOG";
/// What is logged unless something else is said.
pub const DEFAULT_FILTER: &str = "info";
/// Added to a level alone: what librdkafka and HTTP say below it is noise.
const QUIET: &str = "librdkafka=warn,rdkafka=warn,hyper=warn,object_store=warn";

/// How a line is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    /// The format of that name: `text` or `json`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// Logging cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum LogFault {
    /// The filter cannot be read.
    #[error(
        "`{filter}` is not a log filter ({why}); try `info`, `debug` or `info,librdkafka=debug`"
    )]
    Filter {
        /// As it was given.
        filter: String,
        /// What is wrong.
        why: String,
    },
    /// Something logs already.
    #[error("logging was started twice in one process, which is a bug in Driftline")]
    Twice,
}

/// Begins to log to standard error. `level` is what the command line says; without it, [`LOG_VARIABLE`]
/// does, and without that [`DEFAULT_FILTER`].
///
/// # Errors
/// If the filter cannot be read, or if something logs already.
pub fn init(format: LogFormat, level: Option<&str>, color: bool) -> Result<(), LogFault> {
    let variable = std::env::var(LOG_VARIABLE).ok().filter(|value| !value.is_empty());
    let wanted = level.or(variable.as_deref()).unwrap_or(DEFAULT_FILTER);
    let subscriber = subscriber(format, filter(wanted)?, color, io::stderr);
    tracing::subscriber::set_global_default(subscriber).map_err(|_| LogFault::Twice)
}

/// A filter; one that is a level alone keeps others quiet, except `trace`, which asks for everything.
fn filter(wanted: &str) -> Result<EnvFilter, LogFault> {
    let alone = ["error", "warn", "info", "debug"].contains(&wanted.to_lowercase().as_str());
    // At `debug` the noise of librdkafka is what is asked for.
    let text = match wanted.eq_ignore_ascii_case("debug") {
        true => format!("{wanted},hyper=info,object_store=info"),
        false if alone && !wanted.eq_ignore_ascii_case("error") => format!("{wanted},{QUIET}"),
        false => wanted.to_owned(),
    };
    let fault =
        |why: &dyn ToString| LogFault::Filter { filter: wanted.into(), why: why.to_string() };
    EnvFilter::builder().parse(&text).map_err(|error| fault(&error))
}

fn subscriber<W>(
    format: LogFormat,
    filter: EnvFilter,
    color: bool,
    writer: W,
) -> Box<dyn tracing::Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(color && format == LogFormat::Text)
        .with_writer(writer);
    match format {
        LogFormat::Text => Box::new(lines.finish()),
        LogFormat::Json => {
            let json = lines.json().flatten_event(true);
            Box::new(json.with_current_span(false).with_span_list(false).finish())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("one thread").extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, wanted: &str) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let filter = filter(wanted).expect("a filter");
        let subscriber = subscriber(format, filter, false, move || writer.clone());
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(topic = "events", offset = 7, "took over");
            tracing::debug!("detail");
            tracing::info!(target: "librdkafka", "chatter");
            tracing::error!(target: "librdkafka", "all brokers are down");
        });
        let bytes = lines.0.lock().expect("one thread").clone();
        String::from_utf8(bytes).expect("lines are UTF-8")
    }

    #[test]
    fn lines_are_for_people_or_machines() {
        let text = logged(LogFormat::Text, "info");
        assert!(
            text.contains(" INFO ") && text.contains("took over topic=\"events\" offset=7"),
            "{text}"
        );
        assert!(
            !text.contains("detail") && !text.contains("chatter") && text.contains("down"),
            "{text}"
        );
        let json = logged(LogFormat::Json, "info");
        let first = json.lines().next().expect("a line");
        let line: serde_json::Value = serde_json::from_str(first).expect("an object");
        assert_eq!(line["message"], "took over");
        assert_eq!(
            (&line["level"], &line["topic"], &line["offset"]),
            (&"INFO".into(), &"events".into(), &7.into())
        );
        assert!(line["timestamp"].as_str().is_some_and(|t| t.ends_with('Z')), "{line}");
    }

    #[test]
    fn a_filter_says_what_is_logged() {
        let all = logged(LogFormat::Text, "debug");
        assert!(all.contains("detail") && all.contains("chatter"), "{all}");
        let errors = logged(LogFormat::Text, "error");
        assert_eq!(errors.lines().count(), 1, "{errors}");
        let own = logged(LogFormat::Text, "warn,librdkafka=info");
        assert_eq!(own.lines().count(), 2, "{own}");
        let fault = filter("driftline=loud").expect_err("no such level").to_string();
        assert!(fault.contains("`driftline=loud`") && fault.contains("try `info`"), "{fault}");
    }
}
