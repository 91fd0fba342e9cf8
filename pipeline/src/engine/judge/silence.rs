//! Silence: models that have stopped while others go on, and those that came back.

use std::sync::Arc;

use crate::engine::chart::model_charts::ModelCharts;
use crate::engine::decision::{Decision, NO_EVENTS, Silence};
use crate::engine::machine::Engine;
use crate::engine::output::Output;
use crate::engine::series::finding_ref::FindingRef;
use crate::model::Settings;

/// A model is silent where this many times fewer events than usual were still to be expected: seasons
/// and bursts are inside it. It makes the verdict calibrated, not guaranteed.
const SILENCE_MARGIN: f64 = 4.0;

impl Engine {
    /// After a pane was counted: judges silence.
    pub(crate) fn find_silence(&mut self, start_us: i64, output: &mut Output) {
        if self.settings.detect.silence_us == 0 {
            return;
        }
        let end_us = start_us + self.settings.time.pane_us;
        let log_threshold = self.log_threshold(self.settings.time.pane_us);
        let now = self.charts.panes - 1;
        let mut all = std::mem::take(&mut self.charts);
        for (key, id) in all.by_key.iter() {
            let charts = &mut all.models[*id as usize];
            let missed = now - charts.last_pane;
            if missed == 0 {
                if charts.silence.is_some()
                    && let Some(finding) = Arc::make_mut(charts).silence.take()
                {
                    self.alerts.resolved(&key[0], &finding);
                }
                continue;
            }
            let silence = silence_of(charts, missed, &self.settings);
            let Some(silence) = silence.filter(|s| s.log_mixture >= log_threshold) else {
                continue;
            };
            let decision = Decision { end_us, log_threshold, together: None };
            let finding = self.report_silence(key, &silence, &decision);
            Arc::make_mut(charts).silence = Some(FindingRef::only(&finding.id));
            self.publish(finding, &[NO_EVENTS], end_us, output);
        }
        self.charts = all;
    }
}

/// What a model that `missed` so many panes would have had in them; none where that is not looked at: it is
/// told already, was not long enough there to be known, or is not away for long enough.
fn silence_of(charts: &ModelCharts, missed: u64, settings: &Settings) -> Option<Silence> {
    let is_known = charts.events >= settings.baseline.learn_events
        && charts.last_us - charts.since_us >= settings.baseline.learn_us;
    let is_long = missed as i64 * settings.time.pane_us >= settings.detect.silence_us;
    if charts.silence.is_some() || !is_known || !is_long {
        return None;
    }
    let active = charts.last_pane - charts.first_pane + 1;
    let lifelong = charts.events as f64 / active as f64;
    let recent = charts.recent_events / charts.recent_panes;
    let expected = lifelong.min(recent) * missed as f64;
    Some(Silence {
        since_us: charts.last_us,
        from_us: charts.since_us,
        events: charts.events,
        expected,
        log_mixture: expected / SILENCE_MARGIN,
    })
}
