//! Going on under other settings: what is known stays known, as far as it means the same.
//!
//! - Budget, zones, slack, ticks, silence, lateness, limits, names, when alerts fire and resolve: all of it
//!   goes on, alerts too.
//! - Metrics: those with the same name, kind and path go on, with what open panes hold of them. New ones
//!   are learned beside them; findings about those that are gone are resolved.
//! - What is charted of a metric, and the length of a span: the same for each chart.
//! - Length of a pane: baselines and evidence go on; what open panes hold is dropped; charts, and what is
//!   being learned, begin anew.
//! - Keys (model, version, segments): all is learned anew, and alerts are resolved.
//!
//! Clocks always go on, and what is complete stays complete, so reading goes on from the same offsets. Not
//! here: when settings change, which is a decision.

use std::sync::Arc;

use driftline_detectors::baseline::Zone;
use driftline_detectors::dependence::PooledDependence;

use crate::engine::count::pane::PaneGroup;
use crate::engine::count::raw::RawMetric;
use crate::engine::learn::group::{Group, Phase};
use crate::engine::learn::learning::{BaselineLearner, zone_of};
use crate::engine::machine::{Engine, config_hash};
use crate::engine::series::finding_ref::FindingRef;
use crate::model::{Row, Settings, Value};

impl Engine {
    /// An engine under other settings that goes on where this one stands.
    pub fn carry_over(&self, settings: Settings) -> Engine {
        let old = &self.settings;
        let mut next = self.fork();
        next.config = config_hash(&settings);
        next.settings = settings;
        if old.time.lateness_us != next.settings.time.lateness_us {
            next.clocks.values_mut().for_each(|clock| clock.keep(&old.time));
        }
        if !same_keys(old, &next.settings) {
            next.forget();
        } else {
            let from = numbers_before(old, &next.settings);
            if from.len() != old.metrics.len() || (0..).zip(&from).any(|(at, f)| *f != Some(at)) {
                next.renumber(&from);
            }
            if old.time.pane_us != next.settings.time.pane_us {
                next.change_panes();
            } else {
                let Engine { charts, settings, alerts, .. } = &mut next;
                for (model, finding) in charts.carry_over(old, settings, &from) {
                    alerts.resolved(&model, &finding);
                }
            }
        }
        next.rezone();
        next.derive();
        next
    }

    /// Forgets everything but the clocks.
    fn forget(&mut self) {
        let mut fresh = Engine::new(self.settings.clone());
        std::mem::swap(&mut fresh.clocks, &mut self.clocks);
        std::mem::swap(&mut fresh.alerts, &mut self.alerts);
        fresh.clocks.values_mut().for_each(|clock| clock.rows_mut().clear());
        fresh.alerts.resolve_all();
        fresh.closed_us = self.closed_us;
        fresh.counters = self.counters.clone();
        fresh.refused = self.refused.clone();
        *self = fresh;
    }

    /// Gives metrics other numbers: metric `m` is what `from[m]` was.
    fn renumber(&mut self, from: &[Option<usize>]) {
        self.labels =
            from.iter().map(|f| f.map(|f| self.labels[f].clone()).unwrap_or_default()).collect();
        self.siblings =
            from.iter().map(|f| f.map(|f| self.siblings[f].clone()).unwrap_or_default()).collect();
        for clock in self.clocks.values_mut() {
            clock.rows_mut().iter_mut().for_each(|row| renumber_row(row, from));
        }
        self.strays.rows_mut().iter_mut().for_each(|row| renumber_row(row, from));
        let metrics = &self.settings.metrics;
        let known = |name: &String| {
            metrics.iter().zip(from).any(|(metric, from)| metric.name == *name && from.is_some())
        };
        for baselines in Arc::make_mut(&mut self.loaded).values_mut() {
            baselines.retain(|name, _| known(name));
        }
        let Engine { groups, panes, library, settings, alerts, closed_us, .. } = self;
        for pane in panes.values_mut() {
            for (_, counts) in pane.candidates.values_mut() {
                Arc::make_mut(counts).renumber(settings, from);
            }
        }
        for (id, group) in groups.iter_mut().enumerate() {
            let group = Arc::make_mut(group);
            let before = std::mem::take(&mut group.offsets);
            group.renumber(settings, from, *closed_us, |model, of| alerts.resolved(model, of));
            if matches!(group.phase, Phase::Watching(_)) {
                group.lay_out(settings.metrics.len(), library);
            }
            let open = panes.values_mut().filter_map(|pane| pane.groups.get_mut(id));
            for counts in open.flatten().map(Arc::make_mut) {
                counts.renumber(settings, from);
                match group.offsets.is_empty() {
                    true => counts.codes.clear(),
                    false => counts.lay_out(&before, &group.offsets, from),
                }
            }
        }
        self.watched = self.groups.iter().map(|group| group.watched()).sum();
    }

