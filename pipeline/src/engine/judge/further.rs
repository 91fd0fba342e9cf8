//! Further changes of series that carry a finding: when they are told.
//!
//! At once where the finding is more or less severe by them, else once an hour has passed since it or an
//! update of it was told: what goes on and off is no news each time.

use std::sync::Arc;

use driftline_detectors::evidence::ongoing::Judged;

use crate::engine::decision::Decision;
use crate::engine::judge::fleet::Due;
use crate::engine::key::SeriesId;
use crate::engine::learn::group::Phase;
use crate::engine::machine::Engine;
use crate::engine::output::Output;
use crate::engine::report::further::severity_now;
use crate::engine::series::watched::WatchedSeries;
use crate::model::settings::HOUR_US;

/// Updates that change nothing in how severe a finding is are so far apart at least.
const UPDATES_US: i64 = HOUR_US;

impl Engine {
    /// Tells the further changes of a pane. `due`: series that may have one; those that have none are left.
    pub(crate) fn tell_further(&mut self, due: Vec<Due>, output: &mut Output) -> Vec<Due> {
        let (further, others): (Vec<Due>, Vec<Due>) =
            due.into_iter().partition(|due| self.carries_finding(due.id));
        for due in further {
            self.tell_update(&due, output);
        }
        others
    }

    fn carries_finding(&self, id: SeriesId) -> bool {
        self.watched(id).is_some_and(|series| series.open_finding.is_some())
    }

    /// A watched series.
    pub(crate) fn watched(&self, id: SeriesId) -> Option<&WatchedSeries> {
        match id {
            SeriesId::Metric { group, metric } => match &self.groups[group as usize].phase {
                Phase::Watching(all) => all.get(usize::from(metric))?.as_ref(),
                _ => None,
            },
            SeriesId::Chart { charts, place } => {
                self.charts.chart(charts, place).map(|(_, series)| series)
            }
        }
    }

    fn tell_update(&mut self, due: &Due, output: &mut Output) {
        let every_us = match due.id {
            SeriesId::Metric { .. } => self.settings.time.pane_us,
            SeriesId::Chart { .. } => self.settings.scalars.every_us,
        };
        let log_threshold = self.log_threshold(every_us) + std::f64::consts::LN_2;
        let decision = Decision { end_us: due.end_us, log_threshold, together: None };
        let Some(finding) = self.report_further(&due.key, due.id, &decision) else { return };
        let Engine { groups, charts, .. } = self;
        let series = match due.id {
            SeriesId::Chart { charts: id, place } => charts.series_mut(id, place),
            SeriesId::Metric { group, metric } => {
                Arc::make_mut(&mut groups[group as usize]).series_mut(usize::from(metric))
            }
        };
        let Some(open) = series.and_then(|series| series.open_finding.as_mut()) else { return };
        open.untold = None;
        open.told_us = due.end_us;
        open.severity.clone_from(&finding.severity);
        self.counters.findings += 1;
        self.alerts.updated(&finding);
        output.findings.push(finding);
    }
}

/// Whether a further change of a series is to be told at the end of a tick.
pub(crate) fn is_further_due(series: &WatchedSeries, judged: &Judged<'_>, end_us: i64) -> bool {
    let Some(open) = series.open_finding.as_ref().filter(|open| open.untold.is_some()) else {
        return false;
    };
    end_us - open.told_us >= UPDATES_US || severity_now(judged, &open.ongoing) != open.severity
}
