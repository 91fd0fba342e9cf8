//! What the live sections resolve to, and what stands outside of the config: variables and files.

use std::collections::BTreeMap;
use std::path::Path;

use driftline::config::{self, ConfigError, Outside, ParsedConfig};
use driftline::model::live::{Delivery, GroupProtocol, Live, Split, StartPosition, TokenSource};
use tempfile::TempDir;

const SMALL: &str = "preset = 'llm'\n[kafka]\nbrokers = 'b:9092'\n[source]\ntopics = ['events']\n[kafka.tls]\nenabled = false\n";

fn nothing(_: &str) -> Option<String> {
    None
}

fn read(text: &str, folder: &Path) -> ParsedConfig {
    config::parse_live(text, "t.toml", &Outside { variable: &nothing, folder })
}

fn good(text: &str) -> Live {
    let reading = read(text, Path::new("conf"));
    assert!(reading.diagnostics.items().is_empty(), "{}", reading.diagnostics);
    reading.live.expect("no errors, so there is a live config")
}

fn properties(live: &Live) -> BTreeMap<&str, &str> {
    let all = live.kafka.properties.iter();
    all.map(|(name, value)| (name.as_str(), value.expose())).collect()
}

#[test]
fn defaults() {
    let live = good(SMALL);
    assert_eq!(live.kafka.brokers, "b:9092");
    assert_eq!(properties(&live), BTreeMap::from([("security.protocol", "plaintext")]));
    let source = &live.source;
    assert_eq!((source.group.as_str(), source.topics.len()), ("driftline", 1));
    assert_eq!((source.from, source.split), (StartPosition::Earliest, Split::None));
    assert_eq!((source.protocol, &source.instance_id), (GroupProtocol::Classic, &None));
    assert_eq!((source.session_timeout_us, source.fetch_threads), (45_000_000, 0));
    assert_eq!((source.memory_bytes, source.idle_us), (256 << 20, 2_000_000));
    assert_eq!((source.ahead_us, source.max_future_us), (600_000_000, 600_000_000));
    assert_eq!(live.sinks.findings, "driftline-findings");
    assert_eq!(live.sinks.alerts, "driftline-alerts");
    assert_eq!(live.sinks.quarantine, "driftline-quarantine");
    assert_eq!(live.sinks.journal, "driftline-journal");
    assert_eq!(live.delivery.mode, Delivery::ExactlyOnce);
    assert_eq!(live.delivery.commit_us, 1_000_000);
    assert_eq!(live.delivery.transaction_timeout_us, 10_000_000);
    assert_eq!(live.state.home, "conf/driftline-state");
    assert_eq!((live.state.every_us, live.state.keep), (60_000_000, 3));
    assert_eq!(live.http.map(|a| a.to_string()).as_deref(), Some("127.0.0.1:9187"));
}

#[test]
fn everything_said() {
    let folder = TempDir::new().expect("a folder");
    let file = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("it can be written");
    };
    for name in ["ca.pem", "own.pem", "own.key"] {
        file(name, "PEM");
    }
    file("key_password", "swordfish-1\n");
    file("password", "sword fish-2\r\n");
    file("store", "swordfish-3");
    let text = r#"
