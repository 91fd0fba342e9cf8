//! `rddm`: the reactive drift detection method, DDM that forgets.
//!
//! As [`super::ddm`], with lower levels; `max_warnings` warnings in a row are a drift too, and when a
//! run is `max_run` inputs old the error rate is quietly computed anew from the last `kept` inputs,
//! so that an old run does not dull it. As in frouros 0.9.0 when it is reset after each drift.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::mean::{RunningMean, bit};
use super::settings::{Parameter, SettingError, Settings};
use super::spec::{Decision, Detector, DetectorSpec, Input};

const WARM_UP: Parameter =
    Parameter::whole("warm_up", 129.0, (1.0, 1e9), "No decision before this many inputs.");
const WARNING: Parameter = Parameter::real(
    "warning",
    1.773,
    (0.0, 100.0),
    "Warning level, in deviations of the error rate at its minimum.",
);
const DRIFT: Parameter = Parameter::real(
    "drift",
    2.258,
    (0.0, 100.0),
    "Drift level, in deviations of the error rate at its minimum.",
);
const MAX_RUN: Parameter =
    Parameter::whole("max_run", 40_000.0, (2.0, 1e9), "A longer run is cut to the kept inputs.");
const KEPT: Parameter =
    Parameter::whole("kept", 7_000.0, (1.0, 1e6), "Inputs kept to compute the rate anew.");
const MAX_WARNINGS: Parameter =
    Parameter::whole("max_warnings", 1_400.0, (1.0, 1e9), "This many warnings in a row are a drift.");

pub(super) const SPEC: DetectorSpec = DetectorSpec {
    name: "rddm",
    variant: "frouros 0.9.0 RDDM",
    doc: "Finds a rise of an error rate, as fast in old runs as in young ones.",
    otherwise: "ddm when memory counts; hddm_a for a bound on false alarms.",
    input: Input::Bit,
    parameters: &[WARM_UP, WARNING, DRIFT, MAX_RUN, KEPT, MAX_WARNINGS],
    run_length: "2 false alarms in 10,000 inputs.",
    memory_values: 7_000 + 16,
    reference: "Barros, Cabral, Goncalves, Santos (2017), Expert Systems with Applications 90",
};

/// The method's state; see the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rddm {
    warm_up: u64,
    warning: f64,
    drift: f64,
    max_run: u64,
    kept: usize,
    max_warnings: u64,
    rate: RunningMean,
    lowest: Option<(f64, f64)>,
    warnings: u64,
    errors: VecDeque<bool>,
}

impl Rddm {
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingError> {
        if settings.real(&KEPT) >= settings.real(&MAX_RUN) {
            return Err(SettingError::Conflict {
                detector: SPEC.name,
                remedy: "kept must be less than max_run",
            });
        }
        Ok(Self {
            warm_up: settings.whole(&WARM_UP) as u64,
            warning: settings.real(&WARNING),
            drift: settings.real(&DRIFT),
            max_run: settings.whole(&MAX_RUN) as u64,
            kept: settings.whole(&KEPT),
            max_warnings: settings.whole(&MAX_WARNINGS) as u64,
            rate: RunningMean::default(),
            lowest: None,
            warnings: 0,
            errors: VecDeque::new(),
        })
    }

    fn deviation(&self) -> f64 {
        let p = self.rate.mean;
        libm::sqrt((p * (1.0 - p)).max(0.0) / self.rate.n())
    }

    fn keep_lowest(&mut self) {
        let (p, s) = (self.rate.mean, self.deviation());
        if self.lowest.is_none_or(|(p_min, s_min)| p + s < p_min + s_min) {
            self.lowest = Some((p, s));
        }
    }

    /// Forgets all but the kept inputs.
    fn compute_anew(&mut self) {
        self.rate = RunningMean::default();
        (self.lowest, self.warnings) = (None, 0);
        for error in &self.errors {
            self.rate.add(f64::from(u8::from(*error)));
        }
    }
}

impl Detector for Rddm {
    fn step(&mut self, x: f64) -> Decision {
        self.errors.push_back(bit(x) > 0.0);
        if self.errors.len() > self.kept {
            self.errors.pop_front();
        }
        self.rate.add(bit(x));
        if self.rate.count < self.warm_up {
            return Decision::Quiet;
        }
        self.keep_lowest();
        let (p_min, s_min) = self.lowest.unwrap_or_default();
        let reach = self.rate.mean + self.deviation();
        if reach > p_min + self.drift * s_min {
            self.reset();
            return Decision::Drift;
        }
        if reach > p_min + self.warning * s_min {
            if self.warnings >= self.max_warnings {
                self.reset();
                return Decision::Drift;
            }
            self.warnings += 1;
            return Decision::Warning;
        }
        self.warnings = 0;
        if self.rate.count >= self.max_run {
            self.compute_anew();
        }
        Decision::Quiet
    }

    fn reset(&mut self) {
        self.rate = RunningMean::default();
        (self.lowest, self.warnings) = (None, 0);
        self.errors.clear();
    }
}
