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
    let mut is_first = true;
    lines::sample(file, records_max, sample, |record, sample| {
        if std::mem::take(&mut is_first) && record.starts_with(b"[") {
            return Err(SampleFault::JsonArray);
        }
        match serde_json::from_slice::<Json>(record) {
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
