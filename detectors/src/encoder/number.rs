//! Numbers: tail-aware quantile bins of the baseline, plus below range and above range.
//!
//! Codes stand in the order of the values: 0 is below, then the bins, then above, `null`, `invalid`.

use serde::{Deserialize, Serialize};

use super::sizes::BINS_MAX;
use super::sketch::Sketch;

/// Shares at which bins should end: finer in the tails, where latency and length changes show first.
const TARGETS: [f64; BINS_MAX - 1] = [
    0.002, 0.005, 0.01, 0.02, 0.04, 0.07, 0.11, 0.16, 0.21, 0.26, 0.31, 0.36, 0.41, 0.46, 0.51,
    0.56, 0.61, 0.66, 0.71, 0.76, 0.81, 0.86, 0.90, 0.935, 0.96, 0.98, 0.99, 0.995, 0.998,
];
/// Fewest baseline values in a bin: fewer make its share a guess.
const BIN_EVENTS_MIN: u64 = 5;
const THRESHOLDS: usize = 32;

/// Encodes numbers by comparing them with at most 31 thresholds.
/// ```
/// use driftline_detectors::encoder::{NumberEncoder, Sketch};
///
/// let mut sketch = Sketch::new(512);
/// sketch.extend(&mut (0..10_000).map(f64::from).collect::<Vec<_>>());
/// let encoder = NumberEncoder::from_sketch(&sketch);
/// assert_eq!(encoder.bins(), 27);
/// assert_eq!(encoder.encode(-1.0), 0, "below the range");
/// assert_eq!(encoder.encode(20_000.0), 28, "above it");
/// let code = encoder.encode(5_000.0);
/// assert!((4_000.0..6_000.0).contains(&encoder.typical(code)));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Edges", into = "Edges")]
pub struct NumberEncoder {
    edges: Vec<f64>,
    /// Code = number of thresholds that the value reaches. Padded with infinity, which none reaches.
    thresholds: [f64; THRESHOLDS],
}

/// An encoder as it is stored: `bins + 1` edges, the last one inclusive; none where no number was seen.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Edges(Vec<f64>);

impl From<Edges> for NumberEncoder {
    fn from(edges: Edges) -> Self {
        NumberEncoder::from_edges(edges.0)
    }
}

impl From<NumberEncoder> for Edges {
    fn from(encoder: NumberEncoder) -> Self {
        Edges(encoder.edges)
    }
}

impl NumberEncoder {
    /// Bins of the values in `sketch`. Each distinct value has a bin of its own where they are few.
    pub fn from_sketch(sketch: &Sketch) -> Self {
        let cells: Vec<_> = sketch.cells().collect();
        let total = sketch.len();
        let (Some(first), Some(last)) = (cells.first(), cells.last()) else {
            return Self::from_edges(Vec::new());
        };
        let mut edges = vec![first.low];
        let few = cells.len() <= BINS_MAX;
        let gaps = 2 * cells.len() <= BINS_MAX;
        let (mut before, mut in_bin) = (0, 0);
        for pair in cells.windows(2) {
            before += pair[0].count;
            in_bin += pair[0].count;
            let start = (before - in_bin) as f64 / total as f64;
            let target = TARGETS.iter().copied().find(|t| *t > start + 1e-12);
            let full = target.is_some_and(|t| before as f64 >= t * total as f64)
                && in_bin >= BIN_EVENTS_MIN
                && total - before >= BIN_EVENTS_MIN;
            if few || (full && edges.len() < BINS_MAX) {
                // Between few known values there is room for unknown ones: they get bins of their own.
                if gaps {
                    edges.push(pair[0].high.next_up());
                }
                edges.push(pair[1].low);
                in_bin = 0;
            }
        }
        edges.push(last.high);
        Self::from_edges(edges)
    }

