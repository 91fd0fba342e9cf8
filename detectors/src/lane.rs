//! Lanes: each is one way of having changed.
//!
//! What the lanes of a series look for follows from its baseline: the kind of its values, how many
//! events a tick has, and how many the baseline rests on.

use serde::{Deserialize, Serialize};

use crate::baseline::{Baseline, Zone};
use crate::encoder::Encoder;
use crate::temper::LOG_PROMISE;

/// Most lanes of a series, the learned one included.
pub const LANES_MAX: usize = 16;
/// Lanes with this odds ratio are for codes that the baseline may hardly know.
pub(crate) const RARE_RATIO: f64 = 4.0;
/// The most frequent categories have lanes of their own ...
const VALUE_LANES: u8 = 3;
/// ... the others have them together, in so many groups, each about twice as large as the one before ...
const VALUE_GROUPS: u32 = 3;
/// ... and so many of these are looked at for having become rarer, too.
const VALUE_LANES_DOWN: usize = 2;
/// Categories together rarer than this are looked for as rare ones.
const RARE_BELOW: f64 = 0.05;
/// Centroids that have lanes of their own.
const CENTROID_LANES: u8 = 10;
/// Pairs of lanes for numbers that moved.
const LOCATIONS: usize = 4;
/// Moves that the weakest and the strongest of them look for, in standard errors of a tick's mean:
/// between them lies what takes from one tick to some hundred.
const TICK_SHIFTS: (f64, f64) = (0.35, 4.0);

/// What a lane looks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Numbers moved by about so many standard deviations.
    Location(f64),
    /// Numbers spread out (positive) or drew together (negative): exponent of the squared score.
    Scale(f64),
    /// The odds of a set of codes, together, times a ratio.
    Share {
        /// The codes.
        codes: Vec<u8>,
        /// Odds ratio; below 1 = became rarer.
        ratio: f64,
    },
    /// One category, whichever, became several times as frequent.
    OneOf,
    /// The distribution is like that of the last minutes.
    Learned,
}

impl Lane {
    /// Whether the lane looks for numbers that the baseline does not know.
    pub(crate) fn is_unknown_numbers(&self, baseline: &Baseline) -> bool {
        let Lane::Share { codes, .. } = self else { return false };
        matches!(baseline.encoder, Encoder::Number(_)) && codes.first() == Some(&0)
    }

    /// Whether the lane looks for categories that were not seen before.
    pub(crate) fn is_unseen(&self, baseline: &Baseline) -> bool {
        let Lane::Share { codes, .. } = self else { return false };
        baseline.unseen().is_some_and(|(code, _)| codes.first() == Some(&(code as u8)))
    }

    /// Whether the lane looks for codes that the baseline may hardly know.
    pub(crate) fn is_rare(&self) -> bool {
        matches!(self, Lane::Share { ratio, .. } if *ratio >= RARE_RATIO)
    }

    /// Share of all events that its codes have; 1 where it looks at all of them.
    pub(crate) fn share(&self, p: &[f64]) -> f64 {
        let Lane::Share { codes, .. } = self else { return 1.0 };
        codes.iter().filter_map(|code| p.get(usize::from(*code))).sum()
    }

    /// What a person calls the change.
    pub fn name(&self, baseline: &Baseline) -> String {
        match self {
            Lane::Location(a) if *a > 0.0 => "higher".into(),
            Lane::Location(_) => "lower".into(),
            Lane::Scale(a) if *a > 0.0 => "wider".into(),
            Lane::Scale(_) => "narrower".into(),
            Lane::OneOf => "more of one category".into(),
            Lane::Learned => "other shape".into(),
            Lane::Share { .. } if self.is_unknown_numbers(baseline) => {
                "more of unknown numbers".into()
            }
            Lane::Share { codes, ratio } => {
                let labels: Vec<String> =
                    codes.iter().map(|c| baseline.encoder.label(usize::from(*c))).collect();
                let word = if *ratio > 1.0 { "more of" } else { "less of" };
                format!("{word} {}", labels.join(", "))
            }
        }
    }
}

/// What is looked for in each single category: that it became several times as frequent. None where
/// categories are so few that they have lanes of their own.
pub(crate) fn single_lanes(baseline: &Baseline) -> Vec<Lane> {
    let Encoder::Category(encoder) = &baseline.encoder else { return Vec::new() };
    let values = encoder.values().len();
    if values <= usize::from(VALUE_LANES) + VALUE_GROUPS as usize {
        return Vec::new();
    }
    let single = |code| Lane::Share { codes: vec![code], ratio: RARE_RATIO };
    (0..values as u8).map(single).collect()
}

