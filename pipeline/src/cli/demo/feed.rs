//! Telemetry on its way into the topic, at a steady pace: event time runs faster than the clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::stage::{EVENTS, PARTITIONS};
use crate::kafka::client;
use crate::model::live::Connection;
use crate::synth::write::text::Speller;
use crate::synth::{Event, Generator, Plan};

/// Every so many records one is broken: they happen.
const BROKEN_EVERY: u64 = 50_000;
/// Between two looks at the clock.
const TICK: Duration = Duration::from_millis(10);
/// Until the broker has taken the last records.
const FLUSH_MAX: Duration = Duration::from_secs(30);

/// A thread that sends the events of a plan.
pub(super) struct Feed {
    progress: Arc<Progress>,
    thread: Option<JoinHandle<anyhow::Result<()>>>,
}

#[derive(Debug, Default)]
struct Progress {
    /// Arrivals up to here are sent, milliseconds since 1970.
    time_ms: AtomicI64,
    events: AtomicU64,
    broken: AtomicU64,
    over: AtomicBool,
}

impl Feed {
    /// Begins to send; all events are due after `wall`.
    pub(super) fn begin(
        plan: &Plan,
        wall: Duration,
        connection: &Connection,
    ) -> anyhow::Result<Self> {
        let producer: BaseProducer = client::config(connection, "feed")
            .set("linger.ms", "20")
            // Less of the few megabytes that the broker keeps.
            .set("compression.type", "lz4")
            .create()
            .map_err(|error| anyhow!("no producer for the telemetry: {error}"))?;
        let progress = Arc::new(Progress::default());
        progress.time_ms.store(plan.start_ms, Ordering::Relaxed);
        let (shared, plan) = (Arc::clone(&progress), plan.clone());
        let thread = std::thread::Builder::new()
            .name("feed".into())
            .spawn(move || send(&plan, wall, &producer, &shared))?;
        Ok(Self { progress, thread: Some(thread) })
    }

    /// How far event time has come, milliseconds since 1970.
    pub(super) fn time_ms(&self) -> i64 {
        self.progress.time_ms.load(Ordering::Relaxed)
    }

    /// Events sent so far.
    pub(super) fn events(&self) -> u64 {
        self.progress.events.load(Ordering::Relaxed)
    }

    /// Broken records sent so far.
    pub(super) fn broken(&self) -> u64 {
        self.progress.broken.load(Ordering::Relaxed)
    }

    /// Whether all is sent.
    ///
    /// # Errors
    /// Where it could not be.
    pub(super) fn is_over(&mut self) -> anyhow::Result<bool> {
        if let Some(thread) = self.thread.take_if(|thread| thread.is_finished()) {
            let sent = thread.join();
            sent.map_err(|_| anyhow!("the thread that sends the telemetry panicked"))??;
        }
        Ok(self.thread.is_none())
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.progress.over.store(true, Ordering::Relaxed);
    }
}

fn send(
    plan: &Plan,
    wall: Duration,
    producer: &BaseProducer,
    progress: &Progress,
) -> anyhow::Result<()> {
    let mut generator = Generator::new(plan)?;
    let mut speller = Speller::new(generator.vocabulary(), false);
    let pace = plan.span_ms as f64 / wall.as_secs_f64();
    let (mut event, mut line) = (Event::default(), Vec::new());
    let mut more = generator.next_into(&mut event);
    let begun = Instant::now();
    while more && !progress.over.load(Ordering::Relaxed) {
        let due_ms = plan.start_ms + (begun.elapsed().as_secs_f64() * pace) as i64;
        while more && event.arrival_ms <= due_ms {
            line.clear();
            speller.json(&event, &mut line);
            let number = progress.events.fetch_add(1, Ordering::Relaxed) + 1;
            let partition = (number % PARTITIONS.unsigned_abs() as u64) as i32;
            put(producer, partition, line.trim_ascii_end())?;
            if number.is_multiple_of(BROKEN_EVERY) {
                let cut = line.get(..line.len() / 2).unwrap_or_default();
                put(producer, partition, cut)?;
                progress.broken.fetch_add(1, Ordering::Relaxed);
            }
            more = generator.next_into(&mut event);
        }
        progress.time_ms.store(due_ms.min(plan.end_ms()), Ordering::Relaxed);
        producer.poll(Duration::ZERO);
        std::thread::sleep(TICK);
    }
    producer.flush(FLUSH_MAX).context("the broker did not take all of the telemetry")
}

/// Hands one record to the producer; waits while its queue is full.
fn put(producer: &BaseProducer, partition: i32, payload: &[u8]) -> anyhow::Result<()> {
    let mut record = BaseRecord::<[u8], [u8]>::to(EVENTS).partition(partition).payload(payload);
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again)) => {
                producer.poll(TICK);
                record = again;
            }
            Err((error, _)) => return Err(anyhow!("the telemetry cannot be sent: {error}")),
        }
    }
}
