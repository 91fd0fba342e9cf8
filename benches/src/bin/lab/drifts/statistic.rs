//! A peer as a number that rises: where it is above all that it ever was without a drift, any
//! threshold in between has no false alarm and finds the drift.
//!
//! CUSUM, EWMA and Page-Hinkley are those of the library, which only says yes or no; a test holds
//! them to it. The rest are the lab's own charts.

use driftline::model::Kind;

use super::sets::Series;
use crate::peers::{Chart, Known, Setting};

/// Share of the Page-Hinkley sum that is kept, as in River.
const KEPT: f64 = 0.9999;

/// A statistic of one level: the mean of numbers, or how often a code comes.
#[derive(Debug, Clone)]
pub(super) struct Level {
    target: f64,
    deviation: f64,
    rule: Rule,
}

#[derive(Debug, Clone)]
enum Rule {
    Cusum { k: f64, up: f64, down: f64 },
    Ewma { lambda: f64, z: f64 },
    PageHinkley { delta: f64, count: f64, mean: f64, up: f64, least: f64, down: f64, most: f64 },
}

impl Level {
    /// `None`: the setting is no such statistic.
    fn new(setting: Setting, target: f64, deviation: f64) -> Option<Self> {
        let rule = match setting {
            Setting::Cusum { k, .. } => Rule::Cusum { k, up: 0.0, down: 0.0 },
            Setting::Ewma { lambda, .. } => Rule::Ewma { lambda, z: 0.0 },
            Setting::PageHinkley { delta } => {
                let (delta, least, most) = (delta * deviation, f64::MAX, -1.0);
                let (count, mean, up, down) = Default::default();
                Rule::PageHinkley { delta, count, mean, up, least, down, most }
            }
            _ => return None,
        };
        Some(Self { target, deviation, rule })
    }

    fn step(&mut self, x: f64) -> f64 {
        let standard = (x - self.target) / self.deviation;
        match &mut self.rule {
            Rule::Cusum { k, up, down } => {
                *up = (*up + standard - *k).max(0.0);
                *down = (*down - standard - *k).max(0.0);
                up.max(*down)
            }
            Rule::Ewma { lambda, z } => {
                *z += *lambda * (standard - *z);
                z.abs() / (*lambda / (2.0 - *lambda)).sqrt()
            }
            Rule::PageHinkley { delta, count, mean, up, least, down, most } => {
                *count += 1.0;
                *mean += (x - *mean) / *count;
                *up = KEPT * *up + x - *mean - *delta;
                *down = KEPT * *down + x - *mean + *delta;
                *least = least.min(*up);
                *most = most.max(*down);
                (*up - *least).max(*most - *down) / self.deviation
            }
        }
    }
}

/// Any peer but those of which only decisions are known.
pub(super) enum Statistic<'a> {
    Level(Level),
    /// Of normal scores.
    Scored(Level),
    /// One for each category.
    Each(Vec<Level>),
    Chart(Box<Chart<'a>>),
}

impl<'a> Statistic<'a> {
    /// One that has seen the baseline. `codes`: a level for each category.
    pub(super) fn new(
        setting: Setting,
        codes: bool,
        series: &Series,
        known: &'a Known,
    ) -> anyhow::Result<Self> {
        let told = &series.values[..series.learned];
        if codes {
            let each = (0..series.codes).filter_map(|code| {
                let is = |value: &f64| f64::from(u8::from(*value as usize == code));
                of_share(setting, told.iter().map(is))
            });
            return Ok(Statistic::Each(each.collect()));
        }
        let level = match (setting, series.kind) {
            (Setting::Cusum { scores: true, .. } | Setting::Ewma { scores: true, .. }, _) => {
                Level::new(setting, 0.0, 1.0).map(Statistic::Scored)
            }
            (_, Kind::Flag) => of_share(setting, told.iter().copied()).map(Statistic::Level),
            _ => fed(setting, known.mean, known.deviation, told.iter().copied())
                .map(Statistic::Level),
        };
        match level {
            Some(level) => Ok(level),
            None => Ok(Statistic::Chart(Box::new(Chart::new(setting, f64::INFINITY, known)?))),
        }
    }

    /// Takes a value and its normal score; the statistic, where it is looked at.
    pub(super) fn step(&mut self, value: f64, score: f64) -> Option<f64> {
        match self {
            Statistic::Level(level) => Some(level.step(value)),
            Statistic::Scored(level) => Some(level.step(score)),
            Statistic::Each(levels) => {
                let code = value as usize;
                let each = levels.iter_mut().enumerate();
                Some(each.fold(0.0, |most: f64, (of, level)| {
                    most.max(level.step(f64::from(u8::from(of == code))))
                }))
            }
            Statistic::Chart(chart) => chart.statistic(value),
        }
    }
}

/// Of zeros and ones. Half an event more of each: a code that the baseline does not have would be
/// infinite evidence, and force an infinite threshold on all.
fn of_share(setting: Setting, told: impl Iterator<Item = f64> + Clone) -> Option<Level> {
    let (count, ones) = told.clone().fold((0.0, 0.0), |(n, sum), x| (n + 1.0, sum + x));
    let share = (ones + 0.5) / (count + 1.0);
    fed(setting, share, (share * (1.0 - share)).sqrt(), told)
}

/// Page-Hinkley finds its own level, and sees the baseline first.
fn fed(
    setting: Setting,
    target: f64,
    deviation: f64,
    told: impl Iterator<Item = f64>,
) -> Option<Level> {
    let mut level = Level::new(setting, target, deviation)?;
    if matches!(setting, Setting::PageHinkley { .. }) {
        told.for_each(|value| _ = level.step(value));
    }
    Some(level)
}

#[cfg(test)]
mod tests {
    use driftline_tests::laws::Values;

    use super::*;
    use crate::scenarios::GAUSSIAN;
    use crate::walk::Chart as _;

    #[test]
    fn levels_alarm_with_the_detectors_of_the_library() {
        let mut source = Values::new(GAUSSIAN.law, 3);
        let values: Vec<f64> = (0..6_000).map(|_| source.draw()).collect();
        let known = Known::of(values[..1_000].to_vec(), None);
        let settings = [
            (Setting::Cusum { k: 0.25, scores: false }, 7.0),
            (Setting::Ewma { lambda: 0.1, scores: false }, 2.6),
            (Setting::PageHinkley { delta: 0.1 }, 25.0),
        ];
        for (setting, threshold) in settings {
            let told = values[..1_000].iter().copied();
            let mut level =
                fed(setting, known.mean, known.deviation, told).expect("a statistic of a level");
            let mut chart = Chart::new(setting, threshold, &known).expect("a chart");
            let ours = values[1_000..].iter().position(|value| level.step(*value) > threshold);
            let theirs = values[1_000..].iter().position(|value| chart.step(*value));
            assert!(ours.is_some() && ours == theirs, "{setting:?}: {ours:?}, {theirs:?}");
        }
    }
}
