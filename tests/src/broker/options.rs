//! How a broker of the tests is set up: its listeners, users and properties.
//!
//! Not here: processes. One node is broker and controller at once; every topic has one replica.

use std::fmt::Write as _;
use std::path::Path;

use super::certificates::Certificates;

/// A way in. Each has a port of its own on the loopback address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// No TLS, no password; who comes here is the super user. Always there.
    Plaintext,
    /// TLS with the server's certificate.
    Tls,
    /// TLS with certificates of both sides.
    MutualTls,
    /// TLS and a user: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER (unsecured tokens).
    Sasl,
    /// The same without TLS.
    SaslPlaintext,
}

/// Listener, its name in the broker's properties, its protocol.
pub(super) const LISTENERS: [(Listener, &str, &str); 5] = [
    (Listener::Plaintext, "OPEN", "PLAINTEXT"),
    (Listener::Tls, "TLS", "SSL"),
    (Listener::MutualTls, "MUTUAL", "SSL"),
    (Listener::Sasl, "SASL", "SASL_SSL"),
    (Listener::SaslPlaintext, "SASLOPEN", "SASL_PLAINTEXT"),
];

/// Users of the SASL listeners, with their passwords.
pub const USERS: [(&str, &str); 2] = [("alice", "correct horse"), ("bob", "battery staple")];

/// What a test asks of a broker of its own.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// All listeners and users, not only the open one.
    pub secured: bool,
    /// Access control lists hold: who is not the super user may do what `Broker::allow` says.
    pub guarded: bool,
    /// Properties that are set besides ours, or instead of them.
    pub properties: Vec<(String, String)>,
}

