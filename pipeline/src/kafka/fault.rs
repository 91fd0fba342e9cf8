//! What went wrong with a broker, in words that name the remedy.
//!
//! Not here: whether to try again; that is the caller's (`is_passing`, `is_eviction` help). Which code means
//! which fault stands in `codes`.

use rdkafka::error::RDKafkaErrorCode as Code;

/// A broker's refusal, or the lack of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KafkaFault {
    /// No connection.
    #[error(
        "no broker of {brokers} answers while {doing}: {detail}; check that they run, that [kafka] brokers \
         names them, and that [kafka.tls] and [kafka.sasl] fit the port"
    )]
    Unreachable {
        /// Bootstrap servers.
        brokers: String,
        /// What was being done.
        doing: String,
        /// The client's words.
        detail: String,
    },
    /// No TLS session.
    #[error("TLS with {brokers} fails: {detail}; {remedy}")]
    Tls {
        /// Bootstrap servers.
        brokers: String,
        /// The client's words.
        detail: String,
        /// What to do.
        remedy: &'static str,
    },
    /// Not let in.
    #[error("{brokers} refuses the login: {detail}; {remedy}")]
    Login {
        /// Bootstrap servers.
        brokers: String,
        /// The client's words.
        detail: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A topic that does not exist.
    #[error(
        "topic {topic} does not exist: check its spelling; the topics that Driftline writes are created by \
         `driftline topics create`"
    )]
    UnknownTopic {
        /// Its name.
        topic: String,
    },
    /// An ACL is missing.
    #[error("forbidden while {doing}: {detail}; allow this user {acl}")]
    Forbidden {
        /// What was being done.
        doing: String,
        /// The broker's words.
        detail: String,
        /// The ACL that it takes.
        acl: String,
    },
    /// A record is larger than the broker takes.
    #[error(
        "a record is too large while {doing}: {detail}; raise max.message.bytes of the topic, or lower \
         limits.record_bytes_max"
    )]
    TooLarge {
        /// What was being done.
        doing: String,
        /// The broker's words.
        detail: String,
    },
    /// The broker took too long.
    #[error(
        "timed out while {doing}: {detail}; check that the brokers are not overloaded and that the topic \
         has enough replicas in sync"
    )]
    TimedOut {
        /// What was being done.
        doing: String,
        /// The client's words.
        detail: String,
    },
    /// A transaction has not ended.
    #[error(
        "the offsets of group {group} are not settled: a transaction with them is open, or hangs on the \
         brokers; wait for its timeout, then find it with kafka-transactions.sh find-hanging and end it \
         with kafka-transactions.sh abort"
    )]
    Unsettled {
        /// The group.
        group: String,
    },
    /// Other members hold the partitions now.
    #[error("the group removed this member while {doing}: {detail}; it joins again")]
    Evicted {
        /// What was being done.
        doing: String,
        /// The broker's words.
        detail: String,
    },
    /// Another producer uses the same transactional id.
    #[error(
        "another producer took over while {doing}: {detail}; where two instances are meant to run side \
         by side, give each its own group or instance id"
    )]
    Fenced {
        /// What was being done.
        doing: String,
        /// The broker's words.
        detail: String,
    },
    /// librdkafka refuses a property.
    #[error("cannot create the Kafka client: {detail}; correct the property in the config")]
    Property {
        /// Name of the property and what is wrong; never its value.
        detail: String,
    },
    /// A regular expression of topics.
    #[error("the topic pattern {pattern} is not a regular expression: {detail}")]
    Pattern {
        /// As in the config.
        pattern: String,
        /// What is wrong.
        detail: String,
    },
    /// Everything else.
    #[error("Kafka fails while {doing}: {detail} ({code:?}); check the broker's log")]
    Other {
        /// What was being done.
        doing: String,
        /// The words of client or broker.
        detail: String,
        /// librdkafka's code.
        code: Code,
    },
}

/// What is being done: told in faults, and from it follows the ACL that it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing<'a> {
    /// Making a client, reaching a broker.
    Connect,
    /// Asking for a topic's partitions and offsets.
    Look(&'a str),
    /// Fetching from a topic.
    Read(&'a str),
    /// Writing to a topic.
    Write(&'a str),
    /// Creating a topic.
    Create(&'a str),
    /// Reading a topic's settings.
    Settings(&'a str),
    /// Joining a group, committing and reading its offsets.
    Group(&'a str),
    /// A transaction of this id.
    Transaction(&'a str),
}

impl Doing<'_> {
    /// As in "while ..".
    pub fn words(&self) -> String {
        match self {
            Self::Connect => "connecting".to_owned(),
            Self::Look(topic) => format!("looking up topic {topic}"),
            Self::Read(topic) => format!("reading topic {topic}"),
            Self::Write(topic) => format!("writing to topic {topic}"),
            Self::Create(topic) => format!("creating topic {topic}"),
            Self::Settings(topic) => format!("reading the settings of topic {topic}"),
            Self::Group(group) => format!("using group {group}"),
            Self::Transaction(id) => format!("committing with transactional id {id}"),
        }
    }

    /// The ACL that it takes.
    pub fn acl(&self) -> String {
        match self {
            Self::Connect => "Describe on the cluster".to_owned(),
            Self::Look(topic) => format!("Describe on topic {topic}"),
            Self::Read(topic) => format!("Read on topic {topic}"),
            Self::Write(topic) => format!("Write on topic {topic}"),
            Self::Create(topic) => format!("Create on topic {topic} (or on the cluster)"),
            Self::Settings(topic) => format!("DescribeConfigs on topic {topic}"),
            Self::Group(group) => format!("Read on group {group}"),
            Self::Transaction(id) => format!("Write and Describe on transactional id {id}"),
        }
    }

    pub(super) fn topic(&self) -> Option<&str> {
        match self {
            Self::Look(topic)
            | Self::Read(topic)
            | Self::Write(topic)
            | Self::Create(topic)
            | Self::Settings(topic) => Some(topic),
            Self::Connect | Self::Group(_) | Self::Transaction(_) => None,
        }
    }
}

impl KafkaFault {
    /// Whether the same call may succeed later with nobody doing anything.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::TimedOut { .. } | Self::Unsettled { .. } => true,
            Self::Other { code, .. } => PASSING.contains(code),
            _ => false,
        }
    }

    /// Whether the group goes on without this member: what it holds is not its own any more.
    pub fn is_eviction(&self) -> bool {
        matches!(self, Self::Evicted { .. })
    }
}

/// Codes of a cluster that is busy with itself.
const PASSING: &[Code] = &[
    Code::LeaderNotAvailable,
    Code::NotLeaderForPartition,
    Code::ReplicaNotAvailable,
    Code::CoordinatorLoadInProgress,
    Code::CoordinatorNotAvailable,
    Code::NotCoordinator,
    Code::RebalanceInProgress,
    Code::UnstableOffsetCommit,
    Code::ConcurrentTransactions,
    Code::WaitingForCoordinator,
    Code::WaitCache,
    Code::Retry,
    Code::NotController,
    Code::KafkaStorageError,
    Code::FencedLeaderEpoch,
    Code::UnknownLeaderEpoch,
    Code::OffsetNotAvailable,
    Code::ThrottlingQuotaExceeded,
    Code::UnknownBroker,
    Code::DestroyBroker,
];
