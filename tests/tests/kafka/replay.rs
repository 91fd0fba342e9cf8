//! Replay of topics on a real broker: it tells what a live run has told, byte by byte, and says where not.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use driftline_tests::broker::{Broker, Sent, unique};
use driftline_tests::driftline;
use tempfile::TempDir;

const PARTITIONS: i32 = 3;
const SOON: Duration = Duration::from_secs(90);

/// Generated telemetry on a topic, a config, and the topics that a live run needs.
struct Scene {
    folder: TempDir,
    name: String,
    config: PathBuf,
}

impl Scene {
    /// Events of six hours and ten models, dealt to partitions by `partition`; `more` is added to the config.
    fn new(partition: fn(usize, &str) -> i32, source: &str) -> Self {
        let broker = Broker::shared();
        let folder = TempDir::new().expect("a folder");
        let name = unique("replay");
        let made = driftline()
            .args(["generate", "--events", "120000", "--models", "6", "--out"])
            .arg(folder.path())
            .output()
            .expect("generate runs");
        assert!(made.status.success(), "{}", said(&made));
        for (kind, partitions) in [
            ("events", PARTITIONS),
            ("findings", 2),
            ("alerts", 1),
            ("quarantine", 1),
            ("journal", 1),
        ] {
            broker.topic_named(&format!("{name}-{kind}"), partitions, &[]);
        }
        let text = std::fs::read_to_string(folder.path().join("events.ndjson")).expect("events");
        let records = text.lines().enumerate().map(|(number, line)| Sent {
            partition: partition(number, line),
            value: Some(line.into()),
            timestamp_ms: Some(time_ms(line)),
            ..Sent::default()
        });
        broker.produce(&format!("{name}-events"), records, "lz4");
        let config = folder.path().join("driftline.toml");
        let text = std::fs::read_to_string(&config).expect("a config");
        let text = text.replace("budget_per_week = 1.0", "budget_per_week = 300.0");
        let live = format!(
            "{text}\n[kafka]\nbrokers = \"{}\"\n[source]\ntopics = [\"{name}-events\"]\ngroup = \"{name}\"\n\
             idle = \"300ms\"\n{source}\n[sinks]\nfindings = \"{name}-findings\"\nalerts = \"{name}-alerts\"\n\
             quarantine = \"{name}-quarantine\"\njournal = \"{name}-journal\"\n[delivery]\ncommit = \"200ms\"\n\
             [http]\nlisten = \"\"\n",
            broker.bootstrap()
        );
        std::fs::write(&config, live).expect("a config can be written");
        Self { folder, name, config }
    }

    fn topic(&self, kind: &str) -> String {
        format!("{}-{kind}", self.name)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs live until all is read and committed.
    fn run(&self) -> Live {
        let log = std::fs::File::create(self.path("log")).expect("a log");
        let child = driftline()
            .args(["run", "-c"])
            .arg(&self.config)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("run starts");
        let live = Live(child);
        let broker = Broker::shared();
        let ends: Vec<Option<i64>> =
            broker.ends(&self.topic("events")).into_iter().map(Some).collect();
        Broker::wait_until("all events are read", SOON, || {
            broker.committed(&self.name, &self.topic("events")) == ends
        });
        live
    }

    fn replay(&self, arguments: &[&str]) -> Output {
        let mut command = driftline();
        command.args(["replay", "-c"]).arg(&self.config).args(arguments);
        command.output().expect("replay runs")
    }

    /// Findings on the topic, sorted.
    fn live_findings(&self) -> Vec<String> {
        let read = Broker::shared().read_committed(&self.topic("findings"));
        let mut findings: Vec<String> = read.iter().map(|message| message.text()).collect();
        findings.sort();
        findings
    }

    /// Findings of the replay before, sorted.
    fn replayed_findings(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path("findings.ndjson")).expect("findings");
        let mut findings: Vec<String> = text.lines().map(str::to_owned).collect();
        findings.sort();
        findings
    }
}

struct Live(Child);

