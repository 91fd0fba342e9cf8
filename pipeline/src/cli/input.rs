//! What commands that read logs have in common: which files, which config, which span of time.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::codec::Codecs;
use crate::config::{self, DEFAULT_PATH, Files};
use crate::model::settings::Settings;
use crate::model::time;
use crate::source::FileSource;

/// Logs, and how they are read.
#[derive(Debug, clap::Args)]
pub(super) struct InputArgs {
    /// Files, folders, globs, or - for standard input [default: [input].paths of the config]
    pub(super) paths: Vec<String>,
    /// The config
    #[arg(long, short, default_value = DEFAULT_PATH, value_name = "FILE")]
    pub(super) config: PathBuf,
    /// Only events from this time on (RFC 3339 or a date)
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(super) from: Option<i64>,
    /// Only events before this time
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(super) to: Option<i64>,
    /// Format of the input [default: from extension or content]
    #[arg(long, value_name = "FORMAT")]
    pub(super) format: Option<String>,
}

impl InputArgs {
    /// The config, with the times that are looked at.
    pub(super) fn load(&self) -> anyhow::Result<(Settings, Files)> {
        let (mut settings, files) = config::load(&self.config)?;
        self.check_span()?;
        limit_time(&mut settings, &files, self.from, self.to);
        Ok((settings, files))
    }

    /// The files to read: those of the command line, else those of the config.
    pub(super) fn source(&self, files: &Files) -> anyhow::Result<FileSource> {
        find_source(&self.paths, self.format.as_deref(), files)
    }

    /// Whether the span is one.
    pub(super) fn check_span(&self) -> anyhow::Result<()> {
        if let (Some(from), Some(to)) = (self.from, self.to) {
            anyhow::ensure!(from < to, "--from must be before --to");
        }
        Ok(())
    }
}

/// An instant on the command line: RFC 3339, or a date, meaning its begin in UTC.
fn instant(text: &str) -> Result<i64, String> {
    time::from_rfc3339(text)
        .or_else(|| time::from_rfc3339(&format!("{text}T00:00:00Z")))
        .or_else(|| time::from_rfc3339(&format!("{text}Z")))
        .ok_or_else(|| "expected a time such as 2026-10-01 or 2026-10-01T08:30:00Z".into())
}

/// Sets which times are looked at: up to the wall clock, and the span that was asked for.
pub(super) fn limit_time(
    settings: &mut Settings,
    files: &Files,
    from: Option<i64>,
    to: Option<i64>,
) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let now_us = i64::try_from(now.as_micros()).unwrap_or(i64::MAX);
    settings.time.not_after_us = now_us.saturating_add(files.max_future_us);
    if from.is_some() || to.is_some() {
        settings.time.only_us = Some((from.unwrap_or(i64::MIN), to.unwrap_or(i64::MAX)));
    }
}

/// The files to read: those that are named, else those of the config.
pub(super) fn find_source(
    paths: &[String],
    format: Option<&str>,
    files: &Files,
) -> anyhow::Result<FileSource> {
    let format = format.or(files.input_format.as_deref()).filter(|f| *f != "auto");
    let codec = format.map(|name| Codecs::built_in().for_files(name)).transpose()?;
    let configured: Vec<String>;
    let paths = if paths.is_empty() {
        configured = files.input_paths.iter().map(|p| p.display().to_string()).collect();
        &configured
    } else {
        paths
    };
    anyhow::ensure!(
        !paths.is_empty(),
        "nothing to read: give files, folders or - (standard input), or set [input].paths in the config"
    );
    Ok(FileSource::find(paths, codec)?)
}
