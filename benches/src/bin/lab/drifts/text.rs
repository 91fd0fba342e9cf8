//! What is shown of the drifts of the default set.

use anyhow::Context;
use driftline::plot::{Axis, Panel, Point, svg};
use serde::Deserialize;
use serde_json::Value;

use super::best::{Found, Row, geometric, plural};
use super::{Budget, Popular, Report, Scope};
use crate::Picture;
use crate::text::{short, table, table_of};

const HOURS_A_WEEK: f64 = 168.0;
/// What was set before measuring: delay over that of the best peer setting.
const TARGET: f64 = 0.5;
/// Of a set's six hours the first is learned from; models of few events learn for longer.
const WATCHED_HOURS: usize = 5;

pub(crate) fn text(figures: &Value) -> anyhow::Result<String> {
    let report = Report::deserialize(figures)?;
    let ours = report.driftline.first().context("no budget was measured")?;
    let seeds = report.seeds.len();
    let mut text = format!(
        "{seeds} sets as `driftline generate` makes them (seeds {}): {:.1} M events, {} models and {} \
         series each, {} drifts in all. With the config that comes with them, Driftline found {} of the drifts \
         with {} findings, of which {} are false. Delays are event time from the onset, geometric \
         means over the seeds; in parentheses the values of the series until then.\n\n\
         Peers watch one series a model and metric value by value, learn from the same first events \
         as Driftline, and start over after an alarm. They are given numbers, flags as 0 and 1, and \
         categories as codes; CUSUM, EWMA and Page-Hinkley one series for each category; ADWIN, \
         KSWIN, KS and the DDM family no categories. None drifts in volume or missing values, and \
         no peer watches these. A peer's threshold is the lowest without a false alarm in all series \
         of a kind (numbers, flags, categories) of these very sets, found to the last digit \
         afterwards; Driftline has its defaults. Driftline detects at the end of a pane of 10 s; the \
         30 s that it waits for late events are not counted, and peers take events as they come.\n\n",
        list(&report.seeds),
        report.events as f64 / 1e6,
        report.models,
        report.series,
        seeds * report.drifts.len(),
        found(&ours.row),
        ours.findings,
        ours.false_findings.len()
    );
    for (at, scope) in report.scopes.iter().enumerate() {
        if at > 0 {
            text += "\nThe same where every metric has a threshold of its own:\n\n";
        }
        text += &compared(&report, &ours.row, scope);
    }
    text += &floors(&report, &ours.row);
    text += &fresh(&report);
    if let Some(scope) = report.scopes.first() {
        text += "\nEach peer at the best of its settings for each kind of series, one threshold a \
                 kind:\n\n";
        text += &peers(&report, &ours.row, scope);
    }
    text += "\nFalse alarms of popular defaults in the first set:\n\n";
    let rows: Vec<[String; 3]> = report.popular.iter().map(popular).collect();
    Ok(text + &table(["default", "series", "false alarms"], &rows))
}

/// How far the best peers, and half their delay, are from what is possible.
fn floors(report: &Report, driftline: &Row) -> String {
    let (Some(scope), false) = (report.scopes.first(), report.floors.is_empty()) else {
        return String::new();
    };
    let seeds = report.seeds.len();
    let line = |(at, floor): (usize, &Found)| {
        let ratio = |of: &Found| {
            of.events.zip(floor.events).map_or_else(String::new, |(of, floor)| short(of / floor))
        };
        let best = &scope.by_drift[at].drifts[0];
        let floored = floor.delay_s.map_or_else(|| "grows".into(), |_| cell(floor, seeds));
        [report.drifts[at].clone(), floored, ratio(best), ratio(&driftline.drifts[at])]
    };
    let rows: Vec<[String; 4]> = report.floors.iter().enumerate().map(line).collect();
    let possible = report.floors.iter().zip(&scope.by_drift).filter(|(floor, best)| {
        let half = best.drifts[0].events.map(|events| TARGET * events);
        floor.events.zip(half).is_some_and(|(floor, half)| floor <= half)
    });
    let told = report.floors.iter().filter(|floor| floor.delay_s.is_some()).count();
    format!(
        "\nThe floor is the CUSUM that knows the distribution of the very series before and after its \
         drift, with as many false alarms as those thresholds have (one in all watched values of the kind, \
         each with the same share of it). In the mean over the worst moment to begin, no detector of one \
         series is sooner. The peers' delays are single ones, of settings that were chosen by them, and a \
         threshold in standard deviations gives one series more than its share and another less: so they \
         may be below. Half of the best peer's delay is at or above the floor for {} of {told} drifts.\n\n{}",
        possible.count(),
        table(["drift", "floor", "best peer setting / floor", "Driftline / floor"], &rows)
    )
}

