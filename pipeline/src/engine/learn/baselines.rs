//! Baselines of all series, out of the engine and back in: the content of a baseline file.

use std::collections::BTreeMap;
use std::sync::Arc;

use driftline_detectors::baseline::Baseline;
use serde::{Deserialize, Serialize};

use crate::engine::learn::group::Phase;
use crate::engine::learn::learning::zone_of;
use crate::engine::learn::library::version_of;
use crate::engine::machine::Engine;

/// Events of a group that is frozen by force, at least.
const FROZEN_EVENTS_MIN: u64 = 50;

/// A baseline with the series that it belongs to: one line of a baseline file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BaselineEntry {
    /// Key fields by name.
    pub keys: BTreeMap<String, String>,
    /// The metric.
    pub metric: String,
    /// Hash of the content.
    pub version: String,
    /// The content.
    pub baseline: Baseline,
}

impl Engine {
    /// All baselines, in the order of keys, then metrics. `force`: freeze what is being learned, too,
    /// where there are at least [`FROZEN_EVENTS_MIN`] events of it.
    pub fn baselines(&mut self, force: bool) -> Vec<BaselineEntry> {
        let Engine { groups, order, library, settings, closed_us, watched, siblings, .. } = self;
        let mut entries = Vec::new();
        // As where learning ends by itself: all share what they know first.
        for id in order.iter().filter(|_| force) {
            let group = &mut groups[*id as usize];
            if group.events >= FROZEN_EVENTS_MIN {
                Arc::make_mut(group).share_spans_now(*closed_us, settings, library, siblings);
            }
        }
        for id in order.iter() {
            let group = &mut groups[*id as usize];
            if force && group.events >= FROZEN_EVENTS_MIN {
                let group = Arc::make_mut(group);
                *watched += group.watch(*closed_us, settings, library, siblings);
            }
            let Phase::Watching(series) = &group.phase else { continue };
            for (metric, series) in settings.metrics.iter().zip(series) {
                let Some(series) = series else { continue };
                let baseline = library.baseline(series.baseline);
                entries.push(BaselineEntry {
                    keys: settings
                        .key_names
                        .iter()
                        .cloned()
                        .zip(group.key.iter().cloned())
                        .collect(),
                    metric: metric.name.clone(),
                    version: version_of(baseline),
                    baseline: baseline.clone(),
                });
            }
        }
        entries
    }

    /// Gives baselines that were made before to the series that will come.
    pub fn load_baselines(&mut self, entries: Vec<BaselineEntry>, source: &str) {
        for entry in entries {
            let key = self
                .settings
                .key_names
                .iter()
                .map(|name| entry.keys.get(name).cloned().unwrap_or_default())
                .collect();
            let Some(metric) = self.settings.metrics.iter().find(|m| m.name == entry.metric) else {
                continue;
            };
            let zone = zone_of(metric);
            let mut baseline = entry.baseline;
            baseline.provenance.source = source.to_string();
            let id = self.library.add(baseline, zone);
            Arc::make_mut(&mut self.loaded).entry(key).or_default().insert(entry.metric, id);
        }
    }
}
