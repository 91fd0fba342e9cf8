//! Going on under other settings: what is known stays known, as far as it means the same.

use super::Engine;
use crate::model::Settings;

impl Engine {
    /// An engine under other settings that goes on where this one stands. Clocks stay. Where the settings
    /// read and count the same (same layout, metrics, panes and scalars), all state stays, alerts too.
    /// Otherwise the baselines of metrics that still exist stay, and evidence, open panes, what is being
    /// learned and alerts begin anew.
    pub fn carry_over(&self, settings: Settings) -> Engine {
        let old = &self.settings;
        let same = old.layout == settings.layout
            && old.key_names == settings.key_names
            && old.has_version == settings.has_version
            && old.metrics == settings.metrics
            && old.time.pane_us == settings.time.pane_us
            && old.scalars == settings.scalars
            && old.detect.slack_z == settings.detect.slack_z
            && old.detect.scalar_zone_sigma == settings.detect.scalar_zone_sigma
            && old.pipeline == settings.pipeline;
        let mut next = Engine::new(settings);
        if same {
            let (settings, config) = (next.settings.clone(), next.config.clone());
            next = self.fork();
            (next.settings, next.config) = (settings, config);
            return next;
        }
        let kept = |metric: &str| {
            let of = |s: &Settings| s.layout.metrics.iter().find(|m| m.name == metric).cloned();
            of(old).is_some_and(|was| of(&next.settings) == Some(was))
        };
        let mut entries = self.fork().baselines(false);
        entries.retain(|entry| kept(&entry.metric));
        next.load_baselines(entries, "the config before");
        next.clocks = self.clocks.clone();
        next.closed_us = self.closed_us;
        next
    }
}
