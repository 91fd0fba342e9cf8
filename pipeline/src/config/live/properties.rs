//! `[kafka.properties]`: any property of librdkafka, but those that Driftline sets itself.
//!
//! Whether a property exists and takes a value is asked of librdkafka itself. Not here: any connection.

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaConfRes;

use super::super::diagnostic::{Diagnostics, nearest};
use super::super::external_text::{NamedText, TextReader, TextSource};
use super::super::secret_names::is_secret;
use crate::model::Secret;

const COMMITTED: &str = "leave it out: offsets are committed together with results";
const LOSSLESS: &str = "leave it out: Driftline's guarantees depend on the value that it sets";
const THREADS: &str = "leave it out: Driftline's way of reading depends on the value that it sets";
const HOSTNAME: &str = "use verify_hostname in [kafka.tls]";

/// Properties that Driftline sets itself, and what to do instead.
const OWN: &[(&str, &str)] = &[
    ("acks", LOSSLESS),
    ("auto.commit.enable", COMMITTED),
    ("auto.commit.interval.ms", COMMITTED),
    ("auto.offset.reset", "use from in [source]"),
    ("bootstrap.servers", "use brokers in [kafka]"),
    ("client.id", "leave it out: each connection is named after its role, such as driftline-fetch"),
    ("consume.callback.max.messages", THREADS),
    ("delivery.report.only.error", LOSSLESS),
    ("delivery.timeout.ms", "use transaction_timeout in [delivery]"),
    ("enable.auto.commit", COMMITTED),
    ("enable.auto.offset.store", COMMITTED),
    ("enable.gapless.guarantee", LOSSLESS),
    ("enable.idempotence", LOSSLESS),
    ("enable.partition.eof", THREADS),
    ("enable.sasl.oauthbearer.unsecure.jwt", "use token in [kafka.sasl]"),
    ("group.id", "use group in [source]"),
    ("group.instance.id", "use instance_id in [source]"),
    ("group.protocol", "use protocol in [source]"),
    ("group.protocol.type", "use protocol in [source]"),
    ("group.remote.assignor", "use split in [source]"),
    ("isolation.level", LOSSLESS),
    ("log_level", "leave it out: use --log-level"),
    ("max.in.flight", LOSSLESS),
    ("max.in.flight.requests.per.connection", LOSSLESS),
    ("max.poll.interval.ms", THREADS),
    ("message.timeout.ms", "use transaction_timeout in [delivery]"),
    ("metadata.broker.list", "use brokers in [kafka]"),
    ("offset.store.method", COMMITTED),
    ("offset.store.path", COMMITTED),
    ("offset.store.sync.interval.ms", COMMITTED),
    ("partition.assignment.strategy", "use split and protocol in [source]"),
    ("plugin.library.paths", "leave it out: Driftline loads no plugins"),
    ("queued.max.messages.kbytes", "use memory in [source]"),
    ("queued.min.messages", "use memory in [source]"),
    ("request.required.acks", LOSSLESS),
    ("sasl.jaas.config", "use username and password in [kafka.sasl]"),
    ("sasl.mechanism", "use mechanism in [kafka.sasl]"),
    ("sasl.mechanisms", "use mechanism in [kafka.sasl]"),
    ("sasl.oauthbearer.config", "use token in [kafka.sasl]"),
    ("sasl.oauthbearer.method", "use token in [kafka.sasl]"),
    ("sasl.password", "use password in [kafka.sasl]"),
    ("sasl.username", "use username in [kafka.sasl]"),
    ("security.protocol", "use the sections [kafka.tls] and [kafka.sasl]: it follows from them"),
    ("session.timeout.ms", "use session_timeout in [source]"),
    ("ssl.ca.location", "use ca_file in [kafka.tls]"),
    ("ssl.certificate.location", "use certificate_file in [kafka.tls]"),
    ("ssl.endpoint.identification.algorithm", HOSTNAME),
    ("ssl.key.location", "use key_file in [kafka.tls]"),
    ("ssl.key.password", "use key_password in [kafka.tls]"),
    ("statistics.interval.ms", "leave it out: use /metrics"),
    ("transaction.timeout.ms", "use transaction_timeout in [delivery]"),
    ("transactional.id", "leave it out: it is made from the pipeline's name and the group"),
];

