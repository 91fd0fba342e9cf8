//! From a series that crossed, or a model that stopped, to the finding about it.

use std::collections::BTreeMap;

use driftline_detectors::baseline::Baseline;
use driftline_detectors::effect::{blame, effect};
use driftline_detectors::encoder::Encoder;
use driftline_detectors::lane::Lane;
use driftline_detectors::score::window_scores;
use driftline_detectors::tables::Tables;
use xxhash_rust::xxh3::xxh3_128;

use crate::engine::decision::{Decision, Quiet, Subject};
use crate::engine::key::GroupId;
use crate::engine::learn::group::Phase;
use crate::engine::learn::library::version_of;
use crate::engine::machine::Engine;
use crate::engine::report::words::{kind_of, round, severity_of, summary};
use crate::model::Finding;
use crate::model::finding::{
    BarRecord, BaselineRecord, CodeRecord, EffectRecord, EvidenceRecord, FINDING_SCHEMA,
    ScoreRecord, StepRecord,
};
use crate::model::settings::Fleet;
use crate::model::time::rfc3339;

/// Codes that a finding names.
const CODES_NAMED: usize = 6;
impl Engine {
    /// The finding of a metric's series that has just crossed.
    pub(crate) fn report(
        &self,
        group: GroupId,
        metric: usize,
        decision: &Decision,
    ) -> Option<Finding> {
        let group = &self.groups[group as usize];
        let Phase::Watching(series) = &group.phase else { return None };
        let series = series.get(metric)?.as_ref()?;
        let settings = &self.settings.metrics[metric];
        let (baseline, tables) =
            (self.library.baseline(series.baseline), self.library.tables(series.baseline));
        let subject = Subject { name: &settings.name, unit: &settings.unit, baseline, tables };
        Some(self.finding(&group.key, &subject, &series.evidence, decision))
    }

    /// A finding about a subject of a group.
    pub(crate) fn finding(
        &self,
        key: &[String],
        subject: &Subject<'_>,
        evidence: &driftline_detectors::evidence::Evidence,
        decision: &Decision,
    ) -> Finding {
        let Subject { name, unit, baseline, tables } = subject;
        let index = evidence.leader();
        let lane = &evidence.told_as(tables);
        let change = lane.name(baseline);
        let (onset_us, counts, ticks_since_onset) = evidence.since_onset(index);
        let size = effect(baseline, tables, lane, counts);
        let (before, after) = before_and_after(baseline, tables, lane, counts);
        let version = version_of(baseline);
        let window: Vec<u64> = counts.iter().map(|n| u64::from(*n)).collect();
        let positions = match &baseline.encoder {
            Encoder::Number(e) => {
                Some((0..baseline.encoder.codes()).map(|c| e.typical(c)).collect::<Vec<f64>>())
            }
            _ => None,
        };
        let codes = blame(evidence, tables, index, CODES_NAMED);
        let label = |code: usize| baseline.encoder.label(code);
        let mut finding = Finding {
            schema: FINDING_SCHEMA.into(),
            id: self.id_of(key, name, decision.end_us, &change, &version),
            pipeline: self.settings.pipeline.clone(),
            config: self.config.clone(),
            kind: kind_of(lane, &baseline.encoder).into(),
            summary: String::new(),
            severity: severity_of(size.unit, size.value).into(),
            model: key[0].clone(),
            version: self.version_of_key(key),
            segments: self.segments_of(key),
            carriers_more: 0,
            metric: (*name).to_string(),
            unit: (*unit).to_string(),
            onset: rfc3339(onset_us),
            detected_at: rfc3339(decision.end_us),
            delay_s: round((decision.end_us - onset_us) as f64 / 1e6),
            change,
            effect: EffectRecord {
                unit: size.unit.into(),
                value: round(size.value),
                low: round(size.low),
                high: round(size.high),
                before: before.map(round),
                after: after.map(round),
            },
            evidence: EvidenceRecord {
                log_mixture: round(evidence.log_mixture()),
                log_threshold: round(decision.log_threshold),
                budget_per_week: self.settings.detect.budget_per_week,
                false_share_per_week: self.false_share(),
                together: decision.together,
                series: self.sharing,
                ticks: evidence.ticks(),
                ticks_since_onset,
                cusum: round(evidence.cusum(index)),
                temper: round(evidence.temper(tables, index)),
                promise: "calibrated".into(),
            },
            carriers: Vec::new(),
            codes: codes
                .iter()
                .map(|b| CodeRecord {
                    label: label(b.code),
                    baseline_share: round(b.baseline_share),
                    share: round(b.share),
                    evidence: round(b.evidence),
                })
                .collect(),
            scores: window_scores(&baseline.counts, &window, positions.as_deref())
                .into_iter()
                .map(|s| ScoreRecord {
                    name: s.name.into(),
                    value: round(s.value),
                    corrected: s.corrected.map(round),
                    p_value: s.p_value.map(round),
                })
                .collect(),
            baseline: BaselineRecord {
                version,
                source: baseline.provenance.source.clone(),
                from: rfc3339(baseline.provenance.from_us),
                to: rfc3339(baseline.provenance.to_us),
                events: baseline.events(),
            },
            distribution: (0..counts.len())
                .filter(|c| baseline.counts[*c] > 0 || counts[*c] > 0)
                .map(|c| BarRecord {
                    label: label(c),
                    baseline: baseline.counts[c],
                    since_onset: u64::from(counts[c]),
                })
                .collect(),
            steps: evidence
                .steps()
                .iter()
                .map(|step| StepRecord {
                    at: rfc3339(step.time_us),
                    events: step.events,
                    lane: tables.lanes()[usize::from(step.lane)].name(baseline),
                    evidence: round(f64::from(step.evidence)),
                    cusum: round(f64::from(step.cusum)),
                    log_mixture: round(f64::from(step.log_mixture)),
                })
                .collect(),
        };
        finding.summary = summary(&finding, decision.end_us - onset_us);
        finding
    }

