//! Topics that Driftline writes: what they should be, making them, and looking at what they are.
//!
//! Not here: input topics, which are the user's. Every call is bounded by a timeout.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use rdkafka::admin::{
    AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication, TopicResult,
};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code};

use super::client::{self, Context};
use super::{Cluster, Doing, KafkaFault};
use crate::model::live::{Connection, SinkTopics};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks at what the client has to say.
const STEP: Duration = Duration::from_millis(20);
/// Findings and quarantine are kept for 90 days.
const KEPT_MS: &str = "7776000000";
/// Largest message that must fit: a finding is some 10 KiB, a quarantined record up to a mebibyte.
const MESSAGE_BYTES: &str = "2097152";

/// A topic as Driftline wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub what: &'static str,
    /// Partitions; findings may have any number.
    pub partitions: i32,
    /// Whether another number of partitions is a fault.
    pub exactly: bool,
    /// Settings that it is made with.
    pub settings: &'static [(&'static str, &'static str)],
    /// Those of them without which it is of no use.
    pub needed: &'static [(&'static str, &'static str)],
}

const APPENDED: &[(&str, &str)] = &[
    ("cleanup.policy", "delete"),
    ("retention.ms", KEPT_MS),
    ("max.message.bytes", MESSAGE_BYTES),
];
const COMPACTED: &[(&str, &str)] =
    &[("cleanup.policy", "compact"), ("max.message.bytes", MESSAGE_BYTES)];
const COMPACT: &[(&str, &str)] = &[("cleanup.policy", "compact")];

/// The topics that Driftline writes, in the order of the config.
pub fn wanted(sinks: &SinkTopics) -> Vec<Wanted> {
    let topic = |name: &str, what, exactly, settings, needed| Wanted {
        name: name.into(),
        what,
        partitions: 1,
        exactly,
        settings,
        needed,
    };
    let mut all = vec![
        topic(&sinks.findings, "findings", false, APPENDED, &[]),
        topic(&sinks.alerts, "alerts", false, COMPACTED, COMPACT),
        topic(&sinks.quarantine, "quarantine", false, APPENDED, &[]),
        topic(&sinks.journal, "journal", true, COMPACTED, COMPACT),
    ];
    let anomalies = sinks.anomalies.as_ref();
    all.extend(anomalies.map(|a| topic(&a.topic, "anomalies", false, APPENDED, &[])));
    all
}

/// What a topic is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Its partitions.
    pub partitions: usize,
    /// Its settings by name; none where this user may not read them (DescribeConfigs).
    pub settings: Option<BTreeMap<String, String>>,
}

impl Wanted {
    /// What is wrong with a topic that exists, as far as can be seen, each with the remedy.
    pub fn faults(&self, found: &Found) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        if self.exactly && found.partitions != self.partitions.unsigned_abs() as usize {
            faults.push((
                format!("has {} partitions, and must have {}", found.partitions, self.partitions),
                "name another topic in [sinks], and make it by `driftline topics create`".into(),
            ));
        }
        let Some(settings) = &found.settings else { return faults };
        for (name, value) in self.needed {
            let is = settings.get(*name).map_or("unknown", String::as_str);
            if !is.split(',').any(|part| part == *value) {
                faults.push((
                    format!("has {name}={is}, and needs {value}"),
                    format!(
                        "kafka-configs --alter --entity-type topics --entity-name {} --add-config {name}={value}",
                        self.name
                    ),
                ));
            }
        }
        faults
    }
}

/// A handle for topics.
pub struct Admin {
    /// Questions that others than administrators ask, too. It knows why nobody answers.
    cluster: Cluster,
    client: AdminClient<Context>,
    runtime: tokio::runtime::Runtime,
}

impl Admin {
    /// Makes the handle; it asks nothing yet.
    ///
    /// # Errors
    /// Where librdkafka refuses a property.
    pub fn connect(connection: &Connection) -> Result<Self, KafkaFault> {
        let cluster = Cluster::connect(connection, "driftline-admin")?.with_deadline(PATIENCE);
        let words = Context::new("admin", connection);
        let failed = |error: KafkaError| KafkaFault::of(&error, Doing::Connect, &words);
        let client = client::config(connection, "admin")
            .create_with_context(Context::new("admin", connection))
            .map_err(failed)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.map_err(|error| KafkaFault::Other {
            doing: Doing::Connect.words(),
            detail: error.to_string(),
            code: Code::Fail,
        })?;
        Ok(Self { cluster, client, runtime })
    }

