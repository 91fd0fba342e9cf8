//! The process of a broker: Java under a shell that ends it when this process is gone, however it went.
//!
//! Not here: what the broker is asked. Its log goes to `target/kafka-logs/` and stays there; its folder of
//! topics goes with it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::repository;

/// A broker that does not start within this time has failed.
const START: Duration = Duration::from_secs(60);

/// Reads its standard input: a word means that the caller ends the broker and goes on; the end of the
/// stream means that the caller is dead, so the folder goes too.
const GUARD: &str = r#"
folder=$1; log=$2; shift 2
"$@" </dev/null >>"$log" 2>&1 &
broker=$!
echo "$broker"
read -r word || word=dead
kill -9 "$broker" 2>/dev/null
wait
[ "$word" != dead ] || rm -rf "$folder"
"#;

/// A broker that runs.
#[derive(Debug)]
pub(super) struct Node {
    guard: Child,
    /// Process id of Java.
    pid: u32,
}

impl Node {
    /// Starts Java on `server.properties` in the folder and returns when clients may connect.
    ///
    /// # Errors
    /// The last lines of the log.
    pub(super) fn start(folder: &Path, log: &Path) -> Result<Self, String> {
        let before = fs::metadata(log).map_or(0, |file| file.len());
        let mut guard = Command::new("sh");
        guard.arg("-c").arg(GUARD).arg("guard").arg(folder).arg(log);
        guard.arg("java").args(java()).args(["-Xmx512m", "kafka.Kafka"]);
        guard.arg(folder.join("server.properties"));
        // Not in our process group: Control-C reaches it through us.
        std::os::unix::process::CommandExt::process_group(&mut guard, 0);
        let mut guard = guard
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("sh cannot be run: {error}"))?;
        let mut line = String::new();
        let out = guard.stdout.take().ok_or("the guard has no output")?;
        BufReader::new(out).read_line(&mut line).map_err(|error| error.to_string())?;
        let pid = line.trim().parse().map_err(|_| format!("the guard said {line:?}"))?;
        let node = Self { guard, pid };
        let begun = Instant::now();
        loop {
            let text = fs::read(log).unwrap_or_default();
            let text = String::from_utf8_lossy(text.get(before as usize..).unwrap_or_default());
            if text.contains("Kafka Server started") {
                return Ok(node);
            }
            let dead = ["fatal exception", "Exiting Kafka", "not found", "Error: "];
            if dead.iter().any(|word| text.contains(word)) || begun.elapsed() > START {
                node.end();
                let lines: Vec<&str> = text.lines().rev().take(30).collect();
                let lines: Vec<&str> = lines.into_iter().rev().collect();
                return Err(format!("{}\nthe whole log: {}", lines.join("\n"), log.display()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends a signal, by the name that `kill` knows.
    pub(super) fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.pid);
        let sent = Command::new("sh").args(["-c", &command]).status();
        assert!(sent.is_ok_and(|status| status.success()), "{command} failed");
    }

    /// Waits until Java is gone after a signal.
    pub(super) fn wait(mut self) {
        let gone = || {
            let state = fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
            state.rsplit_once(')').is_none_or(|(_, rest)| rest.trim_start().starts_with('Z'))
        };
        let begun = Instant::now();
        while !gone() && begun.elapsed() < START {
            std::thread::sleep(Duration::from_millis(10));
        }
        self.finish();
    }

    /// Kills it and waits until it is gone.
    pub(super) fn end(mut self) {
        self.finish();
    }

    fn finish(&mut self) {
        if let Some(mut stdin) = self.guard.stdin.take() {
            // A guard that is gone already has nothing left to do.
            let _ = stdin.write_all(b"end\n");
        }
        let _ = self.guard.wait();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.finish();
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
