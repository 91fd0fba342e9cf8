//! What is shown of the drifts of the default set.

use driftline::plot::{Axis, Panel, Point, svg};
use serde::Deserialize;
use serde_json::Value;

use super::best::{Found, Row, geometric};
use super::{Report, Scope};
use crate::Picture;
use crate::text::{short, table, table_of};

pub(crate) fn text(figures: &Value) -> anyhow::Result<String> {
    let report = Report::deserialize(figures)?;
    let (seeds, mut text) = (report.seeds.len(), String::new());
    text += &format!(
        "{} sets of {:.1} M events (seeds {}), {} models and {} series each: {} drifts to be \
         found. Driftline found {} of them with {} findings, of which {} are false. Delays are \
         event time from the onset, geometric means over the seeds; in parentheses the values of \
         the series until then. Every peer's threshold is the lowest without a false alarm on \
         these very events, over all series of a kind (numbers, flags, categories), which nobody \
         can know beforehand; Driftline has its defaults.\n\n",
        seeds,
        report.events as f64 / 1e6,
        list(&report.seeds),
        report.models,
        report.series,
        seeds * report.drifts.len(),
        found(&report.driftline),
        report.findings,
        report.false_findings.len()
    );
    for (at, scope) in report.scopes.iter().enumerate() {
        if at > 0 {
            text += "\nThe same where every metric has a threshold of its own:\n\n";
        }
        text += &compared(&report, scope);
    }
    if let Some(scope) = report.scopes.first() {
        text += "\nEach peer at the best of its settings for each kind of series, one threshold a \
                 kind:\n\n";
        text += &peers(&report, scope);
    }
    text += "\nFalse alarms of popular defaults in the first set:\n\n";
    text += &table(
        ["default", "kind", "false alarms"],
        &report.popular.iter().map(popular).collect::<Vec<_>>(),
    );
    for wrong in &report.false_findings {
        text += &format!("\nFalse finding: {wrong}\n");
    }
    Ok(text)
}

fn popular(of: &super::Popular) -> [String; 3] {
    [of.name.clone(), format!("{:?}", of.kind).to_lowercase(), of.false_alarms.to_string()]
}

fn list(seeds: &[u64]) -> String {
    seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
}

fn found(row: &Row) -> usize {
    row.drifts.iter().map(|drift| drift.found).sum()
}

/// Driftline beside the best of the peers, drift by drift.
fn compared(report: &Report, scope: &Scope) -> String {
    let seeds = report.seeds.len();
    let mut rows = Vec::new();
    let (mut to_best, mut to_single) = (Vec::new(), Vec::new());
    for (at, words) in report.drifts.iter().enumerate() {
        let (ours, single) = (&report.driftline.drifts[at], &scope.single.drifts[at]);
        let best = &scope.by_drift[at];
        let ratio = |other: &Found| Some(ours.delay_s? / other.delay_s?);
        to_best.push(ratio(&best.drifts[0]));
        to_single.push(ratio(single));
        rows.push([
            words.clone(),
            cell(ours, seeds),
            cell(&best.drifts[0], seeds),
            best.name.clone(),
            to_best[at].map_or_else(String::new, short),
            cell(single, seeds),
            to_single[at].map_or_else(String::new, short),
        ]);
    }
    let mean = |ratios: &[Option<f64>]| {
        geometric(ratios.iter().flatten().copied()).map_or_else(String::new, short)
    };
    let none = String::new;
    rows.push([
        "geometric mean of the ratios".into(),
        none(),
        none(),
        none(),
        mean(&to_best),
        none(),
        mean(&to_single),
    ]);
    let head = [
        "drift",
        "Driftline",
        "best peer setting for it",
        "which",
        "ratio",
        "best single setting",
        "ratio",
    ];
    let single = scope.single.settings.join("; ");
    format!("{}\nThe best single setting: {single}.\n", table(head, &rows))
}

fn peers(report: &Report, scope: &Scope) -> String {
    let seeds = report.seeds.len();
    let mut head: Vec<String> = ["detector", "settings", "found"].map(String::from).into();
    head.extend(report.drifts.iter().cloned());
    let line = |row: &Row| {
        let mut cells = vec![
            row.name.clone(),
            row.settings.join("; "),
            format!("{} of {}", found(row), seeds * row.drifts.len()),
        ];
        cells.extend(row.drifts.iter().map(|drift| cell(drift, seeds)));
        cells
    };
    let all = std::iter::once(&report.driftline).chain(&scope.peers);
    table_of(&head, &all.map(line).collect::<Vec<_>>())
}

fn cell(drift: &Found, seeds: usize) -> String {
    let (Some(delay_s), Some(events)) = (drift.delay_s, drift.events) else {
        return "not found".into();
    };
    let share = match drift.found == seeds {
        true => String::new(),
        false => format!(", {} of {seeds}", drift.found),
    };
    format!("{} ({events:.0}{share})", duration(delay_s))
}

fn duration(seconds: f64) -> String {
    match seconds < 120.0 {
        true => format!("{} s", short(seconds)),
        false => format!("{} min", short(seconds / 60.0)),
    }
}

/// Delay of each drift: D is Driftline, B the best peer setting for the drift, S the best single one.
pub(crate) fn pictures(figures: &Value) -> anyhow::Result<Vec<Picture>> {
    let report = Report::deserialize(figures)?;
    let panels: Vec<Panel> = report.scopes.iter().map(|scope| panel(&report, scope)).collect();
    Ok(vec![("drifts.svg".into(), svg(&panels, 2))])
}

fn panel(report: &Report, scope: &Scope) -> Panel {
    let best: Vec<&Found> = scope.by_drift.iter().map(|row| &row.drifts[0]).collect();
    let rows: [(&str, Vec<&Found>); 3] = [
        ("D", report.driftline.drifts.iter().collect()),
        ("B", best),
        ("S", scope.single.drifts.iter().collect()),
    ];
    let mut points = Vec::new();
    for (letter, drifts) in &rows {
        for (at, drift) in drifts.iter().enumerate() {
            let Some(y) = drift.delay_s else { continue };
            let x = Some((at + 1) as f64);
            points.push(Point { x, y, label: (*letter).into(), chosen: *letter == "D" });
        }
    }
    Panel {
        title: format!("one threshold a {}", scope.name),
        x: Axis { title: "drift".into(), log: false, format: |v| v.to_string() },
        y: Axis { title: "delay, s".into(), log: true, format: |v| v.to_string() },
        points,
    }
}
