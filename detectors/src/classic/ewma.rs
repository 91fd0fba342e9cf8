//! `ewma`: the chart of an exponentially weighted mean, with fixed limits.
//!
//! `Z = (1 - lambda) Z + lambda (x - target) / deviation`, Z from 0; drift when `|Z|` is above
//! `limit sqrt(lambda / (2 - lambda))`. The limit comes from the wanted run length, by the integral
//! equation of [`crate::arl::ewma_limit`], unless it is given. Near CUSUM in speed; Z itself is an
//! estimate of the level.

use serde::{Deserialize, Serialize};

use super::settings::{Parameter, SettingError, Settings};
use super::spec::{Decision, Detector, DetectorSpec, Input};
use crate::arl;

const TARGET: Parameter =
    Parameter::real("target", 0.0, (-1e100, 1e100), "The mean in control, in units of the input.");
const DEVIATION: Parameter = Parameter::real(
    "deviation",
    1.0,
    (1e-100, 1e100),
    "The standard deviation in control, in units of the input.",
);
const LAMBDA: Parameter = Parameter::real(
    "lambda",
    0.1,
    (0.01, 1.0),
    "Weight of the newest input: small for small shifts, 1 is Shewhart's chart.",
);
const RUN_LENGTH: Parameter = Parameter::real(
    "run_length",
    10_000.0,
    (10.0, 1e9),
    "Mean number of inputs to a false alarm when the input is normal; sets the limit.",
);
const LIMIT: Parameter = Parameter::real(
    "limit",
    0.0,
    (0.0, 40.0),
    "The limit L in deviations of Z; 0 to take it from run_length.",
);

pub(super) const SPEC: DetectorSpec = DetectorSpec {
    name: "ewma",
    variant: "Roberts' chart, two-sided, asymptotic limits, limit from the run length",
    doc: "Finds a lasting shift of the mean, up or down, from a known target, and estimates the level.",
    otherwise: "cusum for one known size of shift; page_hinkley or adwin when the target is not known.",
    input: Input::Number,
    parameters: &[TARGET, DEVIATION, LAMBDA, RUN_LENGTH, LIMIT],
    run_length: "As set, 10,000 at the defaults, exactly, for independent normal input.",
    memory_values: 6,
    reference: "Roberts (1959), Technometrics 1(3); Crowder (1987), Technometrics 29(4)",
};

/// The chart's state; see the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ewma {
    target: f64,
    deviation: f64,
    lambda: f64,
    bound: f64,
    z: f64,
}

impl Ewma {
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingError> {
        let lambda = settings.real(&LAMBDA);
        let limit = match settings.real(&LIMIT) {
            given if given > 0.0 => given,
            _ => arl::ewma_limit(lambda, settings.real(&RUN_LENGTH)),
        };
        if !limit.is_finite() {
            return Err(SettingError::Conflict {
                detector: SPEC.name,
                remedy: "no limit has this run_length at this lambda; give a larger run_length",
            });
        }
        Ok(Self {
            target: settings.real(&TARGET),
            deviation: settings.real(&DEVIATION),
            lambda,
            bound: limit * libm::sqrt(lambda / (2.0 - lambda)),
            z: 0.0,
        })
    }

    /// The estimated level, in deviations from the target.
    #[must_use]
    pub fn level(&self) -> f64 {
        self.z
    }
}

impl Detector for Ewma {
    fn step(&mut self, x: f64) -> Decision {
        let standardised = (x - self.target) / self.deviation;
        self.z += self.lambda * (standardised - self.z);
        if self.z.abs() > self.bound {
            self.reset();
            return Decision::Drift;
        }
        Decision::Quiet
    }

    fn reset(&mut self) {
        self.z = 0.0;
    }
}
