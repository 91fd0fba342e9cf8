//! What the flow tells about itself: metrics, health and status. Changes nothing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::outbox::Outbox;
use super::shard::{Results, Shard};
use crate::engine::Counters;
use crate::model::live::Live;
use crate::model::stream::{Epoch, Fetched, TopicPartition};
use crate::model::{Status as AlertStatus, Value};
use crate::sink::follower::{Follower, FollowerStatus};
use crate::sink::kafka::Committer;
use crate::source::kafka::{Fetcher, Membership};
use crate::telemetry::status::{
    Instant as Moment, LATEST_MAX, LastCommit, LastSnapshot, Latest, PartitionStatus, Recovery,
    SinkStatus, Waiting,
};
use crate::telemetry::{At, Health, Metric, Status, Taps, Telemetry};

/// Between two pictures.
const EVERY: Duration = Duration::from_secs(1);
/// Events of a batch that taps are offered.
const TAPPED_EVENTS: usize = 64;
/// Series that taps are offered once a second.
const TAPPED_SERIES: usize = 10_000;

/// A metric, and the engine's counter that it tells.
type CounterRow = (Metric, fn(&Counters) -> u64);

/// What a picture is drawn of.
pub(super) struct FlowView<'a> {
    pub(super) shards: &'a BTreeMap<String, Shard>,
    pub(super) outbox: &'a Outbox,
    pub(super) committer: Option<&'a Committer>,
    pub(super) followers: &'a [Follower],
    pub(super) fetchers: &'a [Fetcher],
    pub(super) member: &'a Membership,
    pub(super) held: &'a dyn Fn(&str, usize) -> bool,
}

/// Telemetry of the flow.
pub struct Report {
    telemetry: Telemetry,
    health: Health,
    taps: Taps,
    status: Status,
    instance: String,
    /// Counters of each shard as last told.
    told: BTreeMap<String, Counters>,
    /// End offsets, as far as they are known.
    ends: BTreeMap<TopicPartition, i64>,
    firing: BTreeMap<String, String>,
    /// Retries and replaced producers as last told.
    told_commits: (u64, u64),
    /// Counts of each sink that follows, as last told.
    told_followers: BTreeMap<&'static str, FollowerStatus>,
    lost_offsets: u64,
    /// When the findings of an epoch came, microseconds of the flow's clock.
    cut_findings_us: BTreeMap<u64, u64>,
    recovery: Option<(u64, Instant)>,
    drawn_at: Option<Instant>,
    waiting: Option<Waiting>,
}

impl Report {
    /// A report of a process that is starting. `instance` tells it from others of its group.
    pub fn new(telemetry: Telemetry, health: Health, taps: Taps, instance: String) -> Self {
        Self {
            telemetry,
            health,
            taps,
            instance,
            status: Status { state: "starting".into(), ..Status::default() },
            told: BTreeMap::new(),
            ends: BTreeMap::new(),
            firing: BTreeMap::new(),
            told_commits: (0, 0),
            told_followers: BTreeMap::new(),
            lost_offsets: 0,
            cut_findings_us: BTreeMap::new(),
            recovery: None,
            drawn_at: None,
            waiting: None,
        }
    }

    /// What runs.
    pub fn begins(&mut self, pipeline: &str, config: &str, live: &Live) {
        self.status.pipeline = pipeline.into();
        self.status.group = live.source.group.clone();
        self.status.config = config.into();
        self.telemetry.set(Metric::ConfigHash, &[pipeline, config], 1.0);
        self.telemetry.set(Metric::MemoryBudget, &[], live.source.memory_bytes as f64);
        self.health.ready(false, "joining the group");
    }

    /// Tells this process from others of its group.
    pub(super) fn instance(&self) -> &str {
        &self.instance
    }

    /// Wall clock, microseconds since 1970.
    pub(super) fn wall_us(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }

