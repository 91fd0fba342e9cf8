//! Why a record is no event: a reason of the closed list, and what exactly is wrong.

use crate::model::{Reason, Reject};

/// Longest excerpt of a rejected record, in characters.
const EXCERPT_CHARS: usize = 120;
/// Longest detail of a reject, in bytes.
const DETAIL_BYTES: usize = 200;

/// Why a record is rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRecord {
    /// The reason.
    pub reason: Reason,
    /// What exactly is wrong, and where. Cut if it is long.
    pub detail: String,
}

impl BadRecord {
    /// A reason with its detail.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }

    /// A reject of bounded size.
    #[cold]
    pub(crate) fn into_reject(self, partition: u32, offset: u64, record: &[u8]) -> Reject {
        let mut detail = self.detail;
        detail.truncate(detail.floor_char_boundary(DETAIL_BYTES));
        Reject { reason: self.reason, partition, offset, detail, excerpt: excerpt(record) }
    }
}

/// The reject for a place where a file cannot be read on.
pub(crate) fn bad_file(partition: u32, offset: u64, name: &str, detail: String) -> Reject {
    let mut reject = BadRecord::new(Reason::BadFile, detail).into_reject(partition, offset, b"");
    reject.excerpt = name.chars().take(EXCERPT_CHARS).collect();
    reject
}

/// The beginning of a record for people to read.
fn excerpt(record: &[u8]) -> String {
    let bytes = record.get(..EXCERPT_CHARS * 4).unwrap_or(record);
    String::from_utf8_lossy(bytes).trim_end().chars().take(EXCERPT_CHARS).collect()
}
