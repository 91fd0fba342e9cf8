//! librdkafka's properties of the two consumers: what is ours to say, and what the user may say better.

use rdkafka::ClientConfig;

use super::order::FetchSettings;
use crate::kafka::client;
use crate::model::live::{Connection, GroupProtocol, TopicSource};

/// A fetch never asks for less than this at once, however small the budget.
const FETCH_BYTES_MIN: usize = 1 << 16;
/// Nor for more: larger answers only make the memory of the moment larger.
const FETCH_BYTES_MAX: usize = 16 << 20;
const PARTITION_BYTES_MAX: usize = 2 << 20;

/// What both consumers are, whatever the user says: offsets are told by the flow, and only by it.
const FIXED: &[(&str, &str)] = &[
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("isolation.level", "read_committed"),
    ("allow.auto.create.topics", "false"),
];

/// Properties of a member of a group, which a fetcher is not.
const OF_MEMBERS: &[&str] = &[
    "group.instance.id",
    "group.protocol",
    "group.remote.assignor",
    "partition.assignment.strategy",
    "session.timeout.ms",
    "heartbeat.interval.ms",
];

/// What makes fetching fast, unless the user knows better.
const FETCHING: &[(&str, &str)] = &[
    // How long a partition rests once the queue is full; by default a second, which is a saw-tooth.
    ("fetch.queue.backoff.ms", "20"),
    ("fetch.wait.max.ms", "50"),
    ("fetch.min.bytes", "65536"),
    // The budget is in bytes; the number of messages is not to be the bound.
    ("queued.min.messages", "1000000"),
    // TCP has its own; brokers check when they write.
    ("check.crcs", "false"),
    ("enable.metrics.push", "false"),
];

/// What keeps a member's own fetching small: it fetches nothing that anybody reads.
const MEMBERSHIP: &[(&str, &str)] = &[
    ("queued.min.messages", "1"),
    ("queued.max.messages.kbytes", "1024"),
    ("max.partition.fetch.bytes", "1024"),
    ("enable.metrics.push", "false"),
    // New topics and partitions are seen this soon.
    ("topic.metadata.refresh.interval.ms", "10000"),
];

fn prefer(config: &mut ClientConfig, connection: &Connection, table: &[(&str, &str)]) {
    for (name, value) in table {
        client::prefer(config, connection, name, value);
    }
}

fn fix(config: &mut ClientConfig, table: &[(&str, &str)]) {
    for (name, value) in table {
        config.set(*name, *value);
    }
}

/// The config of a fetch thread's consumer.
///
/// Half of the budget may wait in librdkafka's queue. The rest is for what is between the network and the
/// queue (one answer, which the queue's bound does not know yet) and for the batch in hand.
pub(super) fn fetching(settings: &FetchSettings, role: &str) -> ClientConfig {
    let connection = &settings.connection;
    let budget_bytes = settings.memory_bytes;
    let mut config = client::config(connection, role);
    for name in OF_MEMBERS {
        config.remove(name);
    }
    prefer(&mut config, connection, FETCHING);
    let sizes = [
        ("queued.max.messages.kbytes", (budget_bytes / 2 / 1024).clamp(64, 2_097_151)),
        ("fetch.max.bytes", (budget_bytes / 8).clamp(FETCH_BYTES_MIN, FETCH_BYTES_MAX)),
        (
            "max.partition.fetch.bytes",
            (budget_bytes / 16).clamp(FETCH_BYTES_MIN, PARTITION_BYTES_MAX),
        ),
    ];
    for (name, value) in sizes {
        client::prefer(&mut config, connection, name, &value.to_string());
    }
    fix(&mut config, FIXED);
    // An offset that is not kept is an error that is told and counted, never a silent jump.
    fix(
        &mut config,
        &[
            ("group.id", &settings.group),
            ("auto.offset.reset", "error"),
            ("enable.partition.eof", "true"),
        ],
    );
    config
}

/// The config of a member's consumer.
pub(super) fn membership(connection: &Connection, source: &TopicSource) -> ClientConfig {
    let mut config = client::config(connection, "member");
    prefer(&mut config, connection, MEMBERSHIP);
    fix(&mut config, FIXED);
    // Never used for reading; `latest` so that an assignment costs no fetch and no error.
    fix(
        &mut config,
        &[
            ("group.id", &source.group),
            ("auto.offset.reset", "latest"),
            ("enable.partition.eof", "false"),
        ],
    );
    if let Some(id) = &source.instance_id {
        config.set("group.instance.id", id);
    }
    match source.protocol {
        GroupProtocol::Classic => {
            let session_ms = (source.session_timeout_us / 1000).max(1);
            config
                .set("partition.assignment.strategy", "cooperative-sticky")
                .set("session.timeout.ms", session_ms.to_string())
                .set("heartbeat.interval.ms", (session_ms / 10).clamp(100, 3_000).to_string());
        }
        // Sessions and heartbeats are the broker's to say, and librdkafka refuses to be told.
        GroupProtocol::Consumer => {
            for name in
                ["partition.assignment.strategy", "session.timeout.ms", "heartbeat.interval.ms"]
            {
                config.remove(name);
            }
            config.set("group.protocol", "consumer");
        }
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;
    use crate::model::live::{Split, StartPosition};

    fn source(protocol: GroupProtocol) -> TopicSource {
        TopicSource {
            topics: vec!["events".into()],
            format: "json".into(),
            group: "g".into(),
            from: StartPosition::Earliest,
            split: Split::None,
            protocol,
            instance_id: Some("a".into()),
            session_timeout_us: 45_000_000,
            fetch_threads: 1,
            memory_bytes: 1 << 26,
            idle_us: 0,
            ahead_us: 0,
            max_future_us: 0,
        }
    }

    #[test]
    fn the_user_may_tune_but_not_take_offsets_over() {
        let mut connection = Connection { brokers: "b:1".into(), ..Connection::default() };
        for (name, value) in [("fetch.wait.max.ms", "7"), ("enable.auto.commit", "true")] {
            connection.properties.insert(name.into(), Secret::new(value));
        }
        let config = membership(&connection, &source(GroupProtocol::Classic));
        assert_eq!(config.get("enable.auto.commit"), Some("false"));
        assert_eq!(config.get("group.instance.id"), Some("a"));
        assert_eq!(config.get("session.timeout.ms"), Some("45000"));
        let config = membership(&connection, &source(GroupProtocol::Consumer));
        assert_eq!(config.get("group.protocol"), Some("consumer"));
        assert_eq!(config.get("session.timeout.ms"), None);

        let settings = FetchSettings {
            connection,
            group: "g".into(),
            codec: super::super::stand_in::json(),
            layout: crate::model::Layout {
                model_default: None,
                time: crate::model::TimeField {
                    path: crate::model::FieldPath("ts".into()),
                    format: crate::model::TimeFormat::Auto,
                },
                keys: Vec::new(),
                id: None,
                metrics: Vec::new(),
            },
            limits: crate::model::Limits::default(),
            not_before_us: 0,
            max_future_us: 0,
            memory_bytes: 64 << 20,
        };
        let config = fetching(&settings, "fetch-0");
        assert_eq!(config.get("fetch.wait.max.ms"), Some("7"));
        assert_eq!(config.get("isolation.level"), Some("read_committed"));
        assert_eq!(config.get("auto.offset.reset"), Some("error"));
        assert_eq!(config.get("queued.max.messages.kbytes"), Some("32768"));
        assert_eq!(config.get("fetch.max.bytes"), Some("8388608"));
        assert_eq!(config.get("client.id"), Some("driftline-fetch-0"));
    }
}
