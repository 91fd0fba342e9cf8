//! Reads the topics of results like any consumer would: what the demo tells, it has from here.

use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers, Message};
use rdkafka::{Offset, TopicPartitionList};

use crate::kafka::client;
use crate::model::live::{Connection, SinkTopics};
use crate::model::{Alert, Finding};

/// Records of one look.
const RECORDS_MAX: usize = 100;
/// To ask for the ends of topics, and to read up to them.
const ASK_MAX: Duration = Duration::from_secs(10);

/// What stood on a topic.
pub(super) enum Seen {
    /// On the topic of findings; with its line.
    Finding(Box<Finding>, Vec<u8>),
    /// On the topic of alerts; with its line.
    Alert(Box<Alert>, Vec<u8>),
    /// On the topic of quarantine: the reason.
    Quarantined(String),
}

/// A consumer of the topics of results.
pub(super) struct Witness {
    consumer: BaseConsumer,
    topics: SinkTopics,
    /// Next offset to be read, by topic: findings, alerts, quarantine.
    next: [i64; 3],
}

impl Witness {
    pub(super) fn new(connection: &Connection, topics: &SinkTopics) -> anyhow::Result<Self> {
        let fault = |error| anyhow!("the topics of results cannot be read: {error}");
        let consumer: BaseConsumer = client::config(connection, "witness")
            .set("group.id", "driftline-demo-witness")
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed")
            .set("fetch.wait.max.ms", "50")
            .create()
            .map_err(fault)?;
        let witness = Self { consumer, topics: topics.clone(), next: [0; 3] };
        let mut list = TopicPartitionList::new();
        for topic in witness.names() {
            list.add_partition_offset(topic, 0, Offset::Beginning).map_err(fault)?;
        }
        witness.consumer.assign(&list).map_err(fault)?;
        Ok(witness)
    }

    fn names(&self) -> [&str; 3] {
        [&self.topics.findings, &self.topics.alerts, &self.topics.quarantine]
    }

    /// What has come; waits for the first of it.
    pub(super) fn look(&mut self, wait: Duration) -> anyhow::Result<Vec<Seen>> {
        let mut seen = Vec::new();
        let mut patience = wait;
        while seen.len() < RECORDS_MAX
            && let Some(result) = self.consumer.poll(patience)
        {
            patience = Duration::ZERO;
            // An error that passes comes again with the next look, one that stays ends in `rest`.
            let Ok(message) = result else { continue };
            let topic = self.names().iter().position(|name| *name == message.topic());
            let Some(topic) = topic else { continue };
            self.next[topic] = message.offset() + 1;
            let payload = message.payload().unwrap_or_default().to_vec();
            seen.push(match topic {
                0 => Seen::Finding(serde_json::from_slice(&payload).context("a finding")?, payload),
                1 => Seen::Alert(serde_json::from_slice(&payload).context("an alert")?, payload),
                _ => Seen::Quarantined(reason(message.headers())),
            });
        }
        Ok(seen)
    }

    /// Everything up to the ends that the topics have now.
    pub(super) fn rest(&mut self) -> anyhow::Result<Vec<Seen>> {
        let mut ends = [0; 3];
        for (end, topic) in ends.iter_mut().zip(self.names()) {
            let asked = self.consumer.fetch_watermarks(topic, 0, ASK_MAX);
            *end = asked.map_err(|error| anyhow!("the end of {topic} is not told: {error}"))?.1;
        }
        let begun = Instant::now();
        let mut seen = Vec::new();
        while self.next.iter().zip(&ends).any(|(next, end)| next < end) {
            seen.extend(self.look(Duration::from_millis(50))?);
            if begun.elapsed() > ASK_MAX {
                return Err(anyhow!(
                    "the topics of results could not be read to their ends: {:?} of {ends:?} records",
                    self.next
                ));
            }
        }
        Ok(seen)
    }
}

fn reason(headers: Option<&impl Headers>) -> String {
    let headers = headers.into_iter().flat_map(|headers| headers.iter());
    let mut reasons = headers.filter(|header| header.key == "driftline-reason");
    let reason = reasons.next().and_then(|header| header.value);
    reason.map_or_else(|| "no reason".into(), |reason| String::from_utf8_lossy(reason).into_owned())
}
