//! The one place where findings are made.
//!
//! To add a field to findings:
//!
//! 1. Declare it in [`Finding`], with `#[serde(default)]`, so that findings of before can still be read. The
//!    JSON Schema follows from the type.
//! 2. Give it the value of a finding about nothing in [`FindingBuilder::new`].
//! 3. Where it depends on what the finding is about, set it in [`FindingBuilder::series`], `silence`, `chart`
//!    or `carried_together`; where it follows from other fields, in [`FindingBuilder::build`].
//!
//! Not here: whether there is a finding.

use std::collections::BTreeMap;

use driftline_detectors::baseline::Baseline;
use driftline_detectors::encoder::Encoder;
use driftline_detectors::evidence::effect::{Blame, Effect, blame, differs, effect};
use driftline_detectors::evidence::{Evidence, SinceOnset, Step};
use driftline_detectors::lanes::Lane;
use driftline_detectors::lanes::Tables;
use driftline_detectors::score::window_scores;
use xxhash_rust::xxh3::xxh3_128;

use crate::engine::decision::{Decision, Silence};
use crate::engine::learn::library::version_of;
use crate::engine::report::words::{is_seen, kind_of, round, severity_of, summary};
use crate::model::finding::{
    BarRecord, BaselineRecord, CodeRecord, EffectRecord, EvidenceRecord, FINDING_SCHEMA,
    ScoreRecord, StepRecord,
};
use crate::model::settings::Fleet;
use crate::model::time::rfc3339;
use crate::model::{Finding, Settings};

/// Codes that a finding names.
const CODES_NAMED: usize = 6;

/// A series that a finding is about.
pub(crate) struct Subject<'a> {
    /// Of the metric, or of a chart's statistic.
    pub(crate) name: &'a str,
    pub(crate) unit: &'a str,
    pub(crate) baseline: &'a Baseline,
    pub(crate) tables: &'a Tables,
    pub(crate) evidence: &'a Evidence,
}

/// Whether the events since the onset are others than those of the baseline, by more than is printed.
pub(crate) fn has_moved(subject: &Subject<'_>) -> bool {
    let Subject { baseline, tables, evidence, .. } = subject;
    let since = evidence.since_onset(evidence.leader());
    let lane = evidence.found_lane(tables);
    let size = effect(baseline, tables, &lane, since.counts);
    since.ticks > 0 && differs(baseline, since.counts) && is_seen(size.unit, size.value)
}

/// A finding in the making.
pub(crate) struct FindingBuilder<'a> {
    key: &'a [String],
    pub(super) onset_us: i64,
    end_us: i64,
    pub(super) finding: Finding,
}

impl<'a> FindingBuilder<'a> {
    /// A finding about nothing yet. `config`: hash of the settings. `sharing`: series that share the budget.
    /// `key`: model, version and segments.
    pub(crate) fn new(
        settings: &Settings,
        config: &str,
        sharing: u64,
        key: &'a [String],
        decision: &Decision,
    ) -> Self {
        let finding = Finding {
            schema: FINDING_SCHEMA.into(),
            id: String::new(),
            pipeline: settings.pipeline.clone(),
            config: config.into(),
            kind: String::new(),
            summary: String::new(),
            severity: String::new(),
            updates: None,
            model: key[0].clone(),
            version: version_in(key, settings),
            segments: segments_in(key, settings),
            metric: String::new(),
            unit: String::new(),
            onset: String::new(),
            detected_at: rfc3339(decision.end_us),
            delay_s: 0.0,
            change: String::new(),
            effect: EffectRecord {
                unit: String::new(),
                value: 0.0,
                low: 0.0,
                high: 0.0,
                before: None,
                after: None,
                previous: None,
            },
            evidence: evidence_record(settings, sharing, decision),
            carriers: Vec::new(),
            carriers_more: 0,
            codes: Vec::new(),
            scores: Vec::new(),
            baseline: BaselineRecord {
                version: String::new(),
                source: String::new(),
                from: String::new(),
                to: String::new(),
                events: 0,
            },
            distribution: Vec::new(),
            steps: Vec::new(),
        };
        Self { key, onset_us: decision.end_us, end_us: decision.end_us, finding }
    }

