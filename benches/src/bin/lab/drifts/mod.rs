//! The five drifts of `driftline generate`: how soon the whole engine finds them, and how soon peers
//! do at thresholds that gave no false alarm on the very same events.

mod best;
mod sets;
mod statistic;
mod sweep;
mod text;

use driftline::model::Kind;
use driftline::synth::evaluate::Evaluation;
use driftline::synth::{METRICS, Plan, Truth};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::best::{Entry, Found, Outcome, Row, families, for_drift, wired};
use self::sets::{Series, Set};
use self::sweep::{SCOPES, Sweep, alarms};
use crate::Effort;
use crate::parallel::in_parallel;
use crate::peers::Setting;

pub(crate) use self::text::{pictures, text};

/// Seeds of the sets; the first is the default of `driftline generate`.
const SEEDS: [u64; 5] = [1, 2, 3, 4, 5];

/// The best of the peers, where one threshold serves all series of a kind or of a metric.
#[derive(Debug, Serialize, Deserialize)]
struct Scope {
    name: String,
    peers: Vec<Row>,
    /// Of all peers, the best setting for all drifts.
    single: Row,
    /// Of all peers, the best setting for each drift; a row has one drift.
    by_drift: Vec<Row>,
    /// Everything that was tried.
    settings: Vec<Tried>,
}

/// One setting.
#[derive(Debug, Serialize, Deserialize)]
struct Tried {
    name: String,
    setting: String,
    kind: Kind,
    /// The lowest without a false alarm, by metric; none where every one gives some.
    thresholds: Vec<(String, Option<f64>)>,
    drifts: Vec<Found>,
}

/// A default that people use.
#[derive(Debug, Serialize, Deserialize)]
struct Popular {
    name: String,
    kind: Kind,
    /// In the set of the first seed.
    false_alarms: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Report {
    events: u64,
    models: usize,
    series: usize,
    seeds: Vec<u64>,
    /// In words.
    drifts: Vec<String>,
    driftline: Row,
    /// Findings that no drift explains, over all seeds.
    false_findings: Vec<String>,
    findings: usize,
    scopes: Vec<Scope>,
    popular: Vec<Popular>,
}

pub(crate) fn measure(effort: Effort) -> anyhow::Result<Value> {
    let seeds = if effort == Effort::Full { &SEEDS[..] } else { &SEEDS[..2] };
    let plans: Vec<Plan> = seeds.iter().map(|seed| sets::plan(*seed)).collect();
    let scored: Vec<Evaluation> =
        in_parallel(&plans, sets::driftline).into_iter().collect::<anyhow::Result<_>>()?;

    let mut sweep = Sweep::new();
    // Series that drift, with the number of their set.
    let mut changed: Vec<(usize, Series)> = Vec::new();
    let (mut series, mut popular) = (0, Vec::new());
    for (number, plan) in plans.iter().enumerate() {
        let set = Set::new(plan)?;
        let jobs = set.series();
        series = jobs.len();
        sweep.watch(&set)?;
        let drifts = |job: &&(usize, usize)| plan.drifts.iter().any(|d| d.model == job.0);
        let all = jobs.iter().filter(drifts).map(|job| (number, set.one(*job)));
        changed.extend(all.filter(|(_, series)| series.changed.is_some()));
        if number == 0 {
            popular = defaults(&set)?;
        }
    }
    let found: Vec<_> = in_parallel(&changed, |(_, series)| sweep.find(series))
        .into_iter()
        .collect::<anyhow::Result<_>>()?;

    let truth = Truth::of(&plans[0]);
    let empty: Outcome = vec![vec![None; seeds.len()]; truth.drifts.len()];
    let scope = |scope: usize| {
        let of = |at: usize| {
            let mut outcome = empty.clone();
            for ((number, series), found) in changed.iter().zip(&found) {
                let (Some((drift, _)), Some(new)) = (series.changed, found[at][scope]) else {
                    continue;
                };
                let old = &mut outcome[drift][*number];
                if old.is_none_or(|old| new.0 < old.0) {
                    *old = Some(new);
                }
            }
            Entry { tried: sweep.tried[at], outcome }
        };
        let entries: Vec<Entry> = (0..sweep.tried.len()).map(of).collect();
        ranked(scope, &entries, &sweep)
    };
    let of = |evaluation: &Evaluation| -> Vec<String> {
        let wrong = evaluation.false_findings.iter();
        wrong.map(|f| format!("{} {} at {}", f.model, f.metric, f.detected_at)).collect()
    };
    Ok(serde_json::to_value(Report {
        events: plans[0].events,
        models: plans[0].models,
        series,
        seeds: seeds.to_vec(),
        drifts: truth.drifts.iter().map(|drift| drift.words.clone()).collect(),
        driftline: Row::of("Driftline".into(), Vec::new(), &ours(&scored, &changed, empty.clone())),
        false_findings: scored.iter().flat_map(of).collect(),
        findings: scored.iter().map(|evaluation| evaluation.findings).sum(),
        scopes: (0..SCOPES.len()).filter_map(scope).collect(),
        popular,
    })?)
}

/// What the engine found, with the values of the series between onset and detection.
fn ours(scored: &[Evaluation], changed: &[(usize, Series)], mut outcome: Outcome) -> Outcome {
    for (number, evaluation) in scored.iter().enumerate() {
        for (drift, score) in evaluation.drifts.iter().enumerate() {
            let of = |(of, series): &&(usize, Series)| {
                *of == number && series.changed.is_some_and(|(at, _)| at == drift)
            };
            let series = changed.iter().find(of).map(|(_, series)| series);
            outcome[drift][number] = score
                .delay_s
                .zip(series)
                .map(|(delay_s, series)| (delay_s, series.within(delay_s)));
        }
    }
    outcome
}

fn ranked(scope: usize, entries: &[Entry], sweep: &Sweep) -> Option<Scope> {
    let drifts = entries.first().map_or(0, |entry| entry.outcome.len());
    let settings = entries.iter().enumerate().map(|(at, entry)| {
        let tried = &entry.tried;
        let of = |metric: usize| {
            let threshold = sweep.thresholds(at, metric)[scope];
            (METRICS[metric].name.to_owned(), threshold)
        };
        let codes = if tried.codes { " of each category" } else { "" };
        Tried {
            name: format!("{}{codes}", tried.setting.family()),
            setting: tried.label(),
            kind: tried.kind,
            thresholds: sets::metrics(tried.kind).map(of).collect(),
            drifts: entry.outcome.iter().map(|delays| Found::of(delays)).collect(),
        }
    });
    Some(Scope {
        name: SCOPES[scope].into(),
        peers: families(entries).iter().filter_map(|name| wired(entries, Some(name))).collect(),
        single: wired(entries, None)?,
        by_drift: (0..drifts).filter_map(|drift| for_drift(entries, drift)).collect(),
        settings: settings.collect(),
    })
}

/// Popular defaults and their false alarms.
fn defaults(set: &Set) -> anyhow::Result<Vec<Popular>> {
    let mut all = Vec::new();
    for kind in [Kind::Number, Kind::Flag, Kind::Category] {
        for (name, setting, threshold) in Setting::popular(kind) {
            // It sorts its window at each value: longer than all the rest together.
            if setting != Setting::Default("kswin") {
                let false_alarms = alarms(set, (kind, setting, threshold))?;
                all.push(Popular { name: name.into(), kind, false_alarms });
            }
        }
    }
    Ok(all)
}
