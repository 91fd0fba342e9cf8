//! What is shown of the peers: each family with the one setting that is best over all changes, and
//! in parentheses with the setting that is best for the very change.

use driftline::model::Kind;
use driftline::plot::{Axis, Panel, Point, svg};
use serde::Deserialize;
use serde_json::Value;

use super::{COMPARED, Choice, Delay, EVENTS, Report, Row};
use crate::Picture;
use crate::scenarios::Stream;
use crate::text::{short, table_of};

/// A calibrated setting counts if its measured run length is within three standard errors of the
/// wanted one, but at least and at most within these shares of it.
const EQUAL: (f64, f64) = (0.2, 0.35);
/// A missed share above this makes a mean a lower bound.
const MISSED_FEW: f64 = 0.001;
/// A share of runs that alarm before the change above this leaves too few for a mean.
const EARLY_MOST: f64 = 0.5;
/// Part of a change's place in the picture that its families take up.
const WIDTH: f64 = 0.85;
/// Letters of families in the picture.
const LETTERS: [(&str, &str); 18] = [
    ("Driftline, zone 0", "D"),
    ("CUSUM", "c"),
    ("CUSUM of scores", "C"),
    ("EWMA", "e"),
    ("EWMA of scores", "E"),
    ("CUSUM bank", "b"),
    ("CUSUM bank of scores", "B"),
    ("Page-Hinkley", "H"),
    ("ADWIN", "A"),
    ("KSWIN", "W"),
    ("PSI windows", "P"),
    ("chi-square windows", "X"),
    ("KS windows", "K"),
    ("QT-EWMA", "Q"),
    ("DDM", "d1"),
    ("EDDM", "d2"),
    ("HDDM_A", "h1"),
    ("HDDM_W", "h2"),
];

/// Changes that a family is judged by.
#[derive(Debug, Clone, Copy)]
struct Group {
    name: &'static str,
    kind: Kind,
    /// Changes of the spread are left out.
    only_shifts: bool,
}

const GROUPS: [Group; 4] = [
    Group { name: "numbers", kind: Kind::Number, only_shifts: false },
    Group { name: "numbers, no change of sd", kind: Kind::Number, only_shifts: true },
    Group { name: "flags", kind: Kind::Flag, only_shifts: false },
    Group { name: "categories", kind: Kind::Category, only_shifts: false },
];

impl Group {
    /// Of all changes of a stream's kind.
    fn all(stream: &Stream) -> Self {
        Self { name: "", kind: stream.law.kind(), only_shifts: false }
    }

    fn has(self, change: &str) -> bool {
        !(self.only_shifts && change.starts_with("sd "))
    }
}

/// A family on the streams of a kind, with baselines of one size.
struct Family<'a> {
    name: &'a str,
    /// Calibrated settings; each has a row for each stream.
    settings: Vec<Vec<&'a Row>>,
    /// Number of the setting that is best over all changes; `None`: none has the wanted run length.
    single: Option<usize>,
}

impl<'a> Family<'a> {
    fn rows(&self, stream: &str) -> impl Iterator<Item = &'a Row> {
        self.settings
            .iter()
            .filter_map(move |rows| rows.iter().find(|r| r.stream == stream).copied())
    }

    fn single(&self, stream: &str) -> Option<&'a Row> {
        let rows = self.settings.get(self.single.unwrap_or(0))?;
        rows.iter().find(|row| row.stream == stream).copied()
    }

    /// The smallest mean delay of a change over the settings with the wanted run length.
    fn best(&self, stream: &str, change: &str, wanted: f64) -> Option<f64> {
        let of = |row: &'a Row| row.delays.iter().find(|d| d.change == change).map(|d| d.delay);
        self.rows(stream).filter(|r| is_equal(r, wanted)).filter_map(of).min_by(f64::total_cmp)
    }
}

fn is_equal(row: &Row, wanted: f64) -> bool {
    let (least, most) = EQUAL;
    let allowed = (3.0 * row.error).clamp(least * wanted, most * wanted);
    let lasts = row.delays.iter().all(|delay| delay.early <= EARLY_MOST);
    lasts && (row.run_length - wanted).abs() <= allowed
}

