//! Scores results against the truth of a set: what was found, how late, how exactly, and what is false.
//!
//! A finding is true when a drift of its model explains it: its metric (or a scalar of it) is the one
//! that changed or one that had to follow, and it was detected between the drift's onset and [`GRACE_MS`]
//! after its end. All else is false. Pure: the same truth and results give the same evaluation.

use serde::Serialize;

use super::results::{Episode, FindingLine, Results};
use super::truth::{TrueDrift, Truth};

/// How long after a drift's end a finding may still be about it: a window of 5 min and the lateness.
pub const GRACE_MS: i64 = 330_000;

/// A time that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{of} has the time {text:?}, which is not RFC 3339; write it as 2026-03-02T08:00:00Z")]
pub struct BadTime {
    of: String,
    text: String,
}

/// What became of one drift.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DriftScore {
    /// Number in the truth.
    pub id: usize,
    /// The model.
    pub model: String,
    /// What changed, in words.
    pub words: String,
    /// Number of findings that it explains.
    pub findings: usize,
    /// Metric of the first of them; none = the drift was missed.
    pub found_on: Option<String>,
    /// From the onset to the first detection, seconds of event time.
    pub delay_s: Option<f64>,
    /// Onset that the first finding names less the true one, seconds; of the changed metric where there
    /// is one on it.
    pub onset_error_s: Option<f64>,
}

/// Something that no drift explains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unexplained {
    /// The model.
    pub model: String,
    /// The metric, or metrics.
    pub metric: String,
    /// When it was detected.
    pub detected_at: String,
    /// Why no drift explains it.
    pub why: &'static str,
}

/// Results against the truth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// One a drift, in the order of the truth.
    pub drifts: Vec<DriftScore>,
    /// All findings.
    pub findings: usize,
    /// Findings that no drift explains.
    pub false_findings: Vec<Unexplained>,
    /// All alert episodes.
    pub alerts: usize,
    /// Alert episodes that no drift explains.
    pub false_alerts: Vec<Unexplained>,
}

impl Evaluation {
    /// Number of drifts that were found.
    pub fn found(&self) -> usize {
        self.drifts.iter().filter(|drift| drift.found_on.is_some()).count()
    }
}

struct Span<'a> {
    drift: &'a TrueDrift,
    onset_ms: i64,
    until_ms: i64,
}

impl Span<'_> {
    fn concerns(&self, metric: &str) -> bool {
        let same = |changed: &str| {
            metric
                .strip_prefix(changed)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        same(&self.drift.metric) || self.drift.side_effects.iter().any(|side| same(&side.metric))
    }

    fn holds(&self, time_ms: i64) -> bool {
        (self.onset_ms..self.until_ms).contains(&time_ms)
    }
}

/// Scores the results.
///
/// # Errors
/// When a time in the truth or the results cannot be read.
pub fn evaluate(truth: &Truth, results: &Results) -> Result<Evaluation, BadTime> {
    let spans = truth.drifts.iter().map(span).collect::<Result<Vec<_>, _>>()?;
    let mut evaluation = Evaluation {
        drifts: spans.iter().map(|span| unfound(span.drift)).collect(),
        findings: results.findings.len(),
        false_findings: Vec::new(),
        alerts: results.episodes.len(),
        false_alerts: Vec::new(),
    };
    let mut explained: Vec<Vec<Sighting<'_>>> = spans.iter().map(|_| Vec::new()).collect();
    for finding in &results.findings {
        let of = || format!("finding {}", finding.id);
        let sighting = Sighting {
            finding,
            detected_ms: milliseconds(&finding.detected_at, of)?,
            onset_ms: milliseconds(&finding.onset, of)?,
        };
        let metrics = finding.metrics();
        match explain(&spans, &finding.model, &metrics, sighting.detected_ms) {
            Ok(at) => {
                if let Some(of_drift) = explained.get_mut(at) {
                    of_drift.push(sighting);
                }
            }
            Err(why) => evaluation.false_findings.push(Unexplained {
                model: finding.model.clone(),
                metric: finding.metric.clone(),
                detected_at: finding.detected_at.clone(),
                why,
            }),
        }
    }
    for ((score, span), sightings) in evaluation.drifts.iter_mut().zip(&spans).zip(&explained) {
        fill(score, span, sightings);
    }
    for episode in &results.episodes {
        if let Some(unexplained) = check_episode(&spans, episode)? {
            evaluation.false_alerts.push(unexplained);
        }
    }
    Ok(evaluation)
}

