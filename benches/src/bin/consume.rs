//! Consuming from Kafka, up to counted events, beside a bare librdkafka consumer that drops the payloads.
//!
//! `cargo run --release -p driftline-bench --bin consume [events [rounds]]`, against the broker that
//! `KAFKA_BOOTSTRAP_SERVERS` names, else against a real one that is started for it. Events of `driftline
//! generate` (no drift), lz4, one partition. Clients stay connected over all rounds, so what is measured
//! is from the order to read until the last event, with everything in the broker's page cache. The broker
//! shares the machine's cores with the rows, which is why only ratios within a round are worth anything.

// A bench talks to a terminal.
#![allow(clippy::print_stdout)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::Context;
use crossbeam_channel::{Receiver, bounded};
use driftline::codec::{Codecs, Message, MessageCodec, MessageDecoder};
use driftline::config;
use driftline::engine::{Engine, Input};
use driftline::model::live::Connection;
use driftline::model::stream::{Fetched, TopicPartition};
use driftline::model::{Layout, Settings};
use driftline::source::kafka::{FetchSettings, Fetcher, Order};
use driftline::synth::write::Format;
use driftline::synth::{Plan, dataset};
use driftline_bench::{Report, Rounds};
use driftline_rawbatch::{MessageFault, RawConsumer};
use driftline_tests::broker::{Broker, Sent, unique};
use rdkafka::consumer::{BaseConsumer, Consumer, DefaultConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};

/// One, so that events come in their order: with more, the program paces them by event time, which is not
/// measured here.
const PARTITIONS: i32 = 1;
/// Bytes of messages that a consumer may hold.
const MEMORY_BYTES: usize = 64 << 20;
/// No round takes longer; a row that gives up counts too little, which `Rounds` refuses.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: u64| -> anyhow::Result<u64> {
        arguments.get(at).map_or(Ok(default), |a| a.parse().context("a number"))
    };
    let (events, rounds) = (number(0, 2_000_000)?, number(1, 5)? as usize);
    let folder = tempfile::tempdir()?;
    let plan = Plan { events, ..Plan::default() };
    let format = Format::named("ndjson").context("a format")?;
    let written = dataset::write(&plan, format, 1, folder.path(), &mut |_| {})?;
    let (settings, _) = config::load(&folder.path().join("driftline.toml"))?;

    let broker = Broker::shared();
    let topic = unique("bench-consume");
    broker.topic_named(&topic, PARTITIONS, &[]);
    let text = std::fs::read(written.files.first().context("a file of events")?)?;
    let lines: Vec<&[u8]> = text.split(|&byte| byte == b'\n').filter(|l| !l.is_empty()).collect();
    anyhow::ensure!(lines.len() as u64 == events, "{} events were written", lines.len());
    let records = lines.iter().zip((0..PARTITIONS).cycle()).map(|(line, partition)| Sent {
        partition,
        value: Some(line.to_vec()),
        ..Sent::default()
    });
    broker.produce(&topic, records, "lz4");
    let bytes = text.len() as u64 - events;
    drop(lines);
    drop(text);
    println!(
        "{events} events of {} bytes, lz4, {PARTITIONS} partitions, one fetch thread; {} cores, which the \
         broker shares",
        bytes / events,
        std::thread::available_parallelism()?
    );
    let report = measure(broker.bootstrap(), &topic, &settings, rounds)?;
    println!("{report}");
    println!("{}", verdict(&report));
    Ok(())
}

