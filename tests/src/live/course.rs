//! Events for tests on the broker: many models whose drifts come and go, so that findings and alerts are
//! told all the time, with records among them that cannot be read.
//!
//! The same seed gives the same records. Each is what stands on the topic, in the order of arrival.

use driftline::model::settings::{MINUTE_US, SECOND_US};
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

use crate::broker::Sent;
use crate::telemetry::{START_US, generator};

/// Events of a model each second of event time.
const EVENTS_A_SECOND: i64 = 2;
/// An event arrives so long after its time at most.
const DELAY_US: i64 = 3 * SECOND_US;
/// Nothing drifts before, so that baselines are learned.
const CALM_MINUTES: i64 = 8;
/// A drift lasts so long, and so does the calm after it.
const PHASE_MINUTES: i64 = 10;

/// What is generated.
#[derive(Debug, Clone)]
pub struct Course {
    /// Seed of the random stream.
    pub seed: u64,
    /// Number of models.
    pub models: i64,
    /// Length of event time.
    pub minutes: i64,
    /// Partitions that events are dealt to.
    pub partitions: i32,
    /// Whether all events of a model go to one partition.
    pub by_model: bool,
    /// Share of records that cannot be read.
    pub poison: f64,
    /// Share of records without a value.
    pub tombstones: f64,
}

impl Course {
    /// An hour of twelve models on four partitions, one record in a hundred unreadable.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            models: 12,
            minutes: 60,
            partitions: 4,
            by_model: false,
            poison: 0.01,
            tombstones: 0.005,
        }
    }

    /// All records, in the order of arrival.
    pub fn records(&self) -> Vec<Sent> {
        let mut random = generator(self.seed);
        let mut arrivals = Vec::new();
        let step_us = SECOND_US / EVENTS_A_SECOND / self.models;
        for number in 0..self.minutes * 60 * EVENTS_A_SECOND * self.models {
            let time_us = START_US + number * step_us;
            let model = random.random_range(0..self.models);
            let partition = match self.by_model {
                true => (model % i64::from(self.partitions)) as i32,
                false => random.random_range(0..self.partitions),
            };
            let name = format!("model-{model:02}");
            let value = match random.random::<f64>() {
                share if share < self.tombstones => None,
                share if share < self.tombstones + self.poison => {
                    Some(format!("{{\"ts\": {time_us}, \"model\": not JSON, number {number}"))
                }
                _ => {
                    let slow = self.drifts(time_us, model);
                    let normal: f64 = StandardNormal.sample(&mut random);
                    let latency = 200.0 * (0.4 * (normal + if slow { 1.5 } else { 0.0 })).exp();
                    let failing = if self.drifts(time_us, model + 5) { 0.3 } else { 0.03 };
                    let error = random.random::<f64>() < failing;
                    Some(format!(
                        "{{\"ts\":{time_us},\"model\":\"{name}\",\"latency_ms\":{latency:.3},\"error\":{error}}}"
                    ))
                }
            };
            let sent = Sent {
                partition,
                key: Some(name.into_bytes()),
                value: value.map(String::into_bytes),
                timestamp_ms: Some(time_us / 1_000),
            };
            arrivals.push((time_us + random.random_range(0..DELAY_US), sent));
        }
        arrivals.sort_by_key(|(at, _)| *at);
        arrivals.into_iter().map(|(_, sent)| sent).collect()
    }

    /// The event time (RFC 3339) that every partition has passed once these records are read: what is
    /// decided up to it must be told.
    ///
    /// # Panics
    /// Where a partition has no event.
    pub fn passed(&self, records: &[Sent]) -> String {
        let newest_us = |partition: i32| {
            let of = records.iter().filter(|sent| sent.partition == partition);
            let readable = of.filter(|sent| is_readable(sent));
            readable.filter_map(|sent| sent.timestamp_ms).max().expect("an event") * 1_000
        };
        let slowest_us = (0..self.partitions).map(newest_us).min().expect("a partition");
        let passed_us = (slowest_us - LATENESS_US).div_euclid(PANE_US) * PANE_US;
        driftline::model::time::rfc3339(passed_us)
    }

    /// Whether a model is in one of its drifts. They begin at different minutes.
    fn drifts(&self, time_us: i64, model: i64) -> bool {
        let minute = (time_us - START_US) / MINUTE_US;
        let phase = minute - CALM_MINUTES - model * 3 % (2 * PHASE_MINUTES);
        minute >= CALM_MINUTES && phase.rem_euclid(2 * PHASE_MINUTES) < PHASE_MINUTES
    }
}

/// Whether a record holds an event.
pub fn is_readable(sent: &Sent) -> bool {
    let value = sent.value.as_deref();
    value.is_some_and(|value| serde_json::from_slice::<serde_json::Value>(value).is_ok())
}

/// `lateness` and the default `pane`.
const LATENESS_US: i64 = 5 * SECOND_US;
const PANE_US: i64 = 10 * SECOND_US;

/// The part of a config that reads these events, all but where they come from. Baselines after five
/// minutes; alerts pend, fire and are resolved soon.
pub const CONFIG: &str = r#"
pipeline = "course"

[time]
path = "ts"
format = "epoch_us"
lateness = "5s"

[keys]
model = "model"

[metrics.latency_ms]
kind = "number"

[metrics.error]
kind = "flag"

[baseline.learn]
events = 300
time = "5m"

[detect]
budget_per_week = 50.0
silence = "0s"

[alert]
hold = "20s"
resolve = "1m"

[scalars]
volume = false
"#;
