//! `hddm_w`: drift detection with McDiarmid's bound on exponentially weighted means.
//!
//! The weighted mean of all inputs is compared with the one that began after the cut where mean +
//! bound was smallest. With `i` the sums of squared weights: a rise when
//! `new - old > sqrt((i_old + i_new) ln(1 / confidence) / 2)`; a fall likewise. As in River 0.26.1.

use serde::{Deserialize, Serialize};

use super::mean::bit;
use super::settings::{Parameter, SettingError, Settings};
use super::spec::{Decision, Detector, DetectorSpec, Input};

const DRIFT: Parameter =
    Parameter::real("drift_confidence", 0.001, (1e-12, 1.0), "Significance of a drift.");
const WARNING: Parameter =
    Parameter::real("warning_confidence", 0.005, (1e-12, 1.0), "Significance of a warning.");
const LAMBDA: Parameter =
    Parameter::real("lambda", 0.05, (1e-6, 1.0), "Weight of the newest input.");
const TWO_SIDED: Parameter =
    Parameter::whole("two_sided", 0.0, (0.0, 1.0), "Whether a fall is a drift too: 0 or 1.");

pub(super) const SPEC: DetectorSpec = DetectorSpec {
    name: "hddm_w",
    variant: "River 0.26.1 HDDM_W",
    doc: "Finds a slow rise (or fall) of an error rate, with McDiarmid's bound on false alarms.",
    otherwise: "hddm_a for sudden changes.",
    input: Input::Bit,
    parameters: &[DRIFT, WARNING, LAMBDA, TWO_SIDED],
    run_length: "0.51 false alarms in 10,000 inputs.",
    memory_values: 24,
    reference: "Frias-Blanco et al. (2015), IEEE Transactions on Knowledge and Data Engineering 27(3)",
};

/// A weighted mean and the sum of its squared weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Weighted {
    /// Mean and squared weights; `None` before the first input.
    state: Option<(f64, f64)>,
}

impl Weighted {
    fn add(&mut self, x: f64, lambda: f64) {
        let (mean, squares) = self.state.unwrap_or((x, 1.0));
        let kept = 1.0 - lambda;
        self.state = Some((lambda * x + kept * mean, lambda * lambda + kept * kept * squares));
    }
}

/// The two sides of a cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Cut {
    /// Extreme of mean + bound so far.
    extreme: Option<f64>,
    before: Weighted,
    after: Weighted,
}

impl Cut {
    /// `sign` 1 looks for a rise, -1 for a fall.
    fn take(&mut self, x: f64, all: &Weighted, sign: f64, settings: (f64, f64)) {
        let (lambda, drift) = settings;
        let (mean, squares) = all.state.unwrap_or_default();
        let reach = sign * mean + libm::sqrt(squares * libm::log(1.0 / drift) / 2.0);
        if self.extreme.is_none_or(|extreme| reach < extreme) {
            *self = Self { extreme: Some(reach), before: *all, after: Weighted::default() };
        } else {
            self.after.add(x, lambda);
        }
    }

    fn differs(&self, sign: f64, confidence: f64) -> bool {
        let (Some(before), Some(after)) = (self.before.state, self.after.state) else {
            return false;
        };
        let bound = libm::sqrt((before.1 + after.1) * libm::log(1.0 / confidence) / 2.0);
        sign * (after.0 - before.0) > bound
    }
}

/// The method's state; see the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HddmW {
    drift: f64,
    warning: f64,
    lambda: f64,
    two_sided: bool,
    all: Weighted,
    rise: Cut,
    fall: Cut,
}

impl HddmW {
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self {
            drift: settings.real(&DRIFT),
            warning: settings.real(&WARNING),
            lambda: settings.real(&LAMBDA),
            two_sided: settings.flag(&TWO_SIDED),
            all: Weighted::default(),
            rise: Cut::default(),
            fall: Cut::default(),
        })
    }
}

impl Detector for HddmW {
    fn step(&mut self, x: f64) -> Decision {
        let x = bit(x);
        self.all.add(x, self.lambda);
        self.rise.take(x, &self.all, 1.0, (self.lambda, self.drift));
        self.fall.take(x, &self.all, -1.0, (self.lambda, self.drift));
        let moved = |confidence: f64| {
            self.rise.differs(1.0, confidence)
                || self.two_sided && self.fall.differs(-1.0, confidence)
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
        (self.all, self.rise, self.fall) = (Weighted::default(), Cut::default(), Cut::default());
    }
}