/// All rows, over clients that stay.
fn measure(
    brokers: &str,
    topic: &str,
    settings: &Settings,
    rounds: usize,
) -> anyhow::Result<Report> {
    let layout = layout(settings);
    let codec = Codecs::built_in().for_messages("json")?;
    let not_before_us = settings.time.not_before_us;
    let decoder = || MessageDecoder::new(codec, &layout, &settings.limits, not_before_us, i64::MAX);
    let polled: BaseConsumer = consumer_config(brokers).create()?;
    let mut bare = raw(brokers)?;
    let mut decoding = raw(brokers)?;
    let (mut own, mut only) = (decoder()?, decoder()?);
    let mut payloads = Vec::new();
    fetch(&mut bare, topic, |value| payloads.push(value.to_vec()));
    let (out, batches) = bounded(64);
    let fetcher = Fetcher::spawn(0, fetch_settings(brokers, codec, settings), out)?;
    let mut assignment = 0;
    let mut read = |each: &mut dyn FnMut(Fetched)| {
        assignment += 1;
        take_all(&fetcher, &batches, assignment, topic, each)
    };
    let whole: Vec<Fetched> = {
        let mut whole = Vec::new();
        read(&mut |fetched| whole.push(fetched));
        whole
    };
    let read = std::cell::RefCell::new(read);

    let mut bench = Rounds::new("consume from Kafka", "event");
    bench.floor("librdkafka, raw batches, dropped", || {
        fetch(&mut bare, topic, |value| {
            black_box(value.first());
        })
    });
    bench.row("librdkafka, BaseConsumer::poll, dropped", || poll(&polled, topic));
    bench.row("raw batches, decoded", || fetch_and_decode(&mut decoding, topic, &mut own));
    bench.row("fetch thread, batches dropped", || {
        let mut rows = 0;
        (read.borrow_mut())(&mut |fetched| rows += black_box(fetched).batch.rows() as u64);
        rows
    });
    bench.row("fetch thread and engine: consume to count", || {
        let mut engine = engine(settings);
        (read.borrow_mut())(&mut |fetched| {
            black_box(engine.step(Input::Batch(&fetched.batch)));
        });
        counted(&engine)
    });
    bench.row("decode alone, from memory", || decode(&payloads, &mut only));
    bench.row("engine alone, from memory", || {
        let mut engine = engine(settings);
        for fetched in &whole {
            black_box(engine.step(Input::Batch(&fetched.batch)));
        }
        counted(&engine)
    });
    let report = bench.run(rounds)?;
    fetcher.stop();
    // Closing waits for answers that nobody takes from a queue that was parted: the process ends anyway.
    std::mem::forget((bare, decoding));
    Ok(report)
}

fn layout(settings: &Settings) -> Layout {
    Layout { id: None, ..settings.layout.clone() }
}

fn fetch_settings(
    brokers: &str,
    codec: &'static dyn MessageCodec,
    settings: &Settings,
) -> FetchSettings {
    FetchSettings {
        connection: Connection { brokers: brokers.to_owned(), ..Connection::default() },
        group: "bench".into(),
        codec,
        layout: layout(settings),
        limits: settings.limits.clone(),
        not_before_us: settings.time.not_before_us,
        max_future_us: 3_600_000_000,
        memory_bytes: MEMORY_BYTES,
    }
}

/// Rows of a topic, each message decoded as it comes.
fn fetch_and_decode(
    consumer: &mut RawConsumer<DefaultConsumerContext>,
    topic: &str,
    decoder: &mut MessageDecoder,
) -> u64 {
    let mut rows = 0;
    fetch(consumer, topic, |value| {
        decoder.add(0, &[Message::new(0, value)]);
        if decoder.rows() == 4096 {
            rows += black_box(decoder.finish(0)).rows() as u64;
        }
    });
    rows + decoder.finish(0).rows() as u64
}

/// Rows of messages that are in memory.
fn decode(payloads: &[Vec<u8>], decoder: &mut MessageDecoder) -> u64 {
    let mut rows = 0;
    for chunk in payloads.chunks(4096) {
        let messages: Vec<Message<'_>> = chunk.iter().map(|value| Message::new(0, value)).collect();
        decoder.add(0, &messages);
        rows += black_box(decoder.finish(0)).rows() as u64;
    }
    rows
}

fn engine(settings: &Settings) -> Engine {
    let mut engine = Engine::new(settings.clone());
    for partition in 0..PARTITIONS as u32 {
        engine.step(Input::Opened { partition, begin_us: None });
    }
    engine
}

/// Events that the engine has judged, late ones too.
fn counted(engine: &Engine) -> u64 {
    let counters = engine.counters();
    counters.events + counters.late + counters.future + counters.refused_pane
}

