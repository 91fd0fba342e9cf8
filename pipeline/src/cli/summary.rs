//! The summary of a replay: per model what changed, since when, how much, how sure, which codes carry it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use super::instance::readable;
use super::outcome::{Unjudged, unjudged};
use crate::engine::Engine;
use crate::model::finding::EffectRecord;
use crate::model::settings::Fleet;
use crate::model::time::{from_rfc3339, span};
use crate::model::{Alert, Finding, Reason, Status};

/// Models that are told one by one.
const MODELS_TOLD: usize = 30;
/// Files that could not be read, of which it is told why.
const BROKEN_TOLD: usize = 10;
/// Findings of a model that are told one by one.
const FINDINGS_TOLD: usize = 5;

/// What came out of a replay.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// All findings, in their order.
    pub(super) findings: Vec<Finding>,
    /// The last state of each alert, by fingerprint and start.
    pub(super) alerts: BTreeMap<(String, String), Alert>,
    rejects: BTreeMap<Reason, u64>,
    /// Why files could not be read, or not to their end; so many of them.
    broken: Vec<String>,
}

impl Tally {
    /// Takes what the engine gave.
    pub(super) fn add(&mut self, findings: &[Finding], alerts: &[Alert]) {
        self.findings.extend_from_slice(findings);
        for alert in alerts {
            let key = (alert.fingerprint.clone(), alert.starts_at.clone());
            self.alerts.insert(key, alert.clone());
        }
    }

    /// Counts a reject. What is wrong with a file as a whole is told in its own words.
    pub(super) fn reject(&mut self, reason: Reason, (excerpt, detail): (&str, &str)) {
        *self.rejects.entry(reason).or_default() += 1;
        if reason == Reason::BadFile && self.broken.len() < BROKEN_TOLD {
            self.broken.push(format!("{excerpt}: {detail}"));
        }
    }

    /// Rejects so far.
    pub(super) fn rejected(&self) -> u64 {
        self.rejects.values().sum()
    }
}

/// Everything that the summary tells.
pub(super) struct Summary<'a> {
    /// The engines after the last event; one, unless partitions are judged on their own.
    pub(super) engines: &'a [&'a Engine],
    /// What came out.
    pub(super) tally: &'a Tally,
    /// How long it took.
    pub(super) elapsed: Duration,
    /// What was read, in words.
    pub(super) source: String,
    /// What was not read, and what is out of order.
    pub(super) notes: Vec<String>,
    /// Metrics without a value, each in a sentence.
    pub(super) blind: Vec<String>,
    /// Whether to colour.
    pub(super) color: bool,
}

