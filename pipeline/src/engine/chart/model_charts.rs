//! The charts of one model with its segments: what is gathered for the next value, and the series of each.

use std::sync::Arc;

use driftline_detectors::scalar::Scalar;
use serde::{Deserialize, Serialize};

use crate::engine::chart::statistic::ChartedStatistic;
use crate::engine::count::pane::PaneGroup;
use crate::engine::count::pane_statistics::PaneStatistics;
use crate::engine::series::finding_ref::FindingRef;
use crate::engine::series::watched::WatchedSeries;
use crate::model::Settings;

/// Events that a model must have had before it is charted: a model of each chart is some 19 KiB, and a flood
/// of names that are seen once or twice must not cost that.
const CHARTED_EVENTS_MIN: u64 = 100;

/// Events that a value should rest on in the mean: fewer tell nothing of a rate ...
const VALUE_EVENTS: f64 = 10.0;
/// ... so that spans are put together, so many at once.
const SPANS_TOGETHER: [i64; 14] = [1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 480, 720, 1440];
const DAY_US: i64 = 24 * 3_600_000_000;

/// Half-life of what is usual for a model, as far as silence goes: one that shrank for good is not
/// silent.
const USUAL_HALF_LIFE_US: f64 = 6.0 * 3.6e9;

/// Values that the learned lane looks at together.
pub(crate) const WINDOW_VALUES: i64 = 60;

/// The charts of one model with its segments, over all versions. What each pane changes is small, what
/// is large changes once a span: a copy shares it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ModelCharts {
    pub(crate) since_us: i64,
    pub(crate) events: u64,
    /// Number of the first and of the last closed pane that had its events.
    pub(crate) first_pane: u64,
    pub(crate) last_pane: u64,
    pub(crate) last_us: i64,
    /// Events and panes, the older ones counting less.
    pub(crate) recent_events: f64,
    pub(crate) recent_panes: f64,
    /// The finding that it has stopped, while that is on.
    pub(crate) silence: Option<FindingRef>,
    /// Spans that make one value: a rare model's take more; and since when they are gathered so.
    pub(crate) spans_a_value: i64,
    pub(crate) gathered_from_us: i64,
    pub(crate) volume: u64,
    pub(crate) statistics: Option<Arc<PaneStatistics>>,
    /// None before it had [`CHARTED_EVENTS_MIN`] events.
    pub(crate) charts: Vec<ModelChart>,
}

/// One chart of a model.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ModelChart {
    pub(crate) statistic: ChartedStatistic,
    pub(crate) chart: Arc<ChartState>,
}

/// What is usual for the values of a chart, and, once that is learned, the series of what is not.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ChartState {
    pub(crate) usual: Scalar,
    pub(crate) watched: Option<WatchedSeries>,
}

impl ModelCharts {
    /// Of a model whose first event is in a pane, the closed ones of which it is number `pane`.
    pub(crate) fn new(start_us: i64, pane: u64) -> Self {
        Self {
            since_us: start_us,
            events: 0,
            first_pane: pane,
            last_pane: pane,
            last_us: start_us,
            recent_events: 0.0,
            recent_panes: 1.0,
            silence: None,
            spans_a_value: 1,
            gathered_from_us: i64::MIN,
            volume: 0,
            statistics: None,
            charts: Vec::new(),
        }
    }

    /// Adds the pane of one of its groups, which is number `pane` of the closed ones.
    pub(crate) fn add(&mut self, counts: &PaneGroup, pane: u64, start_us: i64, pane_us: i64) {
        let missed = (pane - self.last_pane) as f64;
        let per_pane = pane_us as f64 / USUAL_HALF_LIFE_US;
        let kept = libm::exp2(-missed * per_pane);
        self.recent_events = self.recent_events * kept + counts.events as f64;
        self.recent_panes = self.recent_panes * kept + (1.0 - kept) / (1.0 - libm::exp2(-per_pane));
        self.events += counts.events;
        self.last_pane = pane;
        self.last_us = start_us + pane_us;
        self.volume += counts.events;
        if let Some(statistics) = &counts.statistics {
            match &mut self.statistics {
                Some(all) => Arc::make_mut(all).merge(statistics),
                None => self.statistics = Some(Arc::new((**statistics).clone())),
            }
        }
    }

    /// Begins to chart it at the end of span number `ended`, where it has events enough. `spans_from_us`:
    /// since when spans are gathered at all.
    pub(crate) fn begin(
        &mut self,
        now_us: i64,
        ended: i64,
        spans_from_us: i64,
        settings: &Settings,
    ) {
        let every_us = settings.scalars.every_us;
        if self.charts.is_empty() && self.events >= CHARTED_EVENTS_MIN {
            self.spans_a_value = spans_a_value(self.events, now_us - self.since_us, every_us);
            self.gathered_from_us = (ended * every_us).max(spans_from_us);
            self.charts = Self::empty_charts(settings);
        }
    }

    /// The charts that the settings ask for, without a value yet.
    pub(crate) fn empty_charts(settings: &Settings) -> Vec<ModelChart> {
        let learn_us = settings.scalars.learn_us;
        let new = |(statistic, transform)| {
            let chart = ChartState { usual: Scalar::new(transform, learn_us), watched: None };
            ModelChart { statistic, chart: Arc::new(chart) }
        };
        ChartedStatistic::wanted(settings).into_iter().map(new).collect()
    }

    /// Whether what was gathered for a value of `length_us` from `from_us` on is all of it: the span in
    /// which a model was first seen is not whole, nor is the first that is gathered.
    pub(crate) fn is_whole(&self, from_us: i64, length_us: i64) -> bool {
        self.since_us.div_euclid(length_us) < from_us.div_euclid(length_us)
            && self.gathered_from_us <= from_us
    }

    /// The series that are watched, by the places of their charts.
    pub(crate) fn watched(&self) -> impl Iterator<Item = (u16, &WatchedSeries)> {
        let charts = (0..).zip(&self.charts);
        charts.filter_map(|(at, chart)| Some((at, chart.chart.watched.as_ref()?)))
    }
}

/// How many spans of `every_us` make one value, so that it rests on [`VALUE_EVENTS`] events in the
/// mean; a day at most.
fn spans_a_value(events: u64, age_us: i64, every_us: i64) -> i64 {
    let a_span = events as f64 * every_us as f64 / age_us.max(1) as f64;
    let day = (DAY_US / every_us).max(1);
    let fits = |spans: &i64| *spans >= day || a_span * *spans as f64 >= VALUE_EVENTS;
    SPANS_TOGETHER.into_iter().find(fits).unwrap_or(day).min(day)
}
