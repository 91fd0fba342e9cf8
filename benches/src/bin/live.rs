//! The whole program on a real broker: how fast it catches up, and how it keeps up at a part of that.
//!
//! `cargo run --release -p driftline-bench --bin live [minutes [share [records]]]`. First it reads what
//! stands on a topic (*peak*). Then events come at `share` of that rate, with the wall clock for their
//! time, while one model after another drifts and comes back. Told are lag, memory, and how long after the
//! close of the pane that decided it a finding can be read (by those who read committed records). The pane
//! closes when an event arrives that is later than its end by the lateness. Broker, producer and reader
//! share the machine's cores with the program.

// A bench talks to a terminal.
#![allow(clippy::print_stdout)]

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use driftline::model::time::from_rfc3339;
use driftline_tests::broker::Broker;
use driftline_tests::live::{Member, Pipeline, Shape};
use rand_distr::{Distribution, LogNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Message};

const MODELS: usize = 100;
const PARTITIONS: i32 = 4;
const LATENESS: Duration = Duration::from_secs(2);
const COMMIT: Duration = Duration::from_secs(1);
/// A model drifts for so long, then the next.
const DRIFT: Duration = Duration::from_secs(30);
/// Nothing drifts before, so that baselines are learned.
const CALM: Duration = Duration::from_secs(100);
/// Latencies of events, drawn once.
const POOL: usize = 1 << 16;
/// No phase takes longer than asked for by more than this.
const PATIENCE: Duration = Duration::from_secs(300);

const CONFIG: &str = r#"
pipeline = "bench"

[time]
path = "ts"
format = "epoch_ms"
lateness = "2s"

[keys]
model = "model"

[metrics.latency_ms]
kind = "number"

[metrics.tokens]
kind = "number"

[metrics.finish]
kind = "category"

[metrics.error]
kind = "flag"

[baseline.learn]
events = 300
time = "1m"

[detect]
budget_per_week = 50.0

[alert]
resolve = "1m"
"#;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: f64| -> anyhow::Result<f64> {
        arguments.get(at).map_or(Ok(default), |a| a.parse().context("a number"))
    };
    let (minutes, share, records) = (number(0, 30.0)?, number(1, 0.5)?, number(2, 3e6)? as usize);
    let broker = Broker::shared();
    let peak = peak(broker, records)?;
    println!(
        "peak: {peak:.0} events/s in catch-up, {records} events of {} bytes",
        event(0, 0, 0.0).len()
    );
    steady(broker, peak * share, Duration::from_secs_f64(minutes * 60.0))
}

fn pipeline(broker: &Broker) -> Pipeline<'_> {
    let commit_ms = COMMIT.as_millis() as u64;
    // The log of one input is kept short: half an hour of it is tens of gigabytes.
    let pipeline = Pipeline::new(
        broker,
        Shape { commit_ms, snapshot_s: 30, idle: "10s", ..Shape::new(CONFIG) },
    );
    let short = [("retention.bytes", "1500000000"), ("segment.bytes", "250000000")];
    broker.configure(&pipeline.input, &short);
    pipeline
}

/// An event as text. What nothing reads stands for prompts and traces.
fn event(ts_ms: u64, model: usize, latency_ms: f64) -> String {
    let finish = if (latency_ms as u64).is_multiple_of(17) { "length" } else { "stop" };
    let (error, tokens) = ((latency_ms as u64).is_multiple_of(29), 40.0 + latency_ms * 1.7);
    format!(
        "{{\"ts\":{ts_ms},\"model\":\"model-{model:03}\",\"latency_ms\":{latency_ms:.1},\"tokens\":{tokens:.0},\
         \"finish\":\"{finish}\",\"error\":{error},\"trace\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"span\":\
         \"00f067aa0ba902b7\",\"tenant\":\"tenant-0042\",\"endpoint\":\"/v1/chat/completions\",\"host\":\
         \"gpu-node-17.eu-west-1.internal\",\"cache_hit\":false,\"queue_ms\":3.25,\"user_agent\":\"client/1.9\"}}"
    )
}

fn latencies() -> Vec<f64> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
    let law = LogNormal::new(5.3, 0.35).expect("a law");
    (0..POOL).map(|_| law.sample(&mut random)).collect()
}

/// Writes to a topic, and waits where the client's queue is full.
struct Writer {
    producer: BaseProducer,
    topic: String,
}

impl Writer {
    fn new(broker: &Broker, topic: &str) -> anyhow::Result<Self> {
        let producer = ClientConfig::new()
            .set("bootstrap.servers", broker.bootstrap())
            .set("compression.codec", "lz4")
            .set("linger.ms", "5")
            .set("batch.size", "500000")
            .set("queue.buffering.max.messages", "500000")
            .create()?;
        Ok(Self { producer, topic: topic.to_owned() })
    }

