//! Reading what a real broker keeps: codecs, gaps, transactions, tombstones.

use std::time::Duration;

use driftline_tests::broker::{Broker, Sent};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::reader::{PATIENCE, Reader, connection, event, events};

#[test]
fn all_codecs_are_read_in_order_and_to_the_end() {
    let broker = Broker::shared();
    let topic = broker.topic("codecs", 3, &[]);
    for (step, codec) in ["none", "gzip", "lz4", "zstd", "snappy"].into_iter().enumerate() {
        let numbers = step * 3000..(step + 1) * 3000;
        broker.produce(&topic, events(0, numbers.clone()).chain(events(1, numbers)), codec);
    }
    let mut reader = Reader::new(connection(broker.bootstrap(), &[]));
    for partition in 0..3 {
        reader.take(&topic, partition, 0, &[4000]);
    }
    reader.read_to_end(3);
    for partition in 0..2 {
        assert_eq!(reader.numbers(partition), (0..15_000).collect::<Vec<_>>());
        assert_eq!(reader.next(partition), Some(15_000));
    }
    // The empty partition tells its end, and nothing else.
    assert_eq!((reader.numbers(2), reader.next(2)), (vec![], Some(0)));
    assert!(
        reader.found.iter().all(|f| f.next <= 4000 || f.first >= 4000),
        "a batch spans the cut"
    );
    assert!(reader.found.iter().all(|f| f.originals.is_empty() && f.batch.rejects.is_empty()));

    // Later messages come soon, with their end.
    reader.found.clear();
    broker.produce(&topic, events(2, 7..8), "zstd");
    reader.read_to_end(1);
    assert_eq!(reader.numbers(2), [7]);
    assert!(reader.is_quiet(Duration::from_millis(300)), "an end is told once");
    reader.stop();
}

#[test]
fn aborted_and_open_transactions_are_not_seen() {
    let broker = Broker::shared();
    let topic = broker.topic("transactions", 1, &[]);
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker.bootstrap()).set("transactional.id", &topic);
    let producer: BaseProducer = config.create().expect("a producer");
    producer.init_transactions(PATIENCE).expect("transactions");
    let begin = |numbers: std::ops::Range<usize>| {
        producer.begin_transaction().expect("a transaction");
        for number in numbers {
            let value = event(number);
            producer.send(BaseRecord::<(), _>::to(&topic).payload(&value)).expect("taken");
        }
        producer.flush(PATIENCE).expect("written");
    };
    begin(0..10);
    producer.commit_transaction(PATIENCE).expect("committed");
    begin(10..20);
    producer.abort_transaction(PATIENCE).expect("aborted");
    begin(20..30);
    producer.commit_transaction(PATIENCE).expect("committed");
    begin(30..40);

    let mut reader = Reader::new(connection(broker.bootstrap(), &[]));
    reader.take(&topic, 0, 0, &[]);
    reader.read_to_end(1);
    let committed: Vec<usize> = (0..10).chain(20..30).collect();
    assert_eq!(reader.numbers(0), committed);
    // Three transactions of ten have a marker each; what is open lies behind the end.
    assert_eq!(reader.next(0), Some(33));
    assert!(reader.is_quiet(Duration::from_millis(300)), "an open transaction is not seen");
    producer.abort_transaction(PATIENCE).expect("aborted");
    // Nothing that may be read, but the end moves on behind the marker.
    reader.until("the end behind the marker", |found| {
        found.last().is_some_and(|last| last.at_end && last.next == 44)
    });
    begin(40..41);
    producer.commit_transaction(PATIENCE).expect("committed");
    reader.until("the last event", |found| {
        found.last().is_some_and(|last| last.at_end && last.next == 46)
    });
    assert_eq!(reader.numbers(0), [committed, vec![40]].concat());
    reader.stop();
}

