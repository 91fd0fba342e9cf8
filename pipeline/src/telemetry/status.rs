//! What `/status` tells: one picture of the flow, which the flow draws once a second.
//!
//! Plain data. Instants are written as RFC 3339, spans as seconds; what is not known is left out.

use serde::{Deserialize, Serialize};

use crate::model::time::{from_rfc3339, rfc3339};

/// Findings and alerts that are kept for the last lines of `top`.
pub const LATEST_MAX: usize = 16;

/// The flow, as it was a moment ago.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// Name of the pipeline.
    pub pipeline: String,
    /// Consumer group.
    pub group: String,
    /// Hash of the config, 16 hex digits.
    pub config: String,
    /// What it does, in a word or two: `starting`, `standing by`, `recovering`, `reading`, `draining`.
    pub state: String,
    /// Whether this process judges.
    pub leader: bool,
    /// Wall time of this picture.
    pub at: Instant,
    /// Event time that all partitions have passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watermark: Option<Instant>,
    /// Partitions that it reads, by topic and number.
    pub partitions: Vec<PartitionStatus>,
    /// Messages that are replayed until results are emitted again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Recovery>,
    /// The last epoch that is durable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<LastCommit>,
    /// The last snapshot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<LastSnapshot>,
    /// What it waits for, if it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// Sinks that follow what is committed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sinks: Vec<SinkStatus>,
    /// Series that are judged.
    pub watched_series: u64,
    /// Models with a firing alert.
    pub firing: Vec<String>,
    /// The latest findings and alerts, the newest last; at most [`LATEST_MAX`].
    pub latest: Vec<Latest>,
}

/// A partition.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PartitionStatus {
    /// Topic.
    pub topic: String,
    /// Number.
    pub partition: i32,
    /// Next offset to be judged.
    pub next: i64,
    /// End offset, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<i64>,
    /// Event time that it has passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watermark: Option<Instant>,
    /// It holds the watermark.
    pub holder: bool,
    /// It is read to its end and holds nothing.
    pub idle: bool,
    /// It waits for slower ones.
    pub held: bool,
}

impl PartitionStatus {
    /// Messages still to come, where the end is known.
    pub fn lag(&self) -> Option<i64> {
        self.end.map(|end| (end - self.next).max(0))
    }
}

/// A sink that follows what is committed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SinkStatus {
    /// Its name.
    pub name: String,
    /// Records that it has taken.
    pub delivered: u64,
    /// Records that were never delivered.
    pub dead_letters: u64,
    /// Records that wait.
    pub waiting: u64,
    /// What is wrong now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A recovery that is going on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    /// Messages in all.
    pub messages: u64,
    /// Messages left.
    pub messages_left: u64,
    /// Seconds that it is expected to take, where known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub left_s: Option<f64>,
}

/// An epoch that is durable.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LastCommit {
    /// Its number in this process.
    pub number: u64,
    /// When.
    pub at: Instant,
    /// How long it took, seconds.
    pub took_s: f64,
}

/// A snapshot that was written.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LastSnapshot {
    /// When.
    pub at: Instant,
    /// How long it took, seconds.
    pub took_s: f64,
    /// Its size.
    pub bytes: u64,
}

/// Something that the flow waits for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    /// What, in words, with the remedy where there is one.
    pub on: String,
    /// Since when.
    pub since: Instant,
}

/// A finding or an alert, as one line.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Latest {
    /// `finding` or `alert`.
    pub what: String,
    /// Its event time.
    pub at: Instant,
    /// `info`, `warning`, `critical`; or the status of an alert.
    pub severity: String,
    /// One sentence.
    pub summary: String,
}

/// Microseconds since 1970, written as RFC 3339.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Instant(
    /// Microseconds since 1970.
    pub i64,
);

impl Instant {
    /// The wall clock.
    pub fn now() -> Self {
        Self((super::unix_seconds() * 1e6) as i64)
    }
}

impl From<Instant> for String {
    fn from(instant: Instant) -> Self {
        rfc3339(instant.0)
    }
}

impl TryFrom<String> for Instant {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        from_rfc3339(&text).map(Self).ok_or_else(|| format!("`{text}` is no RFC 3339 instant"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_as_it_was_written() {
        let status = Status {
            pipeline: "llm".into(),
            at: Instant(1_700_000_000_000_000),
            partitions: vec![PartitionStatus {
                topic: "events".into(),
                next: 5,
                end: Some(9),
                watermark: Some(Instant(1_700_000_000_250_000)),
                ..PartitionStatus::default()
            }],
            ..Status::default()
        };
        let text = serde_json::to_string(&status).expect("plain data");
        assert!(text.contains("\"watermark\":\"2023-11-14T22:13:20.250Z\""), "{text}");
        assert!(!text.contains("recovery"), "{text}");
        assert_eq!(serde_json::from_str::<Status>(&text).expect("it is one"), status);
        assert_eq!(status.partitions.first().and_then(PartitionStatus::lag), Some(4));
        assert_eq!(
            serde_json::from_str::<Status>("{}").expect("all is optional"),
            Status::default()
        );
    }
}
