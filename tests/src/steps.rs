//! The real statistic with one value a step: a pane of one event.
//!
//! The baseline is learned by the real engine out of panes of one event, then the real `Evidence`
//! is fed one value at a time.

use driftline::model::{Kind, Settings};
use driftline_detectors::baseline::{Baseline, Zone};
use driftline_detectors::evidence::Evidence;
use driftline_detectors::lanes::Tables;

use crate::promise::{Coder, WINDOW_PANES, learn_values};

/// Values to a false alarm that are promised.
pub const PROMISE: f64 = 10_000.0;

/// What the statistic knows of a stream in control.
#[derive(Debug)]
pub struct Reference {
    baseline: Baseline,
    tables: Tables,
}

impl Reference {
    /// Learned from values.
    ///
    /// # Panics
    /// Where the engine does not watch at the end: an error of the test.
    pub fn learn(kind: Kind, values: &[f64], zone: Zone) -> Self {
        let values: Vec<Option<f64>> = values.iter().copied().map(Some).collect();
        Self::of(learn_values(kind, &values, 1, zone), zone)
    }

    /// Of a baseline that is known.
    pub fn of(baseline: Baseline, zone: Zone) -> Self {
        let slack_z = Settings::default().detect.slack_z;
        let tables = Tables::new(&baseline, baseline.probabilities(), zone, slack_z);
        Self { baseline, tables }
    }

    /// A watch that begins now.
    pub fn watch(&self) -> Watch<'_> {
        let codes = self.tables.codes();
        let mut evidence = Evidence::new(&self.tables);
        evidence.set_log_promise(PROMISE.ln());
        Watch {
            tables: &self.tables,
            coder: Coder::new(&self.baseline.encoder),
            evidence,
            recent: vec![0.0; codes],
            counts: vec![0; codes],
            step: 0,
        }
    }
}

/// The statistic as it runs.
#[derive(Debug, Clone)]
pub struct Watch<'a> {
    tables: &'a Tables,
    coder: Coder<'a>,
    evidence: Evidence,
    recent: Vec<f32>,
    counts: Vec<u32>,
    step: usize,
}

impl Watch<'_> {
    /// For how many steps what comes may be a change.
    pub fn held(&self) -> u32 {
        self.evidence.ticks_held()
    }

    /// Begins anew after an alarm, as in production.
    pub fn restart(&mut self) {
        self.evidence.restart();
    }

    /// Takes a value; the logarithm of the mixture after it.
    pub fn step(&mut self, value: f64) -> f64 {
        if self.step.is_multiple_of(WINDOW_PANES) {
            self.evidence.learn(self.tables.learned(&self.recent));
            self.recent.iter_mut().for_each(|n| *n *= 0.5);
        }
        let code = self.coder.code(Some(value));
        self.counts[code] = 1;
        self.evidence.tick(self.tables, &self.counts, self.step as i64);
        self.counts[code] = 0;
        self.recent[code] += 1.0;
        self.step += 1;
        self.evidence.log_mixture()
    }
}
