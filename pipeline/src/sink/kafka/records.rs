//! Results as records: topic, key, value and headers of each kind.
//!
//! Not here: writing them. A record is a function of what it tells alone, so that one that is written
//! again after a crash is the same, byte for byte, and consumers can drop it by its `ce_id`.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use crate::model::anomaly::{Anomaly, SurprisingValue};
use crate::model::live::SinkTopics;
use crate::model::stream::{Original, Record, TopicPartition};
use crate::model::time::{Rfc3339, rfc3339};
use crate::model::{Alert, Finding};

/// Longest `driftline-detail` in bytes.
const DETAIL_BYTES_MAX: usize = 200;
/// Version of CloudEvents.
const CLOUDEVENTS: &str = "1.0";
/// `schema` of an anomaly.
const ANOMALY_SCHEMA: &str = "driftline.anomaly.v1";
/// Last part of the key of a `began`.
const BEGAN: &str = "/began";

/// A finding: key = model, value = the line of the file sink.
pub fn finding(topics: &SinkTopics, finding: &Finding) -> Record {
    let event = CloudEvent {
        id: &finding.id,
        kind: "io.driftline.finding.v1",
        pipeline: &finding.pipeline,
        time: &finding.detected_at,
        subject: &finding.model,
    };
    record(&topics.findings, finding.model.as_bytes(), Some(json(finding)), event.headers())
}

/// A transition of an alert: key = fingerprint, so that a compacted topic keeps the state of each alert.
pub fn alert(topics: &SinkTopics, alert: &Alert) -> Record {
    let label = |name: &str| alert.labels.get(name).map_or("", String::as_str);
    let status = alert.status.name();
    let event = CloudEvent {
        id: &format!("{}-{}-{status}", alert.fingerprint, alert.at),
        kind: "io.driftline.alert.v1",
        pipeline: label("pipeline"),
        time: &alert.at,
        subject: label("model"),
    };
    record(&topics.alerts, alert.fingerprint.as_bytes(), Some(json(alert)), event.headers())
}

/// A surprising event: key = model, value = what was read of it and what makes it so. None where nobody
/// wants them.
pub fn anomaly(
    topics: &SinkTopics,
    pipeline: &str,
    of: &TopicPartition,
    told: &Anomaly,
) -> Option<Record> {
    let topic = &topics.anomalies.as_ref()?.topic;
    let place = format!("{}/{}/{}/{}", of.topic, of.partition, told.offset, told.number);
    let value = AnomalyRecord {
        schema: ANOMALY_SCHEMA,
        id: format!("{:032x}", xxh3_128(format!("{pipeline}/{place}").as_bytes())),
        pipeline,
        time: rfc3339(told.time_us),
        event_id: told.event_id.as_deref(),
        keys: told.keys.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
        surprise: told.surprise,
        expected: told.expected,
        metrics: told.metrics.iter().map(MetricRecord::of).collect(),
        source: PlaceRecord {
            topic: &of.topic,
            partition: of.partition,
            offset: told.offset,
            number: told.number,
        },
    };
    let model = told.keys.first().map_or("", |(_, model)| model.as_str());
    let event = CloudEvent {
        id: &value.id,
        kind: "io.driftline.anomaly.v1",
        pipeline,
        time: &value.time,
        subject: model,
    };
    Some(record(topic, model.as_bytes(), Some(json(&value)), event.headers()))
}

/// One surprising event: what was read of it, and which of its values make it surprising. A record of the
/// topic that sinks.anomalies names. It is for information; findings and alerts do not depend on it. Readers
/// ignore fields that they do not know.
#[derive(Serialize, JsonSchema)]
pub(crate) struct AnomalyRecord<'a> {
    #[schemars(extend("const" = ANOMALY_SCHEMA))]
    schema: &'static str,
    /// Of the pipeline and the place of the event: the same event has the same id.
    #[schemars(regex(pattern = "^[0-9a-f]{32}$"))]
    id: String,
    /// Name of the pipeline.
    pipeline: &'a str,
    /// Event time. RFC 3339, UTC.
    #[schemars(with = "Rfc3339")]
    time: String,
    /// The event's own id, if the config names its path.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<&'a str>,
    /// Model, version and segments by name; those that the event lacks are left out.
    keys: BTreeMap<&'a str, &'a str>,
    /// Sum over its metrics of -ln p, p being the share of the value's code in the baseline; nats.
    #[schemars(range(min = 0.0))]
    surprise: f64,
    /// What that sum is on average under the same baselines (their entropies); nats.
    #[schemars(range(min = 0.0))]
    expected: f64,
    /// Its metrics that have a baseline, the most surprising first.
    metrics: Vec<MetricRecord<'a>>,
    /// Where the event was read.
    source: PlaceRecord<'a>,
}

