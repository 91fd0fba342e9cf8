//! Replayed findings against those that a live run has written, byte by byte.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Deserialize;
use xxhash_rust::xxh3::xxh3_128;

use crate::cli::summary::grouped;
use crate::kafka::{Cluster, KafkaFault};

/// Ids that are told one by one.
const IDS_TOLD: usize = 20;

/// What is looked at of a finding on a topic.
#[derive(Deserialize)]
struct Head {
    id: String,
    pipeline: String,
    config: String,
}

/// Findings by id: a hash of their bytes, and how often they stand there.
#[derive(Debug, Default)]
pub(super) struct PublishedFindings {
    by_id: BTreeMap<String, (u128, u64)>,
    /// Findings of the same pipeline under other configs.
    pub(super) other_configs: u64,
    /// Records that are no findings.
    unread: u64,
}

impl PublishedFindings {
    /// All findings of a topic that this pipeline told under this config.
    pub(super) fn read(
        cluster: &Cluster,
        topic: &str,
        pipeline: &str,
        config: &str,
    ) -> Result<Self, KafkaFault> {
        let mut told = Self::default();
        cluster.read_all(topic, &mut |_, value| {
            let Some(value) = value else { return };
            match serde_json::from_slice::<Head>(value) {
                Ok(head) if head.pipeline != pipeline => {}
                Ok(head) if head.config != config => told.other_configs += 1,
                Ok(head) => told.add(head.id, value),
                Err(_) => told.unread += 1,
            }
        })?;
        Ok(told)
    }

    /// Takes one.
    pub(super) fn add(&mut self, id: String, bytes: &[u8]) {
        self.by_id.entry(id).or_insert((xxh3_128(bytes), 0)).1 += 1;
    }
}

/// What the two sides have in common, and what not.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    identical: u64,
    live_only: Vec<String>,
    replayed_only: Vec<String>,
    /// The same id, other bytes.
    different: Vec<String>,
    /// Written more than once.
    again: Vec<String>,
}

impl Comparison {
    /// Compares. `before` was read before the offsets that were replayed up to, `after` after them: whatever
    /// is in `before` must have been replayed, whatever was replayed must be in `after`.
    pub(super) fn of(
        replayed: &PublishedFindings,
        before: &PublishedFindings,
        after: &PublishedFindings,
    ) -> Self {
        let mut all = Self::default();
        for (id, (bytes, _)) in &replayed.by_id {
            match after.by_id.get(id) {
                None => all.replayed_only.push(id.clone()),
                Some((live, _)) if live != bytes => all.different.push(id.clone()),
                Some(_) => all.identical += 1,
            }
        }
        let missing = before.by_id.keys().filter(|id| !replayed.by_id.contains_key(*id));
        all.live_only = missing.cloned().collect();
        let again = after.by_id.iter().filter(|(_, (_, times))| *times > 1);
        all.again = again.map(|(id, _)| id.clone()).collect();
        all
    }

    /// Whether both sides tell the same. What at-least-once writes twice is the same.
    pub(super) fn is_same(&self, exactly_once: bool) -> bool {
        let none = |ids: &[String]| ids.is_empty();
        none(&self.live_only)
            && none(&self.replayed_only)
            && none(&self.different)
            && (none(&self.again) || !exactly_once)
    }

    /// For people.
    pub(super) fn render(&self) -> String {
        let mut text = format!(
            "{} identical, {} only live, {} only replayed\n",
            grouped(self.identical),
            grouped(self.live_only.len() as u64),
            grouped(self.replayed_only.len() as u64)
        );
        for (what, ids) in [
            ("only live", &self.live_only),
            ("only replayed", &self.replayed_only),
            ("same id, different bytes", &self.different),
            ("written more than once", &self.again),
        ] {
            for id in ids.iter().take(IDS_TOLD) {
                // Writing into a String cannot fail.
                let _ = writeln!(text, "  {what}: {id}");
            }
            if ids.len() > IDS_TOLD {
                let _ = writeln!(text, "  {what}: {} more", grouped((ids.len() - IDS_TOLD) as u64));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(all: &[(&str, &str)]) -> PublishedFindings {
        let mut told = PublishedFindings::default();
        all.iter().for_each(|(id, bytes)| told.add((*id).into(), bytes.as_bytes()));
        told
    }

    #[test]
    fn each_kind_of_difference_is_told() {
        let replayed = told(&[("a", "1"), ("b", "2"), ("c", "3"), ("e", "5")]);
        let before = told(&[("a", "1"), ("d", "4")]);
        let after = told(&[("a", "1"), ("a", "1"), ("b", "other"), ("d", "4"), ("e", "5")]);
        let all = Comparison::of(&replayed, &before, &after);
        let ids = |id: &str| vec![id.to_owned()];
        let expected = Comparison {
            identical: 2,
            live_only: ids("d"),
            replayed_only: ids("c"),
            different: ids("b"),
            again: ids("a"),
        };
        assert_eq!(all, expected);
        assert!(!all.is_same(false));
        let text = all.render();
        assert!(text.starts_with("2 identical, 1 only live, 1 only replayed\n"), "{text}");
        assert!(text.contains("only live: d\n"), "{text}");
    }

    #[test]
    fn what_comes_again_is_the_same_at_least_once() {
        let replayed = told(&[("a", "1")]);
        let live = told(&[("a", "1"), ("a", "1")]);
        let all = Comparison::of(&replayed, &live, &live);
        assert!(all.is_same(false) && !all.is_same(true));
        // What was written after the offsets were read is not replayed, and no difference.
        let later = told(&[("a", "1"), ("b", "2")]);
        assert!(Comparison::of(&replayed, &replayed, &later).is_same(true));
    }
}