    /// Bins between the given edges: rising, the last one inclusive; at most [`BINS_MAX`] bins are kept.
    pub fn from_edges(mut edges: Vec<f64>) -> Self {
        edges.truncate(BINS_MAX + 1);
        let mut thresholds = [f64::INFINITY; THRESHOLDS];
        if let Some((last, lower)) = edges.split_last() {
            thresholds[..lower.len()].copy_from_slice(lower);
            thresholds[lower.len()] = last.next_up();
        }
        Self { edges, thresholds }
    }

    /// Number of bins.
    pub fn bins(&self) -> usize {
        self.edges.len().saturating_sub(1)
    }

    /// The code of a number; NaN and infinities are `invalid`.
    #[inline]
    pub fn encode(&self, value: f64) -> usize {
        if !value.is_finite() {
            return self.bins() + 3;
        }
        // A branch-free binary search: five steps, none of which depends on a prediction.
        let mut at = 0;
        for step in [16, 8, 4, 2, 1] {
            at += if value >= self.thresholds[at + step - 1] { step } else { 0 };
        }
        at
    }

    /// A number that stands for a code: the middle of its bin, or the edge next to it. NaN for others.
    pub fn typical(&self, code: usize) -> f64 {
        match (code, self.bins()) {
            (_, 0) => f64::NAN,
            (0, _) => self.edges[0],
            (c, bins) if c <= bins => {
                let (low, high) = (self.edges[c - 1], self.edges[c]);
                if low > 0.0 && high > 4.0 * low {
                    libm::sqrt(low * high)
                } else {
                    low / 2.0 + high / 2.0
                }
            }
            (c, bins) if c == bins + 1 => self.edges[bins],
            _ => f64::NAN,
        }
    }

    /// The quantile of code weights (counts or shares), interpolated within its bin; `None` where no
    /// number was seen.
    pub fn quantile(&self, weights: &[f64], share: f64) -> Option<f64> {
        let ordered = weights.get(..self.bins() + 2).filter(|_| self.bins() > 0)?;
        let total: f64 = ordered.iter().sum();
        let mut left = share * total;
        for (code, weight) in ordered.iter().enumerate() {
            if *weight > 0.0 && left <= *weight {
                return Some(match code {
                    c if (1..=self.bins()).contains(&c) => {
                        self.edges[c - 1] + (self.edges[c] - self.edges[c - 1]) * left / weight
                    }
                    c => self.typical(c),
                });
            }
            left -= weight;
        }
        (total > 0.0).then(|| self.typical(self.bins()))
    }

    /// Counts of this encoder's ordered codes in those of another. What a bin holds is spread evenly over
    /// its span, so it is exact where edges agree and near elsewhere.
    pub fn recode(&self, counts: &[u64], to: &NumberEncoder) -> Vec<u64> {
        let mut sums = vec![0.0; to.bins() + 2];
        let count = |code: usize| counts.get(code).map_or(0.0, |n| *n as f64);
        if let (Some(first), Some(last)) = (self.edges.first(), self.edges.last()) {
            sums[to.encode(first.next_down())] += count(0);
            sums[to.encode(last.next_up())] += count(self.bins() + 1);
        }
        for (bin, edges) in self.edges.windows(2).enumerate() {
            let (low, high) = (edges[0], edges[1]);
            let inner = to.thresholds.iter().copied().filter(|t| low < *t && *t < high);
            let cuts: Vec<f64> = std::iter::once(low).chain(inner).chain([high]).collect();
            for cut in cuts.windows(2) {
                let part = if high > low { (cut[1] - cut[0]) / (high - low) } else { 1.0 };
                sums[to.encode(cut[0])] += part * count(bin + 1);
            }
        }
        sums.into_iter().map(|sum| libm::round(sum) as u64).collect()
    }

    /// A code in words.
    pub fn label(&self, code: usize) -> String {
        let bins = self.bins();
        match code {
            _ if bins == 0 => "any number".into(),
            0 => format!("below {}", short(self.edges[0])),
            c if c <= bins => match (short(self.edges[c - 1]), short(self.edges[c])) {
                (low, high) if low == high => low,
                (low, high) => format!("{low} to {high}"),
            },
            _ => format!("above {}", short(self.edges[bins])),
        }
    }
}

