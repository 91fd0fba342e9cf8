//! The flow: the one thread that owns engines, and through which everything goes.
//!
//! It takes what was fetched, cuts an epoch each commit interval, and opens and drops shards as the group
//! assigns them. Invariant: what is not yet committed is either in an engine and in the outbox, or will be
//! read again; so ending at any place loses nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, never, select};

use super::opening::EngineFactory;
use super::outbox::Outbox;
use super::report::Report;
use super::saving::{Save, Saved, Saver};
use super::shard::{Results, Shard};
use super::watch::Watch;
use super::{Command, LiveFault};
use crate::codec::{Codecs, MessageCodec};
use crate::kafka::cluster::Cluster;
use crate::kafka::panic_point;
use crate::model::Settings;
use crate::model::live::{Live, Split};
use crate::model::stream::{Fetched, Outcome, TopicPartition};
use crate::sink::follower::Follower;
use crate::sink::kafka::Committer;
use crate::source::kafka::{FetchSettings, Fetcher, Member, MemberEvent, Order};
use crate::state::{Manifest, SnapshotStore};

/// Fetched batches that may wait for the flow, for each fetch thread.
const FETCHED_WAITING: usize = 8;
/// Longest time between two looks at clocks and intervals.
const TICK: Duration = Duration::from_millis(20);
/// How long the last epoch may take when asked to stop, and the last snapshot after it.
const STOP_PATIENCE: Duration = Duration::from_secs(5);
const LAST_SNAPSHOT_PATIENCE: Duration = Duration::from_secs(3);
/// How long a new config waits for its first snapshot.
const KEEP_PATIENCE: Duration = Duration::from_secs(10);
/// Before shards that were lost are opened again.
pub(super) const REOPEN_AFTER: Duration = Duration::from_secs(1);

/// What a flow is made of.
pub struct Parts {
    /// The engine's settings.
    pub settings: Settings,
    /// Everything else.
    pub live: Live,
    /// The codecs, one of which reads the messages.
    pub codecs: Codecs,
    /// Where snapshots are kept.
    pub store: Arc<SnapshotStore>,
    /// Makes engines without history.
    pub new_engine: EngineFactory,
    /// Sinks that follow what is committed.
    pub followers: Vec<Follower>,
    /// What is asked of it while it runs.
    pub commands: Receiver<Command>,
    /// What it tells while it runs.
    pub report: Report,
}

/// How a flow ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// All is written, and state is kept.
    Drained,
    /// It was asked to stop, and the last results could not be written; they are read again.
    Undrained,
}

/// Where what was fetched for a number goes.
pub(super) struct Slot {
    pub(super) shard: String,
    pub(super) local: usize,
    pub(super) held: bool,
}

/// The flow. [`Flow::run`] is its thread.
pub struct Flow {
    pub(super) settings: Settings,
    /// Engines that share the budget.
    pub(super) shares: f64,
    pub(super) live: Live,
    pub(super) store: Arc<SnapshotStore>,
    pub(super) new_engine: EngineFactory,
    pub(super) report: Report,
    pub(super) cluster: Cluster,
    pub(super) saver: Saver,
    pub(super) watch: Option<Watch>,
    pub(super) member: Member,
    pub(super) member_events: Receiver<MemberEvent>,
    pub(super) fetchers: Vec<Fetcher>,
    pub(super) fetched: Receiver<Fetched>,
    pub(super) committer: Option<Committer>,
    pub(super) followers: Vec<Follower>,
    pub(super) outcomes_in: Sender<Outcome>,
    pub(super) outcomes: Receiver<Outcome>,
    pub(super) commands: Receiver<Command>,
    pub(super) shards: BTreeMap<String, Shard>,
    pub(super) slots: BTreeMap<u32, Slot>,
    pub(super) slots_given: u32,
    pub(super) assigned: BTreeSet<TopicPartition>,
    pub(super) outbox: Outbox,
    pub(super) saves: Vec<(u64, Save)>,
    pub(super) save_wanted: bool,
    pub(super) begun: Instant,
    pub(super) cut_at: Instant,
    pub(super) saved_at: Instant,
    pub(super) open_after: Option<Instant>,
}

