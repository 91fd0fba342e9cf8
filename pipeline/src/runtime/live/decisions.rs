//! What the journal says: all that was decided about partitions and is no function of their events.
//!
//! Two kinds of decisions: a partition *began* at an offset, and at an offset it is taken to have
//! *passed* an instant of event time. Both stand at an offset of one partition, so reading that partition
//! again meets them at the same place, however partitions are interleaved.

use std::collections::BTreeMap;

use crate::kafka::{Cluster, KafkaFault};
use crate::model::stream::TopicPartition;
use crate::sink::kafka::records::{Decision, journal_entry};

/// The decisions of one group.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decisions {
    partitions: BTreeMap<TopicPartition, PartitionDecisions>,
}

/// The decisions about one partition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartitionDecisions {
    /// The offset that the group began at.
    pub began: Option<i64>,
    /// Offset to the instant that is passed there, microseconds since 1970.
    pub passed_us: BTreeMap<i64, i64>,
}

impl Decisions {
    /// Reads those of a group from the journal topic, up to its end now.
    ///
    /// # Errors
    /// Where the cluster does not answer or refuses.
    pub fn read(cluster: &Cluster, journal: &str, group: &str) -> Result<Self, KafkaFault> {
        let mut decisions = Self::default();
        cluster.read_all(journal, &mut |key, value| {
            let entry = value.and_then(|value| journal_entry(key, value));
            let Some(entry) = entry.filter(|entry| entry.group == group) else { return };
            match entry.decision {
                Decision::Began {} => decisions.began(&entry.of, entry.offset),
                Decision::Passed { watermark_us } => {
                    decisions.passed(&entry.of, entry.offset, watermark_us);
                }
            }
        })?;
        Ok(decisions)
    }

    /// Takes the decision that a partition begins.
    pub fn began(&mut self, of: &TopicPartition, offset: i64) {
        self.partition(of).began = Some(offset);
    }

    /// Takes the decision that a partition has passed an instant.
    pub fn passed(&mut self, of: &TopicPartition, offset: i64, watermark_us: i64) {
        let passed = self.partition(of).passed_us.entry(offset).or_insert(watermark_us);
        *passed = (*passed).max(watermark_us);
    }

    /// The decisions about a partition.
    pub fn of(&self, of: &TopicPartition) -> PartitionDecisions {
        self.partitions.get(of).cloned().unwrap_or_default()
    }

    fn partition(&mut self, of: &TopicPartition) -> &mut PartitionDecisions {
        self.partitions.entry(of.clone()).or_default()
    }
}
