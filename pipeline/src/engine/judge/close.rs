//! Closing a pane: admit, learn, tick, score, decide. In the order of keys, always.

use std::sync::Arc;

use driftline_detectors::lanes::LANES_MAX;
use driftline_detectors::lanes::pane_evidence;
use ndarray::{Array2, Axis};

use crate::engine::count::pane::{Pane, total};
use crate::engine::judge::fleet::Due;
use crate::engine::judge::further::is_further_due;
use crate::engine::judge::ticks::TickedSeries;
use crate::engine::key::SeriesId;
use crate::engine::learn::group::Phase;
use crate::engine::machine::Engine;
use crate::engine::output::Output;
use crate::engine::series::tick::SeriesTick;
use crate::engine::series::watched::SeriesReference;

/// Series that are scored in one kernel call: what fits a cache.
const SERIES_AT_ONCE: usize = 2048;

impl Engine {
    /// Closes the pane that begins at `start_us`.
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
        let evidence = self.score(&ticks, &counts);
        self.take_ticks(&ticks, (&counts, &evidence), end_us, &mut due);
        self.scratch.counts = counts.into_raw_vec_and_offset().0;
        self.scratch.evidence = evidence.into_raw_vec_and_offset().0;
        let due = self.tell_further(due, output);
        self.decide(&due, end_us, output);
        self.charts.panes += 1;
        self.find_silence(start_us, output);
        self.alerts.advance(end_us, &self.settings, output);
    }

    /// The evidence of each tick in each lane: `[ticks, LANES_MAX]`, nats.
    fn score(&mut self, ticks: &[TickedSeries], counts: &Array2<u32>) -> Array2<f64> {
        let mut memory = std::mem::take(&mut self.scratch.evidence);
        memory.resize(ticks.len() * LANES_MAX, 0.0);
        let mut evidence = Array2::from_shape_vec((ticks.len(), LANES_MAX), memory)
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
        evidence
    }

    /// Gives each series its tick; those that could be a part of a finding are due.
    fn take_ticks(
        &mut self,
        ticks: &[TickedSeries],
        (counts, evidence): (&Array2<u32>, &Array2<f64>),
        end_us: i64,
        due: &mut Vec<Due>,
    ) {
        let log_due = self.log_due();
        let log_threshold = self.log_threshold(self.settings.time.pane_us);
        for (index, ticking) in ticks.iter().enumerate() {
            let (row, lanes) = (counts.row(index), evidence.row(index));
            let (Some(counts), Some(lanes)) = (row.to_slice(), lanes.to_slice()) else { continue };
            let tick = SeriesTick { counts, lanes, from_us: ticking.from_us, end_us };
            if self.take_tick(ticking, tick, log_threshold) >= log_due {
                let key = Arc::clone(&self.groups[ticking.group as usize].key);
                let id = SeriesId::Metric { group: ticking.group, metric: ticking.metric as u16 };
                due.push(Due { key, id, end_us });
            }
        }
    }

    /// Takes a tick of a series; the logarithm of its mixture. Where a finding is open: infinity if a further
    /// change is to be told, else minus infinity.
    fn take_tick(
        &mut self,
        ticking: &TickedSeries,
        mut tick: SeriesTick<'_>,
        log_threshold: f64,
    ) -> f64 {
        let Engine { groups, library, settings, alerts, recorder, .. } = self;
        let group = Arc::make_mut(&mut groups[ticking.group as usize]);
        let Phase::Watching(all) = &mut group.phase else { return f64::NEG_INFINITY };
        let Some(Some(series)) = all.get_mut(ticking.metric) else { return f64::NEG_INFINITY };
        let tables = library.tables(ticking.baseline);
        tick.counts = &tick.counts[..tables.codes()];
        if let Some(recorder) = recorder {
            let metric = &settings.metrics[ticking.metric].name;
            recorder.record(&group.key, metric, None, &tick);
        }
        if series.open_finding.is_some() {
            let baseline = library.baseline(ticking.baseline);
            let by = SeriesReference { baseline, tables, log_threshold };
            let resolved = series.resolve(&by, &tick, settings.alert.resolve_us);
            if let Some(finding) = resolved {
                alerts.resolved(&group.key[0], &finding);
            } else if let Some(open) = &series.open_finding {
                let events = total(tick.counts);
                alerts.goes_on(&group.key[0], &open.finding, events, open.seems_over());
                if is_further_due(series, &by.judged(&series.evidence), tick.end_us) {
                    return f64::INFINITY;
                }
            }
            return f64::NEG_INFINITY;
        }
        series.absorb(tables, &tick, settings.time.window_us);
        series.evidence.log_mixture()
    }
}
