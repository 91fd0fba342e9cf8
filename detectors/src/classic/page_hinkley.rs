//! `page_hinkley`: the Page-Hinkley test against the running mean.
//!
//! `m` is the mean so far, this input included; `U = alpha U + x - m - delta`,
//! `D = alpha D + x - m + delta`; drift when `U - min U` (up) or `max D - D` (down) is above the
//! threshold. delta is the drift per input that is let pass, the threshold is in units of the input,
//! alpha forgets. As in River 0.26.1, whose `max D` starts at -1.

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
const UP: Parameter =
    Parameter::whole("up", 1.0, (0.0, 1.0), "Whether a rise of the mean is a drift: 0 or 1.");
const DOWN: Parameter =
    Parameter::whole("down", 1.0, (0.0, 1.0), "Whether a fall of the mean is a drift: 0 or 1.");

pub(super) const SPEC: DetectorSpec = DetectorSpec {
    name: "page_hinkley",
    variant: "River 0.26.1 PageHinkley; up and down together are its mode `both`",
    doc: "Finds a change of the mean from the mean so far.",
    otherwise: "cusum when target and deviation are known: its false alarms are then a choice.",
    input: Input::Number,
    parameters: &[MIN_UPDATES, DELTA, THRESHOLD, ALPHA, UP, DOWN],
    run_length: "5.7 false alarms in 10,000 inputs; depends on the input's scale.",
    memory_values: 12,
    reference: "Page (1954), Biometrika 41(1/2); Hinkley (1971), Biometrika 58(3)",
};

/// The test's state; see the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PageHinkley {
    min_updates: u64,
    delta: f64,
    threshold: f64,
    alpha: f64,
    up: bool,
    down: bool,
    state: Sums,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Sums {
    mean: RunningMean,
    up: f64,
    up_least: f64,
    down: f64,
    down_most: f64,
}

const FRESH: Sums = Sums {
    mean: RunningMean { count: 0, mean: 0.0 },
    up: 0.0,
    up_least: f64::MAX,
    down: 0.0,
    down_most: -1.0,
};

impl PageHinkley {
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self {
            min_updates: settings.whole(&MIN_UPDATES) as u64,
            delta: settings.real(&DELTA),
            threshold: settings.real(&THRESHOLD),
            alpha: settings.real(&ALPHA),
            up: settings.flag(&UP),
            down: settings.flag(&DOWN),
            state: FRESH,
        })
    }
}

impl Detector for PageHinkley {
    fn step(&mut self, x: f64) -> Decision {
        let state = &mut self.state;
        state.mean.add(x);
        let gap = x - state.mean.mean;
        state.up = self.alpha * state.up + gap - self.delta;
        state.down = self.alpha * state.down + gap + self.delta;
        state.up_least = state.up_least.min(state.up);
        state.down_most = state.down_most.max(state.down);
        let rose = self.up && state.up - state.up_least > self.threshold;
        let fell = self.down && state.down_most - state.down > self.threshold;
        if state.mean.count >= self.min_updates && (rose || fell) {
            self.reset();
            return Decision::Drift;
        }
        Decision::Quiet
    }

    fn reset(&mut self) {
        self.state = FRESH;
    }
}
