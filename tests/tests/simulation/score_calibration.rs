//! Are the p-values of the scores what they say? Windows are drawn from the baseline's own
//! distribution and the share with a p-value below 5 % is counted, with its standard error.
//!
//! The same count with the window's events taken from another distribution, and with the p-value
//! that leaves the baseline's own noise out, must *not* pass: the check can fail.

#![allow(clippy::print_stdout)] // the measured shares are the point of the run

use driftline_detectors::score::{SCORES, window_scores};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

const NOMINAL: f64 = 0.05;
const WINDOWS: usize = 4_000;

/// One setting: shares of the codes, events of the baseline and of the window.
struct Setting {
    name: &'static str,
    shares: Vec<f64>,
    baseline: usize,
    window: usize,
}

fn settings() -> Vec<Setting> {
    let even = |codes: usize| vec![1.0 / codes as f64; codes];
    let zipf = |codes: usize| (1..=codes).map(|rank| 1.0 / rank as f64).collect::<Vec<f64>>();
    vec![
        Setting { name: "10 even codes", shares: even(10), baseline: 10_000, window: 1_000 },
        Setting { name: "20 even codes", shares: even(20), baseline: 5_000, window: 1_000 },
        Setting { name: "50 even codes", shares: even(50), baseline: 5_000, window: 5_000 },
        Setting { name: "20 even codes, small", shares: even(20), baseline: 10_000, window: 100 },
        Setting { name: "12 Zipf codes", shares: zipf(12), baseline: 2_000, window: 500 },
        Setting { name: "flag, 10 %", shares: vec![0.9, 0.1], baseline: 10_000, window: 1_000 },
    ]
}

fn counts(shares: &[f64], events: usize, random: &mut Xoshiro256PlusPlus) -> Vec<u64> {
    let total: f64 = shares.iter().sum();
    let edges: Vec<f64> = shares
        .iter()
        .scan(0.0, |sum, share| {
            *sum += share / total;
            Some(*sum)
        })
        .collect();
    let mut counts = vec![0; shares.len()];
    for _ in 0..events {
        let place: f64 = random.random();
        let code = edges.partition_point(|edge| *edge <= place).min(shares.len() - 1);
        counts[code] += 1;
    }
    counts
}

/// Share of windows with a p-value below 5 %, a score each, and the mean of the corrected value in
/// units of its own standard error.
fn rejections(setting: &Setting, window_shares: &[f64]) -> Vec<(&'static str, f64, Option<f64>)> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(0x5eed);
    let positions: Vec<f64> = (0..setting.shares.len()).map(|code| code as f64).collect();
    let mut below = vec![0_usize; SCORES.len()];
    let mut corrected = vec![(0.0, 0.0, 0_usize); SCORES.len()];
    for _ in 0..WINDOWS {
        let baseline = counts(&setting.shares, setting.baseline, &mut random);
        let window = counts(window_shares, setting.window, &mut random);
        let scores = window_scores(&baseline, &window, Some(&positions));
        assert_eq!(scores.len(), SCORES.len());
        for (index, score) in scores.iter().enumerate() {
            below[index] += usize::from(score.p_value.expect("a p-value") < NOMINAL);
            if let Some(value) = score.corrected {
                let (sum, squares, number) = corrected[index];
                corrected[index] = (sum + value, squares + value * value, number + 1);
            }
        }
    }
    SCORES
        .iter()
        .zip(below)
        .zip(corrected)
        .map(|((spec, below), (sum, squares, number))| {
            let bias = (number > 0).then(|| {
                let n = number as f64;
                let mean = sum / n;
                mean / (squares / n - mean * mean).sqrt()
            });
            (spec.name, below as f64 / WINDOWS as f64, bias)
        })
        .collect()
}

/// Scores whose p-value is a bound: it may reject more seldom than it says.
const CONSERVATIVE: [&str; 2] = ["l_infinity", "ks"];
/// Off where codes expect about 5 events, as their documentation says: g too often, the rest too seldom.
const SPARSE: [&str; 5] = ["kl", "js_divergence", "js_distance_base2", "hellinger", "g"];
/// Roots of a value cut at 0: their corrected value is not centred.
const ROOTS: [&str; 2] = ["js_distance_base2", "hellinger"];

#[test]
fn p_values_are_calibrated_with_nothing_changed() {
    let mut wrong = Vec::new();
    for setting in settings() {
        for (name, share, bias) in rejections(&setting, &setting.shares) {
            let error = (share * (1.0 - share) / WINDOWS as f64).sqrt();
            let bias_text = bias.map_or_else(String::new, |b| format!("bias {b:+.3} sd"));
            println!("{:22} {name:18} {share:.4} +- {error:.4} {bias_text}", setting.name);
            let sparse = setting.window < 10 * setting.shares.len() && SPARSE.contains(&name);
            let least =
                if sparse || CONSERVATIVE.contains(&name) { 0.0 } else { 0.04 - 3.0 * error };
            let most = if sparse { 0.09 } else { 0.075 };
            if share < least || share > most {
                wrong.push(format!("{}: {name} rejects {share:.4}", setting.name));
            }
            if let Some(bias) = bias.filter(|_| !ROOTS.contains(&name))
                && bias.abs() > if sparse { 0.6 } else { 0.3 }
            {
                wrong.push(format!("{}: {name} corrected is off by {bias:.3} sd", setting.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_check_sees_a_change() {
    let setting = &settings()[0];
    let mut moved = setting.shares.clone();
    moved[0] *= 1.5;
    for (name, share, _) in rejections(setting, &moved) {
        assert!(share > 0.3, "{name} rejects {share} of windows that did change");
    }
}

#[test]
fn the_check_sees_a_wrong_law() {
    // PSI / (1/M), as tools that take the baseline for the truth have it: N = M makes it twice the
    // right value, which the 4 to 7.5 % band must refuse.
    let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
    let shares = vec![0.1; 10];
    let critical = 16.918_977_604_620_448; // chi-square, 9 degrees of freedom, upper 5 %
    let mut below = 0;
    for _ in 0..WINDOWS {
        let baseline = counts(&shares, 1_000, &mut random);
        let window = counts(&shares, 1_000, &mut random);
        let psi = window_scores(&baseline, &window, None)[0].value;
        below += usize::from(psi * 1_000.0 > critical);
    }
    let share = f64::from(below as u32) / WINDOWS as f64;
    assert!(share > 0.3, "{share}");
}
