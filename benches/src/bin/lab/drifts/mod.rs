//! The five drifts of `driftline generate`: how soon the whole engine finds them, and how soon peers
//! do at thresholds that gave no false alarm on the very same events.

mod best;
mod floor;
mod sets;
mod statistic;
mod sweep;
mod text;

use driftline::model::Kind;
use driftline::synth::evaluate::Evaluation;
use driftline::synth::{DriftKind, Plan, Truth};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::best::{Entry, Found, Outcome, Row, families, wired};
use self::sets::{Series, Set};
use self::sweep::{Delay, SCOPES, Sweep, alarms};
use crate::Effort;
use crate::parallel::in_parallel;
use crate::peers::Setting;

pub(crate) use self::text::{pictures, text};

/// Seeds of the sets; the first is the default of `driftline generate`.
const SEEDS: [u64; 5] = [1, 2, 3, 4, 5];

/// Seeds of sets without drifts that no threshold was chosen by.
const FRESH: [u64; 5] = [11, 12, 13, 14, 15];
/// Budgets of false findings a week, the default first; the quick version has the first two. The
/// others are there to see Driftline with as many false alarms as peers have.
const BUDGETS: [f64; 4] = [1.0, 1e4, 1e2, 1e5];

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
    settings: Vec<Setup>,
}

/// One setting.
#[derive(Debug, Serialize, Deserialize)]
struct Setup {
    name: String,
    kind: Kind,
    /// The lowest without a false alarm, of all metrics in order; none where every one gives some.
    thresholds: Vec<Option<f64>>,
    /// Drifts and seeds together.
    found: usize,
    /// Seconds, drift by drift.
    delays_s: Vec<Option<f64>>,
}

/// A peer with the threshold that it had, on fresh sets.
#[derive(Debug, Serialize, Deserialize)]
struct Fresh {
    name: String,
    kind: Kind,
    false_alarms: u64,
}

/// The engine with a budget.
#[derive(Debug, Serialize, Deserialize)]
struct Budget {
    per_week: f64,
    row: Row,
    findings: usize,
    /// Findings that no drift explains ...
    false_findings: Vec<String>,
    /// ... and findings in the fresh sets.
    fresh: usize,
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
    driftline: Vec<Budget>,
    /// What no detector of one series can beat, drift by drift and seed by seed; none for one that grows.
    #[serde(default)]
    floors: Vec<Found>,
    scopes: Vec<Scope>,
    /// Seeds of the fresh sets, and what the best peers with one threshold a kind did in them.
    fresh_seeds: Vec<u64>,
    fresh: Vec<Fresh>,
    popular: Vec<Popular>,
}

pub(crate) fn measure(effort: Effort) -> anyhow::Result<Value> {
    let count = if effort == Effort::Full { SEEDS.len() } else { 2 };
    let budgets = if effort == Effort::Full { &BUDGETS[..] } else { &BUDGETS[..2] };
    let (seeds, fresh_seeds) = (&SEEDS[..count], &FRESH[..count]);
    let plans: Vec<Plan> = seeds.iter().map(|seed| sets::plan(*seed)).collect();
    let quiet = |seed: &u64| Plan { drifts: Vec::new(), ..sets::plan(*seed) };
    let fresh_plans: Vec<Plan> = fresh_seeds.iter().map(quiet).collect();
    let scored = scored(&plans, budgets)?;
    let scored_fresh = self::scored(&fresh_plans, budgets)?;

    let mut sweep = Sweep::new();
    let Watched { changed, quiet, series, popular } = watched(&plans, &mut sweep)?;
    let found: Vec<_> = in_parallel(&changed, |(_, series)| sweep.find(series))
        .into_iter()
        .collect::<anyhow::Result<_>>()?;

    let truth = Truth::of(&plans[0]);
    let empty: Outcome = vec![vec![None; count]; truth.drifts.len()];
    let floors = floors(&plans, &changed, &quiet, empty.clone());
    let scope = |scope: usize| {
        let entry = |place: usize| {
            let outcome = outcome_of(&changed, &found, (place, scope), empty.clone());
            Entry { place, tried: sweep.tried[place], outcome }
        };
        let entries: Vec<Entry> = (0..sweep.tried.len()).map(entry).collect();
        ranked(scope, &entries, &sweep)
    };
    let scopes: Vec<Scope> = (0..SCOPES.len()).filter_map(scope).collect();
    let budget = |((per_week, scored), fresh): ((&f64, &Vec<Evaluation>), &Vec<Evaluation>)| {
        let name = format!("Driftline, budget {per_week} a week");
        Budget {
            per_week: *per_week,
            row: Row::of(name, &ours(scored, &changed, empty.clone())),
            findings: scored.iter().map(|evaluation| evaluation.findings).sum(),
            false_findings: scored.iter().flat_map(unexplained).collect(),
            fresh: fresh.iter().map(|evaluation| evaluation.findings).sum(),
        }
    };
    Ok(serde_json::to_value(Report {
        events: plans[0].events,
        models: plans[0].models,
        series,
        seeds: seeds.to_vec(),
        drifts: truth.drifts.iter().map(|drift| drift.words.clone()).collect(),
        driftline: budgets.iter().zip(&scored).zip(&scored_fresh).map(budget).collect(),
        floors,
        fresh_seeds: fresh_seeds.to_vec(),
        fresh: fresh(&fresh_plans, &scopes[0], &sweep)?,
        scopes,
        popular,
    })?)
}

