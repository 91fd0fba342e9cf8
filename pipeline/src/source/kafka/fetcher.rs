//! A fetch thread, seen from outside: started, told what to read, asked how it is, stopped.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use driftline_rawbatch::RawConsumer;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;

use super::arrival::Arrivals;
use super::fetch::{FetchThread, TAKEN_MAX};
use super::order::{FetchSettings, Order};
use super::properties;
use super::status::{Counters, FetchStatus};
use crate::codec::MessageDecoder;
use crate::kafka::client::Context;
use crate::kafka::{Doing, KafkaFault};
use crate::model::stream::Fetched;

/// Orders that may wait; the thread takes them even while it waits for its batches to be taken.
const ORDERS_MAX: usize = 1024;
/// A thread that has not ended by then is left to itself: closing a client may hang (rust-rdkafka #509).
const STOP_MAX: Duration = Duration::from_secs(2);

/// Says that the thread has ended, however it did.
struct LastWords {
    stop: Arc<AtomicBool>,
    counters: Arc<Counters>,
    end: Sender<()>,
}

impl Drop for LastWords {
    fn drop(&mut self) {
        if !self.stop.load(Ordering::Relaxed) {
            tracing::error!("a fetch thread crashed");
            self.counters.tell(Some("a fetch thread crashed: restart the process".into()));
        }
        self.counters.ended.store(true, Ordering::Relaxed);
        // Nobody may wait for it any more.
        let _ = self.end.send(());
    }
}

/// A thread with a consumer of its own that reads partitions as it is told.
pub struct Fetcher {
    number: usize,
    orders: Sender<Order>,
    stop: Arc<AtomicBool>,
    ended: Receiver<()>,
    counters: Arc<Counters>,
    context: Arc<Context>,
}

impl Fetcher {
    /// Makes a consumer and starts its thread. Nothing is read before the first order. Batches go to
    /// `out`; while it is full nothing is taken from librdkafka, whose own bounds then stop fetching.
    ///
    /// # Errors
    /// Where librdkafka refuses a property, or the layout cannot be read.
    pub fn spawn(
        number: usize,
        settings: FetchSettings,
        out: Sender<Fetched>,
    ) -> Result<Self, KafkaFault> {
        let role = format!("fetch-{number}");
        let words = Context::new(&role, &settings.connection);
        let failed = |detail: String| KafkaFault::Other {
            doing: format!("starting {role}"),
            detail,
            code: RDKafkaErrorCode::Fail,
        };
        let decoder = MessageDecoder::new(
            settings.codec,
            &settings.layout,
            &settings.limits,
            settings.not_before_us,
            i64::MAX,
        )
        .map_err(|error| failed(error.to_string()))?;
        let consumer: BaseConsumer<Context> = properties::fetching(&settings, &role)
            .create_with_context(Context::new(&role, &settings.connection))
            .map_err(|error| KafkaFault::of(&error, Doing::Connect, &words))?;
        let context = Arc::clone(consumer.context());
        let consumer = RawConsumer::new(consumer, TAKEN_MAX)
            .map_err(|error| KafkaFault::of(&error, Doing::Connect, &words))?;

        let (orders, received) = bounded(ORDERS_MAX);
        let (end, ended) = bounded(1);
        let stop = Arc::new(AtomicBool::new(false));
        let counters = Arc::new(Counters::default());
        let arrivals = Arrivals::new(decoder, settings.max_future_us);
        let thread = FetchThread::new(
            consumer,
            arrivals,
            received,
            out,
            Arc::clone(&stop),
            Arc::clone(&counters),
            settings.memory_bytes,
        );
        let last_words =
            LastWords { stop: Arc::clone(&stop), counters: Arc::clone(&counters), end };
        thread::Builder::new()
            .name(role.clone())
            .spawn(move || {
                let _last_words = last_words;
                thread.run();
            })
            .map_err(|error| failed(error.to_string()))?;
        Ok(Self { number, orders, stop, ended, counters, context })
    }

    /// Tells the thread something. Orders are carried out in their order, within some 20 ms.
    pub fn order(&self, order: Order) {
        if self.orders.send(order).is_err() {
            tracing::error!(fetcher = self.number, "the fetch thread has ended: order dropped");
        }
    }

    /// Whether its thread has ended, which only a bug or [`Fetcher::stop`] does.
    pub fn has_ended(&self) -> bool {
        self.counters.ended.load(Ordering::Relaxed)
    }

    /// How it is doing.
    pub fn status(&self) -> FetchStatus {
        self.counters.status(self.context.last_error())
    }

    /// Ends the thread and closes its consumer; what was fetched and not taken is dropped. Waits two
    /// seconds at most, then leaves it to itself.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        if self.ended.recv_timeout(STOP_MAX).is_err()
            && !self.counters.ended.load(Ordering::Relaxed)
        {
            tracing::warn!(
                fetcher = self.number,
                "the consumer did not close within 2 s: abandoned until the process ends"
            );
        }
    }
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fetcher({}, {:?})", self.number, self.status())
    }
}

impl Drop for Fetcher {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
