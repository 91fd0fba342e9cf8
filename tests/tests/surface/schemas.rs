//! What the binary writes fits schemas/, and schemas/ describe all that it writes.

use std::path::Path;
use std::process::Output;

use driftline::model::anomaly::{Anomaly, SurprisingValue};
use driftline::model::live::{AnomalySink, SinkTopics};
use driftline::model::stream::TopicPartition;
use driftline::sink::kafka::records;
use driftline_tests::{driftline, repository};
use jsonschema::Validator;
use serde_json::Value;

struct Schema {
    name: &'static str,
    text: Value,
    validator: Validator,
}

impl Schema {
    fn load(name: &'static str) -> Self {
        let text = std::fs::read_to_string(repository(&format!("schemas/{name}.v1.json")))
            .expect("the schema is there");
        let text: Value = serde_json::from_str(&text).expect("it is JSON");
        let validator = jsonschema::draft202012::options()
            .should_validate_formats(true)
            .build(&text)
            .expect("it is a schema");
        Self { name, text, validator }
    }

    /// Checks that a value fits, and that each of its fields is described.
    fn check(&self, value: &Value) {
        if let Err(error) = self.validator.validate(value) {
            panic!("{}: {error} at {}\n{value}", self.name, error.instance_path());
        }
        self.described(&self.text, value, self.name);
    }

    fn described(&self, schema: &Value, value: &Value, place: &str) {
        match value {
            Value::Object(fields) => {
                let Some(properties) = schema["properties"].as_object() else { return };
                for (name, value) in fields {
                    let place = format!("{place}.{name}");
                    let schema = properties
                        .get(name)
                        .or_else(|| (self.name == "baseline").then_some(&Value::Null));
                    let schema = schema.unwrap_or_else(|| panic!("{place} is not described"));
                    self.described(schema, value, &place);
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.described(&schema["items"], item, place);
                }
            }
            _ => {}
        }
    }

    /// Checks each line of a file, and gives their number.
    fn check_lines(&self, path: &Path) -> usize {
        let text = std::fs::read_to_string(path).expect("the file was written");
        for line in text.lines() {
            self.check(&serde_json::from_str(line).expect("a line is JSON"));
        }
        text.lines().count()
    }
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let output =
        driftline().args(arguments).current_dir(folder).output().expect("the binary starts");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

#[test]
fn outputs_fit_and_are_described() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let drifts = [
        "--drift",
        "scale:1:80m:size=1.6",
        "--drift",
        "mix:2:80m",
        "--drift",
        "nulls:3:80m",
        "--drift",
        "silence:4:90m",
        "--drift",
        "volume:5:80m",
        "--drift",
        "unseen:6:80m",
    ];
    let set = ["generate", "--out", ".", "--events", "120000", "--models", "8", "--span", "2h"];
    run(here, &[&set[..], &drifts[..]].concat());
    let truth = std::fs::read_to_string(here.join("truth.json")).expect("the truth was written");
    Schema::load("truth").check(&serde_json::from_str(&truth).expect("it is JSON"));

    let mut events = std::fs::read(here.join("events.ndjson")).expect("the events were written");
    let event = Schema::load("event");
    for line in events.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).take(200) {
        let value: Value = serde_json::from_slice(line).expect("an event is JSON");
        assert!(event.validator.is_valid(&value), "{value}");
    }
    events.extend_from_slice(
        b"nope\n{\"ts\":3,\"model\":\"a\"}\n{\"model\":\"a\"}\n\xff\xfe{}\n[]\n",
    );
    std::fs::write(here.join("events.ndjson"), events).expect("it can be written");
    run(here, &["replay", "--quiet"]);
    assert!(Schema::load("finding").check_lines(&here.join("findings.ndjson")) >= 3);
    assert!(Schema::load("alert").check_lines(&here.join("alerts.ndjson")) >= 3);
    assert_eq!(Schema::load("reject").check_lines(&here.join("rejects.ndjson")), 5);
    run(here, &["baseline", "build", "-o", "baseline.ndjson", "--quiet"]);
    assert!(Schema::load("baseline").check_lines(&here.join("baseline.ndjson")) >= 30);
}

#[test]
fn a_surprising_event_is_described() {
    let sinks = SinkTopics {
        findings: "f".into(),
        alerts: "a".into(),
        quarantine: "q".into(),
        journal: "j".into(),
        anomalies: Some(AnomalySink { topic: "s".into(), over_nats: 10.0 }),
    };
    let of = TopicPartition { topic: "events".into(), partition: 3 };
    let value = |metric: &str, value: Option<&str>| SurprisingValue {
        metric: metric.into(),
        value: value.map(str::to_owned),
        code: "null".into(),
        share: 1e-5,
        surprise: 11.5,
    };
    let told = Anomaly {
        offset: 17,
        number: 2,
        time_us: 1_767_571_200_250_000,
        event_id: Some("r-1".into()),
        keys: vec![("model".into(), "chat".into()), ("version".into(), "3".into())],
        surprise: 23.0,
        expected: 4.5,
        metrics: vec![value("finish", Some("stop")), value("latency_ms", None)],
    };
    let record = records::anomaly(&sinks, "prod", &of, &told).expect("a topic is named");
    assert_eq!((&*record.topic, record.key.as_deref()), ("s", Some("chat".as_bytes())));
    let text = record.payload.expect("a value");
    Schema::load("anomaly").check(&serde_json::from_slice(&text).expect("JSON"));
    let other = records::anomaly(&sinks, "prod", &of, &Anomaly { number: 1, ..told.clone() });
    assert_ne!(other.and_then(|r| r.payload), Some(text), "each event has an id of its own");
    let nobody = SinkTopics { anomalies: None, ..sinks };
    assert_eq!(records::anomaly(&nobody, "prod", &of, &told), None);
}

#[test]
fn a_field_that_is_missing_or_not_described_is_noticed() {
    let alert = Schema::load("alert");
    let example = &alert.text["examples"][0];
    alert.check(example);
    let refused = |change: fn(&mut Value)| {
        let mut broken = example.clone();
        change(&mut broken);
        let result =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| alert.check(&broken)));
        assert!(result.is_err(), "{broken}");
    };
    refused(|alert| alert["status"] = "off".into());
    refused(|alert| alert["at"] = "yesterday".into());
    refused(|alert| alert["extra"] = 1.into());
    refused(|alert| {
        alert.as_object_mut().expect("an object").remove("labels");
    });
}

#[test]
fn closed_lists_are_complete() {
    let reject = Schema::load("reject");
    let reasons: Vec<&str> = driftline::model::Reason::ALL.iter().map(|r| r.name()).collect();
    assert_eq!(reject.text["properties"]["reason"]["enum"], serde_json::json!(reasons));
}
