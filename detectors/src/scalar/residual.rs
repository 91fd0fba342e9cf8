//! The baseline of residuals.

use crate::baseline::{Baseline, Zone};
use crate::dependence::design_effect::{
    Dependence, NEIGHBOUR_INFLATION, PRIOR_TICKS, error_factor,
};
use crate::encoder::{Encoder, NumberEncoder, Sketch};
use crate::lanes::fixed_lanes;
use crate::math::autoregression::ORDER;
use crate::math::promise::BASELINE_LOG_PROMISE;
use crate::temper::Tempering;

/// While evidence is high the slow level is held, and residuals resemble each other for a while: the design
/// effect of that (measured with a promise of 10,000: without it false alarms were 1.04 and 1.02 times those
/// that are promised).
const HELD_LEVEL_INFLATION: f64 = 1.02;

/// The baseline of residuals, each of which is a tick of its own, for a zone.
pub fn residual_baseline(sketch: &Sketch, zone: Zone) -> Baseline {
    let encoder = NumberEncoder::from_sketch(sketch);
    let mut counts = vec![0; encoder.bins() + 4];
    sketch.cells().for_each(|cell| counts[encoder.encode(cell.low)] += cell.count);
    let mut baseline = Baseline::new(Encoder::Number(encoder), counts);
    baseline.tick_events = 1.0;
    baseline.panes = baseline.events() as u32;
    let lanes = fixed_lanes(&baseline, zone).len();
    let tempering = tempering(lanes, f64::from(baseline.panes));
    (baseline.temper, baseline.dependence) = (tempering.factors, tempering.dependence);
    baseline
}

/// The tempering of ticks that are one residual each, of which nothing is known but their number; watched
/// ticks correct it.
fn tempering(lanes: usize, ticks: f64) -> Tempering {
    // The autoregression is an estimate, too: what is left of slow waves has a relative error of the
    // variance 4 p / n (Berk 1974, at the frequency 0), and the mean of A^error is to be paid.
    let lags = 1.0 + 2.0 * ORDER as f64 * BASELINE_LOG_PROMISE / ticks.max(1.0);
    let factor = 1.0
        / (NEIGHBOUR_INFLATION
            * HELD_LEVEL_INFLATION
            * lags
            * error_factor(BASELINE_LOG_PROMISE, ticks + PRIOR_TICKS));
    let dependence = Dependence { effect: 1.0, weight: 1.0, growth: 1.0, sums: 0.0 };
    Tempering { factors: vec![factor; lanes], dependence: vec![dependence; lanes] }
}
