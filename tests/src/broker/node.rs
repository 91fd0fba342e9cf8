//! The process of a broker, and Kafka's own tools.
//!
//! Not here: what the broker is asked. Its log goes to `target/kafka-logs/` and stays there; its folder of
//! topics goes with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::guarded::Guarded;
use crate::repository;

/// A broker that does not start or stop within this time has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A broker that runs.
#[derive(Debug)]
pub(super) struct Node(Guarded);

impl Node {
    /// Starts Java on `server.properties` in the folder and returns when clients may connect.
    ///
    /// # Errors
    /// The last lines of the log.
    pub(super) fn start(folder: &Path, log: &Path) -> Result<Self, String> {
        let before = fs::metadata(log).map_or(0, |file| file.len()) as usize;
        let mut command = Command::new("java");
        command.args(java()).args(["-Xmx512m", "kafka.Kafka"]);
        command.arg(folder.join("server.properties"));
        let mut node = Guarded::spawn(&command, folder, log);
        let begun = Instant::now();
        loop {
            let ended = node.ended();
            let text = fs::read(log).unwrap_or_default();
            let text = String::from_utf8_lossy(text.get(before..).unwrap_or_default());
            if text.contains("Kafka Server started") {
                return Ok(Self(node));
            }
            if ended.is_some() || begun.elapsed() > PATIENCE {
                let lines: Vec<&str> = text.lines().collect();
                let last = lines[lines.len().saturating_sub(30)..].join("\n");
                return Err(format!("{last}\nthe whole log: {}", log.display()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends a signal, by the name that `kill` knows.
    pub(super) fn signal(&self, name: &str) {
        self.0.signal(name);
    }

    /// Stops it in order.
    pub(super) fn stop(mut self) {
        self.0.signal("TERM");
        let _ = self.0.wait(PATIENCE);
    }
}

/// What the broker logs: what goes wrong, and what becomes of groups and transactions.
const LOG: &[(&str, &str)] = &[
    ("showDateTime", "true"),
    ("dateTimeFormat", "HH:mm:ss.SSS"),
    ("defaultLogLevel", "warn"),
    ("log.kafka.server.KafkaRaftServer", "info"),
    ("log.kafka.coordinator", "info"),
    ("log.org.apache.kafka.coordinator", "info"),
];

/// Class path and options of every Java here: quick to start, small, one thread for garbage.
fn java() -> Vec<String> {
    let jars = jars().join("*").display().to_string();
    let mut options: Vec<String> = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"]
        .iter()
        .map(|&option| option.to_owned())
        .collect();
    options
        .extend(LOG.iter().map(|(name, value)| format!("-Dorg.slf4j.simpleLogger.{name}={value}")));
    options.extend(["-cp".to_owned(), jars]);
    options
}

/// Runs one of Kafka's own tools to its end and returns what it printed.
///
/// # Panics
/// Where it fails.
pub(super) fn tool(class: &str, arguments: &[String]) -> String {
    let out = Command::new("java")
        .args(java())
        .arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=error")
        .arg(class)
        .args(arguments)
        .output()
        .expect("java can be run; apt-get install openjdk-17-jre-headless");
    let said = [out.stdout, out.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(out.status.success(), "{class} {arguments:?}:\n{}{}", said[0], said[1]);
    said.concat()
}

/// The folder of jars, fetched where they are missing.
fn jars() -> PathBuf {
    let pom = fs::read_to_string(repository("tests/broker/pom.xml")).expect("tests/broker/pom.xml");
    let version = pom.split("kafka.version>").nth(1).and_then(|rest| rest.split('<').next());
    repository("target/kafka").join(version.expect("tests/broker/pom.xml names a version"))
}

/// Fetches the broker where it is missing.
///
/// # Panics
/// Where it cannot be had; the message of the script says what is missing.
pub(super) fn fetch() {
    let script = repository("tests/broker/fetch");
    let out = Command::new(&script).output().expect("tests/broker/fetch can be run");
    assert!(
        out.status.success(),
        "no Kafka broker: {}",
        String::from_utf8_lossy(&out.stderr).trim()
    );
}
