//! ServeGen's m-small: real rates and length distributions of clients, and requests drawn from them.
//!
//! Arrivals are Poisson given the ten-minute rates. `rate_rps x 600` is the number of requests that was
//! served in those ten minutes, so the files' `cv` would add a second time what the rates hold already;
//! within ten minutes it would only move requests. Lengths are independent draws from the six hours'
//! distributions, input and output apart: the files hold nothing about their dependence.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use anyhow::Context;
use driftline::model::settings::{HOUR_US, MINUTE_US};
use flate2::read::GzDecoder;
use rand_distr::{Distribution, Poisson};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::Deserialize;

use super::draw::{instant, stream, uniform};
use super::trace::Request;

/// The files count from 0; this is Monday 2025-01-06 00:00 UTC.
pub(crate) const START_US: i64 = 1_736_121_600_000_000;
/// Span of one rate.
pub(crate) const RATE_US: i64 = 10 * MINUTE_US;
/// Span of one pair of length distributions.
pub(crate) const LENGTHS_US: i64 = 6 * HOUR_US;
/// Clients that served requests in fewer spans are left out.
const ACTIVE_SHARE: f64 = 0.9;

/// One client.
pub(crate) struct Client {
    pub(crate) name: String,
    /// Requests in each ten minutes.
    pub(crate) counts: Vec<f64>,
    /// Input and output lengths in each six hours; empty where the files have none.
    pub(crate) lengths: Vec<[Lengths; 2]>,
}

/// A distribution of token counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lengths {
    /// Values in ascending order with their cumulative probability.
    cumulative: Vec<(f64, f64)>,
}

impl Lengths {
    fn new(mut masses: Vec<(f64, f64)>) -> Self {
        masses.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut sum = 0.0;
        let cumulative = masses.into_iter().map(|(value, mass)| {
            sum += mass;
            (value, sum)
        });
        Self { cumulative: cumulative.collect() }
    }

    /// Values with their probability.
    pub(crate) fn masses(&self) -> impl Iterator<Item = (f64, f64)> {
        let total = self.cumulative.last().map_or(1.0, |last| last.1);
        let mut before = 0.0;
        self.cumulative.iter().map(move |(value, sum)| {
            let mass = (sum - before) / total;
            before = *sum;
            (*value, mass)
        })
    }

    fn draw(&self, random: &mut Xoshiro256PlusPlus) -> f64 {
        let Some(last) = self.cumulative.last() else { return f64::NAN };
        let at = uniform(random) * last.1;
        let index = self.cumulative.partition_point(|(_, sum)| *sum <= at);
        self.cumulative.get(index).unwrap_or(last).0
    }
}

#[derive(Deserialize)]
struct Line {
    client: u32,
    t_s: i64,
    input_tokens: Vec<(f64, f64)>,
    output_tokens: Vec<(f64, f64)>,
}

/// Clients that are active in at least 90 % of the spans.
pub(crate) fn read(folder: &Path) -> anyhow::Result<Vec<Client>> {
    let rates = text(&folder.join("m-small-rates.csv.gz"))?;
    let mut counts: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for (at, line) in rates.lines().enumerate().skip(1) {
        let mut fields = line.split(',');
        let rate = || -> Option<(u32, f64)> {
            let client = fields.next()?.parse().ok()?;
            fields.next()?;
            Some((client, fields.next()?.parse().ok()?))
        };
        let (client, rate) = { rate }().with_context(|| format!("rates, line {}", at + 1))?;
        counts.entry(client).or_default().push(rate * RATE_US as f64 / 1e6);
    }
    let mut lengths: BTreeMap<u32, BTreeMap<i64, [Lengths; 2]>> = BTreeMap::new();
    for (at, line) in text(&folder.join("m-small-lengths.jsonl.gz"))?.lines().enumerate() {
        let line: Line =
            serde_json::from_str(line).with_context(|| format!("lengths, line {}", at + 1))?;
        let both = [line.input_tokens, line.output_tokens].map(Lengths::new);
        lengths.entry(line.client).or_default().insert(line.t_s, both);
    }
    let active = |counts: &[f64]| {
        counts.iter().filter(|n| **n > 0.0).count() as f64 >= ACTIVE_SHARE * counts.len() as f64
    };
    let client = |(number, counts): (u32, Vec<f64>)| Client {
        name: format!("client-{number:02}"),
        counts,
        lengths: lengths.remove(&number).map(|l| l.into_values().collect()).unwrap_or_default(),
    };
    Ok(counts.into_iter().filter(|(_, counts)| active(counts)).map(client).collect())
}

fn text(path: &Path) -> anyhow::Result<String> {
    let context = || path.display().to_string();
    let mut text = String::new();
    let file = std::fs::File::open(path).with_context(context)?;
    GzDecoder::new(file).read_to_string(&mut text).with_context(context)?;
    Ok(text)
}

impl Client {
    /// Requests of all time.
    pub(crate) fn total(&self) -> f64 {
        self.counts.iter().sum()
    }

    /// Draws requests, each kept with probability `keep`, in the order of time. `frozen`: lengths are those
    /// of this six-hour span throughout.
    pub(crate) fn draw(
        &self,
        model: u32,
        keep: f64,
        frozen: Option<usize>,
        seed: u64,
    ) -> anyhow::Result<Vec<Request>> {
        let mut random = stream(seed, 100 + u64::from(model));
        let mut requests = Vec::new();
        let mut times = Vec::new();
        for (at, count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0.0) {
            let start_us = START_US + at as i64 * RATE_US;
            let number = Poisson::new(count * keep)?.sample(&mut random) as usize;
            times.extend((0..number).map(|_| instant(&mut random, start_us, start_us + RATE_US)));
            times.sort_unstable();
            let span = (at as i64 * RATE_US / LENGTHS_US) as usize;
            let lengths = self.lengths.get(frozen.unwrap_or(span));
            for time_us in times.drain(..) {
                let tokens = match lengths {
                    Some(both) => [both[0].draw(&mut random), both[1].draw(&mut random)],
                    None => [0.0; 2],
                };
                requests.push(Request { time_us, model, tokens });
            }
        }
        Ok(requests)
    }
}

/// The requests of several clients as one stream.
pub(crate) fn merged(streams: Vec<Vec<Request>>) -> Vec<Request> {
    let mut all: Vec<Request> = streams.into_iter().flatten().collect();
    all.sort_by_key(|request| request.time_us);
    all
}
