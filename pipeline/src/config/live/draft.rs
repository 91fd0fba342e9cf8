//! What the live options are written into while a config is read; not yet checked against one another.

use std::path::{Path, PathBuf};

use super::super::given::{Given, Named};
use super::followers::FollowerDraft;
use crate::model::live::{Delivery, DeliverySettings, From, GroupProtocol, Split};

/// The live sections while they are read. Its defaults are those of the table of options.
#[derive(Debug, Clone)]
pub(in crate::config) struct LiveDraft {
    pub(in crate::config) brokers: Option<Given>,
    pub(in crate::config) tls: TlsDraft,
    pub(in crate::config) sasl: SaslDraft,
    pub(in crate::config) properties: Vec<Named>,
    pub(in crate::config) topics: Vec<String>,
    pub(in crate::config) format: String,
    pub(in crate::config) group: Option<Given>,
    pub(in crate::config) from: From,
    pub(in crate::config) split: Split,
    pub(in crate::config) protocol: GroupProtocol,
    pub(in crate::config) instance_id: Option<Given>,
    pub(in crate::config) session_timeout_us: i64,
    pub(in crate::config) fetch_threads: usize,
    pub(in crate::config) memory_bytes: usize,
    pub(in crate::config) idle_us: i64,
    pub(in crate::config) ahead_us: i64,
    /// Findings, alerts, quarantine, journal.
    pub(in crate::config) sinks: [Given; 4],
    pub(in crate::config) anomalies: Option<Given>,
    pub(in crate::config) surprise_nats: f64,
    /// In the order of the config.
    pub(in crate::config) followers: Vec<FollowerDraft>,
    pub(in crate::config) delivery: DeliverySettings,
    pub(in crate::config) home: Given,
    pub(in crate::config) home_options: Vec<Named>,
    pub(in crate::config) every_us: i64,
    pub(in crate::config) keep: usize,
    pub(in crate::config) listen: Given,
}

/// `[kafka.tls]`.
#[derive(Debug, Clone, Default)]
pub(in crate::config) struct TlsDraft {
    pub(in crate::config) enabled: bool,
    pub(in crate::config) ca_file: Option<Given>,
    pub(in crate::config) certificate_file: Option<Given>,
    pub(in crate::config) key_file: Option<Given>,
    pub(in crate::config) key_password: Option<Given>,
    pub(in crate::config) verify_hostname: bool,
}

/// `[kafka.sasl]`.
#[derive(Debug, Clone, Default)]
pub(in crate::config) struct SaslDraft {
    pub(in crate::config) mechanism: Option<String>,
    pub(in crate::config) username: Option<Given>,
    pub(in crate::config) password: Option<Given>,
    pub(in crate::config) token: Option<Given>,
}

impl Default for LiveDraft {
    /// Zeros that the table's defaults overwrite.
    fn default() -> Self {
        Self {
            brokers: None,
            tls: TlsDraft::default(),
            sasl: SaslDraft::default(),
            properties: Vec::new(),
            topics: Vec::new(),
            format: String::new(),
            group: None,
            from: From::Earliest,
            split: Split::None,
            protocol: GroupProtocol::Classic,
            instance_id: None,
            session_timeout_us: 0,
            fetch_threads: 0,
            memory_bytes: 0,
            idle_us: 0,
            ahead_us: 0,
            sinks: Default::default(),
            anomalies: None,
            surprise_nats: 0.0,
            followers: Vec::new(),
            delivery: DeliverySettings {
                mode: Delivery::ExactlyOnce,
                commit_us: 0,
                transaction_timeout_us: 0,
            },
            home: Given::default(),
            home_options: Vec::new(),
            every_us: 0,
            keep: 0,
            listen: Given::default(),
        }
    }
}

/// A home of state that is a folder, in the folder of the config; a URL as it is.
pub(super) fn home_in(folder: &Path, home: &str) -> PathBuf {
    if home.contains("://") { home.into() } else { folder.join(home) }
}
