//! The producer of the process: its settings, bounded sending, and what became of each record.
//!
//! Not here: transactions. Waiting is in steps of a millisecond: rdkafka's own `flush` waits for a tenth of
//! a second whenever a record is still under way. A producer that is given up is taken down by a thread
//! of its own, which nobody waits for: librdkafka may hang there.

use std::error::Error;
use std::mem::ManuallyDrop;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{DeliveryResult, Header, Message, OwnedHeaders};
use rdkafka::producer::{
    BaseProducer, BaseRecord, NoCustomPartitioner, Producer as _, ProducerContext, PurgeConfig,
};

use super::CommitSettings;
use crate::kafka::client::{self, Context};
use crate::kafka::{Doing, KafkaFault};
use crate::model::live::{Connection, Delivery};
use crate::model::stream::Record;

pub(super) type Producer = BaseProducer<Reports>;

/// Records of at most so many kibibytes wait in librdkafka; more make the sender wait.
const QUEUE_KBYTES: &str = "32768";
/// Largest record that the client sends; the topic's own limit is the broker's to say.
const RECORD_BYTES_MAX: &str = "16777216";
/// One step of waiting.
const STEP: Duration = Duration::from_millis(1);

/// Config of the producer.
pub(super) fn config(settings: &CommitSettings) -> ClientConfig {
    let connection = &settings.connection;
    let timeout_ms = timeout_ms(settings);
    let mut config = client::config(connection, "commit");
    for (name, value) in [
        ("linger.ms", "5"),
        // A transaction right after another is told to come again soon; the default is a tenth of a second.
        ("retry.backoff.ms", "20"),
        ("compression.type", "lz4"),
        ("partitioner", "murmur2_random"), // as Java clients: a key is where they expect it
        ("queue.buffering.max.kbytes", QUEUE_KBYTES),
        ("message.max.bytes", RECORD_BYTES_MAX),
    ] {
        client::prefer(&mut config, connection, name, value);
    }
    config
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("allow.auto.create.topics", "false")
        // A record fails while its transaction still lives, so that it can be aborted and written again.
        .set("message.timeout.ms", (timeout_ms * 2 / 3).max(1).to_string());
    if settings.delivery.mode == Delivery::ExactlyOnce {
        config.set("transactional.id", &settings.transactional_id);
        config.set("transaction.timeout.ms", timeout_ms.to_string());
        // librdkafka refuses a transaction that is shorter than a request may take.
        let socket_ms = socket_timeout_ms(connection).min(timeout_ms - 100).max(10);
        config.set("socket.timeout.ms", socket_ms.to_string());
    }
    config
}

/// Timeout of a transaction in milliseconds, as librdkafka takes it.
pub(super) fn timeout_ms(settings: &CommitSettings) -> i64 {
    (settings.delivery.transaction_timeout_us / 1000).clamp(1000, i64::from(i32::MAX))
}

fn socket_timeout_ms(connection: &Connection) -> i64 {
    let set = connection.properties.get("socket.timeout.ms");
    set.and_then(|value| value.expose().parse().ok()).unwrap_or(60_000)
}

/// Makes the producer.
pub(super) fn open(settings: &CommitSettings) -> Result<Arc<Producer>, KafkaFault> {
    let reports = Reports {
        context: Context::new("commit", &settings.connection),
        failure: Mutex::new(None),
    };
    let words = Context::new("commit", &settings.connection);
    let made = config(settings).create_with_context(reports);
    made.map(Arc::new).map_err(|error| KafkaFault::of(&error, Doing::Connect, &words))
}

/// Lets go of a producer; whoever holds it last has it taken down by a thread that nobody waits for.
pub(super) fn retire(producer: Arc<Producer>) {
    let Some(last) = Arc::into_inner(producer) else { return };
    // Where no thread can be made the handle stays: that is the other way not to wait.
    let last = ManuallyDrop::new(last);
    let thread = thread::Builder::new().name("driftline-retire".to_owned());
    if thread.spawn(move || drop(ManuallyDrop::into_inner(last))).is_err() {
        tracing::warn!(
            "cannot start a thread to close a producer: it stays open until the process exits"
        );
    }
}

/// Hands records to librdkafka, waiting while its queue is full.
///
/// # Errors
/// Where a record is refused at once, one of those under way has failed, or it is not to go on.
pub(super) fn send(
    producer: &Producer,
    records: &[Record],
    go_on: &dyn Fn() -> bool,
) -> Result<(), KafkaFault> {
    for record in records {
        let key = record.key.as_deref();
        let mut sent = BaseRecord::<[u8], [u8]>::to(&record.topic);
        sent.key = key;
        sent.payload = record.payload.as_deref();
        if !record.headers.is_empty() {
            sent.headers = Some(headers(&record.headers));
        }
        loop {
            match producer.send(sent) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(Code::QueueFull), again)) => {
                    sent = again;
                    serve(producer);
                    failed(producer)?;
                    proceed(go_on)?;
                }
                Err((error, _)) => {
                    failed(producer)?;
                    return Err(fault(producer, &error, Doing::Write(&record.topic)));
                }
            }
        }
    }
    Ok(())
}

