//! `fhddm`: the fast Hoeffding drift detection method.
//!
//! `u` is the share of ones in the last `window` inputs, `u_max` its maximum so far; drift when
//! `u_max - u > sqrt(ln(1 / confidence) / (2 window))`. With `short_window` above 0 the same test on
//! the last `short_window` inputs is stacked on it. So a *fall* of ones is a drift, although the
//! variant followed (River 0.26.1) says that 1 is an error: feed it correctness.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::mean::bit;
use super::settings::{Parameter, SettingError, Settings};
use super::spec::{Decision, Detector, DetectorSpec, Input};

const WINDOW: Parameter = Parameter::whole("window", 100.0, (2.0, 100_000.0), "Inputs kept.");
const CONFIDENCE: Parameter =
    Parameter::real("confidence", 1e-6, (1e-300, 1.0), "Significance of a drift.");
const SHORT_WINDOW: Parameter = Parameter::whole(
    "short_window",
    0.0,
    (0.0, 100_000.0),
    "Inputs of a second, shorter window; 0 for none.",
);

pub(super) const SPEC: DetectorSpec = DetectorSpec {
    name: "fhddm",
    variant: "River 0.26.1 FHDDM; with short_window its stacking variant",
    doc: "Finds a fall of the share of ones below its highest level so far: feed it correctness.",
    otherwise: "hddm_a, which needs no window and reads errors.",
    input: Input::Bit,
    parameters: &[WINDOW, CONFIDENCE, SHORT_WINDOW],
    run_length: "0.13 false alarms in 10,000 inputs.",
    memory_values: 100 + 8,
    reference: "Pesaranghader, Viktor (2016), ECML PKDD, LNCS 9852",
};

/// The windows; see the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fhddm {
    window: usize,
    short_window: usize,
    confidence: f64,
    ones: VecDeque<bool>,
    highest: f64,
    highest_short: f64,
}

impl Fhddm {
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingError> {
        let (window, short_window) = (settings.whole(&WINDOW), settings.whole(&SHORT_WINDOW));
        if short_window >= window {
            return Err(SettingError::Conflict {
                detector: SPEC.name,
                remedy: "short_window must be shorter than window",
            });
        }
        Ok(Self {
            window,
            short_window,
            confidence: settings.real(&CONFIDENCE),
            ones: VecDeque::new(),
            highest: 0.0,
            highest_short: 0.0,
        })
    }

    /// Whether the share in the newest `length` inputs fell, and the new maximum.
    fn fell(&self, length: usize, highest: f64) -> (bool, f64) {
        let ones = self.ones.iter().rev().take(length).filter(|one| **one).count();
        let share = ones as f64 / length as f64;
        let highest = highest.max(share);
        let bound = libm::sqrt(libm::log(1.0 / self.confidence) / (2.0 * length as f64));
        (highest - share > bound, highest)
    }
}

impl Detector for Fhddm {
    fn step(&mut self, x: f64) -> Decision {
        self.ones.push_back(bit(x) > 0.0);
        if self.ones.len() > self.window {
            self.ones.pop_front();
        }
        if self.ones.len() < self.window {
            return Decision::Quiet;
        }
        let mut drift;
        (drift, self.highest) = self.fell(self.window, self.highest);
        if self.short_window > 0 {
            let short;
            (short, self.highest_short) = self.fell(self.short_window, self.highest_short);
            drift |= short;
        }
        if drift {
            self.reset();
            return Decision::Drift;
        }
        Decision::Quiet
    }

    fn reset(&mut self) {
        self.ones.clear();
        (self.highest, self.highest_short) = (0.0, 0.0);
    }
}