impl Live {
    fn stop(mut self) {
        let told = Command::new("kill").arg(self.0.id().to_string()).status();
        assert!(told.expect("kill runs").success());
        let ended = self.0.wait().expect("it ends");
        assert_eq!(ended.code(), Some(0), "it drains");
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // It has ended already, unless the test fails.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// The event's time, which the producer sets as the message's.
fn time_ms(line: &str) -> i64 {
    let event: serde_json::Value = serde_json::from_str(line).expect("an event");
    let time = event["ts"].as_str().expect("a time");
    driftline::model::time::from_rfc3339(time).expect("RFC 3339") / 1000
}

fn in_turn(number: usize, _: &str) -> i32 {
    number as i32 % PARTITIONS
}

/// As a producer with the model as key does.
fn by_model(_: usize, line: &str) -> i32 {
    let event: serde_json::Value = serde_json::from_str(line).expect("an event");
    let model = event["model"].as_str().expect("a model");
    model.bytes().map(i32::from).sum::<i32>() % PARTITIONS
}

#[test]
fn a_replay_tells_what_the_live_run_told() {
    let scene = Scene::new(in_turn, "");
    let topic = scene.topic("events");
    let before = scene.replay(&["--compare"]);
    assert_eq!(before.status.code(), Some(3), "{}", said(&before));
    assert!(said(&before).contains("has not started any partition"), "{}", said(&before));

    let live = scene.run();
    let during = scene.replay(&["--compare"]);
    assert!(during.status.success(), "{}", said(&during));
    live.stop();
    let findings = scene.live_findings();
    assert!(findings.len() >= 5, "only {} findings", findings.len());
    let after = scene.replay(&["--compare"]);
    assert!(after.status.success(), "{}", said(&after));
    let expected = format!("{} identical, 0 only live, 0 only replayed\n", findings.len());
    assert_eq!(String::from_utf8_lossy(&after.stdout), expected);

    let all = scene.replay(&["--from-topic", &topic]);
    assert!(all.status.success(), "{}", said(&all));
    assert_eq!(scene.replayed_findings(), findings);
    assert!(said(&all).contains("following the decisions of group"), "{}", said(&all));
    assert!(said(&all).contains("120,000 events from 3 partitions"), "{}", said(&all));

    // Without a group's decisions: ends of partitions are where they are now, so the same is found.
    let alone = scene.replay(&["--from-topic", &format!("^{topic}$"), "--group", "nobody"]);
    assert!(alone.status.success(), "{}", said(&alone));
    assert!(said(&alone).contains("group nobody has no decisions"), "{}", said(&alone));
    assert_eq!(scene.replayed_findings(), findings);

    // Half of the time: the first half of the findings, and no others.
    let half = scene.replay(&["--from-topic", &topic, "--to", "2026-03-02T11:00:00Z"]);
    assert!(half.status.success(), "{}", said(&half));
    let early = scene.replayed_findings();
    assert!(!early.is_empty() && early.len() < findings.len(), "{} findings", early.len());
    assert!(early.iter().all(|finding| findings.contains(finding)));

    let unknown = scene.replay(&["--from-topic", "not-there"]);
    assert_eq!(unknown.status.code(), Some(3), "{}", said(&unknown));
    assert!(said(&unknown).contains("topic not-there does not exist"), "{}", said(&unknown));
    differences(&scene, findings.len());
}

/// Each difference on the topic is told, and fails.
fn differences(scene: &Scene, findings: usize) {
    let broker = Broker::shared();
    let topic = scene.topic("findings");
    let told = broker.read_committed(&topic)[0].text();
    let send = |value: String| {
        let sent = Sent { value: Some(value.into()), ..Sent::default() };
        broker.produce(&topic, [sent], "none");
    };
    send(told.clone());
    let twice = scene.replay(&["--compare"]);
    assert_eq!(twice.status.code(), Some(1), "{}", said(&twice));
    assert!(said(&twice).contains("written more than once: "), "{}", said(&twice));

    let finding: serde_json::Value = serde_json::from_str(&told).expect("a finding");
    let id = finding["id"].as_str().expect("an id");
    let other = "0123456789abcdef0123456789abcdef";
    send(told.replace(id, other));
    let more = scene.replay(&["--compare"]);
    assert_eq!(more.status.code(), Some(1), "{}", said(&more));
    let counts = format!("{findings} identical, 1 only live, 0 only replayed");
    assert!(said(&more).contains(&counts), "{}", said(&more));
    assert!(said(&more).contains(&format!("only live: {other}")), "{}", said(&more));

    // Findings under another config are not ours to compare.
    let config = finding["config"].as_str().expect("a config");
    let mut stranger = told.replace(config, "ffffffffffffffff");
    stranger = stranger.replace(id, "11111111111111111111111111111111");
    send(stranger);
    let strange = scene.replay(&["--compare"]);
    assert!(said(&strange).contains(&counts), "{}", said(&strange));
    assert!(said(&strange).contains("1 findings on"), "{}", said(&strange));
}

#[test]
fn partitions_judged_on_their_own_compare_as_well() {
    let scene = Scene::new(by_model, "split = \"partition\"\nfetch_threads = 2");
    let live = scene.run();
    live.stop();
    let findings = scene.live_findings();
    assert!(findings.len() >= 3, "only {} findings", findings.len());
    let compared = scene.replay(&["--compare", "--threads", "3"]);
    assert!(compared.status.success(), "{}", said(&compared));
    let expected = format!("{} identical, 0 only live, 0 only replayed\n", findings.len());
    assert_eq!(String::from_utf8_lossy(&compared.stdout), expected);
}

#[test]
fn a_replay_of_topics_needs_brokers_and_says_so() {
    let folder = TempDir::new().expect("a folder");
    let write = |text: &str| {
        let path = folder.path().join("driftline.toml");
        std::fs::write(&path, format!("preset = \"llm\"\n{text}")).expect("it can be written");
        path
    };
    let replay = |config: &Path, arguments: &[&str]| {
        let mut command = driftline();
        command.args(["replay", "-c"]).arg(config).args(arguments);
        command.output().expect("replay runs")
    };
    let none = replay(&write(""), &["--from-topic", "events"]);
    assert_eq!(none.status.code(), Some(2), "{}", said(&none));
    assert!(said(&none).contains("there is no section [kafka]"), "{}", said(&none));
    let both = replay(&write(""), &["--from-topic", "events", "logs/"]);
    assert_eq!(both.status.code(), Some(2), "{}", said(&both));
}