    /// Begins anew whatever counts in panes.
    fn change_panes(&mut self) {
        self.panes.clear();
        self.siblings.fill(PooledDependence::default());
        for (model, finding) in std::mem::take(&mut self.charts).open_findings() {
            self.alerts.resolved(&model, &finding);
        }
        for id in 0..self.groups.len() {
            let group = Arc::make_mut(&mut self.groups[id]);
            group.charts = self.charts.id_of(&group.key, &self.settings, self.closed_us);
            group.learn_anew(&self.settings, self.closed_us);
        }
    }

    /// Gives each baseline the zone that its metric has now.
    fn rezone(&mut self) {
        let mut zones: Vec<Option<Zone>> = vec![None; self.library.len() as usize];
        for group in &self.groups {
            let Phase::Watching(series) = &group.phase else { continue };
            for (series, metric) in series.iter().zip(&self.settings.metrics) {
                if let Some(series) = series {
                    zones[series.baseline as usize] = Some(zone_of(metric));
                }
            }
        }
        for (name, id) in self.loaded.values().flatten() {
            let metric = self.settings.metrics.iter().find(|metric| metric.name == *name);
            zones[*id as usize] = metric.map(zone_of);
        }
        let of_charts = Zone { sigma: self.settings.detect.scalar_zone_sigma, odds: 0.1 };
        for id in self.charts.baselines() {
            zones[id as usize] = Some(of_charts);
        }
        self.library.adjust(self.settings.detect.slack_z, &zones);
    }
}

impl Group {
    /// Number of series that are watched.
    fn watched(&self) -> u64 {
        match &self.phase {
            Phase::Watching(series) => series.iter().flatten().count() as u64,
            _ => 0,
        }
    }

    /// Gives metrics other numbers; tells of findings about those that are gone.
    fn renumber(
        &mut self,
        settings: &Settings,
        from: &[Option<usize>],
        now_us: i64,
        mut gone: impl FnMut(&str, &FindingRef),
    ) {
        if let Phase::Watching(series) = &mut self.phase {
            let carried = from.iter().map(|from| series.get_mut((*from)?)?.take()).collect();
            let lost = std::mem::replace(series, carried);
            for open in lost.iter().flatten().filter_map(|series| series.open_finding.as_ref()) {
                gone(&self.key[0], &open.finding);
            }
        }
        self.learn_anew(settings, now_us);
    }

    /// What is being learned begins anew.
    fn learn_anew(&mut self, settings: &Settings, now_us: i64) {
        if !matches!(self.phase, Phase::Watching(_)) {
            self.phase = Phase::Learning(Box::new(BaselineLearner::new(now_us, settings)));
            self.offsets.clear();
        }
        self.learn_more(now_us, settings);
    }
}

impl PaneGroup {
    /// Gives metrics other numbers; codes are laid out apart.
    fn renumber(&mut self, settings: &Settings, from: &[Option<usize>]) {
        if let Some(raw) = &mut self.raw {
            let mut before: Vec<Option<RawMetric>> =
                std::mem::take(&mut raw.metrics).into_iter().map(Some).collect();
            let carried = from.iter().zip(&settings.metrics).map(|(from, metric)| {
                let old = from.and_then(|from| before.get_mut(from)?.take());
                old.unwrap_or_else(|| RawMetric::new(metric.kind, &settings.limits))
            });
            raw.metrics = carried.collect();
        }
        if let Some(statistics) = &mut self.statistics {
            **statistics = statistics.carry_over(&settings.metrics, from);
        }
    }
}

/// Whether events are told apart by the same keys.
fn same_keys(old: &Settings, new: &Settings) -> bool {
    old.layout.keys == new.layout.keys
        && old.layout.model_default == new.layout.model_default
        && old.has_version == new.has_version
}

/// For each metric of the new settings: its number in the old ones, where name, kind and path are the same.
fn numbers_before(old: &Settings, new: &Settings) -> Vec<Option<usize>> {
    let number = |field| old.layout.metrics.iter().position(|other| other == field);
    new.layout.metrics.iter().map(number).collect()
}

fn renumber_row(row: &mut Row, from: &[Option<usize>]) {
    let value = |from: &Option<usize>| from.and_then(|from| row.metrics.get(from).cloned());
    row.metrics = from.iter().map(|from| value(from).unwrap_or(Value::Null)).collect();
}
