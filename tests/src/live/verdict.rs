//! The verdict of a reader who knows nothing of Driftline: is each expected result there once, and is it
//! the same, byte for byte?
//!
//! What is expected is one straight replay. Live does not close the last panes, which a replay does at the
//! end of its files; so what was expected last may be missing, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::pipeline::Pipeline;
use super::reference::Reference;
use crate::broker::{Message, Visible};

/// What may come how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// Each once, in their order.
    Once,
    /// Each once; partitions are judged on their own, so there is no order among them.
    OnceEach,
    /// Each at least once, the same each time.
    AtLeastOnce,
}

/// What was counted, and what is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Findings that were read.
    pub findings: usize,
    /// Transitions of alerts that were read.
    pub alerts: usize,
    /// Quarantined records that were read.
    pub quarantined: usize,
    /// Results that came again.
    pub repeated: usize,
    /// Expected last, and not told yet.
    pub pending: usize,
    /// What is wrong, in words; the first few of each kind.
    pub wrong: Vec<String>,
}

/// Wrong things of one kind that are told.
const TOLD_MAX: usize = 5;

impl Verdict {
    /// Compares what is on the topics with what is expected. `until` is the event time (RFC 3339) that
    /// every partition has passed: what was decided up to it must be there.
    pub fn of(
        pipeline: &Pipeline<'_>,
        expected: &Reference,
        promise: Promise,
        until: &str,
    ) -> Self {
        Self::seen(Visible::Committed, pipeline, expected, promise, until)
    }

    /// The same for a reader of either kind.
    pub fn seen(
        visible: Visible,
        pipeline: &Pipeline<'_>,
        expected: &Reference,
        promise: Promise,
        until: &str,
    ) -> Self {
        let mut verdict = Self::default();
        let read = |topic: &str| pipeline.broker.read(topic, visible);
        let values =
            |topic: &str| -> Vec<String> { read(topic).iter().map(Message::text).collect() };
        let (findings, alerts) = (values(&pipeline.findings), values(&pipeline.alerts));
        (verdict.findings, verdict.alerts) = (findings.len(), alerts.len());
        let mut lines = |kind: &str, found: Vec<String>, expected: &[String], time: &str| {
            let is_due = |line: &String| {
                let value: Value = serde_json::from_str(line).unwrap_or_default();
                value[time].as_str().is_some_and(|at| at <= until)
            };
            verdict.compare(kind, found, expected, promise, is_due);
        };
        lines("finding", findings, &expected.findings, "detected_at");
        lines("alert", alerts, &expected.alerts, "at");
        let quarantined = read(&pipeline.quarantine);
        verdict.quarantined = quarantined.len();
        verdict.places(&quarantined, promise);
        // Those of different partitions come in any order.
        let mut found: Vec<String> = quarantined.iter().map(Message::text).collect();
        let mut due = expected.quarantine.clone();
        found.sort_unstable();
        due.sort_unstable();
        verdict.compare("quarantined record", found, &due, promise, |_| true);
        verdict
    }

    /// Fails where anything is wrong.
    ///
    /// # Panics
    /// Where anything is wrong.
    pub fn demand(&self, what: &str) {
        assert!(self.wrong.is_empty(), "{what}:\n{}", self.wrong.join("\n"));
    }

    fn compare(
        &mut self,
        kind: &str,
        found: Vec<String>,
        expected: &[String],
        promise: Promise,
        is_due: impl Fn(&String) -> bool,
    ) {
        let mut first = Vec::new();
        let mut seen = BTreeSet::new();
        let mut again = Vec::new();
        for line in found {
            match seen.insert(line.clone()) {
                true => first.push(line),
                false => again.push(line),
            }
        }
        self.repeated += again.len();
        if promise != Promise::AtLeastOnce {
            self.tell(&format!("{kind} twice"), &again);
        }
        let due: BTreeSet<&String> = expected.iter().collect();
        let unknown: Vec<String> =
            first.iter().filter(|line| !due.contains(line)).cloned().collect();
        self.tell(&format!("{kind} that is not expected"), &unknown);
        let missing: Vec<&String> = expected.iter().filter(|line| !seen.contains(*line)).collect();
        let (lost, pending): (Vec<&String>, Vec<&String>) =
            missing.into_iter().partition(|l| is_due(l));
        self.pending += pending.len();
        let lost: Vec<String> = lost.into_iter().cloned().collect();
        self.tell(&format!("{kind} lost"), &lost);
        let in_order = first.iter().zip(expected).all(|(found, expected)| found == expected);
        if promise == Promise::Once && unknown.is_empty() && lost.is_empty() && !in_order {
            self.wrong.push(format!("{kind}s are not in the order of the replay"));
        }
    }

    /// Each quarantined record says where it stood: no place twice.
    fn places(&mut self, quarantined: &[Message], promise: Promise) {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for message in quarantined {
            let part = |name: &str| message.header(name).unwrap_or_else(|| "no header".into());
            let place = format!("{} {}", part("driftline-partition"), part("driftline-offset"));
            *counts.entry(place).or_default() += 1;
        }
        let again: Vec<String> = counts
            .iter()
            .filter(|(_, count)| **count > 1)
            .map(|(place, _)| place.clone())
            .collect();
        if promise != Promise::AtLeastOnce {
            self.tell("quarantined place twice", &again);
        }
    }

    fn tell(&mut self, what: &str, lines: &[String]) {
        for line in lines.iter().take(TOLD_MAX) {
            let line: String = line.chars().take(300).collect();
            self.wrong.push(format!("{what} (of {}): {line}", lines.len()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(found: &[&str], expected: &[&str], promise: Promise) -> Verdict {
        let lines = |lines: &[&str]| lines.iter().map(|&line| line.to_owned()).collect::<Vec<_>>();
        let mut verdict = Verdict::default();
        // Upper case is due, lower case may be missing.
        let is_due = |line: &String| line.chars().all(char::is_uppercase);
        verdict.compare("line", lines(found), &lines(expected), promise, is_due);
        verdict
    }

    #[test]
    fn each_breach_is_seen() {
        use Promise::{AtLeastOnce, Once};
        let expected = ["A", "B", "c"];
        let wrong = |found: &[&str], promise| judge(found, &expected, promise).wrong.join("; ");
        for promise in [Once, AtLeastOnce] {
            assert_eq!(wrong(&["A", "B", "c"], promise), "");
            assert_eq!(wrong(&["A", "B"], promise), "");
            assert_eq!(wrong(&["A", "c"], promise), "line lost (of 1): B");
            assert!(wrong(&["A", "B", "C"], promise).contains("not expected (of 1): C"));
        }
        assert_eq!(wrong(&["A", "B", "A"], Once), "line twice (of 1): A");
        assert_eq!(wrong(&["A", "B", "A"], AtLeastOnce), "");
        assert!(wrong(&["B", "A"], Once).contains("order"));
        let verdict = judge(&["A", "B", "A"], &expected, AtLeastOnce);
        assert_eq!((verdict.repeated, verdict.pending), (1, 1));
    }
}
