//! One process of `driftline run`: started, killed, frozen, asked how it is.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::guarded::Guarded;
use crate::repository;

/// How long a member may take to be ready, a recovery included.
const READY: Duration = Duration::from_secs(60);
/// A member that was asked to stop is gone by then.
const STOPPED: Duration = Duration::from_secs(15);

/// A member of a group.
#[derive(Debug)]
pub struct Member {
    process: Guarded,
    port: u16,
    log: PathBuf,
    /// Bytes of the log that are from before.
    before: usize,
}

impl Member {
    pub(super) fn start(
        mut command: Command,
        config: &Path,
        folder: &Path,
        name: &str,
        port: u16,
        at: Option<&str>,
    ) -> Self {
        let logs = repository("target/kafka-logs");
        std::fs::create_dir_all(&logs).expect("target/ can be written");
        let pipeline = folder.file_name().unwrap_or_default().to_string_lossy();
        let test = std::thread::current().name().unwrap_or("test").replace("::", "-");
        let log = logs.join(format!("{test}-{name}.log"));
        // The first start of a pipeline begins the log anew.
        let mark = folder.join(format!("{name}.begun"));
        if !mark.exists() {
            std::fs::write(&log, format!("pipeline {pipeline}\n")).expect("a log can be written");
            std::fs::write(&mark, "").expect("the folder can be written");
        }
        let before = std::fs::metadata(&log).map_or(0, |file| file.len()) as usize;
        command.arg("run").arg("--config").arg(config).args(["--log-level", "debug"]);
        match at {
            Some(at) => command.env("DRIFTLINE_CRASH_AT", at),
            None => command.env_remove("DRIFTLINE_CRASH_AT"),
        };
        let process = Guarded::spawn(&command, folder, &log);
        Self { process, port, log, before }
    }

    /// What it logged since it was started.
    pub fn log(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(text.get(self.before..).unwrap_or_default()).into_owned()
    }

    /// Status and body of an answer of its HTTP interface; none where it gives none.
    pub fn get(&self, path: &str) -> Option<(u16, String)> {
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], self.port));
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
        // Of version 1.0, so that nothing is chunked.
        write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost:{}\r\n\r\n", self.port).ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split_whitespace().nth(1)?.parse().ok()?;
        Some((status, body.to_owned()))
    }

    /// Whether it says that it does its work.
    pub fn is_ready(&self) -> bool {
        self.get("/readyz").is_some_and(|(status, _)| status == 200)
    }

    /// The value of a metric, summed over its labels.
    pub fn metric(&self, name: &str) -> Option<f64> {
        let (_, text) = self.get("/metrics")?;
        let value = |line: &str| {
            let rest = line.strip_prefix(name)?;
            let rest = rest
                .strip_prefix(' ')
                .or_else(|| Some(rest.strip_prefix('{')?.split_once("} ")?.1))?;
            rest.split_whitespace().next()?.parse::<f64>().ok()
        };
        let values: Vec<f64> = text.lines().filter_map(value).collect();
        (!values.is_empty()).then(|| values.iter().sum())
    }

    /// Waits until it does its work.
    ///
    /// # Panics
    /// Where it ends, or does not in time; the message holds the end of its log.
    pub fn wait_ready(&mut self) -> Duration {
        let begun = Instant::now();
        while !self.is_ready() {
            let ended = self.ended();
            let late = begun.elapsed() > READY;
            assert!(ended.is_none() && !late, "not ready (ended: {ended:?}):\n{}", self.last());
            std::thread::sleep(Duration::from_millis(20));
        }
        begun.elapsed()
    }

    /// How it ended, or none while it runs.
    pub fn ended(&mut self) -> Option<i32> {
        self.process.ended()
    }

    /// Waits for its end.
    pub fn wait(&mut self, at_most: Duration) -> Option<i32> {
        self.process.wait(at_most)
    }

    /// Kills it as a power cut does.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Asks it to stop, as an operator does. Returns its exit code and how long that took.
    ///
    /// # Panics
    /// Where it does not end.
    pub fn stop(&mut self) -> (i32, Duration) {
        let begun = Instant::now();
        self.process.signal("TERM");
        let code = self.wait(STOPPED);
        (code.unwrap_or_else(|| panic!("it does not stop:\n{}", self.last())), begun.elapsed())
    }

    /// Its number among processes.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Sends a signal, by the name that `kill` knows.
    pub fn signal(&self, name: &str) {
        self.process.signal(name);
    }

    /// The last lines of its log.
    pub fn last(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}
