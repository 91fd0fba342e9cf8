//! The charts of all models.
//!
//! One value for each span of `[scalars].every`: volume, and for metrics that ask for it mean, p99,
//! ratio or distinct values. Each is a series of its own with a model of season, level and dependence;
//! its residual is one event for the same machine that judges everything else.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::engine::chart::model_charts::{ModelChart, ModelCharts};
use crate::engine::chart::statistic::ChartedStatistic;
use crate::engine::count::pane::PaneGroup;
use crate::engine::key::{ChartsId, Key};
use crate::engine::series::finding_ref::FindingRef;
use crate::engine::series::watched::WatchedSeries;
use crate::model::Settings;

/// The charts of all models, by model and segments.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Charts {
    /// Apart from the rest in a snapshot, since they are many.
    #[serde(skip)]
    pub(crate) models: Vec<Arc<ModelCharts>>,
    /// Their places, in the order of their keys.
    pub(crate) by_key: Arc<BTreeMap<Key, ChartsId>>,
    /// Number of the span that is being gathered, and since when spans are: the first need not be whole.
    pub(crate) span: Option<i64>,
    pub(crate) spans_from_us: i64,
    pub(crate) watched: u64,
    /// Panes closed so far.
    pub(crate) panes: u64,
}

impl Charts {
    /// The charts of a group: the same for all versions of a model with its segments.
    pub(crate) fn id_of(&mut self, group: &Key, settings: &Settings, start_us: i64) -> ChartsId {
        let mut key = group.to_vec();
        if settings.has_version {
            key[1].clear();
        }
        if let Some(id) = self.by_key.get(&*key) {
            return *id;
        }
        let id = self.models.len() as ChartsId;
        Arc::make_mut(&mut self.by_key).insert(key.into(), id);
        self.models.push(Arc::new(ModelCharts::new(start_us, self.panes)));
        id
    }

    /// Adds a group's pane.
    pub(crate) fn add(
        &mut self,
        id: ChartsId,
        counts: &PaneGroup,
        start_us: i64,
        settings: &Settings,
    ) {
        let charts = Arc::make_mut(&mut self.models[id as usize]);
        charts.add(counts, self.panes, start_us, settings.time.pane_us);
    }

    /// Those of one model, in the order of their keys.
    pub(crate) fn of_model(&self, model: &str) -> Vec<(&Key, ChartsId)> {
        let from: &[String] = &[model.to_owned()];
        let all = self.by_key.range::<[String], _>((Bound::Included(from), Bound::Unbounded));
        all.take_while(|(key, _)| key[0] == model).map(|(key, id)| (key, *id)).collect()
    }

    /// All, in the order of their keys.
    pub(crate) fn all(&self) -> Vec<(&Key, ChartsId)> {
        self.by_key.iter().map(|(key, id)| (key, *id)).collect()
    }

    /// A chart that is watched: what it is of, and its series.
    pub(crate) fn chart(
        &self,
        id: ChartsId,
        at: u16,
    ) -> Option<(ChartedStatistic, &WatchedSeries)> {
        let ModelChart { statistic, chart } =
            self.models.get(id as usize)?.charts.get(usize::from(at))?;
        Some((*statistic, chart.watched.as_ref()?))
    }

    /// A series that is watched, to be changed.
    pub(crate) fn series_mut(&mut self, id: ChartsId, at: u16) -> Option<&mut WatchedSeries> {
        let charts = Arc::make_mut(self.models.get_mut(id as usize)?);
        Arc::make_mut(&mut charts.charts.get_mut(usize::from(at))?.chart).watched.as_mut()
    }

    /// A watched series by the key of its model and the name of its statistic.
    pub(crate) fn watched_as(
        &self,
        key: &Key,
        name: &str,
        settings: &Settings,
    ) -> Option<&WatchedSeries> {
        let charts = &self.models[*self.by_key.get(key)? as usize].charts;
        let is_it = |chart: &&ModelChart| chart.statistic.name(&settings.metrics) == name;
        charts.iter().find(is_it)?.chart.watched.as_ref()
    }

    /// Each finding that is on, with its model.
    pub(crate) fn open_findings(&self) -> Vec<(String, FindingRef)> {
        let of_model = |(key, id): (&Key, &ChartsId)| -> Vec<(String, FindingRef)> {
            let charts = &self.models[*id as usize];
            let open = charts.watched().filter_map(|(_, series)| series.open_finding.as_ref());
            let all = open.map(|open| &open.finding).chain(&charts.silence);
            all.map(|finding| (key[0].clone(), finding.clone())).collect()
        };
        self.by_key.iter().flat_map(of_model).collect()
    }

    /// The baselines that watched series are judged by.
    pub(crate) fn baselines(&self) -> impl Iterator<Item = u32> + '_ {
        let series = self.models.iter().flat_map(|charts| charts.watched());
        series.map(|(_, series)| series.baseline)
    }

    /// Goes on under other settings: what metric `m` charts goes on with what `from[m]` had. Returns
    /// each finding about something that is charted no more, with its model.
    pub(crate) fn carry_over(
        &mut self,
        old: &Settings,
        settings: &Settings,
        from: &[Option<usize>],
    ) -> Vec<(String, FindingRef)> {
        let same_spans = old.scalars.every_us == settings.scalars.every_us;
        if !same_spans {
            self.span = None;
        }
        let mut lost = Vec::new();
        for (key, id) in self.by_key.iter() {
            let charts = Arc::make_mut(&mut self.models[*id as usize]);
            let findings = charts.carry_over(settings, from, same_spans);
            lost.extend(findings.into_iter().map(|finding| (key[0].clone(), finding)));
        }
        self.watched = self.baselines().count() as u64;
        lost
    }
}

impl ModelCharts {
    /// As [`Charts::carry_over`], for one model.
    fn carry_over(
        &mut self,
        settings: &Settings,
        from: &[Option<usize>],
        same_spans: bool,
    ) -> Vec<FindingRef> {
        let mut before = std::mem::take(&mut self.charts);
        // Where spans are others, how many make one value is seen anew.
        if !before.is_empty() && same_spans {
            self.charts = Self::empty_charts(settings);
        }
        for ModelChart { statistic, chart } in &mut self.charts {
            let was = statistic.before(from);
            let place = before.iter().position(|other| Some(other.statistic) == was);
            if let Some(place) = place {
                *chart = before.swap_remove(place).chart;
            }
        }
        let series = before.iter().filter_map(|of| of.chart.watched.as_ref());
        let open = series.filter_map(|series| series.open_finding.as_ref());
        let mut lost: Vec<FindingRef> = open.map(|open| open.finding.clone()).collect();
        if settings.detect.silence_us == 0 {
            lost.extend(self.silence.take());
        }
        let statistics = self.statistics.take().filter(|_| same_spans);
        self.statistics = statistics.map(|all| Arc::new(all.carry_over(&settings.metrics, from)));
        self.volume = if same_spans { self.volume } else { 0 };
        lost
    }
}
