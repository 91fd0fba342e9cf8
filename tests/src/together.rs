//! The series of one model, whose events all of them share: they depend on each other, and may change
//! together.

use driftline::model::Kind;
use driftline_detectors::baseline::{Baseline, Zone};
use driftline_detectors::evidence::Evidence;
use driftline_detectors::evidence::budget::fewest;
use driftline_detectors::lanes::Tables;
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::promise::{Coder, WINDOW_PANES, learn_values};

/// Series of the model.
pub const SERIES: usize = 9;
/// Events of a pane.
const EVENTS: usize = 20;

/// What has to reach how much.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// Each series on its own.
    Alone,
    /// The fewest series together, by the sum of their statistics: the engine's.
    Together,
    /// One more statistic, which takes the product of what each series' tick is worth, as if they were
    /// independent. They are not: this one is broken.
    Product,
    /// The same to the power of `1 / (1 + (SERIES - 1) correlation)`: the correlation, which nobody tells
    /// it in practice, is given.
    Tempered(f64),
}

impl Rule {
    /// Whether it is one more statistic beside the series' own, which shares their budget.
    pub fn is_product(self) -> bool {
        matches!(self, Rule::Product | Rule::Tempered(_))
    }
}

/// What is known of the series in control.
#[derive(Debug)]
pub struct Reference {
    baselines: Vec<Baseline>,
    tables: Vec<Tables>,
}

impl Reference {
    /// Learned from so many events of each series.
    ///
    /// # Panics
    /// Where the engine does not learn: an error of the test.
    pub fn learn(events: usize, seed: u64) -> Self {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let zone = Zone { sigma: 0.0, odds: 0.0 };
        let mut one = || {
            let mut value = || Some(StandardNormal.sample(&mut random));
            let values: Vec<Option<f64>> = (0..events).map(|_| value()).collect();
            learn_values(Kind::Number, &values, EVENTS, zone)
        };
        let baselines: Vec<Baseline> = (0..SERIES).map(|_| one()).collect();
        let tables = baselines.iter().map(|b| Tables::new(b, b.probabilities(), zone, 0.0));
        Self { tables: tables.collect(), baselines }
    }
}

/// The model as it is watched.
#[derive(Debug)]
pub struct Model<'a> {
    reference: &'a Reference,
    series: Vec<Watched<'a>>,
    random: Xoshiro256PlusPlus,
    correlation: f64,
    rule: Rule,
    /// `ln A` of each series.
    log_a: f64,
    /// The further statistic, logarithm.
    product: f64,
    shifted: (usize, f64),
    pane: usize,
}

#[derive(Debug)]
struct Watched<'a> {
    coder: Coder<'a>,
    evidence: Evidence,
    recent: Vec<f32>,
    counts: Vec<u32>,
}

impl<'a> Model<'a> {
    /// A watch that begins now. `promise`: panes to a false alarm of the whole model.
    pub fn new(
        reference: &'a Reference,
        rule: Rule,
        correlation: f64,
        promise: f64,
        seed: u64,
    ) -> Self {
        let log_a = (promise * SERIES as f64).ln();
        let series = reference.baselines.iter().zip(&reference.tables).map(|(baseline, tables)| {
            let mut evidence = Evidence::new(tables);
            evidence.set_log_promise(log_a);
            let codes = tables.codes();
            let coder = Coder::new(&baseline.encoder);
            Watched { coder, evidence, recent: vec![0.0; codes], counts: vec![0; codes] }
        });
        Self {
            series: series.collect(),
            reference,
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
            correlation,
            rule,
            log_a,
            product: f64::NEG_INFINITY,
            shifted: (0, 0.0),
            pane: 0,
        }
    }

    /// From now on so many series are shifted, in standard deviations of a value: up and down in turns.
    pub fn shift(&mut self, series: usize, sigma: f64) {
        self.shifted = (series, sigma);
    }

