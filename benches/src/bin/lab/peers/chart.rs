//! Any peer, ready to run.

use std::collections::BTreeMap;

use driftline_detectors::classic::{AnyDetector, Decision, Detector, find};
use driftline_tests::steps::Watch;

use super::bank::Bank;
use super::known::Known;
use super::qt_ewma::QtEwma;
use super::setting::Setting;
use super::windows::{BinnedWindow, Halves, KsWindow};
use crate::walk;

/// A peer with its threshold.
#[derive(Debug, Clone)]
pub(crate) struct Chart<'a> {
    peer: Peer<'a>,
    threshold: f64,
    /// It is looked at every so many values ...
    hop: usize,
    /// ... and has seen so many.
    seen: usize,
}

#[derive(Debug, Clone)]
enum Peer<'a> {
    /// A detector of the library, of values or of their normal scores.
    Classic {
        detector: AnyDetector,
        scores: Option<&'a Known>,
    },
    Binned(BinnedWindow),
    Ks(KsWindow<'a>),
    Halves(Halves),
    Bank(Bank<'a>),
    QtEwma(QtEwma),
    Driftline(Box<Watch<'a>>),
}

impl<'a> Chart<'a> {
    /// A chart that has seen the baseline, as far as it can make use of it.
    pub(crate) fn new(setting: Setting, threshold: f64, known: &'a Known) -> anyhow::Result<Self> {
        let hop = match setting {
            Setting::Binned { hop, .. } | Setting::Ks { hop, .. } => hop,
            Setting::Kswin { hop, .. } => hop,
            _ => 1,
        };
        let peer = match setting {
            Setting::Binned { distance, window, bins, .. } => {
                Peer::Binned(BinnedWindow::new(known, distance, window, bins))
            }
            Setting::Ks { window, .. } => Peer::Ks(KsWindow::new(known, window)),
            Setting::Kswin { window, newest, .. } => Peer::Halves(Halves::new(window, newest)),
            Setting::Bank { scores, spreads } => Peer::Bank(Bank::new(known, scores, spreads)),
            Setting::QtEwma { lambda, bins } => Peer::QtEwma(QtEwma::new(known, lambda, bins)),
            Setting::Driftline { zone } => {
                Peer::Driftline(Box::new(known.reference(zone)?.watch()))
            }
            _ => classic(setting, threshold, known)?,
        };
        Ok(Self { peer, threshold, hop, seen: 0 })
    }

    /// Takes a value; the statistic after it, where it is looked at. Not of what the library decides:
    /// that says yes or no.
    pub(crate) fn statistic(&mut self, value: f64) -> Option<f64> {
        self.seen += 1;
        let wanted = self.seen.is_multiple_of(self.hop);
        let statistic = match &mut self.peer {
            Peer::Classic { .. } => None,
            Peer::Binned(window) => window.step(value),
            Peer::Ks(window) => window.step(value, wanted),
            Peer::Halves(halves) => halves.step(value, wanted),
            Peer::Bank(bank) => Some(bank.step(value)),
            Peer::QtEwma(mean) => Some(mean.step(value)),
            Peer::Driftline(watch) => Some(watch.step(value)),
        };
        statistic.filter(|_| wanted)
    }
}

impl walk::Chart for Chart<'_> {
    fn step(&mut self, value: f64) -> bool {
        if let Peer::Classic { detector, scores } = &mut self.peer {
            let value = scores.map_or(value, |known| known.score(value));
            return detector.update(value) == Decision::Drift;
        }
        self.statistic(value).is_some_and(|statistic| statistic >= self.threshold)
    }
}

/// A detector of the library. One that finds its own level sees the baseline first.
fn classic<'a>(setting: Setting, threshold: f64, known: &'a Known) -> anyhow::Result<Peer<'a>> {
    let sd = known.deviation;
    let standard = |scores: bool| if scores { (0.0, 1.0) } else { (known.mean, sd) };
    let significance = (-threshold).exp();
    let (name, given): (&str, Vec<(&str, f64)>) = match setting {
        Setting::Cusum { k, scores } => {
            let (target, deviation) = standard(scores);
            let of = vec![("target", target), ("deviation", deviation), ("k", k)];
            ("cusum", [of, vec![("threshold", threshold)]].concat())
        }
        Setting::Ewma { lambda, scores } => {
            let (target, deviation) = standard(scores);
            let of = vec![("target", target), ("deviation", deviation), ("lambda", lambda)];
            ("ewma", [of, vec![("limit", threshold)]].concat())
        }
        Setting::PageHinkley { delta } => {
            ("page_hinkley", vec![("delta", delta * sd), ("threshold", threshold * sd)])
        }
        Setting::Adwin { clock } => {
            ("adwin", vec![("clock", f64::from(clock)), ("delta", significance)])
        }
        Setting::Ddm => ("ddm", vec![("drift", threshold)]),
        Setting::Eddm => ("eddm", vec![("alpha", 1.0), ("beta", 1.0 - threshold)]),
        Setting::HddmA => ("hddm_a", vec![("drift_confidence", significance)]),
        Setting::HddmW { lambda } => {
            ("hddm_w", vec![("lambda", lambda), ("drift_confidence", significance)])
        }
        Setting::Default(name) => (name, Vec::new()),
        other => anyhow::bail!("{} is no detector of the library", other.family()),
    };
    let given: BTreeMap<String, f64> =
        given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let mut detector = find(name)?.build(&given)?;
    let (told, scores) = match setting {
        Setting::Cusum { scores, .. } | Setting::Ewma { scores, .. } => (true, scores),
        _ => (false, false),
    };
    if !told {
        known.values.iter().for_each(|value| _ = detector.update(*value));
    }
    Ok(Peer::Classic { detector, scores: scores.then_some(known) })
}
