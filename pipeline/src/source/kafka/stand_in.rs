//! For tests: librdkafka's mock cluster with events in it, and a layout to read them by.
//!
//! The mock honours no isolation level: what aborted transactions leave is tested on a real broker.

use std::time::Duration;

use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer};

use super::order::FetchSettings;
use crate::codec::{Codecs, MessageCodec};
use crate::kafka::client;
use crate::model::live::Connection;
use crate::model::stream::TopicPartition;
use crate::model::{FieldPath, Kind, Layout, Limits, MetricField, TimeField, TimeFormat};

/// Reads what [`event`] writes.
pub(super) fn layout() -> Layout {
    let path = |path: &str| FieldPath(path.into());
    Layout {
        model_default: None,
        time: TimeField { path: path("ts"), format: TimeFormat::Auto },
        keys: vec![path("model")],
        id: None,
        metrics: vec![MetricField {
            name: "latency".into(),
            path: path("latency"),
            kind: Kind::Number,
        }],
    }
}

/// How [`event`] is read.
pub(super) fn json() -> &'static dyn MessageCodec {
    Codecs::built_in().for_messages("json").expect("a format of messages")
}

/// An event of 2024-01-02T03:04:05Z.
pub(super) fn event(number: usize) -> String {
    format!(r#"{{"ts":1704164645,"model":"m","latency":{number}}}"#)
}

pub(super) fn of(topic: &str, partition: i32) -> TopicPartition {
    TopicPartition { topic: topic.into(), partition }
}

/// A mock cluster and a producer of it.
pub(super) struct StandIn {
    pub(super) cluster: MockCluster<'static, DefaultProducerContext>,
    pub(super) connection: Connection,
    producer: BaseProducer,
}

impl StandIn {
    pub(super) fn new(topic: &str, partitions: i32) -> Self {
        let cluster = MockCluster::new(1).expect("a mock cluster");
        cluster.create_topic(topic, partitions, 1).expect("created");
        let connection =
            Connection { brokers: cluster.bootstrap_servers(), ..Connection::default() };
        let producer =
            client::config(&connection, "test").set("linger.ms", "1").create().expect("a producer");
        Self { cluster, connection, producer }
    }

    /// Writes values, each with an empty key; none = tombstone.
    pub(super) fn write(&self, of: &TopicPartition, values: &[Option<&str>]) {
        for value in values {
            let mut record = BaseRecord::<str, str>::to(&of.topic).partition(of.partition).key("");
            record.payload = *value;
            while let Err((_, again)) = self.producer.send(record) {
                self.producer.poll(Duration::from_millis(10));
                record = again;
            }
        }
        self.producer.flush(Duration::from_secs(10)).expect("written");
    }

    /// Writes events numbered by `numbers`.
    pub(super) fn write_events(&self, of: &TopicPartition, numbers: std::ops::Range<usize>) {
        let events: Vec<String> = numbers.map(event).collect();
        let values: Vec<Option<&str>> = events.iter().map(|event| Some(event.as_str())).collect();
        self.write(of, &values);
    }

    /// Settings of a fetch thread that reads it.
    pub(super) fn settings(&self) -> FetchSettings {
        FetchSettings {
            connection: self.connection.clone(),
            group: "readers".into(),
            codec: json(),
            layout: layout(),
            limits: Limits::default(),
            not_before_us: 0,
            max_future_us: 60_000_000,
            memory_bytes: 8 << 20,
        }
    }
}