    /// The finding of a model that has stopped.
    pub(crate) fn silence(
        &self,
        key: &[String],
        quiet: &Quiet,
        end_us: i64,
        log_threshold: f64,
    ) -> Finding {
        let mut finding = Finding {
            schema: FINDING_SCHEMA.into(),
            id: self.id_of(key, "volume", end_us, "silent", ""),
            pipeline: self.settings.pipeline.clone(),
            config: self.config.clone(),
            kind: "silence".into(),
            summary: String::new(),
            severity: "critical".into(),
            model: key[0].clone(),
            version: None,
            segments: self.segments_of(key),
            carriers_more: 0,
            metric: "volume".into(),
            unit: "events".into(),
            onset: rfc3339(quiet.since_us),
            detected_at: rfc3339(end_us),
            delay_s: round((end_us - quiet.since_us) as f64 / 1e6),
            change: "silent".into(),
            effect: EffectRecord {
                unit: "expected_events".into(),
                value: round(quiet.expected),
                low: 0.0,
                high: round(quiet.expected),
                before: None,
                after: None,
            },
            evidence: EvidenceRecord {
                log_mixture: round(quiet.log_mixture),
                log_threshold: round(log_threshold),
                budget_per_week: self.settings.detect.budget_per_week,
                false_share_per_week: self.false_share(),
                together: None,
                series: self.sharing,
                ticks: 0,
                ticks_since_onset: 0,
                cusum: 0.0,
                temper: 1.0,
                promise: "calibrated".into(),
            },
            carriers: Vec::new(),
            codes: Vec::new(),
            scores: Vec::new(),
            baseline: BaselineRecord {
                version: String::new(),
                source: "all events before".into(),
                from: rfc3339(quiet.from_us),
                to: rfc3339(quiet.since_us),
                events: quiet.events,
            },
            distribution: Vec::new(),
            steps: Vec::new(),
        };
        finding.summary = summary(&finding, end_us - quiet.since_us);
        finding
    }

    /// The share of false findings that is accepted, where that is the rule.
    fn false_share(&self) -> Option<f64> {
        let detect = &self.settings.detect;
        (detect.fleet == Fleet::Share).then_some(detect.false_share_per_week)
    }

    /// The version in a key; none where events have none, or the series is about all versions.
    pub(crate) fn version_of_key(&self, key: &[String]) -> Option<String> {
        key.get(1).filter(|v| self.settings.has_version && !v.is_empty()).cloned()
    }

    pub(crate) fn segments_of(&self, key: &[String]) -> BTreeMap<String, String> {
        let first = 1 + usize::from(self.settings.has_version);
        let named = self.settings.key_names.iter().zip(key).skip(first);
        named.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// Hash of what a finding is about: the same wherever the same events are processed.
    pub(crate) fn id_of(
        &self,
        key: &[String],
        metric: &str,
        end_us: i64,
        change: &str,
        baseline: &str,
    ) -> String {
        let mut bytes = Vec::new();
        let end = end_us.to_string();
        let about = [self.settings.pipeline.as_str(), &self.config, metric, &end, change, baseline];
        for part in about.into_iter().chain(key.iter().map(String::as_str)) {
            bytes.extend_from_slice(part.as_bytes());
            bytes.push(0xff);
        }
        format!("{:032x}", xxh3_128(&bytes))
    }
}

/// Median, or share of the lane's codes, before and after.
fn before_and_after(
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
        (_, Encoder::Number(encoder)) => {
            let now: Vec<f64> = counts.iter().map(|n| f64::from(*n)).collect();
            (encoder.quantile(tables.probabilities(), 0.5), encoder.quantile(&now, 0.5))
        }
        _ => (None, None),
    }
}