    pub(super) fn fetched(&mut self, of: &TopicPartition, fetched: &Fetched) {
        let partition = of.partition.to_string();
        let labels = [&*of.topic, partition.as_str()];
        let t = &self.telemetry;
        t.add(Metric::Messages, &labels, fetched.messages);
        t.add(Metric::MessageBytes, &labels, fetched.bytes as u64);
        t.add(Metric::Events, &labels, fetched.batch.rows() as u64);
        if fetched.tombstones > 0 {
            t.add(Metric::Tombstones, &labels, fetched.tombstones);
        }
        for reject in &fetched.batch.rejects {
            t.add(Metric::Rejects, &[reject.reason.name()], 1);
        }
        if let Some(end) = fetched.end {
            self.ends.insert(of.clone(), end);
        }
        if self.taps.wanted(At::Decode) {
            self.tap_events(of, fetched);
        }
    }

    fn tap_events(&self, of: &TopicPartition, fetched: &Fetched) {
        let batch = &fetched.batch;
        let step = batch.rows().div_ceil(TAPPED_EVENTS).max(1);
        for row in (0..batch.rows()).step_by(step) {
            let event = batch.row(row);
            let model = match event.keys.first() {
                Some(Value::Label(model)) => model.clone(),
                _ => String::new(),
            };
            self.taps.offer(At::Decode, &model, "", || {
                json!({
                    "topic": &*of.topic, "partition": of.partition, "offset": event.offset,
                    "time": crate::model::time::rfc3339(event.time_us),
                    "keys": event.keys, "metrics": event.metrics,
                })
            });
        }
    }

    /// Offers what the engine sees of its series after panes were closed.
    fn tap_series(&self, shards: &BTreeMap<String, Shard>) {
        let (panes, scores) = (self.taps.wanted(At::Panes), self.taps.wanted(At::Scores));
        if !panes && !scores {
            return;
        }
        for view in
            shards.values().flat_map(|shard| shard.engine().series_views()).take(TAPPED_SERIES)
        {
            if panes {
                self.taps
                    .offer(At::Panes, view.model(), view.metric, || json!(view.distribution()));
            }
            if scores {
                self.taps.offer(At::Scores, view.model(), view.metric, || json!(view.evidence()));
            }
        }
    }

    pub(super) fn results(&mut self, results: &Results) {
        if !results.anomalies.is_empty() {
            self.telemetry.add(Metric::Anomalies, &[], results.anomalies.len() as u64);
        }
        for finding in &results.findings {
            self.telemetry.add(Metric::Findings, &[&finding.kind, &finding.severity], 1);
            self.latest("finding", &finding.severity, &finding.summary);
            tracing::info!(
                model = finding.model,
                severity = finding.severity,
                id = finding.id,
                "finding: {}",
                finding.summary
            );
        }
        for alert in &results.alerts {
            let status = alert.status.name();
            let model = alert.labels.get("model").cloned().unwrap_or_default();
            self.telemetry.add(Metric::Alerts, &[status], 1);
            match alert.status {
                AlertStatus::Firing => {
                    self.firing.insert(alert.fingerprint.clone(), model.clone());
                }
                _ => drop(self.firing.remove(&alert.fingerprint)),
            }
            let summary = alert.annotations.get("summary").cloned().unwrap_or_default();
            let severity = alert.annotations.get("severity").cloned().unwrap_or_default();
            self.latest("alert", &severity, &format!("{status}: {model}: {summary}"));
        }
    }

    fn latest(&mut self, what: &str, severity: &str, summary: &str) {
        let latest = &mut self.status.latest;
        if latest.len() >= LATEST_MAX {
            latest.remove(0);
        }
        latest.push(Latest {
            what: what.into(),
            at: Moment::now(),
            severity: severity.into(),
            summary: summary.into(),
        });
    }

    pub(super) fn cut(&mut self, epoch: &Epoch, findings_since_us: Option<u64>) {
        if let Some(since) = findings_since_us {
            self.cut_findings_us.insert(epoch.number, since);
        }
    }

