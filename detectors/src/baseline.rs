//! A baseline: what a series looked like when all was well. Frozen.
//!
//! Encoder, code counts, and what the baseline's own panes say about dependence. Everything that a
//! decision needs follows from it, so two equal baselines give equal findings.

use serde::{Deserialize, Serialize};

use crate::encoder::{CODES_MAX, Encoder};
use crate::lane::fixed_lanes;
use crate::slots::Slots;
use crate::special::normal_quantile;
use crate::temper::Dependence;

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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// How its values become codes.
    pub encoder: Encoder,
    /// Events per code.
    pub counts: Vec<u64>,
    /// Events that were counted after the encoder was made, when a value could be unseen; 0 = all.
    #[serde(default)]
    pub coded_events: u64,
    /// Events of a tick, the median of those that told about dependence: what the lanes look for follows it.
    #[serde(default = "usual_tick")]
    pub tick_events: f64,
    /// Panes that told about dependence (those that made the encoder are left out).
    pub panes: u32,
    /// Tempering of each lane in 0..=1, in the order of the lanes; empty = 1 for all.
    pub temper: Vec<f64>,
    /// Tempering of each code on its own, of categories; empty = that of the lanes.
    #[serde(default)]
    pub code_temper: Vec<f64>,
    /// What its ticks told about dependence in each fixed lane; empty = unknown.
    #[serde(default)]
    pub dependence: Vec<Dependence>,
    /// How much more a pane's mean varies than independent events would: a design effect, at least 1.
    pub inflation: f64,
    /// Hour-of-week counts, where the history was long enough.
    pub slots: Option<Slots>,
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

    /// What is wrong with a baseline that was read from outside: none may be used that has a fault.
    pub fn fault(&self) -> Option<&'static str> {
        let codes = self.encoder.codes();
        if codes > CODES_MAX {
            return Some("its encoder has more codes than there can be");
        }
        if self.counts.len() != codes {
            return Some("its counts do not fit its encoder");
        }
        let is_share = |x: &f64| (0.0..=1.0).contains(x);
        let is_positive = |x: f64| x.is_finite() && x > 0.0;
        let is_told = |of: &Dependence| {
            is_positive(of.effect) && is_positive(of.growth) && is_positive(of.weight)
        };
        let fits = |len: usize, wanted: usize| len == 0 || len == wanted;
        let has_slots = self.slots.as_ref().is_none_or(|slots| slots.fit(codes));
        // Lanes are looked up by code: only where there is a count for each.
        let lanes = fixed_lanes(self, Zone::default()).len();
        let checks = [
            (self.counts.iter().any(|n| *n > 0), "it rests on no events"),
            (fits(self.temper.len(), lanes), "it was made by another version"),
            (
                fits(self.dependence.len(), self.temper.len()),
                "its dependence does not fit its lanes",
            ),
            (fits(self.code_temper.len(), codes), "its code_temper does not fit its encoder"),
            (
                self.temper.iter().chain(&self.code_temper).all(is_share),
                "its tempering is not between 0 and 1",
            ),
            (self.dependence.iter().all(is_told), "its dependence is not positive"),
            (is_positive(self.tick_events), "its tick_events are not positive"),
            (is_positive(self.inflation), "its inflation is not positive"),
            (has_slots, "its slots do not fit its encoder"),
        ];
        checks.into_iter().find(|(is_right, _)| !is_right).map(|(_, fault)| fault)
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
    use crate::encoder::{CategoryEncoder, NumberEncoder};

    #[test]
    fn what_was_edited_has_a_fault() {
        let encoder = Encoder::Number(NumberEncoder::from_edges(vec![0.0, 1.0, 2.0, 3.0]));
        let good = Baseline::new(encoder, vec![0, 50, 100, 50, 0, 3, 0]);
        assert_eq!(good.fault(), None);
        let told = Dependence { effect: 1.0, weight: 1.0, growth: 1.0, sums: 5.0 };
        type Edit = fn(&mut Baseline, Dependence);
        let edits: [(Edit, &str); 12] = [
            (|b, _| b.counts.push(1), "counts"),
            (|b, _| b.counts.truncate(2), "counts"),
            (
                |b, _| {
                    let names = (0..20).map(|at| (["a", "b", "c"][at % 3], 5));
                    b.encoder = Encoder::Category(CategoryEncoder::from_counts(names));
                    b.counts.truncate(1);
                },
                "counts",
            ),
            (
                |b, told| {
                    let lanes = fixed_lanes(b, Zone::default()).len();
                    b.temper = vec![1.0; lanes];
                    b.dependence = vec![Dependence { effect: -1.0, ..told }; lanes];
                },
                "not positive",
            ),
            (|b, _| b.counts.fill(0), "no events"),
            (|b, _| b.temper = vec![1.0; 3], "another version"),
            (|b, told| b.dependence = vec![told; 3], "lanes"),
            (|b, _| b.code_temper = vec![1.0; 3], "code_temper"),
            (|b, _| b.code_temper = vec![1.5; 7], "between 0 and 1"),
            (|b, _| b.tick_events = f64::NAN, "tick_events"),
            (|b, _| b.inflation = -1.0, "inflation"),
            (|b, _| b.slots = Some(Slots::new(3)), "slots"),
        ];
        for (edit, words) in edits {
            let mut bad = good.clone();
            edit(&mut bad, told);
            let fault = bad.fault().unwrap_or_default();
            assert!(fault.contains(words), "{words}: {fault}");
        }
    }

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
