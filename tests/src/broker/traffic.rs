//! Records written to the broker and read back, by librdkafka alone.
//!
//! What is read here judges what Driftline wrote, so nothing of Driftline is used.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Headers, Message as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use super::Broker;
use super::topics::CALL;

/// A whole topic is read within this time.
const READ: Duration = Duration::from_secs(60);

/// A record to write.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sent {
    /// Number of the partition.
    pub partition: i32,
    /// Key.
    pub key: Option<Vec<u8>>,
    /// Value; none = tombstone.
    pub value: Option<Vec<u8>>,
    /// Broker time, milliseconds since 1970; none = now.
    pub timestamp_ms: Option<i64>,
}

/// A record that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Number of the partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
    /// Broker time, milliseconds since 1970.
    pub timestamp_ms: Option<i64>,
    /// Key.
    pub key: Option<Vec<u8>>,
    /// Value.
    pub value: Option<Vec<u8>>,
    /// Headers, in order.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Message {
    /// The value as text; a tombstone is empty.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.value.as_deref().unwrap_or_default()).into_owned()
    }

    /// The key as text; none is empty.
    pub fn name(&self) -> String {
        String::from_utf8_lossy(self.key.as_deref().unwrap_or_default()).into_owned()
    }

    /// The first header of a name, as text.
    pub fn header(&self, name: &str) -> Option<String> {
        let value = self.headers.iter().find(|(known, _)| known == name)?;
        Some(String::from_utf8_lossy(&value.1).into_owned())
    }
}

/// Which records a reader sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visible {
    /// Those of committed transactions, and those outside of any.
    Committed,
    /// All, those of open and aborted transactions too.
    All,
}

/// Counts the records that the broker did not take.
struct Refused(AtomicUsize);

impl ClientContext for Refused {}

impl ProducerContext for Refused {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        self.0.fetch_add(usize::from(result.is_err()), Ordering::Relaxed);
    }
}

/// Writes to one topic.
pub struct Feed {
    topic: String,
    producer: BaseProducer<Refused>,
}

impl Feed {
    /// Writes records and waits until the broker has them.
    ///
    /// # Panics
    /// Where the broker does not take one.
    pub fn send(&self, records: impl IntoIterator<Item = Sent>) {
        let Self { topic, producer } = self;
        for sent in records {
            let mut record: BaseRecord<'_, [u8], [u8]> =
                BaseRecord::to(topic).partition(sent.partition);
            record.key = sent.key.as_deref();
            record.payload = sent.value.as_deref();
            record.timestamp = sent.timestamp_ms;
            loop {
                match producer.send(record) {
                    Ok(()) => break,
                    Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                        record = back;
                        producer.poll(Duration::from_millis(10));
                    }
                    Err((error, _)) => panic!("a record for {topic} cannot be sent: {error}"),
                }
            }
        }
        // `flush` looks only each 100 ms.
        let begun = Instant::now();
        while producer.in_flight_count() > 0 {
            assert!(begun.elapsed() < READ * 2, "{topic} does not take the records");
            producer.poll(Duration::from_millis(1));
        }
        let refused = producer.context().0.load(Ordering::Relaxed);
        assert_eq!(refused, 0, "records that {topic} did not take");
    }
}

impl Broker {
    /// Writes records and waits until the broker has them. `codec` is `none`, `gzip`, `lz4`, `zstd` or
    /// `snappy`.
    ///
    /// # Panics
    /// Where the broker does not take one.
    pub fn produce(&self, topic: &str, records: impl IntoIterator<Item = Sent>, codec: &str) {
        self.feed(topic, codec).send(records);
    }

    /// A producer that stays, for many small writes.
    ///
    /// # Panics
    /// Where librdkafka refuses the codec.
    pub fn feed(&self, topic: &str, codec: &str) -> Feed {
        let mut config = self.client();
        config.set("compression.type", codec).set("linger.ms", "5");
        config.set("enable.idempotence", "true").set("message.timeout.ms", "120000");
        let refused = Refused(AtomicUsize::new(0));
        let producer = BaseProducer::from_config_and_context(&config, refused);
        Feed { topic: topic.to_owned(), producer: producer.expect("a producer can be made") }
    }

    /// All records of a topic up to its end now, by partition and offset, that a reader of committed
    /// records sees.
    pub fn read_committed(&self, topic: &str) -> Vec<Message> {
        self.read(topic, Visible::Committed)
    }

    /// The same for a reader of either kind. A reader of committed records ends before the first
    /// transaction that is still open.
    ///
    /// # Panics
    /// Where the broker does not answer.
    pub fn read(&self, topic: &str, visible: Visible) -> Vec<Message> {
        let level = match visible {
            Visible::Committed => "read_committed",
            Visible::All => "read_uncommitted",
        };
        let consumer = self.consumer(
            "driftline-tests-read",
            &[
                ("isolation.level", level),
                ("enable.partition.eof", "true"),
                ("fetch.wait.max.ms", "50"),
                ("check.crcs", "true"),
            ],
        );
        let mut open: BTreeSet<i32> = self.partitions(&consumer, topic).into_iter().collect();
        let mut list = TopicPartitionList::new();
        for &partition in &open {
            list.add_partition_offset(topic, partition, Offset::Beginning).expect("a beginning");
        }
        consumer.assign(&list).expect("partitions can be assigned");
        let mut messages = Vec::new();
        let begun = Instant::now();
        while !open.is_empty() {
            assert!(begun.elapsed() < READ, "{topic} cannot be read to its end: {open:?} left");
            match consumer.poll(Duration::from_millis(200)) {
                Some(Ok(message)) => messages.push(owned(&message)),
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    open.remove(&partition);
                }
                Some(Err(error)) => panic!("{topic} cannot be read: {error}"),
                None => {}
            }
        }
        messages.sort_by_key(|message| (message.partition, message.offset));
        messages
    }

    /// Waits until a condition holds; it is asked every 50 ms.
    ///
    /// # Panics
    /// Where it does not hold in time; `what` says what was waited for.
    pub fn wait_until(what: &str, at_most: Duration, mut holds: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !holds() {
            assert!(begun.elapsed() < at_most, "{what}: not within {at_most:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Whether the broker answers.
    pub fn answers(&self) -> bool {
        self.consumer("driftline-tests-ping", &[]).fetch_metadata(None, CALL).is_ok()
    }
}

fn owned(message: &rdkafka::message::BorrowedMessage<'_>) -> Message {
    let headers = message.headers().map(|headers| {
        let pairs = headers.iter();
        pairs.map(|h| (h.key.to_owned(), h.value.unwrap_or_default().to_vec())).collect()
    });
    Message {
        partition: message.partition(),
        offset: message.offset(),
        timestamp_ms: message.timestamp().to_millis(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers: headers.unwrap_or_default(),
    }
}
