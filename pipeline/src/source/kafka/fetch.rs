//! The loop of a fetch thread: orders, messages, batches, and what to do about offsets that are gone.
//!
//! Only this thread touches its consumer. Holding a partition is unassigning it: `pause` would move its
//! position by what errors say (librdkafka #4844) and may drop an end that is never told again.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::CString;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, SendTimeoutError, Sender};
use driftline_rawbatch::{Batch, Message, MessageFault, RawConsumer};
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaResult, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};

use super::arrival::{Arrival, Arrivals};
use super::cursor::{PartitionCursor, PartitionCursors};
use super::order::Order;
use super::status::Counters;
use crate::kafka::client::Context;
use crate::kafka::{Doing, KafkaFault, panic_point};
use crate::model::stream::{Fetched, TopicPartition};

/// Messages that are taken at once.
pub(super) const TAKEN_MAX: usize = 4096;
const TAKEN_MIN: usize = 16;
/// Their bytes, by what messages have been like so far.
const TAKEN_BYTES_MAX: usize = 4 << 20;
/// How long to wait for a message before looking after everything else.
const WAIT: Duration = Duration::from_millis(20);
/// The same where nothing is to be read.
const IDLE_WAIT: Duration = Duration::from_millis(50);
/// How long to wait for a batch to be taken before looking after everything else.
const SEND_WAIT: Duration = Duration::from_millis(10);
/// A question about offsets is given up after this.
const ASK_MAX: Duration = Duration::from_secs(2);
/// Asked first after this.
const SOON: Duration = Duration::from_millis(100);
/// And asked again after this; also how often an assignment that failed is tried.
const AGAIN: Duration = Duration::from_secs(2);

/// Everything that the thread has.
pub(super) struct FetchThread {
    consumer: RawConsumer<Context>,
    arrivals: Arrivals,
    orders: Receiver<Order>,
    out: Sender<Fetched>,
    stop: Arc<AtomicBool>,
    counters: Arc<Counters>,
    cursors: PartitionCursors,
    outbox: VecDeque<Fetched>,
    taken_bytes_max: usize,
    /// Mean size of messages, exponentially forgetful.
    mean_bytes: usize,
    /// The assignment is not what it should be: when to try again.
    assign_again: Option<Instant>,
    /// Something was said to be wrong, and no message has come since.
    has_complained: bool,
}

impl FetchThread {
    pub(super) fn new(
        consumer: RawConsumer<Context>,
        arrivals: Arrivals,
        orders: Receiver<Order>,
        out: Sender<Fetched>,
        stop: Arc<AtomicBool>,
        counters: Arc<Counters>,
        memory_bytes: usize,
    ) -> Self {
        Self {
            consumer,
            arrivals,
            orders,
            out,
            stop,
            counters,
            cursors: PartitionCursors::default(),
            outbox: VecDeque::new(),
            taken_bytes_max: TAKEN_BYTES_MAX.min(memory_bytes / 8),
            mean_bytes: 1024,
            assign_again: None,
            has_complained: false,
        }
    }

