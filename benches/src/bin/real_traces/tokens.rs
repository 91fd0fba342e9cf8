//! ServeGen: token counts of clients over two weeks, by the length of the baseline.

use std::collections::BTreeMap;

use driftline::model::Settings;
use driftline::model::settings::{HOUR_US, WEEK_US};

use super::draw::{instant, stream};
use super::outcome::{Change, Direction, Fate, Outcome, Tally};
use super::run::{run, token_settings};
use super::score::Reference;
use super::servegen::{Client, LENGTHS_US, Lengths, RATE_US, START_US, merged};
use super::table::{Table, median};
use super::trace::{Request, TOKENS};

/// One of so many requests is drawn.
const THINNING: f64 = 200.0;
/// Six-hour span whose lengths are used throughout where nothing shall change: the first of week 2.
const FROZEN: usize = SPANS_A_WEEK;
const SEED: u64 = 1;
/// Six-hour spans of a week.
const SPANS_A_WEEK: usize = (WEEK_US / LENGTHS_US) as usize;
/// Lengths times this ...
const FACTOR: f64 = 1.25;
/// ... from so many instants of each client.
const ONSETS: u64 = 5;
/// A change that is not found in this time is missed.
const PATIENCE_US: i64 = 48 * HOUR_US;

/// Learning time, name, and whether hours of the week have baselines of their own.
const POLICIES: [(&str, i64, bool); 4] = [
    ("1 h (default)", HOUR_US, false),
    ("1 day", 24 * HOUR_US, false),
    ("1 week", WEEK_US, false),
    ("1 week, hours of the week", WEEK_US, true),
];

/// All tables.
pub(crate) fn tables(all: &[Client]) -> anyhow::Result<Vec<Table>> {
    let clients: Vec<&Client> = all.iter().filter(|c| !c.lengths.is_empty()).collect();
    let mut untouched_table = Table::new(
        format!(
            "ServeGen, token counts of {} clients in week 2, untouched, one in {THINNING} requests",
            clients.len()
        ),
        "lengths | baseline | input: findings a client-week | output | kinds | \
         median abs. effect of a shift, sigma | clients without any | time with an alert",
    );
    let mut scaled_table = Table::new(
        format!(
            "ServeGen, all lengths of a client x {FACTOR} since an instant of days 8 to 12 ({} clients, \
             {ONSETS} onsets each)",
            clients.len()
        ),
        "lengths | baseline | input found | untouched, too | delay, min | output found | \
         untouched, too | delay, min | missed",
    );
    let mut tables = vec![true_changes(&clients)];
    let names: Vec<String> = clients.iter().map(|c| c.name.clone()).collect();
    for (words, frozen) in [("real: new every 6 h", None), ("frozen", Some(FROZEN))] {
        let streams = clients.iter().zip(0..).map(|(c, m)| c.draw(m, 1.0 / THINNING, frozen, SEED));
        let requests = merged(streams.collect::<anyhow::Result<_>>()?);
        let scaled: Vec<(Vec<i64>, Vec<Request>)> =
            (0..ONSETS).map(|seed| scale(&requests, names.len(), seed)).collect();
        for (policy, learn_us, is_seasonal) in POLICIES {
            let settings = settings(learn_us, is_seasonal);
            let outcome = run(settings.clone(), &names, &requests);
            let start = || [words.to_string(), policy.to_string()].into_iter();
            untouched_table.row(start().chain(cells(&outcome, &names)));
            if frozen.is_none() && learn_us == WEEK_US && !is_seasonal {
                tables.push(by_client(&clients, &outcome));
            }
            let mut tallies = [Tally::default(), Tally::default()];
            let mut missed: BTreeMap<String, usize> = BTreeMap::new();
            for (onsets, requests) in &scaled {
                let changed = run(settings.clone(), &names, requests);
                for (model, &onset_us) in names.iter().zip(onsets) {
                    for (metric, tally) in TOKENS.iter().zip(&mut tallies) {
                        let (until_us, direction) = (onset_us + PATIENCE_US, Direction::Up);
                        let change = Change { model, metric, onset_us, until_us, direction };
                        if tally.add(&outcome, &changed, &change) == Fate::Missed {
                            *missed.entry(format!("{model} {metric}")).or_default() += 1;
                        }
                    }
                }
            }
            let of = |t: &Tally| [t.found(), t.controls(), t.delay(60_000_000)];
            let missed: Vec<String> =
                missed.into_iter().map(|(what, times)| format!("{what} {times} x")).collect();
            let cells = tallies.iter().flat_map(of).chain([missed.join(", ")]);
            scaled_table.row(start().chain(cells));
        }
    }
    tables.extend([untouched_table, scaled_table]);
    Ok(tables)
}

/// Lengths times [`FACTOR`], since an instant for each client.
fn scale(requests: &[Request], clients: usize, seed: u64) -> (Vec<i64>, Vec<Request>) {
    let mut random = stream(seed, 5);
    let day = |n: i64| START_US + n * 24 * HOUR_US;
    let onsets: Vec<i64> = (0..clients).map(|_| instant(&mut random, day(8), day(12))).collect();
    let change = |r: &Request| {
        if r.time_us < onsets[r.model as usize] { *r } else { r.scaled(FACTOR) }
    };
    let requests = requests.iter().map(change).collect();
    (onsets, requests)
}

