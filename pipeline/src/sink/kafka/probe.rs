//! Whether results may be written: a transaction for each topic that is begun, written to, and aborted.
//!
//! Nobody who reads committed records sees it, and the id is another than that of a running instance, so
//! none is fenced. Not for `at-least-once`, where nothing can be taken back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rdkafka::error::KafkaError;
use rdkafka::producer::Producer as _;

use super::CommitSettings;
use super::producer::{self, Producer};
use crate::kafka::admin::wanted;
use crate::kafka::{Doing, KafkaFault};
use crate::model::live::{Connection, Delivery, DeliverySettings, Live};
use crate::model::stream::Record;
use crate::sink::spec::Checked;

/// Longest wait for one step.
const PATIENCE: Duration = Duration::from_secs(10);
/// The broker ends what a probe that dies leaves open.
const TRANSACTION_US: i64 = 10_000_000;

/// The step of `driftline check` for transactions.
pub(super) fn in_transaction(live: &Live) -> Checked {
    let topics = wanted(&live.sinks);
    let names: Vec<&str> = topics.iter().map(|topic| topic.name.as_str()).collect();
    // Another id than that of a running instance, so that none is fenced.
    let id = format!("{}.check", live.source.group);
    let refused = match write_probe(&live.kafka, &id, &names) {
        Ok(refused) => refused.into_iter().next(),
        Err(fault) => Some(fault),
    };
    match refused {
        None => Checked::Right(
            "write access: a transaction over all sink topics was tried and aborted".into(),
        ),
        Some(fault) => Checked::Wrong(format!("write access: {fault}")),
    }
}

/// The step of `driftline check` where nothing can be taken back.
pub(super) fn untried(_: &Live) -> Checked {
    let why = "write access: cannot be checked in at-least-once mode without leaving a record";
    Checked::Doubt(why.into())
}

/// Tries to write to each topic in a transaction of this id. Returns a fault for each topic that refuses.
///
/// # Errors
/// Where the transaction itself is refused.
pub fn write_probe(
    connection: &Connection,
    transactional_id: &str,
    topics: &[&str],
) -> Result<Vec<KafkaFault>, KafkaFault> {
    let settings = CommitSettings {
        connection: connection.clone(),
        group: transactional_id.to_owned(),
        transactional_id: transactional_id.to_owned(),
        delivery: DeliverySettings {
            mode: Delivery::ExactlyOnce,
            commit_us: 0,
            transaction_timeout_us: TRANSACTION_US,
        },
    };
    let producer = producer::open(&settings)?;
    let is_done = AtomicBool::new(false);
    let result = thread::scope(|scope| {
        // Calls that wait for a token or for reports need somebody to serve these.
        scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                producer::serve(&producer);
            }
        });
        let result = probe(&producer, transactional_id, topics);
        is_done.store(true, Ordering::Relaxed);
        result
    });
    producer::retire(producer);
    result
}

fn probe(producer: &Producer, id: &str, topics: &[&str]) -> Result<Vec<KafkaFault>, KafkaFault> {
    let failed = |error: KafkaError| producer::fault(producer, &error, Doing::Transaction(id));
    producer.init_transactions(PATIENCE).map_err(failed)?;
    let mut refused = Vec::new();
    for topic in topics {
        producer.begin_transaction().map_err(failed)?;
        let record = Record {
            topic: (*topic).into(),
            key: Some(b"check".to_vec()),
            payload: Some(b"check".to_vec()),
            headers: Vec::new(),
        };
        let written = producer::send(producer, &[record], &|| true)
            .and_then(|()| producer::settle(producer, PATIENCE, &|| true));
        refused.extend(written.err().map(|fault| {
            let cause = producer::cause(producer).filter(|_| producer::is_purge(&fault));
            cause.map_or(fault, |cause| producer::fault(producer, &cause, Doing::Write(topic)))
        }));
        producer.abort_transaction(PATIENCE).map_err(failed)?;
        producer::forget(producer);
    }
    Ok(refused)
}
