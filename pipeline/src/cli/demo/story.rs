//! What the demo says: changes as they are injected, findings and alerts as they come, and the score.
//!
//! A finding is held against the truth by the same rules as `driftline evaluate`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use indicatif::ProgressBar;

use super::witness::Seen;
use crate::cli::Terminal;
use crate::cli::instance::readable;
use crate::cli::summary::grouped;
use crate::cli::top::samples::{Samples, quantile};
use crate::model::time::{from_rfc3339, span};
use crate::model::{Alert, Finding, Status as AlertStatus};
use crate::synth::evaluate::{Evaluation, evaluate};
use crate::synth::results::Results;
use crate::synth::{Plan, Truth};
use crate::telemetry::{Metric, Telemetry};

/// What was told so far.
pub(super) struct Story<'a> {
    terminal: &'a Terminal,
    /// A line that moves, where a person looks.
    bar: ProgressBar,
    truth: Truth,
    /// Changes that were told.
    injected: usize,
    /// The lines of the topics of findings and alerts.
    lines: Vec<u8>,
    /// The latest of each alert, by key: what compaction leaves.
    alerts: BTreeMap<String, Alert>,
    quarantined: BTreeMap<String, u64>,
    learned: bool,
}

#[derive(Clone, Copy)]
enum Tone {
    Injected,
    Found,
    Firing,
    Plain,
}

impl Tone {
    fn code(self) -> &'static str {
        match self {
            Tone::Injected => "\u{1b}[33m",
            Tone::Found => "\u{1b}[32m",
            Tone::Firing => "\u{1b}[1;31m",
            Tone::Plain => "\u{1b}[0m",
        }
    }
}

impl<'a> Story<'a> {
    pub(super) fn new(plan: &Plan, terminal: &'a Terminal) -> Self {
        let bar = match terminal.progress() {
            true => ProgressBar::new_spinner(),
            false => ProgressBar::hidden(),
        };
        Self {
            terminal,
            bar,
            truth: Truth::of(plan),
            injected: 0,
            lines: Vec::new(),
            alerts: BTreeMap::new(),
            quarantined: BTreeMap::new(),
            learned: false,
        }
    }

    /// Says plain text.
    pub(super) fn say(&self, text: &str) -> anyhow::Result<()> {
        self.bar.suspend(|| self.terminal.print(text))?;
        Ok(())
    }

    /// Tells how far it is.
    pub(super) fn progress(
        &mut self,
        time_ms: i64,
        events: u64,
        telemetry: &Telemetry,
    ) -> anyhow::Result<()> {
        let status = telemetry.status();
        if !self.learned && status.watched_series > 0 {
            self.learned = true;
            let words = "the first series have their baselines, and are watched from here on";
            self.line(time_ms, "learned", words, Tone::Plain)?;
        }
        self.bar.tick();
        self.bar.set_message(format!(
            "{}  {} events sent, {} series watched, {} firing",
            clock(time_ms),
            grouped(events),
            status.watched_series,
            status.firing.len()
        ));
        Ok(())
    }

    /// Tells the changes that have begun by then.
    pub(super) fn inject(&mut self, time_ms: i64) -> anyhow::Result<()> {
        while let Some(drift) = self.truth.drifts.get(self.injected) {
            let onset_ms = from_rfc3339(&drift.onset).map_or(i64::MIN, |us| us / 1000);
            if onset_ms > time_ms {
                break;
            }
            self.injected += 1;
            let words = format!("{}: {}", drift.model, drift.words);
            self.line(onset_ms, "INJECTED", &words, Tone::Injected)?;
        }
        Ok(())
    }

    /// Tells what stood on the topics, in the order of event time; of a time, what is found before alerts.
    pub(super) fn tell_all(&mut self, mut seen: Vec<Seen>) -> anyhow::Result<()> {
        seen.sort_by_key(|seen| match seen {
            Seen::Finding(finding, _) => (millis(&finding.detected_at), 0),
            Seen::Alert(alert, _) => (millis(&alert.at), 1),
            Seen::Quarantined(_) => (0, 2),
        });
        seen.into_iter().try_for_each(|seen| self.tell(seen))
    }

    fn tell(&mut self, seen: Seen) -> anyhow::Result<()> {
        match seen {
            Seen::Finding(finding, line) => {
                self.keep(&line);
                let at_ms = millis(&finding.detected_at);
                let summary = readable(&finding.summary);
                let (what, since) = summary.rsplit_once(" since ").unwrap_or((&summary, ""));
                let truth = self.against_truth(&finding)?;
                let words = format!("{what}\n{:21}since {since}  [truth: {truth}]", "");
                self.line(at_ms, "found", &words, Tone::Found)
            }
            Seen::Alert(alert, line) => {
                self.keep(&line);
                let (word, tone) = status(&alert);
                let words = format!("alert {}", about(&alert));
                self.line(millis(&alert.at), word, &words, tone)?;
                self.alerts.insert(alert.fingerprint.clone(), *alert);
                Ok(())
            }
            Seen::Quarantined(reason) => {
                *self.quarantined.entry(reason).or_default() += 1;
                Ok(())
            }
        }
    }