    pub(super) fn committed(&mut self, number: u64, took_us: u64, now_us: u64) {
        self.telemetry.add(Metric::CommittedEpochs, &[], 1);
        self.telemetry.observe(Metric::CommitDuration, &[], took_us as f64 / 1e6);
        if let Some(since) = self.cut_findings_us.remove(&number) {
            let latency = now_us.saturating_sub(since) as f64 / 1e6;
            self.telemetry.observe(Metric::PaneLatency, &[], latency);
        }
        self.status.commit =
            Some(LastCommit { number, at: Moment::now(), took_s: took_us as f64 / 1e6 });
    }

    pub(super) fn lost(&mut self) {
        self.telemetry.add(Metric::LostEpochs, &[], 1);
        self.cut_findings_us.clear();
    }

    pub(super) fn stalled(&self, stall: Duration) {
        self.telemetry.observe(Metric::SnapshotStall, &[], stall.as_secs_f64());
    }

    pub(super) fn saved(&mut self, took: Duration, result: &Result<u64, String>) {
        match result {
            Ok(bytes) => {
                self.telemetry.add(Metric::Snapshots, &[], 1);
                self.telemetry.observe(Metric::SnapshotDuration, &[], took.as_secs_f64());
                self.telemetry.set(Metric::SnapshotSize, &[], *bytes as f64);
                let at = Moment::now();
                self.telemetry.set(Metric::SnapshotTime, &[], at.0 as f64 / 1e6);
                self.status.snapshot =
                    Some(LastSnapshot { at, took_s: took.as_secs_f64(), bytes: *bytes });
            }
            Err(_) => self.telemetry.add(Metric::SnapshotFailures, &[], 1),
        }
    }

    pub(super) fn rebalance(&self) {
        self.telemetry.add(Metric::Rebalances, &[], 1);
    }

    pub(super) fn reloaded(&mut self, result: &Result<String, String>, config: &str) {
        let word = if result.is_ok() { "success" } else { "failure" };
        self.telemetry.add(Metric::Reloads, &[word], 1);
        if result.is_ok() && config != self.status.config {
            let pipeline = self.status.pipeline.clone();
            self.telemetry.forget(Metric::ConfigHash, &[&pipeline, &self.status.config]);
            self.telemetry.set(Metric::ConfigHash, &[&pipeline, config], 1.0);
            self.status.config = config.into();
        }
    }

    pub(super) fn opened(&mut self, shard: &Shard) {
        self.told.insert(shard.name().into(), shard.engine().counters().clone());
        self.waiting = None;
        self.recovery = Some((shard.recovery_left().unsigned_abs(), Instant::now()));
    }

    pub(super) fn closed(&mut self, shard: &Shard) {
        self.told.remove(shard.name());
        for input in shard.inputs() {
            let partition = input.of.partition.to_string();
            let labels = [&*input.of.topic, partition.as_str()];
            for gauge in [Metric::Lag, Metric::PartitionWatermark, Metric::WatermarkHolder] {
                self.telemetry.forget(gauge, &labels);
            }
        }
    }

    /// What keeps shards from being opened.
    pub(super) fn waiting(&mut self, on: &str) {
        let since = self.waiting.as_ref().map_or_else(Moment::now, |waiting| waiting.since);
        self.waiting = Some(Waiting { on: on.into(), since });
        self.health.ready(false, on);
    }

    /// A sign of life, and once a second the whole picture.
    pub(super) fn tick(&mut self, view: &FlowView<'_>) {
        if self.drawn_at.is_some_and(|at| at.elapsed() < EVERY) {
            return;
        }
        self.drawn_at = Some(Instant::now());
        self.health.beat("flow");
        self.counters(view);
        self.partitions(view);
        self.commits(view);
        self.followers(view);
        self.recovery(view);
        self.verdict(view);
        self.tap_series(view.shards);
        self.telemetry.set_status(self.status.clone());
    }