/// Mean logarithm of delay over floor.
fn score(delays: impl Iterator<Item = (f64, f64)>) -> f64 {
    let logs: Vec<f64> = delays.map(|(delay, floor)| (delay / floor).ln()).collect();
    logs.iter().sum::<f64>() / logs.len() as f64
}

fn streams(kind: Kind) -> impl Iterator<Item = Stream> {
    COMPARED.into_iter().filter(move |stream| stream.law.kind() == kind)
}

fn families(report: &Report, group: Group, events: usize) -> Vec<Family<'_>> {
    let mut families: Vec<Family> = Vec::new();
    let is_of = |row: &&Row| {
        row.choice == Choice::Calibrated
            && row.baseline_events == events
            && streams(group.kind).any(|stream| stream.name == row.stream)
    };
    for row in report.rows.iter().filter(is_of) {
        let at = families.iter().position(|f| f.name == row.family).unwrap_or_else(|| {
            families.push(Family { name: &row.family, settings: Vec::new(), single: None });
            families.len() - 1
        });
        let settings = &mut families[at].settings;
        match settings.iter_mut().find(|rows| rows[0].setting == row.setting) {
            Some(rows) => rows.push(row),
            None => settings.push(vec![row]),
        }
    }
    for family in &mut families {
        let equal = |rows: &[&Row]| rows.iter().all(|row| is_equal(row, report.run_length));
        let of = |rows: &[&Row]| {
            let all = rows.iter().flat_map(|row| &row.delays);
            score(all.filter(|delay| group.has(&delay.change)).map(pair))
        };
        let usable = family.settings.iter().enumerate().filter(|(_, rows)| equal(rows));
        family.single =
            usable.min_by(|(_, a), (_, b)| of(a).total_cmp(&of(b))).map(|(index, _)| index);
    }
    families
}

fn pair(delay: &Delay) -> (f64, f64) {
    (delay.delay, delay.floor)
}

pub(crate) fn text(figures: &Value) -> anyhow::Result<String> {
    let report = Report::deserialize(figures)?;
    let letters: Vec<String> =
        LETTERS.iter().map(|(name, letter)| format!("{letter} {name}")).collect();
    let letters = letters.join("; ");
    let mut text = format!(
        "All peers see the same streams and get the same baseline; thresholds are \
         found by simulation so that the measured mean run length in control is {} values \
         ({} baselines, {} runs with each), on each stream; the change comes after 1,000 \
         values. A family is shown with the one setting that is best over all changes of \
         the kind of stream, and in parentheses with the setting that is best for that \
         change alone, which nobody knows beforehand. Delays are in values; the floor, in \
         parentheses at the change, is for the worst moment: at this one a delay may be a \
         little less. A level of 1,000,000 values was left out: no simulation of this \
         length can verify it. In the picture: {letters}.\n\n\
         Geometric mean of delay over floor; the number is the size of the baseline:\n\n",
        report.run_length, report.baselines, report.runs
    );
    text += &(summary(&report) + "\n");
    for stream in COMPARED {
        for events in EVENTS {
            text += &format!("{}, baseline of {events} values:\n\n", stream.name);
            text += &(of_stream(&report, &stream, events) + "\n");
        }
    }
    Ok(text)
}

fn summary(report: &Report) -> String {
    let mut head = vec!["detector".to_string()];
    let mut columns = Vec::new();
    for group in GROUPS {
        for events in EVENTS {
            head.push(format!("{}, {events}", group.name));
            columns.push((group, families(report, group, events)));
        }
    }
    let mut names: Vec<&str> = Vec::new();
    for (_, families) in &columns {
        names.extend(families.iter().map(|family| family.name));
    }
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (at, name) in names.iter().enumerate() {
        if names[..at].contains(name) {
            continue;
        }
        let cell = |(group, families): &(Group, Vec<Family>)| {
            let Some(family) = families.iter().find(|f| f.name == *name && f.single.is_some())
            else {
                return String::new();
            };
            let all = || {
                let pairs = streams(group.kind).flat_map(|s| s.changes.iter().map(move |c| (s, c)));
                pairs.filter(|(_, change)| group.has(change.name))
            };
            let single = score(all().filter_map(|(s, c)| {
                let row = family.single(s.name)?;
                row.delays.iter().find(|d| d.change == c.name).map(pair)
            }));
            let best = score(all().filter_map(|(s, c)| {
                Some((family.best(s.name, c.name, report.run_length)?, c.floor))
            }));
            format!("{:.2} ({:.2})", single.exp(), best.exp())
        };
        rows.push(std::iter::once((*name).into()).chain(columns.iter().map(cell)).collect());
    }
    table_of(&head, &rows)
}

