//! What came of each of the settings: as a table, a picture, or JSON; and which one is best.

use std::fmt::Write;

use serde::Serialize;

use super::choices::Choice;
use super::replays::{Replay, Replays};
use crate::model::time::{rfc3339, span};
use crate::plot::{Axis, Panel, Point, svg};
use crate::runtime::tune::inject::Change;
use crate::runtime::tune::{Found, History};

/// Fewer alerts a week than this are drawn at it: a logarithm has no zero.
const ALERTS_MIN: f64 = 0.01;

/// The answer.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    /// First event of the history.
    from: String,
    /// Its end.
    to: String,
    /// Its events.
    events: u64,
    /// When the changes that were put in begin.
    change_at: String,
    settings: Vec<Row>,
    /// Which of `settings` is best within `--at-most`.
    pub(super) chosen: Option<usize>,
    #[serde(skip)]
    at_most: Option<f64>,
}

/// One of the settings.
#[derive(Debug, Serialize)]
struct Row {
    label: String,
    words: String,
    alerts_per_week: f64,
    findings: usize,
    /// False alarms: promised, and replayed.
    false_alarms: Option<Replay>,
    changes: Vec<Cell>,
}

/// How a change fared.
#[derive(Debug, Serialize)]
struct Cell {
    change: &'static str,
    words: String,
    series: usize,
    found: usize,
    /// Median, of those that were found.
    delay_s: Option<f64>,
}

impl Answer {
    pub(super) fn new(
        choices: &[Choice],
        history: &History,
        replays: &Replays,
        (begin_us, found): (i64, &[(Change, Vec<Found>)]),
        at_most: Option<f64>,
    ) -> Self {
        let row = |(at, choice): (usize, &Choice)| {
            let verdict = &history.verdicts[at];
            let cell = |(change, found): &(Change, Vec<Found>)| {
                let Found { series, found, delay_us } = found[at];
                Cell {
                    change: change.name(),
                    words: change.words(),
                    series,
                    found,
                    delay_s: delay_us.map(|us| us as f64 / 1e6),
                }
            };
            Row {
                label: choice.label.clone(),
                words: choice.words.clone(),
                alerts_per_week: verdict.alerts as f64 / history.weeks(&choice.settings),
                findings: verdict.findings.len(),
                false_alarms: replays.of(at, choice),
                changes: found.iter().map(cell).collect(),
            }
        };
        let mut answer = Self {
            from: rfc3339(history.from_us),
            to: rfc3339(history.to_us),
            events: history.events,
            change_at: rfc3339(begin_us),
            settings: choices.iter().enumerate().map(row).collect(),
            chosen: None,
            at_most,
        };
        answer.chosen = answer.best();
        answer
    }

    /// Of those with few enough alerts: what finds most, then soonest, then with fewest alerts; the config's
    /// own where there is no difference.
    fn best(&self) -> Option<usize> {
        let at_most = self.at_most?;
        let rank = |row: &Row| {
            let found: usize = row.changes.iter().map(|cell| cell.found).sum();
            let delays: f64 = row
                .changes
                .iter()
                .filter_map(|cell| cell.delay_s)
                .map(|delay_s| (1.0 + delay_s).ln())
                .sum();
            (std::cmp::Reverse(found), delays, row.alerts_per_week)
        };
        let keeps = |row: &Row| {
            let replayed = row.false_alarms.as_ref().map_or(0.0, |replay| replay.high);
            row.alerts_per_week <= at_most && replayed <= at_most
        };
        let fitting = self.settings.iter().enumerate().filter(|(_, row)| keeps(row));
        fitting
            .map(|(at, row)| (at, rank(row)))
            .min_by(|(_, a), (_, b)| {
                a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.total_cmp(&b.2))
            })
            .map(|(at, _)| at)
    }

    pub(super) fn text(&self) -> String {
        let mut text = format!(
            "{} events, {} to {}; changes injected at {}, in every other group\n\n",
            self.events, self.from, self.to, self.change_at
        );
        let width = self.settings.iter().map(|row| row.words.chars().count()).max().unwrap_or(0);
        let _ = write!(
            text,
            "   {:<width$}  {:>11}  {:>8}  {:>8}  {:>22}",
            "", "alerts/week", "findings", "promised", "replayed"
        );
        let heads = self.settings.first().map_or(&[][..], |row| row.changes.as_slice());
        for cell in heads {
            let _ = write!(text, "  {:>24}", cell.words);
        }
        text.push('\n');
        for (at, row) in self.settings.iter().enumerate() {
            let mark = if self.chosen == Some(at) { '*' } else { ' ' };
            let _ = write!(
                text,
                "{mark}{} {:<width$}  {:>11.2}  {:>8}",
                row.label, row.words, row.alerts_per_week, row.findings
            );
            let none = || ["-".to_owned(), "-".to_owned()];
            let [promised, replayed] = row.false_alarms.as_ref().map_or_else(none, Replay::cells);
            let _ = write!(text, "  {promised:>8}  {replayed:>22}");
            for cell in &row.changes {
                let delay =
                    cell.delay_s.map_or(String::new(), |s| format!(", {}", span((s * 1e6) as i64)));
                let words = format!("{} of {}{delay}", cell.found, cell.series);
                let _ = write!(text, "  {words:>24}");
            }
            text.push('\n');
        }
        text +=
            "\nFor each change: series in which it was found, and the median time until then.\n";
        let shown = &self.settings[self.chosen.unwrap_or(0)];
        if let Some(replay) = &shown.false_alarms {
            text += &replay.text(&shown.label);
            text.push('\n');
        }
        match (self.at_most, self.chosen) {
            (Some(at_most), Some(at)) => {
                let Row { label, words, .. } = &self.settings[at];
                let _ = writeln!(
                    text,
                    "Within {at_most} alerts a week, in this history and at the upper end of what was replayed, \
                     {label} ({words}) finds most, soonest."
                );
            }
            (Some(at_most), None) => {
                let _ = writeln!(
                    text,
                    "None of them stays within {at_most} alerts a week, in this history and as replayed. Check whether the alerts \
                     of this\nhistory are right (`driftline replay`), or try other settings."
                );
            }
            (None, _) => {
                text += "To have one chosen, say how many alerts a week are acceptable (--at-most N).\n";
            }
        }
        text
    }

    /// Median delay over alerts a week: a panel for each change.
    pub(super) fn picture(&self) -> String {
        let count = self.settings.first().map_or(0, |row| row.changes.len());
        let panel = |change: usize| {
            let point = |(at, row): (usize, &Row)| {
                let delay_s = row.changes[change].delay_s?;
                Some(Point {
                    x: Some(row.alerts_per_week.max(ALERTS_MIN)),
                    y: delay_s.max(0.1),
                    label: row.label.clone(),
                    chosen: self.chosen == Some(at),
                })
            };
            Panel {
                title: self.settings[0].changes[change].words.clone(),
                x: Axis {
                    title: "alerts a week".into(),
                    log: true,
                    format: |v| if v <= ALERTS_MIN { "0".into() } else { v.to_string() },
                },
                y: Axis {
                    title: "median delay".into(),
                    log: true,
                    format: |s| span((s * 1e6) as i64),
                },
                points: self.settings.iter().enumerate().filter_map(point).collect(),
            }
        };
        svg(&(0..count).map(panel).collect::<Vec<_>>(), 2)
    }
}
