//! The table of metrics in `docs/operations.md`, from [`Metric`].

use std::fmt::Write;

use super::metric::{Metric, MetricKind, Spec};

/// The line before the table in the page.
pub const BEGIN: &str = "<!-- metrics: made from pipeline/src/telemetry/metric.rs; do not edit -->";
/// The line after it.
pub const END: &str = "<!-- end of metrics -->";

/// The table, as Markdown.
pub fn table() -> String {
    let mut table =
        String::from("| metric | kind | labels | what it is |\n| --- | --- | --- | --- |\n");
    for metric in Metric::ALL {
        let Spec { name, kind, labels, help } = *metric.spec();
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        let kind = match kind {
            MetricKind::Histogram(bounds) => format!("histogram, {} buckets", bounds.len() + 1),
            kind => kind.name().to_owned(),
        };
        // Writing into a String cannot fail.
        let _ = writeln!(table, "| `{name}` | {kind} | {} | {help} |", labels.join(", "));
    }
    table
}

/// The page with its table made anew; none where it has no place for it.
pub fn renewed(page: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{}\n{END}{after}", table()))
}