    /// Delay and error of the onset; or that no injected change explains it.
    fn against_truth(&self, finding: &Finding) -> anyhow::Result<String> {
        let alone = Results { findings: vec![finding.into()], episodes: Vec::new() };
        let evaluation = evaluate(&self.truth, &alone)?;
        let explained = evaluation.drifts.iter().find(|drift| drift.findings > 0);
        let us = |seconds: Option<f64>| (seconds.unwrap_or(0.0) * 1e6) as i64;
        Ok(match explained {
            Some(drift) => format!(
                "it began {} before, onset off by {}",
                span(us(drift.delay_s)),
                span(us(drift.onset_error_s))
            ),
            None => "no injected change explains it".into(),
        })
    }

    /// The score of everything that was read.
    pub(super) fn score(&self) -> anyhow::Result<Evaluation> {
        Ok(evaluate(&self.truth, &Results::read([self.lines.as_slice()])?)?)
    }

    /// The last words: score, conservation, figures.
    pub(super) fn end(
        &self,
        score: &Evaluation,
        sent: (u64, u64),
        took: Duration,
        telemetry: &Telemetry,
    ) -> anyhow::Result<()> {
        self.bar.finish_and_clear();
        let (events, broken) = sent;
        let samples = Samples::parse(&telemetry.render());
        let total = |metric| grouped(samples.sum(metric) as u64);
        let within = |metric, share| {
            quantile(&samples.buckets(metric), &[], share)
                .map_or("unknown".into(), |s| format!("{} ms", (s * 1e3).round()))
        };
        let quarantined: u64 = self.quarantined.values().sum();
        let reasons: Vec<String> =
            self.quarantined.iter().map(|(reason, n)| format!("{n} x {reason}")).collect();
        let mut text = String::from("\nThe alerts topic, latest record per key:\n\n");
        for (key, alert) in &self.alerts {
            let (word, since) = (status(alert).0, clock(millis(&alert.starts_at)));
            // Writing into a String cannot fail.
            let _ = writeln!(text, "{key}  {word} since {since}  {}", about(alert));
        }
        text += "\nFindings and alerts as read from their topics, against the truth:\n\n";
        text += &crate::cli::evaluate::text(score);
        let missed = score.drifts.len() - score.found();
        if missed > 0 {
            let _ = writeln!(text, "NOT FOUND: {missed} of {} changes.", score.drifts.len());
        }
        let _ = write!(
            text,
            "\n{} events and {broken} broken records sent; {} messages read, {} events judged, {quarantined} in \
             quarantine ({})\n{} transactions in {:.0} s, half of them within {}; from the close of a pane to its \
             finding on the topic: half within {}\n{:.0} MiB of memory, broker and telemetry included\n",
            grouped(events),
            total(Metric::Messages),
            total(Metric::Events),
            if reasons.is_empty() { "none".into() } else { reasons.join(", ") },
            total(Metric::CommittedEpochs),
            took.as_secs_f64(),
            within(Metric::CommitDuration, 0.5),
            within(Metric::PaneLatency, 0.5),
            samples.sum(Metric::ResidentMemory) / f64::from(1 << 20),
        );
        self.say(&text)
    }

    fn keep(&mut self, line: &[u8]) {
        self.lines.extend(line);
        self.lines.push(b'\n');
    }

    fn line(&self, time_ms: i64, what: &str, words: &str, tone: Tone) -> anyhow::Result<()> {
        let (on, off) = match self.terminal.color_out() {
            true => (tone.code(), "\u{1b}[0m"),
            false => ("", ""),
        };
        self.say(&format!("{}  {on}{what:<9}{off} {words}\n", clock(time_ms)))
    }
}

/// The word for its status.
fn status(alert: &Alert) -> (&'static str, Tone) {
    match alert.status {
        AlertStatus::Pending => ("pending", Tone::Plain),
        AlertStatus::Firing => ("FIRING", Tone::Firing),
        AlertStatus::Resolved => ("resolved", Tone::Plain),
    }
}

fn about(alert: &Alert) -> String {
    let of = |map: &BTreeMap<String, String>, name: &str| {
        map.get(name).map(|text| readable(text)).unwrap_or_default()
    };
    format!(
        "{} ({}): {}",
        of(&alert.labels, "model"),
        of(&alert.annotations, "severity"),
        readable(&alert.metrics.join(", "))
    )
}

fn millis(text: &str) -> i64 {
    from_rfc3339(text).unwrap_or(0) / 1000
}

/// Time of day.
fn clock(time_ms: i64) -> String {
    let seconds = time_ms.div_euclid(1000).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