/// Waits until all that was sent is written.
///
/// # Errors
/// Where one has failed, something is still under way after the longest time that is allowed for it, or
/// it is not to go on.
pub(super) fn settle(
    producer: &Producer,
    patience: Duration,
    go_on: &dyn Fn() -> bool,
) -> Result<(), KafkaFault> {
    let begun = Instant::now();
    loop {
        failed(producer)?;
        if producer.in_flight_count() == 0 {
            return Ok(());
        }
        if begun.elapsed() > patience {
            let error = KafkaError::Flush(Code::MessageTimedOut);
            return Err(fault(producer, &error, Doing::Write("of the sinks")));
        }
        proceed(go_on)?;
        serve(producer);
    }
}

fn proceed(go_on: &dyn Fn() -> bool) -> Result<(), KafkaFault> {
    if go_on() {
        return Ok(());
    }
    Err(KafkaFault::Evicted {
        doing: Doing::Write("of the sinks").words(),
        detail: "its partitions were taken away".to_owned(),
    })
}

/// Drops what is still under way and waits for the reports of it.
///
/// # Errors
/// Where something stays under way: the producer is of no use any more.
pub(super) fn abandon(producer: &Producer, patience: Duration) -> Result<(), KafkaFault> {
    // Not what is in flight: taking that out of an idempotent producer's row is fatal for it.
    producer.purge(PurgeConfig::default().queue());
    let begun = Instant::now();
    while producer.in_flight_count() > 0 {
        serve(producer);
        if begun.elapsed() > patience {
            let error = KafkaError::Flush(Code::MessageTimedOut);
            return Err(fault(producer, &error, Doing::Write("of the sinks")));
        }
    }
    forget(producer);
    Ok(())
}

/// Lets reports, logs, errors and token refreshes through, for one step.
pub(super) fn serve(producer: &Producer) {
    producer.poll(STEP);
}

/// The first failure since the last [`forget`].
///
/// # Errors
/// That failure.
pub(super) fn failed(producer: &Producer) -> Result<(), KafkaFault> {
    let failure = reports(producer).failure.lock().unwrap_or_else(PoisonError::into_inner);
    failure.clone().map_or(Ok(()), Err)
}

/// Why the transaction that is open cannot go on, if it cannot. Records that are purged do not tell: their
/// transaction failed before they were sent. To begin one within another is refused with that very error.
pub(super) fn cause(producer: &Producer) -> Option<KafkaError> {
    let refused = producer.begin_transaction().err()?;
    let says_nothing = refused.rdkafka_error_code() == Some(Code::State);
    (!says_nothing).then_some(refused)
}

/// Whether a record was taken back unsent.
pub(super) fn is_purge(fault: &KafkaFault) -> bool {
    matches!(fault, KafkaFault::Other { code: Code::PurgeQueue | Code::PurgeInflight, .. })
}

/// Forgets failures: what they concerned is written again as a whole.
pub(super) fn forget(producer: &Producer) {
    *reports(producer).failure.lock().unwrap_or_else(PoisonError::into_inner) = None;
}

/// The fault behind an error of this producer.
pub(super) fn fault(producer: &Producer, error: &KafkaError, doing: Doing<'_>) -> KafkaFault {
    KafkaFault::of(error, doing, &reports(producer).context)
}

fn reports(producer: &Producer) -> &Reports {
    producer.client().context()
}

fn headers(headers: &[(String, Vec<u8>)]) -> OwnedHeaders {
    let owned = OwnedHeaders::new_with_capacity(headers.len());
    headers
        .iter()
        .fold(owned, |owned, (key, value)| owned.insert(Header { key, value: Some(value) }))
}

/// Listens to the producer.
pub(super) struct Reports {
    context: Context,
    failure: Mutex<Option<KafkaFault>>,
}

impl ClientContext for Reports {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.context.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.context.error(error, reason);
    }

    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        self.context.generate_oauth_token(config)
    }
}

impl ProducerContext<NoCustomPartitioner> for Reports {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let (error, message) = match result {
            Ok(_) => return self.context.forget(),
            Err((error, message)) => (error, message),
        };
        let fault = KafkaFault::of(error, Doing::Write(message.topic()), &self.context);
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(fault);
    }
}
