//! `stepd`: the statistical test of equal proportions on recent and older errors.
//!
//! The error share of the last `window` inputs and of all before them are compared by the z-test of
//! proportions with continuity correction; warning when the one-sided p is below `warning`, drift
//! below `drift`. Rises and falls both count. As in frouros 0.9.0 (one-sided p of an absolute
//! difference: twice as ready as its levels say).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::mean::bit;
use super::settings::{Parameter, SettingError, Settings};
use super::spec::{Decision, Detector, DetectorSpec, Input};

const WINDOW: Parameter =
    Parameter::whole("window", 30.0, (2.0, 100_000.0), "Inputs that are the recent side.");
const DRIFT: Parameter =
    Parameter::real("drift", 0.003, (0.0, 1.0), "p below which there is a drift.");
const WARNING: Parameter =
    Parameter::real("warning", 0.05, (0.0, 1.0), "p below which there is a warning.");

pub(super) const SPEC: DetectorSpec = DetectorSpec {
    name: "stepd",
    variant: "frouros 0.9.0 STEPD",
    doc: "Finds a change of an error rate between the last inputs and all before.",
    otherwise: "hddm_a: one uncorrected test an input makes many false alarms.",
    input: Input::Bit,
    parameters: &[WINDOW, DRIFT, WARNING],
    run_length: "5 false alarms in 10,000 inputs.",
    memory_values: 30 + 8,
    reference: "Nishida, Yamauchi (2007), Discovery Science, LNCS 4755",
};

/// The test's state; see the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stepd {
    window: usize,
    drift: f64,
    warning: f64,
    older: u64,
    older_errors: u64,
    recent: VecDeque<bool>,
}

impl Stepd {
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingError> {
        let (drift, warning) = (settings.real(&DRIFT), settings.real(&WARNING));
        if warning < drift {
            return Err(SettingError::Conflict {
                detector: SPEC.name,
                remedy: "warning must be at least drift",
            });
        }
        let window = settings.whole(&WINDOW);
        Ok(Self { window, drift, warning, older: 0, older_errors: 0, recent: VecDeque::new() })
    }
}

impl Detector for Stepd {
    fn step(&mut self, x: f64) -> Decision {
        self.recent.push_back(bit(x) > 0.0);
        if self.recent.len() > self.window
            && let Some(error) = self.recent.pop_front()
        {
            self.older += 1;
            self.older_errors += u64::from(error);
        }
        if self.older < self.window as u64 {
            return Decision::Quiet;
        }
        let recent_errors = self.recent.iter().filter(|error| **error).count() as f64;
        let (older, recent) = (self.older as f64, self.recent.len() as f64);
        let older_errors = self.older_errors as f64;
        let share = (older_errors + recent_errors) / (older + recent);
        let inverse = 1.0 / older + 1.0 / recent;
        let variance = share * (1.0 - share) * inverse;
        if variance <= 0.0 {
            return Decision::Quiet;
        }
        let gap = (older_errors / older - recent_errors / recent).abs() - inverse / 2.0;
        let p = libm::erfc(gap.abs() / libm::sqrt(2.0 * variance)) / 2.0;
        if p < self.drift {
            self.reset();
            Decision::Drift
        } else if p < self.warning {
            Decision::Warning
        } else {
            Decision::Quiet
        }
    }

    fn reset(&mut self) {
        (self.older, self.older_errors) = (0, 0);
        self.recent.clear();
    }
}
