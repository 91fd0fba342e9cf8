//! librdkafka's codes as faults.
//!
//! A fault is made of the code, of what was being done, and of what the client said by itself: a call that
//! only tells "timed out" timed out because of something, and the client knows what.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use super::client::Context;
use super::fault::{Doing, KafkaFault};

/// What a TLS error says, and what to do. The first that fits; the last fits all.
const TLS_REMEDIES: &[(&str, &str)] = &[
    ("PLAINTEXT", "this port does not speak TLS: correct the port, or remove [kafka.tls]"),
    ("hostname", "the certificate is for another name: name the brokers as their certificates do"),
    ("IP address mismatch", "the certificate is for another address: name the brokers as it does"),
    ("expired", "have the certificate renewed"),
    ("verify", "trust the CA that signed the broker's certificate ([kafka.tls] ca_file)"),
    ("self-signed", "trust the CA that signed the broker's certificate ([kafka.tls] ca_file)"),
    (
        "wrong version number",
        "this port does not speak TLS: correct the port, or remove [kafka.tls]",
    ),
    (
        "alert",
        "the broker wants a client certificate that it trusts ([kafka.tls] certificate_file and key_file)",
    ),
    ("", "check the CA, the names of the brokers, and the client certificate"),
];

/// The same of a refused login.
const LOGIN_REMEDIES: &[(&str, &str)] = &[
    ("invalid credentials", "check username and password in [kafka.sasl]"),
    ("token", "check that the token's source holds a valid token"),
    ("mechanism", "use a mechanism that the listener offers ([kafka.sasl] mechanism)"),
    ("", "check username, password and mechanism in [kafka.sasl]"),
];

fn remedy(table: &'static [(&str, &str)], detail: &str) -> &'static str {
    table.iter().find(|(part, _)| detail.contains(part)).map_or("", |(_, remedy)| remedy)
}

/// What a code is told with.
struct FaultContext<'a> {
    code: Code,
    brokers: String,
    doing: Doing<'a>,
    detail: String,
}

/// Makes the fault of a code.
type Fault = fn(FaultContext<'_>) -> KafkaFault;

/// Codes, and the fault that each of them is. Any other is [`KafkaFault::Other`].
const FAULTS: &[(&[Code], Fault)] = &[
    (&[Code::SSL], |FaultContext { brokers, detail, .. }| {
        let remedy = remedy(TLS_REMEDIES, &detail);
        KafkaFault::Tls { brokers, detail, remedy }
    }),
    (
        &[
            Code::Authentication,
            Code::SaslAuthenticationFailed,
            Code::UnsupportedSASLMechanism,
            Code::IllegalSASLState,
        ],
        |FaultContext { brokers, detail, .. }| {
            let remedy = remedy(LOGIN_REMEDIES, &detail);
            KafkaFault::Login { brokers, detail, remedy }
        },
    ),
    (
        &[
            Code::BrokerTransportFailure,
            Code::AllBrokersDown,
            Code::Resolve,
            Code::BrokerNotAvailable,
            Code::NetworkException,
        ],
        |FaultContext { brokers, doing, detail, .. }| KafkaFault::Unreachable {
            brokers,
            doing: doing.words(),
            detail,
        },
    ),
    (
        &[
            Code::UnknownTopic,
            Code::UnknownTopicOrPartition,
            Code::UnknownPartition,
            Code::UnknownTopicId,
        ],
        |FaultContext { doing, .. }| KafkaFault::UnknownTopic {
            topic: doing.topic().unwrap_or("of the config").to_owned(),
        },
    ),
    (
        &[
            Code::TopicAuthorizationFailed,
            Code::GroupAuthorizationFailed,
            Code::ClusterAuthorizationFailed,
            Code::TransactionalIdAuthorizationFailed,
        ],
        |FaultContext { doing, detail, .. }| KafkaFault::Forbidden {
            doing: doing.words(),
            detail,
            acl: doing.acl(),
        },
    ),
    (
        &[Code::MessageSizeTooLarge, Code::MessageBatchTooLarge, Code::InvalidMessageSize],
        |FaultContext { doing, detail, .. }| KafkaFault::TooLarge { doing: doing.words(), detail },
    ),
    (
        &[
            Code::OperationTimedOut,
            Code::MessageTimedOut,
            Code::TimedOutQueue,
            Code::RequestTimedOut,
            Code::NotEnoughReplicas,
            Code::NotEnoughReplicasAfterAppend,
        ],
        |FaultContext { doing, detail, .. }| KafkaFault::TimedOut { doing: doing.words(), detail },
    ),
    (
        &[
            Code::IllegalGeneration,
            Code::UnknownMemberId,
            Code::FencedInstanceId,
            Code::FencedMemberEpoch,
            Code::StaleMemberEpoch,
            Code::AssignmentLost,
            Code::PollExceeded,
        ],
        |FaultContext { doing, detail, .. }| KafkaFault::Evicted { doing: doing.words(), detail },
    ),
    (
        &[
            Code::Fenced,
            Code::ProducerFenced,
            Code::InvalidProducerEpoch,
            Code::TransactionCoordinatorFenced,
        ],
        |FaultContext { doing, detail, .. }| KafkaFault::Fenced { doing: doing.words(), detail },
    ),
];

/// Codes that say only that nobody answered: the client may have told why, apart from the call.
const UNANSWERED: &[Code] = &[
    Code::BrokerTransportFailure,
    Code::AllBrokersDown,
    Code::OperationTimedOut,
    Code::MessageTimedOut,
    Code::TimedOutQueue,
];

/// Codes that say why nobody answers.
const CAUSES: &[Code] = &[
    Code::SSL,
    Code::Authentication,
    Code::Resolve,
    Code::BrokerTransportFailure,
    Code::AllBrokersDown,
    Code::SaslAuthenticationFailed,
    Code::UnsupportedSASLMechanism,
];

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
        let (code, detail) = cause(code, words, context);
        let made = FAULTS.iter().find(|(codes, _)| codes.contains(&code));
        let told = FaultContext { code, brokers: context.brokers().to_owned(), doing, detail };
        match made {
            Some((_, fault)) => fault(told),
            None => Self::Other { doing: doing.words(), detail: told.detail, code: told.code },
        }
    }
}

/// The code and the words that say most: the client's own, where the call's say only that nobody answered.
fn cause(code: Code, words: &str, context: &Context) -> (Code, String) {
    let told = UNANSWERED.contains(&code).then(|| context.last()).flatten();
    let (code, detail) = match told {
        Some((told, words)) if CAUSES.contains(&told) => (told, words),
        _ => (code, context.words(words)),
    };
    // A broker that refuses us while TLS begins does so by closing, after an alert.
    let is_tls = detail.contains("SSL routines") || detail.contains("SSL handshake");
    let code = if code == Code::BrokerTransportFailure && is_tls { Code::SSL } else { code };
    (code, detail)
}

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
                "check username and password",
            ),
            (Code::Authentication, "Unsupported SASL mechanism", "offers ([kafka.sasl] mechanism)"),
            (
                Code::BrokerTransportFailure,
                "Connect to b:9093 failed: refused",
                "check that they run",
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
