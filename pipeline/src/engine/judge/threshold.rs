//! What evidence is asked of a series: it follows from the budget, and none is set by hand.

use driftline_detectors::budget;

use crate::engine::machine::Engine;

impl Engine {
    /// `ln A` of one series that ticks so often.
    pub(crate) fn log_threshold(&self, tick_us: i64) -> f64 {
        let accepted = self.settings.detect.accepted_per_week();
        budget::log_threshold(self.sharing as usize, tick_us, accepted)
    }

    /// The least evidence that can be a part of a finding: if all series had it, all would cross.
    pub(crate) fn log_due(&self) -> f64 {
        self.log_threshold(self.settings.time.pane_us) - libm::log(self.sharing.max(1) as f64)
    }

    /// What the evidence of a scalar counts for in panes: it ticks so many times less often, and may ask for
    /// that much less.
    pub(crate) fn log_of_span(&self) -> f64 {
        let (every_us, pane_us) = (self.settings.scalars.every_us, self.settings.time.pane_us);
        libm::log(every_us as f64 / pane_us.max(1) as f64)
    }
}
