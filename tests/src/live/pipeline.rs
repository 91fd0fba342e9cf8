//! Topics, a config and a folder of state of a test's own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use super::member::Member;
use crate::broker::{Broker, Feed, Message, Sent, free_port, unique};
use crate::driftline;

/// What is left of some events is written in so many slices or more, one each `SLICE`.
const SLICES: usize = 20;
const SLICE: Duration = Duration::from_millis(50);

/// How Driftline is set up.
#[derive(Debug, Clone)]
pub struct Shape {
    /// The part of the config that says what events are.
    pub events: String,
    /// Partitions of the input.
    pub partitions: i32,
    /// `none` or `partition`.
    pub split: &'static str,
    /// `exactly-once` or `at-least-once`.
    pub mode: &'static str,
    /// Whether each member has a name that it keeps.
    pub named: bool,
    /// Protocol of the group.
    pub protocol: &'static str,
    /// Results are committed this often, milliseconds.
    pub commit_ms: u64,
    /// Snapshots are taken this often, seconds.
    pub snapshot_s: u64,
    /// A member that is not heard of for this long is replaced, seconds.
    pub session_s: u64,
    /// A partition that is read to its end for this long is idle, as the config says it.
    pub idle: &'static str,
    /// The program: `driftline`, or an example that has its command line.
    pub program: fn() -> Command,
    /// Options by section, in place of ours or besides them: `("kafka", "brokers = ..")`.
    pub options: Vec<(&'static str, String)>,
}

impl Shape {
    /// Four partitions, one shard, exactly once, quick; no partition is ever idle.
    pub fn new(events: &str) -> Self {
        Self {
            events: events.to_owned(),
            partitions: 4,
            split: "none",
            mode: "exactly-once",
            named: true,
            protocol: "classic",
            commit_ms: 100,
            snapshot_s: 1,
            session_s: 6,
            idle: "1d",
            program: driftline,
            options: Vec::new(),
        }
    }
}

/// A pipeline on a broker.
#[derive(Debug)]
pub struct Pipeline<'a> {
    /// The broker.
    pub broker: &'a Broker,
    /// Its set-up.
    pub shape: Shape,
    /// The topic that is read.
    pub input: String,
    /// The topics that are written.
    pub findings: String,
    /// Transitions of alerts.
    pub alerts: String,
    /// What could not be read.
    pub quarantine: String,
    /// Decisions.
    pub journal: String,
    /// Consumer group.
    pub group: String,
    folder: TempDir,
}

impl<'a> Pipeline<'a> {
    /// Makes the topics.
    ///
    /// # Panics
    /// Where the broker refuses.
    pub fn new(broker: &'a Broker, shape: Shape) -> Self {
        let name = unique("p");
        let topic = |kind: &str, partitions: i32, config: &[(&str, &str)]| {
            let topic = format!("{name}-{kind}");
            broker.topic_named(&topic, partitions, config);
            topic
        };
        Self {
            input: topic("events", shape.partitions, &[]),
            findings: topic("findings", 1, &[]),
            alerts: topic("alerts", 1, &[]),
            quarantine: topic("quarantine", 1, &[]),
            journal: topic("journal", 1, &[("cleanup.policy", "compact")]),
            group: format!("{name}-group"),
            folder: tempfile::tempdir().expect("a temporary folder"),
            broker,
            shape,
        }
    }