impl Flow {
    /// Joins the group and starts all threads.
    ///
    /// # Errors
    /// Where brokers or topics cannot be reached.
    pub fn start(parts: Parts) -> Result<Self, LiveFault> {
        let Parts { mut settings, live, codecs, store, new_engine, followers, commands, report } =
            parts;
        let cluster = Cluster::connect(&live.kafka, &live.source.group)?;
        let inputs = cluster.partitions(&live.source.topics)?;
        settings.time.not_after_us = i64::MAX;
        // Partitions that are judged on their own share the one budget.
        let shares = match live.source.split {
            Split::None => 1.0,
            Split::Partition => inputs.len().max(1) as f64,
        };
        settings.detect.divide(shares);
        let codec = codecs.for_messages(&live.source.format)?;
        let (fetchers, fetched) = fetchers(&settings, &live, codec, inputs.len())?;
        let (member_in, member_events) = bounded(16);
        let subscribe = match live.source.split {
            Split::None => std::slice::from_ref(&live.sinks.journal),
            Split::Partition => &live.source.topics,
        };
        let member = Member::join(&live.kafka, &live.source, subscribe, member_in)?;
        let watch = (live.source.split == Split::None).then(|| Watch::spawn(&live));
        let (outcomes_in, outcomes) = bounded(16);
        let now = Instant::now();
        Ok(Self {
            outbox: Outbox::new(&settings.pipeline, &live.source.group, &live.sinks)
                .followed(!followers.is_empty()),
            saver: Saver::spawn(Arc::clone(&store), live.state.keep),
            settings,
            shares,
            live,
            store,
            new_engine,
            report,
            cluster,
            watch,
            member,
            member_events,
            fetchers,
            fetched,
            committer: None,
            followers,
            outcomes_in,
            outcomes,
            commands,
            shards: BTreeMap::new(),
            slots: BTreeMap::new(),
            slots_given: 0,
            assigned: BTreeSet::new(),
            saves: Vec::new(),
            save_wanted: false,
            begun: now,
            cut_at: now,
            saved_at: now,
            open_after: None,
        })
    }

    /// Runs until it is told to stop.
    ///
    /// # Errors
    /// Where it cannot go on.
    pub fn run(mut self) -> Result<Ended, LiveFault> {
        let outcomes = self.outcomes.clone();
        let member_events = self.member_events.clone();
        let saved = self.saver.saved.clone();
        let commands = self.commands.clone();
        let appeared = self.watch.as_ref().map_or(never(), |watch| watch.found.clone());
        loop {
            // A full outbox waits for its sink: nothing more is taken, so nothing more is fetched.
            let fetched = if self.outbox.is_full() { never() } else { self.fetched.clone() };
            select! {
                recv(fetched) -> batch => match batch {
                    Ok(batch) => self.take(batch),
                    Err(_) => return Err(LiveFault::Died("every fetch thread".into())),
                },
                recv(outcomes) -> outcome => if let Ok(outcome) = outcome { self.settle(outcome) },
                recv(member_events) -> event => match event {
                    Ok(event) => self.rebalance(event)?,
                    Err(_) => return Err(LiveFault::Died("the thread of the group's member".into())),
                },
                recv(saved) -> saved => if let Ok(saved) = saved { self.kept(saved) },
                recv(appeared) -> found => if let Ok(found) = found { self.appear(&found) },
                recv(commands) -> command => match command {
                    Ok(Command::Reload(settings, answer)) => {
                        // Nobody waits for the answer any more: it is in the log, too.
                        let _ = answer.send(self.reload(*settings));
                    }
                    Ok(Command::Stop) | Err(_) => return Ok(self.stop()),
                },
                default(TICK) => {}
            }
            self.tick()?;
        }
    }

    pub(super) fn now_us(&self) -> u64 {
        self.begun.elapsed().as_micros() as u64
    }