/// What those thresholds do where they were not chosen, and Driftline with more false alarms.
fn fresh(report: &Report) -> String {
    let seeds = report.fresh_seeds.len();
    let mut text = format!(
        "\nWhat a threshold without a false alarm is worth shows in {seeds} more sets without drifts \
         (seeds {}), some {} hours watched: false alarms of the settings above with their thresholds.\n\n",
        list(&report.fresh_seeds),
        WATCHED_HOURS * seeds
    );
    let week = HOURS_A_WEEK / (WATCHED_HOURS * seeds) as f64;
    let row = |row: &super::Fresh| {
        let count = row.false_alarms;
        let setting = format!("{} on {}", row.name, plural(row.kind));
        [setting, count.to_string(), short(count as f64 * week)]
    };
    let rows: Vec<[String; 3]> = report.fresh.iter().map(row).collect();
    text += &table(["setting", "false alarms", "a week"], &rows);
    text += "\nDriftline at its default budget and at larger ones; false findings in the sets with \
             drifts, and in those without.\n\n";
    let mut head: Vec<String> =
        ["budget a week", "found", "false", "false in fresh sets"].map(String::from).into();
    head.extend(report.drifts.iter().cloned());
    let line = |budget: &Budget| {
        let mut cells = vec![
            budget.per_week.to_string(),
            format!("{} of {}", found(&budget.row), report.seeds.len() * report.drifts.len()),
            budget.false_findings.len().to_string(),
            budget.fresh.to_string(),
        ];
        cells.extend(budget.row.drifts.iter().map(|drift| cell(drift, report.seeds.len())));
        cells
    };
    let mut budgets: Vec<&Budget> = report.driftline.iter().collect();
    budgets.sort_by(|a, b| a.per_week.total_cmp(&b.per_week));
    text + &table_of(&head, &budgets.into_iter().map(line).collect::<Vec<_>>())
}

fn popular(of: &Popular) -> [String; 3] {
    [of.name.clone(), plural(of.kind).into(), of.false_alarms.to_string()]
}

fn list(seeds: &[u64]) -> String {
    seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
}

fn found(row: &Row) -> usize {
    row.drifts.iter().map(|drift| drift.found).sum()
}

/// Driftline beside the best of the peers, drift by drift.
fn compared(report: &Report, driftline: &Row, scope: &Scope) -> String {
    let seeds = report.seeds.len();
    let mut rows = Vec::new();
    let (mut to_best, mut to_single) = (Vec::new(), Vec::new());
    for (at, words) in report.drifts.iter().enumerate() {
        let (ours, single) = (&driftline.drifts[at], &scope.single.drifts[at]);
        let best = &scope.by_drift[at];
        let ratio = |other: &Found| Some(ours.delay_s? / other.delay_s?);
        to_best.push(ratio(&best.drifts[0]));
        to_single.push(ratio(single));
        rows.push([
            words.clone(),
            cell(ours, seeds),
            cell(&best.drifts[0], seeds),
            best.settings.join("; "),
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
    let met = to_best.iter().flatten().filter(|ratio| **ratio <= TARGET).count();
    format!(
        "{}\nThe target, a ratio of {TARGET} to the best peer setting, is met for {met} of {} drifts. \
         The best single setting: {}.\n",
        table(head, &rows),
        report.drifts.len(),
        scope.single.settings.join("; ")
    )
}

fn peers(report: &Report, driftline: &Row, scope: &Scope) -> String {
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
    let all = std::iter::once(driftline).chain(&scope.peers);
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
    let ours = &report.driftline.first().context("no budget was measured")?.row;
    let panels: Vec<Panel> = report.scopes.iter().map(|scope| panel(ours, scope)).collect();
    Ok(vec![("drifts.svg".into(), svg(&panels, 2))])
}

fn panel(driftline: &Row, scope: &Scope) -> Panel {
    let best: Vec<&Found> = scope.by_drift.iter().map(|row| &row.drifts[0]).collect();
    let rows: [(&str, Vec<&Found>); 3] = [
        ("D", driftline.drifts.iter().collect()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_says_how_often_a_drift_was_found() {
        let all = Found::of(&[Some((100.0, 10)), Some((100.0, 10))]);
        assert_eq!(cell(&all, 2), "100 s (10)");
        let half = Found::of(&[Some((600.0, 10)), None]);
        assert_eq!(cell(&half, 2), "10.0 min (10, 1 of 2)");
        assert_eq!(cell(&Found::of(&[None, None]), 2), "not found");
    }
}
