//! What goes wrong with a real broker is told in words: TLS, logins, tokens, rights; and what is right works
//! for each kind of client: questions, administration, transactions.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use crossbeam_channel::bounded;
use driftline::kafka::admin::{Admin, wanted};
use driftline::kafka::{Cluster, KafkaFault};
use driftline::model::Secret;
use driftline::model::live::{Connection, Delivery, DeliverySettings, SinkTopics, TokenSource};
use driftline::model::stream::TopicPartition;
use driftline::sink::kafka::{CommitSettings, Committer, Group, write_probe};
use driftline_tests::broker::{Broker, Listener, Options, USERS, unique};
use rdkafka::consumer::ConsumerGroupMetadata;

fn broker() -> &'static Broker {
    static BROKER: OnceLock<Broker> = OnceLock::new();
    BROKER
        .get_or_init(|| Broker::own(Options { secured: true, guarded: true, ..Options::default() }))
}

fn connection(listener: Listener, properties: &[(&str, &str)]) -> Connection {
    let properties =
        properties.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value)));
    Connection {
        brokers: broker().listener(listener),
        properties: properties.collect(),
        oauth_token: None,
    }
}

/// What asking for a topic is answered, and how long that took.
fn ask(connection: &Connection, topic: &str) -> (Result<usize, KafkaFault>, Duration) {
    let begun = Instant::now();
    let cluster = Cluster::connect(connection, "faults").expect("a handle");
    let cluster = cluster.with_deadline(Duration::from_secs(8));
    let found = cluster.partitions(&[topic.to_owned()]).map(|found| found.len());
    (found, begun.elapsed())
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}

fn allow(user: &str, rights: &[&str]) {
    broker().allow(&[&["--allow-principal", &format!("User:{user}")], rights].concat());
}

#[test]
fn tls_is_told_by_what_is_wrong_with_it() {
    let topic = broker().topic("tls", 1, &[]);
    let certificates = broker().certificates();
    let trusted = ("ssl.ca.location", path(&certificates.authority));
    let stranger = ("ssl.ca.location", path(&certificates.stranger));
    let ssl = ("security.protocol", "ssl");
    let theirs = [
        ("ssl.certificate.location", path(&certificates.stranger_client)),
        ("ssl.key.location", path(&certificates.stranger_client_key)),
    ];
    let own = [
        ("ssl.certificate.location", path(&certificates.client)),
        ("ssl.key.location", path(&certificates.client_key)),
    ];
    let cases = [
        (Listener::Tls, vec![ssl, stranger], "trust the CA"),
        (Listener::MutualTls, vec![ssl, trusted], "client certificate"),
        (Listener::MutualTls, vec![ssl, trusted, theirs[0], theirs[1]], "client certificate"),
        (Listener::Plaintext, vec![ssl, trusted], "does not speak TLS"),
    ];
    for (listener, properties, words) in cases {
        let (answer, took) = ask(&connection(listener, &properties), &topic);
        let fault = answer.expect_err("it is refused");
        let text = fault.to_string();
        assert!(matches!(fault, KafkaFault::Tls { .. }), "{listener:?}: {fault:?}");
        assert!(text.contains(words), "{listener:?}: {text}");
        assert!(took < Duration::from_secs(20), "{listener:?}: {took:?}");
    }
    // A client that speaks no TLS where it should.
    let (answer, _) = ask(&connection(Listener::Tls, &[]), &topic);
    let text = answer.expect_err("it is refused").to_string();
    assert!(text.contains("[kafka.tls]") && text.contains("fit the port"), "{text}");

    allow("CN=client", &["--operation", "Describe", "--topic", &topic]);
    let right = [ssl, trusted, own[0], own[1]];
    assert_eq!(ask(&connection(Listener::MutualTls, &right), &topic).0, Ok(1));
}

#[test]
fn logins_are_told_and_passwords_are_not() {
    let topic = broker().topic("login", 1, &[]);
    let (user, word) = USERS[0];
    allow(user, &["--operation", "Describe", "--topic", &topic]);
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
        let with = |word: &str| {
            connection(
                Listener::SaslPlaintext,
                &[
                    ("security.protocol", "sasl_plaintext"),
                    ("sasl.mechanism", mechanism),
                    ("sasl.username", user),
                    ("sasl.password", word),
                ],
            )
        };
        assert_eq!(ask(&with(word), &topic).0, Ok(1), "{mechanism}");
        let (answer, took) = ask(&with("swordfish"), &topic);
        let fault = answer.expect_err("it is refused");
        assert!(matches!(fault, KafkaFault::Login { .. }), "{mechanism}: {fault:?}");
        let text = fault.to_string();
        assert!(text.contains("password") && !text.contains("swordfish"), "{mechanism}: {text}");
        assert!(took < Duration::from_secs(20), "{mechanism}: {took:?}");
        let admin = Admin::connect(&with("swordfish")).expect("a handle");
        let fault = admin.brokers().expect_err("it is refused");
        assert!(matches!(fault, KafkaFault::Login { .. }), "{mechanism}: {fault:?}");
    }
    let unknown = [
        ("security.protocol", "sasl_plaintext"),
        ("sasl.mechanism", "SCRAM-SHA-256"),
        ("sasl.username", "nobody"),
        ("sasl.password", "nothing"),
    ];
    let fault = ask(&connection(Listener::SaslPlaintext, &unknown), &topic).0;
    assert!(matches!(fault, Err(KafkaFault::Login { .. })), "{fault:?}");
}

