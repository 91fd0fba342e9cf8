//! What every peer is told of a stream in control: the same baseline values.

use anyhow::Context;
use driftline_detectors::baseline::Zone;
use driftline_detectors::math::special::normal_quantile;
use driftline_tests::laws::Values;
use driftline_tests::steps::Reference;

use crate::scenarios::Stream;
use crate::walk::seed;

/// Categories and flags are their own codes.
const LEVELS: usize = driftline_tests::streams::LEVELS;
/// Standard deviation of a stream that did not vary at all.
const DEVIATION_MIN: f64 = 1e-9;

/// A baseline in all the forms that peers want it in.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) values: Vec<f64>,
    /// Rising.
    pub(crate) sorted: Vec<f64>,
    pub(crate) mean: f64,
    pub(crate) deviation: f64,
    /// Normal score of a value with so many baseline values below it.
    scores: Vec<f64>,
    codes: Option<usize>,
    /// What Driftline learned, where it is to be compared with one value a step.
    references: Option<[Reference; 2]>,
}

/// Zones that Driftline is listed with: none, and the default.
pub(crate) const ZONES: [f64; 2] = [0.0, 0.1];

/// How values become bins.
#[derive(Debug, Clone)]
pub(crate) enum Bins {
    /// The value is the bin.
    Own(usize),
    /// Bins of equal baseline counts between edges.
    Edges(Vec<f64>),
}

impl Bins {
    pub(crate) fn len(&self) -> usize {
        match self {
            Bins::Own(codes) => *codes,
            Bins::Edges(edges) => edges.len() + 1,
        }
    }

    pub(crate) fn of(&self, value: f64) -> usize {
        match self {
            Bins::Own(codes) => (value as usize).min(codes - 1),
            Bins::Edges(edges) => edges.partition_point(|edge| *edge <= value),
        }
    }
}

impl Known {
    /// The baseline with a number.
    pub(crate) fn new(stream: &Stream, events: usize, baseline: usize) -> Self {
        let mut source = Values::new(stream.law, seed(stream, baseline, 0));
        let values: Vec<f64> = (0..events).map(|_| source.draw()).collect();
        let kind = stream.law.kind();
        let codes = match kind {
            driftline::model::Kind::Flag => Some(2),
            driftline::model::Kind::Category => Some(LEVELS),
            _ => None,
        };
        let reference =
            |zone: f64| Reference::learn(kind, &values, Zone { sigma: zone, odds: zone });
        let references = Some(ZONES.map(reference));
        Self { references, ..Self::of(values, codes) }
    }

    /// A baseline of these values; `codes`: of what is no number, so many. Not for Driftline.
    pub(crate) fn of(values: Vec<f64>, codes: Option<usize>) -> Self {
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
        let score = |below: usize| normal_quantile((below as f64 + 0.5) / (n + 1.0));
        Self {
            mean,
            deviation: (squares / (n - 1.0)).sqrt().max(DEVIATION_MIN),
            scores: (0..=values.len()).map(score).collect(),
            codes,
            references: None,
            sorted,
            values,
        }
    }

    /// The normal score of a value's rank in the baseline.
    pub(crate) fn score(&self, value: f64) -> f64 {
        self.scores[self.sorted.partition_point(|known| *known <= value)]
    }

    /// Bins, for numbers so many of them, and the baseline's counts.
    pub(crate) fn bins(&self, wanted: usize) -> (Bins, Vec<f64>) {
        let edge = |at: usize| self.sorted[at * self.sorted.len() / wanted];
        let bins = match self.codes {
            Some(codes) => Bins::Own(codes),
            None => Bins::Edges((1..wanted).map(edge).collect()),
        };
        let mut counts = vec![0.0; bins.len()];
        self.values.iter().for_each(|value| counts[bins.of(*value)] += 1.0);
        (bins, counts)
    }

    /// What Driftline learned, with the zone of a number in [`ZONES`].
    pub(crate) fn reference(&self, zone: usize) -> anyhow::Result<&Reference> {
        let references = self.references.as_ref();
        references.map(|both| &both[zone]).context("this baseline is not for Driftline")
    }
}
