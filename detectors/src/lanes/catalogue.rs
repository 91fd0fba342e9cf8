//! The lanes of a series.
//!
//! What they look for follows from its baseline: the kind of its values, how many events a tick has, and how
//! many the baseline rests on.

use super::lane::{Lane, RARE_RATIO};
use crate::baseline::{Baseline, Zone};
use crate::encoder::{CategoryEncoder, Encoder, NumberEncoder, VectorEncoder};
use crate::math::promise::BASELINE_LOG_PROMISE;

/// The most frequent categories have lanes of their own ...
const VALUE_LANES: u8 = 3;
/// ... the others have them together, in so many groups, each about twice as large as the one before ...
const VALUE_GROUPS: u32 = 3;
/// ... and this many of these have a lane for having become rarer, too.
const VALUE_LANES_DOWN: usize = 2;
/// Categories with less than this share together count as rare.
const RARE_BELOW: f64 = 0.05;
/// Groups of the rarest categories: all but this many of the most frequent.
const TAILS: [u8; 6] = [1, 2, 4, 8, 16, 32];
/// Odds ratios of their alternatives ...
const TAIL_RATIOS: [f64; 3] = [1.3, 2.0, 0.7];
/// ... and of those of a single category: mild, middle, and strong where its share allows for that.
const PART_RATIOS: (f64, f64, f64) = (1.5, 2.5, 8.0);
/// A category with this share can hardly become many times as frequent.
const FREQUENT: f64 = 0.1;
/// Only from this share on has a single category an alternative for having become rarer: the others would be
/// found too late, and dilute the rest.
const COMMON: f64 = 0.03;
/// Least information of an alternative in a baseline, in parts of `ln A`: the series goes on learning.
const PART_INFORMATION: f64 = 0.5;
/// Centroids that have lanes of their own.
const CENTROID_LANES: u8 = 10;
/// Pairs of lanes for numbers that moved.
const LOCATIONS: usize = 4;
/// Moves that the weakest and the strongest of them look for, in standard errors of a tick's mean:
/// between them lies what takes from one tick to some hundred.
const TICK_SHIFTS: (f64, f64) = (0.35, 4.0);

/// The alternatives of the lane for single categories beyond a zone, each with its weight: each category
/// that became more or less frequent, and all but the most frequent ones together.
pub(crate) fn part_lanes(baseline: &Baseline, zone: Zone) -> Vec<(Lane, f64)> {
    let Encoder::Category(encoder) = &baseline.encoder else { return Vec::new() };
    let (values, p) = (encoder.values().len() as u8, baseline.probabilities());
    let events = baseline.events() as f64;
    let mut parts = Vec::new();
    let mut add = |codes: Vec<u8>, ratio: f64, weight: f64| {
        let ratio = beyond(ratio, zone);
        let share: f64 = codes.iter().map(|code| p[usize::from(*code)]).sum();
        // Nearly that of the two laws, and above it where they are near each other.
        let information = share * (1.0 - share) * (ratio * libm::log(ratio) - ratio + 1.0);
        if ratio >= RARE_RATIO || information * events > PART_INFORMATION * BASELINE_LOG_PROMISE {
            parts.push((Lane::Share { codes, ratio }, weight));
        }
    };
    let (mild, middle, strong) = PART_RATIOS;
    for code in 0..values {
        let (low, high) = match p[usize::from(code)] > FREQUENT {
            true => (mild, middle),
            false => (middle, strong),
        };
        add(vec![code], low, 1.0);
        add(vec![code], high, 1.0);
        if p[usize::from(code)] > COMMON {
            add(vec![code], 0.5, 1.0);
        }
    }
    for from in TAILS.into_iter().filter(|from| from + 1 < values) {
        TAIL_RATIOS.iter().for_each(|ratio| add((from..values + 1).collect(), *ratio, 2.0));
    }
    parts
}

/// The fixed lanes of a baseline, without those that follow the ticks.
pub fn fixed_lanes(baseline: &Baseline, zone: Zone) -> Vec<Lane> {
    let mut lanes = match &baseline.encoder {
        Encoder::Number(encoder) => number_lanes(baseline, encoder, zone),
        Encoder::Flag(_) => flag_lanes(),
        Encoder::Category(encoder) => category_lanes(baseline, encoder),
        Encoder::Vector(encoder) => vector_lanes(encoder),
    };
    let (null, invalid) = (baseline.encoder.null() as u8, baseline.encoder.invalid() as u8);
    lanes.extend([share(vec![null], RARE_RATIO), share(vec![invalid], RARE_RATIO)]);
    for lane in &mut lanes {
        if let Lane::Share { ratio, .. } = lane {
            *ratio = beyond(*ratio, zone);
        }
    }
    lanes
}

