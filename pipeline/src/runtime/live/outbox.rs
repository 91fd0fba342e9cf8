//! Results and offsets since the last cut, and the epochs that are made of them.
//!
//! One epoch is in flight at most; what comes meanwhile waits here, bounded: when it is full the flow takes
//! no more records.

use std::collections::BTreeMap;

use super::shard::{Results, Shard};
use crate::model::OutputRecord;
use crate::model::live::SinkTopics;
use crate::model::stream::{Epoch, Record, TopicPartition};
use crate::sink::kafka::records;

/// Bytes of results that may wait for the epoch in flight.
const WAITING_BYTES_MAX: usize = 16 << 20;

/// Results on their way to an epoch.
#[derive(Debug)]
pub struct Outbox {
    pipeline: String,
    group: String,
    topics: SinkTopics,
    journal: BTreeMap<Vec<u8>, Record>,
    records: Vec<Record>,
    bytes: usize,
    /// Offsets as last handed over.
    offsets: BTreeMap<TopicPartition, i64>,
    number: u64,
    in_flight: Option<u64>,
    /// Whether findings and alerts are kept for sinks that follow, until their epoch is committed.
    is_followed: bool,
    /// Those since the last cut.
    outputs: Vec<OutputRecord>,
    /// Those of the epoch in flight.
    outputs_in_flight: Vec<OutputRecord>,
    /// Findings that wait, and when the first of them came (microseconds of the caller's clock).
    findings_since_us: Option<u64>,
}

impl Outbox {
    /// An empty one.
    pub fn new(pipeline: &str, group: &str, topics: &SinkTopics) -> Self {
        Self {
            pipeline: pipeline.into(),
            group: group.into(),
            topics: topics.clone(),
            journal: BTreeMap::new(),
            records: Vec::new(),
            bytes: 0,
            offsets: BTreeMap::new(),
            number: 0,
            in_flight: None,
            is_followed: false,
            outputs: Vec::new(),
            outputs_in_flight: Vec::new(),
            findings_since_us: None,
        }
    }

    /// Keeps findings and alerts, too, for sinks that follow ([`Outbox::committed_outputs`]).
    pub fn followed(self, is_followed: bool) -> Self {
        Self { is_followed, ..self }
    }

    /// Takes results.
    pub fn take(&mut self, results: Results, now_us: u64) {
        let Results { findings, alerts, anomalies, originals, began, passed } = results;
        for (of, offset) in began {
            self.note(records::began(&self.topics, &self.group, &of, offset));
        }
        for (of, offset, us) in passed {
            self.note(records::passed(&self.topics, &self.group, &of, offset, us));
        }
        if !findings.is_empty() {
            self.findings_since_us.get_or_insert(now_us);
        }
        for (of, original) in &originals {
            self.add(records::quarantine(&self.topics, of, original));
        }
        for (of, anomaly) in &anomalies {
            let record = records::anomaly(&self.topics, &self.pipeline, of, anomaly);
            record.into_iter().for_each(|record| self.add(record));
        }
        for finding in &findings {
            self.add(records::finding(&self.topics, finding));
        }
        for alert in &alerts {
            self.add(records::alert(&self.topics, alert));
        }
        if self.is_followed {
            let findings = findings.into_iter().map(|f| OutputRecord::Finding(Box::new(f)));
            let alerts = alerts.into_iter().map(|a| OutputRecord::Alert(Box::new(a)));
            self.outputs.extend(findings.chain(alerts));
        }
    }

    /// Whether no more may be taken before an epoch is through.
    pub fn is_full(&self) -> bool {
        self.bytes >= WAITING_BYTES_MAX
    }

    /// Whether an epoch is on its way.
    pub fn in_flight(&self) -> Option<u64> {
        self.in_flight
    }

    /// When the oldest finding that waits here came.
    pub fn findings_since_us(&self) -> Option<u64> {
        self.findings_since_us
    }

    /// Whether nothing waits.
    pub fn is_clear(&self) -> bool {
        self.journal.is_empty() && self.records.is_empty() && self.in_flight.is_none()
    }

    /// Bytes of results that wait.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Cuts: what is there and the offsets of all shards that are live. None where there is nothing to
    /// write; must not be called while an epoch is in flight.
    pub fn cut<'a>(&mut self, shards: impl Iterator<Item = &'a Shard>) -> Option<Epoch> {
        debug_assert!(self.in_flight.is_none(), "one epoch at a time");
        let mut offsets = Vec::new();
        for shard in shards.filter(|shard| !shard.recovering()) {
            for (of, next) in shard.offsets() {
                if self.offsets.get(of) != Some(&next) {
                    self.offsets.insert(of.clone(), next);
                    offsets.push((of.clone(), next));
                }
            }
        }
        let epoch = Epoch {
            number: self.number + 1,
            journal: std::mem::take(&mut self.journal).into_values().collect(),
            records: std::mem::take(&mut self.records),
            offsets,
        };
        self.bytes = 0;
        self.findings_since_us = None;
        if epoch.is_empty() {
            return None;
        }
        self.number += 1;
        self.in_flight = Some(self.number);
        self.outputs_in_flight = std::mem::take(&mut self.outputs);
        Some(epoch)
    }

    /// An epoch is through. Returns whether it was the one in flight.
    pub fn committed(&mut self, number: u64) -> bool {
        let ours = self.in_flight == Some(number);
        if ours {
            self.in_flight = None;
        }
        ours
    }

    /// Findings and alerts of the epoch that was just committed, for sinks that follow.
    pub fn committed_outputs(&mut self) -> Vec<OutputRecord> {
        std::mem::take(&mut self.outputs_in_flight)
    }

    /// Forgets everything: another member writes it.
    pub fn forget(&mut self) {
        self.journal.clear();
        self.records.clear();
        self.outputs.clear();
        self.outputs_in_flight.clear();
        self.offsets.clear();
        self.bytes = 0;
        self.in_flight = None;
        self.findings_since_us = None;
    }

    fn note(&mut self, record: Record) {
        self.journal.insert(record.key.clone().unwrap_or_default(), record);
    }

    fn add(&mut self, record: Record) {
        self.bytes += record.payload.as_ref().map_or(0, Vec::len) + 256;
        self.records.push(record);
    }
}