fn of_stream(report: &Report, stream: &Stream, events: usize) -> String {
    let mut head: Vec<String> = ["detector", "setting", "run length"].map(String::from).into();
    head.extend(stream.changes.iter().map(|c| format!("{} ({})", c.name, short(c.floor))));
    let line = |name: String, row: &Row, best: &dyn Fn(&Delay) -> Option<f64>| {
        let cut = if row.cut > 0.01 { "at least " } else { "" };
        let length = format!("{cut}{:.0} ± {:.0}", row.run_length, row.error);
        let mut cells = vec![name, row.setting.clone(), length];
        cells.extend(row.delays.iter().map(|delay| cell(delay, best(delay))));
        cells
    };
    let mut rows = Vec::new();
    for family in families(report, Group::all(stream), events) {
        let Some(row) = family.single(stream.name) else { continue };
        let best = |delay: &Delay| family.best(stream.name, &delay.change, report.run_length);
        rows.push(line(family.name.into(), row, &best));
    }
    let is_other = |row: &&Row| {
        row.choice != Choice::Calibrated
            && (row.stream.as_str(), row.baseline_events) == (stream.name, events)
    };
    for row in report.rows.iter().filter(is_other) {
        let word = if row.choice == Choice::Promised { "as promised" } else { "default" };
        rows.push(line(format!("{}: {word}", row.family), row, &|_| None));
    }
    table_of(&head, &rows)
}

fn cell(delay: &Delay, best: Option<f64>) -> String {
    let bound = if delay.missed > MISSED_FEW { "≥ " } else { "" };
    let best = best.map_or_else(String::new, |best| format!(" ({})", short(best)));
    if delay.early > EARLY_MOST {
        return format!("{:.0} % alarm before", delay.early * 100.0);
    }
    if delay.missed > 0.5 {
        return format!("not found{best}");
    }
    format!("{bound}{} ± {}{best}", short(delay.delay), short(delay.error))
}

/// Delay over floor of each family's single best setting: a panel for each stream and baseline, the
/// changes side by side in the order of the table, the families of each in theirs.
pub(crate) fn pictures(figures: &Value) -> anyhow::Result<Vec<Picture>> {
    let report = Report::deserialize(figures)?;
    let mut panels = Vec::new();
    for stream in COMPARED {
        for events in EVENTS {
            let mut points = Vec::new();
            let families = families(&report, Group::all(&stream), events);
            for (place, family) in families.iter().enumerate() {
                let letter = LETTERS.iter().find(|(name, _)| *name == family.name);
                let row = family.single(stream.name).filter(|_| family.single.is_some());
                let (Some((_, letter)), Some(row)) = (letter, row) else { continue };
                let beside = WIDTH * place as f64 / families.len() as f64;
                let found = row.delays.iter().enumerate().filter(|(_, d)| d.missed <= 0.5);
                points.extend(found.map(|(at, delay)| Point {
                    x: Some(at as f64 + beside),
                    y: delay.delay / delay.floor,
                    label: (*letter).into(),
                    chosen: *letter == "D",
                }));
            }
            panels.push(Panel {
                title: format!("{}, baseline of {events}", stream.name),
                x: Axis { title: "change".into(), log: false, format: |_| String::new() },
                y: Axis { title: "delay / floor".into(), log: true, format: |v| v.to_string() },
                points,
            });
        }
    }
    Ok(vec![("peers.svg".into(), svg(&panels, 2))])
}
