//! When things go wrong under a fetch thread: offsets that are gone, a broker that is, a token that ends.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use driftline::model::live::TokenSource;
use driftline_tests::broker::{Broker, Listener, Options};

use super::reader::{PATIENCE, Reader, connection, events};

#[test]
fn retention_that_passed_the_position_is_a_counted_loss() {
    let broker = Broker::shared();
    let topic = broker.topic("retention", 1, &[]);
    broker.produce(&topic, events(0, 0..100), "none");
    broker.drop_before(&topic, 0, 60);
    let mut reader = Reader::new(connection(broker.bootstrap(), &[]));
    reader.take(&topic, 0, 10, &[30]);
    reader.read_to_end(1);
    assert_eq!(reader.numbers(0), (60..100).collect::<Vec<_>>());
    let first = reader.found.first().expect("a batch");
    assert_eq!((first.first, first.next, first.messages), (60, 60, 0), "the jump is told");
    assert_eq!(reader.status().lost_offsets, 50);
    reader.stop();
}

#[test]
fn a_topic_that_was_made_anew_is_not_read_from_nowhere() {
    let broker = Broker::shared();
    let topic = broker.topic("anew", 1, &[]);
    broker.produce(&topic, events(0, 0..3), "none");
    let mut reader = Reader::new(connection(broker.bootstrap(), &[]));
    reader.take(&topic, 0, 1000, &[]);
    Broker::wait_until("a word about it", PATIENCE, || {
        reader.status().error.is_some_and(|error| error.contains("recreated"))
    });
    assert!(reader.is_quiet(Duration::from_millis(500)), "nothing is read");
    assert_eq!(reader.status().lost_offsets, 0);
    // Told where to begin, it reads.
    reader.take(&topic, 0, 0, &[]);
    reader.read_to_end(1);
    assert_eq!(reader.numbers(0), [0, 1, 2]);
    Broker::wait_until("no word any more", PATIENCE, || reader.status().error.is_none());
    reader.stop();
}

#[test]
fn what_nobody_takes_waits_within_the_budget() {
    let broker = Broker::shared();
    let topic = broker.topic("budget", 4, &[]);
    let padding = " ".repeat(2000);
    for partition in 0..4 {
        let padded = events(partition, 0..10_000).map(|mut sent| {
            sent.value.iter_mut().for_each(|value| value.extend_from_slice(padding.as_bytes()));
            sent
        });
        // Not packed: the bound of a fetch is on what is sent.
        broker.produce(&topic, padded, "none");
    }
    let mut reader = Reader::with_memory(connection(broker.bootstrap(), &[]), 8 << 20);
    for partition in 0..4 {
        reader.take(&topic, partition, 0, &[]);
    }
    // Eighty megabytes stand there, eight may wait; nobody takes a batch for a while.
    let mut most = 0;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(3) {
        most = most.max(reader.status().waiting_bytes);
        thread::sleep(Duration::from_millis(10));
    }
    assert!(reader.status().is_blocked, "{:?}", reader.status());
    assert!((1 << 20..8 << 20).contains(&most), "{most} bytes waited");
    reader.read_to_end(4);
    for partition in 0..4 {
        assert_eq!(reader.numbers(partition), (0..10_000).collect::<Vec<_>>());
    }
    reader.stop();
}

#[test]
fn a_broker_that_is_killed_and_comes_back_loses_nothing() {
    let broker = Broker::own(Options::default());
    let topic = broker.topic("killed", 2, &[]);
    broker.produce(&topic, events(0, 0..500).chain(events(1, 0..500)), "lz4");
    let mut reader = Reader::new(connection(broker.bootstrap(), &[]));
    reader.take(&topic, 0, 0, &[]);
    reader.take(&topic, 1, 0, &[]);
    reader.read_to_end(2);
    for round in 1..3 {
        if round == 1 {
            broker.kill();
        } else {
            broker.stop();
        }
        Broker::wait_until("a word about it", PATIENCE, || reader.status().error.is_some());
        assert!(reader.is_quiet(Duration::from_millis(200)));
        broker.start();
        let numbers = round * 500..(round + 1) * 500;
        broker.produce(&topic, events(0, numbers.clone()).chain(events(1, numbers)), "lz4");
        let all: Vec<usize> = (0..(round + 1) * 500).collect();
        reader.until("what was written after it", |found| {
            let messages: u64 = found.iter().map(|fetched| fetched.messages).sum();
            messages >= 2 * all.len() as u64
        });
        assert_eq!((reader.numbers(0), reader.numbers(1)), (all.clone(), all));
    }
    // Frozen: connections stay, nothing is answered, and stopping is quick all the same.
    broker.freeze();
    reader.stop();
    broker.thaw();
}

