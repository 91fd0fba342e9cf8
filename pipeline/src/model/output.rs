//! One result, as sinks take it.

use serde::Serialize;

use super::reject::RejectRecord;
use super::{Alert, Finding};

/// One finding, one transition of an alert, or one record that could not be read. Its JSON is that of what it
/// holds, by the schema that its field `schema` names.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum OutputRecord {
    /// A finding; `id` is unique, and the same wherever it is found again.
    Finding(Box<Finding>),
    /// A transition of an alert; unique by fingerprint, status and time.
    Alert(Box<Alert>),
    /// A record that could not be read.
    Reject(Box<RejectRecord>),
}

impl OutputRecord {
    /// What tells it from all others of its kind: the same again after a crash, so that a receiver can drop
    /// what it has already.
    pub fn id(&self) -> String {
        match self {
            Self::Finding(finding) => finding.id.clone(),
            Self::Alert(alert) => {
                format!("{}-{}-{}", alert.fingerprint, alert.at, alert.status.name())
            }
            Self::Reject(reject) => format!("{}/{}", reject.file, reject.offset),
        }
    }
}
