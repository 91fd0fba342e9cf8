//! A bar with rate and ETA on standard error, where a person looks.

use indicatif::{ProgressBar, ProgressStyle};

use super::Terminal;
use crate::model::time;

/// The bar; hidden where nobody looks.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Of bytes; their number is unknown for standard input.
    pub(super) fn of_bytes(terminal: &Terminal, bytes: Option<u64>) -> Self {
        let template = match bytes {
            Some(_) => "{bar:30} {percent:>3} %  {binary_bytes_per_sec:>12}  {eta} left  {msg}",
            None => "{spinner} {binary_bytes:>10}  {binary_bytes_per_sec:>12}  {msg}",
        };
        Self::new(terminal, bytes, template)
    }

    /// Of records.
    pub(super) fn of_records(terminal: &Terminal, records: u64) -> Self {
        let template = "{bar:30} {percent:>3} %  {per_sec:>14}  {eta} left  {msg}";
        Self::new(terminal, Some(records), template)
    }

    fn new(terminal: &Terminal, length: Option<u64>, template: &str) -> Self {
        if !terminal.progress() {
            return Self(ProgressBar::hidden());
        }
        let bar = match length {
            Some(length) => ProgressBar::new(length),
            None => ProgressBar::new_spinner(),
        };
        let style = ProgressStyle::with_template(template);
        Self(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    /// Moves it.
    pub(super) fn show(&self, position: u64, time_us: Option<i64>, events: u64) {
        if self.0.is_hidden() {
            return;
        }
        self.0.set_position(position);
        let at = time_us.map_or(String::new(), |t| format!("at {}", time::rfc3339(t)));
        self.0.set_message(format!("{events} events {at}"));
    }

    /// Takes it away.
    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