/// What is in the sets.
struct Watched {
    /// Series that drift, with the number of their set.
    changed: Vec<(usize, Series)>,
    /// Values of each kind that are watched and that nothing has touched.
    quiet: Vec<(Kind, usize)>,
    /// Series of a set.
    series: usize,
    popular: Vec<Popular>,
}

/// Goes through the sets; the sweep watches all of them.
fn watched(plans: &[Plan], sweep: &mut Sweep) -> anyhow::Result<Watched> {
    let mut all = Watched { changed: vec![], quiet: vec![], series: 0, popular: vec![] };
    for (number, plan) in plans.iter().enumerate() {
        let set = Set::new(plan)?;
        let jobs = set.series();
        all.series = jobs.len();
        sweep.watch(&set)?;
        for series in jobs.iter().map(|job| set.one(*job)) {
            match all.quiet.iter_mut().find(|(kind, _)| *kind == series.kind) {
                Some((_, values)) => *values += series.quiet().len(),
                None => all.quiet.push((series.kind, series.quiet().len())),
            }
        }
        let drifts = |job: &&(usize, usize)| plan.drifts.iter().any(|d| d.model == job.0);
        let drifting = jobs.iter().filter(drifts).map(|job| (number, set.one(*job)));
        all.changed.extend(drifting.filter(|(_, series)| series.changed.is_some()));
        if number == 0 {
            all.popular = defaults(&set)?;
        }
    }
    Ok(all)
}

/// When a setting, by its place among all and its scope, found each drift of each set first.
fn outcome_of(
    changed: &[(usize, Series)],
    found: &[Vec<[Option<Delay>; 2]>],
    (place, scope): (usize, usize),
    mut outcome: Outcome,
) -> Outcome {
    for ((number, series), found) in changed.iter().zip(found) {
        let (Some((drift, _)), Some(new)) = (series.changed, found[place][scope]) else {
            continue;
        };
        let old = &mut outcome[drift][*number];
        if old.is_none_or(|old| new.0 < old.0) {
            *old = Some(new);
        }
    }
    outcome
}

/// The floor of each drift: of all series that it changes, the one that shows it soonest.
fn floors(
    plans: &[Plan],
    changed: &[(usize, Series)],
    quiet: &[(Kind, usize)],
    mut outcome: Outcome,
) -> Vec<Found> {
    let floors = in_parallel(changed, |(number, series)| {
        let (drift, first) = series.changed?;
        let (_, run_length) = quiet.iter().find(|(kind, _)| *kind == series.kind)?;
        if plans[*number].drifts[drift].kind == DriftKind::Ramp {
            return None;
        }
        let values = floor::values(series, *run_length as f64)?.round().max(1.0) as usize;
        let last = (first + values - 1).min(series.values.len() - 1);
        Some((drift, *number, (series.since(last).0, values as u64)))
    });
    for (drift, number, floor) in floors.into_iter().flatten() {
        let old = &mut outcome[drift][number];
        if old.is_none_or(|old| floor.0 < old.0) {
            *old = Some(floor);
        }
    }
    outcome.iter().map(|floors| Found::of(floors)).collect()
}