    fn counters(&mut self, view: &FlowView<'_>) {
        for shard in view.shards.values().filter(|shard| !shard.recovering()) {
            let now = shard.engine().counters();
            let told = self.told.entry(shard.name().into()).or_default();
            let rows: [CounterRow; 5] = [
                (Metric::LateEvents, |c| c.late),
                (Metric::FutureEvents, |c| c.future),
                (Metric::RefusedSeriesEvents, |c| c.refused_series_events),
                (Metric::RefusedPaneEvents, |c| c.refused_pane),
                (Metric::ClosedPanes, |c| c.panes),
            ];
            for (metric, of) in rows {
                self.telemetry.add(metric, &[], of(now).saturating_sub(of(told)));
            }
            *told = now.clone();
        }
        let watched = view.shards.values().map(|s| s.engine().watched_series()).sum();
        self.status.watched_series = watched;
        self.telemetry.set(Metric::WatchedSeries, &[], watched as f64);
        let lost: u64 = view.fetchers.iter().map(|f| f.status().lost_offsets).sum();
        self.telemetry.add(Metric::LostOffsets, &[], lost.saturating_sub(self.lost_offsets));
        self.lost_offsets = lost;
        let waiting: usize = view.fetchers.iter().map(|f| f.status().waiting_bytes).sum();
        self.telemetry.set(Metric::WaitingBytes, &[], waiting as f64 + view.outbox.bytes() as f64);
    }

    fn partitions(&mut self, view: &FlowView<'_>) {
        self.status.partitions.clear();
        let (mut idle, mut held) = (0, 0);
        let mut least: Option<(i64, usize)> = None;
        let mut unknown = false;
        for shard in view.shards.values() {
            for (local, input) in shard.inputs().iter().enumerate() {
                let watermark_us = shard.engine().watermark_us(local as u32);
                let at = self.status.partitions.len();
                match watermark_us {
                    Some(us) if least.is_none_or(|(least, _)| us < least) => least = Some((us, at)),
                    Some(_) => {}
                    None => unknown = true,
                }
                let status = PartitionStatus {
                    topic: input.of.topic.to_string(),
                    partition: input.of.partition,
                    next: input.next,
                    end: self.ends.get(&input.of).copied(),
                    watermark: watermark_us.map(Moment),
                    holder: false,
                    idle: input.is_at_end(),
                    held: (view.held)(shard.name(), local),
                };
                idle += u32::from(status.idle);
                held += u32::from(status.held);
                self.status.partitions.push(status);
            }
        }
        if let Some((_, at)) = least
            && let Some(holder) = self.status.partitions.get_mut(at)
        {
            holder.holder = true;
        }
        let t = &self.telemetry;
        for status in &self.status.partitions {
            let partition = status.partition.to_string();
            let labels = [status.topic.as_str(), partition.as_str()];
            if let Some(lag) = status.lag() {
                t.set(Metric::Lag, &labels, lag as f64);
            }
            if let Some(watermark) = status.watermark {
                t.set(Metric::PartitionWatermark, &labels, watermark.0 as f64 / 1e6);
            }
            match status.holder {
                true => t.set(Metric::WatermarkHolder, &labels, 1.0),
                false => t.forget(Metric::WatermarkHolder, &labels),
            }
        }
        self.status.watermark = least.filter(|_| !unknown).map(|(us, _)| Moment(us));
        if let Some(Moment(us)) = self.status.watermark {
            t.set(Metric::Watermark, &[], us as f64 / 1e6);
            t.set(Metric::EventTimeLag, &[], (self.wall_us() - us) as f64 / 1e6);
        }
        t.set(Metric::AssignedPartitions, &[], self.status.partitions.len() as f64);
        t.set(Metric::IdlePartitions, &[], f64::from(idle));
        t.set(Metric::HeldPartitions, &[], f64::from(held));
    }

