//! A finding that is on, as snapshots of format 8 have it. Read, and not written any more.

use serde::{Deserialize, Serialize};

use crate::engine::series::finding_ref::FindingRef;

/// A finding as snapshots of format 8 have it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Before {
    pub(crate) finding: FindingRef,
    pub(crate) since_us: i64,
    pub(crate) leader: u8,
    pub(crate) category: Option<u8>,
    pub(crate) since: Vec<u32>,
    pub(crate) lane: Option<u8>,
    pub(crate) against: f64,
    pub(crate) weakest: u8,
    pub(crate) over: f64,
}
