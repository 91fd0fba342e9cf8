//! Which paths of an event are read, and as what. The only thing that a codec knows of the config.

use serde::{Deserialize, Serialize};

/// A dotted path such as `usage.input_tokens`. It matches nested objects and a flat key with the dots.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldPath(pub String);

/// How a metric's values are read and encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A finite number.
    #[default]
    Number,
    /// A string from a limited set. Numbers and booleans count as their text.
    Category,
    /// true or false; also 0, 1, "true", "false".
    Flag,
    /// An embedding: a list of numbers of fixed length.
    Vector,
}

/// One metric as the codec sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricField {
    /// Unique name in the config.
    pub name: String,
    /// Where its value is in an event.
    pub path: FieldPath,
    /// How it is read.
    pub kind: Kind,
}

/// How event time is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeFormat {
    /// Strings as RFC 3339 (a space for `T` and a missing zone, meaning UTC, are accepted); numbers as
    /// an epoch whose unit follows from its size (below 1e11 seconds, 1e14 ms, 1e17 us, else ns).
    Auto,
    /// RFC 3339 strings only.
    Rfc3339,
    /// Seconds since 1970, whole or with a fraction, as a number or its text.
    EpochS,
    /// Milliseconds since 1970.
    EpochMs,
    /// Microseconds since 1970.
    EpochUs,
    /// Nanoseconds since 1970.
    EpochNs,
    /// A strftime pattern, as in `%Y-%m-%d %H:%M:%S`; UTC unless the pattern contains an offset.
    Pattern(String),
}

/// Where the event time is and how it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeField {
    /// Where it is.
    pub path: FieldPath,
    /// How it is written.
    pub format: TimeFormat,
}

/// Everything that a codec reads from an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// Event time. A record without a readable one is rejected.
    pub time: TimeField,
    /// Model (required in each event unless there is a default), then version, then segments, which may
    /// be missing.
    pub keys: Vec<FieldPath>,
    /// The model of events that name none: for logs of a single model.
    pub model_default: Option<String>,
    /// The event's own id, to name example events.
    pub id: Option<FieldPath>,
    /// Metrics, at least one, names unique.
    pub metrics: Vec<MetricField>,
}
