//! The harness of the broker itself: what it says of topics, transactions and its own death is true.
//!
//! Nothing of Driftline is tested here; all other tests on Kafka stand on this.

use std::time::{Duration, Instant};

use driftline_tests::broker::{Broker, Listener, Options, Sent, USERS, Visible};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

const SOON: Duration = Duration::from_secs(20);

fn sent(partition: i32, value: &str) -> Sent {
    Sent { partition, value: Some(value.into()), ..Sent::default() }
}

fn transactional(broker: &Broker, id: &str) -> BaseProducer {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker.bootstrap()).set("transactional.id", id);
    let producer: BaseProducer = config.create().expect("a producer");
    producer.init_transactions(SOON).expect("transactions");
    producer
}

#[test]
fn what_is_written_is_read_with_every_codec() {
    let broker = Broker::shared();
    let topic = broker.topic("codecs", 2, &[]);
    for codec in ["none", "gzip", "lz4", "zstd", "snappy"] {
        let records = (0..100).map(|n| Sent {
            partition: n % 2,
            key: Some(format!("{n}").into()),
            value: Some(format!("{codec} {n}").into()),
            timestamp_ms: Some(1_000 + i64::from(n)),
        });
        broker.produce(&topic, records, codec);
    }
    broker.produce(&topic, [Sent { key: Some("gone".into()), ..Sent::default() }], "none");
    let read = broker.read_committed(&topic);
    assert_eq!(read.len(), 501);
    assert_eq!(read[3].text(), "none 6");
    assert_eq!((read[3].name(), read[3].timestamp_ms), ("6".to_owned(), Some(1_006)));
    assert_eq!((read[250].name().as_str(), &read[250].value), ("gone", &None));
    assert_eq!(broker.ends(&topic), [251, 250]);
}

/// An open and an aborted transaction show to the reader of all and not to the reader of committed: the
/// broker honours isolation, which the verifiers of crashes rest on.
#[test]
fn isolation_is_real() {
    let broker = Broker::shared();
    let topic = broker.topic("isolation", 1, &[]);
    let counts = || [Visible::Committed, Visible::All].map(|v| broker.read(&topic, v).len());
    let producer = transactional(broker, &topic);
    let write = |value: &str| {
        producer.begin_transaction().expect("a transaction");
        producer.send(BaseRecord::<(), _>::to(&topic).payload(value)).expect("a record is taken");
        producer.flush(SOON).expect("a record is written");
    };
    write("first");
    producer.commit_transaction(SOON).expect("a commit");
    assert_eq!(counts(), [1, 1]);
    write("aborted");
    assert_eq!(counts(), [1, 2], "open");
    producer.abort_transaction(SOON).expect("an abort");
    assert_eq!(counts(), [1, 2], "aborted");
    write("last");
    producer.commit_transaction(SOON).expect("a commit");
    assert_eq!(counts(), [2, 3]);
    // A second of the same id fences the first.
    let second = transactional(broker, &topic);
    producer.begin_transaction().expect("it does not know yet");
    let _ = producer.send(BaseRecord::<(), _>::to(&topic).payload("zombie"));
    assert!(producer.commit_transaction(SOON).is_err(), "a fenced producer cannot commit");
    assert_eq!(counts()[0], 2);
    drop(second);
}

#[test]
fn topics_grow_and_lose_their_old_records() {
    let broker = Broker::shared();
    let topic = broker.topic("grow", 1, &[("retention.ms", "-1")]);
    broker.produce(&topic, (0..10).map(|n| sent(0, &n.to_string())), "none");
    broker.drop_before(&topic, 0, 4);
    assert_eq!(broker.read_committed(&topic)[0].text(), "4");
    broker.widen(&topic, 3);
    Broker::wait_until("three partitions", SOON, || broker.ends(&topic).len() == 3);
    assert_eq!(broker.ends(&topic), [10, 0, 0]);
    broker.configure(&topic, &[("max.message.bytes", "200")]);
    assert_eq!(broker.committed("nobody", &topic), [None, None, None]);
}