/// The broker ends a session with its token, so reading on means that tokens were asked for and given
/// again and again: the events of the main queue are served.
#[test]
fn tokens_are_renewed_while_messages_are_read() {
    let options = Options { secured: true, guarded: true, ..Options::default() };
    let broker = Broker::own(options.with("connections.max.reauth.ms", "3000"));
    let topic = broker.topic("tokens", 1, &[]);
    broker.produce(&topic, events(0, 0..10), "none");
    let may_read =
        ["--allow-principal", "User:alice", "--operation", "Read", "--topic", topic.as_str()];
    broker.allow(&may_read);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    write_token(&file);
    let done = Arc::new(AtomicBool::new(false));
    let (path, is_done): (PathBuf, _) = (file.clone(), Arc::clone(&done));
    let writer = thread::spawn(move || {
        while !is_done.load(Ordering::Relaxed) {
            write_token(&path);
            thread::sleep(Duration::from_millis(500));
        }
    });
    let mut connection = connection(
        &broker.listener(Listener::SaslPlaintext),
        &[("security.protocol", "sasl_plaintext"), ("sasl.mechanism", "OAUTHBEARER")],
    );
    connection.oauth_token = Some(TokenSource::File(file));
    let mut reader = Reader::new(connection);
    reader.take(&topic, 0, 0, &[]);
    reader.read_to_end(1);
    for second in 1..=8 {
        thread::sleep(Duration::from_secs(1));
        broker.produce(&topic, events(0, second * 10..(second + 1) * 10), "none");
    }
    reader.until("events of eight seconds", |found| {
        found.iter().map(|fetched| fetched.messages).sum::<u64>() == 90
    });
    assert_eq!(reader.numbers(0), (0..90).collect::<Vec<_>>());
    // Without the right to read it waits, and says which right that is.
    broker.forbid(&may_read);
    Broker::wait_until("a word about the right", PATIENCE, || {
        let error = reader.status().error.unwrap_or_default();
        error.contains(&format!("Read on topic {topic}")) || error.contains("Describe on topic")
    });
    broker.produce(&topic, events(0, 90..100), "none");
    broker.allow(&may_read);
    reader.until("events after the right was given back", |found| {
        found.iter().map(|fetched| fetched.messages).sum::<u64>() == 100
    });
    assert_eq!(reader.numbers(0), (0..100).collect::<Vec<_>>());
    // Without new tokens it ends, and says so: the lines above are no accident.
    done.store(true, Ordering::Relaxed);
    writer.join().expect("the writer ends");
    Broker::wait_until("the end of the last token", PATIENCE, || {
        reader.status().error.is_some_and(|error| error.contains("token"))
    });
    reader.stop();
}

/// An unsecured token of alice that ends in four seconds, replaced in one step.
fn write_token(file: &Path) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    let (issued, ends) = (now.as_secs_f64(), now.as_secs_f64() + 4.0);
    let claims = format!(r#"{{"sub":"alice","iat":{issued:.3},"exp":{ends:.3}}}"#);
    let token = format!("{}.{}.", base64(br#"{"alg":"none"}"#), base64(claims.as_bytes()));
    let new = file.with_extension("new");
    std::fs::write(&new, token).expect("written");
    std::fs::rename(&new, file).expect("renamed");
}

/// Base64 of RFC 4648 section 5, without padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().chain([0, 0].iter()).take(3).fold(0u32, |w, &b| w << 8 | u32::from(b));
        for digit in 0..=chunk.len() {
            text.push(char::from(DIGITS[(word >> (18 - 6 * digit) & 63) as usize]));
        }
    }
    text
}
