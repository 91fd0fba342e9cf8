//! Replay of topics: spans of partitions, fixed before it begins, through fetch threads and engines.
//!
//! What a group has decided live is read from its journal, so what is found is what the group found, byte
//! for byte. Where it has decided nothing, a partition that was read to the end of its span holds up no
//! other. Not here: what becomes of the results. Invariant: nothing is written to the cluster, no offset
//! is committed, and no group is joined.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::live::LiveFault;
use super::live::decisions::{Decisions, PartitionDecisions};
use super::live::shard::{Intake, Results, Shard};
use crate::codec::Codecs;
use crate::engine::Engine;
use crate::kafka::{Cluster, KafkaFault};
use crate::model::live::{Live, Split};
use crate::model::stream::{Fetched, TopicPartition};
use crate::model::{Batch, Layout, Settings};
use crate::source::kafka::{FetchSettings, Fetcher, Order};

/// Group of the handles. They join it not, but librdkafka asks for one.
pub const GROUP: &str = "driftline-replay";
/// Fetched batches that may wait, for each fetch thread.
const FETCHED_WAITING: usize = 8;
/// Between two looks at who runs ahead, and between two tellings.
const LOOK: Duration = Duration::from_millis(20);
/// Nothing comes for so long: it is given up.
const STALLED_AFTER: Duration = Duration::from_secs(60);

/// Why topics cannot be replayed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TopicReplayError {
    /// A broker, a topic, or what may be done with them.
    #[error(transparent)]
    Kafka(#[from] KafkaFault),
    /// The engine cannot be made.
    #[error(transparent)]
    Live(#[from] LiveFault),
    /// The group has not run on these topics.
    #[error(
        "group {group} has not started any partition of {topics} ({journal} has nothing about it); give the group \
         that runs live with --group"
    )]
    NothingBegan {
        /// The group.
        group: String,
        /// What was asked for.
        topics: String,
        /// The journal topic.
        journal: String,
    },
    /// What the group has read first is gone.
    #[error(
        "{topic}/{partition} is kept only from offset {first} on, but the group began at {began}: the same records \
         cannot be read again; raise retention.ms of the topic, or compare a group that began later"
    )]
    Gone {
        /// Topic.
        topic: String,
        /// Partition.
        partition: i32,
        /// First offset that is kept.
        first: i64,
        /// Where the group began.
        began: i64,
    },
    /// Nothing comes any more.
    #[error(
        "nothing was fetched for {seconds} s: {words}; check that the brokers run, and try again"
    )]
    Stalled {
        /// Seconds of waiting.
        seconds: u64,
        /// What the client said.
        words: String,
    },
}

/// A part of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The partition.
    pub of: TopicPartition,
    /// First offset.
    pub from: i64,
    /// Offset after the last one.
    pub to: i64,
}

/// What is read, and what was decided about it.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Sorted by partition.
    pub spans: Vec<Span>,
    /// Of the group.
    pub decisions: Decisions,
}

impl Plan {
    /// The records of a span of broker time; open ends are those of the partitions now.
    ///
    /// # Errors
    /// Where the cluster does not answer or refuses.
    pub fn by_time(
        cluster: &Cluster,
        topics: &[String],
        from_us: Option<i64>,
        to_us: Option<i64>,
        decisions: Decisions,
    ) -> Result<Self, TopicReplayError> {
        let partitions = cluster.partitions(topics)?;
        let kept = partitions.iter().map(|of| cluster.span(of)).collect::<Result<Vec<_>, _>>()?;
        let at =
            |time_us: Option<i64>| time_us.map(|us| cluster.at_time(&partitions, us)).transpose();
        let (from, to) = (at(from_us)?, at(to_us)?);
        let span = |at: usize| {
            let (first, end) = kept[at];
            let from = from.as_ref().map_or(first, |from| from[at]);
            let to = to.as_ref().map_or(end, |to| to[at]);
            Span { of: partitions[at].clone(), from, to: to.min(end).max(from) }
        };
        Ok(Self { spans: (0..partitions.len()).map(span).collect(), decisions })
    }