struct Sighting<'a> {
    finding: &'a FindingLine,
    detected_ms: i64,
    onset_ms: i64,
}

fn check_episode(spans: &[Span<'_>], episode: &Episode) -> Result<Option<Unexplained>, BadTime> {
    let starts_ms = milliseconds(&episode.starts_at, || format!("alert of {}", episode.model))?;
    let metrics: Vec<&str> = episode.metrics.iter().map(String::as_str).collect();
    let explained = explain(spans, &episode.model, &metrics, starts_ms);
    Ok(explained.err().map(|why| Unexplained {
        model: episode.model.clone(),
        metric: metrics.join(" "),
        detected_at: episode.starts_at.clone(),
        why,
    }))
}

/// The drift that explains one of these metrics at this time, or why there is none. Of several, the
/// one that began last.
fn explain(
    spans: &[Span<'_>],
    model: &str,
    metrics: &[&str],
    time_ms: i64,
) -> Result<usize, &'static str> {
    let mut why = "this model did not change";
    let mut best: Option<(i64, usize)> = None;
    for (at, span) in spans.iter().enumerate().filter(|(_, span)| span.drift.model == model) {
        if !metrics.iter().any(|metric| span.concerns(metric)) {
            if why == "this model did not change" {
                why = "this metric did not change";
            }
        } else if span.holds(time_ms) {
            best = best.max(Some((span.onset_ms, at)));
        } else {
            why = if time_ms < span.onset_ms { "before the onset" } else { "after the end" };
        }
    }
    best.map(|(_, at)| at).ok_or(why)
}

fn fill(score: &mut DriftScore, span: &Span<'_>, sightings: &[Sighting<'_>]) {
    let first = |of_changed: bool| {
        let concerned = sightings.iter().filter(|sighting| {
            let is_changed = |metric: &str| metric.starts_with(&span.drift.metric);
            !of_changed || sighting.finding.metrics().into_iter().any(is_changed)
        });
        concerned.min_by_key(|sighting| sighting.detected_ms)
    };
    score.findings = sightings.len();
    let seconds = |from_ms: i64, to_ms: i64| (to_ms - from_ms) as f64 / 1000.0;
    if let Some(earliest) = first(false) {
        score.found_on = Some(earliest.finding.metric.clone());
        score.delay_s = Some(seconds(span.onset_ms, earliest.detected_ms));
        let named = first(true).unwrap_or(earliest);
        score.onset_error_s = Some(seconds(span.onset_ms, named.onset_ms));
    }
}

fn unfound(drift: &TrueDrift) -> DriftScore {
    DriftScore {
        id: drift.id,
        model: drift.model.clone(),
        words: drift.words.clone(),
        findings: 0,
        found_on: None,
        delay_s: None,
        onset_error_s: None,
    }
}

fn span(drift: &TrueDrift) -> Result<Span<'_>, BadTime> {
    let of = || format!("drift {}", drift.id);
    let end_ms = drift.end.as_ref().map(|end| milliseconds(end, of)).transpose()?;
    Ok(Span {
        drift,
        onset_ms: milliseconds(&drift.onset, of)?,
        until_ms: end_ms.map_or(i64::MAX, |end_ms| end_ms + GRACE_MS),
    })
}