/// One metric of a surprising event.
#[derive(Serialize, JsonSchema)]
struct MetricRecord<'a> {
    /// The metric.
    metric: &'a str,
    /// Its value as text; left out where it is missing, unreadable or a vector.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    /// What the value falls into: a range of numbers, a category, null.
    code: &'a str,
    /// Share of that code in the baseline.
    #[schemars(range(min = 0.0, max = 1.0))]
    share: f64,
    /// -ln of the share, nats.
    #[schemars(range(min = 0.0))]
    surprise: f64,
}

impl<'a> MetricRecord<'a> {
    fn of(value: &'a SurprisingValue) -> Self {
        let SurprisingValue { metric, value, code, share, surprise } = value;
        Self { metric, value: value.as_deref(), code, share: *share, surprise: *surprise }
    }
}

/// Where an event stands.
#[derive(Serialize, JsonSchema)]
struct PlaceRecord<'a> {
    /// Topic.
    topic: &'a str,
    /// Partition.
    #[schemars(range(min = 0))]
    partition: i32,
    /// Offset of its record.
    offset: u64,
    /// Which event of the record, from 0: a record may be a list.
    number: u32,
}

/// A message that could not be read: its own key and value, and where it stood and why in headers.
pub fn quarantine(topics: &SinkTopics, of: &TopicPartition, original: &Original) -> Record {
    let cut = original.detail.floor_char_boundary(DETAIL_BYTES_MAX);
    let mut headers = vec![
        header("driftline-topic", &of.topic),
        header("driftline-partition", &of.partition.to_string()),
        header("driftline-offset", &original.offset.to_string()),
        header("driftline-reason", original.reason),
        header("driftline-detail", &original.detail[..cut]),
    ];
    if let Some(timestamp_ms) = original.timestamp_ms {
        headers.push(header("driftline-timestamp-ms", &timestamp_ms.to_string()));
    }
    Record {
        topic: Arc::from(topics.quarantine.as_str()),
        key: original.key.clone(),
        payload: Some(original.payload.clone()),
        headers,
    }
}

/// A decision: the partition, at this offset, is taken to have passed this event time.
pub fn passed(
    topics: &SinkTopics,
    group: &str,
    of: &TopicPartition,
    offset: i64,
    watermark_us: i64,
) -> Record {
    let value = json(&Decision::Passed { watermark_us });
    record(&topics.journal, key(group, of, offset).as_bytes(), Some(value), Vec::new())
}

/// A decision: the group reads the partition from this offset on.
pub fn began(topics: &SinkTopics, group: &str, of: &TopicPartition, offset: i64) -> Record {
    let key = key(group, of, offset) + BEGAN;
    record(&topics.journal, key.as_bytes(), Some(json(&Decision::Began {})), Vec::new())
}

/// What was decided: the part of a replay that is no function of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Decision {
    /// All events before this time are taken to have come.
    Passed {
        /// Event time, microseconds since 1970.
        watermark_us: i64,
    },
    /// Reading began here.
    Began {},
}

/// One record of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    /// Consumer group whose decision it is.
    pub group: String,
    /// The partition.
    pub of: TopicPartition,
    /// The offset that was next to be read.
    pub offset: i64,
    /// The decision.
    pub decision: Decision,
}

/// A record of the journal; none where it is not one of ours. Of a tombstone there is nothing to tell.
pub fn journal_entry(key: &[u8], value: &[u8]) -> Option<JournalEntry> {
    let decision = serde_json::from_slice(value).ok()?;
    let mut place = std::str::from_utf8(key).ok()?;
    if matches!(decision, Decision::Began {}) {
        place = place.strip_suffix(BEGAN)?;
    }
    // From the right: a group's name may have slashes, a topic's may not.
    let mut parts = place.rsplitn(4, '/');
    let offset = parts.next()?.parse().ok()?;
    let partition = parts.next()?.parse().ok()?;
    let (topic, group) = (parts.next()?, parts.next()?);
    let of = TopicPartition { topic: topic.into(), partition };
    Some(JournalEntry { group: group.to_owned(), of, offset, decision })
}

fn key(group: &str, of: &TopicPartition, offset: i64) -> String {
    format!("{group}/{}/{}/{offset}", of.topic, of.partition)
}

/// Attributes of CloudEvents 1.0 in the binary mode of its Kafka binding.
struct CloudEvent<'a> {
    id: &'a str,
    kind: &'a str,
    pipeline: &'a str,
    time: &'a str,
    subject: &'a str,
}

impl CloudEvent<'_> {
    fn headers(&self) -> Vec<(String, Vec<u8>)> {
        vec![
            header("ce_specversion", CLOUDEVENTS),
            header("ce_id", self.id),
            header("ce_source", &format!("/driftline/{}", self.pipeline)),
            header("ce_type", self.kind),
            header("ce_time", self.time),
            header("ce_subject", self.subject),
            header("content-type", "application/json"),
        ]
    }
}

fn header(name: &str, value: &str) -> (String, Vec<u8>) {
    (name.to_owned(), value.as_bytes().to_vec())
}