    /// All that a group has read: from where it began to what it has committed.
    ///
    /// # Errors
    /// Where the group has begun nowhere, its first records are gone, or the cluster does not answer.
    pub fn of_group(
        cluster: &Cluster,
        live: &Live,
        group: &str,
        decisions: Decisions,
        committed: &BTreeMap<TopicPartition, i64>,
    ) -> Result<Self, TopicReplayError> {
        let mut spans = Vec::new();
        for of in cluster.partitions(&live.source.topics)? {
            let Some(began) = decisions.of(&of).began else { continue };
            let (first, _) = cluster.span(&of)?;
            let to = committed.get(&of).copied().unwrap_or(began);
            if began < first && began < to {
                let TopicPartition { topic, partition } = of;
                return Err(TopicReplayError::Gone {
                    topic: topic.to_string(),
                    partition,
                    first,
                    began,
                });
            }
            spans.push(Span { of, from: began, to });
        }
        if spans.is_empty() {
            return Err(TopicReplayError::NothingBegan {
                group: group.into(),
                topics: live.source.topics.join(", "),
                journal: live.sinks.journal.clone(),
            });
        }
        Ok(Self { spans, decisions })
    }

    /// Records, at most: offsets of transactions' ends and of what was compacted away are counted, too.
    pub fn records(&self) -> u64 {
        self.spans.iter().map(|span| span.to.abs_diff(span.from)).sum()
    }

    /// Whether the group has decided anything about these partitions.
    pub fn is_decided(&self) -> bool {
        self.spans.iter().any(|span| self.decisions.of(&span.of) != PartitionDecisions::default())
    }
}

/// What a replay tells while it runs.
pub enum TopicEvent<'a> {
    /// Findings, alerts and messages that could not be read, in their order.
    Results(&'a Results),
    /// How far it is.
    Progress {
        /// Offsets that are behind.
        records: u64,
        /// Bytes of keys and values so far.
        bytes: u64,
        /// Event time that the slowest partition has reached, microseconds since 1970.
        time_us: Option<i64>,
        /// Events so far.
        events: u64,
    },
}

/// The settings that a live run judges partitions by: what is late by the wall clock is told by broker
/// time, and partitions that are judged on their own share the budget.
pub fn live_settings(mut settings: Settings, split: Split, partitions: usize) -> Settings {
    settings.time.not_after_us = i64::MAX;
    if split == Split::Partition {
        settings.detect.divide(partitions.max(1) as f64);
    }
    settings
}

/// Replays a plan, and gives the engines as they are at its end. `settings` are those of [`live_settings`];
/// one of `codecs` reads the messages; `fresh` makes an engine without history. An error from `tell` stops
/// it.
///
/// # Errors
/// [`TopicReplayError`], or what `tell` returned.
pub fn replay<E: From<TopicReplayError>>(
    plan: &Plan,
    settings: &Settings,
    live: &Live,
    codecs: &Codecs,
    threads: Option<usize>,
    fresh: impl Fn(Settings) -> Result<Engine, LiveFault>,
    mut tell: impl FnMut(TopicEvent<'_>) -> Result<(), E>,
) -> Result<Vec<Shard>, E> {
    let mut walk = Walk::new(plan, settings, live.source.split, fresh).map_err(E::from)?;
    let mut results = Results::default();
    walk.begin(&mut results);
    tell(TopicEvent::Results(&results))?;
    let threads = threads.unwrap_or_else(|| {
        std::thread::available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1))
    });
    let threads = threads.clamp(1, plan.spans.len().max(1));
    let fetch = FetchSettings {
        connection: live.kafka.clone(),
        group: GROUP.into(),
        codec: codecs
            .for_messages(&live.source.format)
            .map_err(|unknown| E::from(LiveFault::from(unknown).into()))?,
        layout: Layout { id: None, ..settings.layout.clone() },
        limits: settings.limits.clone(),
        not_before_us: settings.time.not_before_us,
        max_future_us: live.source.max_future_us,
        memory_bytes: live.source.memory_bytes / 2 / threads,
    };
    let fetching = Fetching::start(threads, &fetch).map_err(|fault| E::from(fault.into()))?;
    walk.orders().for_each(|(number, take)| fetching.order(number, take));
    let outcome = follow(&mut walk, &fetching, live.source.ahead_us, &mut tell);
    fetching.stop();
    outcome.and_then(|()| tell(walk.progress())).map(|()| walk.shards)
}

