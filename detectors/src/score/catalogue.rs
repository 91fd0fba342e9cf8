//! The scores, one line each.

use serde::Serialize;

use super::comparison::Comparison;
use super::reading::ScoreValue;
use super::{contingency, distance, divergence};

/// One score of one window against its baseline.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Score {
    /// The name in [`SCORES`].
    pub name: &'static str,
    /// The score as the field defines it (unit: see the score's documentation).
    pub value: f64,
    /// The value less its mean with nothing changed. Negative when the window is closer than
    /// chance would have it; roots are taken of what is left above 0.
    pub corrected: Option<f64>,
    /// The chance of a value at least as large with nothing changed, in `0..=1`; the law is in the
    /// score's documentation.
    pub p_value: Option<f64>,
}

/// One line of [`SCORES`].
#[derive(Clone, Copy, Debug)]
pub struct ScoreSpec {
    /// Name in outputs and configuration.
    pub name: &'static str,
    /// One sentence: what it measures, its unit and range.
    pub doc: &'static str,
    /// The formula, `p` the baseline's share of a code, `q` the window's.
    pub formula: &'static str,
    /// The law behind the p-value, with nothing changed.
    pub null_law: &'static str,
    /// Where the score or its law comes from.
    pub reference: &'static str,
    /// Computes it; `None` when the codes have no order and the score needs one.
    pub compute: fn(&Comparison) -> Option<ScoreValue>,
}

const CHI_SQUARE_LAW: &str = "asymptotically chi-square with (codes with mass - 1) degrees of freedom, s = 1/N + 1/M; \
     where codes expect fewer than about 10 events in the window, kl, js and hellinger reject too seldom (1.4 to 2.9 % for 5 %) and g too often (7.8 %)";

