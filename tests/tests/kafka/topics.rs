//! `driftline topics create` and the live lines of `driftline check`, on a real broker.

use std::path::Path;
use std::process::Output;

use driftline_tests::broker::Broker;
use driftline_tests::driftline;

const CONFIG: &str = r#"
pipeline = "topics"
[time]
path = "ts"
[keys]
model = "model"
[metrics.latency_ms]
[http]
listen = ""
"#;

struct Setting {
    folder: tempfile::TempDir,
    name: String,
}

impl Setting {
    fn new(input: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let name = driftline_tests::broker::unique("topics");
        let config = format!(
            "{CONFIG}\n[kafka]\nbrokers = \"{}\"\n[source]\ntopics = [\"{input}\"]\n[sinks]\n\
             findings = \"{name}-f\"\nalerts = \"{name}-a\"\nquarantine = \"{name}-q\"\n\
             journal = \"{name}-j\"\n",
            Broker::shared().bootstrap()
        );
        std::fs::write(folder.path().join("driftline.toml"), config).expect("a config");
        Self { folder, name }
    }

    fn run(&self, arguments: &[&str]) -> (String, Option<i32>) {
        let output = self.output(arguments);
        let text =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        (text.into_owned(), output.status.code())
    }

    fn output(&self, arguments: &[&str]) -> Output {
        let folder: &Path = self.folder.path();
        driftline().args(arguments).current_dir(folder).output().expect("driftline runs")
    }
}

#[test]
fn topics_are_made_once_and_check_sees_each_step() {
    let broker = Broker::shared();
    let input = broker.topic("input", 3, &[]);
    let setting = Setting::new(&input);

    let (text, code) = setting.run(&["check"]);
    assert_eq!(code, Some(1), "{text}");
    for name in ["f", "a", "q", "j"] {
        assert!(
            text.contains(&format!("{}-{name}: the topic does not exist", setting.name)),
            "{text}"
        );
    }
    assert!(text.contains("driftline topics create"), "{text}");

    let (text, code) = setting.run(&["topics", "create", "--dry-run"]);
    assert_eq!((text.matches("would create").count(), code), (4, Some(0)), "{text}");
    let (text, code) = setting.run(&["topics", "create", "--partitions", "2"]);
    assert_eq!((text.matches("✓ created").count(), code), (4, Some(0)), "{text}");
    let (text, code) = setting.run(&["topics", "create"]);
    assert_eq!((text.matches("can be used").count(), code), (4, Some(0)), "{text}");

    let (text, code) = setting.run(&["check"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains(&format!("✓ input {input}: 3 partitions, 0 offsets kept")), "{text}");
    assert!(text.contains(&format!("✓ journal {}-j: 1 partition\n", setting.name)), "{text}");
    assert!(text.contains(&format!("✓ findings {}-f: 2 partitions", setting.name)), "{text}");
    assert!(text.contains("tried and aborted"), "{text}");
    // The trial of rights shows to nobody who reads committed records.
    assert_eq!(broker.read_committed(&format!("{}-f", setting.name)).len(), 0);
    let (json, _) = setting.run(&["check", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert!(json["live"].as_array().is_some_and(|lines| lines.len() >= 8), "{json}");
}

#[test]
fn topics_that_cannot_be_used_are_told_with_the_remedy() {
    let broker = Broker::shared();
    let input = broker.topic("input", 1, &[]);
    let setting = Setting::new(&input);
    broker.topic_named(&format!("{}-a", setting.name), 1, &[]);
    broker.topic_named(&format!("{}-j", setting.name), 2, &[("cleanup.policy", "compact")]);
    for arguments in [&["topics", "create"][..], &["check"]] {
        let (text, code) = setting.run(arguments);
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains("has cleanup.policy=delete, and needs compact"), "{text}");
        assert!(text.contains("--add-config cleanup.policy=compact"), "{text}");
        assert!(text.contains("has 2 partitions, and must have 1"), "{text}");
    }
}

#[test]
fn a_broker_that_is_not_there_is_told_and_nothing_hangs() {
    let setting = Setting::new("nothing");
    let path = setting.folder.path().join("driftline.toml");
    let text = std::fs::read_to_string(&path).expect("the config");
    let text = text.replace(Broker::shared().bootstrap(), "127.0.0.1:1");
    std::fs::write(&path, text).expect("the config");
    let begun = std::time::Instant::now();
    let (text, code) = setting.run(&["check"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("✗ connection"), "{text}");
    assert!(text.contains("✓ state"), "the rest is looked at all the same: {text}");
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}
