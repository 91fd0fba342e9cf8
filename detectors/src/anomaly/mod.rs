//! Anomalies of a series as it comes: a score for each value, and a threshold for alarms.
//!
//! The drift statistic sums evidence against a frozen baseline; this one learns from the first values on
//! and goes on learning. Each value is compared with a slow level, with level and season, and with the
//! forecast of an autoregression, by itself and as a running mean with those before it. Each of these
//! *views* has a tail probability `p` among its own past deviations, counted in *decades*, `-log10 p`. The
//! score is the root mean square over views: a value that all views find unusual scores highest, and one
//! clear view is not drowned by the others. Views are dependent, so the score is no p-value; the
//! [`AlarmThreshold`] controls the rate of alarms.
//!
//! Fixed spans, bounded memory (some 10 KiB), no settings but the rate.
//!
//! ```
//! use driftline_detectors::anomaly::{AlarmThreshold, AnomalyScorer};
//!
//! let (mut scorer, mut threshold) = (AnomalyScorer::default(), AlarmThreshold::default());
//! let mut alarms = Vec::new();
//! for minute in 0..3_000 {
//!     // Between 95 and 105 requests a minute, but 20 in minute 2,500.
//!     let requests = if minute == 2_500 { 20.0 } else { 95.0 + f64::from(minute * 7 % 11) };
//!     let decades = scorer.observe(i64::from(minute) * 60_000_000, requests);
//!     if threshold.observe(decades) {
//!         alarms.push(minute);
//!     }
//! }
//! assert_eq!(alarms.first(), Some(&2_500));
//! ```

mod season;
mod tail;
mod threshold;

use serde::{Deserialize, Serialize};

use season::Season;
use tail::Tails;
pub use threshold::{APART_VALUES, AlarmThreshold, FLOOR_DECADES};

use crate::math::autoregression::{ORDER, yule_walker};

/// Values before a view has a say.
const LEARN_VALUES: u32 = 100;
/// In the first values there is no mean deviation to hold influence to.
const UNHELD_VALUES: u32 = 50;
/// Span of the slow level, in values.
const LEVEL_SPAN: f64 = 4000.0;
/// Span of the autocovariances, in values.
const LAGS_SPAN: f64 = 2000.0;
/// Level, season and autoregression clip values at this many mean deviations.
const HELD: f64 = 10.0;
/// Values between two estimates of the autoregression.
const ESTIMATE_EVERY: u32 = 16;
/// Of a value and the level: deviations that small are rounding errors.
const ROUNDING: f64 = 1e-9;
/// Decades that a single view may count.
const VIEW_MAX: f64 = 5.0;
/// The views, each with its number of values: single spikes, bursts, and shifts. The forecast error of single
/// values is left out: in a smooth series it is tiny, and unusual ones mean nothing to anybody.
const VIEWS: [(Against, f64); 7] = [
    (Against::Level, 1.0),
    (Against::Level, 5.0),
    (Against::Level, 25.0),
    (Against::Season, 1.0),
    (Against::Season, 5.0),
    (Against::Season, 25.0),
    (Against::Past, 25.0),
];

/// The reference that a value is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Against {
    Level,
    Season,
    Past,
}

/// The model of one series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnomalyScorer {
    values: u32,
    level: Mean,
    /// Of absolute deviations from the level.
    deviation: Mean,
    season: Season,
    past: Past,
    /// In the order of [`VIEWS`].
    views: Vec<View>,
}

/// A running mean of one kind of deviation, and its past.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct View {
    mean: Mean,
    tails: Tails,
}

impl Default for AnomalyScorer {
    fn default() -> Self {
        let view = |(_, span): (Against, f64)| View { mean: Mean::new(span), tails: Tails::new() };
        Self {
            values: 0,
            level: Mean::new(LEVEL_SPAN),
            deviation: Mean::new(LEVEL_SPAN),
            season: Season::new(),
            past: Past::default(),
            views: VIEWS.map(view).to_vec(),
        }
    }
}

impl AnomalyScorer {
    /// Adds the value of an instant (microseconds since 1970). Returns its score in decades, 0
    /// while there is too little to compare with. A value that is not finite changes nothing.
    pub fn observe(&mut self, time_us: i64, value: f64) -> f64 {
        if !value.is_finite() {
            return 0.0;
        }
        // The square root steadies the variance of counts (Anscombe 1948) and tempers other skewed
        // values.
        let value = libm::copysign(libm::sqrt(value.abs()), value);
        let level = if self.values == 0 { value } else { self.level.get() };
        // A rounding error is no deviation: a constant series would be unusual all the time.
        let rounding = ROUNDING * f64::max(value.abs(), level.abs());
        let beyond = |deviation: f64| if deviation.abs() > rounding { deviation } else { 0.0 };
        let off = beyond(value - level);
        let off_season = self.season.expected(time_us).map(|expected| beyond(off - expected));
        let off_past = beyond(off - self.past.expected());
        let (mut squares, mut views) = (0.0, 0);
        for (view, (against, _)) in self.views.iter_mut().zip(VIEWS) {
            let deviation = match against {
                Against::Level => Some(off),
                Against::Season => off_season,
                Against::Past => Some(off_past),
            };
            let Some(deviation) = deviation else { continue };
            view.mean.add(deviation);
            let course = view.mean.get();
            if view.tails.values() >= LEARN_VALUES {
                let p = view.tails.probability(course).max(f64::MIN_POSITIVE);
                let decades = (-libm::log10(p)).clamp(0.0, VIEW_MAX);
                squares += decades * decades;
                views += 1;
            }
            view.tails.add(course);
        }
        let is_known = self.values >= UNHELD_VALUES;
        let most = if is_known { HELD * self.deviation.get() } else { f64::INFINITY };
        let held = off.clamp(-most, most);
        self.season.add(time_us, held);
        self.past.add(held);
        self.level.add(value - off + held);
        self.deviation.add(off.abs());
        self.values = self.values.saturating_add(1);
        libm::sqrt(squares / f64::from(views.max(1)))
    }
}

/// An exponentially weighted mean that is a plain mean at first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Mean {
    kept: f64,
    sum: f64,
    weight: f64,
}

impl Mean {
    fn new(span: f64) -> Self {
        Self { kept: 1.0 - 1.0 / span, sum: 0.0, weight: 0.0 }
    }

    fn add(&mut self, value: f64) {
        self.sum = self.sum * self.kept + value;
        self.weight = self.weight * self.kept + 1.0;
    }

    fn get(&self) -> f64 {
        if self.weight > 0.0 { self.sum / self.weight } else { 0.0 }
    }
}

/// An autoregression whose autocovariances fade.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Past {
    products: [f64; ORDER + 1],
    /// The newest first.
    recent: Vec<f64>,
    coefficients: Vec<f64>,
    values: u32,
}

impl Past {
    fn expected(&self) -> f64 {
        self.coefficients.iter().zip(&self.recent).map(|(c, x)| c * x).sum()
    }

    fn add(&mut self, value: f64) {
        self.recent.insert(0, value);
        self.recent.truncate(ORDER + 1);
        if self.recent.len() > ORDER {
            for (product, lagged) in self.products.iter_mut().zip(&self.recent) {
                *product = *product * (1.0 - 1.0 / LAGS_SPAN) + value * lagged;
            }
        }
        self.values = self.values.wrapping_add(1);
        if self.values.is_multiple_of(ESTIMATE_EVERY) {
            self.coefficients = yule_walker(&self.products);
        }
    }
}

#[cfg(test)]
mod tests;
