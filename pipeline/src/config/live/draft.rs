//! What the live options are written into while a config is read; not yet checked against one another.

use std::path::{Path, PathBuf};

use super::super::external_text::{ExternalText, NamedText};
use super::followers::FollowerDraft;
use crate::model::live::{DeliverySettings, StateSettings, TopicSource};

/// The live sections while they are read. What stands in the config lands in the settings themselves; a field
/// of its own has what may stand outside, and so is read later.
#[derive(Debug, Clone)]
pub(in crate::config) struct LiveDraft {
    pub(in crate::config) brokers: Option<ExternalText>,
    pub(in crate::config) tls: TlsDraft,
    pub(in crate::config) sasl: SaslDraft,
    pub(in crate::config) properties: Vec<NamedText>,
    pub(in crate::config) group: Option<ExternalText>,
    pub(in crate::config) instance_id: Option<ExternalText>,
    pub(in crate::config) source: TopicSource,
    /// Findings, alerts, quarantine, journal.
    pub(in crate::config) sinks: [ExternalText; 4],
    pub(in crate::config) anomalies: Option<ExternalText>,
    pub(in crate::config) surprise_nats: f64,
    /// In the order of the config.
    pub(in crate::config) followers: Vec<FollowerDraft>,
    pub(in crate::config) delivery: DeliverySettings,
    pub(in crate::config) home: ExternalText,
    pub(in crate::config) home_options: Vec<NamedText>,
    pub(in crate::config) state: StateSettings,
    pub(in crate::config) listen: ExternalText,
}

/// `[kafka.tls]`.
#[derive(Debug, Clone, Default)]
pub(in crate::config) struct TlsDraft {
    pub(in crate::config) enabled: bool,
    pub(in crate::config) ca_file: Option<ExternalText>,
    pub(in crate::config) certificate_file: Option<ExternalText>,
    pub(in crate::config) key_file: Option<ExternalText>,
    pub(in crate::config) key_password: Option<ExternalText>,
    pub(in crate::config) verify_hostname: bool,
}

/// `[kafka.sasl]`.
#[derive(Debug, Clone, Default)]
pub(in crate::config) struct SaslDraft {
    pub(in crate::config) mechanism: Option<String>,
    pub(in crate::config) username: Option<ExternalText>,
    pub(in crate::config) password: Option<ExternalText>,
    pub(in crate::config) token: Option<ExternalText>,
}

impl LiveDraft {
    /// Nothing said yet; the defaults of the table of options come next.
    pub(in crate::config) fn blank() -> Self {
        Self {
            brokers: None,
            tls: TlsDraft::default(),
            sasl: SaslDraft::default(),
            properties: Vec::new(),
            group: None,
            instance_id: None,
            source: TopicSource::blank(),
            sinks: Default::default(),
            anomalies: None,
            surprise_nats: 0.0,
            followers: Vec::new(),
            delivery: DeliverySettings::blank(),
            home: ExternalText::default(),
            home_options: Vec::new(),
            state: StateSettings::blank(),
            listen: ExternalText::default(),
        }
    }
}

/// A home of state that is a folder, in the folder of the config; a URL as it is.
pub(super) fn home_in(folder: &Path, home: &str) -> PathBuf {
    if home.contains("://") { home.into() } else { folder.join(home) }
}
