//! ServeGen: request rates of clients in ten-minute windows; week 1 is learned, week 2 judged, as
//! it is and with rates halved since an instant.

use std::collections::BTreeMap;

use anyhow::Context;
use driftline_detectors::anomaly::AlarmThreshold;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::Effort;
use crate::charts::{Series, alarms, decades, findings};
use crate::folder::text as read;
use crate::parallel::in_parallel;
use crate::text::table;

const WINDOW_US: i64 = 600_000_000;
const DAY: usize = 144;
const WEEK: usize = 7 * DAY;
/// Clients that were active in fewer windows are left out.
const ACTIVE_SHARE: f64 = 0.9;
/// Monday 2025-01-06.
const START_US: i64 = 1_736_121_600_000_000;
/// A halving that is not found in so many windows is missed.
const PATIENCE: usize = 2 * DAY;
/// Reference points of the Pareto front that is to be beaten: charts with hourly profile, adaptive
/// level, trailing ranks and mixture Shiryaev-Roberts at A = 1e4, by zone. Name, alarms a
/// chart-week, share found, median delay.
pub(super) const PUBLISHED: [(&str, f64, f64, f64); 3] = [
    ("reference chart, no zone", 17.0, 1.0, 9.0),
    ("reference chart, zone 0.25 sd", 8.0, 1.0, 12.0),
    ("reference chart, zone 0.5 sd", 5.0, 1.0, 17.0),
];

/// One rule on all clients.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Rule {
    pub(super) rule: String,
    /// In week 2, untouched: the mean over clients, and the median client.
    pub(super) alarms: f64,
    alarms_median: f64,
    halvings: usize,
    found: usize,
    /// With alarms that the untouched series has as well: what a reference without a control
    /// counts.
    found_or_known: usize,
    /// Median of those found, windows.
    pub(super) delay: f64,
    /// Untouched runs that have such an alarm in the same time: a control.
    untouched: usize,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Report {
    clients: usize,
    pub(super) rules: Vec<Rule>,
}

/// Windows in which a rule alarmed with a known or possible fall, by client.
type Alarms = Vec<Vec<usize>>;

fn clients() -> anyhow::Result<Vec<(String, Vec<f64>)>> {
    let mut counts: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    let text = read("servegen-m-small", "m-small-rates.csv.gz")?;
    for (at, line) in text.lines().enumerate().skip(1) {
        let mut fields = line.split(',');
        let (client, rate) = (fields.next(), fields.nth(1));
        let parsed = || Some((client?.parse().ok()?, rate?.parse::<f64>().ok()?));
        let (client, rate) = parsed().with_context(|| format!("rates, line {}", at + 1))?;
        counts.entry(client).or_default().push(rate * WINDOW_US as f64 / 1e6);
    }
    let active = |counts: &[f64]| {
        counts.iter().filter(|n| **n > 0.0).count() as f64 >= ACTIVE_SHARE * counts.len() as f64
    };
    let named = counts.into_iter().map(|(client, counts)| (format!("client-{client:02}"), counts));
    Ok(named.filter(|(_, counts)| active(counts)).collect())
}

/// Series of all clients, halved since a window each. `with_empty`: windows without any request are
/// values, too.
fn series(
    clients: &[(String, Vec<f64>)],
    with_empty: bool,
    onsets: Option<&[usize]>,
) -> Vec<Series> {
    let one = |(at, (name, counts)): (usize, &(String, Vec<f64>))| {
        let onset = onsets.map_or(usize::MAX, |onsets| onsets[at]);
        let windows = counts.iter().enumerate().filter(|(_, n)| with_empty || **n > 0.0);
        let halved = |(at, n): (usize, &f64)| if at >= onset { n / 2.0 } else { *n };
        Series {
            name: name.clone(),
            times_us: windows.clone().map(|(at, _)| START_US + at as i64 * WINDOW_US).collect(),
            values: windows.map(halved).collect(),
        }
    };
    clients.iter().enumerate().map(one).collect()
}

/// Falls that the drift statistic finds, and all that it finds.
fn drift(series: &[Series]) -> (Alarms, Alarms) {
    let (mut down, mut all) = (vec![Vec::new(); series.len()], vec![Vec::new(); series.len()]);
    for found in findings(series, WINDOW_US, Some(WEEK as i64 * WINDOW_US)) {
        let Some(at) = series.iter().position(|s| s.name == found.name) else { continue };
        // A finding is told at the end of a window, which is the begin of the next.
        let window = ((found.at_us - START_US) / WINDOW_US - 1).max(0) as usize;
        all[at].push(window);
        if found.effect < 0.0 {
            down[at].push(window);
        }
    }
    (down, all)
}

