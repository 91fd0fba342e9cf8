//! The Azure LLM inference trace of 2023: two services for an hour each, in real order and shuffled.
//!
//! Shuffled: lengths change places at random while times stay, so nothing changes by construction and
//! each finding is false; the laws of the lengths are the real ones.

use std::path::Path;

use anyhow::Context;
use driftline::model::Settings;
use driftline::model::settings::{HOUR_US, MINUTE_US, SECOND_US};
use driftline::model::time::from_rfc3339;

use super::draw::{instant, shuffle, stream, uniform};
use super::outcome::{Change, Direction, Outcome, Tally};
use super::run::{run, token_settings};
use super::score::Reference;
use super::table::Table;
use super::trace::{Request, TOKENS};

/// Runs with another onset, or another order, in each row.
const SEEDS: u64 = 20;
/// Days of resampled requests, each with a baseline of its own.
const DAYS: u64 = 14;
const FACTORS: [f64; 4] = [1.1, 1.25, 1.5, 2.0];
/// Learning time of all rows that do not say otherwise.
const LEARN_MINUTES: i64 = 15;

struct Service {
    name: &'static str,
    requests: Vec<Request>,
}

/// All tables.
pub(crate) fn tables(folder: &Path) -> anyhow::Result<Vec<Table>> {
    let services = [("azure-conv", "conv"), ("azure-code", "code")].map(|(name, file)| {
        let path = folder.join(format!("AzureLLMInferenceTrace_{file}.csv"));
        read(&path).map(|requests| Service { name, requests })
    });
    let [conv, code] = services;
    let (conv, code) = (conv?, code?);
    Ok(vec![
        movement(&[&conv, &code]),
        untouched(&[&conv, &code]),
        nothing_changes(&[&conv, &code]),
        spliced(&conv, &code),
        scaled(&[&conv, &code]),
    ])
}

fn read(path: &Path) -> anyhow::Result<Vec<Request>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let request = |line: &str| {
        let mut fields = line.split(',');
        let time = fields.next()?.replacen(' ', "T", 1) + "Z";
        let tokens = [fields.next()?.parse().ok()?, fields.next()?.trim().parse().ok()?];
        Some(Request { time_us: from_rfc3339(&time)?, model: 0, tokens })
    };
    let lines = text.lines().enumerate().skip(1);
    lines
        .map(|(at, line)| {
            request(line).with_context(|| format!("{} line {}", path.display(), at + 1))
        })
        .collect()
}

fn settings(learn_minutes: i64) -> Settings {
    let mut settings = token_settings();
    settings.baseline.learn_us = learn_minutes * MINUTE_US;
    settings
}

fn find(requests: &[Request]) -> Outcome {
    run(settings(LEARN_MINUTES), &["service".into()], requests)
}

/// Minutes since the first request.
fn minutes(requests: &[Request], time_us: i64) -> f64 {
    let first = requests.first().map_or(0, |r| r.time_us);
    (time_us - first) as f64 / MINUTE_US as f64
}

/// How far each five minutes are from the learning time, by the files alone.
fn movement(services: &[&Service]) -> Table {
    let starts = (LEARN_MINUTES..60).step_by(5);
    let header: Vec<String> = starts.clone().map(|from| format!("{from}-{}", from + 5)).collect();
    let mut table = Table::new(
        format!(
            "Azure, the files alone: mean normal score of each five minutes under the first \
             {LEARN_MINUTES} minutes, sigma; chance: two standard errors for independent lengths"
        ),
        &format!("service | tokens | chance | {}", header.join(" | ")),
    );
    for Service { name, requests } in services {
        for (metric, tokens) in TOKENS.iter().enumerate() {
            let of = |from: i64, to: i64| {
                let within = from as f64..to as f64;
                let lengths =
                    requests.iter().filter(|r| within.contains(&minutes(requests, r.time_us)));
                lengths.map(|r| (r.tokens[metric], 1.0)).collect::<Vec<_>>()
            };
            let learned = of(0, LEARN_MINUTES);
            let five_minutes = requests.len() as f64 / 12.0;
            let chance = 2.0 * (1.0 / learned.len() as f64 + 1.0 / five_minutes).sqrt();
            let reference = Reference::new(learned);
            let scores = starts.clone().map(|from| {
                let mean = reference.mean_score(&of(from, from + 5));
                mean.map_or("-".into(), |mean| format!("{mean:+.2}"))
            });
            table.row(
                [name.to_string(), tokens.to_string(), format!("{chance:.2}")]
                    .into_iter()
                    .chain(scores),
            );
        }
    }
    table
}

