//! An alert: a state over the findings of one model. What the on-call engineer sees.
//!
//! Each line is one transition (or an update while firing). The shape is that of an Alertmanager v2
//! alert with a few extra fields; the fingerprint is computed from the labels as Prometheus does.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::time::Rfc3339;

/// Value of [`Alert::schema`].
pub const ALERT_SCHEMA: &str = "driftline.alert.v1";

/// Where an alert stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Something was found; the hold time has not passed.
    Pending,
    /// It is on.
    Firing,
    /// Every series looks like its baseline again.
    Resolved,
}

impl Status {
    /// As outputs call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

/// A state over the findings of one model; each line of alerts.ndjson is one transition, or an update while
/// firing. The shape is that of an Alertmanager v2 alert with some extra fields. Readers ignore fields that
/// they do not know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Alert {
    /// `driftline.alert.v1`.
    #[schemars(extend("const" = ALERT_SCHEMA))]
    pub schema: String,
    /// FNV-1a 64 of the sorted labels, as in Prometheus.
    #[schemars(regex(pattern = "^[0-9a-f]{16}$"))]
    pub fingerprint: String,
    /// State after this transition.
    pub status: Status,
    /// Event time of this transition. RFC 3339, UTC.
    #[schemars(with = "Rfc3339")]
    pub at: String,
    /// What it is about; the same for each transition of an episode.
    #[schemars(extend("required" = ["alertname", "pipeline", "model"]))]
    pub labels: BTreeMap<String, String>,
    /// severity, summary, description: for a person.
    pub annotations: BTreeMap<String, String>,
    /// When the episode was detected. RFC 3339, UTC.
    #[serde(rename = "startsAt")]
    #[schemars(with = "Rfc3339")]
    pub starts_at: String,
    /// When it was resolved. RFC 3339, UTC.
    #[serde(rename = "endsAt", skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "Rfc3339")]
    pub ends_at: Option<String>,
    /// Earliest onset of its findings. RFC 3339, UTC.
    #[schemars(with = "Rfc3339")]
    pub onset: String,
    /// Metrics that differ from their baselines, or did before it resolved.
    pub metrics: Vec<String>,
    /// Ids of its findings.
    #[schemars(inner(regex(pattern = "^[0-9a-f]{32}$")))]
    pub findings: Vec<String>,
}

/// Prometheus' fingerprint: FNV-1a 64 over sorted `name 0xFF value 0xFF`.
pub fn fingerprint(labels: &BTreeMap<String, String>) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    let mut add = |bytes: &[u8]| {
        for byte in bytes.iter().chain(&[0xff]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    };
    for (name, value) in labels {
        add(name.as_bytes());
        add(value.as_bytes());
    }
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_those_of_prometheus() {
        // Values of prometheus/common, model/signature_test.go (Apache-2.0).
        assert_eq!(
            fingerprint(&BTreeMap::new()),
            format!("{:016x}", 14_695_981_039_346_656_037u64)
        );
        let labels = BTreeMap::from([
            ("name".into(), "garland, briggs".into()),
            ("fear".into(), "love is not enough".into()),
        ]);
        assert_eq!(fingerprint(&labels), format!("{:016x}", 5_799_056_148_416_392_346u64));
    }
}