fn share(codes: Vec<u8>, ratio: f64) -> Lane {
    Lane::Share { codes, ratio }
}

fn number_lanes(baseline: &Baseline, encoder: &NumberEncoder, zone: Zone) -> Vec<Lane> {
    let mut lanes = Vec::new();
    for shift in shifts(baseline, zone) {
        lanes.extend([Lane::Location(shift), Lane::Location(-shift)]);
    }
    lanes.extend(scale_exponents(baseline).map(Lane::Scale));
    // Values that the baseline does not know: beyond its range, or in a gap that no value fell into.
    let bins = encoder.bins() as u8;
    let unknown = |c: &u8| *c == 0 || *c > bins || baseline.counts[usize::from(*c)] == 0;
    lanes.push(share((0..bins + 2).filter(unknown).collect(), RARE_RATIO));
    lanes
}

fn flag_lanes() -> Vec<Lane> {
    let both = |ratio: f64| [share(vec![1], ratio), share(vec![1], 1.0 / ratio)];
    [1.25, 1.6, 2.2, RARE_RATIO].into_iter().flat_map(both).collect()
}

fn category_lanes(baseline: &Baseline, encoder: &CategoryEncoder) -> Vec<Lane> {
    let mut lanes = Vec::new();
    let values = encoder.values().len() as u8;
    let p = baseline.probabilities();
    // A rare category has to become several times as frequent before that stands out.
    let more = |codes: &[u8]| {
        let of: f64 = codes.iter().map(|code| p[usize::from(*code)]).sum();
        if of < RARE_BELOW { RARE_RATIO } else { 2.0 }
    };
    let is_many = u32::from(values) > u32::from(VALUE_LANES) + VALUE_GROUPS;
    // Each lane keeps counts of all codes: where these are many, lanes are few. The alternatives of the lane
    // for single categories see the rest; these serve to estimate dependence.
    let single = if is_many { 1 } else { values.min(VALUE_LANES) };
    for code in 0..single {
        let codes = vec![code];
        if !is_many {
            lanes.push(share(codes.clone(), more(&codes)));
        }
        lanes.push(share(codes, 0.5));
    }
    let groups = groups(single, values + 1, if is_many { 2 } else { VALUE_GROUPS });
    for (at, codes) in groups.into_iter().enumerate() {
        if at < VALUE_LANES_DOWN && !is_many {
            lanes.push(share(codes.clone(), 0.5));
        }
        let ratio = more(&codes);
        lanes.push(share(codes, ratio));
    }
    lanes.push(share(vec![values + 1], RARE_RATIO));
    lanes
}

fn vector_lanes(encoder: &VectorEncoder) -> Vec<Lane> {
    let centroids = encoder.centroids() as u8;
    let near = (0..centroids.min(CENTROID_LANES)).map(|centroid| share(vec![centroid], 2.0));
    near.chain([share(vec![centroids], RARE_RATIO)]).collect()
}

/// An odds ratio, as far beyond the zone as the zone is from no change at least: one within it would look
/// for what is declared too small to matter, and find it.
fn beyond(ratio: f64, zone: Zone) -> f64 {
    let least = (1.0 + zone.odds) * (1.0 + zone.odds);
    if ratio > 1.0 { ratio.max(least) } else { ratio.min(1.0 / least) }
}

/// Codes `from..to` in up to `most` groups of neighbours: singles while there are few, else each about
/// twice as large as the one before.
fn groups(from: u8, to: u8, most: u32) -> Vec<Vec<u8>> {
    let mut groups = Vec::new();
    let mut first = from;
    for left in (1..=most).rev() {
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
/// so small that it drowns in the zone. Those that a baseline cannot tell from its own error yet have no
/// weight until enough was watched.
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
fn scale_exponents(baseline: &Baseline) -> [f64; 3] {
    let unit = 1.0 / libm::sqrt(2.0 * baseline.tick_events.max(1.0));
    let events = (baseline.events() as f64).max(1.0);
    let low = unit.max(libm::sqrt(2.0 * BASELINE_LOG_PROMISE / events)).clamp(0.1, 0.2);
    [low, 0.4, -(2.0 * unit).clamp(2.0 * low, 1.0)]
}
