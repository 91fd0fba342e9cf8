//! ServeGen: volume of clients in ten-minute spans; week 1 is learned, week 2 judged, untouched and with
//! one client's traffic halved.
//!
//! What is judged of a client depends on its own requests and on the number of charts only, so the clients
//! are halved in one run, each at an instant of its own.

use driftline::model::Settings;
use driftline::model::settings::{HOUR_US, MINUTE_US, WEEK_US};

use super::draw::{instant, stream, uniform};
use super::outcome::{Change, Direction, Outcome, Tally};
use super::run::run;
use super::servegen::{Client, RATE_US, START_US, merged};
use super::table::Table;
use super::trace::Request;

/// Requests of a client in ten minutes, in the mean of both weeks; each client is thinned to it.
const MEAN_COUNT: f64 = 200.0;
/// Onsets of each client.
const ONSETS: u64 = 5;
const SEED: u64 = 1;
/// A halving that is not found in this time is missed: the slow level has followed it then.
const PATIENCE_US: i64 = 48 * HOUR_US;

/// A row: pane, accepted false alarms a week, zone in sigma.
const ROWS: [(&str, i64, f64, f64); 6] = [
    ("defaults: panes of 10 s, 1 a week, zone 0.5", 10_000_000, 1.0, 0.5),
    ("panes of 10 min, 1 a week, zone 0.5", RATE_US, 1.0, 0.5),
    ("panes of 10 min, 1.41 a week (A = 1e4), zone 0.5", RATE_US, 1.4112, 0.5),
    ("panes of 10 min, A = 1e4, zone 0.25", RATE_US, 1.4112, 0.25),
    ("panes of 10 min, A = 1e4, no zone", RATE_US, 1.4112, 0.0),
    ("panes of 10 min, A = 1e6, zone 0.5", RATE_US, 0.014_112, 0.5),
];

/// One row of settings: the untouched run, and what became of each client's halvings.
struct Judged {
    settings: Settings,
    untouched: Outcome,
    by_client: Vec<Tally>,
    all: Tally,
}

/// All tables.
pub(crate) fn tables(clients: &[Client]) -> anyhow::Result<Vec<Table>> {
    let names: Vec<String> = clients.iter().map(|c| c.name.clone()).collect();
    let streams = clients.iter().zip(0..).map(|(client, model)| {
        let keep = MEAN_COUNT * client.counts.len() as f64 / client.total();
        client.draw(model, keep.min(1.0), None, SEED)
    });
    let plain = merged(streams.collect::<anyhow::Result<_>>()?);
    let mut rows: Vec<Judged> = ROWS
        .iter()
        .map(|(_, pane_us, budget, zone)| {
            let settings = settings(*pane_us, *budget, *zone);
            let untouched = run(settings.clone(), &names, &plain);
            let by_client = names.iter().map(|_| Tally::default()).collect();
            Judged { settings, untouched, by_client, all: Tally::default() }
        })
        .collect();
    for seed in 0..ONSETS {
        let (onsets, requests) = halve(&plain, names.len(), seed);
        for row in &mut rows {
            let changed = run(row.settings.clone(), &names, &requests);
            for ((model, tally), &onset_us) in names.iter().zip(&mut row.by_client).zip(&onsets) {
                let (until_us, direction) = (onset_us + PATIENCE_US, Direction::Down);
                let change = Change { model, metric: "volume", onset_us, until_us, direction };
                tally.add(&row.untouched, &changed, &change);
                row.all.add(&row.untouched, &changed, &change);
            }
        }
    }
    let defaults = rows.first().map(|row| by_client(clients, row));
    Ok([by_settings(clients, &rows)].into_iter().chain(defaults).collect())
}

fn by_settings(clients: &[Client], rows: &[Judged]) -> Table {
    let charts = clients.len() as f64;
    let mut table = Table::new(
        format!(
            "ServeGen, volume of {charts} clients: week 2 untouched, and halved since an instant of days 8 \
             to 12 ({ONSETS} a client)"
        ),
        "settings | findings a chart-week | time with an alert | halvings found | untouched, too | \
         delay, 10-min windows | onset error, windows | silences a chart-week: client idle | still busy",
    );
    for ((words, ..), Judged { untouched, all, .. }) in ROWS.iter().zip(rows) {
        let open = 100.0 * open_us(untouched) as f64 / (WEEK_US as f64 * charts);
        let found: usize = clients.iter().map(|client| findings(untouched, client)).sum();
        let all_silences = clients.iter().map(|client| silences(untouched, client));
        let (idle, busy) = all_silences.fold((0, 0), |sum, s| (sum.0 + s.0, sum.1 + s.1));
        table.row([
            words.to_string(),
            format!("{:.2}", found as f64 / charts),
            format!("{open:.0} %"),
            all.found(),
            all.controls(),
            all.delay(RATE_US),
            all.onset_error(RATE_US),
            format!("{:.1}", f64::from(idle) / charts),
            format!("{:.1}", f64::from(busy) / charts),
        ]);
    }
    table
}

