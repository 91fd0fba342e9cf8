//! Tests of the score and of the bar: rates on noise, spikes, shifts and seasons.

use super::*;
use crate::math::noise::normal as noise;

const MINUTE_US: i64 = 60_000_000;

/// Alarms of a series of five-minute values.
fn alarms(values: impl Iterator<Item = f64>) -> Vec<usize> {
    let (mut oddness, mut bar) = (AnomalyScorer::default(), AlarmThreshold::default());
    let scores = values.zip(0..).map(|(value, i)| oddness.observe(i * 5 * MINUTE_US, value));
    scores.enumerate().filter_map(|(i, score)| bar.observe(score).then_some(i)).collect()
}

/// A day's course with noise; `change` makes of the value at an index what is seen.
fn daily(n: u64, change: impl Fn(u64, f64) -> f64) -> Vec<usize> {
    alarms((0..n).map(|i| {
        let hour = i as f64 / 12.0 * std::f64::consts::TAU / 24.0;
        change(i, 500.0 + 300.0 * libm::sin(hour) + 20.0 * noise(i))
    }))
}

#[test]
fn spikes_drops_and_shifts_are_seen_at_once() {
    let at = |found: &[usize], from: usize, to: usize| found.iter().any(|i| (from..to).contains(i));
    let spike = daily(3000, |i, value| if i == 2500 { value + 600.0 } else { value });
    assert!(at(&spike, 2500, 2501), "{spike:?}");
    let drop = daily(3000, |i, value| if (2500..2512).contains(&i) { 20.0 } else { value });
    assert!(at(&drop, 2500, 2504), "{drop:?}");
    let shift = daily(3000, |i, value| if i >= 2500 { value * 2.0 } else { value });
    assert!(at(&shift, 2500, 2512), "{shift:?}");
    let usual = daily(3000, |_, value| value);
    assert!(usual.len() <= 4, "{usual:?}");
}

/// The rate is kept on whatever comes: heavy tails, dependence, steps at random.
#[test]
fn alarms_stay_apart_in_the_long_run() {
    let mut walk = 0.0;
    for law in 0..4 {
        let found = alarms((0..100_000).map(|i| match law {
            0 => noise(i),
            1 => 100.0 * libm::exp(2.0 * noise(i)),
            2 => {
                walk = 0.95 * walk + noise(i);
                walk
            }
            _ => 50.0 * libm::floor(noise(i / 300) * 3.0) + noise(i),
        }));
        let most =
            100_000.0 / threshold::APART_VALUES + (VIEW_MAX - threshold::FLOOR_DECADES) / 0.1 + 1.0;
        assert!((found.len() as f64) < most, "{law}: {}", found.len());
    }
}

#[test]
fn constant_broken_and_huge_values_do_no_harm() {
    let mut oddness = AnomalyScorer::default();
    for i in 0..500 {
        let score = oddness.observe(i * MINUTE_US, 7.0);
        assert!(score < 0.2, "{i} {score}");
    }
    let before = oddness.clone();
    for broken in [f64::NAN, f64::INFINITY] {
        assert_eq!(oddness.observe(500 * MINUTE_US, broken), 0.0);
    }
    assert_eq!(oddness, before);
    assert!(oddness.observe(500 * MINUTE_US, 8.0) > 1.0);
    for (i, value) in [f64::MAX, f64::MIN, 1e300, 0.0].into_iter().enumerate() {
        let score = oddness.observe((501 + i as i64) * MINUTE_US, value);
        assert!((0.0..=VIEW_MAX).contains(&score));
    }
}