fn record(
    topic: &str,
    key: &[u8],
    payload: Option<Vec<u8>>,
    headers: Vec<(String, Vec<u8>)>,
) -> Record {
    Record { topic: Arc::from(topic), key: Some(key.to_vec()), payload, headers }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("results have text keys and no failing serializer")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::Status;
    use crate::model::live::AnomalySink;

    fn topics() -> SinkTopics {
        SinkTopics {
            findings: "findings".into(),
            alerts: "alerts".into(),
            quarantine: "quarantine".into(),
            journal: "journal".into(),
            anomalies: Some(AnomalySink { topic: "anomalies".into(), over_nats: 10.0 }),
        }
    }

    fn of() -> TopicPartition {
        TopicPartition { topic: "events".into(), partition: 3 }
    }

    fn header_of<'a>(record: &'a Record, name: &str) -> Option<&'a str> {
        let found = record.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| std::str::from_utf8(value).expect("text"))
    }

    #[test]
    fn an_alert_has_its_fingerprint_as_key_and_a_deterministic_id() {
        let labels = BTreeMap::from([
            ("pipeline".to_owned(), "prod".to_owned()),
            ("model".to_owned(), "größe".to_owned()),
        ]);
        let told = Alert {
            schema: "driftline.alert.v1".into(),
            fingerprint: "00112233aabbccdd".into(),
            status: Status::Firing,
            at: "2026-01-01T00:00:10Z".into(),
            labels,
            annotations: BTreeMap::new(),
            starts_at: "2026-01-01T00:00:00Z".into(),
            ends_at: None,
            onset: "2026-01-01T00:00:00Z".into(),
            metrics: vec!["latency_ms".into()],
            findings: vec!["f".into()],
        };
        let record = alert(&topics(), &told);
        assert_eq!(record.key.as_deref(), Some("00112233aabbccdd".as_bytes()));
        let value: Alert =
            serde_json::from_slice(record.payload.as_deref().expect("a value")).expect("JSON");
        assert_eq!(value, told);
        for (name, expected) in [
            ("ce_specversion", "1.0"),
            ("ce_id", "00112233aabbccdd-2026-01-01T00:00:10Z-firing"),
            ("ce_source", "/driftline/prod"),
            ("ce_type", "io.driftline.alert.v1"),
            ("ce_time", "2026-01-01T00:00:10Z"),
            ("ce_subject", "größe"),
            ("content-type", "application/json"),
        ] {
            assert_eq!(header_of(&record, name), Some(expected), "{name}");
        }
        assert_eq!(record, alert(&topics(), &told));
    }

    #[test]
    fn quarantine_keeps_the_original_bytes_and_says_where_and_why() {
        let original = Original {
            offset: 42,
            timestamp_ms: Some(1_700_000_000_000),
            key: Some(vec![0, 255]),
            payload: b"{\"cut".to_vec(),
            reason: "invalid_json",
            detail: "ö".repeat(500),
        };
        let record = quarantine(&topics(), &of(), &original);
        assert_eq!(record.key, original.key);
        assert_eq!(record.payload.as_deref(), Some(original.payload.as_slice()));
        for (name, expected) in [
            ("driftline-topic", "events"),
            ("driftline-partition", "3"),
            ("driftline-offset", "42"),
            ("driftline-reason", "invalid_json"),
            ("driftline-timestamp-ms", "1700000000000"),
        ] {
            assert_eq!(header_of(&record, name), Some(expected), "{name}");
        }
        assert_eq!(header_of(&record, "driftline-detail").map(str::len), Some(DETAIL_BYTES_MAX));
    }

    #[test]
    fn the_journal_reads_what_it_writes() {
        let group = "team/driftline";
        let entry = |record: &Record| {
            journal_entry(
                record.key.as_deref().expect("a key"),
                record.payload.as_deref().expect("a value"),
            )
        };
        let decided = passed(&topics(), group, &of(), 17, -5);
        let began = began(&topics(), group, &of(), 17);
        assert_ne!(decided.key, began.key, "compaction must keep both");
        let expected = JournalEntry {
            group: group.into(),
            of: of(),
            offset: 17,
            decision: Decision::Passed { watermark_us: -5 },
        };
        assert_eq!(entry(&decided), Some(expected.clone()));
        let expected = JournalEntry { decision: Decision::Began {}, ..expected };
        assert_eq!(entry(&began), Some(expected));
    }

    #[test]
    fn foreign_records_are_no_journal() {
        for (key, value) in [
            ("g/t/0/1", "{}"),
            ("g/t/0/1", "passed"),
            ("g/t/0/x", r#"{"passed":{"watermark_us":1}}"#),
            ("t/0/1", r#"{"passed":{"watermark_us":1}}"#),
            ("g/t/0/1", r#"{"began":{}}"#),
            ("g/t/0/1/began", r#"{"passed":{"watermark_us":1}}"#),
        ] {
            assert_eq!(journal_entry(key.as_bytes(), value.as_bytes()), None, "{key} {value}");
        }
    }
}
