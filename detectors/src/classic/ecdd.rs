//! `ecdd`: the EWMA chart of an error rate with a limit that follows the rate.
//!
//! `p` is the error rate so far, `Z = (1 - lambda) Z + lambda x` from 0 with standard deviation
//! `s = sqrt(p (1 - p) lambda / (2 - lambda) (1 - (1 - lambda)^(2 n)))`; drift when `Z > p + L s`,
//! warning at the share `warning` of L. L is the published polynomial of p for a run length of 400
//! at lambda 0.2. As in frouros 0.9.0 ECDD-WT.

use serde::{Deserialize, Serialize};

use super::mean::{RunningMean, bit};
use super::settings::{Parameter, SettingError, Settings};
use super::spec::{Decision, Detector, DetectorSpec, Input};

const WARM_UP: Parameter =
    Parameter::whole("warm_up", 30.0, (1.0, 1e9), "No decision before this many inputs.");
const LAMBDA: Parameter = Parameter::real(
    "lambda",
    0.2,
    (0.01, 1.0),
    "Weight of the newest input; the limit's run length holds at 0.2.",
);
const WARNING: Parameter =
    Parameter::real("warning", 0.5, (0.0, 1.0), "Warning level, as a share of the limit.");

pub(super) const SPEC: DetectorSpec = DetectorSpec {
    name: "ecdd",
    variant: "frouros 0.9.0 ECDD-WT at its average run length of 400",
    doc: "Finds a rise of an error rate with an EWMA chart whose limit follows the rate.",
    otherwise: "hddm_a for rarer false alarms: the run length of this one is about 400 by design.",
    input: Input::Bit,
    parameters: &[WARM_UP, LAMBDA, WARNING],
    run_length: "400 by design for rates up to 0.3; 27 false alarms in 10,000 inputs.",
    memory_values: 8,
    reference: "Ross, Adams, Tasoulis, Hand (2012), Pattern Recognition Letters 33(2)",
};

/// The chart's state; see the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ecdd {
    warm_up: u64,
    lambda: f64,
    warning: f64,
    rate: RunningMean,
    z: f64,
}

impl Ecdd {
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self {
            warm_up: settings.whole(&WARM_UP) as u64,
            lambda: settings.real(&LAMBDA),
            warning: settings.real(&WARNING),
            rate: RunningMean::default(),
            z: 0.0,
        })
    }
}

/// The limit for a run length of 400 (Ross et al. 2012, table 1).
fn limit(p: f64) -> f64 {
    let odd = |power: f64| libm::pow(p, power);
    3.97 - 6.56 * p + 48.73 * odd(3.0) - 330.13 * odd(5.0) + 848.18 * odd(7.0)
}

impl Detector for Ecdd {
    fn step(&mut self, x: f64) -> Decision {
        let x = bit(x);
        self.rate.add(x);
        self.z += self.lambda * (x - self.z);
        if self.rate.count < self.warm_up {
            return Decision::Quiet;
        }
        let p = self.rate.mean;
        let settled = 1.0 - libm::pow(1.0 - self.lambda, 2.0 * self.rate.n());
        let variance = (p * (1.0 - p)).max(0.0) * self.lambda / (2.0 - self.lambda) * settled;
        let reach = limit(p) * libm::sqrt(variance);
        if self.z > p + reach {
            self.reset();
            Decision::Drift
        } else if self.z > p + self.warning * reach {
            Decision::Warning
        } else {
            Decision::Quiet
        }
    }

    fn reset(&mut self) {
        (self.rate, self.z) = (RunningMean::default(), 0.0);
    }
}
