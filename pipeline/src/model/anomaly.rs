//! A surprising event: how much less likely its values are than those that its baselines expect.

/// One event whose surprise exceeds the level. Its numbers follow from the baselines, so the same event
/// always gives the same ones.
#[derive(Debug, Clone, PartialEq)]
pub struct Anomaly {
    /// Its place in its partition: the offset of the record, and which of the record's events it is.
    pub offset: u64,
    /// From 0; a record may be a list of events.
    pub number: u32,
    /// Event time, microseconds since 1970.
    pub time_us: i64,
    /// The event's own id, where the layout names one.
    pub event_id: Option<String>,
    /// Key fields by name: model, version, segments.
    pub keys: Vec<(String, String)>,
    /// `sum over its metrics of -ln p(value's code)`, nats.
    pub surprise: f64,
    /// The expected surprise: the entropies of the same baselines, nats.
    pub expected: f64,
    /// The metrics, the most surprising first.
    pub metrics: Vec<SurprisingValue>,
}

/// One metric of a surprising event.
#[derive(Debug, Clone, PartialEq)]
pub struct SurprisingValue {
    /// The metric.
    pub metric: String,
    /// Its value, as text; vectors are left out.
    pub value: Option<String>,
    /// The code that the value falls into, in words.
    pub code: String,
    /// Share of that code in the baseline.
    pub share: f64,
    /// `-ln p`, nats.
    pub surprise: f64,
}

/// What makes an event an anomaly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SurpriseLevel {
    /// Its surprise exceeds the expected one by more than this, nats.
    pub over_nats: f64,
    /// It is later than the end of the baselines by at least this, microseconds of event time: so far apart
    /// partitions may be, and in between it depends on them whether baselines are there yet.
    pub after_us: i64,
}
