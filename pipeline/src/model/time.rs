//! Event time as people read it: RFC 3339, UTC, from microseconds since 1970.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// `2026-11-21T08:15:30Z`, with milli- or microseconds where there are any.
pub fn rfc3339(time_us: i64) -> String {
    match DateTime::<Utc>::from_timestamp_micros(time_us) {
        Some(time) => time.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        None => format!("{time_us}us"),
    }
}

/// Microseconds of an RFC 3339 instant, as written by [`rfc3339`].
pub fn from_rfc3339(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_micros())
}

/// The schema of a text that [`rfc3339`] writes.
pub struct Rfc3339;

impl JsonSchema for Rfc3339 {
    fn schema_name() -> Cow<'static, str> {
        "Rfc3339".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// A span as people say it: `45 s`, `12 min`, `3.5 h`, `2.1 d`.
pub fn span(span_us: i64) -> String {
    let seconds = span_us as f64 / 1e6;
    let (value, unit) = match seconds.abs() {
        s if s < 120.0 => (seconds, "s"),
        s if s < 7_200.0 => (seconds / 60.0, "min"),
        s if s < 172_800.0 => (seconds / 3_600.0, "h"),
        _ => (seconds / 86_400.0, "d"),
    };
    if value.fract().abs() < 0.05 || value.abs() >= 100.0 {
        format!("{value:.0} {unit}")
    } else {
        format!("{value:.1} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_and_spans_read_well() {
        assert_eq!(rfc3339(1_700_000_000_000_000), "2023-11-14T22:13:20Z");
        assert_eq!(rfc3339(1_700_000_000_250_000), "2023-11-14T22:13:20.250Z");
        assert_eq!(from_rfc3339("2023-11-14T22:13:20.250Z"), Some(1_700_000_000_250_000));
        assert_eq!(
            [10_000_000, 150_000_000, 3 * 3_600_000_000, 5 * 86_400_000_000].map(span),
            ["10 s", "2.5 min", "3 h", "5 d"]
        );
    }
}
