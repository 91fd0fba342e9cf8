//! Opening a shard: from committed offsets, the newest snapshot that fits and the journal to an engine and
//! the places where reading goes on.

use std::collections::BTreeMap;

use super::LiveFault;
use super::decisions::Decisions;
use super::shard::{Intake, Shard};
use crate::engine::Engine;
use crate::kafka::cluster::Cluster;
use crate::model::Settings;
use crate::model::live::{Delivery, Live, StartPosition};
use crate::model::stream::TopicPartition;
use crate::state::SnapshotStore;

/// Makes an engine without history: baselines of a file are loaded into it.
pub type EngineFactory = Box<dyn Fn(Settings) -> Result<Engine, LiveFault> + Send>;

/// What shards are opened with.
pub(super) struct Opener<'a> {
    pub(super) live: &'a Live,
    pub(super) cluster: &'a Cluster,
    pub(super) store: &'a SnapshotStore,
    pub(super) new_engine: &'a EngineFactory,
}

/// A shard, and what there is to say about where it begins.
pub(super) struct Opened {
    pub(super) shard: Shard,
    /// Partitions that begin now, which is a decision to be logged.
    pub(super) began: Vec<(TopicPartition, i64)>,
    /// For the log.
    pub(super) words: String,
}

impl Opener<'_> {
    /// The decisions of the group.
    pub(super) fn decisions(&self) -> Result<Decisions, LiveFault> {
        let group = &self.live.source.group;
        Ok(Decisions::read(self.cluster, &self.live.sinks.journal, group)?)
    }

    /// Opens a shard over these partitions.
    pub(super) fn open(
        &self,
        name: &str,
        partitions: &[TopicPartition],
        settings: &Settings,
    ) -> Result<Opened, LiveFault> {
        let decisions = self.decisions()?;
        let found = self.cluster.committed(partitions)?;
        let committed: Vec<(TopicPartition, i64)> =
            partitions.iter().cloned().zip(found).filter_map(|(of, at)| Some((of, at?))).collect();
        if committed.is_empty() {
            return self.begin(name, partitions, settings);
        }
        match self.store.resume(name, &committed)? {
            Some((manifest, engine)) => {
                let words = format!(
                    "continues from the snapshot of {}",
                    crate::model::time::rfc3339(manifest.created_us)
                );
                let places = manifest.partitions;
                let changed = manifest.settings != *settings;
                let mut opened =
                    self.go_on(name, engine, places, &committed, partitions, &decisions, words)?;
                if changed {
                    opened.shard.then(settings.clone());
                    opened.words += ", under a config that has changed since";
                }
                Ok(opened)
            }
            None => self.rebuild(name, &committed, partitions, &decisions, settings),
        }
    }

    /// The very first time: where `from` says.
    fn begin(
        &self,
        name: &str,
        partitions: &[TopicPartition],
        settings: &Settings,
    ) -> Result<Opened, LiveFault> {
        let offsets = match self.live.source.from {
            StartPosition::Committed => {
                return Err(LiveFault::NothingCommitted(self.live.source.group.clone()));
            }
            StartPosition::Earliest => self.spans(partitions, |(first, _)| first)?,
            StartPosition::Latest => self.spans(partitions, |(_, end)| end)?,
            StartPosition::Timestamp(us) => self.cluster.at_time(partitions, us)?,
        };
        let places: Vec<_> = partitions.iter().cloned().zip(offsets).collect();
        let intake = |(of, at): &(TopicPartition, i64)| {
            Intake::new(of.clone(), *at, *at, super::decisions::PartitionDecisions::default())
        };
        let inputs = places.iter().map(intake).collect();
        let engine = (self.new_engine)(settings.clone())?;
        let shard = Shard::new(name.into(), engine, inputs, self.mute());
        let words = format!("starts: group {} has no committed offsets", self.live.source.group);
        Ok(Opened { shard, began: places, words })
    }

    /// No snapshot fits: everything since the beginning is read again, where it is still kept.
    fn rebuild(
        &self,
        name: &str,
        committed: &[(TopicPartition, i64)],
        partitions: &[TopicPartition],
        decisions: &Decisions,
        settings: &Settings,
    ) -> Result<Opened, LiveFault> {
        let engine = (self.new_engine)(settings.clone())?;
        let mut places = Vec::new();
        let mut whole = true;
        for (of, at) in committed {
            let (first, _) = self.cluster.span(of)?;
            let began = decisions.of(of).began;
            whole &= began.is_some_and(|began| began >= first);
            places.push((of.clone(), began.unwrap_or(*at)));
        }
        let words = if whole {
            "has no snapshot that can be used: all records since its start are read again"
                .to_string()
        } else {
            places = committed.to_vec();
            "has no snapshot that can be used, and the topic no longer holds its first records: baselines are learned again"
                .to_string()
        };
        self.go_on(name, engine, places, committed, partitions, decisions, words)
    }

    #[expect(clippy::too_many_arguments, reason = "each is one fact about where reading goes on")]
    fn go_on(
        &self,
        name: &str,
        engine: Engine,
        places: Vec<(TopicPartition, i64)>,
        committed: &[(TopicPartition, i64)],
        partitions: &[TopicPartition],
        decisions: &Decisions,
        words: String,
    ) -> Result<Opened, LiveFault> {
        let until: BTreeMap<&TopicPartition, i64> =
            committed.iter().map(|(of, at)| (of, *at)).collect();
        let mut inputs = Vec::new();
        for (of, next) in &places {
            let until = until.get(of).copied().unwrap_or(*next);
            inputs.push(Intake::new(of.clone(), *next, until, decisions.of(of)));
        }
        let mut began = Vec::new();
        for of in partitions.iter().filter(|of| !places.iter().any(|(known, _)| known == *of)) {
            let course = decisions.of(of);
            match (course.began, until.get(of)) {
                (Some(at), until) => {
                    let until = until.copied().unwrap_or(at);
                    inputs.push(Intake::new(of.clone(), at, until, course));
                }
                (None, Some(at)) => inputs.push(Intake::new(of.clone(), *at, *at, course)),
                (None, None) => {
                    let (first, _) = self.cluster.span(of)?;
                    began.push((of.clone(), first));
                    inputs.push(Intake::appeared(of.clone(), first));
                }
            }
        }
        let shard = Shard::new(name.into(), engine, inputs, self.mute());
        Ok(Opened { shard, began, words })
    }

    fn spans(
        &self,
        partitions: &[TopicPartition],
        pick: impl Fn((i64, i64)) -> i64,
    ) -> Result<Vec<i64>, LiveFault> {
        partitions.iter().map(|of| Ok(pick(self.cluster.span(of)?))).collect()
    }

    /// Written once only: results of what is read again are kept back. Otherwise they come again, with the
    /// ids that they had.
    fn mute(&self) -> bool {
        self.live.delivery.mode == Delivery::ExactlyOnce
    }
}
