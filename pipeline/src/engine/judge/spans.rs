//! The end of a span: each chart that is due takes its value, and its residual is a tick like any other.

use std::sync::Arc;

use driftline_detectors::baseline::{Provenance, Zone};
use driftline_detectors::encoder::Encoder;
use driftline_detectors::encoder::Sketch;
use driftline_detectors::lanes::LANES_MAX;
use driftline_detectors::lanes::pane_evidence;
use driftline_detectors::scalar::{ScalarOutput, residual_baseline};
use ndarray::{Array2, Axis, aview1};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::engine::chart::model_charts::{ChartState, WINDOW_VALUES};
use crate::engine::chart::statistic::ChartedStatistic;
use crate::engine::judge::fleet::Due;
use crate::engine::judge::further::is_further_due;
use crate::engine::key::{Key, SeriesId};
use crate::engine::machine::Engine;
use crate::engine::series::tick::SeriesTick;
use crate::engine::series::watched::{SeriesReference, WatchedSeries};
use crate::model::settings::HOUR_US;

/// While a change may be on the slow level does not follow it: so long, at most; while a finding is open,
/// as long as that is.
const LEVEL_HELD_US: i64 = 24 * HOUR_US;

/// The value of a chart.
struct ChartValue<'a> {
    key: &'a Key,
    statistic: ChartedStatistic,
    value: f64,
    from_us: i64,
    length_us: i64,
}

/// What became of a value.
#[derive(PartialEq, Eq)]
enum Taken {
    /// What is usual has been learned by now: the chart is watched from here on.
    BeginsToBeWatched,
    /// Its series could be a part of a finding.
    Due,
    /// None of both.
    Counted,
}

impl Engine {
    /// Before a pane is gathered: takes the span that ended before it.
    pub(crate) fn turn_span(&mut self, start_us: i64, due: &mut Vec<Due>) {
        let every_us = self.settings.scalars.every_us;
        let span = start_us.div_euclid(every_us);
        let before = self.charts.span.replace(span);
        if before.is_none() {
            self.charts.spans_from_us = start_us;
        }
        let Some(ended) = before.filter(|ended| *ended != span) else { return };
        let mut all = std::mem::take(&mut self.charts);
        for (key, id) in all.by_key.iter() {
            let charts = Arc::make_mut(&mut all.models[*id as usize]);
            charts.begin(start_us, ended, all.spans_from_us, &self.settings);
            let (length_us, ended) =
                (every_us * charts.spans_a_value, ended.div_euclid(charts.spans_a_value));
            if span.div_euclid(charts.spans_a_value) == ended {
                continue;
            }
            let from_us = ended * length_us;
            let places = if charts.is_whole(from_us, length_us) { charts.charts.len() } else { 0 };
            for at in 0..places {
                let statistic = charts.charts[at].statistic;
                let jitter = jitter(key, from_us);
                let value = statistic.value(charts.volume, charts.statistics.as_deref(), jitter);
                let Some(value) = value else { continue };
                let value = ChartValue { key, statistic, value, from_us, length_us };
                let chart = Arc::make_mut(&mut charts.charts[at].chart);
                match self.take_value(&value, chart) {
                    Taken::BeginsToBeWatched => all.watched += 1,
                    Taken::Due => {
                        let id = SeriesId::Chart { charts: *id, place: at as u16 };
                        due.push(Due { key: Arc::clone(key), id, end_us: from_us + length_us });
                    }
                    Taken::Counted => {}
                }
            }
            charts.volume = 0;
            charts.statistics = None;
        }
        self.charts = all;
    }

    fn take_value(&mut self, value: &ChartValue<'_>, chart: &mut ChartState) -> Taken {
        let may_change = |series: &WatchedSeries| {
            let held_us = i64::from(series.evidence.ticks_held()) * value.length_us;
            series.open_finding.is_some() || (1..=LEVEL_HELD_US).contains(&held_us)
        };
        let hold = chart.watched.as_ref().is_some_and(may_change);
        match chart.usual.observe(value.from_us, value.length_us, value.value, hold) {
            ScalarOutput::Learning => Taken::Counted,
            ScalarOutput::Learned(sketch) => {
                chart.watched = Some(self.watch_residuals(&sketch, value));
                Taken::BeginsToBeWatched
            }
            ScalarOutput::Residual(residual) => match &mut chart.watched {
                Some(series) => self.take_residual(residual, value, series),
                None => Taken::Counted,
            },
        }
    }

    /// A series without a tick yet, for residuals like those of a sketch.
    fn watch_residuals(&mut self, sketch: &Sketch, value: &ChartValue<'_>) -> WatchedSeries {
        let zone = Zone { sigma: self.settings.detect.scalar_zone_sigma, odds: 0.1 };
        let to_us = value.from_us + value.length_us;
        let from_us = to_us - self.settings.scalars.learn_us;
        let mut baseline = residual_baseline(sketch, zone);
        baseline.provenance = Provenance { source: "learned".into(), from_us, to_us };
        let id = self.library.add(baseline, zone);
        WatchedSeries::new(id, self.library.tables(id))
    }

    /// Takes a residual: a tick of one event.
    fn take_residual(
        &mut self,
        residual: f64,
        value: &ChartValue<'_>,
        series: &mut WatchedSeries,
    ) -> Taken {
        let tables = self.library.tables(series.baseline);
        let Encoder::Number(encoder) = &self.library.baseline(series.baseline).encoder else {
            return Taken::Counted;
        };
        let mut counts = vec![0u32; tables.codes()];
        counts[encoder.encode(residual)] = 1;
        let mut lanes = Array2::zeros((1, LANES_MAX));
        pane_evidence(aview1(&counts).insert_axis(Axis(0)), &[tables], lanes.view_mut());
        let lanes: Vec<f64> = lanes.iter().copied().collect();
        let (from_us, end_us) = (value.from_us, value.from_us + value.length_us);
        let tick = SeriesTick { counts: &counts, lanes: &lanes, from_us, end_us };
        if let Some(recorder) = &mut self.recorder {
            let name = value.statistic.name(&self.settings.metrics);
            recorder.record(value.key, &name, Some(value.length_us), &tick);
        }
        if series.open_finding.is_some() {
            let model = &value.key[0];
            let log_threshold = self.log_threshold(self.settings.scalars.every_us);
            let baseline = self.library.baseline(series.baseline);
            let by = SeriesReference { baseline, tables, log_threshold };
            let resolved = series.resolve(&by, &tick, self.settings.alert.resolve_us);
            if let Some(finding) = resolved {
                self.alerts.resolved(model, &finding);
            } else if let Some(open) = &series.open_finding {
                self.alerts.goes_on(model, &open.finding, 0, open.seems_over());
                if is_further_due(series, &by.judged(&series.evidence), tick.end_us) {
                    return Taken::Due;
                }
            }
            return Taken::Counted;
        }
        series.absorb(tables, &tick, WINDOW_VALUES * value.length_us);
        let log_mixture = series.evidence.log_mixture() + self.log_panes_a_span();
        if log_mixture >= self.log_due() { Taken::Due } else { Taken::Counted }
    }
}

/// A number in 0..1 that only depends on the series and the instant. A count of events is a whole
/// number, and a rank among whole numbers jumps with the smallest change of what is expected.
fn jitter(key: &Key, from_us: i64) -> f64 {
    let hash = key.iter().fold(from_us as u64, |seed, k| xxh3_64_with_seed(k.as_bytes(), seed));
    (hash >> 11) as f64 / (1u64 << 53) as f64
}