/// Walks until all partitions have come to their ends.
fn follow<E: From<TopicReplayError>>(
    walk: &mut Walk,
    fetching: &Fetching,
    ahead_us: i64,
    tell: &mut impl FnMut(TopicEvent<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let (mut heard, mut looked) = (Instant::now(), Instant::now());
    while !walk.is_done() {
        let mut results = Results::default();
        match fetching.fetched.recv_timeout(LOOK) {
            Ok(batch) => {
                heard = Instant::now();
                let number = batch.partition;
                if walk.take(batch, &mut results) {
                    fetching.order(number, Order::Leave { partition: number });
                }
            }
            Err(RecvTimeoutError::Timeout) if heard.elapsed() > STALLED_AFTER => {
                return Err(E::from(fetching.stalled()));
            }
            Err(_) => {}
        }
        if !results.is_empty() {
            tell(TopicEvent::Results(&results))?;
        }
        if looked.elapsed() >= LOOK {
            looked = Instant::now();
            walk.holds(ahead_us, |number, hold| {
                fetching.order(number, Order::Hold { partition: number, hold });
            });
            tell(walk.progress())?;
        }
    }
    Ok(())
}

/// The fetch threads, and what they have fetched.
struct Fetching {
    fetchers: Vec<Fetcher>,
    fetched: Receiver<Fetched>,
    /// Kept, so that the queue does not end with the last thread: that nothing comes is told as a stall.
    _fetched_in: Sender<Fetched>,
}

impl Fetching {
    fn start(threads: usize, settings: &FetchSettings) -> Result<Self, KafkaFault> {
        let (fetched_in, fetched) = bounded(threads * FETCHED_WAITING);
        let fetchers = (0..threads)
            .map(|number| Fetcher::spawn(number, settings.clone(), fetched_in.clone()))
            .collect::<Result<_, _>>()?;
        Ok(Self { fetchers, fetched, _fetched_in: fetched_in })
    }

    /// Orders the thread that a partition is with.
    fn order(&self, number: u32, order: Order) {
        self.fetchers[number as usize % self.fetchers.len()].order(order);
    }

    /// What to say where nothing comes any more.
    fn stalled(&self) -> TopicReplayError {
        let words = self.fetchers.iter().find_map(|fetcher| fetcher.status().error);
        TopicReplayError::Stalled {
            seconds: STALLED_AFTER.as_secs(),
            words: words.unwrap_or_else(|| "the client gives no reason".into()),
        }
    }

    fn stop(self) {
        // A fetch thread that waits for its batch to be taken does not see that it is to stop.
        drop(self.fetched);
        self.fetchers.into_iter().for_each(Fetcher::stop);
    }
}

/// A partition on its way.
struct SpanProgress {
    shard: usize,
    local: usize,
    from: i64,
    to: i64,
    next: i64,
    held: bool,
}

/// All shards and how far their partitions are. Pure.
struct Walk {
    shards: Vec<Shard>,
    spans: Vec<SpanProgress>,
    /// Partitions that have ended hold up no other.
    released: bool,
    bytes: u64,
}

impl Walk {
    fn new(
        plan: &Plan,
        settings: &Settings,
        split: Split,
        fresh: impl Fn(Settings) -> Result<Engine, LiveFault>,
    ) -> Result<Self, TopicReplayError> {
        let mut inputs: Vec<Vec<Intake>> = Vec::new();
        let mut spans = Vec::new();
        for Span { of, from, to } in &plan.spans {
            if inputs.is_empty() || split == Split::Partition {
                inputs.push(Vec::new());
            }
            let shard = inputs.len() - 1;
            let Some(of_shard) = inputs.last_mut() else { continue };
            let local = of_shard.len();
            spans.push(SpanProgress {
                shard,
                local,
                from: *from,
                to: *to,
                next: *from,
                held: false,
            });
            of_shard.push(Intake::new(of.clone(), *from, *from, plan.decisions.of(of)));
        }
        let shards = inputs
            .into_iter()
            .map(|inputs| Ok(Shard::new("replay".into(), fresh(settings.clone())?, inputs, false)))
            .collect::<Result<_, LiveFault>>()?;
        Ok(Self { shards, spans, released: !plan.is_decided(), bytes: 0 })
    }

    fn begin(&mut self, results: &mut Results) {
        self.shards.iter_mut().for_each(|shard| shard.begin(0, results));
        for number in 0..self.spans.len() {
            if self.spans[number].from >= self.spans[number].to {
                self.end(number, results);
            }
        }
    }

    /// What the fetch threads are told at first.
    fn orders(&self) -> impl Iterator<Item = (u32, Order)> {
        self.spans.iter().zip(0u32..).filter(|(span, _)| span.next < span.to).map(
            |(span, number)| {
                let input = &self.shards[span.shard].inputs()[span.local];
                let mut cuts = input.cuts();
                cuts.push(span.to);
                let order = Order::Take {
                    assignment: u64::from(number),
                    partition: number,
                    of: input.of.clone(),
                    offset: span.from,
                    cuts,
                };
                (number, order)
            },
        )
    }

    /// Takes what was fetched; true where its partition has come to its end by it.
    fn take(&mut self, mut fetched: Fetched, results: &mut Results) -> bool {
        let number = fetched.partition as usize;
        let Some(span) = self.spans.get_mut(number).filter(|span| span.next < span.to) else {
            return false;
        };
        let ends = fetched.next.max(fetched.first) >= span.to;
        // What stands behind the span is no part of it; the place is still where the span ends.
        let within = fetched.first < span.to;
        if within {
            self.bytes += fetched.bytes as u64;
            span.next = fetched.next.min(span.to);
            fetched.at_end = false;
            self.shards[span.shard].take(span.local, fetched, 0, results);
        }
        if ends {
            self.end(number, results);
        }
        ends
    }

    /// A partition stands where its span ends.
    fn end(&mut self, number: usize, results: &mut Results) {
        let span = &mut self.spans[number];
        span.next = span.to.max(span.from);
        let end = Fetched {
            assignment: number as u64,
            partition: number as u32,
            first: span.next,
            next: span.next,
            batch: Batch::default(),
            originals: Vec::new(),
            messages: 0,
            tombstones: 0,
            bytes: 0,
            at_end: true,
            end: None,
            broker_time_ms: None,
        };
        let shard = &mut self.shards[span.shard];
        shard.take(span.local, end, 0, results);
        if self.released {
            shard.release(1, 1, results);
        }
    }

    fn is_done(&self) -> bool {
        self.spans.iter().all(|span| span.next >= span.to)
    }

    /// Tells who is to pause, and who is to go on.
    fn holds(&mut self, ahead_us: i64, mut tell: impl FnMut(u32, bool)) {
        let holds: Vec<Vec<bool>> = self.shards.iter().map(|shard| shard.holds(ahead_us)).collect();
        for (span, number) in self.spans.iter_mut().zip(0u32..) {
            let hold = holds[span.shard][span.local];
            if hold != span.held && span.next < span.to {
                span.held = hold;
                tell(number, hold);
            }
        }
    }

    fn progress(&self) -> TopicEvent<'_> {
        let open = self.spans.iter().filter(|span| span.next < span.to);
        let reached =
            open.filter_map(|span| self.shards[span.shard].engine().reached_us(span.local as u32));
        TopicEvent::Progress {
            records: self.spans.iter().map(|span| span.next.abs_diff(span.from)).sum(),
            bytes: self.bytes,
            time_us: reached.min(),
            events: self.shards.iter().map(|shard| shard.engine().counters().events).sum(),
        }
    }
}
