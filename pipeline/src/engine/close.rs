//! Closing a pane: admit, learn, tick, score, decide. In the order of keys, always.

use std::sync::Arc;

use driftline_detectors::encoder::CODES_MAX;
use driftline_detectors::lanes::{LANES_MAX, pane_evidence};
use ndarray::{Array2, Axis};

use super::fleet::{Due, Place};
use super::group::{Group, GroupId, Key, Phase, Series};
use super::learn::{Learning, total};
use super::pane::{Pane, PaneGroup};
use super::{Engine, Output};
use crate::model::settings::OnNewVersion;

/// Series that are scored in one kernel call: what fits a cache.
const SERIES_AT_ONCE: usize = 2048;

/// A series that ticks in this pane, and since when its counts were gathered.
struct Tick {
    group: GroupId,
    metric: usize,
    baseline: u32,
    from_us: i64,
}

/// Memory of one pane's matrices, used again for the next.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    rows: Vec<u32>,
    evidence: Vec<f64>,
}

impl Engine {
    pub(super) fn close(&mut self, start_us: i64, mut pane: Pane, output: &mut Output) {
        let end_us = start_us + self.settings.time.pane_us;
        self.closed_us = end_us;
        self.counters.panes += 1;
        self.admit(start_us, &mut pane);
        self.library.turn_to(start_us);
        self.sharing = self.watched_series();
        let mut due = Vec::new();
        self.turn_span(start_us, &mut due);
        let (ticks, counts) = self.gather(start_us, end_us, pane);
        self.counters.ticks += ticks.len() as u64;
        let mut buffer = std::mem::take(&mut self.scratch.evidence);
        buffer.resize(ticks.len() * LANES_MAX, 0.0);
        let mut evidence = Array2::from_shape_vec((ticks.len(), LANES_MAX), buffer)
            .unwrap_or_else(|_| unreachable!("one row of lanes a tick"));
        for from in (0..ticks.len()).step_by(SERIES_AT_ONCE) {
            let to = (from + SERIES_AT_ONCE).min(ticks.len());
            let tables: Vec<_> =
                ticks[from..to].iter().map(|t| self.library.tables(t.baseline)).collect();
            pane_evidence(
                counts.slice_axis(Axis(0), (from..to).into()),
                &tables,
                evidence.slice_axis_mut(Axis(0), (from..to).into()),
            );
        }
        let log_due = self.log_due();
        for (index, tick) in ticks.iter().enumerate() {
            let (row, lanes) = (counts.row(index), evidence.row(index));
            let (Some(row), Some(lanes)) = (row.as_slice(), lanes.as_slice()) else { continue };
            if self.take_tick(tick, row, lanes, end_us) >= log_due {
                let key = Arc::clone(&self.groups[tick.group as usize].key);
                let place = Place::Metric(tick.group, tick.metric as u16);
                due.push(Due { key, place, end_us });
            }
        }
        self.scratch.rows = counts.into_raw_vec_and_offset().0;
        self.scratch.evidence = evidence.into_raw_vec_and_offset().0;
        self.decide(&due, end_us, output);
        self.close_scalars(start_us, output);
        self.alerts.advance(end_us, &self.settings, output);
    }

