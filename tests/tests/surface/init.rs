//! `driftline init`: what is inferred from samples of known make, in every format.
//!
//! `init/NAME.toml` is the config that the sample NAME should give. `UPDATE_GOLDEN=1` writes it.

use std::path::Path;

use driftline::config::infer::{Inference, Origin, infer, records};
use driftline::config::{self, Files};
use driftline::model::Kind;
use driftline::model::settings::Settings;
use driftline_tests::{compare, driftline, repository};
use rand::{Rng, RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::{Value, json};

/// Stands in every text that a config must not repeat.
const CANARY: &str = "canary";

fn inferred(path: &Path, name: &str) -> Inference {
    let profile = records::read(path, None, 20_000).expect("the sample can be read");
    let origin =
        Origin { name: name.into(), input_path: Some(name.into()), pipeline: "test".into() };
    infer(&profile, &origin).expect("there is something to watch")
}

fn loaded(toml: &str) -> (Settings, Files) {
    let reading = config::parse(toml, "inferred.toml");
    assert!(!reading.diagnostics.has_errors(), "{}\n{toml}", reading.diagnostics);
    reading.config.expect("no errors")
}

/// Checks the config of a made sample against its golden file, and that it loads and tells no secrets.
fn golden(name: &str, make: impl Fn(i64, &mut Xoshiro256PlusPlus) -> Value) {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
    let lines: String = (0..600).map(|n| format!("{}\n", make(n, &mut random))).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sample.ndjson");
    std::fs::write(&path, lines).expect("a sample");
    let inference = inferred(&path, &format!("{name}.ndjson"));
    loaded(&inference.toml);
    assert!(inference.missing.is_empty(), "{:?}", inference.missing);
    assert!(!inference.toml.contains(CANARY), "{}", inference.toml);
    let golden = repository(&format!("tests/tests/surface/init/{name}.toml"));
    compare(&golden, &inference.toml).unwrap_or_else(|difference| panic!("{difference}"));
}

fn pick<'a>(random: &mut impl Rng, of: &[&'a str]) -> &'a str {
    of[random.random_range(0..of.len())]
}

fn prose(random: &mut impl Rng) -> String {
    format!(
        "{CANARY} {:x} please tell me about {:x}",
        random.random::<u64>(),
        random.random::<u32>()
    )
}

#[test]
fn open_telemetry_spans() {
    golden("open_telemetry", |n, random| {
        let start = 1_772_442_904_000_000_000_i64 + n * 812_345_678;
        let duration: f64 = random.random_range(0.2..9.0);
        json!({
            "traceId": format!("{:032x}", random.random::<u128>()),
            "spanId": format!("{:016x}", random.random::<u64>()),
            "parentSpanId": "",
            "name": "chat",
            "startTimeUnixNano": start.to_string(),
            "endTimeUnixNano": (start + (duration * 1e9) as i64).to_string(),
            "duration_ms": duration * 1e3,
            "status": { "code": pick(random, &["OK", "OK", "OK", "ERROR"]) },
            "resource": { "service.name": "assistant", "cloud.region": pick(random, &["eu-west-1", "us-east-1"]) },
            "attributes": {
                "gen_ai.operation.name": pick(random, &["chat", "chat", "embeddings"]),
                "gen_ai.provider.name": pick(random, &["openai", "anthropic"]),
                "gen_ai.request.model": pick(random, &["large", "small", "tiny"]),
                "gen_ai.response.model": pick(random, &["large-2026-01", "large-2026-02", "small-2025-11"]),
                "gen_ai.response.id": format!("chatcmpl-{CANARY}-{:x}", random.random::<u64>()),
                "gen_ai.response.finish_reasons": [pick(random, &["stop", "length"])],
                "gen_ai.usage.input_tokens": random.random_range(20..4000),
                "gen_ai.usage.output_tokens": random.random_range(1..900),
                "gen_ai.server.time_to_first_token": random.random_range(0.05..0.9),
                "gen_ai.request.temperature": pick(random, &["0.0", "0.7"]).parse::<f64>().unwrap_or(0.0),
                "gen_ai.conversation.id": format!("{CANARY}-{}", random.random_range(0..40)),
                "gen_ai.input.messages": prose(random),
            },
        })
    });
}

#[test]
fn open_inference_spans() {
    golden("open_inference", |n, random| {
        json!({
            "context.trace_id": format!("{:032x}", random.random::<u128>()),
            "context.span_id": format!("{:016x}", random.random::<u64>()),
            "start_time": format!("2026-03-02T{:02}:{:02}:{:02}.250+00:00", n / 3600 % 24, n / 60 % 60, n % 60),
            "end_time": format!("2026-03-02T{:02}:{:02}:{:02}.750+00:00", n / 3600 % 24, n / 60 % 60, n % 60),
            "attributes.openinference.span.kind": pick(random, &["LLM", "LLM", "TOOL", "CHAIN"]),
            "attributes.llm.model_name": pick(random, &["large", "small"]),
            "attributes.llm.token_count.prompt": random.random_range(20..4000),
            "attributes.llm.token_count.completion": random.random_range(1..900),
            "attributes.llm.token_count.total": random.random_range(1..900),
            "attributes.input.value": prose(random),
            "attributes.output.value": prose(random),
            "attributes.session.id": format!("{CANARY}-{}", random.random_range(0..40)),
            "attributes.embedding.embeddings": null,
            "attributes.llm.input_messages": [{ "message.role": "user", "message.content": prose(random) }],
            "status_code": pick(random, &["OK", "OK", "ERROR"]),
        })
    });
}

