//! A librdkafka client: its config from a `Connection`, and the context that listens to it.
//!
//! Not here: properties of one role (consumer, producer), which the owner of that role sets. What
//! librdkafka says goes to `tracing`, bounded and with every secret of the connection struck out.

use std::error::Error;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::token;
use crate::model::live::{Connection, TokenSource};

/// Longest text of librdkafka that is kept or logged, in characters.
const WORDS_MAX: usize = 400;
/// Errors that have a cause.
const FOLLOWS: [RDKafkaErrorCode; 4] = [
    RDKafkaErrorCode::AllBrokersDown,
    RDKafkaErrorCode::OperationTimedOut,
    RDKafkaErrorCode::MessageTimedOut,
    RDKafkaErrorCode::TimedOutQueue,
];
/// An error explains what fails within this time: the client tells it anew at each try to connect, which
/// it makes every ten seconds at the latest.
const FRESH: Duration = Duration::from_secs(15);
/// Parts of property names whose values must never be shown.
const SECRET_NAMES: &[&str] =
    &["password", "secret", ".pem", "oauthbearer", "sasl.jaas", "token", "credential"];

/// Brokers, properties and `client.id = driftline-ROLE`; nothing of a role.
pub fn config(connection: &Connection, role: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &connection.brokers);
    for (name, value) in &connection.properties {
        config.set(name, value.expose());
    }
    config.set("client.id", format!("driftline-{role}"));
    let debug = connection.properties.contains_key("debug");
    config.set_log_level(if debug { RDKafkaLogLevel::Debug } else { RDKafkaLogLevel::Info });
    config
}

/// Sets a property, unless the user has set it.
pub fn prefer(config: &mut ClientConfig, connection: &Connection, name: &str, value: &str) {
    if !connection.properties.contains_key(name) {
        config.set(name, value);
    }
}

/// Listens to one client: logs, errors, token refreshes.
///
/// A context of another kind (a producer's, a member's) holds one of these and passes calls on.
pub struct Context {
    role: String,
    brokers: String,
    oauth_token: Option<TokenSource>,
    secrets: Vec<String>,
    last: Mutex<Option<ClientError>>,
}

/// An error that the client told by itself.
struct ClientError {
    code: RDKafkaErrorCode,
    words: String,
    at: Instant,
}

impl Context {
    /// A context for a client of this role.
    pub fn new(role: &str, connection: &Connection) -> Self {
        let is_secret = |name: &str| SECRET_NAMES.iter().any(|part| name.contains(part));
        let secrets = connection
            .properties
            .iter()
            .filter(|(name, value)| is_secret(name) && value.expose().len() > 2)
            .map(|(_, value)| value.expose().to_owned());
        Self {
            role: role.to_owned(),
            brokers: connection.brokers.clone(),
            oauth_token: connection.oauth_token.clone(),
            secrets: secrets.collect(),
            last: Mutex::new(None),
        }
    }

    /// Bootstrap servers, as the user named them.
    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    /// The last error that the client told by itself, in its words.
    pub fn last_error(&self) -> Option<String> {
        self.last().map(|(_, words)| words)
    }

    /// The same with its code.
    pub(super) fn last(&self) -> Option<(RDKafkaErrorCode, String)> {
        let last = self.told();
        let fresh = last.as_ref().filter(|told| told.at.elapsed() < FRESH);
        fresh.map(|told| (told.code, told.words.clone()))
    }

    /// Forgets the last error: the client has answered since.
    pub fn forget(&self) {
        *self.told() = None;
    }

    fn told(&self) -> MutexGuard<'_, Option<ClientError>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, code: RDKafkaErrorCode, words: String) {
        *self.told() = Some(ClientError { code, words, at: Instant::now() });
    }

    /// A text of librdkafka, bounded, without the secrets of this connection.
    pub fn words(&self, text: &str) -> String {
        let mut words = text.trim().replace(['\n', '\r'], " ");
        for secret in &self.secrets {
            words = words.replace(secret.as_str(), "***");
        }
        match words.char_indices().nth(WORDS_MAX) {
            Some((at, _)) => format!("{}..", &words[..at]),
            None => words,
        }
    }
}

impl ClientContext for Context {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        let (role, message) = (&self.role, self.words(message));
        match level {
            // A property of the consumer in a producer and the reverse: one config serves both.
            _ if facility == "CONFWARN" => {
                tracing::debug!(target: "librdkafka", role, facility, "{message}");
            }
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => {
                tracing::warn!(target: "librdkafka", role, facility, "{message}");
            }
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
                tracing::info!(target: "librdkafka", role, facility, "{message}");
            }
            RDKafkaLogLevel::Debug => {
                tracing::debug!(target: "librdkafka", role, facility, "{message}");
            }
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
        if code == RDKafkaErrorCode::PartitionEOF {
            // What was asked for, not a fault.
            return;
        }
        let words = self.words(reason);
        // A line of the log says the same; this is for those who ask what the matter is.
        tracing::debug!(target: "librdkafka", role = self.role, code = ?code, "{words}");
        // That all brokers are down, or that they were not heard of in time, follows from an error that
        // says more, where there is one.
        if !FOLLOWS.contains(&code) || self.last().is_none() {
            self.tell(code, words);
        }
    }

    fn generate_oauth_token(&self, _config: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        token::read(self.oauth_token.as_ref()).map_err(|error| {
            let words = self.words(&error);
            tracing::warn!(role = self.role, "{words}");
            self.tell(RDKafkaErrorCode::Authentication, words.clone());
            words.into()
        })
    }
}

impl ConsumerContext for Context {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;

    #[test]
    fn secrets_are_struck_out_and_texts_are_bounded() {
        let mut connection = Connection { brokers: "b:9092".into(), ..Connection::default() };
        connection.properties.insert("sasl.password".into(), Secret::new("swordfish"));
        let context = Context::new("test", &connection);
        context.error(
            KafkaError::Global(RDKafkaErrorCode::Authentication),
            &format!("password swordfish refused {}", "x".repeat(1000)),
        );
        let words = context.last_error().expect("an error was told");
        assert!(words.starts_with("password *** refused xxx"), "{words}");
        assert!(words.chars().count() <= WORDS_MAX + 2);
        context.error(KafkaError::Global(RDKafkaErrorCode::AllBrokersDown), "1/1 brokers are down");
        assert!(context.last_error().is_some_and(|words| words.contains("refused")));
        context.forget();
        assert_eq!(context.last_error(), None);
    }

    #[test]
    fn a_config_is_the_connection_and_a_client_id() {
        let mut connection = Connection { brokers: "b:9092".into(), ..Connection::default() };
        connection.properties.insert("linger.ms".into(), Secret::new("7"));
        let mut config = config(&connection, "commit");
        prefer(&mut config, &connection, "linger.ms", "5");
        prefer(&mut config, &connection, "compression.type", "lz4");
        let get = |name| config.get(name);
        assert_eq!(get("bootstrap.servers"), Some("b:9092"));
        assert_eq!(get("client.id"), Some("driftline-commit"));
        assert_eq!((get("linger.ms"), get("compression.type")), (Some("7"), Some("lz4")));
    }
}