    /// It is about a series that has crossed.
    pub(crate) fn series(mut self, subject: &Subject<'_>) -> Self {
        let Subject { name, unit, baseline, tables, evidence } = subject;
        let leader = evidence.leader();
        let lane = &evidence.found_lane(tables);
        let SinceOnset { onset_us, counts, ticks: ticks_since_onset } =
            evidence.since_onset(leader);
        self.onset_us = onset_us;
        let finding = &mut self.finding;
        finding.metric = (*name).into();
        finding.unit = (*unit).into();
        finding.kind = kind_of(lane, &baseline.encoder).into();
        finding.change = lane.name(baseline);
        let size = effect(baseline, tables, lane, counts);
        finding.severity = severity_of(size.unit, size.value).into();
        finding.effect = effect_record(&size, before_and_after(baseline, tables, lane, counts));
        finding.evidence.log_mixture = round(evidence.log_mixture());
        finding.evidence.ticks = evidence.ticks();
        finding.evidence.ticks_since_onset = ticks_since_onset;
        finding.evidence.cusum = round(evidence.cusum(leader));
        finding.evidence.temper = round(evidence.temper(tables, leader));
        finding.codes = code_records(subject, leader);
        finding.scores = score_records(baseline, counts);
        finding.baseline = baseline_record(baseline);
        finding.distribution = bar_records(baseline, counts);
        finding.steps = step_records(subject);
        self
    }

    /// The series is the chart of a statistic: its values are residuals, whose size tells a reader nothing.
    pub(crate) fn chart(mut self, kind: &str) -> Self {
        self.finding.kind = kind.into();
        self.finding.effect.before = None;
        self.finding.effect.after = None;
        self.finding.effect.previous = None;
        self
    }

    /// It is about a model that has stopped.
    pub(crate) fn silence(mut self, silence: &Silence) -> Self {
        self.onset_us = silence.since_us;
        let finding = &mut self.finding;
        finding.metric = "volume".into();
        finding.unit = "events".into();
        finding.kind = "silence".into();
        finding.change = "silent".into();
        finding.severity = "critical".into();
        finding.effect.unit = "expected_events".into();
        finding.effect.value = round(silence.expected);
        finding.effect.high = round(silence.expected);
        finding.evidence.log_mixture = round(silence.log_mixture);
        finding.baseline.source = "all events before".into();
        finding.baseline.from = rfc3339(silence.from_us);
        finding.baseline.to = rfc3339(silence.since_us);
        finding.baseline.events = silence.events;
        self
    }

    /// What follows from the rest: onset, delay, summary and id.
    pub(crate) fn build(self) -> Finding {
        let Self { key, onset_us, end_us, mut finding } = self;
        finding.onset = rfc3339(onset_us);
        finding.delay_s = round((end_us - onset_us) as f64 / 1e6);
        finding.summary = summary(&finding, end_us - onset_us);
        finding.id = id_of(&finding, key, end_us);
        finding
    }
}

/// The version in a key; none where events have none, or the series is about all versions.
fn version_in(key: &[String], settings: &Settings) -> Option<String> {
    key.get(1).filter(|v| settings.has_version && !v.is_empty()).cloned()
}

