//! Closing a pane: admit, learn, tick, score, decide. In the order of keys, always.

use std::sync::Arc;

use driftline_detectors::encoder::CODES_MAX;
use driftline_detectors::kernel::pane_evidence;
use driftline_detectors::lane::LANES_MAX;
use ndarray::{Array2, Axis};

use crate::engine::count::pane::Pane;
use crate::engine::decision::Due;
use crate::engine::key::{GroupId, Place};
use crate::engine::learn::group::Phase;
use crate::engine::learn::learning::total;
use crate::engine::machine::Engine;
use crate::engine::output::Output;

/// Series that are scored in one kernel call: what fits a cache.
const SERIES_AT_ONCE: usize = 2048;

/// A series that ticks in this pane, and since when its counts were gathered.
struct Tick {
    group: GroupId,
    metric: usize,
    baseline: u32,
    from_us: i64,
}

impl Engine {
    pub(crate) fn close(&mut self, start_us: i64, mut pane: Pane, output: &mut Output) {
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
        self.scalars.panes += 1;
        self.find_silence(start_us, output);
        self.alerts.advance(end_us, &self.settings, output);
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
