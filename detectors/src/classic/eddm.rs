//! `eddm`: the early drift detection method on the distance between errors.
//!
//! With mean `d` and sample deviation `s` of the numbers of inputs from one error to the next, and
//! `m` the largest `d + 2 s` so far: warning when `(d + 2 s) / m < alpha`, drift below `beta`. As in
//! River 0.26.1 (MOA and frouros take the population deviation, and differ by tens of inputs).

use serde::{Deserialize, Serialize};

use super::settings::{Parameter, SettingError, Settings};
use super::spec::{Decision, Detector, DetectorSpec, Input};

const WARM_UP: Parameter =
    Parameter::whole("warm_up", 30.0, (1.0, 1e9), "No decision up to this many errors.");
const ALPHA: Parameter =
    Parameter::real("alpha", 0.95, (0.0, 1.0), "Warning below this share of the largest distance.");
const BETA: Parameter =
    Parameter::real("beta", 0.9, (0.0, 1.0), "Drift below this share of the largest distance.");

pub(super) const SPEC: DetectorSpec = DetectorSpec {
    name: "eddm",
    variant: "River 0.26.1 EDDM (sample deviation)",
    doc: "Finds errors that come closer together, also slowly.",
    otherwise: "hddm_a or hddm_w: this one has the most false alarms of its family.",
    input: Input::Bit,
    parameters: &[WARM_UP, ALPHA, BETA],
    run_length: "19 false alarms in 10,000 inputs.",
    memory_values: 12,
    reference: "Baena-Garcia et al. (2006), Workshop on Knowledge Discovery from Data Streams",
};

/// The method's state; see the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Eddm {
    warm_up: u64,
    alpha: f64,
    beta: f64,
    state: Distances,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Distances {
    inputs: u64,
    last_error: u64,
    errors: u64,
    mean: f64,
    squares: f64,
    largest: f64,
    warned: bool,
}

impl Eddm {
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingError> {
        let (alpha, beta) = (settings.real(&ALPHA), settings.real(&BETA));
        if alpha < beta {
            return Err(SettingError::Conflict {
                detector: SPEC.name,
                remedy: "alpha (warning) must be at least beta (drift)",
            });
        }
        let warm_up = settings.whole(&WARM_UP) as u64;
        Ok(Self { warm_up, alpha, beta, state: Distances::default() })
    }
}

impl Detector for Eddm {
    fn step(&mut self, x: f64) -> Decision {
        let state = &mut self.state;
        state.inputs += 1;
        if x >= 0.5 {
            let distance = (state.inputs - state.last_error) as f64;
            state.last_error = state.inputs;
            state.errors += 1;
            let before = distance - state.mean;
            state.mean += before / state.errors as f64;
            state.squares += before * (distance - state.mean);
            let freedom = state.errors.saturating_sub(1).max(1) as f64;
            let reach = state.mean + 2.0 * libm::sqrt(state.squares / freedom);
            if state.inputs <= self.warm_up {
                return Decision::Quiet;
            }
            if reach > state.largest {
                state.largest = reach;
            } else if state.errors > self.warm_up {
                let level = reach / state.largest;
                if level < self.beta {
                    self.reset();
                    return Decision::Drift;
                }
                state.warned = level < self.alpha;
            }
        }
        // Between errors nothing is known: the last word stands.
        if self.state.warned { Decision::Warning } else { Decision::Quiet }
    }

    fn reset(&mut self) {
        self.state = Distances::default();
    }
}
