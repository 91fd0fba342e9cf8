//! `page_hinkley_sum`: the Page-Hinkley sum without its minimum taken off.
//!
//! `m` is the mean so far, this input included; `S = alpha S + x - m - delta`; drift when S is above
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
const ALPHA: Parameter = Parameter::real(
    "alpha",
    0.9999,
    (0.0, 1.0),
    "Share of the sum that is kept at each input; 1 forgets nothing.",
);

pub(super) const SPEC: DetectorSpec = DetectorSpec {
    name: "page_hinkley_sum",
    variant: "frouros 0.9.0 PageHinkley (lambda_ is threshold here)",
    doc: "Finds a rise of the mean above the mean so far.",
    otherwise: "page_hinkley, which is the test as it was published.",
    input: Input::Number,
    parameters: &[MIN_UPDATES, DELTA, THRESHOLD, ALPHA],
    run_length: "0.62 false alarms in 10,000 inputs; depends on the input's scale.",
    memory_values: 8,
    reference: "Bifet et al. (2010), MOA, JMLR 11",
};

/// The sum's state; see the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PageHinkleySum {
    min_updates: u64,
    delta: f64,
    alpha: f64,
    threshold: f64,
    mean: RunningMean,
    sum: f64,
}

impl PageHinkleySum {
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self {
            min_updates: settings.whole(&MIN_UPDATES) as u64,
            delta: settings.real(&DELTA),
            alpha: settings.real(&ALPHA),
            threshold: settings.real(&THRESHOLD),
            mean: RunningMean::default(),
            sum: 0.0,
        })
    }
}

impl Detector for PageHinkleySum {
    fn step(&mut self, x: f64) -> Decision {
        self.mean.add(x);
        let gap = x - self.mean.mean;
        self.sum = self.alpha * self.sum + gap - self.delta;
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
