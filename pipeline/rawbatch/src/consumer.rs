//! A consumer that gives raw batches, with its events on a queue of their own.

use std::ffi::CStr;
use std::fmt;
use std::time::{Duration, Instant};

use rdkafka::bindings as sys;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};

use crate::batch::Batch;
use crate::code;
use crate::event;
use crate::queue::Queue;

/// Events that one call of [`RawConsumer::serve`] takes at most.
const EVENTS_MAX: usize = 256;
/// How long events that were moved before the queues were parted are waited for.
const PARTING_MAX: Duration = Duration::from_secs(1);

/// A consumer that reads partitions given by `assign`. One thread at a time: librdkafka does not support
/// batches taken from one client by several threads (INTRODUCTION.md), so it is not `Sync`.
pub struct RawConsumer<C: ConsumerContext + 'static> {
    // Dropped in this order: references to queues before the client that they belong to.
    messages: Queue,
    events: Queue,
    slots: Slots,
    consumer: BaseConsumer<C>,
}

/// Room for the messages of one fetch, used anew by each.
struct Slots(Vec<*mut sys::rd_kafka_message_t>);

// SAFETY: the pointers are read only while a `Batch` borrows the consumer, and it cannot move to another
// thread then. Between batches they are numbers that nobody reads.
unsafe impl Send for Slots {}

impl<C: ConsumerContext + 'static> RawConsumer<C> {
    /// Parts the queues of a consumer that is new: nothing is assigned or subscribed yet. A fetch gives
    /// `messages_max` messages at most.
    pub fn new(consumer: BaseConsumer<C>, messages_max: usize) -> KafkaResult<Self> {
        let client = consumer.client().native_ptr();
        // SAFETY: the client lives as long as `consumer`, which is dropped after the queues.
        let (events, messages) = unsafe { (Queue::main(client), Queue::consumer(client)) };
        let messages = messages.ok_or_else(|| {
            KafkaError::ClientCreation("a consumer without group.id has no consumer queue".into())
        })?;
        events.forward_nowhere();
        // Nothing is assigned, so all that can be in the consumer queue are events that were moved there.
        let begun = Instant::now();
        while messages.len() > 0 && begun.elapsed() < PARTING_MAX {
            let _ = consumer.poll(Duration::ZERO);
        }
        let slots = Slots(vec![std::ptr::null_mut(); messages_max.max(1)]);
        Ok(Self { messages, events, slots, consumer })
    }

    /// The consumer, for `assign`, look-ups and its context. Do not `poll` it: that steals messages.
    pub fn consumer(&self) -> &BaseConsumer<C> {
        &self.consumer
    }

    /// Entries that wait in the consumer queue: messages, and words about partitions.
    pub fn waiting(&self) -> usize {
        self.messages.len()
    }

    /// End of a partition as of the last fetch response (offsets of transactions that are still open are
    /// behind it); none before the first. Asks nobody.
    pub fn end_of(&self, topic: &CStr, partition: i32) -> Option<i64> {
        let (mut first, mut end) = (sys::RD_KAFKA_OFFSET_INVALID as i64, -1i64);
        // SAFETY: the client is live, the name ends with a zero, and both places are ours to write.
        let error = unsafe {
            code::get_watermark_offsets(
                self.consumer.client().native_ptr(),
                topic.as_ptr(),
                partition,
                &mut first,
                &mut end,
            )
        };
        (error == code::NO_ERROR && end >= 0).then_some(end)
    }

    /// Waits up to `wait` for a message, then takes what is there, `limit` messages at most.
    ///
    /// `rd_kafka_consume_batch_queue` itself waits until the array is full or the time is over, so that a
    /// slow topic would always cost the whole time. Hence two calls: one message, then the rest at once.
    pub fn fetch(&mut self, limit: usize, wait: Duration) -> Batch<'_> {
        let limit = limit.clamp(1, self.slots.0.len());
        let wait_ms = wait.as_millis().min(60_000) as i32;
        let mut count = self.take(0, 1, wait_ms);
        if count > 0 {
            count += self.take(1, limit, 0);
        }
        let taken = self.slots.0.get(..count).unwrap_or(&[]);
        // SAFETY: `take` has just filled these slots with messages that are ours, and overwrites them
        // only once the borrow of `self` in the batch has ended.
        unsafe { Batch::new(taken) }
    }

    /// Serves logs, statistics, errors and requests for tokens, by the context. To be called often.
    pub fn serve(&mut self) {
        for _ in 0..EVENTS_MAX {
            if !event::serve_one(&self.events, self.consumer.client()) {
                return;
            }
        }
    }

    /// Fills `slots[from..to]`; says how many.
    fn take(&mut self, from: usize, to: usize, wait_ms: i32) -> usize {
        let Some(slots) = self.slots.0.get_mut(from..to) else { return 0 };
        // SAFETY: the queue is live; `slots` is writable room for as many pointers as are asked for. The
        // call is made by one thread at a time, since it takes `&mut self`.
        let taken = unsafe {
            sys::rd_kafka_consume_batch_queue(
                self.messages.as_ptr(),
                wait_ms,
                slots.as_mut_ptr(),
                slots.len(),
            )
        };
        usize::try_from(taken).unwrap_or(0).min(slots.len())
    }
}

impl<C: ConsumerContext + 'static> fmt::Debug for RawConsumer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawConsumer({} waiting)", self.waiting())
    }
}
