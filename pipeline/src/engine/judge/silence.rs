//! Silence: a model that has stopped while others go on.

use std::sync::Arc;

use crate::engine::decision::{NO_EVENTS, Quiet, Stake};
use crate::engine::machine::Engine;
use crate::engine::output::Output;

/// A model is silent where this many times fewer events than usual were still to be expected: seasons
/// and bursts are inside it. It makes the verdict calibrated, not guaranteed.
const SILENCE_MARGIN: f64 = 4.0;

impl Engine {
    /// After a pane: models that have stopped while others go on; and those that came back. Spans are taken
    /// before a pane: see [`Engine::turn_span`].
    pub(crate) fn find_silence(&mut self, start_us: i64, output: &mut Output) {
        if self.settings.detect.silence_us == 0 {
            return;
        }
        let log_threshold = self.log_threshold(self.settings.time.pane_us);
        let pane_us = self.settings.time.pane_us;
        let now = self.scalars.panes - 1;
        let mut scalars = std::mem::take(&mut self.scalars);
        for (key, at) in scalars.by_key.iter() {
            let stem = &mut scalars.stems[*at as usize];
            let missed = now - stem.last_pane;
            if missed == 0 {
                if stem.silent.is_some()
                    && let Some(stake) = Arc::make_mut(stem).silent.take()
                {
                    self.alerts.calmed(&key[0], &stake);
                }
                continue;
            }
            let active = stem.last_pane - stem.first_pane + 1;
            let lifelong = stem.events as f64 / active as f64;
            let expected = lifelong.min(stem.recent_events / stem.recent_panes) * missed as f64;
            let learned = stem.events >= self.settings.baseline.learn_events
                && stem.last_us - stem.since_us >= self.settings.baseline.learn_us;
            let long = missed as i64 * pane_us >= self.settings.detect.silence_us;
            if stem.silent.is_some()
                || !learned
                || !long
                || expected / SILENCE_MARGIN < log_threshold
            {
                continue;
            }
            let quiet = Quiet {
                since_us: stem.last_us,
                from_us: stem.since_us,
                events: stem.events,
                expected,
                log_mixture: expected / SILENCE_MARGIN,
            };
            let finding = self.silence(key, &quiet, start_us + pane_us, log_threshold);
            Arc::make_mut(stem).silent = Some(Stake::first(&finding.id));
            self.alerts.found(&finding, &[NO_EVENTS], start_us + pane_us);
            self.counters.findings += 1;
            output.findings.push(finding);
        }
        self.scalars = scalars;
    }
}
