//! When events arrive: an inhomogeneous Poisson process, given its total number, with a daily season.
//!
//! Given their number, arrivals are the order statistics of as many independent draws; the next of
//! `n` remaining ones leaves `U^(1/n)` of the remaining mass (Devroye 1986, V.3.1). So they come out in
//! order, in constant memory, and exactly as many as asked for.

use rand_distr::{Distribution, Exp1};
use rand_xoshiro::Xoshiro256PlusPlus;

/// The rate is constant within a cell of this length.
const CELL_MS: i64 = 60_000;
const DAY_MS: f64 = 86_400_000.0;
/// Hour of the day (UTC) at which both traffic and latency peak.
const PEAK_HOUR: f64 = 14.0;
/// Traffic is `1 +- RATE_SWING` times its daily mean.
pub const RATE_SWING: f64 = 0.3;
/// Latency is `1 +- LATENCY_SWING` times its daily mean: a season that no label names.
pub const LATENCY_SWING: f64 = 0.05;

/// The daily season: 1 at the peak hour, -1 twelve hours later.
pub fn season(time_ms: i64) -> f64 {
    let phase = time_ms as f64 / DAY_MS - PEAK_HOUR / 24.0;
    libm::cos(phase * core::f64::consts::TAU)
}

/// Arrival times in order.
#[derive(Debug, Clone)]
pub struct Arrivals {
    random: Xoshiro256PlusPlus,
    remaining: u64,
    /// Share of the mass that is still to come.
    left: f64,
    total: f64,
    end_ms: i64,
    cell_ms: i64,
    cell_mass: f64,
    mass_before: f64,
}

impl Arrivals {
    /// So many arrivals in `[start_ms, end_ms)`.
    pub fn new(random: Xoshiro256PlusPlus, events: u64, start_ms: i64, end_ms: i64) -> Self {
        let mut total = 0.0;
        let mut cell = start_ms;
        while cell < end_ms {
            total += mass(cell, end_ms);
            cell += CELL_MS;
        }
        Self {
            random,
            remaining: events,
            left: 1.0,
            total,
            end_ms,
            cell_ms: start_ms,
            cell_mass: mass(start_ms, end_ms),
            mass_before: 0.0,
        }
    }
}

/// Mass of the cell that begins here, up to the end: its length times its rate.
fn mass(cell_ms: i64, end_ms: i64) -> f64 {
    let length = CELL_MS.min(end_ms - cell_ms);
    length as f64 * (1.0 + RATE_SWING * season(cell_ms + CELL_MS / 2))
}

impl Iterator for Arrivals {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        let exponential: f64 = Exp1.sample(&mut self.random);
        let remaining = self.remaining as f64;
        self.remaining = self.remaining.checked_sub(1)?;
        self.left *= libm::exp(-exponential / remaining);
        let target = self.total * (1.0 - self.left);
        while target >= self.mass_before + self.cell_mass && self.cell_ms + CELL_MS < self.end_ms {
            self.mass_before += self.cell_mass;
            self.cell_ms += CELL_MS;
            self.cell_mass = mass(self.cell_ms, self.end_ms);
        }
        let length = CELL_MS.min(self.end_ms - self.cell_ms);
        let inside = (target - self.mass_before) / self.cell_mass * length as f64;
        Some(self.cell_ms + (inside as i64).clamp(0, length - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::plan::{HOUR_MS, START_MS};
    use rand_xoshiro::rand_core::SeedableRng;

    fn arrivals(events: u64, span_ms: i64) -> Vec<i64> {
        let random = Xoshiro256PlusPlus::seed_from_u64(7);
        Arrivals::new(random, events, START_MS, START_MS + span_ms).collect()
    }

    #[test]
    fn as_many_as_asked_for_in_order_and_within_the_span() {
        for (events, span) in [(0, HOUR_MS), (1, 1_000), (100_000, 6 * HOUR_MS), (999, 61_001)] {
            let times = arrivals(events, span);
            assert_eq!(times.len() as u64, events);
            assert!(times.is_sorted());
            assert!(times.iter().all(|&time| (START_MS..START_MS + span).contains(&time)));
        }
    }

    #[test]
    fn hours_follow_the_season() {
        let times = arrivals(240_000, 24 * HOUR_MS);
        let count = |hour_of_day: i64| {
            let from = START_MS + (hour_of_day - 8) * HOUR_MS;
            times.iter().filter(|&&time| (from..from + HOUR_MS).contains(&time)).count() as f64
        };
        // 10,000 an hour on the mean; the standard deviation of a count is 100.
        assert!((count(13) - 12_970.0).abs() < 500.0, "{}", count(13));
        assert!((count(26) - 7_030.0).abs() < 500.0, "{}", count(26));
    }
}