    /// Runs until it is told to stop, or nobody takes batches any more.
    pub(super) fn run(mut self) {
        while !self.is_stopped() {
            panic_point("fetch_thread");
            self.consumer.serve();
            self.take_orders();
            self.look_after_the_stuck();
            self.assign_all();
            if self.cursors.is_empty() {
                match self.orders.recv_timeout(IDLE_WAIT) {
                    Ok(order) => self.carry_out(vec![order]),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
                continue;
            }
            self.fetch();
            self.hand_on();
        }
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Takes what has come and decodes it, partition by partition.
    fn fetch(&mut self) {
        let limit = (self.taken_bytes_max / self.mean_bytes.max(1)).clamp(TAKEN_MIN, TAKEN_MAX);
        let Self { consumer, cursors, arrivals, outbox, .. } = self;
        let batch = consumer.fetch(limit, WAIT);
        let (mut faults, mut of_client, mut lost) = (Vec::new(), Vec::new(), 0);
        let runs = of_partitions(&batch, cursors, &mut of_client);
        for runs in runs.chunk_by(|a, b| a.0 == b.0) {
            let partition = runs.first().map_or(0, |run| run.0);
            let Some(cursor) = cursors.get_mut(partition).filter(|r| r.is_fetched()) else {
                continue;
            };
            let messages = runs.iter().flat_map(|(_, run)| run.iter());
            let arrived = messages.filter_map(|message| match message.fault() {
                None => Some(Arrival::Message {
                    offset: message.offset(),
                    timestamp_ms: message.timestamp_ms(),
                    key: message.key(),
                    value: message.payload(),
                }),
                Some(MessageFault::EndOfPartition) => Some(Arrival::End(message.offset())),
                Some(fault) => {
                    faults.push((partition, fault, words_of(message)));
                    (fault == MessageFault::Unreadable).then_some(Arrival::Unreadable)
                }
            });
            arrivals.read(cursor, arrived, &mut |fetched| outbox.push_back(fetched));
            lost += std::mem::take(&mut cursor.lost);
        }
        let is_flowing = !runs.is_empty() && faults.is_empty();
        drop(runs);
        drop(batch);
        if is_flowing {
            self.be_content();
        }
        self.counters.lost_offsets.fetch_add(lost, Ordering::Relaxed);
        self.counters.waiting_messages.store(self.consumer.waiting(), Ordering::Relaxed);
        for words in of_client {
            tracing::warn!("{}", self.consumer.consumer().context().words(&words));
        }
        for (partition, fault, words) in faults {
            self.heard(partition, fault, &words);
        }
    }

    /// Something has come: what was wrong with the client or with a partition is over, unless one is stuck.
    fn be_content(&mut self) {
        self.consumer.consumer().context().forget();
        if self.has_complained && self.cursors.iter().all(|cursor| cursor.stuck_until.is_none()) {
            self.has_complained = false;
            self.counters.tell(None);
        }
    }

    fn complain(&mut self, words: String) {
        self.has_complained = true;
        self.counters.tell(Some(words));
    }

    /// Sends all batches on. While nobody takes them, orders and events are looked after.
    fn hand_on(&mut self) {
        while let Some(mut fetched) = self.outbox.pop_front() {
            let cursor = self.cursors.get(fetched.partition);
            let Some(cursor) = cursor.filter(|r| r.assignment == fetched.assignment) else {
                continue;
            };
            // A topic's name has no zero byte.
            fetched.end = CString::new(cursor.of.topic.as_bytes())
                .ok()
                .and_then(|topic| self.consumer.end_of(&topic, cursor.of.partition));
            let (messages, bytes) = (fetched.messages, fetched.bytes);
            match self.out.send_timeout(fetched, SEND_WAIT) {
                Ok(()) => {
                    self.counters.messages.fetch_add(messages, Ordering::Relaxed);
                    self.counters.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
                    if let Some(mean) = (bytes as u64).checked_div(messages) {
                        self.mean_bytes = (self.mean_bytes * 7 + mean as usize) / 8;
                    }
                }
                Err(SendTimeoutError::Timeout(fetched)) => {
                    self.outbox.push_front(fetched);
                    self.counters.blocked.store(true, Ordering::Relaxed);
                    let waiting = self.consumer.waiting();
                    self.counters.waiting_messages.store(waiting, Ordering::Relaxed);
                    self.consumer.serve();
                    self.take_orders();
                    if self.is_stopped() {
                        return;
                    }
                }
                Err(SendTimeoutError::Disconnected(_)) => {
                    self.stop.store(true, Ordering::Relaxed);
                    return;
                }
            }
        }
        self.counters.blocked.store(false, Ordering::Relaxed);
    }

    fn take_orders(&mut self) {
        let orders: Vec<Order> = self.orders.try_iter().collect();
        if !orders.is_empty() {
            self.carry_out(orders);
        }
    }

    /// Carries orders out, with one change of librdkafka's assignment for all of them. Partitions that no
    /// order touches keep what was fetched ahead of them.
    fn carry_out(&mut self, orders: Vec<Order>) {
        // Places that change, and whether librdkafka fetches them now.
        let mut touched: BTreeMap<TopicPartition, bool> = BTreeMap::new();
        let mut touch = |cursor: &PartitionCursor, is_fetched: bool| {
            touched.entry(cursor.of.clone()).or_insert(is_fetched);
        };
        for order in orders {
            match order {
                Order::Take { assignment, partition, of, offset, cuts } => {
                    let cursor = PartitionCursor::new(assignment, partition, of, offset, cuts);
                    let at = self.cursors.at(&cursor.of.topic, cursor.of.partition);
                    touch(&cursor, at.is_some_and(PartitionCursor::is_fetched));
                    for replaced in self.cursors.insert(cursor) {
                        touch(&replaced, replaced.is_fetched());
                    }
                }
                Order::Leave { partition } => {
                    if let Some(left) = self.cursors.remove(partition) {
                        touch(&left, left.is_fetched());
                    }
                }
                Order::Hold { partition, hold } => {
                    if let Some(cursor) = self.cursors.get_mut(partition)
                        && cursor.held != hold
                    {
                        touch(cursor, cursor.is_fetched());
                        cursor.held = hold;
                    }
                }
            }
        }
        let ended: Vec<TopicPartition> = touched
            .iter()
            .filter(|(_, is_fetched)| **is_fetched)
            .map(|(of, _)| of.clone())
            .collect();
        let begun: Vec<u32> = touched
            .keys()
            .filter_map(|of| self.cursors.at(&of.topic, of.partition))
            .filter(|cursor| cursor.is_fetched())
            .map(|cursor| cursor.partition)
            .collect();
        let result = self.unassign(&ended).and_then(|()| self.assign(&begun));
        self.heed(result);
    }

    fn unassign(&self, ended: &[TopicPartition]) -> KafkaResult<()> {
        if ended.is_empty() {
            return Ok(());
        }
        let mut list = TopicPartitionList::with_capacity(ended.len());
        for of in ended {
            list.add_partition(&of.topic, of.partition);
        }
        self.consumer.consumer().incremental_unassign(&list)
    }

    /// Lets librdkafka fetch these from where their cursors stand.
    fn assign(&mut self, begun: &[u32]) -> KafkaResult<()> {
        if begun.is_empty() {
            return Ok(());
        }
        let mut list = TopicPartitionList::with_capacity(begun.len());
        for &partition in begun {
            if let Some(cursor) = self.cursors.get_mut(partition) {
                // It will tell the end anew.
                cursor.end_told = None;
                let offset = Offset::Offset(cursor.next);
                list.add_partition_offset(&cursor.of.topic, cursor.of.partition, offset)?;
            }
        }
        self.consumer.consumer().incremental_assign(&list)
    }

    /// Notes whether librdkafka's assignment is what it should be.
    fn heed(&mut self, result: KafkaResult<()>) {
        if let Err(error) = result {
            let fault = KafkaFault::of(&error, Doing::Connect, self.consumer.consumer().context());
            tracing::error!("assigning partitions failed: {fault}; assigning all of them again");
            self.assign_again = Some(Instant::now() + AGAIN);
        }
    }

    /// Assigns everything anew, where a change of the assignment had failed.
    fn assign_all(&mut self) {
        if self.assign_again.is_none_or(|due| due > Instant::now()) {
            return;
        }
        self.assign_again = None;
        let all: Vec<u32> =
            self.cursors.iter().filter(|r| r.is_fetched()).map(|r| r.partition).collect();
        let result = self.consumer.consumer().unassign().and_then(|()| self.assign(&all));
        self.heed(result);
    }

    /// A partition told of something that is neither a message nor its end.
    fn heard(&mut self, partition: u32, fault: MessageFault, words: &str) {
        let words = self.consumer.consumer().context().words(words);
        let Some(cursor) = self.cursors.get_mut(partition) else { return };
        let (topic, number, offset) = (cursor.of.topic.as_ref(), cursor.of.partition, cursor.next);
        let wait = match fault {
            MessageFault::OutOfRange => SOON,
            MessageFault::Forbidden => AGAIN,
            // librdkafka goes on by itself.
            MessageFault::EndOfPartition | MessageFault::Unreadable | MessageFault::Other(_) => {
                tracing::warn!(topic, partition = number, offset, "{words}");
                self.complain(words);
                return;
            }
        };
        tracing::warn!(topic, partition = number, offset, "reading stopped: {words}");
        let stopped = cursor.of.clone();
        cursor.stuck_until = Some(Instant::now() + wait);
        if fault == MessageFault::Forbidden {
            let context = self.consumer.consumer().context();
            let code = RDKafkaErrorCode::TopicAuthorizationFailed;
            let fault = KafkaFault::of_code(code, &words, Doing::Read(&stopped.topic), context);
            self.complain(fault.to_string());
        }
        let result = self.unassign(&[stopped]);
        self.heed(result);
    }

    /// Looks where the partitions that have stopped can go on, and says what that costs.
    fn look_after_the_stuck(&mut self) {
        let now = Instant::now();
        let is_due = |cursor: &&PartitionCursor| cursor.stuck_until.is_some_and(|due| due <= now);
        let due: Vec<u32> = self.cursors.iter().filter(is_due).map(|r| r.partition).collect();
        for partition in due {
            if let Some(trouble) = self.try_on(partition) {
                tracing::error!("{trouble}");
                self.complain(trouble);
                if let Some(cursor) = self.cursors.get_mut(partition) {
                    cursor.stuck_until = Some(Instant::now() + AGAIN);
                }
            }
        }
    }

    /// Asks what is kept of a partition that has stopped, and goes on at the first offset that is.
    /// Says why it cannot.
    fn try_on(&mut self, partition: u32) -> Option<String> {
        let consumer = self.consumer.consumer();
        let cursor = self.cursors.get_mut(partition)?;
        let (topic, number) = (Arc::clone(&cursor.of.topic), cursor.of.partition);
        let (first, end) = match consumer.fetch_watermarks(&topic, number, ASK_MAX) {
            Ok(span) => span,
            Err(error) => {
                let fault = KafkaFault::of(&error, Doing::Read(&topic), consumer.context());
                return Some(format!("cannot read {topic}[{number}]: {fault}"));
            }
        };
        if cursor.next > end {
            return Some(format!(
                "cannot read {topic}[{number}]: the next offset to read is {}, but the partition ends \
                 at {end}: the topic was recreated, or its log truncated; use a new group, or reset the \
                 group's offsets",
                cursor.next
            ));
        }
        let lost = first.saturating_sub(cursor.next);
        if lost > 0 {
            tracing::error!(
                topic = topic.as_ref(),
                partition = number,
                from = cursor.next,
                to = first,
                lost,
                "offsets expired before they were read; reading continues at the first one kept: raise \
                 retention.ms or retention.bytes of the topic, or read faster"
            );
            self.counters.lost_offsets.fetch_add(lost.unsigned_abs(), Ordering::Relaxed);
            self.outbox.push_back(self.arrivals.jump(cursor, first));
        }
        cursor.stuck_until = None;
        let result = if cursor.held { Ok(()) } else { self.assign(&[partition]) };
        self.heed(result);
        None
    }
}

/// What has come, by number of the partition, in the order of each; of partitions that are read.
fn of_partitions<'b>(
    batch: &'b Batch<'_>,
    cursors: &PartitionCursors,
    unread: &mut Vec<String>,
) -> Vec<(u32, &'b [Message])> {
    let mut runs = Vec::new();
    for run in batch.runs() {
        let Some(first) = run.first() else { continue };
        match cursors.at(first.topic(), first.partition()) {
            Some(cursor) => runs.push((cursor.partition, run)),
            // Of the client as a whole.
            None if first.topic().is_empty() => unread.extend(run.iter().map(words_of)),
            // Of a partition that was left.
            None => {}
        }
    }
    runs.sort_by_key(|(partition, _)| *partition);
    runs
}

/// What librdkafka says of a fault.
fn words_of(message: &Message) -> String {
    String::from_utf8_lossy(message.payload().unwrap_or_default()).into_owned()
}
