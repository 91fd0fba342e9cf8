//! At least once: decisions, then results, then offsets, each durable before the next is begun.
//!
//! Not here: threads. After a crash between two of these the events come again and give the same results
//! with the same ids; decisions are durable first, so that they are the same ones.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::producer::Producer as _;

use super::producer::{self, Producer};
use super::status::{Backoff, Phases, Shared};
use super::watch::CallWatchdog;
use super::write::{OUTSIDE_PAUSE, OUTSIDE_TRIES, WriterParts, elapsed_us};
use super::{CommitSettings, Group, probe};
use crate::kafka::{KafkaFault, crash_point};
use crate::model::live::Delivery;
use crate::model::stream::{Epoch, Record};
use crate::sink::contract::{Lost, Sink};
use crate::sink::spec::{Role, SinkSpec};

/// The member's own commit waits for its coordinator as long as a session lasts.
const COMMIT_MAX: Duration = Duration::from_secs(120);

/// The line of the table.
pub const AT_LEAST_ONCE: SinkSpec = SinkSpec {
    name: "at-least-once",
    doc: "Topics, without transactions: journal, results and offsets, in this order (`[sinks]`, `[delivery]`).",
    options: &[],
    role: Role::Epoch { mode: Delivery::AtLeastOnce, check: probe::untried },
};

/// Writes epochs one part after the other.
pub(super) struct AtLeastOnce {
    settings: CommitSettings,
    group: Arc<dyn Group>,
    shared: Arc<Shared>,
    watchdog: CallWatchdog,
    producer: Option<Arc<Producer>>,
}

impl AtLeastOnce {
    pub(super) fn new(parts: WriterParts) -> Self {
        let WriterParts { settings, group, shared, watchdog, .. } = parts;
        Self { settings, group, shared, watchdog, producer: None }
    }

    /// Makes the first producer.
    pub(super) fn begin(&mut self) -> Result<(), KafkaFault> {
        self.make()
    }

    fn make(&mut self) -> Result<(), KafkaFault> {
        let producer = producer::open(&self.settings)?;
        self.watchdog.serve(&producer);
        self.producer = Some(producer);
        Ok(())
    }

    fn produce(&mut self, epoch: &Epoch) -> Result<(), KafkaFault> {
        if self.producer.is_none() {
            self.make()?;
        }
        let Some(producer) = self.producer.clone() else { return Ok(()) };
        let patience = Duration::from_millis(producer::timeout_ms(&self.settings).unsigned_abs());
        let go_on = || self.shared.given_up(epoch.number).is_none();
        let write = |records: &[Record]| {
            producer::send(&producer, records, &go_on)?;
            producer::settle(&producer, patience, &go_on)
        };
        let written = write(&epoch.journal).and_then(|()| {
            crash_point("after_journal");
            write(&epoch.records)
        });
        crash_point("after_records");
        if written.is_err() {
            // What is still under way of this try is of no use: the whole is written again.
            if producer::abandon(&producer, patience).is_err()
                || producer.client().fatal_error().is_some()
            {
                self.shared.status().replaced += 1;
                self.producer = None;
            }
        }
        producer::retire(producer);
        written
    }
}

impl Sink for AtLeastOnce {
    type Input = Epoch;
    type Fault = Lost;

    fn idle(&mut self) {
        if let Some(producer) = &self.producer {
            producer::serve(producer);
        }
    }

    fn write(&mut self, epoch: &Epoch) -> Result<(), Lost> {
        let shared = Arc::clone(&self.shared);
        let mut backoff = Backoff::new(&shared, epoch.number);
        let mut phases = Phases { epoch: epoch.number, ..Phases::default() };
        let begun = Instant::now();
        while let Err(fault) = self.produce(epoch) {
            backoff.wait(&fault.to_string());
            if let Some(why) = shared.given_up(epoch.number) {
                return Err(Lost(why.to_owned()));
            }
        }
        phases.produce_us = elapsed_us(begun);
        let begun = Instant::now();
        let mut outside = 0;
        while let Err(fault) = self.watchdog.call_within("commit", COMMIT_MAX, || {
            if epoch.offsets.is_empty() { Ok(()) } else { self.group.commit(&epoch.offsets) }
        }) {
            if fault.is_eviction() {
                outside += 1;
                if outside > OUTSIDE_TRIES {
                    return Err(Lost(fault.to_string()));
                }
                shared.status().retries += 1;
                shared.pause(epoch.number, OUTSIDE_PAUSE);
            } else {
                backoff.wait(&fault.to_string());
            }
            if let Some(why) = shared.given_up(epoch.number) {
                return Err(Lost(why.to_owned()));
            }
        }
        crash_point("after_offsets");
        phases.commit_us = elapsed_us(begun);
        shared.status().phases = Some(phases);
        Ok(())
    }
}

impl Drop for AtLeastOnce {
    fn drop(&mut self) {
        if let Some(producer) = self.producer.take() {
            producer::retire(producer);
        }
    }
}

#[cfg(test)]
#[path = "at_least_once_tests.rs"]
mod tests;