    fn send(&self, number: usize, payload: &str) -> anyhow::Result<()> {
        let partition = number as i32 % PARTITIONS;
        let mut record: BaseRecord<'_, (), str> =
            BaseRecord::to(&self.topic).partition(partition).payload(payload);
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    self.producer.poll(Duration::from_millis(5));
                }
                Err((error, _)) => return Err(error.into()),
            }
        }
    }
}

/// Events a second of a topic that is read from its beginning: between the first tenth and the last.
fn peak(broker: &Broker, records: usize) -> anyhow::Result<f64> {
    let pipeline = pipeline(broker);
    let (writer, latencies) = (Writer::new(broker, &pipeline.input)?, latencies());
    // As dense as in the steady state, about.
    let begin_ms = now_ms() - records as u64 / 300;
    for number in 0..records {
        let ts_ms = begin_ms + number as u64 / 300;
        writer.send(number, &event(ts_ms, model_of(number), latencies[number % POOL]))?;
    }
    writer.producer.flush(PATIENCE)?;
    let mut member = pipeline.start("peak", None);
    let left = |share: f64| -> anyhow::Result<Instant> {
        let begun = Instant::now();
        while pipeline.left() as f64 > records as f64 * share {
            anyhow::ensure!(begun.elapsed() < PATIENCE, "not read in time:\n{}", member.last());
            thread::sleep(Duration::from_millis(20));
        }
        Ok(Instant::now())
    };
    // Offsets are committed in steps: the rate is between two of them.
    let (first, first_left) = (left(0.9)?, pipeline.left());
    let (last, last_left) = (left(0.1)?, pipeline.left());
    let rate = (first_left - last_left) as f64 / (last - first).as_secs_f64();
    member.stop();
    Ok(rate)
}

fn model_of(number: usize) -> usize {
    // Not in step with the partitions.
    (number / PARTITIONS as usize) % MODELS
}

/// What was seen of a moment.
struct Look {
    at: Duration,
    lag: f64,
    event_time_lag_s: f64,
    resident_mib: f64,
}

fn steady(broker: &Broker, rate: f64, length: Duration) -> anyhow::Result<()> {
    let pipeline = pipeline(broker);
    let member = {
        let mut member = pipeline.start("steady", None);
        member.wait_ready();
        member
    };
    let done = AtomicBool::new(false);
    let delays_ms = Mutex::new(Vec::new());
    let (mut looks, mut cpu_s, mut sent) = (Vec::new(), 0.0, 0);
    thread::scope(|scope| -> anyhow::Result<()> {
        let reader = scope.spawn(|| read_findings(&pipeline, &done, &delays_ms));
        let feeder = scope.spawn(|| feed(&pipeline, rate, length, &done));
        let begun = Instant::now();
        let pid = member.pid();
        let cpu_before_s = cpu_of(pid)?;
        while begun.elapsed() < length && !feeder.is_finished() {
            thread::sleep(Duration::from_secs(5));
            looks.push(look(&member, pid, begun.elapsed())?);
        }
        cpu_s = cpu_of(pid)? - cpu_before_s;
        done.store(true, Ordering::Relaxed);
        sent = feeder.join().map_err(|_| anyhow::anyhow!("the feeder died"))??;
        reader.join().map_err(|_| anyhow::anyhow!("the reader died"))?
    })?;
    let lasted_s = length.as_secs_f64();
    println!(
        "steady: {:.0} events/s asked, {:.0} sent, {lasted_s:.0} s, {sent} events; {:.2} cores of CPU",
        rate,
        sent as f64 / lasted_s,
        cpu_s / lasted_s
    );
    tell(&looks, &mut delays_ms.into_inner().unwrap_or_default());
    Ok(())
}

fn tell(looks: &[Look], delays_ms: &mut [f64]) {
    let settled: Vec<&Look> = looks.iter().filter(|l| l.at > Duration::from_secs(300)).collect();
    let settled = if settled.len() < 10 { looks.iter().collect() } else { settled };
    let worst = |value: fn(&Look) -> f64| settled.iter().map(|l| value(l)).fold(0.0, f64::max);
    let mut lags: Vec<f64> = settled.iter().map(|l| l.lag).collect();
    println!(
        "lag: median {:.0}, at most {:.0} messages; event time {:.1} s behind at most (lateness {} s)",
        quantile(&mut lags, 0.5),
        worst(|l| l.lag),
        worst(|l| l.event_time_lag_s),
        LATENESS.as_secs()
    );
    println!(
        "lag, slope: {:+.0} messages/h; resident: at most {:.1} MiB, slope {:+.3} MiB/h over {} looks from {:.0} s on",
        slope(&settled, |l| l.lag),
        worst(|l| l.resident_mib),
        slope(&settled, |l| l.resident_mib),
        settled.len(),
        settled.first().map_or(0.0, |l| l.at.as_secs_f64()),
    );
    println!(
        "pane close to finding read, {} findings: median {:.0} ms, p99 {:.0} ms, at most {:.0} ms, of which \
         the commit interval is {} ms",
        delays_ms.len(),
        quantile(delays_ms, 0.5),
        quantile(delays_ms, 0.99),
        quantile(delays_ms, 1.0),
        COMMIT.as_millis()
    );
}