preset = "llm"
pipeline = "prod"
[time]
max_future = "1m"
[kafka]
brokers = { env = "BROKERS" }
[kafka.tls]
ca_file = "ca.pem"
certificate_file = "own.pem"
key_file = { env = "KEY_FILE" }
key_password = { file = "key_password" }
[kafka.sasl]
mechanism = "SCRAM-SHA-512"
username = { env = "USER_NAME" }
password = { file = "password" }
[kafka.properties]
client.rack = { env = "RACK" }
"fetch.min.bytes" = 1024
socket.keepalive.enable = true
[source]
topics = ["a", "^b[.].*"]
group = "g"
from = 2026-03-01T00:00:00Z
split = "partition"
protocol = "classic"
instance_id = { env = "RACK" }
session_timeout = "6s"
fetch_threads = 3
memory = "1GiB"
idle = "500ms"
ahead = "1h"
[sinks]
findings = "f"
alerts = "a2"
quarantine = "q"
journal = "j"
[delivery]
mode = "at-least-once"
commit = "250ms"
transaction_timeout = "5s"
[state]
home = "s3://bucket/prefix"
every = "10s"
keep = 5
[state.options]
aws_endpoint = "http://127.0.0.1:5000"
AWS_SECRET_ACCESS_KEY = { file = "store" }
[http]
listen = ""
"#;
    let key = folder.path().join("own.key").display().to_string();
    let variable = |name: &str| match name {
        "BROKERS" => Some("b1:9092,b2".into()),
        "USER_NAME" => Some("driftline".into()),
        "KEY_FILE" => Some(key.clone()),
        "RACK" => Some("eu-1".into()),
        _ => None,
    };
    let outside = Outside { variable: &variable, folder: folder.path() };
    let reading = config::parse_live(text, "t.toml", &outside);
    assert!(reading.diagnostics.items().is_empty(), "{}", reading.diagnostics);
    let live = reading.live.as_ref().expect("a live config");
    let at = |name: &str| folder.path().join(name).display().to_string();
    assert_eq!(
        properties(live),
        BTreeMap::from([
            ("client.rack", "eu-1"),
            ("fetch.min.bytes", "1024"),
            ("sasl.mechanism", "SCRAM-SHA-512"),
            ("sasl.password", "sword fish-2"),
            ("sasl.username", "driftline"),
            ("security.protocol", "sasl_ssl"),
            ("socket.keepalive.enable", "true"),
            ("ssl.ca.location", at("ca.pem").as_str()),
            ("ssl.certificate.location", at("own.pem").as_str()),
            ("ssl.endpoint.identification.algorithm", "https"),
            ("ssl.key.location", key.as_str()),
            ("ssl.key.password", "swordfish-1"),
        ])
    );
    let source = &live.source;
    assert_eq!(live.kafka.brokers, "b1:9092,b2");
    assert_eq!((source.group.as_str(), source.topics.len()), ("g", 2));
    assert_eq!(
        (source.from, source.split),
        (StartPosition::Timestamp(1_772_323_200_000_000), Split::Partition)
    );
    assert_eq!(source.instance_id.as_deref(), Some("eu-1"));
    assert_eq!((source.session_timeout_us, source.fetch_threads), (6_000_000, 3));
    assert_eq!((source.memory_bytes, source.idle_us), (1 << 30, 500_000));
    assert_eq!((source.ahead_us, source.max_future_us), (3_600_000_000, 60_000_000));
    assert_eq!((live.sinks.findings.as_str(), live.sinks.journal.as_str()), ("f", "j"));
    assert_eq!(live.delivery.mode, Delivery::AtLeastOnce);
    assert_eq!((live.delivery.commit_us, live.state.keep), (250_000, 5));
    assert_eq!(live.state.home, "s3://bucket/prefix");
    let options: Vec<_> =
        live.state.options.iter().map(|(n, v)| (n.as_str(), v.expose())).collect();
    let expected =
        [("aws_endpoint", "http://127.0.0.1:5000"), ("aws_secret_access_key", "swordfish-3")];
    assert_eq!(options, expected);
    assert_eq!(live.http, None);
    let shown = format!("{reading:?}");
    assert!(!shown.contains("fish"), "Debug shows a secret: {shown}");
}

#[test]
fn a_token_is_read_where_it_stands() {
    let folder = TempDir::new().expect("a folder");
    let text = SMALL.replace("enabled = false", "")
        + "[kafka.sasl]\nmechanism = 'OAUTHBEARER'\ntoken = { file = 'token' }\n";
    let reading = read(&text, folder.path());
    assert!(reading.diagnostics.to_string().contains("token cannot be read"), "{reading:?}");
    let path = folder.path().join("token");
    std::fs::write(&path, "e30.e30.").expect("it can be written");
    let reading = read(&text, folder.path());
    assert!(!reading.diagnostics.has_errors(), "{}", reading.diagnostics);
    let live = reading.live.expect("a live config");
    assert_eq!(live.kafka.oauth_token, Some(TokenSource::File(path)));
    let expected = BTreeMap::from([
        ("sasl.mechanism", "OAUTHBEARER"),
        ("security.protocol", "sasl_ssl"),
        ("ssl.ca.location", "probe"),
        ("ssl.endpoint.identification.algorithm", "https"),
    ]);
    let found = live.kafka.properties.iter().map(|(n, v)| (n.as_str(), v.expose()));
    assert_eq!(found.collect::<BTreeMap<_, _>>(), expected);
}

#[test]
fn a_replay_needs_no_secrets() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("driftline.toml");
    let text = SMALL.replace(
        "[source]",
        "[kafka.sasl]\nmechanism = 'PLAIN'\nusername = 'u'\npassword = { env = 'DRIFTLINE_TEST_NOT_SET' }\n[source]",
    );
    std::fs::write(&path, text).expect("it can be written");
    config::load(&path).expect("a replay does not read what stands outside");
    let Err(ConfigError::Invalid(said)) = config::load_live(&path) else {
        panic!("a password is missing")
    };
    assert!(said.to_string().contains("DRIFTLINE_TEST_NOT_SET is not set"), "{said}");
}

#[test]
fn live_needs_brokers() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("driftline.toml");
    std::fs::write(&path, "preset = 'llm'\n").expect("it can be written");
    let Err(ConfigError::Invalid(said)) = config::load_live(&path) else {
        panic!("there is no [kafka]")
    };
    let said = said.to_string();
    assert!(said.contains("there is no section [kafka]") && said.contains("add [kafka]"), "{said}");
}