fn anomalies(series: &[Series]) -> (Alarms, Alarms) {
    let window =
        |series: &Series, at: usize| ((series.times_us[at] - START_US) / WINDOW_US) as usize;
    let of = |series: &Series| {
        let rows = alarms(&decades(series), AlarmThreshold::default());
        rows.into_iter().map(|at| window(series, at)).collect()
    };
    let all: Alarms = series.iter().map(of).collect();
    (all.clone(), all)
}

pub(super) fn measure(effort: Effort) -> anyhow::Result<Report> {
    let onsets_each = match effort {
        Effort::Quick => 5,
        Effort::Full => 20,
    };
    let clients = clients()?;
    type Find = fn(&[Series]) -> (Alarms, Alarms);
    let rules: [(&str, Find, bool); 4] = [
        ("drift", drift, true),
        ("anomaly", anomalies, true),
        ("drift, empty windows left out", drift, false),
        ("anomaly, empty windows left out", anomalies, false),
    ];
    let rules = rules.map(|(name, rule, with_empty)| {
        let (down, all) = rule(&series(&clients, with_empty, None));
        let in_week_2 = |windows: &Vec<usize>| windows.iter().filter(|w| **w >= WEEK).count();
        let mut by_client: Vec<usize> = all.iter().map(in_week_2).collect();
        by_client.sort_unstable();
        let seeds: Vec<u64> = (0..onsets_each).collect();
        let runs = in_parallel(&seeds, |seed| {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(*seed);
            let mut onset = |_| 8 * DAY + (random.next_u64() % (4 * DAY as u64)) as usize;
            let onsets: Vec<usize> = (0..clients.len()).map(&mut onset).collect();
            let (seen, _) = rule(&series(&clients, with_empty, Some(&onsets)));
            (onsets, seen)
        });
        let (mut delays, mut untouched, mut found_or_known) = (Vec::new(), 0, 0);
        for (onsets, seen) in &runs {
            for (at, onset) in onsets.iter().enumerate() {
                let due = |window: &&usize| (*onset..onset + PATIENCE).contains(*window);
                untouched += usize::from(down[at].iter().any(|window| due(&window)));
                found_or_known += usize::from(seen[at].iter().any(|window| due(&window)));
                let new = seen[at].iter().filter(due).find(|window| !down[at].contains(window));
                delays.extend(new.map(|window| window - onset + 1));
            }
        }
        delays.sort_unstable();
        Rule {
            rule: name.into(),
            alarms: by_client.iter().sum::<usize>() as f64 / clients.len() as f64,
            alarms_median: by_client.get(by_client.len() / 2).map_or(0.0, |n| *n as f64),
            halvings: clients.len() * runs.len(),
            found: delays.len(),
            found_or_known,
            delay: delays.get(delays.len() / 2).map_or(f64::NAN, |delay| *delay as f64),
            untouched,
        }
    });
    Ok(Report { clients: clients.len(), rules: rules.into() })
}

pub(super) fn text(report: &Report) -> String {
    let mut rows: Vec<[String; 7]> = report
        .rules
        .iter()
        .map(|rule| {
            [
                format!("**Driftline, {}**", rule.rule),
                format!("{:.2}", rule.alarms),
                rule.alarms_median.to_string(),
                format!("{} of {}", rule.found, rule.halvings),
                rule.found_or_known.to_string(),
                rule.delay.to_string(),
                rule.untouched.to_string(),
            ]
        })
        .collect();
    rows.extend(PUBLISHED.map(|(name, alarms, share, delay)| {
        [
            name.into(),
            String::new(),
            alarms.to_string(),
            String::new(),
            format!("{:.0} of {}", share * report.clients as f64, report.clients),
            delay.to_string(),
            String::new(),
        ]
    }));
    let head = format!("ServeGen, {} clients", report.clients);
    table(
        [
            &head,
            "alarms a chart-week",
            "median",
            "halvings found",
            "or known",
            "delay, windows",
            "untouched, too",
        ],
        &rows,
    )
}
