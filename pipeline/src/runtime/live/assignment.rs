//! What the flow does when the group gives partitions or takes them: shards are opened, handed over,
//! dropped.
//!
//! Invariant: after partitions are handed over or dropped, nothing of theirs is written by this process;
//! where that cannot be known, the program ends.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::LiveFault;
use super::flow::{Flow, REOPEN_AFTER, Slot};
use super::opening::{Opened, Opener};
use super::shard::{Results, Shard};
use crate::kafka::KafkaFault;
use crate::model::anomaly::SurpriseLevel;
use crate::model::live::Split;
use crate::model::stream::{Outcome, TopicPartition};
use crate::sink::kafka::{CommitSettings, Committer, Group};
use crate::source::kafka::{MemberEvent, Membership, Order};

/// How long a revoked partition may wait for its last epoch.
const REVOKE_PATIENCE: Duration = Duration::from_secs(15);
/// How long an epoch that is withdrawn may take to say what became of it.
const WITHDRAW_PATIENCE: Duration = Duration::from_secs(3);
/// Exit code where only an end is safe; a start after it is an ordinary recovery.
const EXIT_UNSURE: i32 = 75;
/// The shard over all partitions.
const ALL: &str = "all";

/// The commit thread speaks to the group through this.
struct Members(Arc<Membership>);

impl Group for Members {
    fn metadata(&self) -> Option<rdkafka::consumer::ConsumerGroupMetadata> {
        self.0.metadata()
    }

    fn commit(&self, offsets: &[(TopicPartition, i64)]) -> Result<(), KafkaFault> {
        self.0.commit(offsets)
    }
}

impl Flow {
    pub(super) fn rebalance(&mut self, event: MemberEvent) -> Result<(), LiveFault> {
        self.report.rebalance();
        match event {
            MemberEvent::Assigned(partitions) => {
                self.assigned.extend(partitions);
                self.open_after = Some(Instant::now());
            }
            MemberEvent::Revoked { partitions, done } => {
                let names: Vec<String> = partitions.iter().map(|of| self.shard_of(of)).collect();
                self.assigned.retain(|of| !partitions.contains(of));
                if names.iter().any(|name| self.shards.contains_key(name)) {
                    self.hand_over(&names);
                }
                let _ = done.send(());
            }
            MemberEvent::Lost(partitions) => {
                self.assigned.retain(|of| !partitions.contains(of));
                tracing::warn!("the group removed this member: dropping its state");
                self.drop_all();
                self.open_after = (!self.assigned.is_empty()).then(Instant::now);
            }
            MemberEvent::Failed(why) => return Err(LiveFault::Member(why)),
        }
        Ok(())
    }

    pub(super) fn shard_of(&self, of: &TopicPartition) -> String {
        match self.live.source.split {
            Split::None => ALL.into(),
            Split::Partition => format!("{}-{}", of.topic, of.partition),
        }
    }

    /// Writes what these shards have, and lets them go.
    pub(super) fn hand_over(&mut self, names: &[String]) {
        let begun = Instant::now();
        let flushed = self.flush(REVOKE_PATIENCE);
        if flushed {
            let forks = self.forks().into_iter().filter(|s| names.contains(&s.manifest.shard));
            forks.for_each(|save| self.save(save));
            names.iter().for_each(|name| self.close(name));
            if self.live.source.split == Split::None {
                self.retire_committer();
            }
        } else {
            self.give_up_epoch();
            self.drop_all();
            self.open_after = (!self.assigned.is_empty()).then(|| Instant::now() + REOPEN_AFTER);
        }
        tracing::info!(
            shards = names.join(", "),
            flushed,
            took_ms = begun.elapsed().as_millis() as u64,
            "handed over"
        );
    }

    /// Others will write what is in flight: nothing of ours may be written after this. Where that is not
    /// sure, the program ends.
    pub(super) fn give_up_epoch(&mut self) {
        let (Some(number), Some(committer)) = (self.outbox.in_flight(), &self.committer) else {
            return;
        };
        committer.withdraw(number);
        match self.outcomes.recv_timeout(WITHDRAW_PATIENCE) {
            Ok(Outcome::Committed { .. }) => self.tell_followers(),
            Ok(Outcome::Lost { .. }) => {}
            Err(_) => {
                tracing::error!(
                    "epoch {number} may still be written, although its partitions now belong to another \
                     member: the process exits; the next start continues from the last commit"
                );
                std::process::exit(EXIT_UNSURE);
            }
        }
    }

    pub(super) fn close(&mut self, name: &str) {
        if let Some(shard) = self.shards.remove(name) {
            self.report.closed(&shard);
        }
        let gone: Vec<u32> =
            self.slots.iter().filter(|(_, s)| s.shard == name).map(|(n, _)| *n).collect();
        for number in gone {
            self.slots.remove(&number);
            self.fetchers[number as usize % self.fetchers.len()]
                .order(Order::Leave { partition: number });
        }
    }

    pub(super) fn drop_all(&mut self) {
        let names: Vec<String> = self.shards.keys().cloned().collect();
        names.iter().for_each(|name| self.close(name));
        self.outbox.forget();
        self.saves.clear();
        self.retire_committer();
        self.outcomes.try_iter().for_each(drop);
    }