impl Options {
    /// Sets a property of the broker.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.properties.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Names and protocols of the listeners that it has.
    pub(super) fn listeners(&self) -> &'static [(Listener, &'static str, &'static str)] {
        if self.secured { &LISTENERS } else { &LISTENERS[..1] }
    }

    /// The text of `server.properties`. The ports are those of `listeners`, then the controller's.
    pub(super) fn properties(
        &self,
        folder: &Path,
        ports: &[u16],
        certificates: Option<&Certificates>,
    ) -> String {
        let listeners = self.listeners();
        let controller = ports[listeners.len()];
        let joined = |part: &dyn Fn(usize, &str, &str) -> String| -> String {
            let parts =
                listeners.iter().enumerate().map(|(at, (_, name, kind))| part(at, name, kind));
            parts.collect::<Vec<_>>().join(",")
        };
        let places = joined(&|at, name, _| format!("{name}://127.0.0.1:{}", ports[at]));
        let kinds = joined(&|_, name, kind| format!("{name}:{kind}"));
        let mut set: Vec<(String, String)> = [
            ("process.roles", "broker,controller".to_owned()),
            ("node.id", "1".to_owned()),
            ("controller.quorum.voters", format!("1@127.0.0.1:{controller}")),
            ("controller.listener.names", "CONTROLLER".to_owned()),
            ("listeners", format!("{places},CONTROLLER://127.0.0.1:{controller}")),
            ("advertised.listeners", places),
            ("listener.security.protocol.map", format!("{kinds},CONTROLLER:PLAINTEXT")),
            ("inter.broker.listener.name", "OPEN".to_owned()),
            ("log.dirs", folder.join("logs").display().to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec();
        set.extend(FIXED.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        if let Some(certificates) = certificates {
            set.extend(security(certificates));
        }
        if self.guarded {
            set.extend(GUARD.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        }
        set.extend(self.properties.iter().cloned());
        // The last one of a name counts.
        set.iter().fold(String::new(), |mut text, (name, value)| {
            writeln!(text, "{name}={value}").expect("memory can be written");
            text
        })
    }
}

/// One node, and nothing waits for company.
const FIXED: &[(&str, &str)] = &[
    ("offsets.topic.num.partitions", "1"),
    ("offsets.topic.replication.factor", "1"),
    ("transaction.state.log.num.partitions", "1"),
    ("transaction.state.log.replication.factor", "1"),
    ("transaction.state.log.min.isr", "1"),
    ("share.coordinator.state.topic.replication.factor", "1"),
    ("share.coordinator.state.topic.min.isr", "1"),
    ("group.initial.rebalance.delay.ms", "0"),
    ("group.min.session.timeout.ms", "1000"),
    ("group.consumer.min.session.timeout.ms", "1000"),
    ("group.consumer.session.timeout.ms", "6000"),
    ("group.consumer.min.heartbeat.interval.ms", "200"),
    ("group.consumer.heartbeat.interval.ms", "500"),
    // A transaction whose owner died is aborted soon after its timeout.
    ("transaction.abort.timed.out.transaction.cleanup.interval.ms", "500"),
    ("transaction.remove.expired.transaction.cleanup.interval.ms", "10000"),
    ("auto.create.topics.enable", "false"),
    // Records of tests have times that are long past.
    ("log.retention.ms", "-1"),
    ("num.partitions", "1"),
    ("default.replication.factor", "1"),
    ("min.insync.replicas", "1"),
    ("num.network.threads", "2"),
    ("num.io.threads", "4"),
    ("log.cleaner.dedupe.buffer.size", "4194304"),
    ("log.cleaner.backoff.ms", "500"),
    ("log.cleaner.min.compaction.lag.ms", "0"),
    ("log.initial.task.delay.ms", "500"),
    ("controlled.shutdown.enable", "false"),
    // After a kill the node comes back when its old session is over.
    ("broker.session.timeout.ms", "3000"),
    ("broker.heartbeat.interval.ms", "500"),
];

/// Access control lists; the open listener is above them.
const GUARD: &[(&str, &str)] = &[
    ("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer"),
    ("super.users", "User:ANONYMOUS"),
    ("allow.everyone.if.no.acl.found", "false"),
];

const MODULES: &str = "org.apache.kafka.common.security";

fn security(certificates: &Certificates) -> Vec<(String, String)> {
    let pem = |file: &Path| file.display().to_string();
    let mut set = vec![
        ("ssl.keystore.type".to_owned(), "PEM".to_owned()),
        ("ssl.keystore.location".to_owned(), pem(&certificates.server_store)),
        ("ssl.truststore.type".to_owned(), "PEM".to_owned()),
        ("ssl.truststore.location".to_owned(), pem(&certificates.authority)),
        ("listener.name.mutual.ssl.client.auth".to_owned(), "required".to_owned()),
    ];
    let users: String =
        USERS.iter().map(|(user, word)| format!(" user_{user}=\"{word}\"")).collect();
    let entries = [
        ("plain", format!("{MODULES}.plain.PlainLoginModule required{users};")),
        ("scram-sha-256", format!("{MODULES}.scram.ScramLoginModule required;")),
        ("scram-sha-512", format!("{MODULES}.scram.ScramLoginModule required;")),
        ("oauthbearer", format!("{MODULES}.oauthbearer.OAuthBearerLoginModule required;")),
    ];
    for listener in ["sasl", "saslopen"] {
        let of = |name: &str| format!("listener.name.{listener}.{name}");
        let names: Vec<String> = entries.iter().map(|(name, _)| name.to_uppercase()).collect();
        set.push((of("sasl.enabled.mechanisms"), names.join(",")));
        for (mechanism, entry) in &entries {
            set.push((of(&format!("{mechanism}.sasl.jaas.config")), entry.clone()));
        }
    }
    set
}

/// Arguments of the storage tool that make the users of SCRAM.
pub(super) fn scram() -> Vec<String> {
    let user = |(user, word): &(&str, &str)| {
        ["SCRAM-SHA-256", "SCRAM-SHA-512"]
            .map(|mechanism| format!("{mechanism}=[name={user},password={word},iterations=4096]"))
    };
    USERS.iter().flat_map(user).flat_map(|entry| ["--add-scram".to_owned(), entry]).collect()
}
