//! `hddm_a`: drift detection with Hoeffding's bound on averages.
//!
//! `z` is the mean of all inputs, `x` the mean up to the cut where mean + Hoeffding bound was
//! smallest. With `m = (n - n_cut) / (n_cut n)`: a rise when `z - x >= sqrt(m / 2 ln(2 / confidence))`,
//! at the drift confidence a drift, at the warning confidence a warning; a fall likewise with the
//! largest mean - bound. As in River 0.26.1 (MOA only resets on a fall).

use serde::{Deserialize, Serialize};

use super::mean::{RunningMean, bit};
use super::settings::{Parameter, SettingError, Settings};
use super::spec::{Decision, Detector, DetectorSpec, Input};

const DRIFT: Parameter =
    Parameter::real("drift_confidence", 0.001, (1e-12, 1.0), "Significance of a drift.");
const WARNING: Parameter =
    Parameter::real("warning_confidence", 0.005, (1e-12, 1.0), "Significance of a warning.");
const TWO_SIDED: Parameter =
    Parameter::whole("two_sided", 0.0, (0.0, 1.0), "Whether a fall is a drift too: 0 or 1.");

pub(super) const SPEC: DetectorSpec = DetectorSpec {
    name: "hddm_a",
    variant: "River 0.26.1 HDDM_A",
    doc: "Finds a sudden rise (or fall) of an error rate, with Hoeffding's bound on false alarms.",
    otherwise: "hddm_w for slow changes.",
    input: Input::Bit,
    parameters: &[DRIFT, WARNING, TWO_SIDED],
    run_length: "0.01 false alarms in 10,000 inputs.",
    memory_values: 12,
    reference: "Frias-Blanco et al. (2015), IEEE Transactions on Knowledge and Data Engineering 27(3)",
};

/// The method's state; see the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HddmA {
    drift: f64,
    warning: f64,
    two_sided: bool,
    all: RunningMean,
    lowest: RunningMean,
    highest: RunningMean,
}

impl HddmA {
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self {
            drift: settings.real(&DRIFT),
            warning: settings.real(&WARNING),
            two_sided: settings.flag(&TWO_SIDED),
            all: RunningMean::default(),
            lowest: RunningMean::default(),
            highest: RunningMean::default(),
        })
    }

    /// Whether the mean of all is further than the bound beyond the mean at the cut.
    fn differs(&self, cut: &RunningMean, rise: f64, confidence: f64) -> bool {
        if cut.count == self.all.count {
            return false;
        }
        let m = (self.all.n() - cut.n()) / cut.n() / self.all.n();
        rise >= libm::sqrt(m / 2.0 * libm::log(2.0 / confidence))
    }
}

impl Detector for HddmA {
    fn step(&mut self, x: f64) -> Decision {
        self.all.add(bit(x));
        let bound =
            |mean: &RunningMean| libm::sqrt(libm::log(1.0 / self.drift) / (2.0 * mean.n()));
        let reach = bound(&self.all);
        if self.lowest.count == 0
            || self.lowest.mean + bound(&self.lowest) >= self.all.mean + reach
        {
            self.lowest = self.all;
        }
        if self.highest.count == 0
            || self.highest.mean - bound(&self.highest) <= self.all.mean - reach
        {
            self.highest = self.all;
        }
        let rise = self.all.mean - self.lowest.mean;
        let fall = self.highest.mean - self.all.mean;
        let moved = |confidence: f64| {
            self.differs(&self.lowest, rise, confidence)
                || self.two_sided && self.differs(&self.highest, fall, confidence)
        };
        if moved(self.drift) {
            self.reset();
            Decision::Drift
        } else if moved(self.warning) {
            Decision::Warning
        } else {
            Decision::Quiet
        }
    }

    fn reset(&mut self) {
        let none = RunningMean::default();
        (self.all, self.lowest, self.highest) = (none, none, none);
    }
}
