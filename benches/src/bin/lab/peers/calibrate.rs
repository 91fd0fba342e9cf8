//! The threshold at which a chart has the wanted mean run length, by simulation.

/// Halvings with few runs.
const PILOTS: usize = 9;
/// Evaluations with all runs.
const ROUNDS: usize = 7;
/// A mean run length this near, as a ratio less 1, is the wanted one.
const NEAR: f64 = 0.02;
/// First step away from the pilot's threshold, as a ratio less 1.
const STEP: f64 = 0.04;

/// A threshold. Where none has the wanted run length, because the statistic has few values, two are
/// used, each in a share of the runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Threshold {
    pub(super) below: f64,
    pub(super) above: f64,
    /// Share of runs with the upper one.
    pub(super) share: f64,
}

impl Threshold {
    pub(super) fn one(value: f64) -> Self {
        Self { below: value, above: value, share: 1.0 }
    }

    /// The one for a run.
    pub(super) fn of_run(self, run: usize) -> f64 {
        const GOLDEN: f64 = 0.618_033_988_749_894_9;
        if (run as f64 * GOLDEN).fract() < self.share { self.above } else { self.below }
    }
}

/// How many runs a mean rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Runs {
    Few,
    All,
}

/// A threshold and the logarithm of its mean run length over the wanted one.
type Tried = (f64, f64);

/// `mean`: mean run length at a threshold; it does not fall as the threshold rises.
pub(super) fn calibrate(
    wanted: f64,
    (mut low, mut high): (f64, f64),
    mean: impl Fn(f64, Runs) -> f64,
) -> Threshold {
    let (least, most) = (low, high);
    for _ in 0..PILOTS {
        let middle = (low * high).sqrt();
        if mean(middle, Runs::Few) < wanted { low = middle } else { high = middle }
    }
    let mut x = (low * high).sqrt();
    let mut below: Option<Tried> = None;
    let mut above: Option<Tried> = None;
    for _ in 0..ROUNDS {
        let off = (mean(x, Runs::All) / wanted).ln();
        if off.abs() < NEAR {
            return Threshold::one(x);
        }
        if off < 0.0 {
            below = Some((x, off))
        } else {
            above = Some((x, off))
        }
        x = match (below, above) {
            (Some((a, a_off)), Some((b, b_off))) => {
                let part = (-a_off / (b_off - a_off)).clamp(0.15, 0.85);
                a * (b / a).powf(part)
            }
            (Some((a, _)), None) => a * (1.0 + STEP),
            _ => x / (1.0 + STEP),
        };
        if !(least..=most).contains(&x) {
            break;
        }
    }
    match (below, above) {
        (Some((below, a)), Some((above, b))) => {
            let share = (1.0 - a.exp()) / (b.exp() - a.exp());
            Threshold { below, above, share }
        }
        // The range ends before the wanted run length.
        (nearest, None) | (None, nearest) => Threshold::one(nearest.map_or(x, |(x, _)| x)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smooth_run_length_is_met_and_a_stepped_one_on_average() {
        let smooth = calibrate(10_000.0, (0.5, 500.0), |x, _| (1.1 * x).exp());
        assert!((1.1 * smooth.above).exp() / 10_000.0 - 1.0 < NEAR && smooth.share == 1.0);
        let stepped = |x: f64, _: Runs| if x < 3.0 { 5_000.0 } else { 20_000.0 };
        let found = calibrate(10_000.0, (0.5, 500.0), stepped);
        assert!(found.below < 3.0 && found.above >= 3.0 && (found.share - 1.0 / 3.0).abs() < 1e-9);
        let upper = (0..3_000).filter(|run| found.of_run(*run) == found.above).count();
        assert!((900..1_100).contains(&upper), "{upper}");
    }
}
