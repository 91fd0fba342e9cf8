//! Whether results may be written: a transaction that is begun, written to, and aborted.
//!
//! Nobody who reads committed records sees it, and the id is another than that of a running instance, so
//! none is fenced. Not for `at-least-once`, where nothing can be taken back.

use std::time::Duration;

use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, NoCustomPartitioner, Producer, ProducerContext};
use std::sync::{Mutex, PoisonError};

use crate::kafka::client::{self, Context};
use crate::kafka::{Doing, KafkaFault};
use crate::model::live::Connection;
use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

/// Longest wait for one step.
const PATIENCE: Duration = Duration::from_secs(10);

/// What became of the record of each topic.
struct Deliveries {
    context: Context,
    refused: Mutex<Vec<(String, Code)>>,
}

impl ClientContext for Deliveries {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.context.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.context.error(error, reason);
    }

    fn generate_oauth_token(
        &self,
        config: Option<&str>,
    ) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        self.context.generate_oauth_token(config)
    }
}

impl ProducerContext<NoCustomPartitioner> for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, message)) = result {
            let code = error.rdkafka_error_code().unwrap_or(Code::Fail);
            let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            refused.push((message.topic().to_owned(), code));
        }
    }
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
    let words = Context::new("check", connection);
    let doing = Doing::Transaction(transactional_id);
    let failed = |error: KafkaError| KafkaFault::of(&error, doing, &words);
    let deliveries =
        Deliveries { context: Context::new("check", connection), refused: Mutex::default() };
    let producer: BaseProducer<Deliveries> = client::config(connection, "check")
        .set("transactional.id", transactional_id)
        .set("transaction.timeout.ms", "10000")
        .set("message.timeout.ms", "5000")
        .set("socket.timeout.ms", "9000")
        .create_with_context(deliveries)
        .map_err(failed)?;
    producer.init_transactions(PATIENCE).map_err(failed)?;
    producer.begin_transaction().map_err(failed)?;
    for topic in topics {
        let record: BaseRecord<'_, str, str> = BaseRecord::to(topic).key("check").payload("check");
        if let Err((error, _)) = producer.send(record) {
            return Err(KafkaFault::of(&error, Doing::Write(topic), &words));
        }
    }
    // What is refused is told by the deliveries.
    let _ = producer.flush(PATIENCE);
    let _ = producer.abort_transaction(PATIENCE);
    let refused = producer.context().refused.lock().unwrap_or_else(PoisonError::into_inner);
    let fault = |(topic, code): &(String, Code)| {
        KafkaFault::of_code(*code, &code.to_string(), Doing::Write(topic), &words)
    };
    Ok(refused.iter().map(fault).collect())
}
