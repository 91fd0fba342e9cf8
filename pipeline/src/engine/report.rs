//! Reporting: from a series that crossed to a finding, and from the engine to what is known of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use driftline_detectors::baseline::Baseline;
use driftline_detectors::encoder::Encoder;
use driftline_detectors::evidence::SinceOnset;
use driftline_detectors::evidence::effect::{blame, effect};
use driftline_detectors::lanes::{Lane, Tables};
use driftline_detectors::score::window_scores;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use super::group::{GroupId, Phase};
use super::learn::zone_of;
use super::scalars::Quiet;
use super::{Engine, version_of};
use crate::model::Finding;
use crate::model::finding::{
    BarRecord, BaselineRecord, CodeRecord, EffectRecord, EvidenceRecord, FINDING_SCHEMA,
    ScoreRecord, StepRecord,
};
use crate::model::settings::Fleet;
use crate::model::time::{from_rfc3339, rfc3339, span};

/// Codes that a finding names.
const CODES_NAMED: usize = 6;
/// Series that the summary of a finding names.
const CARRIERS_NAMED: usize = 8;
/// Events of a group that is frozen by force, at least.
const FROZEN_EVENTS_MIN: u64 = 50;

/// A baseline with the series that it belongs to: one line of a baseline file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BaselineEntry {
    /// Key fields by name.
    pub keys: BTreeMap<String, String>,
    /// The metric.
    pub metric: String,
    /// Hash of the content.
    pub version: String,
    /// The content.
    pub baseline: Baseline,
}

/// Where one group of series stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesReport {
    /// Model, version, segments.
    pub key: Vec<String>,
    /// Its events.
    pub events: u64,
    /// Whether it is watched (it has its baselines).
    pub watched: bool,
}

/// What is decided about: times and the threshold.
pub(super) struct Decision {
    pub(super) end_us: i64,
    pub(super) log_threshold: f64,
    /// How many series cross together, where that counts.
    pub(super) together: Option<u64>,
}

impl Engine {
    /// Groups in the order of their keys.
    pub fn series(&self) -> Vec<SeriesReport> {
        let report = |id: &GroupId| {
            let group = &self.groups[*id as usize];
            SeriesReport {
                key: group.key.to_vec(),
                events: group.events,
                watched: matches!(group.phase, Phase::Watching(_)),
            }
        };
        self.order.iter().map(report).collect()
    }

    /// Number of alerts that are pending or firing.
    pub fn alerts_active(&self) -> usize {
        self.alerts.active()
    }

    /// All baselines, in the order of keys, then metrics. `force`: freeze what is being learned, too,
    /// where there are at least [`FROZEN_EVENTS_MIN`] events of it.
    pub fn baselines(&mut self, force: bool) -> Vec<BaselineEntry> {
        let Engine { groups, order, library, settings, closed_us, watched, siblings, .. } = self;
        let mut entries = Vec::new();
        // As where learning ends by itself: all tell each other first.
        for id in order.iter().filter(|_| force) {
            let group = &mut groups[*id as usize];
            if group.events >= FROZEN_EVENTS_MIN {
                Arc::make_mut(group).tell_now(*closed_us, settings, library, siblings);
            }
        }
        for id in order.iter() {
            let group = &mut groups[*id as usize];
            if force && group.events >= FROZEN_EVENTS_MIN {
                let group = Arc::make_mut(group);
                *watched += group.watch(*closed_us, settings, library, siblings);
            }
            let Phase::Watching(series) = &group.phase else { continue };
            for (metric, series) in settings.metrics.iter().zip(series) {
                let Some(series) = series else { continue };
                let baseline = library.baseline(series.baseline);
                entries.push(BaselineEntry {
                    keys: settings
                        .key_names
                        .iter()
                        .cloned()
                        .zip(group.key.iter().cloned())
                        .collect(),
                    metric: metric.name.clone(),
                    version: version_of(baseline),
                    baseline: baseline.clone(),
                });
            }
        }
        entries
    }

    /// Gives baselines that were made before to the series that will come.
    pub fn load_baselines(&mut self, entries: Vec<BaselineEntry>, source: &str) {
        for entry in entries {
            let key = self
                .settings
                .key_names
                .iter()
                .map(|name| entry.keys.get(name).cloned().unwrap_or_default())
                .collect();
            let Some(metric) = self.settings.metrics.iter().find(|m| m.name == entry.metric) else {
                continue;
            };
            let zone = zone_of(metric);
            let mut baseline = entry.baseline;
            baseline.provenance.source = source.to_string();
            let id = self.library.add(baseline, zone);
            Arc::make_mut(&mut self.loaded).entry(key).or_default().insert(entry.metric, id);
        }
    }

