//! `driftline top --once` and `driftline tap`: the real binary against an instance that is known to the byte,
//! and against the real server.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use driftline::http::serve;
use driftline::telemetry::{At, Health, Metric, Taps, Telemetry};
use driftline_tests::{compare, driftline, repository};
use serde_json::{Value, json};

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("output is UTF-8")
}

fn run(arguments: &[&str]) -> Output {
    driftline().args(arguments).stdin(Stdio::null()).output().expect("the binary starts")
}

/// The metrics of an instance, the second time one second later than the first as far as rates tell.
fn metrics(second: u64) -> String {
    let telemetry = Telemetry::new();
    let grown = |n| n * second;
    for partition in ["0", "1", "2", "3"] {
        telemetry.add(Metric::Events, &["events", partition], 5_000_000 + grown(3_000_000));
        telemetry.add(Metric::Messages, &["events", partition], 5_100_000 + grown(3_000_000));
        telemetry.add(Metric::MessageBytes, &["events", partition], grown(900_000_000));
    }
    telemetry.add(Metric::Rejects, &["invalid_json"], 12);
    telemetry.add(Metric::Rejects, &["bad_time"], 3 + grown(2_000));
    telemetry.add(Metric::LateEvents, &[], 7);
    telemetry.add(Metric::ClosedPanes, &[], 1152);
    telemetry.add(Metric::CommitRetries, &[], 2);
    telemetry.add(Metric::Findings, &["shift", "critical"], 4);
    telemetry.set(Metric::WaitingBytes, &[], 3_250_000.0);
    telemetry.set(Metric::MemoryBudget, &[], 67_108_864.0);
    for _ in 0..99 {
        telemetry.observe(Metric::CommitDuration, &[], 0.008);
        telemetry.observe(Metric::PaneLatency, &[], 0.2);
    }
    telemetry.observe(Metric::CommitDuration, &[], 0.3);
    telemetry.observe(Metric::PaneLatency, &[], 100.0);
    let page = telemetry.render();
    // The one value that is measured.
    let lines =
        page.lines().map(|line| match line.strip_prefix("driftline_resident_memory_bytes ") {
            Some(_) => "driftline_resident_memory_bytes 126345216.0".to_owned(),
            None => line.to_owned(),
        });
    lines.collect::<Vec<_>>().join("\n")
}

/// Answers `/status` and `/metrics` of fixed texts until the test ends.
fn fake() -> String {
    let status = std::fs::read_to_string(repository("tests/tests/surface/top/status.json"))
        .expect("a status");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    std::thread::spawn(move || {
        let scrapes = AtomicU64::new(0);
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut lines = BufReader::new(stream.try_clone().expect("a handle")).lines();
            let first = lines.next().expect("a request").expect("a request");
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let body = match first.split(' ').nth(1) {
                Some("/status") => status.clone(),
                Some("/metrics") => metrics(scrapes.fetch_add(1, Ordering::Relaxed)),
                _ => panic!("{first}"),
            };
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
            )
            .expect("somebody reads");
        }
    });
    url
}

#[test]
fn one_picture_is_as_recorded() {
    let output = run(&["top", "--once", "--url", &fake()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let picture = text(&output.stdout);
    // Rates are by the clock of the test machine: a second that lasted longer makes them smaller.
    let rates = |line: &str| -> String {
        let numbers = |word: &str| word.starts_with(|c: char| c == '(' || c.is_ascii_digit());
        let words = line.split(' ').map(|word| if numbers(word) { "N" } else { word });
        words.collect::<Vec<_>>().join(" ")
    };
    let reading = picture.lines().find(|line| line.starts_with("reading")).expect("a line");
    let events: u64 = reading
        .split_whitespace()
        .nth(1)
        .and_then(|rate| rate.replace(',', "").parse().ok())
        .expect("a rate");
    assert!(
        (1_000_000..=12_000_000).contains(&events),
        "12 M in a second or a little more: {reading}"
    );
    let steady: String = picture
        .lines()
        .map(|line| match line.starts_with("reading") || line.starts_with("set aside") {
            true => rates(line) + "\n",
            false => line.to_owned() + "\n",
        })
        .collect();
    assert!(picture.lines().all(|line| line.chars().count() <= 80), "{picture}");
    if let Err(fault) = compare(&repository("tests/tests/surface/top/picture.txt"), &steady) {
        panic!("{fault}");
    }
}

#[test]
fn an_instance_that_is_not_there_is_told() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = free.local_addr().expect("it is bound").to_string();
    drop(free);
    for arguments in
        [&["top", "--url", &url][..], &["top", "--once", "--url", &url], &["tap", "--url", &url]]
    {
        let output = run(arguments);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{error}");
        assert!(
            error.contains("is `driftline run` running? It listens on [http].listen"),
            "{error}"
        );
        assert!(error.contains("refused"), "{error}");
    }
    let output = run(&["tap", "--url", "https://localhost"]);
    assert!(text(&output.stderr).contains("only http:// is supported"), "{}", text(&output.stderr));
}

#[test]
fn tap_prints_what_passes() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let listener =
        runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a free port");
    let url = listener.local_addr().expect("it is bound").to_string();
    let taps = Taps::new();
    let (asked, _control) = crossbeam_channel::bounded(1);
    runtime.spawn(serve(listener, Telemetry::new(), Health::new(), taps.clone(), asked));

    let ended = AtomicBool::new(false);
    let output = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 0_u64;
            while !ended.load(Ordering::Relaxed) {
                taps.offer(
                    At::Scores,
                    "chat",
                    "latency_ms",
                    || json!({ "evidence": 0.5, "n": number }),
                );
                taps.offer(At::Scores, "chat", "tokens", || json!(null));
                number += 1;
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        });
        let output =
            run(&["tap", "--url", &url, "--metric", "latency_ms", "--every", "3", "--limit", "5"]);
        ended.store(true, Ordering::Relaxed);
        output
    });
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines: Vec<Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect();
    assert_eq!(lines.len(), 5);
    let numbers: Vec<u64> = lines.iter().filter_map(|line| line["sample"]["n"].as_u64()).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] - pair[0] == 3), "{numbers:?}");
    assert!(
        lines
            .iter()
            .all(|l| l["at"] == "scores" && l["model"] == "chat" && l["metric"] == "latency_ms")
    );

    let output = run(&["tap", "--at", "nowhere"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
}
