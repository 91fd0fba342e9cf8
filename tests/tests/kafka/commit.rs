//! The commit path on the real broker: what readers of committed records see, whatever dies, whoever else
//! has the id, and however long the sink refuses.

use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};
use driftline::kafka::KafkaFault;
use driftline::model::Secret;
use driftline::model::live::{Connection, Delivery, DeliverySettings};
use driftline::model::stream::{Epoch, Outcome, Record, TopicPartition};
use driftline::sink::kafka::{CommitSettings, Committer, Group};
use driftline_tests::broker::{Broker, Listener, Options, USERS, unique};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerGroupMetadata};

const SOON: Duration = Duration::from_secs(60);
const POINTS_ONCE: &[&str] = &[
    "before_begin",
    "after_begin",
    "after_produce",
    "after_send_offsets",
    "during_commit",
    "after_commit",
];
const POINTS_REPEAT: &[&str] = &["after_journal", "after_records", "after_offsets"];

/// Topics of one test.
struct Stage<'a> {
    broker: &'a Broker,
    group: String,
    input: String,
    findings: String,
    journal: String,
}

impl<'a> Stage<'a> {
    fn new(broker: &'a Broker) -> Self {
        // Shown where a test fails. Another test may have set it up before.
        let _ = tracing_subscriber::fmt().with_test_writer().try_init();
        Self {
            broker,
            group: unique("group"),
            input: broker.topic("input", 1, &[]),
            findings: broker.topic("findings", 1, &[]),
            journal: broker.topic("journal", 1, &[]),
        }
    }

    fn child(&self, mode: &str, epochs: i64, crash_at: Option<&str>) -> Child {
        let mut child = Command::new(env!("CARGO_BIN_EXE_commit_child"));
        child.args([self.broker.bootstrap(), &self.group, mode, &epochs.to_string()]);
        child.args([&self.input, &self.findings, &self.journal]);
        if let Some(point) = crash_at {
            child.env("DRIFTLINE_CRASH_AT", point);
        }
        child.stderr(Stdio::null()).spawn().expect("the child can be started")
    }

    fn texts(&self, topic: &str) -> Vec<String> {
        self.broker.read_committed(topic).iter().map(|message| message.text()).collect()
    }

    fn of(&self) -> TopicPartition {
        TopicPartition { topic: self.input.as_str().into(), partition: 0 }
    }

    fn epoch(&self, number: u64, next: i64) -> Epoch {
        let record = Record {
            topic: self.findings.as_str().into(),
            key: Some(b"model".to_vec()),
            payload: Some(format!("finding {number}").into_bytes()),
            headers: Vec::new(),
        };
        Epoch {
            number,
            records: vec![record],
            offsets: vec![(self.of(), next)],
            ..Epoch::default()
        }
    }

    fn settings(&self, connection: Connection, mode: Delivery) -> CommitSettings {
        CommitSettings {
            connection,
            group: self.group.clone(),
            transactional_id: self.group.clone(),
            delivery: DeliverySettings {
                mode,
                commit_us: 100_000,
                transaction_timeout_us: 6_000_000,
            },
        }
    }

    fn begin(&self, group: &Arc<Joined>) -> (Committer, Receiver<Outcome>) {
        let settings = self.settings(open(self.broker), Delivery::ExactlyOnce);
        let (tell, outcomes) = bounded(4);
        let group = Arc::clone(group) as Arc<dyn Group>;
        (Committer::spawn(settings, group, Vec::new(), tell).expect("a committer"), outcomes)
    }
}

fn open(broker: &Broker) -> Connection {
    Connection { brokers: broker.bootstrap().to_owned(), ..Connection::default() }
}

/// A member of the group that stays who it was when `freeze` was called.
struct Joined {
    consumer: BaseConsumer,
}

impl Joined {
    fn new(stage: &Stage<'_>, properties: &[(&str, &str)]) -> Arc<Self> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", stage.broker.bootstrap());
        config.set("group.id", &stage.group).set("enable.auto.commit", "false");
        config.set("session.timeout.ms", "6000").set("heartbeat.interval.ms", "500");
        for (name, value) in properties {
            config.set(*name, *value);
        }
        let consumer: BaseConsumer = config.create().expect("a consumer");
        consumer.subscribe(&[&stage.input]).expect("subscribed");
        let joined = Arc::new(Self { consumer });
        joined.poll_until("it is assigned", || {
            joined.consumer.assignment().is_ok_and(|assigned| assigned.count() > 0)
        });
        joined
    }

    fn poll_until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < SOON, "never: {what}");
            let _ = self.consumer.poll(Duration::from_millis(50));
        }
    }
}

