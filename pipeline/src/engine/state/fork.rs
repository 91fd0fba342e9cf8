//! Copies of an engine: cheap, by sharing what is large until one of both changes it.
//!
//! Groups, counts of open panes, baselines and labels are shared piece by piece. A piece that one engine
//! changes while the other holds it is copied by that engine, then. So a copy that is written elsewhere
//! and gives back each piece as soon as it is written ([`Engine::into_snapshot`]) costs little.

use std::sync::Arc;

use crate::engine::count::pane::Spare;
use crate::engine::judge::ticks::Scratch;
use crate::engine::machine::Engine;

impl Engine {
    /// A copy that goes on for itself: the same inputs give the same outputs.
    pub fn fork(&self) -> Self {
        Self {
            settings: self.settings.clone(),
            config: self.config.clone(),
            groups: self.groups.clone(),
            order: self.order.clone(),
            library: self.library.clone(),
            loaded: Arc::clone(&self.loaded),
            panes: self.panes.clone(),
            clocks: self.clocks.clone(),
            strays: self.strays.clone(),
            labels: self.labels.clone(),
            siblings: self.siblings.clone(),
            closed_us: self.closed_us,
            charts: self.charts.clone(),
            alerts: self.alerts.clone(),
            watched: self.watched,
            sharing: self.sharing,
            counters: self.counters.clone(),
            refused: self.refused.clone(),
            by_key: Arc::clone(&self.by_key),
            kinds: self.kinds.clone(),
            keeps_statistics: self.keeps_statistics,
            code_cache: Vec::new(),
            surprises: Vec::new(),
            spare: Spare::default(),
            scratch: Scratch::default(),
            recorder: None,
        }
    }
}
