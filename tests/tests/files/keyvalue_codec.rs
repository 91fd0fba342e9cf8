//! The example of a codec: the same events as JSON and as key=value pairs give equal batches and findings,
//! from files and from messages, and bad lines are rejects.

use std::fs;
use std::path::Path;

use driftline::codec::{Codec, Codecs, Decoder, Message, MessageDecoder};
use driftline::model::{Batch, Layout, Limits, Reason, Row};
use driftline::source::FileSource;
use driftline::synth::write::Format;
use driftline::synth::{Plan, dataset};
use serde_json::Value;

#[allow(dead_code, unreachable_pub)]
#[path = "../../../examples/keyvalue_codec.rs"]
mod example;

use example::KeyValue;

/// A record as pairs; nested paths with dots, null left out.
fn pairs(prefix: &str, value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            for (name, value) in fields {
                let dot = if prefix.is_empty() { "" } else { "." };
                pairs(&format!("{prefix}{dot}{name}"), value, into);
            }
        }
        Value::String(text) if text.is_empty() || text.contains(' ') => {
            into.push(format!("{prefix}=\"{text}\""));
        }
        Value::String(text) => into.push(format!("{prefix}={text}")),
        other => into.push(format!("{prefix}={other}")),
    }
}

/// The lines of a file of JSON as lines of pairs.
fn translate(ndjson: &str) -> String {
    let line = |line: &str| {
        let mut all = Vec::new();
        pairs("", &serde_json::from_str(line).expect("JSON"), &mut all);
        all.join(" ") + "\n"
    };
    ndjson.lines().map(line).collect()
}

/// A set with its config, as JSON and as pairs.
fn set(folder: &Path, events: u64) -> (String, String) {
    let plan = Plan { events, models: 3, ..Plan::default() };
    let plan = Plan { drifts: plan.default_drifts(), ..plan };
    let format = Format::named("ndjson").expect("a format");
    let written = dataset::write(&plan, format, 1, folder, &mut |_| {}).expect("written");
    let json = fs::read_to_string(&written.files[0]).expect("the set");
    let pairs = translate(&json);
    fs::write(folder.join("events.kv"), &pairs).expect("written");
    (json, pairs)
}

fn layout(folder: &Path) -> (Layout, Limits) {
    let (settings, _) = driftline::config::load(&folder.join("driftline.toml")).expect("a config");
    (settings.layout, settings.limits)
}

fn codecs() -> Codecs {
    Codecs::built_in().with(&KeyValue)
}

fn decode(file: &Path, layout: &Layout, limits: &Limits) -> Vec<Batch> {
    let inputs = [file.display().to_string()];
    let source = FileSource::find_with(codecs(), &inputs, None).expect("a file");
    let mut decoder = Decoder::new(layout, limits, 0, i64::MAX).expect("a layout");
    let mut batches = Vec::new();
    for block in source.open(0, limits) {
        decoder.decode(&block, &mut |batch| batches.push(batch));
    }
    batches
}

fn rows(batches: &[Batch]) -> Vec<Row> {
    batches.iter().flat_map(|batch| (0..batch.rows()).map(|row| batch.row(row))).collect()
}

#[test]
fn files_of_pairs_give_the_same_events_however_they_are_cut() {
    let folder = tempfile::tempdir().expect("a folder");
    set(folder.path(), 20_000);
    let (layout, limits) = layout(folder.path());
    let expected = rows(&decode(&folder.path().join("events.ndjson"), &layout, &limits));
    assert_eq!(expected.len(), 20_000);
    for block_bytes in [limits.block_bytes, 1 << 12] {
        let limits = Limits { block_bytes, ..limits.clone() };
        let found = decode(&folder.path().join("events.kv"), &layout, &limits);
        assert!(found.iter().all(|batch| batch.rejects.is_empty()));
        assert!(rows(&found) == expected, "blocks of {block_bytes} bytes");
    }
}

#[test]
fn messages_of_pairs_give_the_same_events() {
    let folder = tempfile::tempdir().expect("a folder");
    let (json, pairs) = set(folder.path(), 2_000);
    let (layout, limits) = layout(folder.path());
    let read = |format: &str, lines: &str| {
        let codec = codecs().for_messages(format).expect("a format of messages");
        let mut decoder =
            MessageDecoder::new(codec, &layout, &limits, 0, i64::MAX).expect("a layout");
        let messages: Vec<Message<'_>> =
            (0..).zip(lines.lines()).map(|(at, line)| Message::new(at, line.as_bytes())).collect();
        messages.chunks(300).for_each(|chunk| decoder.add(0, chunk));
        rows(&[decoder.finish(0)])
    };
    let expected = read("json", &json);
    assert_eq!(expected.len(), 2_000);
    assert!(read("keyvalue", &pairs) == expected);
    assert!(codecs().for_messages("csv").is_err());
}

#[test]
fn the_example_finds_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    set(folder.path(), 60_000);
    let find = |name: &str| {
        let inputs = [folder.path().join(name).display().to_string()];
        example::findings(&folder.path().join("driftline.toml"), &inputs).expect("findings")
    };
    let expected = find("events.ndjson");
    assert!(!expected.is_empty(), "the set has a drift");
    assert!(find("events.kv") == expected);
}

#[test]
fn bad_lines_are_rejects() {
    let folder = tempfile::tempdir().expect("a folder");
    set(folder.path(), 10);
    let (layout, limits) = layout(folder.path());
    let cases: [(&[u8], Option<Reason>); 8] = [
        (b"ts=2026-03-02T12:00:00Z model=a", None),
        (b"  ", None),
        (b"ts=2026-03-02T12:00:00Z model=a tool=\"open", Some(Reason::Malformed)),
        (b"ts=2026-03-02T12:00:00Z model", Some(Reason::Malformed)),
        (b"=a ts=2026-03-02T12:00:00Z", Some(Reason::Malformed)),
        (b"model=a", Some(Reason::MissingTime)),
        (b"ts=2026-03-02T12:00:00Z model=a model=b", Some(Reason::DuplicateField)),
        (b"ts=2026-03-02T12:00:00Z model=\xFF", Some(Reason::InvalidUtf8)),
    ];
    let path = folder.path().join("bad.kv");
    fs::write(&path, cases.map(|(line, _)| line).join(&b'\n')).expect("written");
    let batches = decode(&path, &layout, &limits);
    let found: Vec<(u64, Reason)> =
        batches.iter().flat_map(|b| &b.rejects).map(|r| (r.offset, r.reason)).collect();
    let expected: Vec<(u64, Reason)> =
        (0..).zip(cases).filter_map(|(at, (_, reason))| Some((at, reason?))).collect();
    assert_eq!(found, expected);
    assert_eq!(rows(&batches).len(), 1);
}

#[test]
fn any_cut_of_a_line_is_an_event_or_one_reject() {
    let folder = tempfile::tempdir().expect("a folder");
    set(folder.path(), 10);
    let (layout, limits) = layout(folder.path());
    let line = "ts=2026-03-02T12:00:00Z model=\"a b\" latency_ms=1.5 tool=\u{e9} error=true";
    let codec = KeyValue.messages().expect("a format of messages");
    let mut decoder = MessageDecoder::new(codec, &layout, &limits, 0, i64::MAX).expect("a layout");
    for end in 0..=line.len() {
        decoder.add(0, &[Message::new(end as u64, &line.as_bytes()[..end])]);
        let batch = decoder.finish(0);
        assert_eq!(batch.rows() + batch.rejects.len(), 1, "{end}");
    }
}
