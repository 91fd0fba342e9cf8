//! `[kafka.tls]` and `[kafka.sasl]` to librdkafka's properties.

use super::super::diagnostic::Diagnostics;
use super::super::external_text::{ExternalText, TextReader, TextSource};
use super::super::places::Places;
use super::draft::{LiveDraft, SaslDraft, TlsDraft};
use super::options::MECHANISMS;
use crate::model::Secret;
use crate::model::live::TokenSource;

/// What the two sections come to.
#[derive(Default)]
pub(super) struct Security {
    pub(super) properties: Vec<(String, Secret)>,
    pub(super) token: Option<TokenSource>,
}

impl Security {
    fn set(&mut self, name: &str, value: Option<String>) {
        self.properties.extend(value.map(|value| (name.to_owned(), Secret::new(value))));
    }
}

/// Reads both; what does not fit is told.
pub(super) fn read(
    draft: &LiveDraft,
    places: &Places,
    texts: &TextReader<'_>,
    diagnostics: &mut Diagnostics,
) -> Security {
    let mut security = Security::default();
    let tls = places.has("kafka.tls") && !places.is_wrong("kafka.tls") && draft.tls.enabled;
    let sasl = places.has("kafka.sasl") && !places.is_wrong("kafka.sasl");
    let protocol = match (tls, sasl) {
        (false, false) => "plaintext",
        (true, false) => "ssl",
        (false, true) => "sasl_plaintext",
        (true, true) => "sasl_ssl",
    };
    security.set("security.protocol", Some(protocol.into()));
    if tls {
        self::tls(&draft.tls, places, texts, &mut security, diagnostics);
    }
    if sasl {
        self::sasl(&draft.sasl, tls, places, texts, &mut security, diagnostics);
    }
    security
}

fn tls(
    tls: &TlsDraft,
    places: &Places,
    texts: &TextReader<'_>,
    security: &mut Security,
    diagnostics: &mut Diagnostics,
) {
    match &tls.ca_file {
        Some(file) => security.set("ssl.ca.location", texts.path(file, diagnostics)),
        // The TLS library that is built in does not know where this system keeps its certificates.
        None => security.set("ssl.ca.location", Some("probe".into())),
    }
    let pair = [
        ("certificate_file", &tls.certificate_file, "ssl.certificate.location"),
        ("key_file", &tls.key_file, "ssl.key.location"),
    ];
    for ((_, file, property), (other, other_file, _)) in pair.iter().zip(pair.iter().rev()) {
        let Some(file) = file else { continue };
        security.set(property, texts.path(file, diagnostics));
        if other_file.is_none() {
            diagnostics
                .error(file.span.clone(), format!("`kafka.tls.{other}` is missing"))
                .help("mutual TLS needs certificate_file and key_file; plain TLS neither");
        }
    }
    if let Some(password) = &tls.key_password {
        if tls.key_file.is_none() {
            let key = places.key("kafka.tls.key_password");
            diagnostics.error(key, "a password without a key").help("add key_file = \"...\"");
        }
        security.set("ssl.key.password", texts.read(password, diagnostics));
    }
    let algorithm = if tls.verify_hostname { "https" } else { "none" };
    security.set("ssl.endpoint.identification.algorithm", Some(algorithm.into()));
    if !tls.verify_hostname {
        diagnostics
            .warning(
                places.key("kafka.tls.verify_hostname"),
                "anyone with a certificate from the same CA can pose as a broker",
            )
            .help("issue certificates with the brokers' host names, and remove this line");
    }
}

fn sasl(
    sasl: &SaslDraft,
    tls: bool,
    places: &Places,
    texts: &TextReader<'_>,
    security: &mut Security,
    diagnostics: &mut Diagnostics,
) {
    let Some(mechanism) = &sasl.mechanism else {
        if !places.is_wrong("kafka.sasl.mechanism") {
            diagnostics
                .error(places.key("kafka.sasl"), "`kafka.sasl.mechanism` is missing")
                .help(format!("add mechanism = \"...\", one of {}", MECHANISMS.join(", ")));
        }
        return;
    };
    security.set("sasl.mechanism", Some(mechanism.clone()));
    let by_token = mechanism == "OAUTHBEARER";
    let parts = [
        ("username", &sasl.username, "sasl.username", !by_token),
        ("password", &sasl.password, "sasl.password", !by_token),
        ("token", &sasl.token, "", by_token),
    ];
    for (name, given, property, wanted) in parts {
        let full = format!("kafka.sasl.{name}");
        match (given, wanted) {
            (Some(given), true) if property.is_empty() => {
                security.token = self::token(given, texts, diagnostics);
            }
            (Some(given), true) => security.set(property, texts.read(given, diagnostics)),
            (Some(_), false) => {
                diagnostics
                    .error(places.key(&full), format!("{mechanism} takes no {name}"))
                    .help("leave it out, or choose another mechanism");
            }
            (None, true) if !places.has(&full) => {
                let example = match name {
                    "username" => "username = \"driftline\"",
                    "password" => "password = { env = \"KAFKA_PASSWORD\" }",
                    _ => "token = { file = \"/var/run/secrets/kafka/token\" }",
                };
                diagnostics
                    .error(places.key("kafka.sasl"), format!("{mechanism} needs a {name}"))
                    .help(format!("add {example}"));
            }
            (None, _) => {}
        }
    }
    if !tls && matches!(mechanism.as_str(), "PLAIN" | "OAUTHBEARER") {
        diagnostics
            .warning(
                places.key("kafka.sasl.mechanism"),
                format!("{mechanism} without TLS sends the secret in clear text"),
            )
            .help("add a section [kafka.tls]");
    }
}

/// Where the token stands; that it is there now is checked where outside is read.
fn token(
    given: &ExternalText,
    texts: &TextReader<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<TokenSource> {
    texts.outside?;
    texts.read(given, diagnostics)?;
    match &given.source {
        TextSource::Literal(_) => None,
        TextSource::Env(name) => Some(TokenSource::Env(name.clone())),
        TextSource::File(path) => {
            Some(TokenSource::File(texts.outside.map_or(path.clone(), |o| o.folder.join(path))))
        }
    }
}