impl Group for Joined {
    fn metadata(&self) -> Option<ConsumerGroupMetadata> {
        self.consumer.group_metadata()
    }

    fn commit(&self, _: &[(TopicPartition, i64)]) -> Result<(), KafkaFault> {
        panic!("transactions commit offsets themselves")
    }
}

/// One that says what another member was at a time.
struct Zombie(std::sync::Mutex<Vec<ConsumerGroupMetadata>>);

impl Group for Zombie {
    fn metadata(&self) -> Option<ConsumerGroupMetadata> {
        self.0.lock().expect("no panic").pop()
    }

    fn commit(&self, _: &[(TopicPartition, i64)]) -> Result<(), KafkaFault> {
        panic!("transactions commit offsets themselves")
    }
}

fn outcome(outcomes: &Receiver<Outcome>) -> Outcome {
    outcomes.recv_timeout(SOON).expect("an outcome")
}

fn committed(outcomes: &Receiver<Outcome>) -> u64 {
    match outcome(outcomes) {
        Outcome::Committed { took_us, .. } => took_us,
        Outcome::Lost { why, .. } => panic!("lost: {why}"),
    }
}

/// What the children write, in order.
fn expected(epochs: i64) -> (Vec<String>, Vec<String>) {
    let findings = (0..epochs).flat_map(|k| (0..=k % 4).map(move |part| format!("{k}.{part}")));
    let journal = (0..epochs).filter(|k| k % 3 == 0).map(|k| format!("{k}.0"));
    (findings.collect(), journal.collect())
}

/// Runs children that die at each point, at various passings, and by SIGKILL at various moments; then one
/// that finishes. Returns how many died.
fn run_and_kill(stage: &Stage<'_>, mode: &str, points: &[&str], epochs: i64) -> usize {
    let mut died = 0;
    for (at, point) in points.iter().chain(points).enumerate() {
        let crash_at = format!("{point}:{}", 1 + at % 3);
        let end = stage.child(mode, epochs, Some(&crash_at)).wait().expect("it ends");
        assert!(!end.success(), "{crash_at}: all epochs were committed before it came to that");
        assert_ne!(end.code(), Some(3), "{crash_at}: an epoch was lost");
        died += 1;
    }
    for millis in [900, 1300, 1700, 2100] {
        let mut child = stage.child(mode, epochs, None);
        std::thread::sleep(Duration::from_millis(millis));
        child.kill().expect("it can be killed");
        died += usize::from(!child.wait().expect("it ends").success());
    }
    let end = stage.child(mode, epochs, None).wait().expect("it ends");
    assert!(end.success(), "the last one finishes: {end}");
    died
}

#[test]
fn each_epoch_is_seen_once_whatever_dies() {
    let stage = Stage::new(Broker::shared());
    let epochs = 400;
    let died = run_and_kill(&stage, "once", POINTS_ONCE, epochs);
    let (findings, journal) = expected(epochs);
    assert_eq!(stage.texts(&stage.findings), findings, "after {died} deaths");
    assert_eq!(stage.texts(&stage.journal), journal);
    let offsets = stage.broker.committed(&stage.group, &stage.input);
    assert_eq!(offsets, [Some(10 * epochs)]);
    assert!(died >= 12, "{died} children died");
}

#[test]
fn at_least_once_loses_nothing_and_repeats_only_the_last() {
    let stage = Stage::new(Broker::shared());
    let epochs = 300;
    let died = run_and_kill(&stage, "repeat", POINTS_REPEAT, epochs);
    let (findings, journal) = expected(epochs);
    for (topic, expected) in [(&stage.findings, findings), (&stage.journal, journal)] {
        let seen = stage.texts(topic);
        let distinct: BTreeSet<&String> = seen.iter().collect();
        assert_eq!(distinct, expected.iter().collect::<BTreeSet<_>>(), "after {died} deaths");
        // A death repeats at most the epoch that was under way: four records.
        assert!(seen.len() <= expected.len() + 4 * died, "{} records, {died} deaths", seen.len());
    }
    let offsets = stage.broker.committed(&stage.group, &stage.input);
    assert_eq!(offsets, [Some(10 * epochs)]);
}

