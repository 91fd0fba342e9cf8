//! A baseline: what a series looked like while all was well. It is frozen.
//!
//! Encoder, code counts, and what the baseline's own panes say about dependence. Everything that a
//! decision needs follows from it, so two equal baselines give equal findings.

mod hour_of_week;

use serde::{Deserialize, Serialize};

use crate::dependence::design_effect::Dependence;
use crate::encoder::Encoder;
use crate::math::special::normal_quantile;

pub use hour_of_week::HourOfWeekCounts;

/// Largest score.
const SCORE_MAX: f64 = 8.0;

/// Changes that are too small to matter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Zone {
    /// Of a number, in standard deviations of the baseline (normal scores).
    pub sigma: f64,
    /// Of a share, as an odds ratio minus one.
    pub odds: f64,
}

impl Default for Zone {
    fn default() -> Self {
        Self { sigma: 0.1, odds: 0.1 }
    }
}

/// Where a baseline was taken from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// `learned`, `range`, `file`, or the version of the model that it was inherited from.
    pub source: String,
    /// First instant, microseconds since 1970.
    pub from_us: i64,
    /// End (exclusive).
    pub to_us: i64,
}

/// The frozen reference of one series.
/// ```
/// use driftline_detectors::baseline::Baseline;
/// use driftline_detectors::encoder::{Encoder, FlagEncoder};
///
/// // 10,000 requests, of which 100 failed; nothing missing, nothing invalid.
/// let baseline = Baseline::new(Encoder::Flag(FlagEncoder), vec![9_900, 100, 0, 0]);
/// assert_eq!(baseline.events(), 10_000);
/// assert_eq!(baseline.fault(), None);
/// assert!((baseline.probabilities()[1] - 0.01).abs() < 1e-4);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// How its values become codes.
    pub encoder: Encoder,
    /// Events per code.
    pub counts: Vec<u64>,
    /// Events that were counted after the encoder was made, when a value could be unseen; 0 = all.
    #[serde(default)]
    pub coded_events: u64,
    /// Median number of events of the ticks that dependence was estimated from. The sizes of change that
    /// lanes look for depend on it.
    #[serde(default = "usual_tick")]
    pub tick_events: f64,
    /// Panes that dependence was estimated from (those that made the encoder are left out).
    pub panes: u32,
    /// Tempering of each lane in 0..=1, in the order of the lanes; empty = 1 for all.
    pub temper: Vec<f64>,
    /// Tempering of each code on its own, of categories; empty = that of the lanes.
    #[serde(default)]
    pub code_temper: Vec<f64>,
    /// Dependence of its ticks in each fixed lane; empty = unknown.
    #[serde(default)]
    pub dependence: Vec<Dependence>,
    /// How much more a pane's mean varies than independent events would: a design effect, at least 1.
    pub inflation: f64,
    /// Hour-of-week counts, where the history was long enough.
    pub slots: Option<HourOfWeekCounts>,
    /// Where it comes from.
    pub provenance: Provenance,
}

/// Events of a tick where nothing is known of it.
fn usual_tick() -> f64 {
    50.0
}

impl Baseline {
    /// A baseline of independent events: no tempering, no season.
    pub fn new(encoder: Encoder, counts: Vec<u64>) -> Self {
        let provenance = Provenance::default();
        Self {
            encoder,
            counts,
            coded_events: 0,
            tick_events: usual_tick(),
            panes: 0,
            temper: Vec::new(),
            code_temper: Vec::new(),
            dependence: Vec::new(),
            inflation: 1.0,
            slots: None,
            provenance,
        }
    }

    /// Number of events.
    pub fn events(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Share of each code, `(n + 1/2) / (N + C/2)`: never zero (Krichevsky and Trofimov 1981).
    ///
    /// The values that made an encoder of categories could not be unseen: that share is of the later ones.
    pub fn probabilities(&self) -> Vec<f64> {
        let total = self.events() as f64 + self.counts.len() as f64 / 2.0;
        let mut p: Vec<f64> = self.counts.iter().map(|n| (*n as f64 + 0.5) / total).collect();
        if let Some((code, times)) = self.unseen() {
            let share = (p[code] * times).min(0.5);
            let rest = (1.0 - share) / (1.0 - p[code]);
            p.iter_mut().for_each(|p| *p *= rest);
            p[code] = share;
        }
        p
    }

    /// Share of the events that could have been unseen.
    pub(crate) fn unseen_weight(&self) -> f64 {
        self.unseen().map_or(1.0, |(_, times)| 1.0 / times)
    }

    /// The code of unseen categories, and how many times as often it would have been counted, had all events
    /// been able to have it.
    pub(crate) fn unseen(&self) -> Option<(usize, f64)> {
        match &self.encoder {
            Encoder::Category(encoder) if self.coded_events > 0 => {
                let times = self.events() as f64 / self.coded_events as f64;
                Some((encoder.values().len() + 1, times))
            }
            _ => None,
        }
    }

    /// Normal score of each ordered code: the standard normal quantile of its mid-probability, centred
    /// and scaled so that the baseline has mean 0 and variance 1. Zero for codes without order.
    pub fn scores(&self, probabilities: &[f64]) -> Vec<f64> {
        let ordered = self.encoder.ordered();
        let mass: f64 = probabilities[..ordered].iter().sum();
        let mut scores = vec![0.0; probabilities.len()];
        let mut below = 0.0;
        for (score, p) in scores.iter_mut().zip(probabilities).take(ordered) {
            *score = normal_quantile((below + p / 2.0) / mass);
            below += p;
        }
        let weighted = |f: &dyn Fn(f64) -> f64| -> f64 {
            scores[..ordered].iter().zip(probabilities).map(|(z, p)| p / mass * f(*z)).sum()
        };
        let mean = weighted(&|z| z);
        let deviation = libm::sqrt(weighted(&|z| (z - mean) * (z - mean))).max(1e-9);
        // Beside a constant everything is infinitely far away.
        let standard = |z: f64| ((z - mean) / deviation).clamp(-SCORE_MAX, SCORE_MAX);
        scores[..ordered].iter_mut().for_each(|z| *z = standard(*z));
        scores
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoder::NumberEncoder;

    #[test]
    fn shares_add_up_and_scores_are_standard() {
        let encoder = Encoder::Number(NumberEncoder::from_edges(vec![0.0, 1.0, 2.0, 3.0]));
        let baseline = Baseline::new(encoder, vec![0, 50, 100, 50, 0, 3, 0]);
        let p = baseline.probabilities();
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let z = baseline.scores(&p);
        let mass: f64 = p[..5].iter().sum();
        let mean: f64 = z.iter().zip(&p).map(|(z, p)| z * p).sum::<f64>() / mass;
        let variance: f64 = z.iter().zip(&p).map(|(z, p)| z * z * p).sum::<f64>() / mass;
        assert!(mean.abs() < 1e-9 && (variance - 1.0).abs() < 1e-9);
        assert_eq!((z[5], z[6]), (0.0, 0.0));
        assert!(z.windows(2).take(4).all(|w| w[0] < w[1]));
    }
}
