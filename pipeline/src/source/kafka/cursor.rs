//! Where the reading of each partition stands: the source's own offsets, which are the ones that count.
//!
//! librdkafka keeps a position, too, but errors and ends move it (librdkafka #4844), so it is never asked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use crate::model::stream::TopicPartition;

/// A partition that is being read.
#[derive(Debug)]
pub(super) struct PartitionCursor {
    pub(super) assignment: u64,
    pub(super) partition: u32,
    pub(super) of: TopicPartition,
    /// Offset of the next message, at least.
    pub(super) next: i64,
    /// Cuts that are still ahead, the nearest last.
    cuts: Vec<i64>,
    /// What comes next could not be unpacked: a gap before the next message is a loss.
    pub(super) unreadable: bool,
    /// Offsets that were lost, until they are counted.
    pub(super) lost: u64,
    /// The end that was told last, until a message comes.
    pub(super) end_told: Option<i64>,
    pub(super) held: bool,
    /// Reading has stopped at `next`; when to look again.
    pub(super) stuck_until: Option<Instant>,
}

impl PartitionCursor {
    pub(super) fn new(
        assignment: u64,
        partition: u32,
        of: TopicPartition,
        offset: i64,
        mut cuts: Vec<i64>,
    ) -> Self {
        cuts.sort_unstable_by(|a, b| b.cmp(a));
        let mut cursor = Self {
            assignment,
            partition,
            of,
            next: offset,
            cuts,
            unreadable: false,
            lost: 0,
            end_told: None,
            held: false,
            stuck_until: None,
        };
        cursor.pass_cuts(offset);
        cursor
    }

    /// Whether reading on to `offset` reaches a cut; that cut is behind us then.
    pub(super) fn pass_cuts(&mut self, offset: i64) -> bool {
        let ahead = self.cuts.len();
        while self.cuts.last().is_some_and(|&cut| cut <= offset) {
            self.cuts.pop();
        }
        self.cuts.len() < ahead
    }

    /// Goes on at `offset`, having been told that what is before it, if anything, cannot be read.
    pub(super) fn step_over(&mut self, offset: i64) {
        if std::mem::take(&mut self.unreadable) {
            self.lost += u64::try_from(offset - self.next).unwrap_or(0);
        }
    }

    /// Whether librdkafka is to fetch it.
    pub(super) fn is_fetched(&self) -> bool {
        !self.held && self.stuck_until.is_none()
    }
}

/// All partitions that a thread reads, by number and by place.
#[derive(Debug, Default)]
pub(super) struct PartitionCursors {
    by_place: BTreeMap<Arc<str>, BTreeMap<i32, PartitionCursor>>,
    places: BTreeMap<u32, TopicPartition>,
}

impl PartitionCursors {
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &PartitionCursor> {
        self.by_place.values().flat_map(BTreeMap::values)
    }

    /// Adds a cursor; gives those whose number or place it takes.
    pub(super) fn insert(&mut self, cursor: PartitionCursor) -> Vec<PartitionCursor> {
        let same_place = self.at(&cursor.of.topic, cursor.of.partition).map(|old| old.partition);
        let numbers = [Some(cursor.partition), same_place];
        let replaced = numbers.into_iter().flatten().filter_map(|old| self.remove(old)).collect();
        self.places.insert(cursor.partition, cursor.of.clone());
        let topic = self.by_place.entry(Arc::clone(&cursor.of.topic)).or_default();
        topic.insert(cursor.of.partition, cursor);
        replaced
    }

    pub(super) fn remove(&mut self, partition: u32) -> Option<PartitionCursor> {
        let of = self.places.remove(&partition)?;
        let topic = self.by_place.get_mut(&of.topic)?;
        let removed = topic.remove(&of.partition);
        if topic.is_empty() {
            self.by_place.remove(&of.topic);
        }
        removed
    }

    pub(super) fn get(&self, partition: u32) -> Option<&PartitionCursor> {
        let of = self.places.get(&partition)?;
        self.at(&of.topic, of.partition)
    }

    pub(super) fn get_mut(&mut self, partition: u32) -> Option<&mut PartitionCursor> {
        let of = self.places.get(&partition)?;
        self.by_place.get_mut(&of.topic)?.get_mut(&of.partition)
    }

    pub(super) fn at(&self, topic: &str, partition: i32) -> Option<&PartitionCursor> {
        self.by_place.get(topic)?.get(&partition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(partition: i32) -> TopicPartition {
        TopicPartition { topic: "events".into(), partition }
    }

    #[test]
    fn cuts_are_passed_once_and_in_order() {
        let mut cursor = PartitionCursor::new(1, 0, of(0), 5, vec![3, 5, 9, 12, 12]);
        let passed: Vec<bool> = [5, 8, 9, 10, 20, 21].map(|at| cursor.pass_cuts(at)).into();
        assert_eq!(passed, [false, false, true, false, true, false]);
    }

    #[test]
    fn a_number_and_a_place_belong_to_one_reading() {
        let mut cursors = PartitionCursors::default();
        let cursor = |assignment, number, place| {
            PartitionCursor::new(assignment, number, of(place), 0, vec![])
        };
        assert!(cursors.insert(cursor(1, 0, 0)).is_empty());
        assert!(cursors.insert(cursor(1, 1, 1)).is_empty());
        let replaced: Vec<u64> =
            cursors.insert(cursor(2, 0, 1)).iter().map(|old| old.assignment).collect();
        assert_eq!(replaced, [1, 1]);
        assert_eq!(
            cursors.iter().map(|r| (r.partition, r.of.partition)).collect::<Vec<_>>(),
            [(0, 1)]
        );
        assert!(cursors.get(1).is_none() && cursors.at("events", 0).is_none());
        assert_eq!(cursors.remove(0).map(|old| old.assignment), Some(2));
        assert!(cursors.is_empty() && cursors.iter().next().is_none());
    }
}