#[test]
fn a_broker_of_its_own_is_killed_frozen_and_starts_again_with_its_records() {
    let broker = Broker::own(Options::default().with("num.io.threads", "2"));
    let topic = broker.topic("own", 1, &[]);
    broker.produce(&topic, [sent(0, "kept")], "none");
    broker.kill();
    let config = |broker: &Broker| -> BaseConsumer {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", broker.bootstrap()).create().expect("a consumer")
    };
    let short = Duration::from_millis(500);
    assert!(config(&broker).fetch_metadata(None, short).is_err(), "it is dead");
    let begun = Instant::now();
    broker.start();
    assert!(begun.elapsed() < SOON, "it came back after {:?}", begun.elapsed());
    assert_eq!(broker.read_committed(&topic)[0].text(), "kept");
    broker.freeze();
    assert!(config(&broker).fetch_metadata(None, short).is_err(), "it is frozen");
    broker.thaw();
    assert!(broker.answers());
    broker.stop();
    broker.start();
    assert_eq!(broker.read_committed(&topic)[0].text(), "kept");
}

/// Each listener lets in whom it should, and nobody else.
#[test]
fn listeners_ask_for_what_they_should() {
    let broker = Broker::own(Options { secured: true, guarded: true, ..Options::default() });
    let topic = broker.topic("guarded", 1, &[]);
    let certificates = broker.certificates();
    let path = |path: &std::path::Path| path.display().to_string();
    let trusted = ("ssl.ca.location", path(&certificates.authority));
    let stranger = ("ssl.ca.location", path(&certificates.stranger));
    let own = [
        ("ssl.certificate.location", path(&certificates.client)),
        ("ssl.key.location", path(&certificates.client_key)),
    ];
    let theirs = [
        ("ssl.certificate.location", path(&certificates.stranger_client)),
        ("ssl.key.location", path(&certificates.stranger_client_key)),
    ];
    let sasl = |mechanism: &str, user: usize, word: &str| {
        [
            ("security.protocol", "sasl_ssl".to_owned()),
            ("sasl.mechanism", mechanism.to_owned()),
            ("sasl.username", USERS[user].0.to_owned()),
            ("sasl.password", word.to_owned()),
        ]
    };
    let tls = ("security.protocol", "ssl".to_owned());
    let topics = |listener: Listener, properties: &[(&str, String)]| {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", broker.listener(listener));
        for (name, value) in properties {
            config.set(*name, value);
        }
        let consumer: BaseConsumer = config.create().expect("a consumer");
        let answer = consumer.fetch_metadata(Some(&topic), Duration::from_secs(3));
        answer.ok().map(|metadata| metadata.topics()[0].partitions().len())
    };
    let both = |own: &[(&'static str, String)], other: &(&'static str, String)| {
        [own, &[other.clone(), tls.clone()]].concat()
    };
    assert_eq!(topics(Listener::Plaintext, &[]), Some(1));
    assert_eq!(topics(Listener::Tls, &both(&[], &trusted)), Some(1));
    assert_eq!(topics(Listener::Tls, &both(&[], &stranger)), None);
    assert_eq!(topics(Listener::MutualTls, &both(&own, &trusted)), Some(0), "no rights yet");
    assert_eq!(topics(Listener::MutualTls, &both(&theirs, &trusted)), None);
    assert_eq!(topics(Listener::MutualTls, &both(&[], &trusted)), None);
    broker.allow(&[
        "--allow-principal",
        "User:CN=client",
        "--operation",
        "Describe",
        "--topic",
        &topic,
    ]);
    broker.allow(&["--allow-principal", "User:alice", "--operation", "Read", "--topic", &topic]);
    Broker::wait_until("the rights hold", SOON, || {
        topics(Listener::MutualTls, &both(&own, &trusted)) == Some(1)
    });
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
        let with = |user: usize, word: &str| {
            let mut properties = sasl(mechanism, user, word).to_vec();
            properties.push(trusted.clone());
            topics(Listener::Sasl, &properties)
        };
        assert_eq!(with(0, USERS[0].1), Some(1), "{mechanism}: alice may");
        assert_eq!(with(1, USERS[1].1), Some(0), "{mechanism}: bob has no rights");
        assert_eq!(with(0, "wrong"), None, "{mechanism}: a wrong password");
    }
    let token = [
        ("security.protocol", "sasl_plaintext".to_owned()),
        ("sasl.mechanism", "OAUTHBEARER".to_owned()),
        ("enable.sasl.oauthbearer.unsecure.jwt", "true".to_owned()),
        ("sasl.oauthbearer.config", "principal=alice".to_owned()),
    ];
    assert_eq!(topics(Listener::SaslPlaintext, &token), Some(1), "an unsecured token of alice");
}
