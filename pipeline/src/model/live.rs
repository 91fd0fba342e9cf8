//! Settings of a live run besides those of the engine: brokers, topics, delivery, state, HTTP.
//!
//! Nothing here is part of the config hash: it says where events come from and where findings go, not
//! what is found. All durations are microseconds unless a name says otherwise.

use core::net::SocketAddr;
use std::collections::BTreeMap;

use super::blank::blank_settings;
use super::secret::Secret;

/// All settings of a live run.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    /// The brokers and how to connect to them.
    pub kafka: Connection,
    /// What is read.
    pub source: TopicSource,
    /// What is written.
    pub sinks: SinkTopics,
    /// The delivery guarantee.
    pub delivery: DeliverySettings,
    /// Sinks that follow what is committed.
    pub followers: Vec<FollowerSettings>,
    /// Where state is kept.
    pub state: StateSettings,
    /// HTTP of this process; none = no HTTP.
    pub http: Option<SocketAddr>,
}

/// The brokers, and every librdkafka property that the config resolves to (security, pass-through).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Connection {
    /// Bootstrap servers, separated by commas.
    pub brokers: String,
    /// librdkafka properties by name. Properties that Driftline sets itself are refused by `config`.
    pub properties: BTreeMap<String, Secret>,
    /// Where an OAUTHBEARER token is read from, again for each refresh.
    pub oauth_token: Option<TokenSource>,
}

/// Where a token comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenSource {
    /// An environment variable.
    Env(String),
    /// A file, such as a projected service account token.
    File(std::path::PathBuf),
}

blank_settings! {
    /// What is read from Kafka.
    #[derive(Debug, Clone, PartialEq)]
    pub struct TopicSource {
        /// Names of topics, or regular expressions that begin with `^`.
        pub topics: Vec<String>,
        /// Name of the codec that reads the messages.
        pub format: String,
        /// Consumer group; offsets are committed under it.
        pub group: String,
        /// Where reading begins when the group has no committed offset.
        pub from: StartPosition,
        /// Who shares the work.
        pub split: Split,
        /// Rebalance protocol.
        pub protocol: GroupProtocol,
        /// Static membership.
        pub instance_id: Option<String>,
        /// A member that is not heard from for this long is replaced (classic protocol).
        pub session_timeout_us: i64,
        /// Threads that fetch and decode; 0 = one less than there are cores, at least one.
        pub fetch_threads: usize,
        /// Bytes of messages that may wait in this process, over all threads and queues.
        pub memory_bytes: usize,
        /// A partition that has been read to its end for this long no longer holds panes open.
        pub idle_us: i64,
        /// While catching up, no partition is read further ahead of the slowest than this, in event time.
        pub ahead_us: i64,
        /// An event later than its message's broker timestamp plus this is rejected.
        pub max_future_us: i64,
    }
}

/// Where reading begins without a committed offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StartPosition {
    /// At the first record that is kept.
    #[default]
    Earliest,
    /// At the end.
    Latest,
    /// Nowhere: refuse to start, since offsets were expected.
    Committed,
    /// At the first record of this broker time or later, microseconds since 1970.
    Timestamp(i64),
}

/// Who shares the work of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Split {
    /// One member reads all partitions and judges all series together; others stand by.
    #[default]
    None,
    /// Each partition is judged on its own, by whoever it is assigned to: for topics keyed by model.
    Partition,
}

/// Rebalance protocol of the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GroupProtocol {
    /// The classic protocol, cooperative-sticky.
    #[default]
    Classic,
    /// KIP-848, brokers 4.0 or later.
    Consumer,
}

/// What is written to Kafka.
#[derive(Debug, Clone, PartialEq)]
pub struct SinkTopics {
    /// Findings, appended.
    pub findings: String,
    /// Alerts, compacted, keyed by fingerprint.
    pub alerts: String,
    /// Records that could not be read.
    pub quarantine: String,
    /// Surprising events, and how surprising; none = they are not written.
    pub anomalies: Option<AnomalySink>,
    /// Decisions that do not follow from events (a partition is idle, or began): compacted, one partition.
    pub journal: String,
}

/// Where surprising events go.
#[derive(Debug, Clone, PartialEq)]
pub struct AnomalySink {
    /// Topic.
    pub topic: String,
    /// By how much their surprise has to exceed what is expected, nats.
    pub over_nats: f64,
}

/// A sink that follows what is committed, by its section of the config.
#[derive(Debug, Clone, PartialEq)]
pub struct FollowerSettings {
    /// Its name in the table of sinks.
    pub sink: &'static str,
    /// All of its options, those with a default, too.
    pub options: BTreeMap<&'static str, OptionValue>,
}

/// What an option of such a sink says. All texts are kept as secrets are: an address may hold a token.
#[derive(Debug, Clone, PartialEq)]
pub enum OptionValue {
    /// A text or a secret.
    Text(Secret),
    /// A duration in microseconds.
    Duration(i64),
    /// A whole number.
    Whole(u64),
}

impl FollowerSettings {
    /// The text of an option; empty where it is none.
    pub fn text(&self, option: &str) -> &str {
        match self.options.get(option) {
            Some(OptionValue::Text(text)) => text.expose(),
            _ => "",
        }
    }

    /// The duration of an option; zero where it is none.
    pub fn duration(&self, option: &str) -> core::time::Duration {
        match self.options.get(option) {
            Some(OptionValue::Duration(us)) => core::time::Duration::from_micros(us.unsigned_abs()),
            _ => core::time::Duration::ZERO,
        }
    }

    /// The number of an option; zero where it is none.
    pub fn whole(&self, option: &str) -> u64 {
        match self.options.get(option) {
            Some(OptionValue::Whole(number)) => *number,
            _ => 0,
        }
    }
}

/// The delivery guarantee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Delivery {
    /// Transactions: results and offsets together or not at all.
    #[default]
    ExactlyOnce,
    /// Results first, then offsets: after a crash some come again, with the same ids.
    AtLeastOnce,
}

blank_settings! {
    /// Delivery and its pace.
    #[derive(Debug, Clone, PartialEq)]
    pub struct DeliverySettings {
        /// The mode.
        pub mode: Delivery,
        /// How often results and offsets are committed.
        pub commit_us: i64,
        /// The broker aborts a transaction that stays open for longer.
        pub transaction_timeout_us: i64,
    }
}

blank_settings! {
    /// Where snapshots are kept.
    #[derive(Debug, Clone, PartialEq)]
    pub struct StateSettings {
        /// A folder, or a URL of an object store: `s3://bucket/prefix`, `gs://`, `az://`.
        pub home: String,
        /// Options of the object store by name, such as `aws_endpoint`.
        pub options: BTreeMap<String, Secret>,
        /// How often a snapshot is taken, wall clock.
        pub every_us: i64,
        /// Snapshots that are kept of each shard.
        pub keep: usize,
    }
}