    fn commits(&mut self, view: &FlowView<'_>) {
        let Some(status) = view.committer.map(Committer::status) else {
            self.telemetry.set(Metric::SinkWait, &[], 0.0);
            return;
        };
        let waiting = status.waiting.as_ref();
        let wait_us = waiting.map_or(0, |waiting| self.wall_us() - waiting.since_us);
        self.telemetry.set(Metric::SinkWait, &[], wait_us as f64 / 1e6);
        self.status.waiting =
            waiting.map(|w| Waiting { on: w.why.clone(), since: Moment(w.since_us) });
        let told = std::mem::replace(&mut self.told_commits, (status.retries, status.replaced));
        self.telemetry.add(Metric::CommitRetries, &[], status.retries.saturating_sub(told.0));
        self.telemetry.add(Metric::ProducersReplaced, &[], status.replaced.saturating_sub(told.1));
    }

    fn followers(&mut self, view: &FlowView<'_>) {
        self.status.sinks.clear();
        for follower in view.followers {
            let labels = [follower.name()];
            let now = follower.status();
            let told = self.told_followers.entry(follower.name()).or_default();
            let rows = [
                (Metric::Delivered, now.delivered, told.delivered),
                (Metric::DeliveryRetries, now.retries, told.retries),
                (Metric::DeadLetters, now.dead_letters, told.dead_letters),
            ];
            for (metric, now, told) in rows {
                self.telemetry.add(metric, &labels, now.saturating_sub(told));
            }
            self.telemetry.set(Metric::Undelivered, &labels, now.waiting as f64);
            *told = now.clone();
            self.status.sinks.push(SinkStatus {
                name: follower.name().into(),
                delivered: now.delivered,
                dead_letters: now.dead_letters,
                waiting: now.waiting,
                error: now.error,
            });
        }
    }

    fn recovery(&mut self, view: &FlowView<'_>) {
        let left: i64 = view.shards.values().map(Shard::recovery_left).sum();
        let left = left.unsigned_abs();
        self.telemetry.set(Metric::RecoveryLeft, &[], left as f64);
        let Some((total, begun)) = self.recovery else { return };
        if left == 0 {
            if !view.shards.values().any(Shard::recovering) {
                self.telemetry.set(Metric::RecoveryTime, &[], begun.elapsed().as_secs_f64());
                self.recovery = None;
                self.status.recovery = None;
            }
            return;
        }
        let done = total.saturating_sub(left) as f64;
        let left_s = (done > 0.0).then(|| begun.elapsed().as_secs_f64() / done * left as f64);
        let eta = left_s.map_or("unknown".into(), |s| format!("{s:.0} s"));
        tracing::info!(
            messages = total,
            left,
            eta,
            "recovering: replaying messages since the snapshot"
        );
        self.status.recovery = Some(Recovery { messages: total, messages_left: left, left_s });
    }

    fn verdict(&mut self, view: &FlowView<'_>) {
        let leads = !view.shards.is_empty();
        self.status.leader = leads;
        self.status.at = Moment::now();
        self.status.firing = self.firing.values().cloned().collect();
        self.telemetry.set(Metric::Leader, &[], f64::from(u8::from(leads)));
        let recovering = view.shards.values().any(Shard::recovering);
        let fetch_fault = view.fetchers.iter().find_map(|f| f.status().error);
        let (ready, state) = match (&self.waiting, &self.status.waiting) {
            (Some(waiting), _) => (false, format!("cannot begin: {}", waiting.on)),
            (None, Some(waiting)) => (false, format!("waiting: {}", waiting.on)),
            _ if recovering => (false, "recovering".into()),
            _ if !leads && !view.member.is_member() => {
                (false, "not a member of the group: joining, or no broker answers".into())
            }
            _ if !leads => (true, "standing by".into()),
            _ => (true, "running".into()),
        };
        let why = match (&fetch_fault, ready) {
            (Some(fault), true) if leads => format!("{state}; reading: {fault}"),
            _ => state.clone(),
        };
        self.status.state = state;
        self.health.ready(ready, why);
        self.telemetry.set(Metric::Ready, &[], f64::from(u8::from(ready)));
    }
}
