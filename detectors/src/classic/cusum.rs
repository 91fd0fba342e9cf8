//! `cusum`: the two-sided CUSUM of standardised values with a fixed target.
//!
//! `z = (x - target) / deviation; U = max(0, U + z - k); D = max(0, D - z - k)`; drift when U or D is
//! above h. The threshold comes from the wanted run length, by the integral equation of
//! [`crate::arl::cusum_threshold`], unless it is given. Best possible for a shift of `2 k`
//! deviations when target and deviation are known; a wrong target is a shift like any other.

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
const K: Parameter = Parameter::real(
    "k",
    0.5,
    (0.05, 4.0),
    "The reference value: half of the shift to be found, in deviations.",
);
const RUN_LENGTH: Parameter = Parameter::real(
    "run_length",
    10_000.0,
    (10.0, 1e9),
    "Mean number of inputs to a false alarm when the input is normal; sets the threshold.",
);
const THRESHOLD: Parameter = Parameter::real(
    "threshold",
    0.0,
    (0.0, 1e6),
    "The threshold h in deviations; 0 to take it from run_length.",
);
const HEAD_START: Parameter = Parameter::real(
    "head_start",
    0.0,
    (0.0, 0.5),
    "Both sums start at this share of the threshold: finds a shift that is there from the start sooner.",
);

pub(super) const SPEC: DetectorSpec = DetectorSpec {
    name: "cusum",
    variant: "Page's tabular chart, two-sided, fixed target, threshold from the run length",
    doc: "Finds a lasting shift of the mean, up or down, from a known target, as fast as can be.",
    otherwise: "page_hinkley or adwin when the target is not known; ewma to see a level beside the alarm.",
    input: Input::Number,
    parameters: &[TARGET, DEVIATION, K, RUN_LENGTH, THRESHOLD, HEAD_START],
    run_length: "As set, 10,000 at the defaults, exactly, for independent normal input.",
    memory_values: 8,
    reference: "Page (1954), Biometrika 41(1/2); Lucas, Crosier (1982), Technometrics 24(3)",
};

/// The chart's state; see the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cusum {
    target: f64,
    deviation: f64,
    k: f64,
    threshold: f64,
    start: f64,
    up: f64,
    down: f64,
}

impl Cusum {
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingError> {
        let k = settings.real(&K);
        let threshold = match settings.real(&THRESHOLD) {
            given if given > 0.0 => given,
            _ => arl::cusum_threshold(k, settings.real(&RUN_LENGTH)),
        };
        if !threshold.is_finite() {
            return Err(SettingError::Conflict {
                detector: SPEC.name,
                remedy: "no threshold has this run_length at this k; give a larger k or run_length",
            });
        }
        let start = settings.real(&HEAD_START) * threshold;
        Ok(Self {
            target: settings.real(&TARGET),
            deviation: settings.real(&DEVIATION),
            k,
            threshold,
            start,
            up: start,
            down: start,
        })
    }

    /// The threshold in use, in deviations.
    #[must_use]
    pub fn threshold(&self) -> f64 {
        self.threshold
    }
}

impl Detector for Cusum {
    fn step(&mut self, x: f64) -> Decision {
        let z = (x - self.target) / self.deviation;
        self.up = (self.up + z - self.k).max(0.0);
        self.down = (self.down - z - self.k).max(0.0);
        if self.up > self.threshold || self.down > self.threshold {
            self.reset();
            return Decision::Drift;
        }
        Decision::Quiet
    }

    fn reset(&mut self) {
        (self.up, self.down) = (self.start, self.start);
    }
}
