//! What is decided: by whom, about what, and what is left of it with the series.

use driftline_detectors::baseline::Baseline;
use driftline_detectors::tables::Tables;
use serde::{Deserialize, Serialize};

use crate::engine::key::{Key, Place};

/// A finding about a span, or about silence, does not rest on single events: no minimum holds it up.
pub(crate) const NO_EVENTS: u64 = u64::MAX;

/// A series that has ticked and could be a part of a finding.
#[derive(Debug)]
pub(crate) struct Due {
    pub(crate) key: Key,
    pub(crate) place: Place,
    /// End of the tick.
    pub(crate) end_us: i64,
}

/// What is decided about: times and the threshold.
pub(crate) struct Decision {
    pub(crate) end_us: i64,
    pub(crate) log_threshold: f64,
    /// How many series cross together, where that counts.
    pub(crate) together: Option<u64>,
}

/// What a finding is about: a metric, or a scalar of its panes.
pub(crate) struct Subject<'a> {
    pub(crate) name: &'a str,
    pub(crate) unit: &'a str,
    pub(crate) baseline: &'a Baseline,
    pub(crate) tables: &'a Tables,
}

/// A model that has stopped.
pub(crate) struct Quiet {
    pub(crate) since_us: i64,
    pub(crate) from_us: i64,
    pub(crate) events: u64,
    pub(crate) expected: f64,
    /// What that is as evidence.
    pub(crate) log_mixture: f64,
}

/// What a series has to do with a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stake {
    /// Id of the finding.
    pub(crate) finding: String,
    /// Place among the series that carry it.
    pub(crate) carrier: u32,
}

impl Stake {
    /// Of the only one, or the first.
    pub(crate) fn first(finding: &str) -> Self {
        Self { finding: finding.into(), carrier: 0 }
    }
}
