//! From a series that crossed, or a model that stopped, to the finding about it.

use crate::engine::decision::{Decision, Silence};
use crate::engine::key::{Key, SeriesId};
use crate::engine::learn::group::Phase;
use crate::engine::machine::Engine;
use crate::engine::report::builder::{FindingBuilder, Subject, has_moved};
use crate::engine::series::watched::WatchedSeries;
use crate::model::Finding;

impl Engine {
    /// Whether there is anything to tell of a watched series: its events since the onset are others than
    /// those of the baseline, by more than is printed.
    pub(crate) fn is_told(&self, id: SeriesId) -> bool {
        let series = match id {
            SeriesId::Metric { group, metric } => match &self.groups[group as usize].phase {
                Phase::Watching(all) => all.get(usize::from(metric)).and_then(Option::as_ref),
                _ => None,
            },
            SeriesId::Chart { charts, place } => {
                self.charts.chart(charts, place).map(|(_, series)| series)
            }
        };
        series.is_some_and(|series| has_moved(&self.subject("", "", series)))
    }

    /// The finding of a series that has just crossed; none where it is not watched, or nothing has moved.
    pub(crate) fn report(&self, key: &Key, id: SeriesId, decision: &Decision) -> Option<Finding> {
        if !self.is_told(id) {
            return None;
        }
        let builder = self.finding_builder(key, decision);
        match id {
            SeriesId::Metric { group, metric } => {
                let Phase::Watching(all) = &self.groups[group as usize].phase else { return None };
                let series = all.get(usize::from(metric))?.as_ref()?;
                let metric = &self.settings.metrics[usize::from(metric)];
                let subject = self.subject(&metric.name, &metric.unit, series);
                Some(builder.series(&subject).build())
            }
            SeriesId::Chart { charts, place } => {
                let (statistic, series) = self.charts.chart(charts, place)?;
                let name = statistic.name(&self.settings.metrics);
                let subject = self.subject(&name, "", series);
                Some(builder.series(&subject).chart(statistic.kind()).build())
            }
        }
    }

    /// The finding of a model that has stopped.
    pub(crate) fn report_silence(
        &self,
        key: &Key,
        silence: &Silence,
        decision: &Decision,
    ) -> Finding {
        self.finding_builder(key, decision).silence(silence).build()
    }

    pub(super) fn finding_builder<'a>(
        &'a self,
        key: &'a Key,
        decision: &Decision,
    ) -> FindingBuilder<'a> {
        FindingBuilder::new(&self.settings, &self.config, self.sharing, key, decision)
    }

    pub(super) fn subject<'a>(
        &'a self,
        name: &'a str,
        unit: &'a str,
        series: &'a WatchedSeries,
    ) -> Subject<'a> {
        Subject {
            name,
            unit,
            baseline: self.library.baseline(series.baseline),
            tables: self.library.tables(series.baseline),
            evidence: &series.evidence,
        }
    }
}
