//! `bocd`: Bayesian online change-point detection of a normal mean, in bounded memory.
//!
//! A hypothesis for each time at which the present run may have begun: a normal posterior of the
//! mean (data variance known) and a weight. At each input x a hypothesis' weight is multiplied by
//! its predictive density of x and by `1 - hazard`; a new hypothesis (the run begins after x) takes
//! the sum of all times `hazard`. Drift when the most likely hypothesis is not the oldest one. As in
//! frouros 0.9.0, which keeps a t x t matrix; here the least likely hypothesis is dropped beyond
//! `hypotheses`, never the oldest, so decisions are the same for runs up to that length.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::settings::{Parameter, SettingError, Settings};
use super::spec::{Decision, Detector, DetectorSpec, Input};

const PRIOR_MEAN: Parameter = Parameter::real(
    "prior_mean",
    0.0,
    (-1e50, 1e50),
    "Mean of a new run's mean, in units of the input.",
);
const PRIOR_VARIANCE: Parameter =
    Parameter::real("prior_variance", 1.0, (1e-50, 1e50), "Variance of a new run's mean.");
const DATA_VARIANCE: Parameter =
    Parameter::real("data_variance", 1.0, (1e-50, 1e50), "Variance of the input within a run.");
const HAZARD: Parameter =
    Parameter::real("hazard", 0.01, (1e-9, 0.5), "Chance of a change at each input.");
const MIN_UPDATES: Parameter = Parameter::whole(
    "min_updates",
    30.0,
    (1.0, 1e9),
    "No decision before this many inputs since the last drift.",
);
const HYPOTHESES: Parameter =
    Parameter::whole("hypotheses", 200.0, (2.0, 10_000.0), "Run starts kept at most.");

pub(super) const SPEC: DetectorSpec = DetectorSpec {
    name: "bocd",
    variant: "frouros 0.9.0 BOCD with GaussianUnknownMean, memory bounded",
    doc: "Finds a change of a normal mean as the most probable explanation of the inputs.",
    otherwise: "cusum when the target is known: far cheaper, and its false alarms are a choice.",
    input: Input::Number,
    parameters: &[PRIOR_MEAN, PRIOR_VARIANCE, DATA_VARIANCE, HAZARD, MIN_UPDATES, HYPOTHESES],
    run_length: "21 false alarms in 10,000 inputs.",
    memory_values: 3 * 201 + 8,
    reference: "Adams, MacKay (2007), arXiv:0710.3742",
};

/// The run may have begun here.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Hypothesis {
    mean: f64,
    precision: f64,
    log_weight: f64,
}

/// The hypotheses; see the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bocd {
    prior: (f64, f64),
    data_variance: f64,
    log_hazard: f64,
    log_stay: f64,
    min_updates: u64,
    limit: usize,
    updates: u64,
    /// The newest last; the oldest, first, is "no change yet".
    hypotheses: Vec<Hypothesis>,
}

impl Bocd {
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingError> {
        let hazard = settings.real(&HAZARD);
        let prior = (settings.real(&PRIOR_MEAN), 1.0 / settings.real(&PRIOR_VARIANCE));
        let mut fresh = Self {
            prior,
            data_variance: settings.real(&DATA_VARIANCE),
            log_hazard: libm::log(hazard),
            log_stay: libm::log1p(-hazard),
            min_updates: settings.whole(&MIN_UPDATES) as u64,
            limit: settings.whole(&HYPOTHESES),
            updates: 0,
            hypotheses: Vec::new(),
        };
        fresh.reset();
        Ok(fresh)
    }

    fn begin(&self, log_weight: f64) -> Hypothesis {
        Hypothesis { mean: self.prior.0, precision: self.prior.1, log_weight }
    }
}

/// Logarithm of the sum of exponentials.
fn log_sum(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let most = values.clone().fold(f64::NEG_INFINITY, f64::max);
    if most == f64::NEG_INFINITY {
        return most;
    }
    most + libm::log(values.map(|value| libm::exp(value - most)).sum())
}

impl Detector for Bocd {
    fn step(&mut self, x: f64) -> Decision {
        self.updates += 1;
        for hypothesis in &mut self.hypotheses {
            let variance = 1.0 / hypothesis.precision + self.data_variance;
            let gap = x - hypothesis.mean;
            hypothesis.log_weight -=
                (gap * gap / variance + libm::log(2.0 * PI * variance)) / 2.0;
            let precision = hypothesis.precision + 1.0 / self.data_variance;
            hypothesis.mean =
                (hypothesis.mean * hypothesis.precision + x / self.data_variance) / precision;
            hypothesis.precision = precision;
        }
        let total = log_sum(self.hypotheses.iter().map(|hypothesis| hypothesis.log_weight));
        for hypothesis in &mut self.hypotheses {
            hypothesis.log_weight += self.log_stay - total;
        }
        self.hypotheses.push(self.begin(self.log_hazard));
        if self.hypotheses.len() > self.limit {
            let least = (1..self.hypotheses.len())
                .min_by(|a, b| {
                    let weight = |at: &usize| self.hypotheses[*at].log_weight;
                    weight(a).total_cmp(&weight(b))
                })
                .unwrap_or(1);
            self.hypotheses.remove(least);
        }
        let oldest = self.hypotheses.first().map_or(0.0, |first| first.log_weight);
        let likelier = self.hypotheses.iter().any(|hypothesis| hypothesis.log_weight > oldest);
        if self.updates >= self.min_updates && likelier {
            self.reset();
            return Decision::Drift;
        }
        Decision::Quiet
    }

    fn reset(&mut self) {
        self.updates = 0;
        self.hypotheses = vec![self.begin(0.0)];
    }
}