/// The fixed lanes of an encoder, without those that follow the ticks.
pub fn fixed_lanes(baseline: &Baseline, zone: Zone) -> Vec<Lane> {
    let (null, invalid) = (baseline.encoder.null() as u8, baseline.encoder.invalid() as u8);
    let share = |codes: Vec<u8>, ratio: f64| Lane::Share { codes, ratio };
    let mut lanes = Vec::new();
    match &baseline.encoder {
        Encoder::Number(encoder) => {
            for a in shifts(baseline, zone) {
                lanes.extend([Lane::Location(a), Lane::Location(-a)]);
            }
            lanes.extend(scales(baseline).map(Lane::Scale));
            // Values that the baseline does not know: beyond its range, or in a gap that no value fell
            // into.
            let unknown = |c: &u8| {
                *c == 0 || *c > encoder.bins() as u8 || baseline.counts[usize::from(*c)] == 0
            };
            lanes.push(share((0..encoder.bins() as u8 + 2).filter(unknown).collect(), 4.0));
        }
        Encoder::Flag(_) => {
            for ratio in [1.25, 1.6, 2.2, RARE_RATIO] {
                let ratio = f64::max(ratio, (1.0 + zone.odds) * (1.0 + zone.odds));
                lanes.extend([share(vec![1], ratio), share(vec![1], 1.0 / ratio)]);
            }
        }
        Encoder::Category(encoder) => {
            let values = encoder.values().len() as u8;
            let p = baseline.probabilities();
            // What hardly occurs has to become several times as frequent before it can be told.
            let more = |codes: &[u8]| {
                let of: f64 = codes.iter().map(|code| p[usize::from(*code)]).sum();
                if of < RARE_BELOW { RARE_RATIO } else { 2.0 }
            };
            for code in 0..values.min(VALUE_LANES) {
                let codes = vec![code];
                lanes.extend([share(codes.clone(), more(&codes)), share(codes, 0.5)]);
            }
            for (at, codes) in groups(VALUE_LANES, values + 1).into_iter().enumerate() {
                if at < VALUE_LANES_DOWN {
                    lanes.push(share(codes.clone(), 0.5));
                }
                let ratio = more(&codes);
                lanes.push(share(codes, ratio));
            }
            lanes.push(share(vec![values + 1], 4.0));
        }
        Encoder::Vector(encoder) => {
            let centroids = encoder.centroids() as u8;
            lanes.extend((0..centroids.min(CENTROID_LANES)).map(|c| share(vec![c], 2.0)));
            lanes.push(share(vec![centroids], 4.0));
        }
    }
    lanes.extend([share(vec![null], 4.0), share(vec![invalid], 4.0)]);
    lanes
}

/// Codes `from..to` in up to [`VALUE_GROUPS`] groups of neighbours: singles while there are few, else
/// each about twice as large as the one before.
fn groups(from: u8, to: u8) -> Vec<Vec<u8>> {
    let mut groups = Vec::new();
    let mut first = from;
    for left in (1..=VALUE_GROUPS).rev() {
        if first >= to {
            break;
        }
        let rest = u32::from(to - first);
        // Of 1 + 2 + 4 .. parts, as many as there are groups left, the first is one.
        let size = if rest <= left { 1 } else { rest.div_ceil((1 << left) - 1) };
        let end = if left == 1 { to } else { to.min(first + size as u8) };
        groups.push((first..end).collect());
        first = end;
    }
    groups
}

/// Shifts beyond the zone that the lanes of a number look for, in standard deviations, rising.
///
/// They follow the tick: what is large for the mean of 1,000 events is nothing for a single one. None is
/// so small that the baseline could not tell it from its own error (half its information, `N a^2 / 4`,
/// must reach `ln A`), or that it drowns in the zone.
fn shifts(baseline: &Baseline, zone: Zone) -> [f64; LOCATIONS] {
    let tick = libm::sqrt(baseline.tick_events.max(1.0));
    let low = (TICK_SHIFTS.0 / tick).max(zone.sigma).min(1.0);
    let high = (TICK_SHIFTS.1 / tick).max(4.0 * low).min(4.0);
    let step = libm::pow(high / low, 1.0 / (LOCATIONS - 1) as f64);
    let mut a = low;
    [(); LOCATIONS].map(|()| {
        let shift = zone.sigma + a;
        a *= step;
        shift
    })
}

/// Exponents of the squared score that the lanes of a number look for: they follow the tick, too.
/// The evidence of an event has the standard deviation `a sqrt 2`.
fn scales(baseline: &Baseline) -> [f64; 3] {
    let unit = 1.0 / libm::sqrt(2.0 * baseline.tick_events.max(1.0));
    let told = (baseline.events() as f64).max(1.0);
    let low = unit.max(libm::sqrt(2.0 * LOG_PROMISE / told)).clamp(0.1, 0.2);
    [low, 0.4, -(2.0 * unit).clamp(2.0 * low, 1.0)]
}