fn milliseconds(text: &str, of: impl Fn() -> String) -> Result<i64, BadTime> {
    chrono::DateTime::parse_from_rfc3339(text)
        .map(|time| time.timestamp_millis())
        .map_err(|_| BadTime { of: of(), text: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::plan::{HOUR_MS, START_MS};
    use crate::synth::results::CarrierLine;
    use crate::synth::truth::rfc3339;
    use crate::synth::{Drift, Plan};

    /// errors of model 2 from 1 h to 2 h; latency of model 2 from 3 h on.
    fn truth() -> Truth {
        let mut plan = Plan { models: 4, ..Plan::default() };
        for given in ["errors:2:1h:end=2h", "scale:2:3h"] {
            plan.drifts.push(Drift::parse(given, &plan).expect("a drift"));
        }
        Truth::of(&plan)
    }

    fn at(minutes: i64) -> String {
        rfc3339(START_MS + HOUR_MS / 60 * minutes)
    }

    fn finding(model: &str, metric: &str, onset: i64, detected: i64) -> FindingLine {
        FindingLine {
            id: format!("{model}{metric}{detected}"),
            model: model.to_owned(),
            metric: metric.to_owned(),
            onset: at(onset),
            detected_at: at(detected),
            carriers: Vec::new(),
        }
    }

    fn scored(findings: Vec<FindingLine>) -> Evaluation {
        evaluate(&truth(), &Results { findings, episodes: Vec::new() }).expect("times")
    }

    /// What moved may be the second of the series that carry a finding.
    #[test]
    fn a_finding_of_several_series_is_about_each_of_them() {
        let mut together = finding("code-assist-002", "tool", 61, 70);
        assert_eq!(scored(vec![together.clone()]).false_findings.len(), 1);
        together.carriers =
            ["tool", "error"].map(|metric| CarrierLine { metric: metric.into() }).to_vec();
        let evaluation = scored(vec![together]);
        assert!(evaluation.false_findings.is_empty(), "{evaluation:?}");
        assert_eq!(evaluation.drifts.iter().map(|drift| drift.findings).sum::<usize>(), 1);
    }

    #[test]
    fn delays_and_onset_errors_are_in_event_time() {
        let evaluation = scored(vec![
            finding("code-assist-002", "finish_reason", 58, 62),
            finding("code-assist-002", "error", 61, 63),
            finding("code-assist-002", "latency_ms.p99", 179, 190),
        ]);
        assert!(evaluation.false_findings.is_empty());
        assert_eq!(evaluation.found(), 2);
        let [errors, latency] = &evaluation.drifts[..] else { panic!("two drifts") };
        assert_eq!((errors.findings, errors.found_on.as_deref()), (2, Some("finish_reason")));
        assert_eq!((errors.delay_s, errors.onset_error_s), (Some(120.0), Some(60.0)));
        assert_eq!((latency.delay_s, latency.onset_error_s), (Some(600.0), Some(-60.0)));
    }

    #[test]
    fn what_no_drift_explains_is_false() {
        let cases = [
            (finding("support-chat-001", "error", 60, 70), "this model did not change"),
            (finding("code-assist-002", "tool", 60, 70), "this metric did not change"),
            (finding("code-assist-002", "error", 40, 50), "before the onset"),
            (finding("code-assist-002", "error", 60, 140), "after the end"),
            (finding("code-assist-002", "errors", 60, 70), "this metric did not change"),
        ];
        for (finding, why) in cases {
            let evaluation = scored(vec![finding]);
            assert_eq!(evaluation.found(), 0);
            assert_eq!(evaluation.false_findings.len(), 1);
            assert_eq!(evaluation.false_findings[0].why, why);
        }
        // Within the grace after the end, and a side effect.
        assert!(scored(vec![finding("code-assist-002", "error", 60, 124)]).found() == 1);
        assert!(scored(vec![finding("code-assist-002", "output_tokens", 60, 70)]).found() == 1);
    }

    #[test]
    fn an_episode_is_true_when_one_of_its_metrics_is() {
        let episode = |model: &str, metrics: &[&str], starts: i64| Episode {
            model: model.to_owned(),
            starts_at: at(starts),
            metrics: metrics.iter().map(ToString::to_string).collect(),
        };
        let episodes = vec![
            episode("code-assist-002", &["tool", "error"], 61),
            episode("code-assist-002", &["error"], 30),
            episode("agent-009", &["error"], 61),
        ];
        let results = Results { findings: Vec::new(), episodes };
        let evaluation = evaluate(&truth(), &results).expect("times");
        let why: Vec<_> = evaluation.false_alerts.iter().map(|alert| alert.why).collect();
        assert_eq!(
            (evaluation.alerts, why),
            (3, vec!["before the onset", "this model did not change"])
        );
    }

    #[test]
    fn a_wrong_time_is_named() {
        let mut wrong = finding("code-assist-002", "error", 60, 70);
        wrong.onset = "noon".to_owned();
        let results = Results { findings: vec![wrong], episodes: Vec::new() };
        let problem = evaluate(&truth(), &results).expect_err("no time").to_string();
        assert!(problem.contains("\"noon\""), "{problem}");
    }
}