/// Least squares, per hour.
fn slope(looks: &[&Look], value: fn(&Look) -> f64) -> f64 {
    let n = looks.len().max(1) as f64;
    let hours = |l: &Look| l.at.as_secs_f64() / 3600.0;
    let (x, y) = (
        looks.iter().map(|l| hours(l)).sum::<f64>() / n,
        looks.iter().map(|l| value(l)).sum::<f64>() / n,
    );
    let both: f64 = looks.iter().map(|l| (hours(l) - x) * (value(l) - y)).sum();
    let square: f64 = looks.iter().map(|l| (hours(l) - x).powi(2)).sum();
    both / square
}

fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (share * values.len() as f64).ceil() as usize;
    values.get(at.clamp(1, values.len().max(1)) - 1).copied().unwrap_or(f64::NAN)
}

/// Sends at a rate; one model after another drifts.
fn feed(
    pipeline: &Pipeline<'_>,
    rate: f64,
    length: Duration,
    done: &AtomicBool,
) -> anyhow::Result<usize> {
    let (writer, latencies) = (Writer::new(pipeline.broker, &pipeline.input)?, latencies());
    let (begun, mut number) = (Instant::now(), 0);
    while begun.elapsed() < length && !done.load(Ordering::Relaxed) {
        let elapsed = begun.elapsed();
        let due = (elapsed.as_secs_f64() * rate) as usize;
        let drifting = elapsed.checked_sub(CALM).map(|since| {
            let turn = since.as_secs() / DRIFT.as_secs();
            // Every other model, so that each has long come back when its turn comes again.
            (turn as usize * 7) % MODELS
        });
        let ts_ms = now_ms();
        while number < due {
            let model = model_of(number);
            let factor = if drifting == Some(model) { 1.5 } else { 1.0 };
            // Another order each time round.
            let latency = latencies[(number + number / POOL * 31) % POOL] * factor;
            writer.send(number, &event(ts_ms, model, latency))?;
            number += 1;
        }
        writer.producer.poll(Duration::ZERO);
        thread::sleep(Duration::from_millis(2));
    }
    writer.producer.flush(PATIENCE)?;
    Ok(number)
}

/// Reads findings as they come to be seen.
fn read_findings(
    pipeline: &Pipeline<'_>,
    done: &AtomicBool,
    delays_ms: &Mutex<Vec<f64>>,
) -> anyhow::Result<()> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", pipeline.broker.bootstrap())
        .set("group.id", "bench-reader")
        .set("auto.offset.reset", "earliest")
        .set("isolation.level", "read_committed")
        .set("fetch.wait.max.ms", "10")
        .create()?;
    consumer.subscribe(&[&pipeline.findings])?;
    while !done.load(Ordering::Relaxed) {
        let Some(message) = consumer.poll(Duration::from_millis(5)) else { continue };
        let now_ms = now_ms() as f64;
        let message = message?;
        let finding: serde_json::Value =
            serde_json::from_slice(message.payload().unwrap_or_default())?;
        let decided = finding["detected_at"].as_str().context("detected_at")?;
        let end_us = from_rfc3339(decided).context("a time")?;
        let closed_ms = end_us as f64 / 1e3 + LATENESS.as_millis() as f64;
        delays_ms.lock().map_err(|_| anyhow::anyhow!("a panic"))?.push(now_ms - closed_ms);
    }
    Ok(())
}

fn look(member: &Member, pid: u32, at: Duration) -> anyhow::Result<Look> {
    let metric = |name: &str| member.metric(name).with_context(|| format!("no {name}"));
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = resident.and_then(|text| text.split_whitespace().next()).context("VmRSS")?;
    Ok(Look {
        at,
        lag: metric("driftline_lag_messages")?,
        event_time_lag_s: metric("driftline_event_time_lag_seconds")?,
        resident_mib: kib.parse::<f64>()? / 1024.0,
    })
}

/// Seconds of CPU that a process has had.
fn cpu_of(pid: u32) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, rest) = stat.rsplit_once(')').context("a stat line")?;
    let ticks = |at: usize| rest.split_whitespace().nth(at).and_then(|t| t.parse::<f64>().ok());
    Ok((ticks(11).context("utime")? + ticks(12).context("stime")?) / 100.0)
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_millis() as u64)
}
