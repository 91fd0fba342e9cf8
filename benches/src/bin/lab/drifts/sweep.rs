//! Every setting of every peer on every series: the lowest threshold without a false alarm, and what
//! it finds.
//!
//! Up to its first false alarm a setting without one is the same at any threshold. So one pass gives
//! the largest value that a statistic has without a drift; the threshold is just above: no grid is
//! finer. Detectors of the library that only decide climb a ladder of thresholds instead.

use std::sync::atomic::{AtomicUsize, Ordering};

use driftline::model::Kind;

use super::sets::{Series, Set, WATCHED};
use super::statistic::Statistic;
use crate::parallel::in_parallel;
use crate::peers::{Chart, Known, Setting};
use crate::walk::Chart as _;

/// Ratio of neighbouring thresholds on a ladder.
const RUNG: f64 = 1.1;

/// A peer with all its settings but the threshold, on series of one kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tried {
    pub(super) kind: Kind,
    pub(super) setting: Setting,
    /// One chart for each category.
    pub(super) codes: bool,
}

impl Tried {
    /// All that are tried.
    pub(super) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for kind in [Kind::Number, Kind::Flag, Kind::Category] {
            let peers = Setting::tried(kind);
            let peers = peers.into_iter().filter(|s| !matches!(s, Setting::Driftline { .. }));
            all.extend(peers.map(|setting| Self { kind, setting, codes: false }));
        }
        let of_level = |setting: &Setting| {
            matches!(
                setting,
                Setting::Cusum { .. } | Setting::Ewma { .. } | Setting::PageHinkley { .. }
            )
        };
        let flags = Setting::tried(Kind::Flag).into_iter().filter(of_level);
        all.extend(flags.map(|setting| Self { kind: Kind::Category, setting, codes: true }));
        all
    }

    pub(super) fn name(&self) -> String {
        let codes = if self.codes { " of each category" } else { "" };
        format!("{}{codes} {}", self.setting.family(), self.label()).trim().into()
    }

    pub(super) fn label(&self) -> String {
        let label = self.setting.label();
        match self.kind {
            // Categories are their own bins.
            Kind::Category => {
                label.split(" in ").next().unwrap_or_default().replace(", 50 bins", "")
            }
            Kind::Flag => label.replace(" in 2 bins", "").replace(", 2 bins", ""),
            _ => label,
        }
    }

    /// Whether only decisions are known.
    fn climbs(&self) -> bool {
        matches!(
            self.setting,
            Setting::Adwin { .. }
                | Setting::Ddm
                | Setting::Eddm
                | Setting::HddmA
                | Setting::HddmW { .. }
        )
    }

    /// Whether there is no statistic to be had.
    fn decides(&self) -> bool {
        self.climbs() || matches!(self.setting, Setting::Default(_))
    }

    /// A rung of the ladder; none beyond the range that the detector takes.
    fn rung(&self, at: usize) -> Option<f64> {
        let (low, high) = self.setting.range();
        let threshold = low * RUNG.powi(at as i32);
        (threshold <= high).then_some(threshold)
    }
}

/// Whose threshold is one: all series of a kind, or all of one metric.
pub(super) const SCOPES: [&str; 2] = ["kind", "metric"];

/// From the onset to an alarm: seconds of event time, and values of the series.
pub(super) type Delay = (f64, u64);

/// What is known so far.
pub(super) struct Sweep {
    pub(super) tried: Vec<Tried>,
    /// Largest quiet statistic, by what was tried and metric.
    most: Vec<[f64; WATCHED]>,
    /// Lowest rung without a false alarm, likewise.
    rungs: Vec<[AtomicUsize; WATCHED]>,
}

/// A series with what peers know of it.
struct Told {
    known: Known,
    /// Normal scores of numbers.
    scores: Vec<f64>,
}

impl Told {
    fn new(series: &Series) -> Self {
        let codes = (series.kind != Kind::Number).then_some(series.codes);
        let known = Known::of(series.values[..series.learned].to_vec(), codes);
        let scores = match series.kind {
            Kind::Number => series.values.iter().map(|value| known.score(*value)).collect(),
            _ => vec![0.0; series.values.len()],
        };
        Self { known, scores }
    }
}

impl Sweep {
    pub(super) fn new() -> Self {
        let tried = Tried::all();
        let most = vec![[f64::NEG_INFINITY; WATCHED]; tried.len()];
        let rungs = tried.iter().map(|_| Default::default()).collect();
        Self { tried, most, rungs }
    }

    /// Takes the quiet part of a set in.
    pub(super) fn watch(&mut self, set: &Set) -> anyhow::Result<()> {
        let jobs = set.series();
        let seen = in_parallel(&jobs, |job| self.quiet(&set.one(*job)));
        for (seen, (_, metric)) in seen.into_iter().zip(jobs) {
            for (most, seen) in self.most.iter_mut().zip(seen?) {
                most[metric] = most[metric].max(seen);
            }
        }
        Ok(())
    }

