//! How far groups and alerts are: for a summary, not for findings.

use crate::engine::key::GroupId;
use crate::engine::learn::group::Phase;
use crate::engine::machine::Engine;

/// Where one group of series stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesReport {
    /// Model, version, segments.
    pub key: Vec<String>,
    /// Its events.
    pub events: u64,
    /// Whether it is watched (it has its baselines).
    pub watched: bool,
}

impl Engine {
    /// Groups in the order of their keys.
    pub fn series(&self) -> Vec<SeriesReport> {
        let report = |id: &GroupId| {
            let group = &self.groups[*id as usize];
            SeriesReport {
                key: group.key.to_vec(),
                events: group.events,
                watched: matches!(group.phase, Phase::Watching(_)),
            }
        };
        self.order.iter().map(report).collect()
    }

    /// Number of alerts that are pending or firing.
    pub fn alerts_active(&self) -> usize {
        self.alerts.active()
    }
}