#[test]
fn a_second_producer_with_the_id_takes_over_for_good() {
    let stage = Stage::new(Broker::shared());
    let group = Joined::new(&stage, &[]);
    let (first, first_outcomes) = stage.begin(&group);
    first.submit(stage.epoch(1, 10));
    committed(&first_outcomes);
    let (second, second_outcomes) = stage.begin(&group);
    first.submit(stage.epoch(2, 20));
    let Outcome::Lost { why, .. } = outcome(&first_outcomes) else { panic!("it is fenced") };
    assert!(why.contains("another producer took over"), "{why}");
    for (number, next) in [(3, 20), (4, 30)] {
        second.submit(stage.epoch(number, next));
        committed(&second_outcomes);
    }
    assert_eq!(stage.texts(&stage.findings), ["finding 1", "finding 3", "finding 4"]);
    // The first may come back, and then it fences in turn: it begins where the group stands.
    first.submit(stage.epoch(5, 40));
    committed(&first_outcomes);
    second.submit(stage.epoch(6, 50));
    assert!(matches!(outcome(&second_outcomes), Outcome::Lost { number: 6, .. }));
    assert_eq!(stage.broker.committed(&stage.group, &stage.input), [Some(40)]);
    first.stop();
    second.stop();
}

#[test]
fn a_member_of_an_old_generation_cannot_commit() {
    let stage = Stage::new(Broker::shared());
    let old = Joined::new(&stage, &[("group.instance.id", "a")]);
    let before: Vec<ConsumerGroupMetadata> =
        (0..100).map(|_| old.metadata().expect("it is a member")).collect();
    // A second member makes a new generation, in which both are.
    let other = std::thread::scope(|scope| {
        let joins = scope.spawn(|| {
            let mut config = ClientConfig::new();
            config.set("bootstrap.servers", stage.broker.bootstrap());
            config.set("group.id", &stage.group).set("group.instance.id", "b");
            let other: BaseConsumer = config.create().expect("a consumer");
            other.subscribe(&[&stage.input]).expect("subscribed");
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_secs(3) {
                let _ = other.poll(Duration::from_millis(50));
            }
            other
        });
        old.poll_until("both are in", || joins.is_finished());
        joins.join().expect("no panic")
    });
    let zombie = Arc::new(Zombie(std::sync::Mutex::new(before)));
    let settings = stage.settings(open(stage.broker), Delivery::ExactlyOnce);
    let (tell, outcomes) = bounded(1);
    let committer = Committer::spawn(settings, zombie, Vec::new(), tell).expect("a committer");
    committer.submit(stage.epoch(1, 10));
    let Outcome::Lost { why, .. } = outcome(&outcomes) else {
        panic!("it is of an old generation")
    };
    assert!(why.contains("the group removed this member"), "{why}");
    assert_eq!(stage.texts(&stage.findings), [""; 0]);
    assert_eq!(stage.broker.committed(&stage.group, &stage.input), [None]);
    committer.stop();
    drop(other);
}