    fn take(&mut self, fetched: Fetched) {
        let Some(slot) = self.slots.get(&fetched.partition) else { return };
        let Some(shard) = self.shards.get_mut(&slot.shard) else { return };
        let mut results = Results::default();
        let was_recovering = shard.recovering();
        let name = slot.shard.clone();
        let now_us = self.begun.elapsed().as_micros() as u64;
        self.report.fetched(&shard.inputs()[slot.local].of, &fetched);
        shard.take(slot.local, fetched, now_us, &mut results);
        if was_recovering && !shard.recovering() {
            tracing::info!(shard = shard.name(), "recovered: results are new from here on");
            self.save_wanted = true;
        }
        self.keep_first(&name, &mut results);
        self.report.results(&results);
        self.outbox.take(results, now_us);
    }

    /// Keeps a shard that has recovered under another config than before, then lets it go on.
    pub(super) fn keep_first(&mut self, name: &str, results: &mut Results) {
        if self.shards.get(name).is_some_and(Shard::is_to_be_kept) {
            self.keep_now(|shard| shard == name);
            let now_us = self.now_us();
            if let Some(shard) = self.shards.get_mut(name) {
                shard.go_on(now_us, results);
            }
        }
    }

    /// Keeps the state of some shards before anything more is judged. All that is in these is committed.
    fn keep_now(&mut self, which: impl Fn(&str) -> bool) {
        let until = Instant::now() + KEEP_PATIENCE;
        let free = self.wait_kept(until);
        let saves = self.forks().into_iter().filter(|save| which(&save.manifest.shard));
        saves.for_each(|save| self.save(save));
        if !free || !self.wait_kept(until) {
            tracing::warn!(
                "no snapshot under the new config yet: after a crash before there is one, the old state \
                 is replayed up to the last commit"
            );
        }
    }

    /// Waits for all snapshots that are on their way.
    fn wait_kept(&mut self, until: Instant) -> bool {
        let saved = self.saver.saved.clone();
        while !self.saver.is_idle() {
            match saved.recv_deadline(until) {
                Ok(saved) => self.kept(saved),
                Err(_) => return false,
            }
        }
        true
    }

