//! Telemetry of a company as the engine meets it: models with latency, tokens, finish reason and errors.
//!
//! Seeded; nothing here knows what the engine computes.

use std::sync::Arc;

use arrow::array::{Float64Array, StringArray, UInt8Array, UInt32Array};
use driftline::model::batch::{Column, Labels};
use driftline::model::layout::{FieldPath, MetricField};
use driftline::model::settings::{HOUR_US, MINUTE_US, MetricSettings, SECOND_US};
use driftline::model::{Batch, Kind, Settings};
use rand_distr::{Distribution, Poisson, StandardNormal, StandardUniform, Zipf};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

/// Start of all worlds: 2026-01-05T00:00:00Z, a Monday.
pub(super) const START_US: i64 = 1_767_571_200 * SECOND_US;
/// Length of a day.
pub(super) const DAY_US: i64 = 24 * HOUR_US;
/// Finish reasons.
const REASONS: usize = 12;
/// Tenants of [`Weather::Tenants`].
const TENANTS: usize = 6;
/// What each model has, with its kind.
pub(super) const METRICS: [(&str, Kind); 4] = [
    ("latency_ms", Kind::Number),
    ("tokens", Kind::Number),
    ("finish", Kind::Category),
    ("error", Kind::Flag),
];

/// How traffic comes while nothing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weather {
    /// Independent events at a constant rate.
    Steady,
    /// Rate by hour of day and day of week; latency 5 % up at the daily peak.
    Weekly,
    /// One event in three comes in a burst of a caller whose requests are alike.
    Bursts,
    /// Six tenants with tokens and reasons of their own, each on and off for about 20 minutes.
    Tenants,
    /// Every other day nothing arrives for an hour, of any model.
    Outages,
}

/// What goes wrong, once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fault {
    None,
    /// Latency is multiplied.
    Latency(f64),
    /// Latency grows by this share a day.
    Ramp(f64),
    /// Odds of an error are multiplied.
    Errors(f64),
    /// This share of all events ends for the rarest reason.
    Mix(f64),
    /// This share of latencies is missing.
    Nulls(f64),
    /// The rate is multiplied.
    Rate(f64),
}

/// Models under one weather.
pub(super) struct World {
    pub(super) weather: Weather,
    /// Events a second of each model, in the mean.
    pub(super) rate: f64,
    /// Length of a step in which events are drawn.
    pub(super) step_us: i64,
    /// What goes wrong with each model.
    pub(super) faults: Vec<Fault>,
    pub(super) fault_us: i64,
    random: Xoshiro256PlusPlus,
    names: Arc<StringArray>,
    reasons: Arc<StringArray>,
    tenants: Vec<[bool; TENANTS]>,
    offset: u64,
}

impl World {
    pub(super) fn new(weather: Weather, rate: f64, step_us: i64, models: usize, seed: u64) -> Self {
        let names = (0..models).map(|model| format!("model {model:03}"));
        let reasons = (0..REASONS).map(|reason| format!("reason {reason:02}"));
        Self {
            weather,
            rate,
            step_us,
            faults: vec![Fault::None; models],
            fault_us: i64::MAX,
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
            names: Arc::new(StringArray::from_iter_values(names)),
            reasons: Arc::new(StringArray::from_iter_values(reasons)),
            tenants: vec![[true; TENANTS]; models],
            offset: 0,
        }
    }

    /// The engine's defaults for these metrics.
    pub(super) fn settings() -> Settings {
        let mut settings = Settings::default();
        for (name, kind) in METRICS {
            let path = FieldPath(name.into());
            settings.layout.metrics.push(MetricField { name: name.into(), path, kind });
            settings.metrics.push(MetricSettings::plain(name, kind));
        }
        settings
    }

    fn uniform(&mut self) -> f64 {
        StandardUniform.sample(&mut self.random)
    }

    fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.random)
    }

    /// All events of one step, of all models, in the order of time.
    pub(super) fn step(&mut self, from_us: i64) -> Batch {
        let mut events = Vec::new();
        let age_us = from_us - START_US;
        let silent = self.weather == Weather::Outages
            && (age_us / DAY_US) % 2 == 1
            && (14..15).contains(&(age_us % DAY_US / HOUR_US));
        for model in 0..self.faults.len() {
            if !silent {
                self.draw(model, from_us, &mut events);
            }
        }
        events.sort_unstable_by_key(|event: &Event| event.time_us);
        self.batch(&events)
    }

    fn draw(&mut self, model: usize, from_us: i64, events: &mut Vec<Event>) {
        let wrong = from_us >= self.fault_us;
        let fault = if wrong { self.faults[model] } else { Fault::None };
        let hour = from_us as f64 / HOUR_US as f64;
        let day = (std::f64::consts::TAU * (hour - 9.0) / 24.0).sin();
        let weekly = self.weather == Weather::Weekly;
        let weekend = (from_us - START_US) / DAY_US % 7 >= 5;
        let mut rate = self.rate;
        if weekly {
            rate *= (1.0 + 0.6 * day) * if weekend { 0.5 } else { 1.2 };
        }
        if let Fault::Rate(by) = fault {
            rate *= by;
        }
        let slow = if weekly { 1.0 + 0.05 * day } else { 1.0 };
        let slow = match fault {
            Fault::Latency(by) => slow * by,
            Fault::Ramp(a_day) => {
                slow * (1.0 + a_day * (from_us - self.fault_us) as f64 / DAY_US as f64)
            }
            _ => slow,
        };
        let mean = rate * self.step_us as f64 / 1e6;
        let alone = if self.weather == Weather::Bursts { mean * 2.0 / 3.0 } else { mean };
        for _ in 0..self.poisson(alone) {
            let tenant = self.tenant(model);
            events.push(self.event(model, from_us, fault, slow, tenant));
        }
        // A burst has 30 events in the mean.
        let bursts = self.poisson((mean - alone) / 30.0);
        for _ in 0..bursts {
            let (latency, tokens) = (0.3 * self.normal(), 0.6 * self.normal());
            let alike = Alike { latency, tokens, reason: Some((self.uniform() * 3.0) as u32) };
            for _ in 0..10 + self.poisson(20.0) {
                events.push(self.event(model, from_us, fault, slow, alike));
            }
        }
        // Each tenant changes its mind every 20 minutes or so.
        let turns = self.step_us as f64 / (20 * MINUTE_US) as f64;
        for tenant in 0..TENANTS {
            if self.uniform() < turns {
                self.tenants[model][tenant] = self.uniform() < 0.6;
            }
        }
    }

    fn poisson(&mut self, mean: f64) -> u64 {
        match Poisson::new(mean) {
            Ok(law) => {
                let count: f64 = law.sample(&mut self.random);
                count as u64
            }
            // A rate of nothing.
            Err(_) => 0,
        }
    }

    /// What a tenant's events have in common.
    fn tenant(&mut self, model: usize) -> Alike {
        if self.weather != Weather::Tenants {
            return Alike::default();
        }
        let on: Vec<usize> = (0..TENANTS).filter(|t| self.tenants[model][*t]).collect();
        let pick = (self.uniform() * on.len() as f64) as usize;
        let tenant = on.get(pick).copied().unwrap_or(0);
        let tokens = 0.25 * (tenant as f64 - 2.5);
        let reason = (self.uniform() < 0.3).then_some(tenant as u32);
        Alike { latency: 0.0, tokens, reason }
    }

    fn event(
        &mut self,
        model: usize,
        from_us: i64,
        fault: Fault,
        slow: f64,
        alike: Alike,
    ) -> Event {
        let time_us = from_us + (self.uniform() * self.step_us as f64) as i64;
        let latency = 200.0 * slow * (0.5 * self.normal() + alike.latency).exp();
        let tokens = (5.0 + self.normal() + alike.tokens).exp().floor();
        let zipf = Zipf::new(REASONS as f64, 1.5).map_or(1.0, |law| law.sample(&mut self.random));
        let reason = alike.reason.unwrap_or(zipf as u32 - 1);
        let odds = 0.01 / 0.99 * if let Fault::Errors(by) = fault { by } else { 1.0 };
        let error = self.uniform() < odds / (1.0 + odds);
        let share = self.uniform();
        let reason = match fault {
            Fault::Mix(of) if share < of => REASONS as u32 - 1,
            _ => reason,
        };
        let missing = matches!(fault, Fault::Nulls(of) if share < of);
        let latency = (!missing).then_some((latency * 16.0).round() / 16.0);
        Event { time_us, model: model as u32, latency, tokens, reason, error }
    }

    fn batch(&mut self, events: &[Event]) -> Batch {
        let first = self.offset;
        self.offset += events.len() as u64;
        let labels = |values: &Arc<StringArray>, of: fn(&Event) -> u32| Labels {
            indices: UInt32Array::from_iter_values(events.iter().map(of)),
            values: Arc::clone(values),
        };
        let latency = events.iter().map(|e| e.latency).collect::<Float64Array>();
        let tokens = Float64Array::from_iter_values(events.iter().map(|e| e.tokens));
        let error = UInt8Array::from_iter_values(events.iter().map(|e| u8::from(e.error)));
        Batch {
            partition: 0,
            time_us: events.iter().map(|e| e.time_us).collect(),
            offsets: (first..self.offset).collect(),
            keys: vec![labels(&self.names, |e| e.model)],
            id: None,
            metrics: vec![
                Column::Number(latency),
                Column::Number(tokens),
                Column::Category(labels(&self.reasons, |e| e.reason)),
                Column::Flag(error),
            ],
            rejects: Vec::new(),
        }
    }
}

/// What the events of one caller have in common.
#[derive(Debug, Clone, Copy, Default)]
struct Alike {
    latency: f64,
    tokens: f64,
    reason: Option<u32>,
}

struct Event {
    time_us: i64,
    model: u32,
    latency: Option<f64>,
    tokens: f64,
    reason: u32,
    error: bool,
}
