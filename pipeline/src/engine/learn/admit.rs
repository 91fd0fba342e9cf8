//! New groups: which are admitted at the end of a pane, and how each begins.

use std::sync::Arc;

use crate::engine::count::pane::{Pane, PaneGroup};
use crate::engine::key::{GroupId, Key};
use crate::engine::learn::group::{Group, Phase};
use crate::engine::learn::learning::BaselineLearner;
use crate::engine::machine::Engine;
use crate::engine::series::watched::WatchedSeries;
use crate::model::settings::OnNewVersion;

impl Engine {
    /// Admits the pane's new groups, in the order of their keys, as far as the limit goes: those with the
    /// smallest key hashes.
    pub(crate) fn admit(&mut self, start_us: i64, pane: &mut Pane) {
        let mut room = self.groups_max().saturating_sub(self.groups.len());
        let mut new: Vec<(Key, Arc<PaneGroup>)> = Vec::new();
        for (hash, (key, counts)) in std::mem::take(&mut pane.candidates) {
            // Another pane that was open at the same time may have admitted it.
            if let Some(id) = self.by_key.get(&key) {
                pane.add(*id as usize, counts);
            } else if room > 0 {
                room -= 1;
                new.push((key, counts));
            } else {
                pane.refuse(hash, counts.events);
            }
        }
        self.counters.refused_series_events += pane.refused_events;
        self.refused.merge(&pane.refused_groups);
        self.counters.refused_groups = self.refused.estimate().round() as u64;
        new.sort_by(|a, b| a.0.cmp(&b.0));
        for (key, counts) in new {
            let id = self.groups.len() as GroupId;
            let phase = self.first_phase(&key, start_us);
            let charts = self.charts.id_of(&key, &self.settings, start_us);
            let mut group = Group {
                charts,
                key: Arc::clone(&key),
                since_us: start_us,
                events: 0,
                phase,
                more: None,
                offsets: Vec::new(),
            };
            if let Phase::Watching(series) = &group.phase {
                self.watched += series.iter().flatten().count() as u64;
                group.learn_more(start_us, &self.settings);
                group.lay_out(self.settings.metrics.len(), &self.library);
            }
            self.groups.push(Arc::new(group));
            let at = self.order.partition_point(|other| self.groups[*other as usize].key < key);
            self.order.insert(at, id);
            Arc::make_mut(&mut self.by_key).insert(key, id);
            pane.groups.resize_with(pane.groups.len().max(id as usize + 1), || None);
            pane.groups[id as usize] = Some(counts);
        }
    }

    /// How a new group begins: with a loaded baseline, its previous version's, or learning its own.
    fn first_phase(&self, key: &Key, start_us: i64) -> Phase {
        let own = self.loaded.get(key);
        let previous = || {
            let compare = self.settings.has_version
                && self.settings.baseline.on_new_version == OnNewVersion::Compare;
            compare.then(|| self.previous_version(key)).flatten()
        };
        let baselines: Option<Vec<Option<u32>>> = match own {
            Some(loaded) => {
                Some(self.settings.metrics.iter().map(|m| loaded.get(&m.name).copied()).collect())
            }
            None => previous(),
        };
        match baselines {
            Some(baselines) => Phase::Watching(
                baselines
                    .into_iter()
                    .map(|b| b.map(|b| WatchedSeries::new(b, self.library.tables(b))))
                    .collect(),
            ),
            None => Phase::Learning(Box::new(BaselineLearner::new(start_us, &self.settings))),
        }
    }

    /// Baselines of the version of the same model and segments that came last before.
    fn previous_version(&self, key: &Key) -> Option<Vec<Option<u32>>> {
        let same = |other: &Key| {
            other.len() == key.len()
                && other.iter().zip(key.iter()).enumerate().all(|(i, (a, b))| i == 1 || a == b)
        };
        let watched = self.order.iter().filter_map(|id| {
            let group = &self.groups[*id as usize];
            match &group.phase {
                Phase::Watching(series) if same(&group.key) => Some((group.since_us, series)),
                _ => None,
            }
        });
        let newest = watched
            .max_by_key(|(since, _)| *since)
            .map(|(_, series)| series.iter().map(|s| s.as_ref().map(|s| s.baseline)).collect());
        newest.or_else(|| {
            let loaded = self.loaded.iter().rev().find(|(other, _)| same(other)).map(|(_, l)| l)?;
            Some(self.settings.metrics.iter().map(|m| loaded.get(&m.name).copied()).collect())
        })
    }
}
