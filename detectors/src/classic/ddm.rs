//! `ddm`: the drift detection method on errors.
//!
//! `p` is the error rate so far, `s = sqrt(p (1 - p) / n)`; `p_min` and `s_min` are those at the
//! smallest `p + s` so far. Warning when `p + s > p_min + warning s_min`, drift at
//! `p_min + drift s_min`. Only a rise is found, and the older the run, the slower. As in River
//! 0.26.1 (strict `>`; MOA starts its error rate at 1).

use serde::{Deserialize, Serialize};

use super::mean::{RunningMean, bit};
use super::settings::{Parameter, SettingError, Settings};
use super::spec::{Decision, Detector, DetectorSpec, Input};

const WARM_UP: Parameter =
    Parameter::whole("warm_up", 30.0, (1.0, 1e9), "No decision up to this many inputs.");
const WARNING: Parameter = Parameter::real(
    "warning",
    2.0,
    (0.0, 100.0),
    "Warning level, in deviations of the error rate at its minimum.",
);
const DRIFT: Parameter = Parameter::real(
    "drift",
    3.0,
    (0.0, 100.0),
    "Drift level, in deviations of the error rate at its minimum.",
);

pub(super) const SPEC: DetectorSpec = DetectorSpec {
    name: "ddm",
    variant: "River 0.26.1 DDM",
    doc: "Finds a rise of an error rate above its lowest level so far.",
    otherwise: "hddm_a or rddm for sudden rises in long runs; eddm for slow ones.",
    input: Input::Bit,
    parameters: &[WARM_UP, WARNING, DRIFT],
    run_length: "0.41 false alarms in 10,000 inputs.",
    memory_values: 8,
    reference: "Gama, Medas, Castillo, Rodrigues (2004), SBIA, LNCS 3171",
};

/// The method's state; see the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ddm {
    warm_up: u64,
    warning: f64,
    drift: f64,
    rate: RunningMean,
    /// Rate and deviation where their sum was smallest.
    lowest: Option<(f64, f64)>,
}

impl Ddm {
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self {
            warm_up: settings.whole(&WARM_UP) as u64,
            warning: settings.real(&WARNING),
            drift: settings.real(&DRIFT),
            rate: RunningMean::default(),
            lowest: None,
        })
    }
}

impl Detector for Ddm {
    fn step(&mut self, x: f64) -> Decision {
        self.rate.add(bit(x));
        if self.rate.count <= self.warm_up {
            return Decision::Quiet;
        }
        let p = self.rate.mean;
        let s = libm::sqrt((p * (1.0 - p)).max(0.0) / self.rate.n());
        let (p_min, s_min) = match self.lowest {
            Some((p_min, s_min)) if p + s > p_min + s_min => (p_min, s_min),
            _ => *self.lowest.insert((p, s)),
        };
        if p + s > p_min + self.drift * s_min {
            self.reset();
            Decision::Drift
        } else if p + s > p_min + self.warning * s_min {
            Decision::Warning
        } else {
            Decision::Quiet
        }
    }

    fn reset(&mut self) {
        (self.rate, self.lowest) = (RunningMean::default(), None);
    }
}