/// What is sane for a fast consumer, the same for all rows.
fn consumer_config(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", brokers)
        .set("group.id", "bench")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("enable.partition.eof", "true")
        .set("isolation.level", "read_committed")
        .set("check.crcs", "false")
        .set("fetch.queue.backoff.ms", "20")
        .set("fetch.wait.max.ms", "50")
        .set("queued.min.messages", "1000000")
        .set("queued.max.messages.kbytes", (MEMORY_BYTES / 2 / 1024).to_string())
        .set("fetch.max.bytes", (MEMORY_BYTES / 8).to_string())
        .set("max.partition.fetch.bytes", "2097152");
    config
}

fn raw(brokers: &str) -> anyhow::Result<RawConsumer<DefaultConsumerContext>> {
    let consumer: BaseConsumer = consumer_config(brokers).create()?;
    Ok(RawConsumer::new(consumer, 4096)?)
}

fn from_the_beginning(topic: &str) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        let added = list.add_partition_offset(topic, partition, Offset::Offset(0));
        added.expect("0 is an offset");
    }
    list
}

/// All messages by raw batches; returns how many.
fn fetch(
    consumer: &mut RawConsumer<DefaultConsumerContext>,
    topic: &str,
    mut each: impl FnMut(&[u8]),
) -> u64 {
    let list = from_the_beginning(topic);
    consumer.consumer().assign(&list).expect("an assignment");
    let (begun, mut messages, mut ends) = (Instant::now(), 0, 0);
    while ends < PARTITIONS && begun.elapsed() < PATIENCE {
        consumer.serve();
        let batch = consumer.fetch(4096, Duration::from_millis(20));
        for message in batch.messages() {
            match message.fault() {
                None => {
                    each(message.payload().unwrap_or_default());
                    messages += 1;
                }
                Some(MessageFault::EndOfPartition) => ends += 1,
                Some(_) => {}
            }
        }
    }
    consumer.consumer().unassign().expect("no assignment");
    messages
}

/// All messages as rust-rdkafka gives them.
fn poll(consumer: &BaseConsumer, topic: &str) -> u64 {
    consumer.assign(&from_the_beginning(topic)).expect("an assignment");
    let (begun, mut messages, mut ends) = (Instant::now(), 0, 0);
    while ends < PARTITIONS && begun.elapsed() < PATIENCE {
        match consumer.poll(Duration::from_millis(20)) {
            Some(Ok(message)) => {
                black_box(message.payload());
                messages += 1;
            }
            Some(Err(KafkaError::PartitionEOF(_))) => ends += 1,
            _ => {}
        }
    }
    consumer.unassign().expect("no assignment");
    messages
}

/// All batches of a fetch thread, read from the beginning; returns the number of messages.
fn take_all(
    fetcher: &Fetcher,
    batches: &Receiver<Fetched>,
    assignment: u64,
    topic: &str,
    each: &mut dyn FnMut(Fetched),
) -> u64 {
    for partition in 0..PARTITIONS as u32 {
        fetcher.order(Order::Take {
            assignment,
            partition,
            of: TopicPartition { topic: topic.into(), partition: partition as i32 },
            offset: 0,
            cuts: Vec::new(),
        });
    }
    let (begun, mut messages, mut ends) = (Instant::now(), 0, 0);
    while ends < PARTITIONS && begun.elapsed() < PATIENCE {
        let Ok(fetched) = batches.recv_timeout(Duration::from_secs(1)) else { continue };
        // The end of the last round may still be on its way.
        if fetched.assignment == assignment {
            ends += i32::from(fetched.at_end);
            messages += fetched.messages;
            each(fetched);
        }
    }
    messages
}

/// What bounds consume-to-count, in a sentence.
fn verdict(report: &Report) -> String {
    let nanos = |name: &str| report.row(name).map_or(f64::NAN, |row| row.nanos_per_unit.median);
    let ratio = |name: &str| report.row(name).and_then(|row| row.to_floor).unwrap_or(f64::NAN);
    let (whole, decode, engine) = (
        nanos("fetch thread and engine: consume to count"),
        nanos("decode alone, from memory"),
        nanos("engine alone, from memory"),
    );
    format!(
        "consume to count runs at {:.2} of the bare consumer: {whole:.0} ns an event, of which decode alone \
         takes {decode:.0} on its thread, and the engine {engine:.0} on another; raw batches run at {:.2} \
         of polling",
        ratio("fetch thread and engine: consume to count"),
        1.0 / ratio("librdkafka, BaseConsumer::poll, dropped"),
    )
}
