//! Documented answers of the NDJSON decoder, one by one.

use super::super::{Decoder, FileBlock};
use super::*;
use crate::model::{
    Column, FieldPath, INVALID_LABEL, Kind, Labels, Layout, Limits, MetricField, NULL_LABEL,
    Reason, TimeField, TimeFormat,
};

/// A block of lines as the decoder takes it.
fn block(partition: u32, first_offset: u64, lines: &[u8]) -> FileBlock {
    FileBlock::Whole { codec: &Ndjson, block: Block::new(partition, first_offset, lines.to_vec()) }
}

fn layout() -> Layout {
    let path = |path: &str| FieldPath(path.into());
    let metric =
        |name: &str, at: &str, kind| MetricField { name: name.into(), path: path(at), kind };
    Layout {
        model_default: None,
        time: TimeField { path: path("ts"), format: TimeFormat::Auto },
        keys: vec![path("model"), path("version"), path("region")],
        id: Some(path("id")),
        metrics: vec![
            metric("latency", "latency_ms", Kind::Number),
            metric("tokens", "usage.input_tokens", Kind::Number),
            metric("finish", "finish", Kind::Category),
            metric("error", "error", Kind::Flag),
            metric("embedding", "embedding", Kind::Vector),
            metric("latency as text", "latency_ms", Kind::Category),
        ],
    }
}

fn decode(lines: &str) -> Batch {
    let limits = Limits { label_bytes_max: 8, record_bytes_max: 2000, ..Limits::default() };
    let mut decoder = Decoder::new(&layout(), &limits, 0, 4_102_444_800_000_000).expect("a layout");
    let mut found = Vec::new();
    decoder.decode(&block(3, 0, lines.as_bytes()), &mut |batch| found.push(batch));
    found.remove(0)
}

fn labels(labels: &Labels) -> Vec<&str> {
    let name = |&index: &u32| match index {
        NULL_LABEL => "<null>",
        INVALID_LABEL => "<invalid>",
        index => labels.values.value(index as usize),
    };
    labels.indices.values().iter().map(name).collect()
}

/// One event with `fields` besides the time and the model.
fn event(fields: &str) -> String {
    format!("{{\"ts\":\"2024-01-02T03:04:05Z\",\"model\":\"m\",{fields}}}\n")
}

fn reasons(batch: &Batch) -> Vec<(u64, &'static str)> {
    batch.rejects.iter().map(|reject| (reject.offset, reject.reason.name())).collect()
}

#[test]
fn numbers() {
    let values =
        ["1.5", "null", "\"1\"", "{\"a\":1}", "[1]", "true", "1e999", "NaN", "-Infinity", "-0.0"];
    let lines: String =
        values.iter().map(|value| event(&format!("\"latency_ms\":{value}"))).collect();
    let batch = decode(&(lines + &event("\"x\":1")));
    assert_eq!(batch.rejects, []);
    let Column::Number(numbers) = &batch.metrics[0] else { panic!("a number") };
    let read: Vec<String> = numbers.iter().map(|value| format!("{value:?}")).collect();
    assert_eq!(
        read,
        [
            "Some(1.5)",
            "None",
            "Some(NaN)",
            "Some(NaN)",
            "Some(NaN)",
            "Some(NaN)",
            "Some(inf)",
            "Some(NaN)",
            "Some(-inf)",
            "Some(-0.0)",
            "None"
        ]
    );
    let Column::Category(texts) = &batch.metrics[5] else { panic!("a category") };
    assert_eq!(
        labels(texts),
        [
            "1.5",
            "<null>",
            "1",
            "<invalid>",
            "<invalid>",
            "true",
            "1e999",
            "NaN",
            "<invalid>",
            "-0.0",
            "<null>"
        ]
    );
}

#[test]
fn nested_flat_and_mixed_paths() {
    let batch = decode(
        &(event("\"usage\":{\"input_tokens\":1}")
            + &event("\"usage.input_tokens\":2")
            + &event("\"usage\":null")
            + &event("\"usage\":{\"input_tokens\":{}}")
            + &event("\"usage\":{},\"usage\":{\"x\":0},\"usage.input_tokens\":3")),
    );
    assert_eq!(batch.rejects, []);
    let Column::Number(numbers) = &batch.metrics[1] else { panic!("a number") };
    assert_eq!(
        numbers.iter().map(|value| value.map(|value| value.to_string())).collect::<Vec<_>>(),
        [Some("1".into()), Some("2".into()), None, Some("NaN".into()), Some("3".into())]
    );
}

