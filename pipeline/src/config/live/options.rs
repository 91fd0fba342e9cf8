//! The live part of the one table of options.

use super::super::form::Form;
use super::super::formats::message_formats;
use super::super::option::{D, H, MS, S, opt};
use super::super::secret_names::is_secret;
use super::super::section::Section;
use crate::model::live::{Delivery, GroupProtocol, Split};
use crate::sink::kafka::{AT_LEAST_ONCE, EXACTLY_ONCE};

/// Words of `mechanism` in `[kafka.sasl]`.
pub(super) const MECHANISMS: &[&str] = &["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"];

/// Words of `mode` in `[delivery]`: the sinks that take part in the epoch.
const MODES: &[&str] = &[EXACTLY_ONCE.name, AT_LEAST_ONCE.name];

/// The sections of running live, in the order of the documentation.
pub(in crate::config) static SECTIONS: &[Section] = &[
    Section {
        name: "kafka",
        doc: "The brokers. `driftline run` needs this section; [docs/kafka.md](kafka.md) shows how to wire it.",
        options: &[
            opt(
                "brokers",
                Form::ExternalText(|d, v| d.live.brokers = Some(v)),
                "",
                "Some of the brokers, as `host:port`, separated by commas. Required.",
            ),
            opt(
                "properties",
                Form::Table(is_secret, |d, v| d.live.properties = v),
                "",
                "Any other property of librdkafka, passed through; a section of its own, `[kafka.properties]`. Those that Driftline sets itself are refused.",
            ),
        ],
    },
    Section {
        name: "kafka.tls",
        doc: "TLS to the brokers. The presence of the section turns it on.",
        options: &[
            opt(
                "enabled",
                Form::Switch(|d, v| d.live.tls.enabled = v),
                "true",
                "`false` turns it off even though the section is there.",
            ),
            opt(
                "ca_file",
                Form::ExternalText(|d, v| d.live.tls.ca_file = Some(v)),
                "",
                "Certificates (PEM) of the authorities that sign the brokers' certificates. Default: those that the system trusts.",
            ),
            opt(
                "certificate_file",
                Form::ExternalText(|d, v| d.live.tls.certificate_file = Some(v)),
                "",
                "Driftline's own certificate (PEM), for mutual TLS.",
            ),
            opt(
                "key_file",
                Form::ExternalText(|d, v| d.live.tls.key_file = Some(v)),
                "",
                "The key of that certificate (PEM).",
            ),
            opt(
                "key_password",
                Form::Secret(|d, v| d.live.tls.key_password = Some(v)),
                "",
                "The password of that key, if it has one.",
            ),
            opt(
                "verify_hostname",
                Form::Switch(|d, v| d.live.tls.verify_hostname = v),
                "true",
                "Whether a broker's certificate must match the host name that was connected to.",
            ),
        ],
    },
    Section {
        name: "kafka.sasl",
        doc: "How Driftline authenticates.",
        options: &[
            opt(
                "mechanism",
                Form::Word(MECHANISMS, |d, v| d.live.sasl.mechanism = Some(v.into())),
                "",
                "Required with this section.",
            ),
            opt(
                "username",
                Form::ExternalText(|d, v| d.live.sasl.username = Some(v)),
                "",
                "For PLAIN and SCRAM.",
            ),
            opt(
                "password",
                Form::Secret(|d, v| d.live.sasl.password = Some(v)),
                "",
                "For PLAIN and SCRAM.",
            ),
            opt(
                "token",
                Form::Secret(|d, v| d.live.sasl.token = Some(v)),
                "",
                "For OAUTHBEARER: a JSON Web Token; read again whenever the old one expires.",
            ),
        ],
    },
    Section {
        name: "source",
        doc: "What is read live, and by whom.",
        options: &[
            opt(
                "topics",
                Form::Texts(|d, v| d.live.source.topics = v),
                "[]",
                "Topics, or regular expressions of topics that begin with `^`. Required.",
            ),
            opt(
                "format",
                Form::WordOf(message_formats, |d, v| d.live.source.format = v.into()),
                "\"json\"",
                "Format of the messages. `json`: an object, or a list of objects, in each message.",
            ),
            opt(
                "group",
                Form::ExternalText(|d, v| d.live.group = Some(v)),
                "",
                "Consumer group. Default: the name of the pipeline.",
            ),
            opt(
                "from",
                Form::Start(|d, v| d.live.source.from = v),
                "\"earliest\"",
                "Where to start in a partition for which the group has no committed offset: at the first record kept, at the end, or at the first record of a time; `committed`: refuse to start.",
            ),
            opt(
                "split",
                Form::Word(&["none", "partition"], |d, v| {
                    d.live.source.split =
                        if v == "partition" { Split::Partition } else { Split::None }
                }),
                "\"none\"",
                "`none`: one process reads everything and judges all series together, others stand by. `partition`: the processes of the group share the partitions, and each partition is judged on its own; for topics whose key is the model.",
            ),
            opt(
                "protocol",
                Form::Word(&["classic", "consumer"], |d, v| {
                    d.live.source.protocol = match v {
                        "consumer" => GroupProtocol::Consumer,
                        _ => GroupProtocol::Classic,
                    }
                }),
                "\"classic\"",
                "Rebalance protocol: `classic` (cooperative-sticky), or `consumer` (KIP-848; brokers 4.0 or later).",
            ),
            opt(
                "instance_id",
                Form::ExternalText(|d, v| d.live.instance_id = Some(v)),
                "",
                "Static membership: a name that no other process has, so that a restart moves no partitions. Example: `{ env = \"HOSTNAME\" }`.",
            ),
            opt(
                "session_timeout",
                Form::Duration(S, H, |d, v| d.live.source.session_timeout_us = v),
                "\"45s\"",
                "A process that the brokers have not heard from for this long is replaced. `classic` only: with `consumer` the brokers set it.",
            ),
            opt(
                "fetch_threads",
                Form::Whole(0, 256, |d, v| d.live.source.fetch_threads = v as usize),
                "0",
                "Threads that fetch and decode; 0: one less than there are cores. Never more than there are partitions.",
            ),
            opt(
                "memory",
                Form::Bytes(16 << 20, 1 << 40, |d, v| {
                    d.live.source.memory_bytes = usize::try_from(v).unwrap_or(usize::MAX)
                }),
                "\"256MiB\"",
                "Messages that may wait in this process; beyond that, fetching pauses.",
            ),
            opt(
                "idle",
                Form::Duration(100 * MS, D, |d, v| d.live.source.idle_us = v),
                "\"2s\"",
                "A partition that has been read to its end for this long no longer holds back the watermark.",
            ),
            opt(
                "ahead",
                Form::Duration(S, 7 * D, |d, v| d.live.source.ahead_us = v),
                "\"10m\"",
                "While catching up, no partition is read further ahead of the slowest than this, in event time.",
            ),
        ],
    },
    Section {
        name: "sinks",
        doc: "The topics that Driftline writes. `driftline topics create` creates them.",
        options: &[
            opt(
                "findings",
                Form::ExternalText(|d, v| d.live.sinks[0] = v),
                "\"driftline-findings\"",
                "Findings, appended.",
            ),
            opt(
                "alerts",
                Form::ExternalText(|d, v| d.live.sinks[1] = v),
                "\"driftline-alerts\"",
                "The state of each alert; compacted, keyed by fingerprint.",
            ),
            opt(
                "quarantine",
                Form::ExternalText(|d, v| d.live.sinks[2] = v),
                "\"driftline-quarantine\"",
                "Records that could not be read, byte for byte, with the reason in their headers.",
            ),
            opt(
                "journal",
                Form::ExternalText(|d, v| d.live.sinks[3] = v),
                "\"driftline-journal\"",
                "Decisions that do not follow from the events alone, such as that a partition is idle; a replay reads them. Compacted, one partition.",
            ),
            opt(
                "anomalies",
                Form::ExternalText(|d, v| d.live.anomalies = Some(v)),
                "",
                "Surprising events, one record each, with the metrics that make them so; without a name, none are written. Example: `\"driftline-anomalies\"`.",
            ),
            opt(
                "surprise",
                Form::Real(0.1, 1000.0, |d, v| d.live.surprise_nats = v),
                "10.0",
                "An event is surprising where `-ln p` of its values, summed over its metrics, exceeds what the baselines expect by more than this (nats). One value that a baseline of N events never saw adds ln 2N, 8.3 for 2,000: so 10 takes two rare values, or a long baseline.",
            ),
        ],
    },
    Section {
        name: "delivery",
        doc: "The delivery guarantee.",
        options: &[
            opt(
                "mode",
                Form::Word(MODES, |d, v| {
                    let is_at_least_once = v == AT_LEAST_ONCE.name;
                    d.live.delivery.mode = match is_at_least_once {
                        true => Delivery::AtLeastOnce,
                        false => Delivery::ExactlyOnce,
                    }
                }),
                "\"exactly-once\"",
                "`exactly-once`: results and offsets in one transaction. `at-least-once`: results, then offsets; after a crash some results come again, with the same ids.",
            ),
            opt(
                "commit",
                Form::Duration(10 * MS, 60 * S, |d, v| d.live.delivery.commit_us = v),
                "\"1s\"",
                "How often results are written and offsets committed.",
            ),
            opt(
                "transaction_timeout",
                Form::Duration(S, 900 * S, |d, v| d.live.delivery.transaction_timeout_us = v),
                "\"10s\"",
                "The brokers abort a transaction that stays open for longer. Must be longer than `commit`.",
            ),
        ],
    },
    Section {
        name: "state",
        doc: "Where snapshots of what was learned are kept. Recovery loads the newest snapshot and reads the records after it again.",
        options: &[
            opt(
                "home",
                Form::ExternalText(|d, v| d.live.home = v),
                "\"driftline-state\"",
                "A folder, relative to that of this file, or a place in an object store: `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix`.",
            ),
            opt(
                "every",
                Form::Duration(S, D, |d, v| d.live.state.every_us = v),
                "\"60s\"",
                "How often a snapshot is taken.",
            ),
            opt(
                "keep",
                Form::Whole(1, 1000, |d, v| d.live.state.keep = v as usize),
                "3",
                "How many snapshots are kept.",
            ),
            opt(
                "options",
                Form::Table(is_secret, |d, v| d.live.home_options = v),
                "",
                "Options of the object store by name, such as `aws_region` or `aws_endpoint`: a section of its own, `[state.options]`.",
            ),
        ],
    },
    Section {
        name: "http",
        doc: "The HTTP interface of a running process: `/livez`, `/readyz`, `/metrics` and more ([docs/operations.md](operations.md)).",
        options: &[opt(
            "listen",
            Form::ExternalTextOrNone(|d, v| d.live.listen = v),
            "\"127.0.0.1:9187\"",
            "Address and port; `\"\"`: no HTTP. There is no login: keep strangers away from it.",
        )],
    },
];