    /// Brokers that answer.
    ///
    /// # Errors
    /// Where none does.
    pub fn brokers(&self) -> Result<usize, KafkaFault> {
        self.cluster.brokers()
    }

    /// What a topic is; none where it does not exist.
    ///
    /// # Errors
    /// Where it may not be looked at.
    pub fn find(&self, topic: &str) -> Result<Option<Found>, KafkaFault> {
        let partitions = match self.cluster.partitions(&[topic.to_owned()]) {
            Ok(partitions) => partitions.len(),
            Err(KafkaFault::UnknownTopic { .. }) => return Ok(None),
            Err(fault) => return Err(fault),
        };
        let options = AdminOptions::new().request_timeout(Some(PATIENCE));
        let asked = [ResourceSpecifier::Topic(topic)];
        let doing = Doing::Settings(topic);
        let told = self.wait(doing, self.client.describe_configs(&asked, &options))?;
        let mut settings = BTreeMap::new();
        // rdkafka does not tell that it was forbidden: there is nothing in the answer then.
        for resource in told {
            let resource = resource.map_err(|code| self.fault(code, doing))?;
            let entries = resource.entries.into_iter();
            settings.extend(entries.filter_map(|entry| Some((entry.name, entry.value?))));
        }
        let settings = (!settings.is_empty()).then_some(settings);
        Ok(Some(Found { partitions, settings }))
    }

    /// Makes a topic; false where it exists already.
    ///
    /// # Errors
    /// Where the brokers refuse.
    pub fn create(
        &self,
        wanted: &Wanted,
        partitions: i32,
        copies: i32,
    ) -> Result<bool, KafkaFault> {
        let doing = Doing::Create(&wanted.name);
        let topic = NewTopic::new(&wanted.name, partitions, TopicReplication::Fixed(copies));
        let topic =
            wanted.settings.iter().fold(topic, |topic, (name, value)| topic.set(name, value));
        let options =
            AdminOptions::new().request_timeout(Some(PATIENCE)).operation_timeout(Some(PATIENCE));
        let made = self.wait(doing, self.client.create_topics(&[topic], &options))?;
        let refused = |result: TopicResult| match result {
            Ok(_) => None,
            Err((_, code)) => Some(code),
        };
        match made.into_iter().find_map(refused) {
            None => Ok(true),
            Some(Code::TopicAlreadyExists) => Ok(false),
            Some(code) => Err(self.fault(code, doing)),
        }
    }

    /// Waits for an answer, and serves the client meanwhile: nobody else does.
    fn wait<T>(
        &self,
        doing: Doing<'_>,
        answer: impl Future<Output = KafkaResult<T>>,
    ) -> Result<T, KafkaFault> {
        let client = self.client.inner();
        let served = async {
            let mut answer = pin!(answer);
            loop {
                driftline_rawbatch::serve(client);
                if let Ok(answer) = tokio::time::timeout(STEP, &mut answer).await {
                    return answer;
                }
            }
        };
        let answer = self.runtime.block_on(served);
        answer.map_err(|error| KafkaFault::of(&error, doing, client.context()))
    }

    fn fault(&self, code: Code, doing: Doing<'_>) -> KafkaFault {
        KafkaFault::of_code(code, &code.to_string(), doing, self.client.inner().context())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::live::AnomalySink;

    #[test]
    fn what_is_made_has_no_fault_and_what_differs_has() {
        let sinks = SinkTopics {
            findings: "f".into(),
            alerts: "a".into(),
            quarantine: "q".into(),
            journal: "j".into(),
            anomalies: Some(AnomalySink { topic: "s".into(), over_nats: 10.0 }),
        };
        for topic in wanted(&sinks) {
            let settings = topic.settings.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect();
            let right = Found { partitions: 1, settings: Some(settings) };
            assert_eq!(topic.faults(&right), [], "{}", topic.name);
            let unknown = Found { partitions: 1, settings: None };
            assert_eq!(topic.faults(&unknown), [], "{}", topic.name);
            let wrong = Found { partitions: 3, settings: Some(BTreeMap::new()) };
            let faults = topic.faults(&wrong);
            assert_eq!(faults.len(), usize::from(topic.exactly) + topic.needed.len());
            assert!(faults.iter().all(|(_, remedy)| !remedy.is_empty()));
        }
    }
}
