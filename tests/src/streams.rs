//! Seeded streams of known laws, for simulation: what a metric gives, pane by pane.
//!
//! A value is a number, a flag (0 or 1) or the number of a category; `None` is a missing one. The same
//! seed gives the same values. Not here: anything that Driftline computes of them.

use std::sync::Arc;

use arrow::array::{Float64Array, StringArray, UInt8Array, UInt32Array};
use driftline::model::Kind;
use driftline::model::batch::{Column, Labels, NULL_LABEL};
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Exp1, LogNormal, Pareto, StandardNormal, StudentT, Zipf};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Number of categories of [`Law::Categories`].
pub const LEVELS: usize = 50;
/// Share of values that are missing, where a law has any.
const MISSING: f64 = 0.01;
/// Standard deviation of a pane's own mean in [`Law::PaneEffects`], in that of one value.
const EFFECT: f64 = 0.15;
/// Part of the variance of a pane's effect that streams have in common, where they have any.
const SHARED: f64 = 0.3;
/// Correlation of neighbours in [`Law::Autoregressive`].
const CORRELATION: f64 = 0.5;

/// How values come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    /// Independent, standard normal.
    Gaussian,
    /// Independent, Student's t with 3 degrees of freedom.
    StudentT3,
    /// Independent, the exponential of a standard normal.
    Lognormal,
    /// Independent, exponential with mean 1.
    Exponential,
    /// Independent, Pareto with exponent 1.5: no variance.
    Pareto,
    /// Independent whole numbers, geometric with mean about 20: many ties.
    Whole,
    /// Normal, with a mean of its own in each pane (sd 0.15).
    PaneEffects,
    /// A Gaussian autoregression with correlation 0.5, variance 1, across panes.
    Autoregressive,
    /// Flags, 1 % true, 1 % missing.
    RareFlag,
    /// 50 categories by Zipf's law with exponent 1, 1 % missing.
    Categories,
}

impl Law {
    /// All laws.
    pub const ALL: [Law; 10] = [
        Law::Gaussian,
        Law::StudentT3,
        Law::Lognormal,
        Law::Exponential,
        Law::Pareto,
        Law::Whole,
        Law::PaneEffects,
        Law::Autoregressive,
        Law::RareFlag,
        Law::Categories,
    ];

    /// The metric's kind.
    pub fn kind(self) -> Kind {
        match self {
            Law::RareFlag => Kind::Flag,
            Law::Categories => Kind::Category,
            _ => Kind::Number,
        }
    }
}

/// A change of a law.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// Nothing changes.
    None,
    /// So much is added to every number.
    Shift(f64),
    /// Every number is multiplied.
    Factor(f64),
    /// The odds of true are multiplied.
    Odds(f64),
    /// The two most frequent categories change places.
    Swap,
}

/// An endless series of values.
#[derive(Debug, Clone)]
pub struct Stream {
    law: Law,
    random: Xoshiro256PlusPlus,
    change: Change,
    state: f64,
    effect: f64,
    common: Option<f64>,
}

impl Stream {
    /// A stationary stream.
    pub fn new(law: Law, seed: u64) -> Self {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let state = StandardNormal.sample(&mut random);
        Self { law, random, change: Change::None, state, effect: 0.0, common: None }
    }

    /// Changes the law from the next value on.
    pub fn change(&mut self, change: Change) {
        self.change = change;
    }

    /// The next pane's effect has a part in common with other streams: a standard normal number, the same
    /// for all of them.
    pub fn share(&mut self, common: f64) {
        self.common = Some(common);
    }

    /// The values of the next pane.
    pub fn pane(&mut self, events: usize, values: &mut Vec<Option<f64>>) {
        values.clear();
        let normal: f64 = StandardNormal.sample(&mut self.random);
        self.effect = EFFECT
            * match self.common.take() {
                Some(common) => SHARED.sqrt() * common + (1.0 - SHARED).sqrt() * normal,
                None => normal,
            };
        values.extend((0..events).map(|_| self.next()));
    }

    fn next(&mut self) -> Option<f64> {
        let may_miss = matches!(self.law, Law::RareFlag | Law::Categories);
        if may_miss && self.random.random::<f64>() < MISSING {
            return None;
        }
        let number = self.draw();
        Some(match self.change {
            Change::None | Change::Odds(_) => number,
            Change::Shift(by) => number + by,
            Change::Factor(by) => number * by,
            Change::Swap if number < 2.0 => 1.0 - number,
            Change::Swap => number,
        })
    }

    fn draw(&mut self) -> f64 {
        let random = &mut self.random;
        match self.law {
            Law::Gaussian => StandardNormal.sample(random),
            Law::StudentT3 => StudentT::new(3.0).expect("three is positive").sample(random),
            Law::Lognormal => LogNormal::new(0.0, 1.0).expect("finite").sample(random),
            Law::Exponential => Exp1.sample(random),
            Law::Pareto => Pareto::new(1.0, 1.5).expect("positive").sample(random),
            Law::Whole => {
                let waiting: f64 = Exp1.sample(random);
                (20.0 * waiting).floor()
            }
            Law::PaneEffects => {
                let normal: f64 = StandardNormal.sample(random);
                normal + self.effect
            }
            Law::Autoregressive => {
                let normal: f64 = StandardNormal.sample(random);
                self.state =
                    CORRELATION * self.state + (1.0 - CORRELATION * CORRELATION).sqrt() * normal;
                self.state
            }
            Law::RareFlag => {
                let odds = 0.01 / 0.99 * if let Change::Odds(by) = self.change { by } else { 1.0 };
                f64::from(random.random::<f64>() < odds / (1.0 + odds))
            }
            Law::Categories => {
                let rank: f64 = Zipf::new(LEVELS as f64, 1.0).expect("positive").sample(random);
                rank - 1.0
            }
        }
    }
}

/// Values as a column of a batch.
pub fn column(kind: Kind, values: &[Option<f64>]) -> Column {
    match kind {
        Kind::Number => Column::Number(Float64Array::from(values.to_vec())),
        Kind::Flag => Column::Flag(UInt8Array::from_iter_values(
            values.iter().map(|value| value.map_or(2, |flag| flag as u8)),
        )),
        Kind::Category => {
            let index = |value: &Option<f64>| value.map_or(NULL_LABEL, |level| level as u32);
            Column::Category(Labels {
                indices: UInt32Array::from_iter_values(values.iter().map(index)),
                values: Arc::new(StringArray::from_iter_values((0..LEVELS).map(label))),
            })
        }
        Kind::Vector => unreachable!("no law makes vectors"),
    }
}

/// The name of a category.
pub fn label(level: usize) -> String {
    format!("level {level:02}")
}