/// Base64 of RFC 4648 section 5, unpadded.
fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let held = chunk.iter().fold(0u32, |held, byte| held << 8 | u32::from(*byte));
        let held = held << (8 * (3 - chunk.len()));
        for digit in 0..=chunk.len() {
            text.push(char::from(DIGITS[(held >> (18 - 6 * digit)) as usize & 63]));
        }
    }
    text
}

/// An unsecured token of alice that ends in so many seconds.
fn token(ends_in_s: i64) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let now = i64::try_from(now.as_secs()).expect("before the end of time");
    let claims = format!(r#"{{"sub":"alice","iat":{},"exp":{}}}"#, now - 600, now + ends_in_s);
    format!("{}.{}.", base64url(br#"{"alg":"none"}"#), base64url(claims.as_bytes()))
}

struct Nobody;

impl Group for Nobody {
    fn metadata(&self) -> Option<ConsumerGroupMetadata> {
        None
    }

    fn commit(&self, _: &[(TopicPartition, i64)]) -> Result<(), KafkaFault> {
        panic!("nothing is committed here")
    }
}

#[test]
fn a_token_from_a_file_lets_every_client_in() {
    let topic = broker().topic("token", 1, &[]);
    let id = unique("token-id");
    allow("alice", &["--operation", "Write", "--operation", "Describe", "--topic", &topic]);
    allow("alice", &["--operation", "Write", "--transactional-id", &id]);
    allow("alice", &["--operation", "Create", "--operation", "DescribeConfigs", "--cluster"]);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    let properties = [("security.protocol", "sasl_plaintext"), ("sasl.mechanism", "OAUTHBEARER")];
    let mut connection = connection(Listener::SaslPlaintext, &properties);
    connection.oauth_token = Some(TokenSource::File(file.clone()));

    // Without a token, and with one that has ended: told by where it is.
    for write in [None, Some(token(-60))] {
        if let Some(text) = &write {
            std::fs::write(&file, text).expect("written");
        }
        let fault = ask(&connection, &topic).0.expect_err("there is no valid token");
        let text = fault.to_string();
        assert!(matches!(fault, KafkaFault::Login { .. }), "{fault:?}");
        assert!(text.contains(path(&file)), "{text}");
    }

    std::fs::write(&file, token(3600)).expect("written");
    assert_eq!(ask(&connection, &topic).0, Ok(1));
    let refused = write_probe(&connection, &id, &[&topic]).expect("a transaction");
    assert_eq!(refused, []);
    let settings = CommitSettings {
        connection: connection.clone(),
        group: id.clone(),
        transactional_id: id,
        delivery: DeliverySettings {
            mode: Delivery::ExactlyOnce,
            commit_us: 100_000,
            transaction_timeout_us: 10_000_000,
        },
    };
    let committer = Committer::spawn(settings, Arc::new(Nobody), Vec::new(), bounded(1).0);
    committer.expect("a transactional producer").stop();
    let admin = Admin::connect(&connection).expect("a handle");
    let name = unique("made");
    allow(
        "alice",
        &["--operation", "Describe", "--operation", "DescribeConfigs", "--topic", &name],
    );
    let sinks = SinkTopics {
        findings: name.clone(),
        alerts: "a".into(),
        quarantine: "q".into(),
        journal: "j".into(),
        anomalies: None,
    };
    let findings = wanted(&sinks).remove(0);
    assert_eq!(admin.create(&findings, 2, 1), Ok(true));
    assert_eq!(admin.create(&findings, 2, 1), Ok(false));
    let found = admin.find(&name).expect("it may be looked at").expect("it is there");
    assert_eq!((found.partitions, findings.faults(&found)), (2, Vec::new()));
}

#[test]
fn a_probe_names_each_topic_that_refuses() {
    let (user, word) = USERS[1];
    let id = unique("probe");
    let topics: Vec<String> =
        ["open", "shut", "free"].map(|name| broker().topic(name, 1, &[])).to_vec();
    for topic in &topics {
        allow(user, &["--operation", "Describe", "--topic", topic]);
    }
    for topic in [&topics[0], &topics[2]] {
        allow(user, &["--operation", "Write", "--topic", topic]);
    }
    let connection = connection(
        Listener::SaslPlaintext,
        &[
            ("security.protocol", "sasl_plaintext"),
            ("sasl.mechanism", "SCRAM-SHA-512"),
            ("sasl.username", user),
            ("sasl.password", word),
        ],
    );
    let names: Vec<&str> = topics.iter().map(String::as_str).collect();
    let fault = write_probe(&connection, &id, &names).expect_err("the id is not ours");
    assert!(fault.to_string().contains(&format!("on transactional id {id}")), "{fault}");
    allow(user, &["--operation", "Write", "--transactional-id", &id]);
    let refused = write_probe(&connection, &id, &names).expect("a transaction");
    let [refused] = refused.as_slice() else { panic!("one of three: {refused:?}") };
    assert!(refused.to_string().contains(&format!("Write on topic {}", topics[1])), "{refused}");
    for topic in names {
        assert!(broker().read_committed(topic).is_empty());
    }
}
