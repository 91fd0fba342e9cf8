//! What went wrong with a broker, in words that name the remedy.
//!
//! Not here: whether to try again; that is the caller's (`is_passing`, `is_eviction` help). A fault is made
//! of librdkafka's code, of what was being done, and of what the client said by itself: a call that
//! only tells "timed out" timed out because of something, and the client knows what.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use super::client::Context;

/// A broker's refusal, or the lack of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KafkaFault {
    /// No connection.
    #[error(
        "no broker of {brokers} answers while {doing}: {detail}; see that they run, that [kafka] brokers \
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
    #[error("{brokers} does not let us in: {detail}; {remedy}")]
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
        "there is no topic {topic}: see to its spelling; topics that Driftline writes are created by \
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
        "timed out while {doing}: {detail}; see that the brokers are not overloaded and that the topic \
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
        "the offsets of group {group} are not settled: a transaction with them is open, or hangs for ever \
         on the brokers; wait for its timeout, then look with kafka-transactions.sh find-hanging, and \
         end it with its abort"
    )]
    Unsettled {
        /// The group.
        group: String,
    },
    /// Other members hold the partitions now.
    #[error("this member is not of the group any more while {doing}: {detail}; it joins again")]
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
    #[error("the Kafka client cannot be made: {detail}; correct the property in the config")]
    Property {
        /// Name of the property and what is wrong; never its value.
        detail: String,
    },
    /// A regular expression of topics.
    #[error("the pattern of topics {pattern} is no regular expression: {detail}")]
    Pattern {
        /// As in the config.
        pattern: String,
        /// What is wrong.
        detail: String,
    },
    /// Everything else.
    #[error("Kafka fails while {doing}: {detail} ({code:?}); the log of the brokers may tell more")]
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

    fn topic(&self) -> Option<&str> {
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

/// What a TLS error says, and what to do. The first that fits; the last fits all.
const TLS_REMEDIES: &[(&str, &str)] = &[
    ("PLAINTEXT", "this port does not speak TLS: correct the port, or take [kafka.tls] out"),
    ("hostname", "the certificate is for another name: name the brokers as their certificates do"),
    ("IP address mismatch", "the certificate is for another address: name the brokers as it does"),
    ("expired", "have the certificate renewed"),
    ("verify", "trust the CA that signed the broker's certificate ([kafka.tls] ca_file)"),
    ("self-signed", "trust the CA that signed the broker's certificate ([kafka.tls] ca_file)"),
    (
        "wrong version number",
        "this port does not speak TLS: correct the port, or take [kafka.tls] out",
    ),
    (
        "alert",
        "the broker wants a client certificate that it trusts ([kafka.tls] certificate_file and key_file)",
    ),
    ("", "see to the CA, the names of the brokers, and the client certificate"),
];

/// The same of a refused login.
const LOGIN_REMEDIES: &[(&str, &str)] = &[
    ("invalid credentials", "see to username and password of [kafka.sasl]"),
    ("token", "see that the token's source holds a valid token"),
    ("mechanism", "use a mechanism that the listener offers ([kafka.sasl] mechanism)"),
    ("", "see to username, password and mechanism of [kafka.sasl]"),
];

fn remedy(table: &'static [(&str, &str)], detail: &str) -> &'static str {
    table.iter().find(|(part, _)| detail.contains(part)).map_or("", |(_, remedy)| remedy)
}

impl KafkaFault {
    /// The fault behind an error of rdkafka.
    pub fn of(error: &KafkaError, doing: Doing<'_>, context: &Context) -> Self {
        match error {
            // These may quote values: tell the name and the reason, struck of secrets.
            KafkaError::ClientConfig(_, reason, name, _) => {
                Self::Property { detail: context.words(&format!("{name}: {reason}")) }
            }
            KafkaError::ClientCreation(reason) => Self::Property { detail: context.words(reason) },
            KafkaError::Transaction(error) => {
                Self::of_code(error.code(), &error.string(), doing, context)
            }
            _ => match error.rdkafka_error_code() {
                Some(code) => Self::of_code(code, &code.to_string(), doing, context),
                None => Self::Other {
                    doing: doing.words(),
                    detail: context.words(&error.to_string()),
                    code: Code::Fail,
                },
            },
        }
    }

    /// The fault behind a code, with the words that came with it.
    pub fn of_code(code: Code, words: &str, doing: Doing<'_>, context: &Context) -> Self {
        // A lost connection has a reason that the client told by itself, apart from the call.
        let told = match code {
            Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::OperationTimedOut
            | Code::MessageTimedOut
            | Code::TimedOutQueue => context.last(),
            _ => None,
        };
        let (code, detail) = match told {
            Some((
                told @ (Code::SSL
                | Code::Authentication
                | Code::Resolve
                | Code::BrokerTransportFailure
                | Code::AllBrokersDown
                | Code::SaslAuthenticationFailed
                | Code::UnsupportedSASLMechanism),
                words,
            )) => (told, words),
            _ => (code, context.words(words)),
        };
        // A broker that refuses us while TLS begins does so by closing, after an alert.
        let code = match code {
            Code::BrokerTransportFailure
                if detail.contains("SSL routines") || detail.contains("SSL handshake") =>
            {
                Code::SSL
            }
            code => code,
        };
        let (brokers, doing_words) = (context.brokers().to_owned(), doing.words());
        let topic = || doing.topic().unwrap_or("of the config").to_owned();
        match code {
            Code::SSL => {
                let remedy = remedy(TLS_REMEDIES, &detail);
                Self::Tls { brokers, detail, remedy }
            }
            Code::Authentication
            | Code::SaslAuthenticationFailed
            | Code::UnsupportedSASLMechanism
            | Code::IllegalSASLState => {
                let remedy = remedy(LOGIN_REMEDIES, &detail);
                Self::Login { brokers, detail, remedy }
            }
            Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::Resolve
            | Code::BrokerNotAvailable
            | Code::NetworkException => Self::Unreachable { brokers, doing: doing_words, detail },
            Code::UnknownTopic
            | Code::UnknownTopicOrPartition
            | Code::UnknownPartition
            | Code::UnknownTopicId => Self::UnknownTopic { topic: topic() },
            Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed => {
                Self::Forbidden { doing: doing_words, detail, acl: doing.acl() }
            }
            Code::MessageSizeTooLarge | Code::MessageBatchTooLarge | Code::InvalidMessageSize => {
                Self::TooLarge { doing: doing_words, detail }
            }
            Code::OperationTimedOut
            | Code::MessageTimedOut
            | Code::TimedOutQueue
            | Code::RequestTimedOut
            | Code::NotEnoughReplicas
            | Code::NotEnoughReplicasAfterAppend => Self::TimedOut { doing: doing_words, detail },
            Code::IllegalGeneration
            | Code::UnknownMemberId
            | Code::FencedInstanceId
            | Code::FencedMemberEpoch
            | Code::StaleMemberEpoch
            | Code::AssignmentLost
            | Code::PollExceeded => Self::Evicted { doing: doing_words, detail },
            Code::Fenced
            | Code::ProducerFenced
            | Code::InvalidProducerEpoch
            | Code::TransactionCoordinatorFenced => Self::Fenced { doing: doing_words, detail },
            _ => Self::Other { doing: doing_words, detail, code },
        }
    }

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

#[cfg(test)]
mod tests {
    use rdkafka::client::ClientContext;

    use super::*;
    use crate::model::live::Connection;

    fn context() -> Context {
        Context::new("test", &Connection { brokers: "b:9093".into(), ..Connection::default() })
    }

    #[test]
    fn a_timeout_is_told_by_its_cause() {
        let context = context();
        let timed_out = KafkaError::MetadataFetch(Code::OperationTimedOut);
        let of = |context: &Context| KafkaFault::of(&timed_out, Doing::Look("events"), context);
        assert!(matches!(of(&context), KafkaFault::TimedOut { .. }));
        let told = [
            (Code::SSL, "certificate verify failed: broker certificate", "trust the CA"),
            (Code::SSL, "certificate verify failed (hostname mismatch)", "for another name"),
            (Code::SSL, "ssl alert bad certificate", "client certificate"),
            (
                Code::BrokerTransportFailure,
                "Receive failed: error:0A000412:SSL routines::ssl/tls alert bad certificate",
                "client certificate",
            ),
            (Code::Authentication, "SASL authentication error: Invalid password", "username"),
            (
                Code::Authentication,
                "failed due to invalid credentials with SASL mechanism SCRAM-SHA-512",
                "see to username and password",
            ),
            (Code::Authentication, "Unsupported SASL mechanism", "offers ([kafka.sasl] mechanism)"),
            (
                Code::BrokerTransportFailure,
                "Connect to b:9093 failed: refused",
                "see that they run",
            ),
        ];
        for (code, words, expected) in told {
            context.error(KafkaError::Global(code), words);
            let text = of(&context).to_string();
            assert!(text.contains(words) && text.contains(expected), "{text}");
        }
        context.forget();
        assert!(matches!(of(&context), KafkaFault::TimedOut { .. }));
    }

    #[test]
    fn what_is_forbidden_names_its_acl() {
        let cases = [
            (Doing::Write("alerts"), Code::TopicAuthorizationFailed, "Write on topic alerts"),
            (Doing::Group("g"), Code::GroupAuthorizationFailed, "Read on group g"),
            (
                Doing::Transaction("p.g"),
                Code::TransactionalIdAuthorizationFailed,
                "transactional id p.g",
            ),
        ];
        for (doing, code, expected) in cases {
            let fault = KafkaFault::of(&KafkaError::Global(code), doing, &context());
            assert!(fault.to_string().contains(expected) && !fault.is_passing(), "{fault}");
        }
    }

    #[test]
    fn a_refused_property_is_named_without_its_value() {
        let mut config = super::super::client::config(&Connection::default(), "test");
        config.set("acks", "swordfish");
        let error = config.create_native_config().err().expect("a bad value");
        let text = KafkaFault::of(&error, Doing::Connect, &context()).to_string();
        assert!(text.contains("acks"), "{text}");
    }

    #[test]
    fn faults_know_whether_to_wait() {
        let of = |code| KafkaFault::of_code(code, "", Doing::Group("g"), &context());
        assert!(of(Code::CoordinatorLoadInProgress).is_passing());
        assert!(of(Code::IllegalGeneration).is_eviction());
        assert!(!of(Code::Fenced).is_passing() && !of(Code::Fenced).is_eviction());
    }
}