    /// The next pane; how many findings it brings.
    pub fn pane(&mut self) -> usize {
        let (common, own) = (self.correlation.sqrt(), (1.0 - self.correlation).sqrt());
        for series in &mut self.series {
            series.counts.fill(0);
        }
        for _ in 0..EVENTS {
            let shared: f64 = StandardNormal.sample(&mut self.random);
            for (at, series) in self.series.iter_mut().enumerate() {
                let normal: f64 = StandardNormal.sample(&mut self.random);
                let sign = if at.is_multiple_of(2) { 1.0 } else { -1.0 };
                let shift = if at < self.shifted.0 { self.shifted.1 } else { 0.0 };
                // The sign turns the whole series, so that those that move against each other are those
                // that depend on each other that way.
                let value = sign * (common * shared + own * normal + shift);
                series.counts[series.coder.code(Some(value))] += 1;
            }
        }
        let mut step = 0.0;
        for (series, tables) in self.series.iter_mut().zip(&self.reference.tables) {
            step += series.take(tables, self.pane, self.rule.is_product());
        }
        self.pane += 1;
        self.decide(step)
    }

    /// `step`: what the ticks of all series are worth together. A further statistic has half of the budget.
    fn decide(&mut self, step: f64) -> usize {
        let half = if self.rule.is_product() { core::f64::consts::LN_2 } else { 0.0 };
        let mut alarms = 0;
        for series in &mut self.series {
            if series.evidence.log_mixture() >= self.log_a + half {
                series.evidence.restart();
                alarms += 1;
            }
        }
        match self.rule {
            Rule::Alone => {}
            Rule::Together => alarms += self.sums(),
            Rule::Product => alarms += self.products(step),
            Rule::Tempered(by) => {
                alarms += self.products(step / (1.0 + (SERIES as f64 - 1.0) * by));
            }
        }
        alarms
    }

    fn sums(&mut self) -> usize {
        let part = self.log_a - (SERIES as f64).ln();
        let logs = self.series.iter().map(|series| series.evidence.log_mixture()).enumerate();
        let mut rest: Vec<(usize, f64)> = logs.filter(|(_, log)| *log >= part).collect();
        rest.sort_by(|a, b| b.1.total_cmp(&a.1));
        let mut alarms = 0;
        while let Some((count, _)) =
            fewest(&rest.iter().map(|(_, log)| *log).collect::<Vec<_>>(), self.log_a)
        {
            for (at, _) in rest.drain(..count) {
                self.series[at].evidence.restart();
            }
            alarms += 1;
        }
        alarms
    }

    fn products(&mut self, step: f64) -> usize {
        let log_threshold = self.log_a - (SERIES as f64).ln() + core::f64::consts::LN_2;
        self.product = (1.0 + self.product.exp()).ln() + step;
        if self.product < log_threshold {
            return 0;
        }
        self.product = f64::NEG_INFINITY;
        1
    }
}

impl Watched<'_> {
    /// Takes its counts. Where it is asked for: the logarithm of the e-value that the series' lanes, each
    /// with the weight of its evidence so far, make of the tick; else 0.
    fn take(&mut self, tables: &Tables, pane: usize, asked: bool) -> f64 {
        if pane.is_multiple_of(WINDOW_PANES) {
            self.evidence.learn(tables.learned(&self.recent));
            self.recent.iter_mut().for_each(|n| *n *= 0.5);
        }
        let before = self.evidence.log_mixture();
        // What begins with this tick, and was there before it.
        let mut fresh = (asked && before.is_finite()).then(|| self.evidence.clone());
        self.evidence.tick(tables, &self.counts, pane as i64);
        self.recent.iter_mut().zip(&self.counts).for_each(|(sum, n)| *sum += *n as f32);
        let Some(fresh) = &mut fresh else { return 0.0 };
        fresh.restart();
        fresh.tick(tables, &self.counts, pane as i64);
        let went_on = self.evidence.log_mixture().exp() - fresh.log_mixture().exp();
        went_on.max(1e-300).ln() - before
    }
}