/// What is found of each client beside how much it really changed.
fn by_client(clients: &[&Client], outcome: &Outcome) -> Table {
    let mut table = Table::new(
        "ServeGen, token counts by client, week 2 against a baseline of week 1",
        "client | requests drawn a day | input: 6 h spans beyond 0.1 sigma | median abs. | findings | \
         output: spans beyond 0.1 sigma | median abs. | findings",
    );
    for client in clients {
        let daily = client.total() / THINNING / 14.0;
        let mut row = vec![client.name.clone(), format!("{daily:.0}")];
        for (metric, name) in TOKENS.iter().enumerate() {
            let mut sizes: Vec<f64> = scores(client, metric).into_iter().map(f64::abs).collect();
            sizes.sort_by(f64::total_cmp);
            let beyond = sizes.iter().filter(|size| **size > 0.1).count();
            let found = outcome.of(Some(&client.name), name);
            row.push(format!("{beyond} of {}", sizes.len()));
            row.push(format!("{:.2}", median(&sizes)));
            row.push(found.filter(|s| s.detected_us >= START_US + WEEK_US).count().to_string());
        }
        table.row(row);
    }
    table
}

fn settings(learn_us: i64, is_seasonal: bool) -> Settings {
    let mut settings = token_settings();
    settings.baseline.learn_us = learn_us;
    settings.baseline.season_weeks_min = u32::from(is_seasonal);
    settings.scalars.volume = false;
    settings.detect.silence_us = 0;
    settings
}

fn cells(outcome: &Outcome, names: &[String]) -> Vec<String> {
    let week_2 = START_US + WEEK_US;
    let seen: Vec<_> = outcome.sightings.iter().filter(|s| s.detected_us >= week_2).collect();
    let a_week = |metric: &str| {
        let number = seen.iter().filter(|s| s.metric == metric).count();
        format!("{:.1}", number as f64 / names.len() as f64)
    };
    let mut effects: Vec<f64> =
        seen.iter().filter(|s| s.kind == "shift").map(|s| s.effect.abs()).collect();
    effects.sort_by(f64::total_cmp);
    let kind = |kind: &str| seen.iter().filter(|s| s.kind == kind).count();
    let shifts = kind("shift");
    let spreads = kind("spread");
    let quiet = names.iter().filter(|name| !seen.iter().any(|s| s.model == **name)).count();
    let open: i64 = outcome
        .episodes
        .iter()
        .map(|e| e.ends_us.min(week_2 + WEEK_US) - e.starts_us.max(week_2))
        .filter(|span| *span > 0)
        .sum();
    vec![
        a_week(TOKENS[0]),
        a_week(TOKENS[1]),
        format!("{shifts} shift, {spreads} spread, {} other", seen.len() - shifts - spreads),
        if effects.is_empty() { "-".into() } else { format!("{:.2}", median(&effects)) },
        quiet.to_string(),
        format!("{:.0} %", 100.0 * open as f64 / (WEEK_US * names.len() as i64) as f64),
    ]
}

/// How far the lengths of week 2 really are from those of week 1, by the files alone.
fn true_changes(clients: &[&Client]) -> Table {
    let mut table = Table::new(
        "ServeGen, the files alone: mean normal score of each 6 h of week 2 under the lengths of week 1",
        "tokens | 6 h spans | beyond 0.1 sigma | beyond 0.25 | beyond 0.5 | median abs. | largest abs.",
    );
    for (metric, name) in TOKENS.iter().enumerate() {
        let mut shifts: Vec<f64> =
            clients.iter().flat_map(|client| scores(client, metric)).map(f64::abs).collect();
        shifts.sort_by(f64::total_cmp);
        let beyond = |least: f64| {
            let number = shifts.iter().filter(|s| **s > least).count();
            format!("{:.0} %", 100.0 * number as f64 / shifts.len().max(1) as f64)
        };
        table.row([
            name.to_string(),
            shifts.len().to_string(),
            beyond(0.1),
            beyond(0.25),
            beyond(0.5),
            format!("{:.2}", median(&shifts)),
            format!("{:.2}", shifts.last().unwrap_or(&0.0)),
        ]);
    }
    table
}

/// Mean normal score of each span of week 2 in which requests were served.
fn scores(client: &Client, metric: usize) -> Vec<f64> {
    let rates = (LENGTHS_US / RATE_US) as usize;
    let weights: Vec<f64> = client.counts.chunks(rates).map(|c| c.iter().sum()).collect();
    let spans = client.lengths.iter().zip(&weights);
    let weighted = |(lengths, weight): (&[Lengths; 2], &f64)| {
        let weight = *weight;
        lengths[metric].masses().map(move |(value, mass)| (value, mass * weight)).collect()
    };
    let week_1: Vec<Vec<(f64, f64)>> = spans.clone().take(SPANS_A_WEEK).map(weighted).collect();
    let reference = Reference::new(week_1.concat());
    spans.skip(SPANS_A_WEEK).filter_map(|span| reference.mean_score(&weighted(span))).collect()
}