    /// Where state and configs are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes the config of a member and returns its path.
    ///
    /// # Panics
    /// Where the folder cannot be written.
    pub fn config(&self, member: &str, port: u16) -> PathBuf {
        let Self { shape, input, findings, alerts, quarantine, journal, group, .. } = self;
        let (bootstrap, heartbeat_ms) = (self.broker.bootstrap(), shape.session_s * 1000 / 10);
        let mut sections = vec![
            ("kafka", format!("brokers = \"{bootstrap}\"")),
            // Whoever is killed is missed soon; whoever is frozen comes back to a broken connection soon.
            ("kafka.properties", format!("\"heartbeat.interval.ms\" = {heartbeat_ms}")),
            ("source", format!("topics = [\"{input}\"]\ngroup = \"{group}\"")),
            ("source", format!("split = \"{}\"\nprotocol = \"{}\"", shape.split, shape.protocol)),
            ("source", format!("session_timeout = \"{}s\"", shape.session_s)),
            ("source", format!("idle = \"{}\"", shape.idle)),
            ("sinks", format!("findings = \"{findings}\"\nalerts = \"{alerts}\"")),
            ("sinks", format!("quarantine = \"{quarantine}\"\njournal = \"{journal}\"")),
            ("delivery", format!("mode = \"{}\"", shape.mode)),
            ("delivery", format!("commit = \"{}ms\"", shape.commit_ms)),
            ("state", format!("home = \"state\"\nevery = \"{}s\"", shape.snapshot_s)),
            ("http", format!("listen = \"127.0.0.1:{port}\"")),
        ];
        if shape.named {
            sections.push(("source", format!("instance_id = \"{member}\"")));
        }
        sections.extend(shape.options.iter().cloned());
        let path = self.folder.path().join(format!("{member}.toml"));
        std::fs::write(&path, toml(&shape.events, &sections)).expect("the folder can be written");
        path
    }

    /// Starts a member. `at` is a crash point, as `DRIFTLINE_CRASH_AT` takes it.
    pub fn start(&self, member: &str, at: Option<&str>) -> Member {
        let port = free_port();
        let config = self.config(member, port);
        let program = (self.shape.program)();
        Member::start(program, &config, self.folder.path(), member, port, at)
    }

    /// Writes events.
    pub fn send(&self, records: impl IntoIterator<Item = Sent>) {
        self.feed().send(records);
    }

    /// Writes events while some work goes on: each slice is a part of what is left, so that they never
    /// cease before the work is done; then the rest.
    pub fn while_events_come<R>(
        &self,
        feed: &Feed,
        records: &[Sent],
        work: impl FnOnce() -> R,
    ) -> R {
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut rest = records;
                while !rest.is_empty() {
                    let all = done.load(Ordering::Relaxed);
                    let slice = if all { rest.len() } else { rest.len().div_ceil(SLICES) };
                    feed.send(rest[..slice].iter().cloned());
                    rest = &rest[slice..];
                    std::thread::sleep(SLICE);
                }
            });
            // A panic of the work must not wait for the feed.
            let worked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            done.store(true, Ordering::Relaxed);
            worked.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// A producer of events.
    pub fn feed(&self) -> Feed {
        self.broker.feed(&self.input, "lz4")
    }

    /// Records that are written to the input and not yet committed by the group.
    pub fn left(&self) -> i64 {
        let committed = self.broker.committed(&self.group, &self.input);
        let ends = self.broker.ends(&self.input);
        ends.iter().zip(committed).map(|(end, at)| end - at.unwrap_or(0)).sum()
    }

    /// What a reader of committed records sees of a topic.
    pub fn read(&self, topic: &str) -> Vec<Message> {
        self.broker.read_committed(topic)
    }
}

/// The sections as one file. Options of the same name in a later entry win.
fn toml(top: &str, sections: &[(&'static str, String)]) -> String {
    let mut text = top.to_owned();
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in sections {
        if !names.contains(name) {
            names.push(name);
        }
    }
    for name in names {
        let lines = sections.iter().filter(|(known, _)| *known == name);
        let lines: Vec<&str> = lines.flat_map(|(_, text)| text.lines()).collect();
        let key = |line: &str| line.split('=').next().unwrap_or_default().trim().to_owned();
        let last = |at: usize| !lines[at + 1..].iter().any(|line| key(line) == key(lines[at]));
        text += &format!("\n[{name}]\n");
        for at in (0..lines.len()).filter(|&at| last(at)) {
            text += &format!("{}\n", lines[at]);
        }
    }
    text
}
