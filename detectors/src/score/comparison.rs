//! Two count vectors made comparable: codes that neither side has are gone, totals and shares are
//! worked out once.
//!
//! Invariant: both totals are positive and every kept code has an event on at least one side.

/// A code that at least one side has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CodePair {
    /// Events of the baseline with this code.
    pub baseline: f64,
    /// Events of the window with this code.
    pub window: f64,
    /// Where the code lies on a line; `None` if it has no place there (null, invalid).
    pub position: Option<f64>,
}

/// Baseline and window, ready to be scored.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The kept codes; in the order of their positions where they have one, those without last.
    pub codes: Vec<CodePair>,
    /// Events of the baseline (`N`).
    pub baseline_total: f64,
    /// Events of the window (`M`).
    pub window_total: f64,
    /// Whether positions were given at all.
    pub ordered: bool,
}

impl Comparison {
    /// Pairs the counts up; see [`window_scores`](super::window_scores). `None` when either side has no
    /// event.
    #[must_use]
    pub fn new(baseline: &[u64], window: &[u64], positions: Option<&[f64]>) -> Option<Self> {
        let count = |side: &[u64], code: usize| side.get(code).copied().unwrap_or(0) as f64;
        let mut codes: Vec<CodePair> = (0..baseline.len().max(window.len()))
            .map(|code| CodePair {
                baseline: count(baseline, code),
                window: count(window, code),
                position: positions
                    .and_then(|places| places.get(code).copied())
                    .filter(|place| place.is_finite()),
            })
            .filter(|pair| pair.baseline + pair.window > 0.0)
            .collect();
        codes.sort_by(|a, b| {
            let place = |pair: &CodePair| pair.position.unwrap_or(f64::INFINITY);
            place(a).total_cmp(&place(b))
        });
        let baseline_total = codes.iter().map(|pair| pair.baseline).sum::<f64>();
        let window_total = codes.iter().map(|pair| pair.window).sum::<f64>();
        (baseline_total > 0.0 && window_total > 0.0).then_some(Self {
            codes,
            baseline_total,
            window_total,
            ordered: positions.is_some(),
        })
    }

    /// `s = 1/N + 1/M`: the variance scale of a difference of two shares.
    #[must_use]
    pub fn noise(&self) -> f64 {
        1.0 / self.baseline_total + 1.0 / self.window_total
    }

    /// Codes with mass on either side, less one.
    #[must_use]
    pub fn degrees_of_freedom(&self) -> f64 {
        self.codes.len() as f64 - 1.0
    }

    /// Shares `(p, q)` of each code in baseline and window.
    pub fn shares(&self) -> impl Iterator<Item = (f64, f64)> {
        self.codes
            .iter()
            .map(|pair| (pair.baseline / self.baseline_total, pair.window / self.window_total))
    }

    /// As [`Self::shares`], with 1/2 added to every count on both sides, so that no share is 0.
    pub fn smoothed_shares(&self) -> impl Iterator<Item = (f64, f64)> {
        let added = self.codes.len() as f64 / 2.0;
        self.codes.iter().map(move |pair| {
            (
                (pair.baseline + 0.5) / (self.baseline_total + added),
                (pair.window + 0.5) / (self.window_total + added),
            )
        })
    }

    /// Share of each code in both sides together: the best estimate with nothing changed.
    pub fn pooled_shares(&self) -> impl Iterator<Item = f64> {
        let total = self.baseline_total + self.window_total;
        self.codes.iter().map(move |pair| (pair.baseline + pair.window) / total)
    }

    /// The part on the line: codes with a position only, totals recounted. `None` without positions
    /// or when a side has no event there.
    #[must_use]
    pub fn on_the_line(&self) -> Option<Self> {
        let codes: Vec<CodePair> =
            self.codes.iter().filter(|pair| pair.position.is_some()).copied().collect();
        let baseline_total = codes.iter().map(|pair| pair.baseline).sum::<f64>();
        let window_total = codes.iter().map(|pair| pair.window).sum::<f64>();
        (self.ordered && baseline_total > 0.0 && window_total > 0.0).then_some(Self {
            codes,
            baseline_total,
            window_total,
            ordered: true,
        })
    }
}
