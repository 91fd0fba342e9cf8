//! `cusum_running_mean`: the CUSUM against the running mean.
//!
//! `m` is the mean so far, this input included; `S = max(0, S + x - m - delta)`; drift when S is above
//! the threshold. Only a rise is found. As in frouros 0.9.0 (which follows MOA).

use serde::{Deserialize, Serialize};

use super::mean::RunningMean;
use super::settings::{Parameter, SettingError, Settings};
use super::spec::{Decision, Detector, DetectorSpec, Input};

const MIN_UPDATES: Parameter = Parameter::whole(
    "min_updates",
    30.0,
    (1.0, 1e9),
    "No decision before this many inputs since the last drift.",
);
const DELTA: Parameter = Parameter::real(
    "delta",
    0.005,
    (0.0, 1e100),
    "Change of the mean that is let pass, in units of the input.",
);
const THRESHOLD: Parameter =
    Parameter::real("threshold", 50.0, (0.0, 1e100), "Alarm level, in units of the input.");

pub(super) const SPEC: DetectorSpec = DetectorSpec {
    name: "cusum_running_mean",
    variant: "frouros 0.9.0 CUSUM (lambda_ is threshold here)",
    doc: "Finds a rise of the mean above the mean so far.",
    otherwise: "cusum when target and deviation are known; page_hinkley to find falls too.",
    input: Input::Number,
    parameters: &[MIN_UPDATES, DELTA, THRESHOLD],
    run_length: "2.6 false alarms in 10,000 inputs; depends on the input's scale.",
    memory_values: 8,
    reference: "Page (1954), Biometrika 41(1/2); Bifet et al. (2010), MOA, JMLR 11",
};

/// The sum's state; see the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CusumRunningMean {
    min_updates: u64,
    delta: f64,
    threshold: f64,
    mean: RunningMean,
    sum: f64,
}

impl CusumRunningMean {
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self {
            min_updates: settings.whole(&MIN_UPDATES) as u64,
            delta: settings.real(&DELTA),
            threshold: settings.real(&THRESHOLD),
            mean: RunningMean::default(),
            sum: 0.0,
        })
    }
}

impl Detector for CusumRunningMean {
    fn step(&mut self, x: f64) -> Decision {
        self.mean.add(x);
        let gap = x - self.mean.mean;
        self.sum = (self.sum + gap - self.delta).max(0.0);
        if self.mean.count >= self.min_updates && self.sum > self.threshold {
            self.reset();
            return Decision::Drift;
        }
        Decision::Quiet
    }

    fn reset(&mut self) {
        (self.mean, self.sum) = (RunningMean::default(), 0.0);
    }
}
