//! When a score becomes an alarm: a threshold that rises with each alarm and sinks again.
//!
//! It sinks so slowly that alarms are `apart` values apart in the long run, whatever the series does (as in
//! adaptive conformal inference; Gibbs and Candes 2021), down to a floor: a lower score is nothing unusual.
//! For a while after an alarm only a much higher score is another one.

use serde::{Deserialize, Serialize};

/// The lowest threshold. Stationary noise of light tails hardly reaches it; of heavy tails it does, and
/// is held to [`APART_VALUES`] by what alarms add.
pub const FLOOR_DECADES: f64 = 2.2;
/// Values to an alarm, at least, in the long run.
pub const APART_VALUES: f64 = 2000.0;
/// What each alarm adds for long.
const STEP_DECADES: f64 = 0.1;
/// What it adds at once, and after how many values that is gone.
const JUMP_DECADES: f64 = 2.0;
const JUMP_VALUES: f64 = 75.0;

/// The threshold of one series. In any `n` values there are at most `n / apart + (max - floor) / 0.1 + 1`
/// alarms, `max` the largest score there is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlarmThreshold {
    floor: f64,
    apart: f64,
    raised: f64,
    /// Values since the last alarm.
    since: f64,
}

impl Default for AlarmThreshold {
    fn default() -> Self {
        Self::new(FLOOR_DECADES, APART_VALUES)
    }
}

impl AlarmThreshold {
    /// `floor`: least score of an alarm, decades. `apart`: values to an alarm, at least, in the
    /// long run.
    pub fn new(floor: f64, apart: f64) -> Self {
        Self { floor, apart: apart.max(1.0), raised: 0.0, since: JUMP_VALUES }
    }

    /// The score that the next value must reach, decades.
    pub fn height(&self) -> f64 {
        let jump = JUMP_DECADES * (1.0 - self.since / JUMP_VALUES).max(0.0);
        self.floor + self.raised + jump
    }

    /// Adds the score of a value; true where it is an alarm.
    pub fn observe(&mut self, decades: f64) -> bool {
        self.raised = (self.raised - STEP_DECADES / self.apart).max(0.0);
        self.since += 1.0;
        if decades < self.height() {
            return false;
        }
        self.raised += STEP_DECADES;
        self.since = 0.0;
        true
    }
}