fn untouched(services: &[&Service]) -> Table {
    let mut table = Table::new(
        "Azure, untouched: findings in about 60 minutes, by learning time (minutes since the first request)",
        "service | requests | learn | finding | onset | detected | effect, sigma",
    );
    for Service { name, requests } in services {
        for learn in [15, 30, 45] {
            let outcome = run(settings(learn), &["service".into()], requests);
            let start = [name.to_string(), requests.len().to_string(), format!("{learn} min")];
            if outcome.sightings.is_empty() {
                table.row(start.iter().cloned().chain(["none", "", "", ""].map(String::from)));
            }
            for s in &outcome.sightings {
                table.row(start.iter().cloned().chain([
                    format!("{} {}", s.metric, s.change),
                    format!("{:.1}", minutes(requests, s.onset_us)),
                    format!("{:.1}", minutes(requests, s.detected_us)),
                    format!("{:+.2}", s.effect),
                ]));
            }
        }
    }
    table
}

/// Lengths in random order.
fn shuffled(requests: &[Request], seed: u64) -> Vec<Request> {
    let mut tokens: Vec<_> = requests.iter().map(|r| r.tokens).collect();
    shuffle(&mut stream(seed, 1), &mut tokens);
    requests.iter().zip(tokens).map(|(r, tokens)| Request { tokens, ..*r }).collect()
}

/// A day of requests: uniform times at the mean rate, lengths drawn from all of the hour's.
fn resampled_day(requests: &[Request], seed: u64) -> Vec<Request> {
    let mut random = stream(seed, 2);
    let Some((first, last)) = requests.first().zip(requests.last()) else { return Vec::new() };
    let gap_us = (last.time_us - first.time_us) as f64 / requests.len() as f64;
    let number = (24.0 * HOUR_US as f64 / gap_us) as usize;
    let day = (first.time_us, first.time_us + 24 * HOUR_US);
    let mut times: Vec<i64> = (0..number).map(|_| instant(&mut random, day.0, day.1)).collect();
    times.sort_unstable();
    let draw = |time_us| {
        let at = (uniform(&mut random) * requests.len() as f64) as usize;
        Request { time_us, ..requests[at] }
    };
    times.into_iter().map(draw).collect()
}

fn nothing_changes(services: &[&Service]) -> Table {
    let mut table = Table::new(
        "Azure, nothing changes by construction: every finding is false",
        "service | stream | time watched | findings | runs with a finding | false a week",
    );
    for Service { name, requests } in services {
        let watched_h = minutes(requests, requests.last().map_or(0, |r| r.time_us)) / 60.0 - 0.25;
        let mut row = |words: &str, runs: u64, hours: f64, make: &dyn Fn(u64) -> Vec<Request>| {
            let found: Vec<usize> =
                (0..runs).map(|seed| find(&make(seed)).sightings.len()).collect();
            let (all, any) =
                (found.iter().sum::<usize>(), found.iter().filter(|n| **n > 0).count());
            let watched = hours * runs as f64;
            table.row([
                name.to_string(),
                format!("{words}, {runs} seeds"),
                format!("{watched:.0} h"),
                all.to_string(),
                format!("{any} of {runs}"),
                format!("{:.2}", all as f64 / watched * 168.0),
            ]);
        };
        row("the hour, shuffled", SEEDS, watched_h, &|seed| shuffled(requests, seed));
        row("a day, resampled", DAYS, 23.75, &|seed| resampled_day(requests, seed));
    }
    table
}