/// The engine on sets, budget by budget.
fn scored(plans: &[Plan], budgets: &[f64]) -> anyhow::Result<Vec<Vec<Evaluation>>> {
    let jobs: Vec<(f64, &Plan)> =
        budgets.iter().flat_map(|budget| plans.iter().map(|plan| (*budget, plan))).collect();
    let scored = in_parallel(&jobs, |(budget, plan)| sets::driftline(plan, *budget));
    let scored: Vec<Evaluation> = scored.into_iter().collect::<anyhow::Result<_>>()?;
    Ok(scored.chunks(plans.len()).map(<[Evaluation]>::to_vec).collect())
}

fn unexplained(evaluation: &Evaluation) -> Vec<String> {
    let wrong = evaluation.false_findings.iter();
    wrong.map(|f| format!("{} {} at {}", f.model, f.metric, f.detected_at)).collect()
}

/// False alarms in fresh sets of the settings that were best.
fn fresh(plans: &[Plan], scope: &Scope, sweep: &Sweep) -> anyhow::Result<Vec<Fresh>> {
    let mut places: Vec<usize> = Vec::new();
    for row in std::iter::once(&scope.single).chain(&scope.by_drift) {
        let new = row.places.iter().filter(|place| !places.contains(place));
        let new: Vec<usize> = new.copied().collect();
        places.extend(new);
    }
    let threshold = |place: usize| {
        let metric = sets::metrics(sweep.tried[place].kind).next().unwrap_or_default();
        sweep.thresholds(place, metric)[0].unwrap_or(f64::INFINITY)
    };
    let peers: Vec<(sweep::Tried, f64)> =
        places.iter().map(|place| (sweep.tried[*place], threshold(*place))).collect();
    let mut sums = vec![0; peers.len()];
    for plan in plans {
        let counts = alarms(&Set::new(plan)?, &peers)?;
        sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
    let of = |((tried, _), false_alarms): (&(sweep::Tried, f64), u64)| Fresh {
        name: tried.name(),
        kind: tried.kind,
        false_alarms,
    };
    Ok(peers.iter().zip(sums).map(of).collect())
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
    let settings = entries.iter().map(|entry| {
        let of = |metric: usize| sweep.thresholds(entry.place, metric)[scope];
        let found: Vec<Found> = entry.outcome.iter().map(|delays| Found::of(delays)).collect();
        Setup {
            name: entry.tried.name(),
            kind: entry.tried.kind,
            thresholds: sets::metrics(entry.tried.kind).map(of).collect(),
            found: found.iter().map(|found| found.found).sum(),
            delays_s: found.iter().map(|found| found.delay_s).collect(),
        }
    });
    Some(Scope {
        name: SCOPES[scope].into(),
        peers: families(entries)
            .iter()
            .filter_map(|name| wired(entries, Some(name), None))
            .collect(),
        single: wired(entries, None, None)?,
        by_drift: (0..drifts).filter_map(|drift| wired(entries, None, Some(drift))).collect(),
        settings: settings.collect(),
    })
}

/// Popular defaults and their false alarms.
fn defaults(set: &Set) -> anyhow::Result<Vec<Popular>> {
    let (mut names, mut peers) = (Vec::new(), Vec::new());
    for kind in [Kind::Number, Kind::Flag, Kind::Category] {
        for (name, setting, threshold) in Setting::popular(kind) {
            // It sorts its window at each value: longer than all the rest together.
            if setting != Setting::Default("kswin") {
                names.push((name, kind));
                peers.push((sweep::Tried { kind, setting, codes: false }, threshold));
            }
        }
    }
    let counts = alarms(set, &peers)?;
    let of = |((name, kind), false_alarms): ((&str, Kind), u64)| Popular {
        name: name.into(),
        kind,
        false_alarms,
    };
    Ok(names.into_iter().zip(counts).map(of).collect())
}
