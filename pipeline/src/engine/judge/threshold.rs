//! What evidence is required of a series: it follows from the budget, and none is set by hand.

use driftline_detectors::evidence::budget;

use crate::engine::machine::Engine;

impl Engine {
    /// `ln A` of one series with a tick each `tick_us`.
    pub(crate) fn log_threshold(&self, tick_us: i64) -> f64 {
        let accepted = self.settings.detect.accepted_per_week();
        budget::log_threshold(self.sharing as usize, tick_us, accepted)
    }

    /// The least evidence that can be a part of a finding: if all series had it, all would cross.
    pub(crate) fn log_due(&self) -> f64 {
        self.log_threshold(self.settings.time.pane_us) - libm::log(self.sharing.max(1) as f64)
    }

    /// Logarithm of the panes in a span. So much more the evidence of a chart counts for among series that
    /// tick each pane: it ticks so many times less often, and that much less is required of it.
    pub(crate) fn log_panes_a_span(&self) -> f64 {
        let (every_us, pane_us) = (self.settings.scalars.every_us, self.settings.time.pane_us);
        libm::log(every_us as f64 / pane_us.max(1) as f64)
    }
}