/// Properties that are worth passing through; others that librdkafka knows are taken, too.
pub(in crate::config) const PASSED_THROUGH: &[&str] = &[
    "api.version.request",
    "batch.num.messages",
    "batch.size",
    "broker.address.family",
    "broker.address.ttl",
    "check.crcs",
    "client.dns.lookup",
    "client.rack",
    "compression.codec",
    "compression.level",
    "compression.type",
    "connections.max.idle.ms",
    "coordinator.query.interval.ms",
    "debug",
    "enable.metrics.push",
    "enable.ssl.certificate.verification",
    "fetch.error.backoff.ms",
    "fetch.max.bytes",
    "fetch.message.max.bytes",
    "fetch.min.bytes",
    "fetch.queue.backoff.ms",
    "fetch.wait.max.ms",
    "heartbeat.interval.ms",
    "linger.ms",
    "log.connection.close",
    "max.partition.fetch.bytes",
    "message.max.bytes",
    "metadata.max.age.ms",
    "metadata.recovery.rebootstrap.trigger.ms",
    "metadata.recovery.strategy",
    "queue.buffering.max.kbytes",
    "queue.buffering.max.messages",
    "queue.buffering.max.ms",
    "receive.message.max.bytes",
    "reconnect.backoff.max.ms",
    "reconnect.backoff.ms",
    "request.timeout.ms",
    "retries",
    "retry.backoff.max.ms",
    "retry.backoff.ms",
    "socket.connection.setup.timeout.ms",
    "socket.keepalive.enable",
    "socket.nagle.disable",
    "socket.receive.buffer.bytes",
    "socket.send.buffer.bytes",
    "socket.timeout.ms",
    "ssl.ca.pem",
    "ssl.certificate.pem",
    "ssl.cipher.suites",
    "ssl.crl.location",
    "ssl.curves.list",
    "ssl.key.pem",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.providers",
    "ssl.sigalgs.list",
    "topic.blacklist",
    "topic.metadata.refresh.interval.ms",
];

/// The properties with their values; what is wrong with one is told, and it is left out.
pub(super) fn read(
    properties: &[NamedText],
    texts: &TextReader<'_>,
    diagnostics: &mut Diagnostics,
) -> Vec<(String, Secret)> {
    let mut all = Vec::new();
    for (at, property) in properties.iter().enumerate() {
        let name = property.name.as_str();
        if let Some((_, instead)) = OWN.iter().find(|(own, _)| *own == name) {
            diagnostics
                .error(property.span.clone(), format!("Driftline sets `{name}` itself"))
                .help(*instead);
        } else if !is_known(name) {
            let item = diagnostics
                .error(property.span.clone(), format!("librdkafka has no property `{name}`"));
            let names = PASSED_THROUGH.iter().chain(OWN.iter().map(|(own, _)| own)).copied();
            if let Some(near) = nearest(name, names) {
                item.label(format!("did you mean `{near}`?"));
            }
            item.help("properties of Java clients that librdkafka does not have cannot be set");
        } else if properties.iter().take(at).any(|other| other.name == name) {
            diagnostics
                .error(property.span.clone(), format!("`{name}` is given twice"))
                .help("remove one of them");
        } else if let Some(value) = texts.read(&property.text, diagnostics) {
            match refused(name, &value) {
                None => all.push((name.to_owned(), Secret::new(value))),
                // librdkafka's words repeat the value, which may have come from outside.
                Some(why) => {
                    let open =
                        !is_secret(name) && matches!(property.text.source, TextSource::Literal(_));
                    let item = diagnostics.error(
                        property.text.span.clone(),
                        format!("librdkafka does not accept this value for `{name}`"),
                    );
                    if open {
                        item.help(why);
                    }
                }
            }
        }
    }
    all
}

fn is_known(name: &str) -> bool {
    // A getter would not know properties of topics.
    let answer = ClientConfig::new().set(name, "").create_native_config();
    !matches!(answer, Err(KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, ..)))
}

/// Why librdkafka does not take it.
fn refused(name: &str, value: &str) -> Option<String> {
    match ClientConfig::new().set(name, value).create_native_config() {
        Ok(_) => None,
        Err(KafkaError::ClientConfig(_, why, ..)) => Some(why.trim().to_owned()),
        Err(error) => Some(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn librdkafka_knows_the_tables() {
        for name in PASSED_THROUGH.iter().chain(OWN.iter().map(|(own, _)| own)) {
            assert!(is_known(name), "{name}");
        }
        assert!(!is_known("sasl.mechanismus"));
        let own: Vec<&str> = OWN.iter().map(|(own, _)| *own).collect();
        assert!(own.is_sorted() && PASSED_THROUGH.is_sorted());
        assert!(PASSED_THROUGH.iter().all(|name| !own.contains(name)));
    }

    #[test]
    fn librdkafka_judges_values() {
        assert_eq!(refused("socket.timeout.ms", "1000"), None);
        assert!(refused("socket.timeout.ms", "fast").is_some());
        assert!(refused("compression.codec", "brotli").is_some());
    }
}