/// Four significant digits, without an exponent where a person would not write one.
pub(crate) fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let magnitude = libm::floor(libm::log10(value.abs())) as i32;
    if !(-5..15).contains(&magnitude) {
        return format!("{value:.3e}");
    }
    let text = format!("{value:.*}", (3 - magnitude).clamp(0, 9) as usize);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_string()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoder(values: &[f64]) -> NumberEncoder {
        let mut sketch = Sketch::new(1024);
        sketch.extend(&mut values.to_vec());
        NumberEncoder::from_sketch(&sketch)
    }

    #[test]
    fn bins_follow_the_quantiles_and_the_tails_are_finer() {
        let values: Vec<f64> = (0..10_000).map(f64::from).collect();
        let e = encoder(&values);
        assert!(e.bins() >= BINS_MAX - 2);
        let mut counts = vec![0; e.bins() + 4];
        values.iter().for_each(|v| counts[e.encode(*v)] += 1);
        assert_eq!((counts[0], counts[e.bins() + 1]), (0, 0));
        assert!(counts[1] < 60 && counts[15] > 400, "{counts:?}");
        assert!(counts[1..=e.bins()].iter().all(|c| *c >= 5));
    }

    #[test]
    fn range_null_and_invalid_have_codes() {
        // Three known values, and the two gaps between them.
        let e = encoder(&[1.0, 2.0, 2.0, 3.0]);
        assert_eq!(e.bins(), 5);
        assert_eq!([0.5, 1.0, 1.5, 2.0, 3.0, 3.1].map(|v| e.encode(v)), [0, 1, 2, 3, 5, 6]);
        assert_eq!([1, 2, 3].map(|c| e.label(c)), ["1", "1 to 2", "2"]);
        assert_eq!([f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(|v| e.encode(v)), [8; 3]);
    }

    #[test]
    fn recoding_keeps_the_total_and_the_quantiles() {
        let values: Vec<f64> =
            (0..20_000).map(|i| (f64::from(i * 7919 % 20_000) / 2500.0).exp()).collect();
        let (a, b) = (encoder(&values[..9_000]), encoder(&values[9_000..]));
        let count = |e: &NumberEncoder, values: &[f64]| {
            let mut counts = vec![0u64; e.bins() + 4];
            values.iter().for_each(|v| counts[e.encode(*v)] += 1);
            counts
        };
        let (from, wanted) = (count(&a, &values), count(&b, &values));
        let recoded = a.recode(&from, &b);
        assert!(recoded.iter().sum::<u64>().abs_diff(20_000) < 20);
        for (made, wanted) in recoded.iter().zip(&wanted) {
            assert!(made.abs_diff(*wanted) < 150, "{recoded:?} {wanted:?}");
        }
        assert_eq!(a.recode(&from, &a)[..], from[..a.bins() + 2]);
    }

    #[test]
    fn a_constant_has_one_bin_and_no_value_at_all_has_none() {
        let e = encoder(&[7.0; 100]);
        assert_eq!(e.bins(), 1);
        assert_eq!([6.9, 7.0, 7.1].map(|v| e.encode(v)), [0, 1, 2]);
        assert_eq!(e.label(1), "7");
        let none = encoder(&[]);
        assert_eq!((none.bins(), none.encode(1.0)), (0, 0));
    }

    #[test]
    fn encoding_equals_the_plain_definition() {
        let values: Vec<f64> =
            (0..5000).map(|i| ((i * 7919 % 4999) as f64).powi(2) / 3.0).collect();
        let e = encoder(&values);
        for v in (-10..90_000).map(|i| f64::from(i) * 97.3) {
            let plain = if v < e.edges[0] {
                0
            } else if v > e.edges[e.bins()] {
                e.bins() + 1
            } else {
                e.edges[..e.bins()].iter().filter(|edge| v >= **edge).count()
            };
            assert_eq!(e.encode(v), plain, "{v}");
        }
    }
}