#[test]
fn categories_flags_and_vectors() {
    let batch = decode(
        &(event(r#""finish":"st\u006fp","error":true,"embedding":[1,-2.5e0,3]"#)
            + &event(r#""finish":"nine char","error":"FALSE","embedding":[]"#)
            + &event(r#""finish":7.50,"error":1.0,"embedding":[1,null]"#)
            + &event(r#""finish":false,"error":2,"embedding":[[1],"x"]"#)
            + &event(r#""finish":[],"error":"yes","embedding":"no""#)
            + &event(r#""finish":"\ud800!","error":null,"embedding":null"#)),
    );
    assert_eq!(batch.rejects, []);
    let Column::Category(finish) = &batch.metrics[2] else { panic!("a category") };
    assert_eq!(labels(finish), ["stop", "<invalid>", "7.50", "false", "<invalid>", "\u{FFFD}!"]);
    let Column::Flag(error) = &batch.metrics[3] else { panic!("a flag") };
    assert_eq!(error.values().as_ref(), [1, 0, 1, 3, 3, 2]);
    let Column::Vector { offsets, values } = &batch.metrics[4] else { panic!("a vector") };
    assert_eq!(offsets, &[0, 3, 4, 6, 8, 9, 9]);
    assert_eq!(&values.values()[..3], [1.0, -2.5, 3.0]);
    assert!(values.values()[3].is_nan() && values.value(4) == 1.0);
    assert!(values.values()[5..].iter().all(|entry| entry.is_nan()));
}

#[test]
fn keys_and_ids() {
    let batch = decode(concat!(
        r#"{"ts":1704164645,"model":"m","version":2,"region":true,"id":"a"}"#,
        "\n",
        r#"{"ts":1704164645,"model":"m","version":null,"id":"longer than eight"}"#,
        "\n",
        r#"{"ts":1704164645,"version":"1"}"#,
        "\n",
        r#"{"ts":1704164645,"model":null}"#,
        "\n",
        r#"{"ts":1704164645,"model":{}}"#,
        "\n",
        r#"{"ts":1704164645,"model":"m","region":"nine char"}"#,
        "\n",
        r#"{"ts":1704164645,"model":"m","region":[]}"#,
        "\n",
        r#"{"ts":1704164645,"model":"m","id":"a"}"#,
        "\n",
    ));
    assert_eq!(
        reasons(&batch),
        [
            (2, "missing_model"),
            (3, "missing_model"),
            (4, "bad_key"),
            (5, "bad_key"),
            (6, "bad_key")
        ]
    );
    assert_eq!(batch.offsets, [0, 1, 7]);
    assert_eq!(labels(&batch.keys[1]), ["2", "<null>", "<null>"]);
    assert_eq!(labels(&batch.keys[2]), ["true", "<null>", "<null>"]);
    assert_eq!(labels(batch.id.as_ref().expect("an id")), ["a", "<invalid>", "a"]);
    assert_eq!(batch.partition, 3);
}

#[test]
fn rejects() {
    let deep = format!("{{\"x\":{}1{}}}", "[".repeat(64), "]".repeat(64));
    let fine = format!(
        "{{\"ts\":1704164645,\"model\":\"m\",\"x\":{}1{}}}",
        "[".repeat(63),
        "]".repeat(63)
    );
    let long = format!("{{\"x\":\"{}\"}}", "y".repeat(2000));
    let cases = [
        (r#"{"ts":1704164645,"model":"m""#, Some(Reason::InvalidJson)),
        (r#"{"ts":1704164645,"model":"m"} {}"#, Some(Reason::InvalidJson)),
        ("nonsense", Some(Reason::InvalidJson)),
        ("[1,2]", Some(Reason::NotAnObject)),
        ("\"text\"", Some(Reason::NotAnObject)),
        (r#"{"ts":1704164645,"ts":1704164645,"model":"m"}"#, Some(Reason::DuplicateField)),
        (
            r#"{"ts":1704164645,"model":"m","usage":{"input_tokens":1},"usage.input_tokens":null}"#,
            Some(Reason::DuplicateField),
        ),
        (r#"{"ts":1704164645,"model":"m","z":1,"z":2}"#, None),
        (&long, Some(Reason::TooLong)),
        (&deep, Some(Reason::TooDeep)),
        (&fine, None),
        (r#"{"model":"m"}"#, Some(Reason::MissingTime)),
        (r#"{"ts":null,"model":"m"}"#, Some(Reason::MissingTime)),
        (r#"{"ts":"yesterday","model":"m"}"#, Some(Reason::BadTime)),
        (r#"{"ts":true,"model":"m"}"#, Some(Reason::BadTime)),
        (r#"{"ts":[1],"model":"m"}"#, Some(Reason::BadTime)),
        (r#"{"ts":1e999,"model":"m"}"#, Some(Reason::BadTime)),
        (r#"{"ts":NaN,"model":"m"}"#, Some(Reason::BadTime)),
        (r#"{"ts":-1,"model":"m"}"#, Some(Reason::TimeTooEarly)),
        (r#"{"ts":"9999-01-01T00:00:00Z","model":"m"}"#, Some(Reason::TimeTooLate)),
        ("   \r", None),
        ("{\"ts\":1704164645,\"model\":\"m\"}\r", None),
        ("{\"ts\":1704164645,\"model\":\"m\u{1}\"}", Some(Reason::InvalidJson)),
    ];
    let lines: Vec<&str> = cases.iter().map(|(line, _)| *line).collect();
    let batch = decode(&format!("\u{FEFF}{}\n", lines.join("\n")));
    let expected: Vec<(u64, &str)> = (0..)
        .zip(&cases)
        .filter_map(|(offset, (_, reason))| reason.map(|reason| (offset, reason.name())))
        .collect();
    assert_eq!(reasons(&batch), expected);
    assert_eq!(batch.offsets, [7, 10, 21]);
    assert!(
        batch
            .rejects
            .iter()
            .all(|reject| reject.excerpt.chars().count() <= 120 && reject.detail.len() <= 200)
    );
}

#[test]
fn invalid_utf8_costs_its_line_only() {
    let mut bytes = event("\"finish\":\"a\"").into_bytes();
    bytes.extend_from_slice(b"{\"ts\":1704164645,\"model\":\"\xFF\"}\n");
    bytes.extend_from_slice(event("\"finish\":\"b\"").as_bytes());
    let mut decoder = Decoder::new(&layout(), &Limits::default(), 0, i64::MAX).expect("a layout");
    decoder.decode(&block(0, 10, &bytes), &mut |batch| {
        assert_eq!(reasons(&batch), [(11, "invalid_utf8")]);
        assert_eq!(batch.offsets, [10, 12]);
        let Column::Category(finish) = &batch.metrics[2] else { panic!("a category") };
        assert_eq!(labels(finish), ["a", "b"]);
    });
}
