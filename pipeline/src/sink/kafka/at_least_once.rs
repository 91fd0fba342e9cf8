//! At least once: decisions, then results, then offsets, each durable before the next is begun.
//!
//! Not here: threads. After a crash between two of these the events come again and give the same results
//! with the same ids; decisions are durable first, so that they are the same ones.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::producer::Producer as _;

use super::committer::Write;
use super::once::Ended;
use super::producer::{self, Producer};
use super::status::{Patience, Phases, Shared};
use super::watch::Watch;
use super::{CommitSettings, Group};
use crate::kafka::{KafkaFault, crash_point};
use crate::model::stream::{Epoch, Record};

/// While the group is being rebalanced, offsets are tried this often and with this pause.
const OUTSIDE_TRIES: usize = 20;
const OUTSIDE_PAUSE: Duration = Duration::from_millis(250);
/// The member's own commit waits for its coordinator as long as a session lasts.
const COMMIT_MAX: Duration = Duration::from_secs(120);

/// Writes epochs one part after the other.
pub(super) struct AtLeastOnce {
    settings: CommitSettings,
    group: Arc<dyn Group>,
    shared: Arc<Shared>,
    watch: Watch,
    producer: Option<Arc<Producer>>,
}

impl AtLeastOnce {
    pub(super) fn new(
        settings: CommitSettings,
        group: Arc<dyn Group>,
        shared: Arc<Shared>,
        watch: Watch,
    ) -> Self {
        Self { settings, group, shared, watch, producer: None }
    }

    fn make(&mut self) -> Result<(), KafkaFault> {
        let producer = producer::open(&self.settings)?;
        self.watch.serve(&producer);
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

impl Write for AtLeastOnce {
    fn begin(&mut self, _patience: Duration) -> Result<(), KafkaFault> {
        self.make()
    }

    fn idle(&self) {
        if let Some(producer) = &self.producer {
            producer::serve(producer);
        }
    }

    fn write(&mut self, epoch: &Epoch) -> Ended {
        let shared = Arc::clone(&self.shared);
        let mut patience = Patience::new(&shared, epoch.number);
        let mut phases = Phases { epoch: epoch.number, ..Phases::default() };
        let begun = Instant::now();
        while let Err(fault) = self.produce(epoch) {
            patience.wait(&fault.to_string());
            if let Some(why) = shared.given_up(epoch.number) {
                return Ended::Lost(why.to_owned());
            }
        }
        phases.produce_us = micros(begun);
        let begun = Instant::now();
        let mut outside = 0;
        while let Err(fault) = self.watch.call_within("commit", COMMIT_MAX, || {
            if epoch.offsets.is_empty() { Ok(()) } else { self.group.commit(&epoch.offsets) }
        }) {
            if fault.is_eviction() {
                outside += 1;
                if outside > OUTSIDE_TRIES {
                    return Ended::Lost(fault.to_string());
                }
                shared.status().retries += 1;
                shared.pause(epoch.number, OUTSIDE_PAUSE);
            } else {
                patience.wait(&fault.to_string());
            }
            if let Some(why) = shared.given_up(epoch.number) {
                return Ended::Lost(why.to_owned());
            }
        }
        crash_point("after_offsets");
        phases.commit_us = micros(begun);
        shared.status().phases = Some(phases);
        Ended::Committed
    }
}

impl Drop for AtLeastOnce {
    fn drop(&mut self) {
        if let Some(producer) = self.producer.take() {
            producer::retire(producer);
        }
    }
}

fn micros(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "repeat_tests.rs"]
mod tests;