/// What became of a change of both metrics, over several runs.
#[derive(Default)]
struct Both {
    tallies: [Tally; 2],
    before: usize,
}

impl Both {
    fn add(&mut self, untouched: &Outcome, changed: &Outcome, onset_us: i64, direction: Direction) {
        self.before += changed.sightings.iter().filter(|s| s.detected_us <= onset_us).count();
        for (metric, tally) in TOKENS.iter().zip(&mut self.tallies) {
            let (model, until_us) = ("service", i64::MAX);
            tally.add(untouched, changed, &Change { model, metric, onset_us, until_us, direction });
        }
    }

    fn cells(&self) -> Vec<String> {
        let of =
            |t: &Tally| [t.found(), t.controls(), t.delay(SECOND_US), t.onset_error(SECOND_US)];
        let mut cells: Vec<String> = self.tallies.iter().flat_map(of).collect();
        cells.push(self.before.to_string());
        cells
    }
}

const FATES: &str = "input found | untouched, too | delay, s | onset error, s | output found | \
                     untouched, too | delay, s | onset error, s | findings before";

fn spliced(conv: &Service, code: &Service) -> Table {
    let mut table = Table::new(
        "Azure, one service spliced to the other at a row (45 to 70 % of the first, 20 rows)",
        &format!("splice | order | {FATES}"),
    );
    for (from, to) in [(conv, code), (code, conv)] {
        for is_shuffled in [false, true] {
            let mut tally = Both::default();
            for seed in 0..SEEDS {
                let order = |service: &Service| match is_shuffled {
                    true => shuffled(&service.requests, seed),
                    false => service.requests.clone(),
                };
                let (one, other) = (order(from), order(to));
                let share = 0.45 + 0.25 * seed as f64 / (SEEDS - 1) as f64;
                let at = (share * one.len() as f64) as usize;
                let onset_us = one[at].time_us;
                let shift_us = onset_us - other[0].time_us;
                let mut changed = one[..at].to_vec();
                changed
                    .extend(other.iter().map(|r| Request { time_us: r.time_us + shift_us, ..*r }));
                tally.add(&find(&one), &find(&changed), onset_us, Direction::Any);
            }
            table.row(
                [format!("{} to {}", from.name, to.name), words(is_shuffled)]
                    .into_iter()
                    .chain(tally.cells()),
            );
        }
    }
    table
}

fn words(is_shuffled: bool) -> String {
    if is_shuffled { "shuffled" } else { "real" }.into()
}

fn scaled(services: &[&Service]) -> Table {
    let mut table = Table::new(
        "Azure, all lengths times a factor since an instant of minutes 25 to 45 (20 seeds a row)",
        &format!("service | order | factor | {FATES}"),
    );
    for Service { name, requests } in services {
        for is_shuffled in [false, true] {
            for factor in FACTORS {
                let mut tally = Both::default();
                for seed in 0..SEEDS {
                    let plain =
                        if is_shuffled { shuffled(requests, seed) } else { requests.clone() };
                    let from = requests.first().map_or(0, |r| r.time_us);
                    let onset_us =
                        instant(&mut stream(seed, 3), from + 25 * MINUTE_US, from + 45 * MINUTE_US);
                    let changed: Vec<Request> = plain
                        .iter()
                        .map(|r| if r.time_us < onset_us { *r } else { r.scaled(factor) })
                        .collect();
                    tally.add(&find(&plain), &find(&changed), onset_us, Direction::Up);
                }
                table.row(
                    [name.to_string(), words(is_shuffled), factor.to_string()]
                        .into_iter()
                        .chain(tally.cells()),
                );
            }
        }
    }
    table
}