fn segments_in(key: &[String], settings: &Settings) -> BTreeMap<String, String> {
    let first = 1 + usize::from(settings.has_version);
    let named = settings.key_names.iter().zip(key).skip(first);
    named.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Hash of what a finding is about: the same wherever the same events are processed.
fn id_of(finding: &Finding, key: &[String], end_us: i64) -> String {
    let Finding { pipeline, config, metric, change, baseline, .. } = finding;
    let end = end_us.to_string();
    let about = [pipeline.as_str(), config, metric, &end, change, &baseline.version];
    let mut bytes = Vec::new();
    for part in about.into_iter().chain(key.iter().map(String::as_str)) {
        bytes.extend_from_slice(part.as_bytes());
        bytes.push(0xff);
    }
    format!("{:032x}", xxh3_128(&bytes))
}

/// The decision, with no evidence yet.
fn evidence_record(settings: &Settings, sharing: u64, decision: &Decision) -> EvidenceRecord {
    let detect = &settings.detect;
    let is_by_share = detect.fleet == Fleet::Share;
    EvidenceRecord {
        log_mixture: 0.0,
        log_threshold: round(decision.log_threshold),
        budget_per_week: detect.budget_per_week,
        false_share_per_week: is_by_share.then_some(detect.false_share_per_week),
        together: decision.together,
        series: sharing,
        ticks: 0,
        ticks_since_onset: 0,
        cusum: 0.0,
        temper: 1.0,
        promise: "calibrated".into(),
    }
}

pub(super) fn effect_record(
    size: &Effect,
    (before, after): (Option<f64>, Option<f64>),
) -> EffectRecord {
    EffectRecord {
        unit: size.unit.into(),
        value: round(size.value),
        low: round(size.low),
        high: round(size.high),
        before: before.map(round),
        after: after.map(round),
        previous: None,
    }
}

/// Median, or share of the lane's codes, before and after; none where the shape is all that changed.
pub(super) fn before_and_after(
    baseline: &Baseline,
    tables: &Tables,
    lane: &Lane,
    counts: &[u32],
) -> (Option<f64>, Option<f64>) {
    match (lane, &baseline.encoder) {
        (Lane::Share { codes, .. }, _) => {
            let within = |c: usize| codes.iter().any(|x| usize::from(*x) == c);
            let total: f64 = counts.iter().map(|n| f64::from(*n)).sum::<f64>().max(1.0);
            let now: f64 =
                (0..counts.len()).filter(|c| within(*c)).map(|c| f64::from(counts[c])).sum();
            let p = tables.probabilities();
            let before: f64 = (0..p.len()).filter(|c| within(*c)).map(|c| p[c]).sum();
            (Some(before), Some(now / total))
        }
        // Its effect is a share of events, which is no place for medians.
        (Lane::Learned | Lane::OneCategory, _) => (None, None),
        (_, Encoder::Number(encoder)) => {
            let now: Vec<f64> = counts.iter().map(|n| f64::from(*n)).collect();
            (encoder.quantile(tables.probabilities(), 0.5), encoder.quantile(&now, 0.5))
        }
        _ => (None, None),
    }
}

/// The codes that carry the evidence, the heaviest first.
fn code_records(subject: &Subject<'_>, leader: usize) -> Vec<CodeRecord> {
    let Subject { baseline, tables, evidence, .. } = subject;
    let record = |code: Blame| CodeRecord {
        label: baseline.encoder.label(code.code),
        baseline_share: round(code.baseline_share),
        share: round(code.share),
        evidence: round(code.evidence),
    };
    blame(evidence, tables, leader, CODES_NAMED).into_iter().map(record).collect()
}

pub(super) fn score_records(baseline: &Baseline, counts: &[u32]) -> Vec<ScoreRecord> {
    let window: Vec<u64> = counts.iter().map(|n| u64::from(*n)).collect();
    let positions: Option<Vec<f64>> = match &baseline.encoder {
        Encoder::Number(e) => Some((0..baseline.encoder.codes()).map(|c| e.typical(c)).collect()),
        _ => None,
    };
    window_scores(&baseline.counts, &window, positions.as_deref())
        .into_iter()
        .map(|s| ScoreRecord {
            name: s.name.into(),
            value: round(s.value),
            corrected: s.corrected.map(round),
            p_value: s.p_value.map(round),
        })
        .collect()
}

pub(super) fn baseline_record(baseline: &Baseline) -> BaselineRecord {
    BaselineRecord {
        version: version_of(baseline),
        source: baseline.provenance.source.clone(),
        from: rfc3339(baseline.provenance.from_us),
        to: rfc3339(baseline.provenance.to_us),
        events: baseline.events(),
    }
}

/// Both distributions, without codes that neither has.
pub(super) fn bar_records(baseline: &Baseline, counts: &[u32]) -> Vec<BarRecord> {
    (0..counts.len())
        .filter(|c| baseline.counts[*c] > 0 || counts[*c] > 0)
        .map(|c| BarRecord {
            label: baseline.encoder.label(c),
            baseline: baseline.counts[c],
            since_onset: u64::from(counts[c]),
        })
        .collect()
}

fn step_records(subject: &Subject<'_>) -> Vec<StepRecord> {
    let Subject { baseline, tables, evidence, .. } = subject;
    records_of(&evidence.steps(), baseline, tables)
}

pub(super) fn records_of(steps: &[Step], baseline: &Baseline, tables: &Tables) -> Vec<StepRecord> {
    steps
        .iter()
        .map(|step| StepRecord {
            at: rfc3339(step.time_us),
            events: step.events,
            lane: tables.lanes()[usize::from(step.lane)].name(baseline),
            evidence: round(f64::from(step.evidence)),
            cusum: round(f64::from(step.cusum)),
            log_mixture: round(f64::from(step.log_mixture)),
        })
        .collect()
}
