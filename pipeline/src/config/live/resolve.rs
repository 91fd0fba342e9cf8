//! The live draft to [`Live`]: whether its options fit each other, and what is missing.

use std::net::SocketAddr;

use super::super::diagnostic::Diagnostics;
use super::super::draft::Draft;
use super::super::duration::format_us;
use super::super::external_text::{Outside, TextReader};
use super::super::places::Places;
use super::draft::LiveDraft;
use super::{properties, security, state, topics};
use crate::model::live::{AnomalySink, Connection, GroupProtocol, Live, SinkTopics, TopicSource};

/// The other sections, which mean nothing without `[kafka]`.
const SECTIONS: &[&str] = &["source", "sinks", "delivery", "state", "http"];

/// Makes [`Live`] where `[kafka]` stands and `outside` is given; without it everything is checked that can
/// be, and nothing is made. Faults are told.
pub(in crate::config) fn resolve(
    draft: &Draft,
    places: &Places,
    outside: Option<&Outside<'_>>,
    diagnostics: &mut Diagnostics,
) -> Option<Live> {
    if !places.has("kafka") {
        if let Some(section) = SECTIONS.iter().find(|section| places.has(section)) {
            diagnostics
                .warning(
                    places.key(section),
                    format!("[{section}] has no effect without the section [kafka]"),
                )
                .help("add [kafka] with brokers = \"host:9092\"");
        }
        return None;
    }
    if places.is_wrong("kafka") {
        return None;
    }
    let texts = TextReader { outside };
    let live = &draft.live;
    let kafka = connection(live, places, &texts, diagnostics);
    let source = source(draft, places, &texts, diagnostics);
    let sinks = sinks(live, places, &texts, diagnostics);
    delivery(live, places, diagnostics);
    let followers =
        live.followers.iter().filter_map(|f| f.resolve(places, &texts, diagnostics)).collect();
    let state = state::read(live, places, &texts, diagnostics);
    let http = listen(live, places, &texts, diagnostics);
    outside?;
    let delivery = live.delivery.clone();
    Some(Live { kafka, source, sinks, delivery, followers, state, http })
}

fn connection(
    live: &LiveDraft,
    places: &Places,
    texts: &TextReader<'_>,
    diagnostics: &mut Diagnostics,
) -> Connection {
    if live.brokers.is_none() && !places.has("kafka.brokers") {
        diagnostics
            .error(places.key("kafka"), "`kafka.brokers` is missing")
            .help("add brokers = \"host:9092\", some of the brokers' addresses");
    }
    let brokers = live.brokers.as_ref().and_then(|brokers| texts.read(brokers, diagnostics));
    if let Some(wrong) = brokers.iter().flat_map(|all| all.split(',')).find(|b| !is_broker(b)) {
        diagnostics
            .error(places.value("kafka.brokers"), format!("\"{wrong}\" is not a broker address"))
            .help("write host:port, with commas between several: \"kafka-1:9092,kafka-2:9092\"");
    }
    let security = security::read(live, places, texts, diagnostics);
    let properties = properties::read(&live.properties, texts, diagnostics);
    Connection {
        brokers: brokers.unwrap_or_default(),
        properties: security.properties.into_iter().chain(properties).collect(),
        oauth_token: security.token,
    }
}

/// `host`, `host:port` or `[::1]:port`.
fn is_broker(text: &str) -> bool {
    let text = text.trim();
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    !host.is_empty()
        && !host.contains(|c: char| c.is_whitespace() || c == '/')
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn source(
    draft: &Draft,
    places: &Places,
    texts: &TextReader<'_>,
    diagnostics: &mut Diagnostics,
) -> TopicSource {
    let live = &draft.live;
    topics::check_inputs(&live.source.topics, places, diagnostics);
    if live.source.protocol == GroupProtocol::Consumer && places.has("source.session_timeout") {
        diagnostics
            .warning(
                places.key("source.session_timeout"),
                "`session_timeout` has no effect: with protocol = \"consumer\" the brokers set it",
            )
            .help("set group.consumer.session.timeout.ms on the brokers");
    }
    let group = match &live.group {
        Some(group) => texts.read(group, diagnostics).unwrap_or_default(),
        None => draft.pipeline.clone(),
    };
    TopicSource {
        group,
        instance_id: live.instance_id.as_ref().and_then(|id| texts.read(id, diagnostics)),
        max_future_us: draft.files.max_future_us,
        ..live.source.clone()
    }
}

fn sinks(
    live: &LiveDraft,
    places: &Places,
    texts: &TextReader<'_>,
    diagnostics: &mut Diagnostics,
) -> SinkTopics {
    let [findings, alerts, quarantine, journal] =
        live.sinks.each_ref().map(|given| texts.read(given, diagnostics));
    let anomalies = live.anomalies.as_ref().and_then(|given| texts.read(given, diagnostics));
    let names = [findings, alerts, quarantine, journal, anomalies];
    topics::check_sinks(&names, &live.source.topics, places, diagnostics);
    let [findings, alerts, quarantine, journal, anomalies] = names;
    if live.anomalies.is_none() && places.has("sinks.surprise") {
        diagnostics
            .warning(places.key("sinks.surprise"), "`surprise` has no effect without `anomalies`")
            .help("name the topic of surprising events: anomalies = \"driftline-anomalies\"");
    }
    SinkTopics {
        findings: findings.unwrap_or_default(),
        alerts: alerts.unwrap_or_default(),
        quarantine: quarantine.unwrap_or_default(),
        journal: journal.unwrap_or_default(),
        anomalies: anomalies.map(|topic| AnomalySink { topic, over_nats: live.surprise_nats }),
    }
}

fn delivery(live: &LiveDraft, places: &Places, diagnostics: &mut Diagnostics) {
    let (commit, timeout) = (live.delivery.commit_us, live.delivery.transaction_timeout_us);
    let names = ["delivery.commit", "delivery.transaction_timeout"];
    if commit < timeout || names.iter().any(|name| places.is_wrong(name)) {
        return;
    }
    let said = names.into_iter().find(|name| places.has(name)).unwrap_or("delivery");
    diagnostics
        .error(
            places.value(said),
            format!(
                "`delivery.commit` ({}) is not shorter than `delivery.transaction_timeout` ({})",
                format_us(commit),
                format_us(timeout)
            ),
        )
        .help("the brokers would abort every transaction: lower `commit`, or raise `transaction_timeout`");
}

fn listen(
    live: &LiveDraft,
    places: &Places,
    texts: &TextReader<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<SocketAddr> {
    let written = texts.read(&live.listen, diagnostics)?;
    if written.is_empty() {
        return None;
    }
    let place = places.value("http.listen");
    let Ok(address) = written.parse::<SocketAddr>() else {
        diagnostics
            .error(place, format!("wrong value for `http.listen`: \"{written}\" is not an address"))
            .label("expected an IP address and a port, such as \"127.0.0.1:9187\"")
            .help("`localhost` is \"127.0.0.1\"; all addresses of this machine are \"0.0.0.0\"; \"\" turns HTTP off");
        return None;
    };
    if !address.ip().is_loopback() {
        diagnostics
            .warning(place, "anyone who can reach this address can read metrics and reload the config")
            .help("restrict access with a firewall or network policy, or listen on \"127.0.0.1:9187\"");
    }
    Some(address)
}
