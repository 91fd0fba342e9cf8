//! `gma`: the geometric moving average of the gap to the running mean.
//!
//! `m` is the mean so far, this input included; `S = alpha S + (1 - alpha) (x - m)`; drift when S is above
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
const ALPHA: Parameter = Parameter::real(
    "alpha",
    0.99,
    (0.0, 1.0),
    "Share of the average that is kept at each input.",
);
const THRESHOLD: Parameter =
    Parameter::real("threshold", 1.0, (0.0, 1e100), "Alarm level, in units of the input.");

pub(super) const SPEC: DetectorSpec = DetectorSpec {
    name: "gma",
    variant: "frouros 0.9.0 GeometricMovingAverage (lambda_ is threshold here)",
    doc: "Finds a rise of the smoothed input above the mean so far.",
    otherwise: "ewma when target and deviation are known: its false alarms are then a choice.",
    input: Input::Number,
    parameters: &[MIN_UPDATES, ALPHA, THRESHOLD],
    run_length: "0 false alarms in 10,000 inputs; depends on the input's scale.",
    memory_values: 8,
    reference: "Roberts (1959), Technometrics 1(3); Bifet et al. (2010), MOA, JMLR 11",
};

/// The sum's state; see the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gma {
    min_updates: u64,
    alpha: f64,
    threshold: f64,
    mean: RunningMean,
    sum: f64,
}

impl Gma {
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self {
            min_updates: settings.whole(&MIN_UPDATES) as u64,
            alpha: settings.real(&ALPHA),
            threshold: settings.real(&THRESHOLD),
            mean: RunningMean::default(),
            sum: 0.0,
        })
    }
}

impl Detector for Gma {
    fn step(&mut self, x: f64) -> Decision {
        self.mean.add(x);
        let gap = x - self.mean.mean;
        self.sum = self.alpha * self.sum + (1.0 - self.alpha) * gap;
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
