//! `adwin`: adaptive windowing.
//!
//! Keeps as long a window as has one mean. The window is a list of levels; level i has up to
//! `max_buckets` buckets of `2^i` inputs each (sum and sum of squared deviations). Every `clock`
//! inputs each cut into an older part of n0 and a newer part of n1 inputs is tried: with
//! `d = ln(2 ln(W) / delta)` and `m = 1/(n0 - w + 1) + 1/(n1 - w + 1)` (w the shortest part), the
//! means differ when `|mean0 - mean1| > sqrt(2 m v d) + 2/3 d m`, v the window's variance. Any cut
//! that differs is a drift, and the window starts afresh. As in River 0.26.1, whose wrapper forgets
//! the whole window where the paper drops only its tail.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::settings::{Parameter, SettingError, Settings};
use super::spec::{Decision, Detector, DetectorSpec, Input};

const DELTA: Parameter = Parameter::real(
    "delta",
    0.002,
    (1e-12, 1.0),
    "Significance of one cut: smaller is less sensitive.",
);
const CLOCK: Parameter =
    Parameter::whole("clock", 32.0, (1.0, 1e6), "Inputs between two looks for a cut.");
const MAX_BUCKETS: Parameter = Parameter::whole(
    "max_buckets",
    5.0,
    (2.0, 64.0),
    "Buckets of a level: more are finer and cost more memory.",
);
const MIN_PART: Parameter =
    Parameter::whole("min_part", 5.0, (1.0, 1e6), "Shortest part of a cut, in inputs.");
const GRACE: Parameter =
    Parameter::whole("grace", 10.0, (0.0, 1e6), "No look before the window has more inputs.");

pub(super) const SPEC: DetectorSpec = DetectorSpec {
    name: "adwin",
    variant: "River 0.26.1 ADWIN (after the 2024 fix of its bucket scan); both directions",
    doc: "Finds a change of the mean of any size by keeping the longest window that has one mean.",
    otherwise: "cusum when target and deviation are known: it is several times faster at the same false alarms.",
    input: Input::Number,
    parameters: &[DELTA, CLOCK, MAX_BUCKETS, MIN_PART, GRACE],
    run_length: "0.01 false alarms in 10,000 inputs.",
    // Two numbers a bucket, five buckets (six for a moment) on each of 64 levels.
    memory_values: 2 * 6 * 64 + 8,
    reference: "Bifet, Gavalda (2007), SIAM International Conference on Data Mining",
};

/// Inputs summed up: their number is two to the power of the level.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Bucket {
    total: f64,
    squares: f64,
}

/// The window; see the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adwin {
    delta: f64,
    clock: u64,
    max_buckets: usize,
    min_part: f64,
    grace: f64,
    tick: u64,
    width: f64,
    total: f64,
    squares: f64,
    /// Smallest buckets first; in a level the oldest first.
    levels: Vec<VecDeque<Bucket>>,
}

impl Adwin {
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingError> {
        Ok(Self {
            delta: settings.real(&DELTA),
            clock: settings.whole(&CLOCK) as u64,
            max_buckets: settings.whole(&MAX_BUCKETS),
            min_part: settings.real(&MIN_PART),
            grace: settings.real(&GRACE),
            tick: 0,
            width: 0.0,
            total: 0.0,
            squares: 0.0,
            levels: Vec::new(),
        })
    }

    /// Inputs in the window.
    #[must_use]
    pub fn width(&self) -> f64 {
        self.width
    }

    /// Sum of the window's inputs.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.total
    }

    /// Sum of squared deviations from the window's mean.
    #[must_use]
    pub fn squared_deviations(&self) -> f64 {
        self.squares
    }

    fn insert(&mut self, x: f64) {
        if self.width > 0.0 {
            let gap = x - self.total / self.width;
            self.squares += self.width * gap * gap / (self.width + 1.0);
        }
        self.width += 1.0;
        self.total += x;
        let mut arriving = Some(Bucket { total: x, squares: 0.0 });
        let mut size = 1.0;
        for level in &mut self.levels {
            let Some(bucket) = arriving.take() else { break };
            level.push_back(bucket);
            if level.len() > self.max_buckets
                && let (Some(older), Some(newer)) = (level.pop_front(), level.pop_front())
            {
                let gap = (older.total - newer.total) / size;
                arriving = Some(Bucket {
                    total: older.total + newer.total,
                    squares: older.squares + newer.squares + size * gap * gap / 2.0,
                });
            }
            size *= 2.0;
        }
        if let Some(bucket) = arriving {
            self.levels.push(VecDeque::from([bucket]));
        }
    }

    fn has_cut(&self) -> bool {
        let d = libm::log(2.0 * libm::log(self.width) / self.delta);
        let variance = self.squares.max(0.0) / self.width;
        let (mut n0, mut sum0) = (0.0, 0.0);
        for (level, buckets) in self.levels.iter().enumerate().rev() {
            let size = libm::ldexp(1.0, level as i32);
            for bucket in buckets {
                n0 += size;
                sum0 += bucket.total;
                let n1 = self.width - n0;
                if n0 < self.min_part || n1 < self.min_part.max(1.0) {
                    continue;
                }
                let gap = sum0 / n0 - (self.total - sum0) / n1;
                let m = 1.0 / (n0 - self.min_part + 1.0) + 1.0 / (n1 - self.min_part + 1.0);
                let bound = libm::sqrt(2.0 * m * variance * d) + 2.0 / 3.0 * d * m;
                if gap.abs() > bound {
                    return true;
                }
            }
        }
        false
    }
}

impl Detector for Adwin {
    fn step(&mut self, x: f64) -> Decision {
        self.insert(x);
        self.tick += 1;
        if self.tick.is_multiple_of(self.clock) && self.width > self.grace && self.has_cut() {
            self.reset();
            return Decision::Drift;
        }
        Decision::Quiet
    }

    fn reset(&mut self) {
        (self.tick, self.width, self.total, self.squares) = (0, 0.0, 0.0, 0.0);
        self.levels.clear();
    }
}
