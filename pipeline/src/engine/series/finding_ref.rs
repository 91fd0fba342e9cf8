//! What a series keeps of the finding that it carries.

use serde::{Deserialize, Serialize};

/// A finding, and which of the series that carry it this one is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FindingRef {
    /// Id of the finding.
    pub(crate) id: String,
    /// Place among the series that carry it.
    pub(crate) carrier: u32,
}

impl FindingRef {
    /// For the only one that carries it.
    pub(crate) fn only(id: &str) -> Self {
        Self { id: id.into(), carrier: 0 }
    }
}