#[test]
fn awkward_events() {
    golden("awkward", |n, random| {
        json!({
            "seq": n,
            "Timestamp": 1_772_442_904.0 + n as f64 * 0.5,
            "updated_at": 1_772_442_904_i64 + n,
            "modelName": pick(random, &["fraud", "churn", "ranker"]),
            "prediction": pick(random, &["yes", "no"]),
            "score": if n % 97 == 0 { Value::Null } else { json!(random.random::<f64>()) },
            "statusCode": pick(random, &["200", "200", "200", "429", "500"]).parse::<u16>().ok(),
            "retries": random.random_range(0..4),
            "is_cached": random.random_range(0..2),
            "blocked": false,
            "host": "always the same",
            "unused": null,
            "embedding": (0..8).map(|_| random.random::<f32>()).collect::<Vec<f32>>(),
            "ragged": (0..random.random_range(1..5)).collect::<Vec<i32>>(),
            "tags": [CANARY],
            "user": { "id": format!("{CANARY}{}", random.random_range(0..99)), "email": prose(random) },
            "amount": format!("{:.2}", random.random_range(0.0..1e4)),
            "mixed": if n % 3 == 0 { json!("n/a") } else { json!(random.random::<f64>()) },
            "größe in cm": random.random_range(150.0..200.0),
            "a": { "value": random.random::<f64>() },
            "b": { "value": random.random::<f64>(), "ratio": random.random::<f64>() },
            "c": { "ratio": random.random::<f64>() },
            "session_token": format!("{CANARY}{:x}", random.random::<u64>()),
        })
    });
}

#[test]
fn every_format_of_the_same_events_gives_the_same_metrics() {
    /// Name, path and kind of each metric.
    type Metrics = Vec<(String, String, Kind)>;
    let mut all: Vec<(String, Metrics)> = Vec::new();
    for format in ["ndjson", "ndjson.gz", "ndjson.zst", "csv", "parquet", "arrow"] {
        let folder = tempfile::tempdir().expect("a folder");
        let arguments =
            ["generate", "--events", "4000", "--span", "30m", "--no-drift", "--format", format];
        let output = driftline()
            .args(arguments)
            .arg("--out")
            .arg(folder.path())
            .output()
            .expect("it starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let sample = std::fs::read_dir(folder.path())
            .expect("a folder")
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| path.to_string_lossy().ends_with(format))
            .expect("the events are there");
        let inference = inferred(&sample, "events");
        let (settings, _) = loaded(&inference.toml);
        assert_eq!(settings.layout.time.path.0, "ts", "{format}");
        assert_eq!(settings.key_names, ["model", "version", "region"], "{format}");
        assert_eq!(
            settings.layout.id.as_ref().map(|id| id.0.as_str()),
            Some("request_id"),
            "{format}"
        );
        let metrics = settings.layout.metrics.into_iter();
        all.push((format.into(), metrics.map(|m| (m.name, m.path.0, m.kind)).collect()));
    }
    let (_, first) = &all[0];
    assert!(first.len() >= 9, "{first:?}");
    for (format, metrics) in &all {
        assert_eq!(metrics, first, "{format}");
    }
}

#[test]
fn samples_that_are_none_are_told_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let gz_of_text = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3];
    for (name, content, part) in [
        ("empty.ndjson", &b""[..], "no event"),
        ("text.ndjson", b"hello\nworld\n", "--format"),
        ("broken.parquet", b"PAR1 nothing more", "--format"),
        ("broken.arrow", b"ARROW1 nothing more", "--format"),
        ("broken.ndjson.gz", &gz_of_text, "deflate"),
        ("header.csv", b"a,b,c\n", "no event"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, content).expect("a file");
        let error = records::read(&path, None, 100).expect_err(name);
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        let told = format!("{error}: {}", cause.unwrap_or_default());
        assert!(told.contains(part), "{name}: {told}");
        assert!(error.to_string().contains(name), "{name}: {error}");
    }
    let error = records::read(folder.path(), None, 100).expect_err("a folder");
    assert!(error.to_string().contains("is a folder"), "{error}");
}

#[test]
fn random_bytes_never_panic() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sample");
    let good =
        b"{\"ts\":\"2026-03-02T09:15:04Z\",\"model\":\"a\",\"x\":[1,2],\"y\":{\"z\":1e999}}\n";
    for seed in 0..1000 {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut bytes = good.repeat(4);
        for _ in 0..random.random_range(1..20) {
            let at = random.random_range(0..bytes.len());
            bytes[at] = random.random();
        }
        std::fs::write(&path, &bytes).expect("a file");
        for format in ["ndjson", "csv", "parquet", "arrow"] {
            let Ok(profile) = records::read(&path, Some(format), 100) else { continue };
            let origin = Origin { name: "s".into(), input_path: None, pipeline: "p".into() };
            if let Some(inference) = infer(&profile, &origin) {
                let reading = config::parse(&inference.toml, "inferred");
                assert!(
                    !reading.diagnostics.has_errors(),
                    "seed {seed}: {}\n{}",
                    reading.diagnostics,
                    inference.toml
                );
            }
        }
    }
}