    /// Admits the pane's new groups, in the order of their keys, as far as the limit goes: those with the
    /// smallest key hashes.
    fn admit(&mut self, start_us: i64, pane: &mut Pane) {
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
            let stem = self.scalars.stem_of(&key, &self.settings, start_us);
            let mut group = Group {
                stem,
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
                baselines.into_iter().map(|b| b.map(|b| Series::new(b, &self.library))).collect(),
            ),
            None => Phase::Learning(Box::new(Learning::new(start_us, &self.settings))),
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

    /// Gives each group its counts of the pane; returns the series that tick, and their counts.
    fn gather(&mut self, start_us: i64, end_us: i64, mut pane: Pane) -> (Vec<Tick>, Array2<u32>) {
        let Engine {
            groups,
            library,
            settings,
            labels,
            panes,
            order,
            watched,
            scalars,
            scratch,
            spare,
            siblings,
            ..
        } = self;
        let mut due = Vec::new();
        let minimum = u64::from(settings.detect.tick_events_min);
        let mut ticks = Vec::new();
        let mut rows = std::mem::take(&mut scratch.rows);
        rows.clear();
        for &id in order.iter() {
            let taken = pane.groups.get_mut(id as usize).and_then(Option::take);
            let (Some(mut taken), Some(group)) = (taken, groups.get_mut(id as usize)) else {
                continue;
            };
            // Where a copy of the engine holds them, too, they are copied here, once.
            let (counts, group) = (Arc::make_mut(&mut taken), Arc::make_mut(group));
            group.events += counts.events;
            let events = counts.events;
            scalars.add(group.stem, settings, start_us, counts);
            let inside =
                settings.baseline.range_us.is_none_or(|(from, to)| (from..to).contains(&start_us));
            if let Phase::Learning(learning) = &mut group.phase {
                if let (Some(raw), true) = (counts.raw.take(), inside) {
                    learning.absorb_raw(*raw, labels, settings);
                }
            } else {
                group.fill_codes(counts, library, labels);
                let codes = &counts.codes;
                let offsets = &group.offsets;
                match &mut group.phase {
                    Phase::Coding(learning) => {
                        if inside {
                            learning.absorb_codes(start_us, events, (codes, offsets), settings);
                        }
                    }
                    Phase::Watching(series) => {
                        for (metric, series) in series.iter_mut().enumerate() {
                            let Some(series) = series else { continue };
                            // Each event has one code in each metric: they are as many as the events.
                            let own =
                                &codes[offsets[metric] as usize..offsets[metric + 1] as usize];
                            let Some(from_us) = series.gather(own, events, minimum, start_us)
                            else {
                                continue;
                            };
                            rows.extend_from_slice(if series.carried == 0 {
                                own
                            } else {
                                &series.carry
                            });
                            rows.resize((ticks.len() + 1) * CODES_MAX, 0);
                            series.carried = 0;
                            let baseline = series.baseline;
                            ticks.push(Tick { group: id, metric, baseline, from_us });
                        }
                    }
                    Phase::Learning(_) => {}
                }
                match &mut group.more {
                    Some(more) if inside && more.is_encoded() => {
                        more.absorb_codes(start_us, events, (codes, offsets), settings);
                    }
                    Some(more) if !more.is_encoded() => {
                        if let (Some(raw), true) = (counts.raw.take(), inside) {
                            more.absorb_raw(*raw, labels, settings);
                        }
                    }
                    _ => {}
                }
            }
            let before = group.more.is_some().then(|| group.offsets.clone());
            if group.grow_up(end_us, settings, library) {
                due.push(id);
            }
            if let Some(before) = before.filter(|before| *before != group.offsets) {
                let kept: Vec<Option<usize>> = (0..settings.metrics.len()).map(Some).collect();
                let open = panes.values_mut().filter_map(|pane| pane.groups.get_mut(id as usize));
                open.flatten()
                    .for_each(|c| Arc::make_mut(c).lay_out(&before, &group.offsets, &kept));
            }
            spare.give(taken);
        }
        // All that is known of a metric by the end of a pane is known to each of them: no key comes first.
        for id in &due {
            Arc::make_mut(&mut groups[*id as usize]).tell(end_us, settings, siblings);
        }
        for id in due {
            let group = Arc::make_mut(&mut groups[id as usize]);
            *watched += group.begin(end_us, settings, library, siblings);
        }
        let counts = Array2::from_shape_vec((ticks.len(), CODES_MAX), rows)
            .unwrap_or_else(|_| unreachable!("each tick adds one row of codes"));
        (ticks, counts)
    }

    /// Takes a tick of a series; the logarithm of its mixture, minus infinity where a finding is on.
    fn take_tick(&mut self, tick: &Tick, row: &[u32], lanes: &[f64], end_us: i64) -> f64 {
        let Engine { groups, library, settings, alerts, recorder, .. } = self;
        let group = Arc::make_mut(&mut groups[tick.group as usize]);
        let Phase::Watching(all) = &mut group.phase else { return f64::NEG_INFINITY };
        let Some(Some(series)) = all.get_mut(tick.metric) else { return f64::NEG_INFINITY };
        let tables = library.tables(tick.baseline);
        let counts = &row[..tables.codes()];
        if let Some(recorder) = recorder {
            let metric = &settings.metrics[tick.metric].name;
            recorder.take(&group.key, metric, None, (counts, tick.from_us));
        }
        if series.firing.is_some() {
            if let Some(stake) = series.calm(tables, (counts, lanes), end_us, settings) {
                alerts.calmed(&group.key[0], &stake);
            } else if let Some(firing) = &series.firing {
                let events = total(counts);
                alerts.goes_on(&group.key[0], &firing.stake, events, firing.seems_over());
            }
            return f64::NEG_INFINITY;
        }
        series.take(tables, counts, lanes, tick.from_us, settings.time.window_us);
        series.evidence.log_mixture()
    }
}
