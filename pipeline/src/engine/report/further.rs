//! The update of a finding whose series has changed again while it was on.
//!
//! Onset, change and evidence are those of the last change; effect, severity and distribution are of how the
//! series stands since then, against its baseline.

use driftline_detectors::baseline::Baseline;
use driftline_detectors::evidence::effect::effect;
use driftline_detectors::evidence::ongoing::{Further, Judged, Ongoing};

use crate::engine::decision::Decision;
use crate::engine::key::{Key, SeriesId};
use crate::engine::machine::Engine;
use crate::engine::report::builder::{
    FindingBuilder, Subject, bar_records, baseline_record, before_and_after, effect_record,
    records_of, score_records,
};
use crate::engine::report::words::{kind_of, round, severity_of};
use crate::engine::series::resolution::OpenFinding;
use crate::model::Finding;
use crate::model::finding::{CodeRecord, SEVERITIES};

/// Codes that an update names.
const CODES_NAMED: usize = 6;

impl Engine {
    /// The update of the finding that a series carries; none where it has changed no further.
    pub(crate) fn report_further(
        &self,
        key: &Key,
        id: SeriesId,
        decision: &Decision,
    ) -> Option<Finding> {
        let series = self.watched(id)?;
        let open = series.open_finding.as_ref()?;
        let further = open.untold.as_ref()?;
        let builder = self.finding_builder(key, decision);
        let update = match id {
            SeriesId::Metric { metric, .. } => {
                let metric = &self.settings.metrics[usize::from(metric)];
                let subject = self.subject(&metric.name, &metric.unit, series);
                builder.update(&subject, open, further)
            }
            SeriesId::Chart { charts, place } => {
                let (statistic, _) = self.charts.chart(charts, place)?;
                let name = statistic.name(&self.settings.metrics);
                let subject = self.subject(&name, "", series);
                builder.update(&subject, open, further).chart(statistic.kind())
            }
        };
        Some(update.build())
    }
}

impl FindingBuilder<'_> {
    /// It is about a finding that goes further.
    fn update(mut self, subject: &Subject<'_>, open: &OpenFinding, further: &Further) -> Self {
        let Subject { name, unit, baseline, tables, evidence } = subject;
        let (lane, counts) = (&further.lane, open.ongoing.counts());
        let log_threshold = self.finding.evidence.log_threshold;
        let judged = Judged { baseline, tables, evidence, log_threshold };
        self.onset_us = further.onset_us;
        let finding = &mut self.finding;
        finding.updates = Some(open.finding.id.clone());
        finding.metric = (*name).into();
        finding.unit = (*unit).into();
        finding.kind = kind_of(lane, &baseline.encoder).into();
        finding.change = lane.name(baseline);
        finding.severity = severity_now(&judged, &open.ongoing).into();
        let size = effect(baseline, tables, lane, counts);
        finding.effect = effect_record(&size, before_and_after(baseline, tables, lane, counts));
        let (_, previous) = before_and_after(baseline, tables, lane, &further.before);
        finding.effect.previous = previous.map(round);
        finding.evidence.log_mixture = round(further.log_mixture);
        finding.evidence.ticks = further.ticks;
        finding.evidence.ticks_since_onset = further.ticks_since_onset;
        finding.evidence.cusum = round(further.cusum);
        finding.evidence.temper = round(further.temper);
        finding.codes = code_records(baseline, tables.probabilities(), counts, &further.before);
        finding.scores = score_records(baseline, counts);
        finding.baseline = baseline_record(baseline);
        finding.distribution = bar_records(baseline, counts);
        finding.steps = records_of(&further.steps, baseline, tables);
        self
    }
}

/// How severe a change is as it stands: the worst of the ways in which the series has changed.
pub(crate) fn severity_now(judged: &Judged<'_>, ongoing: &Ongoing) -> &'static str {
    let of_way = |lane| {
        let size = effect(judged.baseline, judged.tables, lane, ongoing.counts());
        severity_of(size.unit, size.value)
    };
    let all: Vec<&str> = ongoing.lanes().map(of_way).collect();
    SEVERITIES.into_iter().find(|severity| all.contains(severity)).unwrap_or("info")
}

/// The codes that have become more than they were in the state `before`, the heaviest first.
fn code_records(baseline: &Baseline, p: &[f64], counts: &[u32], before: &[u32]) -> Vec<CodeRecord> {
    let total = |counts: &[u32]| counts.iter().map(|n| f64::from(*n)).sum::<f64>().max(1.0);
    let (now_all, before_all) = (total(counts), total(before));
    let record = |code: usize| {
        let share = f64::from(counts[code]) / now_all;
        // As if it had been in the state before half a time.
        let was = (f64::from(before[code]) + 0.5) / (before_all + 0.5 * p.len() as f64);
        let evidence = f64::from(counts[code]) * libm::log((share / was).max(f64::MIN_POSITIVE));
        (code, share, if counts[code] == 0 { 0.0 } else { evidence })
    };
    let mut all: Vec<(usize, f64, f64)> = (0..counts.len()).map(record).collect();
    all.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.0.cmp(&b.0)));
    all.truncate(CODES_NAMED);
    let named = |(code, share, evidence): (usize, f64, f64)| CodeRecord {
        label: baseline.encoder.label(code),
        baseline_share: round(p[code]),
        share: round(share),
        evidence: round(evidence),
    };
    all.into_iter().map(named).collect()
}