    pub(super) fn retire_committer(&mut self) {
        if let Some(committer) = self.committer.take() {
            committer.stop();
        }
    }

    /// Opens the shards of all partitions that are assigned. What fails is tried again.
    pub(super) fn open_assigned(&mut self) {
        self.open_after = None;
        let wanted: Vec<(String, Vec<TopicPartition>)> = match self.live.source.split {
            Split::None if self.assigned.is_empty() => Vec::new(),
            Split::None => match self.cluster.partitions(&self.live.source.topics) {
                Ok(partitions) => vec![(ALL.into(), partitions)],
                Err(fault) => return self.open_later(&fault.into()),
            },
            Split::Partition => {
                self.assigned.iter().map(|of| (self.shard_of(of), vec![of.clone()])).collect()
            }
        };
        for (name, partitions) in wanted {
            if !self.shards.contains_key(&name)
                && let Err(fault) = self.open(&name, &partitions)
            {
                return self.open_later(&fault);
            }
        }
    }

    pub(super) fn open_later(&mut self, fault: &LiveFault) {
        tracing::error!("cannot start reading: {fault}; trying again");
        self.report.waiting(&fault.to_string());
        self.open_after = Some(Instant::now() + REOPEN_AFTER);
    }

    pub(super) fn open(
        &mut self,
        name: &str,
        partitions: &[TopicPartition],
    ) -> Result<(), LiveFault> {
        if self.committer.is_none() {
            self.committer = Some(self.committer(partitions)?);
        }
        let begun = Instant::now();
        let opener = Opener {
            live: &self.live,
            cluster: &self.cluster,
            store: &self.store,
            new_engine: &self.new_engine,
        };
        let Opened { mut shard, began, words } = opener.open(name, partitions, &self.settings)?;
        let lateness_us = self.settings.time.lateness_us;
        shard.tell_over(self.live.sinks.anomalies.as_ref().map(|sink| SurpriseLevel {
            over_nats: sink.over_nats,
            after_us: self.live.source.ahead_us + lateness_us,
        }));
        let mut results = Results { began, ..Results::default() };
        shard.begin(self.now_us(), &mut results);
        tracing::info!(
            shard = name,
            partitions = shard.inputs().len(),
            records_to_read_again = shard.recovery_left(),
            took_ms = begun.elapsed().as_millis() as u64,
            "{words}"
        );
        self.report.opened(&shard);
        let now_us = self.now_us();
        self.outbox.take(results, now_us);
        for local in 0..shard.inputs().len() {
            self.give_slot(&shard, local);
        }
        self.shards.insert(name.into(), shard);
        let mut results = Results::default();
        self.keep_first(name, &mut results);
        self.outbox.take(results, now_us);
        Ok(())
    }

    pub(super) fn give_slot(&mut self, shard: &Shard, local: usize) {
        let number = self.slots_given;
        self.slots_given += 1;
        let input = &shard.inputs()[local];
        self.fetchers[number as usize % self.fetchers.len()].order(Order::Take {
            assignment: u64::from(number),
            partition: number,
            of: input.of.clone(),
            offset: input.next,
            cuts: input.cuts(),
        });
        self.slots.insert(number, Slot { shard: shard.name().into(), local, held: false });
    }

    pub(super) fn committer(&self, partitions: &[TopicPartition]) -> Result<Committer, LiveFault> {
        let before = self.cluster.committed(partitions)?;
        let before = partitions.iter().cloned().zip(before);
        let before = before.filter_map(|(of, at)| Some((of, at?))).collect();
        let pipeline = &self.settings.pipeline;
        let group = &self.live.source.group;
        let transactional_id = match self.live.source.split {
            Split::None => format!("{pipeline}.{group}"),
            Split::Partition => format!("{pipeline}.{group}.{}", self.report.instance()),
        };
        let settings = CommitSettings {
            connection: self.live.kafka.clone(),
            group: group.clone(),
            transactional_id,
            delivery: self.live.delivery.clone(),
        };
        let members: Arc<dyn Group> = Arc::new(Members(self.member.group()));
        Ok(Committer::spawn(settings, members, before, self.outcomes_in.clone())?)
    }

    /// Takes partitions that were not there before.
    pub(super) fn appear(&mut self, found: &[TopicPartition]) {
        let Some(mut shard) = self.shards.remove(ALL) else { return };
        let known: BTreeSet<&TopicPartition> = shard.inputs().iter().map(|i| &i.of).collect();
        let new: Vec<TopicPartition> =
            found.iter().filter(|of| !known.contains(of)).cloned().collect();
        let mut results = Results::default();
        for of in new {
            match self.cluster.span(&of) {
                Ok((first, _)) => {
                    tracing::info!(topic = &*of.topic, partition = of.partition, "a new partition");
                    let local = shard.appear(of, first, &mut results);
                    self.give_slot(&shard, local);
                }
                Err(fault) => tracing::warn!("a new partition cannot be read yet: {fault}"),
            }
        }
        self.shards.insert(ALL.into(), shard);
        let now_us = self.now_us();
        self.outbox.take(results, now_us);
    }
}
