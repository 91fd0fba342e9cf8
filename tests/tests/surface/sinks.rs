//! The door for sinks: the example that posts to an HTTP endpoint, put beside the table by its one line,
//! gets its section of the config, its step of `check`, and what the engine finds.

use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use driftline::config::{self, Outside, ParsedConfig};
use driftline::model::OutputRecord;
use driftline::model::live::FollowerSettings;
use driftline::sink;
use driftline::sink::follower::{Follower, FollowerStatus, WAITING_MAX};
use driftline_tests::example;
use driftline_tests::http_server::HttpServer;
use driftline_tests::live::Course;
use driftline_tests::live::course::CONFIG;
use driftline_tests::logs::replay_folder;

#[path = "../../../examples/http_sink.rs"]
#[expect(dead_code, reason = "its `main` is for the program")]
mod http_sink;

const KAFKA: &str = "[kafka]\nbrokers = \"127.0.0.1:1\"\n[source]\ntopics = [\"events\"]\n";

/// Reads a config with a section of the sink, with the example's line beside the table.
fn read(section: &str) -> ParsedConfig {
    sink::add(&[http_sink::HTTP]);
    let variable = |name: &str| (name == "TOKEN").then(|| "swordfish".to_owned());
    let outside = Outside { variable: &variable, folder: Path::new("") };
    config::parse_live(&format!("{CONFIG}{KAFKA}{section}"), "t.toml", &outside)
}

fn settings(url: &str) -> FollowerSettings {
    let reading = read(&format!("[sinks.http]\nurl = \"{url}\"\ntoken = {{ env = \"TOKEN\" }}\n"));
    assert!(!reading.diagnostics.has_errors(), "{}", reading.diagnostics);
    let live = reading.live.expect("no errors, so there is a live config");
    assert_eq!(live.followers.len(), 1);
    live.followers[0].clone()
}

/// What the engine finds in half an hour of drifting models, in order.
fn outputs() -> Vec<OutputRecord> {
    let course = Course { minutes: 30, poison: 0.0, tombstones: 0.0, ..Course::new(17) };
    let values = course.records().into_iter().filter_map(|sent| sent.value);
    let lines: Vec<u8> = values.flat_map(|value| [value, b"\n".to_vec()].concat()).collect();
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("events.ndjson"), lines).expect("events");
    let (settings, _) = read("").config.expect("a config");
    let transcript = replay_folder(folder.path(), &settings, 2).transcript;
    let findings = transcript.findings.into_iter().map(|f| OutputRecord::Finding(Box::new(f)));
    let alerts = transcript.alerts.into_iter().map(|a| OutputRecord::Alert(Box::new(a)));
    findings.chain(alerts).collect()
}

fn json(record: &OutputRecord) -> String {
    serde_json::to_string(record).expect("a result is JSON")
}

/// Waits until all that was offered is dealt with.
fn settled(follower: &Follower) -> FollowerStatus {
    let begun = Instant::now();
    loop {
        let status = follower.status();
        if status.waiting == 0 {
            return status;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{status:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn all_that_is_found_arrives_once_and_in_order_though_requests_fail() {
    let outputs = outputs();
    assert!(outputs.len() >= 10, "{} results", outputs.len());
    // The first three fail for now, the sixth for good; then the third record is the one that is refused.
    let server = HttpServer::start(|_, number| match number {
        0..3 => 503,
        5 => 400,
        _ => 200,
    });
    let follower = Follower::start(&settings(&server.url("/hook"))).expect("it starts");
    outputs.chunks(4).for_each(|epoch| follower.offer(epoch));
    let status = settled(&follower);
    assert_eq!((status.retries, status.dead_letters), (3, 1), "{status:?}");
    assert_eq!(status.delivered as usize, outputs.len() - 1);
    assert_eq!(follower.stop(Duration::from_secs(5)).dead_letters, 1);

    let requests = server.requests();
    let tried: Vec<usize> = [0, 0, 0].into_iter().chain(0..outputs.len()).collect();
    assert_eq!(requests.len(), tried.len());
    for (request, at) in requests.iter().zip(tried) {
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/hook"));
        assert_eq!(request.body, json(&outputs[at]), "record {at}");
        assert_eq!(request.header("idempotency-key"), Some(outputs[at].id().as_str()));
        assert_eq!(request.header("authorization"), Some("Bearer swordfish"));
    }
}

#[test]
fn a_receiver_that_is_down_makes_nobody_wait_and_costs_what_has_no_room() {
    let record = outputs().swap_remove(0);
    let server = HttpServer::start(|_, _| 503);
    let follower = Follower::start(&settings(&server.url("/"))).expect("it starts");
    let begun = Instant::now();
    follower.offer(&vec![record.clone(); WAITING_MAX]);
    follower.offer(&[record.clone(), record]);
    assert!(begun.elapsed() < Duration::from_secs(2), "whoever offers never waits");
    let status = follower.status();
    assert_eq!((status.waiting as usize, status.dead_letters), (WAITING_MAX, 2));
    let begun = Instant::now();
    let status = follower.stop(Duration::from_millis(300));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!((status.delivered, status.dead_letters as usize), (0, WAITING_MAX + 2));
    assert!(status.error.is_some_and(|error| error.contains("503")));
}

#[test]
fn the_section_follows_the_options_of_the_line() {
    for (section, told) in [
        ("[sinks.http]\n", "`sinks.http.url` is missing"),
        ("[sinks.http]\nurl = \"ftp://x\"\n", "url must begin with http://"),
        ("[sinks.http]\nurl = \"http://x\"\ntimeot = \"1s\"\n", "did you mean `timeout`?"),
        ("[sinks.http]\nurl = \"http://x\"\ntimeout = \"1h\"\n", "sinks.http.timeout"),
        ("[sinks.htp]\nurl = \"http://x\"\n", "did you mean `http`?"),
        ("[sinks.http]\nurl = \"http://x\"\ntoken = \"swordfish\"\n", "sinks.http.token"),
    ] {
        let reading = read(section);
        let text = reading.diagnostics.to_string();
        assert!(reading.diagnostics.has_errors() && text.contains(told), "{section}{text}");
        assert!(!text.contains("swordfish"), "a secret is shown: {text}");
    }
    let schema = config::schema::json_schema();
    let properties = &schema["properties"]["sinks"]["properties"]["http"]["properties"];
    assert_eq!(properties["timeout"]["default"], "5s");
    assert!(config::manual::markdown().contains("## `[sinks.http]`"));
}

#[test]
fn the_program_of_the_example_checks_its_sink() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("driftline.toml");
    let server = HttpServer::start(|_, _| 200);
    let check = |url: &str| -> String {
        let text = format!("{CONFIG}{KAFKA}[sinks.http]\nurl = \"{url}\"\n");
        std::fs::write(&config, text).expect("a config");
        let output: Output =
            example("http_sink").arg("check").arg(&config).output().expect("it runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let text = check(&server.url("/hook"));
    assert!(text.contains("✓ sink http: the endpoint answers"), "{text}");
    let methods: Vec<String> = server.requests().into_iter().map(|r| r.method).collect();
    assert_eq!(methods, ["HEAD"], "nothing is posted");
    let text = check("http://127.0.0.1:1/");
    assert!(text.contains("✗ sink http: the endpoint does not answer"), "{text}");
}
