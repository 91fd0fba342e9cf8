//! The last ticks of a series, as `explain` shows them.

use serde::{Deserialize, Serialize};

/// Ticks that are kept.
pub const STEPS_MAX: usize = 20;

/// The statistic after one tick.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Start of the tick's first pane, microseconds since 1970.
    pub time_us: i64,
    /// Events of the tick.
    pub events: u32,
    /// Lane that led after the tick.
    pub lane: u8,
    /// Evidence of the tick in that lane.
    pub evidence: f32,
    /// CUSUM of that lane.
    pub cusum: f32,
    /// Logarithm of the mixture.
    pub log_mixture: f32,
}

/// A step as it is kept, without its lane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct StoredStep {
    time_us: i64,
    events: u32,
    evidence: f32,
    cusum: f32,
    log_mixture: f32,
}

/// A ring of the last steps: that of tick `n` is at `n % STEPS_MAX`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Steps {
    steps: [StoredStep; STEPS_MAX],
    lanes: [u8; STEPS_MAX],
}

impl Steps {
    pub(super) const NONE: Self = Self {
        steps: [StoredStep { time_us: 0, events: 0, evidence: 0.0, cusum: 0.0, log_mixture: 0.0 };
            STEPS_MAX],
        lanes: [0; STEPS_MAX],
    };

    /// Keeps the step of the tick with the number `tick`.
    #[inline]
    pub(super) fn record(&mut self, tick: u32, step: Step) {
        let at = tick as usize % STEPS_MAX;
        let Step { time_us, events, lane, evidence, cusum, log_mixture } = step;
        self.lanes[at] = lane;
        self.steps[at] = StoredStep { time_us, events, evidence, cusum, log_mixture };
    }

    /// The steps of the last ticks, of `ticks` in all.
    pub(super) fn last(&self, ticks: u32) -> Vec<Step> {
        let ticks = ticks as usize;
        let step = |tick: usize| {
            let at = tick % STEPS_MAX;
            let StoredStep { time_us, events, evidence, cusum, log_mixture } = self.steps[at];
            Step { time_us, events, lane: self.lanes[at], evidence, cusum, log_mixture }
        };
        (ticks.saturating_sub(STEPS_MAX)..ticks).map(step).collect()
    }
}