fn by_client(clients: &[Client], row: &Judged) -> Table {
    let mut table = Table::new(
        "ServeGen, volume by client, first row of the settings",
        "client | requests a 10 min, days 1-7 | days 8-14 | findings, week 2 | halved: found | untouched, too | \
         delay, 10-min windows | silences: idle | still busy",
    );
    for (client, tally) in clients.iter().zip(&row.by_client) {
        let (week_1, week_2) = client.counts.split_at(client.counts.len() / 2);
        let mean =
            |counts: &[f64]| format!("{:.0}", counts.iter().sum::<f64>() / counts.len() as f64);
        let (idle, busy) = silences(&row.untouched, client);
        table.row([
            client.name.clone(),
            mean(week_1),
            mean(week_2),
            findings(&row.untouched, client).to_string(),
            tally.found(),
            tally.controls(),
            tally.delay(RATE_US),
            idle.to_string(),
            busy.to_string(),
        ]);
    }
    table
}

fn settings(pane_us: i64, budget: f64, zone: f64) -> Settings {
    let mut settings = Settings::default();
    settings.time.pane_us = pane_us;
    settings.time.window_us = settings.time.window_us.max(pane_us);
    settings.scalars.every_us = RATE_US;
    settings.scalars.learn_us = WEEK_US;
    settings.detect.budget_per_week = budget;
    settings.detect.scalar_zone_sigma = zone;
    // Room for spans of collection without any request, the longest of which has 70 minutes.
    settings.time.max_jump_us = 2 * HOUR_US + 10 * MINUTE_US;
    settings
}

/// Drops every second request of each client at random, since an instant of its own.
fn halve(plain: &[Request], clients: usize, seed: u64) -> (Vec<i64>, Vec<Request>) {
    let mut random = stream(seed, 4);
    let day = |n: i64| START_US + n * 24 * HOUR_US;
    let onsets: Vec<i64> = (0..clients).map(|_| instant(&mut random, day(8), day(12))).collect();
    let is_kept = |request: &&Request| {
        let drawn = uniform(&mut random);
        drawn < 0.5 || request.time_us < onsets[request.model as usize]
    };
    let requests = plain.iter().filter(is_kept).copied().collect();
    (onsets, requests)
}

/// Changes of volume that were found in week 2, silence apart.
fn findings(outcome: &Outcome, client: &Client) -> usize {
    let week_2 = START_US + WEEK_US;
    let found = outcome.of(Some(&client.name), "volume");
    found.filter(|s| s.kind != "silence" && s.detected_us >= week_2).count()
}

/// Silences of week 2: those that touch ten minutes without any request of the client, and the others,
/// which thinning alone has made.
fn silences(outcome: &Outcome, client: &Client) -> (u32, u32) {
    let span = |time_us: i64| ((time_us - START_US) / RATE_US).max(0) as usize;
    let (mut idle, mut busy) = (0, 0);
    let week_2 = START_US + WEEK_US;
    for s in outcome.of(Some(&client.name), "volume") {
        if s.kind != "silence" || s.detected_us < week_2 {
            continue;
        }
        let spans = span(s.onset_us)..span(s.detected_us) + 1;
        let is_idle = spans.into_iter().any(|at| client.counts.get(at).is_some_and(|n| *n == 0.0));
        *(if is_idle { &mut idle } else { &mut busy }) += 1;
    }
    (idle, busy)
}

fn open_us(outcome: &Outcome) -> i64 {
    let (from, to) = (START_US + WEEK_US, START_US + 2 * WEEK_US);
    let spans = outcome.episodes.iter().map(|e| e.ends_us.min(to) - e.starts_us.max(from));
    spans.filter(|span| *span > 0).sum()
}
