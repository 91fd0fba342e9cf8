//! Samples of JSON lines: every path with its value.

use serde_json::Value as Json;

use super::block::OpenFile;
use super::lines;
use super::sample::{Sample, SampleFault, SampleValue, is_path};

/// Deepest nesting that is looked at.
const DEPTH_MAX: usize = 32;

/// Reads up to `records_max` lines.
pub(crate) fn sample(
    file: OpenFile,
    records_max: u64,
    sample: &mut dyn Sample,
) -> Result<(), SampleFault> {
    lines::sample(file, records_max, sample, |record, sample| {
        match serde_json::from_slice::<Json>(record).or_else(|_| lenient(record)) {
            Ok(Json::Object(object)) => {
                sample.add_records(1);
                let mut path = String::new();
                for (name, value) in &object {
                    nested(&mut path, name, value, 1, sample);
                }
            }
            _ if record.is_empty() => {}
            _ => sample.add_unreadable(1),
        }
        Ok(())
    })
}

/// A record with the numbers that Python writes and JSON does not have, which the decoder reads: here they
/// are no values.
fn lenient(record: &[u8]) -> serde_json::Result<Json> {
    const WORDS: [&[u8]; 3] = [b"-Infinity", b"Infinity", b"NaN"];
    let (mut text, mut rest) = (Vec::with_capacity(record.len()), record);
    let (mut in_text, mut is_escaped) = (false, false);
    while let [byte, after @ ..] = rest {
        if let (false, Some(word)) = (in_text, WORDS.iter().find(|word| rest.starts_with(word))) {
            text.extend_from_slice(b"null");
            rest = &rest[word.len()..];
            continue;
        }
        in_text ^= *byte == b'"' && !is_escaped;
        is_escaped = in_text && *byte == b'\\' && !is_escaped;
        text.push(*byte);
        rest = after;
    }
    serde_json::from_slice(&text)
}

/// Tells a value under its path, and what is nested in it.
fn nested(path: &mut String, name: &str, value: &Json, depth: usize, sample: &mut dyn Sample) {
    let before = path.len();
    if before > 0 {
        path.push('.');
    }
    path.push_str(name);
    match value {
        _ if !is_path(name) || depth > DEPTH_MAX => {}
        Json::Object(object) => {
            for (name, value) in object {
                nested(path, name, value, depth + 1, sample);
            }
        }
        value => sample.value(path, scalar(value)),
    }
    path.truncate(before);
}

fn scalar(value: &Json) -> SampleValue<'_> {
    match value {
        Json::Null | Json::Object(_) => SampleValue::Null,
        Json::Bool(on) => SampleValue::Flag(*on),
        Json::Number(number) => number.as_f64().map_or(SampleValue::Null, SampleValue::Number),
        Json::String(text) => SampleValue::Text(text),
        Json::Array(items) if items.is_empty() => SampleValue::Null,
        Json::Array(items) if items.iter().all(Json::is_number) => SampleValue::Vector(items.len()),
        Json::Array(_) => SampleValue::List,
    }
}