/// Every score, in the order in which [`window_scores`] returns them.
pub const SCORES: &[ScoreSpec] = &[
    ScoreSpec {
        name: "psi",
        doc: "Population stability index: symmetric, in nats, 0 and up; both sides have 1/2 added to every code, so a new code is finite.",
        formula: "sum (q - p) ln(q / p); PSI/s is compared",
        null_law: CHI_SQUARE_LAW,
        reference: "Yurdakul (2018), Statistical properties of the population stability index",
        compute: divergence::psi,
    },
    ScoreSpec {
        name: "kl",
        doc: "Kullback-Leibler divergence of the window from the baseline, in nats, 0 and up; both sides have 1/2 added to every code.",
        formula: "sum q ln(q / p); 2 KL/s is compared",
        null_law: CHI_SQUARE_LAW,
        reference: "Kullback (1959), Information theory and statistics",
        compute: divergence::kullback_leibler,
    },
    ScoreSpec {
        name: "js_divergence",
        doc: "Jensen-Shannon divergence, in nats, 0 to ln 2 (no root taken).",
        formula: "KL(p | m)/2 + KL(q | m)/2, m = (p + q)/2; 8 JSD/s is compared",
        null_law: CHI_SQUARE_LAW,
        reference: "Lin (1991), IEEE Transactions on Information Theory 37(1)",
        compute: divergence::jensen_shannon,
    },
    ScoreSpec {
        name: "js_distance_base2",
        doc: "Jensen-Shannon distance: root of the divergence in bits, 0 to 1.",
        formula: "sqrt(JSD / ln 2)",
        null_law: CHI_SQUARE_LAW,
        reference: "Endres, Schindelin (2003), IEEE Transactions on Information Theory 49(7)",
        compute: divergence::jensen_shannon_distance,
    },
    ScoreSpec {
        name: "hellinger",
        doc: "Hellinger distance, 0 to 1.",
        formula: "sqrt(1 - sum sqrt(p q)); 8 H^2/s is compared",
        null_law: CHI_SQUARE_LAW,
        reference: "Cressie, Read (1984), J. R. Statist. Soc. B 46(3): the power family at -1/2",
        compute: divergence::hellinger,
    },
    ScoreSpec {
        name: "total_variation",
        doc: "Total variation: the share of events that would have to change their code, 0 to 1.",
        formula: "sum |q - p| / 2",
        null_law: "gamma with the mean and variance of the sum of the folded normals that the code shares are with nothing changed",
        reference: "Berend, Kontorovich (2013), Statistics & Probability Letters 83; moments of folded normals",
        compute: distance::total_variation,
    },
    ScoreSpec {
        name: "l_infinity",
        doc: "Largest change of the share of one code, 0 to 1.",
        formula: "max |q - p|",
        null_law: "union bound over the codes' normal laws with Yates' correction: conservative",
        reference: "Bonferroni's inequality on the two-sample z-test of each share",
        compute: distance::l_infinity,
    },
    ScoreSpec {
        name: "ks",
        doc: "Kolmogorov-Smirnov statistic on ordered codes: largest gap of the cumulative shares, 0 to 1; codes without a position are left out.",
        formula: "max |Q(x) - P(x)|",
        null_law: "Kolmogorov's, at sqrt(N M / (N + M)) D: conservative, since codes are ties",
        reference: "Kolmogorov (1933); Smirnov (1948), Ann. Math. Statist. 19(2)",
        compute: distance::kolmogorov_smirnov,
    },
    ScoreSpec {
        name: "wasserstein",
        doc: "Wasserstein-1 (earth mover's) distance on the codes' positions, in their unit; codes without a position are left out.",
        formula: "integral of |Q(x) - P(x)|",
        null_law: "gamma with the mean and variance of the area under the folded Brownian bridge at the codes",
        reference: "Vallender (1974), Theory Probab. Appl. 18(4); del Barrio, Gine, Matran (1999), Ann. Probab. 27(2)",
        compute: distance::wasserstein,
    },
    ScoreSpec {
        name: "g",
        doc: "G statistic (log-likelihood ratio) of the 2 x codes contingency table, 0 and up; grows with the number of events.",
        formula: "2 sum O ln(O / E) over both rows",
        null_law: CHI_SQUARE_LAW,
        reference: "Woolf (1957), Ann. Hum. Genet. 21(4)",
        compute: contingency::g_statistic,
    },
    ScoreSpec {
        name: "chi_square",
        doc: "Pearson's chi-square of the 2 x codes contingency table, 0 and up; grows with the number of events.",
        formula: "sum (O - E)^2 / E over both rows",
        null_law: CHI_SQUARE_LAW,
        reference: "Pearson (1900), Philosophical Magazine 50(302)",
        compute: contingency::chi_square,
    },
];

/// All scores of a window's counts against the baseline's, in the order of [`SCORES`].
///
/// `baseline[c]` and `window[c]` count the events with code `c`; a shorter slice is read as padded
/// with zeros. `positions[c]` places the codes on a line (a bin's middle, say): with it, `ks` and
/// `wasserstein` are there too, over the codes whose position is finite. Empty when either side
/// has no event: there is nothing to compare.
/// ```
/// use driftline_detectors::score::window_scores;
///
/// let scores = window_scores(&[5_000, 3_000, 2_000], &[400, 350, 250], None);
/// let psi = scores.iter().find(|score| score.name == "psi").expect("psi needs no positions");
/// assert!((psi.value - 0.043).abs() < 0.002);
/// assert!(psi.p_value.is_some_and(|p| p < 1e-6));
/// ```
#[must_use]
pub fn window_scores(baseline: &[u64], window: &[u64], positions: Option<&[f64]>) -> Vec<Score> {
    let Some(comparison) = Comparison::new(baseline, window, positions) else {
        return Vec::new();
    };
    SCORES
        .iter()
        .filter_map(|spec| {
            (spec.compute)(&comparison).map(|reading| Score {
                name: spec.name,
                value: reading.value,
                corrected: reading.corrected,
                p_value: reading.p_value,
            })
        })
        .collect()
}