#[test]
fn a_compacted_topic_has_gaps_and_tombstones() {
    let broker = Broker::shared();
    let config = [
        ("cleanup.policy", "compact"),
        ("segment.bytes", "1048576"),
        ("min.cleanable.dirty.ratio", "0.01"),
        ("max.compaction.lag.ms", "1000"),
        ("delete.retention.ms", "600000"),
    ];
    let topic = broker.topic("compacted", 1, &config);
    // Four keys, again and again, in several segments, with values that only white space makes large.
    let padding = " ".repeat(2000);
    let keyed = |number: usize| Sent {
        partition: 0,
        key: Some((number % 4).to_string().into()),
        value: (number % 100 != 99).then(|| format!("{}{padding}", event(number)).into()),
        timestamp_ms: None,
    };
    broker.produce(&topic, (0..2500).map(keyed), "none");
    Broker::wait_until("compaction", PATIENCE, || broker.read_committed(&topic).len() < 1500);
    let kept = broker.read_committed(&topic);
    let mut reader = Reader::new(connection(broker.bootstrap(), &[]));
    reader.take(&topic, 0, 0, &[1000, 2000]);
    reader.read_to_end(1);
    let expected: Vec<usize> = kept
        .iter()
        .filter(|message| message.value.is_some())
        .map(|message| usize::try_from(message.offset).expect("an offset"))
        .collect();
    // The cleaner goes on: what was there a moment ago may be gone by now, and nothing else.
    let numbers = reader.numbers(0);
    assert!(!numbers.is_empty() && numbers.iter().all(|number| expected.contains(number)));
    assert!(numbers.len() > expected.len() / 2, "{} of {}", numbers.len(), expected.len());
    assert_eq!(reader.next(0), Some(2500));
    let (mut messages, mut tombstones) = (0, 0);
    for fetched in &reader.found {
        messages += fetched.messages;
        tombstones += fetched.tombstones;
        for cut in [1000, 2000] {
            assert!(fetched.next <= cut || fetched.first >= cut, "a batch spans {cut}");
        }
        // A gap shows in `first`; `next` is behind the last message or at the end.
        let last = fetched.batch.offsets.last().copied().unwrap_or(0);
        assert!(fetched.at_end || fetched.next > i64::try_from(last).expect("an offset"));
    }
    assert_eq!(messages, numbers.len() as u64 + tombstones);
    assert!(tombstones > 0, "tombstones are counted");
    assert_eq!(reader.status().lost_offsets, 0, "gaps are no loss");
    reader.stop();
}

#[test]
fn lists_and_poison_keep_their_places() {
    let broker = Broker::shared();
    let topic = broker.topic("poison", 1, &[]);
    let sent = |number: usize| Sent {
        value: match number % 5 {
            0 => Some(event(number).into()),
            1 => Some(format!("[{},{}]", event(number), event(number)).into()),
            2 => Some(b"\xFF\x00poison".to_vec()),
            3 => None,
            _ => Some(Vec::new()),
        },
        timestamp_ms: Some(1_704_164_645_000),
        ..Sent::default()
    };
    broker.produce(&topic, (0..5000).map(sent), "lz4");
    let mut reader = Reader::new(connection(broker.bootstrap(), &[]));
    reader.take(&topic, 0, 0, &[]);
    reader.read_to_end(1);
    let expected: Vec<usize> = (0..5000)
        .flat_map(|number| match number % 5 {
            0 => vec![number],
            1 => vec![number; 2],
            _ => vec![],
        })
        .collect();
    assert_eq!(reader.numbers(0), expected);
    let originals: Vec<_> = reader.found.iter().flat_map(|f| &f.originals).collect();
    assert_eq!(originals.len(), 2000);
    assert!(originals.iter().all(|o| o.timestamp_ms == Some(1_704_164_645_000)));
    assert_eq!(originals[0].payload, b"\xFF\x00poison");
    assert_eq!((originals[0].offset, originals[0].reason), (2, "invalid_utf8"));
    assert_eq!((originals[1].offset, originals[1].detail.as_str()), (4, "empty value"));
    assert_eq!(reader.found.iter().map(|f| f.tombstones).sum::<u64>(), 1000);
    reader.stop();
}

/// Larger than a record may be, and larger than what is asked for at once: it is a reject with all its
/// bytes, and what is behind it is read.
#[test]
fn a_huge_message_is_a_reject_and_no_obstacle() {
    let broker = Broker::shared();
    let topic = broker.topic("huge", 1, &[("max.message.bytes", "8000000")]);
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker.bootstrap()).set("message.max.bytes", "8000000");
    let producer: BaseProducer = config.create().expect("a producer");
    let huge = "x".repeat(5_000_000);
    for value in [&event(1), &huge, &event(2)] {
        producer.send(BaseRecord::<(), _>::to(&topic).payload(value)).expect("taken");
    }
    producer.flush(PATIENCE).expect("written");
    let mut reader = Reader::new(connection(broker.bootstrap(), &[]));
    reader.take(&topic, 0, 0, &[]);
    reader.read_to_end(1);
    assert_eq!(reader.numbers(0), [1, 2]);
    let originals: Vec<_> = reader.found.iter().flat_map(|f| &f.originals).collect();
    assert_eq!(originals.len(), 1);
    assert_eq!((originals[0].reason, originals[0].payload.len()), ("too_long", huge.len()));
    reader.stop();
}
