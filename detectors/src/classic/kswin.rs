//! `kswin`: Kolmogorov-Smirnov windowing.
//!
//! Of the last `window` inputs the newest `newest` are compared with all older ones by the
//! two-sample Kolmogorov-Smirnov test; drift when `p <= alpha` and `D > min_distance`. The variant
//! that the field knows (River 0.26.1) draws `newest` of the older values with Python's random
//! generator; here all of them are used, which needs no randomness and has more power. p is the
//! asymptotic one with Stephens' correction.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::settings::{Parameter, SettingError, Settings};
use super::spec::{Decision, Detector, DetectorSpec, Input};
use crate::two_sample;

const ALPHA: Parameter =
    Parameter::real("alpha", 0.005, (0.0, 1.0), "Significance of one test; there is one an input.");
const WINDOW: Parameter = Parameter::whole("window", 100.0, (4.0, 10_000.0), "Inputs kept.");
const NEWEST: Parameter =
    Parameter::whole("newest", 30.0, (2.0, 5_000.0), "Inputs that are the new side of the test.");
const MIN_DISTANCE: Parameter = Parameter::real(
    "min_distance",
    0.1,
    (0.0, 1.0),
    "A smaller Kolmogorov-Smirnov distance is never a drift.",
);

pub(super) const SPEC: DetectorSpec = DetectorSpec {
    name: "kswin",
    variant: "River 0.26.1 KSWIN, but deterministic: all older values instead of a random draw",
    doc: "Finds a change of the distribution's shape, place or spread between the newest and older inputs.",
    otherwise: "adwin for the mean: it has a fraction of the false alarms and of the cost.",
    input: Input::Number,
    parameters: &[ALPHA, WINDOW, NEWEST, MIN_DISTANCE],
    run_length: "11 false alarms in 10,000 inputs: one uncorrected test an input.",
    memory_values: 100 + 6,
    reference: "Raab, Heusinger, Schleif (2020), Neurocomputing 416",
};

/// The window; see the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kswin {
    alpha: f64,
    window: usize,
    newest: usize,
    min_distance: f64,
    values: VecDeque<f64>,
}

impl Kswin {
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingError> {
        let (window, newest) = (settings.whole(&WINDOW), settings.whole(&NEWEST));
        if 2 * newest > window {
            return Err(SettingError::Conflict {
                detector: SPEC.name,
                remedy: "newest must be at most half of window",
            });
        }
        Ok(Self {
            alpha: settings.real(&ALPHA),
            window,
            newest,
            min_distance: settings.real(&MIN_DISTANCE),
            values: VecDeque::new(),
        })
    }
}

impl Detector for Kswin {
    fn step(&mut self, x: f64) -> Decision {
        self.values.push_back(x);
        if self.values.len() > self.window {
            self.values.pop_front();
        }
        if self.values.len() < self.window {
            return Decision::Quiet;
        }
        let all = self.values.make_contiguous();
        let (older, newer) = all.split_at(self.window - self.newest);
        let Some(distance) = two_sample::ks_distance(older, newer) else {
            return Decision::Quiet;
        };
        let p = || two_sample::ks_asymptotic(distance, older.len(), newer.len());
        if distance > self.min_distance && p() <= self.alpha {
            self.reset();
            return Decision::Drift;
        }
        Decision::Quiet
    }

    fn reset(&mut self) {
        self.values.clear();
    }
}
