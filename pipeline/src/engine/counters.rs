//! What the engine has counted, exactly: what became of each event, and how often it decided.

use serde::{Deserialize, Serialize};

/// What was counted, exactly.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Events that reached a pane.
    pub events: u64,
    /// Events behind the watermark of their partition.
    pub late: u64,
    /// Events outside of the span that was asked for.
    pub outside: u64,
    /// Lone events far ahead of their partition.
    pub future: u64,
    /// Events of groups that were refused at the limit of series.
    pub refused_series_events: u64,
    /// Distinct groups that were refused there: exact up to 256, then within about 6 %.
    pub refused_groups: u64,
    /// Events that would have opened more panes than the limit.
    pub refused_pane: u64,
    /// Panes that were closed.
    pub panes: u64,
    /// Ticks of series: panes with enough events to say something.
    pub ticks: u64,
    /// Findings.
    pub findings: u64,
}