    /// The finding of a metric's series that has just crossed.
    pub(super) fn report(
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
    pub(super) fn finding(
        &self,
        key: &[String],
        subject: &Subject<'_>,
        evidence: &driftline_detectors::evidence::Evidence,
        decision: &Decision,
    ) -> Finding {
        let Subject { name, unit, baseline, tables } = subject;
        let index = evidence.leader();
        let lane = &evidence.found_lane(tables);
        let change = lane.name(baseline);
        let SinceOnset { onset_us, counts, ticks: ticks_since_onset } = evidence.since_onset(index);
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
    pub(super) fn silence(
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
                log_mixture: round(quiet.expected / super::scalars::SILENCE_MARGIN),
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
    pub(super) fn version_of_key(&self, key: &[String]) -> Option<String> {
        key.get(1).filter(|v| self.settings.has_version && !v.is_empty()).cloned()
    }

    pub(super) fn segments_of(&self, key: &[String]) -> BTreeMap<String, String> {
        let first = 1 + usize::from(self.settings.has_version);
        let named = self.settings.key_names.iter().zip(key).skip(first);
        named.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// Hash of what a finding is about: the same wherever the same events are processed.
    pub(super) fn id_of(
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

/// What a finding is about: a metric, or a scalar of its panes.
pub(super) struct Subject<'a> {
    pub(super) name: &'a str,
    pub(super) unit: &'a str,
    pub(super) baseline: &'a Baseline,
    pub(super) tables: &'a Tables,
}

/// Six significant digits: what a person can use, and no noise in the bytes.
pub(super) fn round(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    format!("{value:.5e}").parse().unwrap_or(value)
}

fn kind_of(lane: &Lane, encoder: &Encoder) -> &'static str {
    let Lane::Share { codes, .. } = lane else {
        return match lane {
            Lane::Location(_) => "shift",
            Lane::Scale(_) => "spread",
            _ => "shape",
        };
    };
    match (codes.first().map_or(0, |c| usize::from(*c)), encoder) {
        (c, _) if c == encoder.null() => "missing",
        (c, _) if c == encoder.invalid() => "invalid",
        (_, Encoder::Number(_)) => "out_of_range",
        (_, Encoder::Flag(_)) => "rate",
        (c, Encoder::Category(e)) if c == e.values().len() + 1 => "unseen",
        (c, Encoder::Vector(e)) if c == e.centroids() => "unseen",
        _ => "mix",
    }
}

fn severity_of(unit: &str, value: f64) -> &'static str {
    let large = match unit {
        "sigma" => value.abs() >= 1.0,
        "share" => value.abs() >= 0.1,
        _ => !(0.5..2.0).contains(&value),
    };
    if large { "critical" } else { "warning" }
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

/// One sentence for a person.
pub(super) fn summary(finding: &Finding, delay_us: i64) -> String {
    let EffectRecord { unit, value, before, after, .. } = &finding.effect;
    let size = match (unit.as_str(), before, after) {
        ("share", Some(before), Some(after)) => {
            format!("{} -> {}", percent(*before), percent(*after))
        }
        ("share", ..) => format!("{} of events moved", percent(value.abs())),
        ("expected_events", ..) => format!("about {value:.0} events were to be expected"),
        ("sd_ratio", ..) => format!("spread x {value:.2}"),
        (_, Some(before), Some(after)) => {
            let unit =
                if finding.unit.is_empty() { String::new() } else { format!(" {}", finding.unit) };
            format!("median {} -> {}{unit}, {value:+.2} sigma", plain(*before), plain(*after))
        }
        _ => format!("{value:+.2} sigma"),
    };
    let mut about = finding.model.clone();
    if let Some(version) = finding.version.as_ref().filter(|v| !v.is_empty()) {
        about = format!("{about} {version}");
    }
    if !finding.segments.is_empty() {
        let parts: Vec<String> = finding.segments.iter().map(|(k, v)| format!("{k}={v}")).collect();
        about = format!("{about} [{}]", parts.join(", "));
    }
    format!(
        "{about}: {} {} ({size}) since {}, seen after {}",
        finding.metric,
        finding.change,
        finding.onset,
        span(delay_us)
    )
}

/// The same for a finding that some series carry together.
pub(super) fn summary_together(finding: &Finding, end_us: i64) -> String {
    let named = finding.carriers.len().min(CARRIERS_NAMED);
    let mut all: Vec<String> =
        finding.carriers[..named].iter().map(|c| format!("{} {}", c.metric, c.change)).collect();
    let series = finding.carriers.len() + finding.carriers_more as usize;
    if series > named {
        all.push(format!("and {} others", series - named));
    }
    let delay_us = end_us - from_rfc3339(&finding.onset).unwrap_or(end_us);
    format!(
        "{}: {} series moved together ({}) since {}, seen after {}",
        finding.model,
        series,
        all.join(", "),
        finding.onset,
        span(delay_us)
    )
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 1.0 { format!("{percent:.2} %") } else { format!("{percent:.1} %") }
}

fn plain(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}