    /// Threads that have ended though nobody told them to.
    fn dead(&self) -> Option<&'static str> {
        let parts = [
            ("a fetch thread", self.fetchers.iter().any(Fetcher::has_ended)),
            ("the commit thread", self.committer.as_ref().is_some_and(Committer::has_ended)),
            ("the snapshot thread", self.saver.is_dead()),
            ("the thread of a sink", self.followers.iter().any(Follower::has_ended)),
        ];
        parts.into_iter().find_map(|(name, is_dead)| is_dead.then_some(name))
    }

    fn tick(&mut self) -> Result<(), LiveFault> {
        if let Some(part) = self.dead() {
            return Err(LiveFault::Died(part.into()));
        }
        panic_point("flow");
        let now_us = self.now_us();
        if self.open_after.is_some_and(|at| at <= Instant::now()) {
            self.open_assigned();
        }
        let mut results = Results::default();
        for shard in self.shards.values_mut() {
            shard.release(now_us, self.live.source.idle_us, &mut results);
        }
        self.report.results(&results);
        self.outbox.take(results, now_us);
        self.hold();
        let commit = Duration::from_micros(self.live.delivery.commit_us.unsigned_abs());
        if self.outbox.in_flight().is_none()
            && (self.cut_at.elapsed() >= commit || self.outbox.is_full())
        {
            self.cut();
        }
        self.report.tick(&super::report::FlowView {
            shards: &self.shards,
            outbox: &self.outbox,
            committer: self.committer.as_ref(),
            followers: &self.followers,
            fetchers: &self.fetchers,
            member: &self.member.group(),
            held: &|shard, local| {
                self.slots.values().any(|s| s.held && s.local == local && s.shard == shard)
            },
        });
        Ok(())
    }

    /// Pauses and resumes partitions by how far ahead they are.
    fn hold(&mut self) {
        for shard in self.shards.values() {
            let holds = shard.holds(self.live.source.ahead_us);
            for (number, slot) in self.slots.iter_mut().filter(|(_, s)| s.shard == shard.name()) {
                let hold = holds.get(slot.local).copied().unwrap_or(false);
                if hold != slot.held {
                    slot.held = hold;
                    let fetcher = &self.fetchers[*number as usize % self.fetchers.len()];
                    fetcher.order(Order::Hold { partition: *number, hold });
                }
            }
        }
    }

    /// Hands an epoch to the commit thread; with it, where it is time, forks to be saved once it is through.
    fn cut(&mut self) {
        if self.committer.is_none() {
            return;
        }
        self.cut_at = Instant::now();
        let every = Duration::from_micros(self.live.state.every_us.unsigned_abs());
        let save = self.save_wanted || self.saved_at.elapsed() >= every;
        let save = save && self.saver.is_idle() && self.shards.values().all(|s| !s.recovering());
        let findings_since_us = self.outbox.findings_since_us();
        let epoch = self.outbox.cut(self.shards.values());
        if save && !self.shards.is_empty() {
            let begun = Instant::now();
            let forks = self.forks();
            self.report.stalled(begun.elapsed());
            match &epoch {
                Some(epoch) => self.saves.extend(forks.into_iter().map(|s| (epoch.number, s))),
                // Nothing to write: all that the engines hold is committed.
                None => forks.into_iter().for_each(|save| self.save(save)),
            }
            self.save_wanted = false;
            self.saved_at = Instant::now();
        }
        if let Some(epoch) = epoch {
            self.report.cut(&epoch, findings_since_us);
            if let Some(committer) = &self.committer {
                committer.submit(epoch);
            }
        }
    }

    pub(super) fn forks(&self) -> Vec<Save> {
        let created_us = self.report.wall_us();
        let fork = |shard: &Shard| Save {
            manifest: Manifest {
                format: crate::state::FORMAT,
                pipeline: self.settings.pipeline.clone(),
                group: self.live.source.group.clone(),
                shard: shard.name().into(),
                config: shard.engine().config().into(),
                settings: shard.engine().settings().clone(),
                partitions: shard.offsets().map(|(of, next)| (of.clone(), next)).collect(),
                created_us,
            },
            engine: shard.engine().fork(),
        };
        self.shards.values().map(fork).collect()
    }

    pub(super) fn save(&mut self, save: Save) {
        self.saver.save(save);
    }

    fn kept(&mut self, saved: Saved) {
        self.saver.heard();
        let took_ms = saved.took.as_millis() as u64;
        match &saved.result {
            Ok(bytes) => tracing::debug!(shard = saved.shard, bytes, took_ms, "snapshot kept"),
            Err(why) => tracing::error!(shard = saved.shard, "cannot write a snapshot: {why}"),
        }
        self.report.saved(saved.took, &saved.result);
    }

    /// An epoch is through, or lost.
    pub(super) fn settle(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Committed { number, took_us } => {
                if !self.outbox.committed(number) {
                    return;
                }
                let now_us = self.now_us();
                self.report.committed(number, took_us, now_us);
                self.tell_followers();
                let saves = std::mem::take(&mut self.saves);
                for (after, save) in saves {
                    if after <= number { self.save(save) } else { self.saves.push((after, save)) }
                }
            }
            Outcome::Lost { number, why } => {
                if self.outbox.in_flight() == Some(number) {
                    tracing::warn!(
                        "epoch {number} is discarded: {why}; state is rebuilt from the last commit"
                    );
                    self.report.lost();
                    self.drop_all();
                    self.open_after = Some(Instant::now() + REOPEN_AFTER);
                }
            }
        }
    }

    /// Hands what was just committed to the sinks that follow.
    pub(super) fn tell_followers(&mut self) {
        let outputs = self.outbox.committed_outputs();
        self.followers.iter().for_each(|follower| follower.offer(&outputs));
    }

    /// Writes everything there is; false where that took too long or was not ours.
    pub(super) fn flush(&mut self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        loop {
            if self.outbox.in_flight().is_none() {
                self.cut();
                if self.outbox.in_flight().is_none() {
                    return self.outbox.is_clear();
                }
            }
            match self.outcomes.recv_deadline(deadline) {
                Ok(outcome) => {
                    let is_lost = matches!(outcome, Outcome::Lost { .. });
                    self.settle(outcome);
                    // Shards are dropped with it, and opened again.
                    if is_lost && self.outbox.in_flight().is_none() {
                        return false;
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return false,
            }
        }
    }

    /// Goes on with other settings, at a cut, and keeps the state of the new config at once.
    fn reload(&mut self, mut settings: Settings) -> Result<String, String> {
        settings.time.not_after_us = i64::MAX;
        settings.detect.divide(self.shares);
        let result = self.take_settings(settings);
        let config = self.shards.values().next().map(|s| s.engine().config().to_string());
        self.report.reloaded(&result, config.as_deref().unwrap_or_default());
        result
    }

    fn take_settings(&mut self, settings: Settings) -> Result<String, String> {
        if settings == self.settings {
            return Ok("no setting of the engine has changed".into());
        }
        if settings.layout != self.settings.layout {
            return Err("what is read from an event has changed ([time], [keys], [metrics]): \
                        restart to take it; baselines of metrics that stay are kept"
                .into());
        }
        if self.shards.values().any(Shard::recovering) {
            return Err("state is still being recovered; try again when /readyz says ready".into());
        }
        if !self.flush(STOP_PATIENCE) {
            return Err("results could not be written in time; the old config stays in use".into());
        }
        for shard in self.shards.values_mut() {
            shard.change(settings.clone());
        }
        self.settings = settings;
        self.keep_now(|_| true);
        self.cut();
        Ok("the new config is in use".into())
    }

    /// Writes what there is, keeps the state, leaves the group.
    fn stop(mut self) -> Ended {
        self.fetchers.drain(..).for_each(Fetcher::stop);
        let recovering = self.shards.values().any(Shard::recovering);
        // The last state is kept below, once all is written.
        (self.save_wanted, self.saved_at) = (false, Instant::now());
        let drained = self.committer.is_none() || self.flush(STOP_PATIENCE);
        if drained && !recovering {
            let forks = self.forks();
            forks.into_iter().for_each(|save| self.save(save));
        }
        self.retire_committer();
        let begun = Instant::now();
        self.saver.finish(LAST_SNAPSHOT_PATIENCE);
        // What waits for a receiver may take what is left of the time, all of them together.
        for follower in self.followers.drain(..) {
            follower.stop(LAST_SNAPSHOT_PATIENCE.saturating_sub(begun.elapsed()));
        }
        self.member.leave();
        if drained { Ended::Drained } else { Ended::Undrained }
    }
}

/// Starts the fetch threads, and returns what they fetch.
fn fetchers(
    settings: &Settings,
    live: &Live,
    codec: &'static dyn MessageCodec,
    inputs: usize,
) -> Result<(Vec<Fetcher>, Receiver<Fetched>), LiveFault> {
    let threads = match live.source.fetch_threads {
        0 => std::thread::available_parallelism().map_or(1, |n| n.get().saturating_sub(1)),
        n => n,
    };
    let threads = threads.clamp(1, inputs.max(1));
    let (fetched_in, fetched) = bounded(threads * FETCHED_WAITING);
    let fetch = FetchSettings {
        connection: live.kafka.clone(),
        group: live.source.group.clone(),
        codec,
        layout: crate::model::Layout {
            // Nothing else needs it.
            id: settings.layout.id.clone().filter(|_| live.sinks.anomalies.is_some()),
            ..settings.layout.clone()
        },
        limits: settings.limits.clone(),
        not_before_us: settings.time.not_before_us,
        max_future_us: live.source.max_future_us,
        memory_bytes: live.source.memory_bytes / 2 / threads,
    };
    let fetchers = (0..threads)
        .map(|number| Fetcher::spawn(number, fetch.clone(), fetched_in.clone()))
        .collect::<Result<Vec<_>, _>>()?;
    Ok((fetchers, fetched))
}
