//! One result, as sinks take it.

use schemars::JsonSchema;
use serde::Serialize;

use super::reject::{Reason, Reject};
use super::stream::{Original, TopicPartition};
use super::{Alert, Finding};

/// `schema` of a reject.
const REJECT_SCHEMA: &str = "driftline.reject.v1";
/// Characters of a message that are written with its reject.
const EXCERPT_CHARS_MAX: usize = 120;

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

/// A record, or the rest of a file, that could not be read. One per line of rejects.ndjson. Readers ignore
/// fields that they do not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RejectRecord {
    #[schemars(extend("const" = REJECT_SCHEMA))]
    schema: &'static str,
    /// Why; docs/bad-input.md lists all reasons.
    pub reason: Reason,
    /// The file; - is standard input. Of a topic: TOPIC/PARTITION.
    pub file: String,
    /// Number of the record in the file, from 0; of a topic, its offset.
    pub offset: u64,
    /// What exactly is wrong, in a few words; at most 200 bytes.
    #[schemars(length(max = 200))]
    detail: String,
    /// The beginning of the record; bytes that are not UTF-8 are replaced; empty for Parquet and Arrow.
    #[schemars(length(max = 120))]
    excerpt: String,
    /// What it means and what to do.
    help: &'static str,
}

impl RejectRecord {
    /// A reject of a file.
    pub fn of_file(reject: &Reject, file: String) -> Self {
        Self {
            schema: REJECT_SCHEMA,
            reason: reject.reason,
            file,
            offset: reject.offset,
            detail: reject.detail.clone(),
            excerpt: reject.excerpt.clone(),
            help: reject.reason.help(),
        }
    }

    /// A message of a partition.
    pub fn of_topic(of: &TopicPartition, original: &Original) -> Self {
        let known = Reason::ALL.iter().find(|reason| reason.name() == original.reason);
        let reason = known.copied().unwrap_or(Reason::InvalidJson);
        let text = String::from_utf8_lossy(&original.payload);
        Self {
            schema: REJECT_SCHEMA,
            reason,
            file: format!("{}/{}", of.topic, of.partition),
            offset: original.offset.unsigned_abs(),
            detail: original.detail.clone(),
            excerpt: text.chars().take(EXCERPT_CHARS_MAX).collect(),
            help: reason.help(),
        }
    }
}