impl Summary<'_> {
    /// The text. `findings`: where they were written, unless `explain` looks there by itself.
    pub(super) fn render(&self, findings: Option<&Path>) -> String {
        let mut out = String::new();
        self.input(&mut out);
        self.models(&mut out);
        self.verdict(&mut out, findings);
        out
    }

    fn input(&self, out: &mut String) {
        let sum =
            |of: fn(&Engine) -> u64| self.engines.iter().map(|engine| of(engine)).sum::<u64>();
        let events = sum(|engine| engine.counters().events);
        let seconds = self.elapsed.as_secs_f64().max(1e-6);
        let _ = writeln!(
            out,
            "{} events from {} in {seconds:.1} s ({} events/s)",
            grouped(events),
            self.source,
            grouped((events as f64 / seconds) as u64),
        );
        let series: Vec<_> = self.engines.iter().flat_map(|engine| engine.series()).collect();
        let learning: Vec<_> = series.iter().filter(|s| !s.watched).collect();
        let _ = writeln!(
            out,
            "{} series watched in {} groups; {} group{} still learning (too few events, or not enough time)",
            grouped(sum(Engine::watched_series)),
            series.len() - learning.len(),
            learning.len(),
            if learning.len() == 1 { "" } else { "s" },
        );
        let asides = [
            (
                sum(|engine| engine.counters().late),
                "late (behind the watermark of their file or partition; see [time].lateness)",
            ),
            (
                sum(|engine| engine.counters().future),
                "far ahead of their neighbours (see [time].max_jump)",
            ),
            (sum(|engine| engine.counters().outside), "outside --from/--to"),
            (
                sum(|engine| engine.counters().refused_series_events),
                "of new series beyond limits.series_max",
            ),
            (
                sum(|engine| engine.counters().refused_pane),
                "in more panes than may be open at once: raise limits.panes_open_max",
            ),
        ];
        for (count, what) in asides.into_iter().filter(|(count, _)| *count > 0) {
            let _ = writeln!(out, "{} events {what}", grouped(count));
        }
        let refused_groups = sum(|engine| engine.counters().refused_groups);
        if refused_groups > 0 {
            let _ = writeln!(out, "{} groups refused", grouped(refused_groups));
        }
        for note in self.notes.iter().chain(&self.tally.broken).chain(&self.blind) {
            let _ = writeln!(out, "{}", readable(note));
        }
        for (reason, count) in &self.tally.rejects {
            let _ = writeln!(
                out,
                "{} rejected: {} ({})",
                grouped(*count),
                reason.name(),
                reason.help()
            );
        }
    }

    /// Why nothing was judged; none where something was.
    pub(super) fn unjudged(&self) -> Option<Unjudged> {
        unjudged(self.engines, self.tally.rejects.iter())
    }

    fn models(&self, out: &mut String) {
        let mut by_model: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
        for finding in &self.tally.findings {
            by_model.entry(&finding.model).or_default().push(finding);
        }
        let mut models: Vec<_> = by_model.into_iter().collect();
        models.sort_by(|a, b| {
            let sureness = |fs: &[&Finding]| {
                fs.iter().map(|f| f.evidence.log_mixture).fold(f64::MIN, f64::max)
            };
            let first = |fs: &[&Finding]| fs.first().map(|f| f.detected_at.clone());
            first(&a.1).cmp(&first(&b.1)).then(sureness(&b.1).total_cmp(&sureness(&a.1)))
        });
        for (model, findings) in models.iter().take(MODELS_TOLD) {
            let state = self.state_of(model);
            let _ = writeln!(out, "\n{}  {state}", self.bold(&readable(model)));
            for finding in findings.iter().take(FINDINGS_TOLD) {
                tell(out, finding);
            }
            if findings.len() > FINDINGS_TOLD {
                let _ = writeln!(out, "  and {} more findings", findings.len() - FINDINGS_TOLD);
            }
        }
        if models.len() > MODELS_TOLD {
            let _ = writeln!(out, "\nand {} more models", models.len() - MODELS_TOLD);
        }
    }

    fn state_of(&self, model: &str) -> String {
        let of_model = |a: &&Alert| a.labels.get("model").is_some_and(|m| m == model);
        let last = self.tally.alerts.values().filter(of_model).max_by_key(|a| a.at.clone());
        match last {
            Some(alert) if alert.status == Status::Resolved => {
                let ends = alert.ends_at.as_deref().unwrap_or("");
                format!("resolved at {ends}")
            }
            Some(alert) if alert.status == Status::Pending => "pending".into(),
            Some(alert) => self.red(&format!("firing since {}", alert.starts_at)),
            None => String::new(),
        }
    }

    fn verdict(&self, out: &mut String, path: Option<&Path>) {
        let findings = self.tally.findings.len();
        if findings == 0 {
            let unjudged = self.unjudged().map(|cause| cause.text());
            let text = unjudged.unwrap_or_else(|| match self.blind.len() {
                0 => "Nothing changed.".into(),
                _ => "Nothing changed in what is watched; not every metric is (see above).".into(),
            });
            let _ = writeln!(out, "\n{text}");
            return;
        }
        let accepted: f64 =
            self.engines.iter().map(|e| e.settings().detect.accepted_per_week()).sum();
        let by_share = self.engines.iter().any(|e| e.settings().detect.fleet == Fleet::Share);
        let what =
            if by_share { "accepted share of false findings" } else { "accepted false alarms" };
        let _ = writeln!(
            out,
            "\n{findings} finding{} in {} alert{}; {what}: {accepted} a week over all series.",
            if findings == 1 { "" } else { "s" },
            self.tally.alerts.len(),
            if self.tally.alerts.len() == 1 { "" } else { "s" },
        );
        if let Some(first) = self.tally.findings.first() {
            let id = &first.id[..8.min(first.id.len())];
            let place =
                path.map_or(String::new(), |path| format!(" --findings {}", path.display()));
            let _ = writeln!(out, "See why: driftline explain {id}{place}");
        }
    }

    fn bold(&self, text: &str) -> String {
        if self.color { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.into() }
    }

    fn red(&self, text: &str) -> String {
        if self.color { format!("\u{1b}[31m{text}\u{1b}[0m") } else { text.into() }
    }
}

/// One finding: what, how much, since when, how sure, which codes.
fn tell(out: &mut String, finding: &Finding) {
    let text = finding.summary.strip_prefix(&finding.model).unwrap_or(&finding.summary);
    let _ = writeln!(out, "  {}", readable(text.trim_start_matches(':').trim()));
    let sure = finding.evidence.log_mixture / std::f64::consts::LN_10;
    let delay = from_rfc3339(&finding.detected_at)
        .zip(from_rfc3339(&finding.onset))
        .map(|(d, o)| span(d - o));
    let _ = writeln!(
        out,
        "    evidence 10^{sure:.1} (required: 10^{:.1}); {} ticks, {} after the onset; effect {}",
        finding.evidence.log_threshold / std::f64::consts::LN_10,
        finding.evidence.ticks_since_onset,
        delay.unwrap_or_default(),
        effect(&finding.effect),
    );
    let codes: Vec<String> = finding
        .codes
        .iter()
        .take(3)
        .map(|c| {
            let (before, after) = (c.baseline_share * 100.0, c.share * 100.0);
            format!("{} ({before:.1} % -> {after:.1} %)", readable(&c.label))
        })
        .collect();
    if !codes.is_empty() {
        let _ = writeln!(out, "    driven by {}", codes.join(", "));
    }
}

/// Size of an effect with its interval, for people.
pub(super) fn effect(effect: &EffectRecord) -> String {
    let EffectRecord { unit, value, low, high, .. } = effect;
    let size = effect_size(unit, *value);
    match unit.as_str() {
        "sigma" => format!("{size} (95 %: {low:+.2} to {high:+.2})"),
        "sd_ratio" => format!("{size} (95 %: {low:.2} to {high:.2})"),
        "share" => format!("{size} (95 %: {:+.2} % to {:+.2} %)", low * 100.0, high * 100.0),
        "expected_events" => size,
        _ => format!("{size} (95 %: {low:+.3} to {high:+.3})"),
    }
}

/// Size of an effect in its unit, for people.
pub(super) fn effect_size(unit: &str, value: f64) -> String {
    match unit {
        "sigma" => format!("{value:+.2} sigma"),
        "sd_ratio" => format!("spread x {value:.2}"),
        "share" => format!("{:+.2} % of events", value * 100.0),
        "expected_events" => format!("none of about {value:.0} expected events"),
        _ => format!("{unit} {value:+.3}"),
    }
}

/// `1234567` as `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