/// Waits until the committer says what it waits for.
fn waits_for(committer: &Committer, words: &str) {
    let mut said = String::new();
    let begun = Instant::now();
    while begun.elapsed() < SOON {
        if let Some(waiting) = committer.status().waiting {
            said = waiting.why;
            if said.contains(words) {
                return;
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("it says {said:?}, not {words:?}");
}

#[test]
fn a_sink_topic_that_is_full_or_missing_is_waited_for() {
    let stage = Stage::new(Broker::shared());
    let group = Joined::new(&stage, &[]);
    let (committer, outcomes) = stage.begin(&group);
    committer.submit(stage.epoch(1, 10));
    committed(&outcomes);

    // Not below a hundred: the broker could not write the markers of transactions, and would hang.
    stage.broker.configure(&stage.findings, &[("max.message.bytes", "500")]);
    let mut large = stage.epoch(2, 20);
    // Values that no codec makes small.
    let noise = (0..2_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8);
    large.records[0].payload = Some(noise.collect());
    committer.submit(large);
    waits_for(&committer, "too large");
    assert_eq!(stage.broker.committed(&stage.group, &stage.input), [Some(10)]);
    stage.broker.configure(&stage.findings, &[]);
    committed(&outcomes);

    stage.broker.remove_topic(&stage.findings);
    committer.submit(stage.epoch(3, 30));
    waits_for(&committer, &stage.findings);
    stage.broker.topic_named(&stage.findings, 1, &[]);
    committed(&outcomes);
    assert_eq!(stage.texts(&stage.findings), ["finding 3"]);
    assert_eq!(stage.broker.committed(&stage.group, &stage.input), [Some(30)]);
    assert_eq!(committer.status().waiting, None);
    committer.stop();
}

#[test]
fn a_forbidden_topic_is_waited_for_and_names_its_acl() {
    let broker = Broker::own(Options { secured: true, guarded: true, ..Options::default() });
    let stage = Stage::new(&broker);
    let (user, word) = USERS[0];
    let principal = format!("User:{user}");
    let id = stage.group.as_str();
    for rights in [
        &["--operation", "Read", "--group", id][..],
        &["--operation", "Read", "--operation", "Describe", "--topic", &stage.input],
        &["--operation", "Describe", "--topic", &stage.findings],
        &["--operation", "Write", "--operation", "Describe", "--transactional-id", id],
        &["--operation", "IdempotentWrite", "--cluster"],
    ] {
        broker.allow(&[&["--allow-principal", &principal], rights].concat());
    }
    let mut connection =
        Connection { brokers: broker.listener(Listener::SaslPlaintext), ..Connection::default() };
    for (name, value) in [
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism", "SCRAM-SHA-256"),
        ("sasl.username", user),
        ("sasl.password", word),
    ] {
        connection.properties.insert(name.to_owned(), Secret::new(value));
    }
    let group = Joined::new(&stage, &[]);
    let (tell, outcomes) = bounded(1);
    let settings = stage.settings(connection.clone(), Delivery::ExactlyOnce);
    let committer = Committer::spawn(settings, group, Vec::new(), tell).expect("a committer");
    committer.submit(stage.epoch(1, 10));
    let acl = format!("Write on topic {}", stage.findings);
    waits_for(&committer, &acl);
    let write = ["--allow-principal", &principal, "--operation", "Write", "--topic"];
    broker.allow(&[&write[..], &[&stage.findings]].concat());
    committed(&outcomes);
    assert_eq!(stage.texts(&stage.findings), ["finding 1"]);
    committer.stop();

    // Another's transactional id is refused at the start, in words.
    let mut settings = stage.settings(connection, Delivery::ExactlyOnce);
    settings.transactional_id = "not-allowed".into();
    let zombie = Arc::new(Zombie(std::sync::Mutex::new(Vec::new())));
    let refused = Committer::spawn(settings, zombie, Vec::new(), bounded(1).0);
    let fault = refused.err().expect("it is forbidden");
    assert!(fault.to_string().contains("transactional id not-allowed"), "{fault}");
}

#[test]
fn a_broker_that_is_away_is_waited_for() {
    let broker = Broker::own(Options::default());
    let stage = Stage::new(&broker);
    // A session that outlives the outage, and a thread that keeps the membership.
    let group = Joined::new(&stage, &[("session.timeout.ms", "45000")]);
    let (stop, stopped) = bounded::<()>(0);
    let polled = Arc::clone(&group);
    let poller = std::thread::spawn(move || {
        while stopped.try_recv().is_err_and(|error| error.is_empty()) {
            let _ = polled.consumer.poll(Duration::from_millis(50));
        }
    });
    let (committer, outcomes) = stage.begin(&group);
    committer.submit(stage.epoch(1, 10));
    committed(&outcomes);

    broker.freeze();
    committer.submit(stage.epoch(2, 20));
    // Longer than a transaction may last.
    std::thread::sleep(Duration::from_secs(9));
    assert!(outcomes.try_recv().is_err());
    broker.thaw();
    committed(&outcomes);

    // Not at once: a broker that dies before it has written the markers of a commit may forget them when
    // it starts again ("couldn't find leader endpoint .. can be skipped"), and then that transaction
    // hangs on its topics for ever.
    std::thread::sleep(Duration::from_secs(1));
    broker.kill();
    committer.submit(stage.epoch(3, 30));
    waits_for(&committer, "broker");
    broker.start();
    committed(&outcomes);

    committer.submit(stage.epoch(4, 40));
    committed(&outcomes);
    let expected: Vec<String> = (1..5).map(|number| format!("finding {number}")).collect();
    assert_eq!(stage.texts(&stage.findings), expected);
    assert_eq!(broker.committed(&stage.group, &stage.input), [Some(40)]);
    committer.stop();
    drop(stop);
    poller.join().expect("no panic");
}

#[test]
#[allow(clippy::print_stdout, reason = "the times are worth a line of the test's output")]
fn an_epoch_takes_less_than_a_commit_interval() {
    let stage = Stage::new(Broker::shared());
    let group = Joined::new(&stage, &[]);
    let (committer, outcomes) = stage.begin(&group);
    let mut took_us: Vec<u64> = (1..=60)
        .map(|number| {
            committer.submit(stage.epoch(number, i64::try_from(number).expect("small")));
            let took_us = committed(&outcomes);
            let _ = group.consumer.poll(Duration::ZERO);
            took_us
        })
        .collect();
    took_us.sort_unstable();
    println!("median {} us, p90 {} us; last {:?}", took_us[30], took_us[54], committer.status());
    assert!(took_us[30] < 250_000, "the median of an epoch is {} us", took_us[30]);
    committer.stop();
}