    /// The largest quiet statistics of a series.
    fn quiet(&self, series: &Series) -> anyhow::Result<Vec<f64>> {
        let mut most = vec![f64::NEG_INFINITY; self.tried.len()];
        if series.quiet().is_empty() {
            return Ok(most);
        }
        let told = Told::new(series);
        for (at, tried) in self.tried.iter().enumerate().filter(|(_, t)| t.kind == series.kind) {
            if tried.climbs() {
                // What a higher threshold finds, a lower one has found: rungs below need no look.
                let floor = &self.rungs[at][series.metric];
                let mut rung = floor.load(Ordering::Relaxed);
                while let Some(threshold) = tried.rung(rung) {
                    let mut chart = Chart::new(tried.setting, threshold, &told.known)?;
                    if !series.values[series.quiet()].iter().any(|value| chart.step(*value)) {
                        break;
                    }
                    rung += 1;
                }
                floor.fetch_max(rung, Ordering::Relaxed);
                continue;
            }
            let mut statistic = Statistic::new(tried.setting, tried.codes, series, &told.known)?;
            for index in series.quiet() {
                let seen = statistic.step(series.values[index], told.scores[index]);
                most[at] = seen.map_or(most[at], |seen| most[at].max(seen));
            }
        }
        Ok(most)
    }

    /// The threshold of a setting for a metric, in each scope; none where all give false alarms.
    pub(super) fn thresholds(&self, at: usize, metric: usize) -> [Option<f64>; 2] {
        let tried = &self.tried[at];
        let highest = self.most[at].iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if !tried.climbs() {
            let finite = |value: f64| value.is_finite().then_some(value);
            return [finite(highest), finite(self.most[at][metric])];
        }
        let rung = |metric: usize| self.rungs[at][metric].load(Ordering::Relaxed);
        let highest = (0..WATCHED).map(rung).max().unwrap_or_default();
        [tried.rung(highest), tried.rung(rung(metric))]
    }

    /// What each setting finds in a series that drifts, by scope.
    pub(super) fn find(&self, series: &Series) -> anyhow::Result<Vec<[Option<Delay>; 2]>> {
        let mut found = vec![[None; 2]; self.tried.len()];
        let Some((_, changed)) = series.changed else { return Ok(found) };
        let told = Told::new(series);
        let watched = series.learned..series.values.len();
        for (at, tried) in self.tried.iter().enumerate().filter(|(_, t)| t.kind == series.kind) {
            let thresholds = self.thresholds(at, series.metric);
            if tried.climbs() {
                for (found, threshold) in found[at].iter_mut().zip(thresholds) {
                    let Some(threshold) = threshold else { continue };
                    let mut chart = Chart::new(tried.setting, threshold, &told.known)?;
                    let alarm = watched.clone().find(|index| chart.step(series.values[*index]));
                    *found = alarm.filter(|a| *a >= changed).map(|a| series.since(a));
                }
                continue;
            }
            let mut statistic = Statistic::new(tried.setting, tried.codes, series, &told.known)?;
            for index in watched.clone() {
                let seen = statistic.step(series.values[index], told.scores[index]);
                let Some(seen) = seen.filter(|_| index >= changed) else { continue };
                for (found, threshold) in found[at].iter_mut().zip(thresholds) {
                    if found.is_none() && threshold.is_some_and(|threshold| seen > threshold) {
                        *found = Some(series.since(index));
                    }
                }
                if found[at].iter().all(Option::is_some) {
                    break;
                }
            }
        }
        Ok(found)
    }
}

/// False alarms in the quiet part of a set of peers with their thresholds, each begun anew with the
/// same baseline after each.
pub(super) fn alarms(set: &Set, peers: &[(Tried, f64)]) -> anyhow::Result<Vec<u64>> {
    let counts = in_parallel(&set.series(), |job| -> anyhow::Result<Vec<u64>> {
        let series = set.one(*job);
        let mut counts = vec![0; peers.len()];
        if series.quiet().is_empty() || peers.iter().all(|(tried, _)| tried.kind != series.kind) {
            return Ok(counts);
        }
        let told = Told::new(&series);
        let of_kind = |((tried, _), _): &(&(Tried, f64), &mut u64)| tried.kind == series.kind;
        for ((tried, threshold), count) in peers.iter().zip(&mut counts).filter(of_kind) {
            *count = one(tried, *threshold, &series, &told)?;
        }
        Ok(counts)
    });
    let mut sums = vec![0; peers.len()];
    for counts in counts {
        sums.iter_mut().zip(counts?).for_each(|(sum, count)| *sum += count);
    }
    Ok(sums)
}

fn one(tried: &Tried, threshold: f64, series: &Series, told: &Told) -> anyhow::Result<u64> {
    let mut count = 0;
    if tried.decides() {
        let fresh = Chart::new(tried.setting, threshold, &told.known)?;
        let mut chart = fresh.clone();
        for value in &series.values[series.quiet()] {
            if chart.step(*value) {
                (chart, count) = (fresh.clone(), count + 1);
            }
        }
        return Ok(count);
    }
    let fresh = || Statistic::new(tried.setting, tried.codes, series, &told.known);
    let mut statistic = fresh()?;
    for index in series.quiet() {
        let seen = statistic.step(series.values[index], told.scores[index]);
        if seen.is_some_and(|seen| seen > threshold) {
            (statistic, count) = (fresh()?, count + 1);
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_settings_and_every_ladder_a_rung() {
        let tried = Tried::all();
        for kind in [Kind::Number, Kind::Flag, Kind::Category] {
            assert!(tried.iter().filter(|tried| tried.kind == kind).count() > 9);
        }
        for tried in tried.iter().filter(|tried| tried.climbs()) {
            let rungs: Vec<f64> = (0..).map_while(|at| tried.rung(at)).collect();
            assert!(rungs.len() > 20 && rungs.is_sorted(), "{tried:?}: {}", rungs.len());
        }
    }
}
