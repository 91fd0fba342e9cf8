//! Sliding windows against a baseline: PSI, chi-square, Kolmogorov-Smirnov, and KSWIN's two halves.

use std::collections::VecDeque;
use std::sync::Arc;

use super::known::{Bins, Known};

/// Share that an empty bin is given by the popular PSI (Evidently and others).
const EMPTY_SHARE: f64 = 1e-4;

/// What is summed over bins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Distance {
    /// Population stability index; half an event is added to each bin of both sides.
    Psi,
    /// Population stability index; an empty bin has a share of 1 in 10,000.
    PopularPsi,
    /// Pearson's chi-square of the 2 x C table, baseline against window.
    ChiSquare,
}

impl Distance {
    /// A bin's part, with its events in the baseline and in the window, of so many and in so many
    /// bins.
    fn term(self, (known, all): (f64, f64), (seen, window): (f64, f64), bins: f64) -> f64 {
        let psi = |p: f64, q: f64| (q - p) * (q / p).ln();
        match self {
            Distance::Psi => {
                psi((known + 0.5) / (all + bins / 2.0), (seen + 0.5) / (window + bins / 2.0))
            }
            Distance::PopularPsi => {
                psi((known / all).max(EMPTY_SHARE), (seen / window).max(EMPTY_SHARE))
            }
            Distance::ChiSquare if known + seen == 0.0 => 0.0,
            Distance::ChiSquare => {
                all * window * (known / all - seen / window).powi(2) / (known + seen)
            }
        }
    }
}

/// The last values in bins; the distance is kept up to date in two look-ups a value.
#[derive(Debug, Clone)]
pub(crate) struct BinnedWindow {
    bins: Arc<Bins>,
    /// A bin's part for each count it may have: `bins x (window + 1)`.
    terms: Arc<Vec<f64>>,
    counts: Vec<usize>,
    last: VecDeque<usize>,
    window: usize,
    sum: f64,
}

impl BinnedWindow {
    pub(crate) fn new(known: &Known, distance: Distance, window: usize, bins: usize) -> Self {
        let (bins, counts) = known.bins(bins);
        let all = counts.iter().sum::<f64>();
        let size = bins.len() as f64;
        let of_bin = |known: &f64| {
            let known = *known;
            (0..=window).map(move |n| distance.term((known, all), (n as f64, window as f64), size))
        };
        let terms: Vec<f64> = counts.iter().flat_map(of_bin).collect();
        let sum = (0..bins.len()).map(|bin| terms[bin * (window + 1)]).sum();
        let counts = vec![0; bins.len()];
        let last = VecDeque::with_capacity(window + 1);
        Self { bins: Arc::new(bins), terms: Arc::new(terms), counts, last, window, sum }
    }

    fn count(&mut self, bin: usize, to: usize) {
        let row = bin * (self.window + 1);
        self.sum += self.terms[row + to] - self.terms[row + self.counts[bin]];
        self.counts[bin] = to;
    }

    /// The distance; `None` until the window is full.
    pub(crate) fn step(&mut self, value: f64) -> Option<f64> {
        let bin = self.bins.of(value);
        self.last.push_back(bin);
        if self.last.len() > self.window
            && let Some(oldest) = self.last.pop_front()
        {
            self.count(oldest, self.counts[oldest] - 1);
        }
        self.count(bin, self.counts[bin] + 1);
        (self.last.len() == self.window).then_some(self.sum)
    }
}

/// The last values by their place among the baseline's. In whole units of one over the product of
/// both sizes, which the compiler turns into vector code.
#[derive(Debug, Clone)]
pub(crate) struct KsWindow<'a> {
    known: &'a Known,
    /// Baseline values that are not above, times the window; rising.
    places: Vec<i32>,
    last: VecDeque<i32>,
    window: usize,
}

impl<'a> KsWindow<'a> {
    pub(crate) fn new(known: &'a Known, window: usize) -> Self {
        let places = Vec::with_capacity(window + 1);
        Self { known, places, last: VecDeque::with_capacity(window + 1), window }
    }

    /// The two-sample distance, exact where no two values are equal, if `wanted`; `None` until the
    /// window is full.
    pub(crate) fn step(&mut self, value: f64, wanted: bool) -> Option<f64> {
        let sorted = &self.known.sorted;
        let (all, window) = (sorted.len() as i32, self.window as i32);
        let place = sorted.partition_point(|known| *known <= value) as i32 * window;
        self.last.push_back(place);
        if self.last.len() > self.window
            && let Some(oldest) = self.last.pop_front()
        {
            self.places.remove(self.places.partition_point(|place| *place < oldest));
        }
        self.places.insert(self.places.partition_point(|other| *other < place), place);
        if !wanted || self.last.len() < self.window {
            return None;
        }
        let gaps = || self.places.iter().zip(0..).map(|(place, at)| place - at * all);
        let (most, least) = (gaps().fold(0, i32::max), gaps().fold(i32::MAX, i32::min));
        Some(f64::from(most.max(all - least)) / f64::from(all) / f64::from(window))
    }
}

/// KSWIN (Raab, Heusinger, Schleif 2020): the newest values against all older ones of a window.
#[derive(Debug, Clone)]
pub(crate) struct Halves {
    /// Rising ...
    sorted: Vec<f64>,
    /// ... and the number of each.
    numbers: Vec<u32>,
    last: VecDeque<f64>,
    window: usize,
    newest: usize,
    number: u32,
}

impl Halves {
    pub(crate) fn new(window: usize, newest: usize) -> Self {
        let sorted = Vec::with_capacity(window + 1);
        let numbers = Vec::with_capacity(window + 1);
        let last = VecDeque::with_capacity(window + 1);
        Self { sorted, numbers, last, window, newest, number: 0 }
    }

    /// The two-sample distance, if `wanted`; `None` until the window is full.
    pub(crate) fn step(&mut self, value: f64, wanted: bool) -> Option<f64> {
        self.last.push_back(value);
        if self.last.len() > self.window
            && let Some(oldest) = self.last.pop_front()
        {
            let at = self.sorted.partition_point(|other| *other < oldest);
            self.sorted.remove(at);
            self.numbers.remove(at);
        }
        let at = self.sorted.partition_point(|other| *other < value);
        self.sorted.insert(at, value);
        self.numbers.insert(at, self.number);
        self.number += 1;
        if !wanted || self.last.len() < self.window {
            return None;
        }
        // In units of one over the product of both sizes.
        let (newer, older) = ((self.window - self.newest) as i32, self.newest as i32);
        let first_new = self.number - self.newest as u32;
        let (mut gap, mut most, mut least) = (0, 0, 0);
        for number in &self.numbers {
            gap += if *number >= first_new { newer } else { -older };
            (most, least) = (most.max(gap), least.min(gap));
        }
        Some(f64::from(most.max(-least)) / f64::from(newer) / f64::from(older))
    }
}

#[cfg(test)]
mod tests {
    use driftline_detectors::classic::{Decision, Detector, find};
    use driftline_detectors::two_sample;
    use driftline_tests::laws::Values;

    use super::*;
    use crate::scenarios::{CATEGORIES, GAUSSIAN, Stream};

    const WINDOW: usize = 60;

    fn values(stream: &Stream, seed: u64, count: usize) -> Vec<f64> {
        let mut source = Values::new(stream.law, seed);
        (0..count).map(|_| source.draw()).collect()
    }

    #[test]
    fn windows_agree_with_the_library_at_each_value() {
        let known = Known::new(&GAUSSIAN, 1_000, 0);
        let seen = values(&GAUSSIAN, 5, 400);
        let mut window = KsWindow::new(&known, WINDOW);
        for (at, value) in seen.iter().enumerate() {
            let Some(distance) = window.step(*value, true) else { continue };
            let last = &seen[at + 1 - WINDOW..=at];
            let wanted = two_sample::ks_distance(&known.values, last).expect("a distance");
            assert!((distance - wanted).abs() < 1e-12, "{at}: {distance}, not {wanted}");
        }
    }

    #[test]
    fn binned_windows_agree_with_the_library_at_each_value() {
        let known = Known::new(&CATEGORIES, 1_000, 0);
        let seen = values(&CATEGORIES, 5, 400);
        let (bins, _) = known.bins(0);
        let counts = |values: &[f64]| {
            let mut counts = vec![0u64; bins.len()];
            values.iter().for_each(|value| counts[bins.of(*value)] += 1);
            counts
        };
        let mut window = BinnedWindow::new(&known, Distance::ChiSquare, WINDOW, 0);
        for (at, value) in seen.iter().enumerate() {
            let Some(distance) = window.step(*value) else { continue };
            let last = counts(&seen[at + 1 - WINDOW..=at]);
            let wanted = two_sample::chi_square(&counts(&known.values), &last).expect("a test");
            assert!((distance - wanted.statistic).abs() < 1e-6 * wanted.statistic, "{at}");
        }
    }

    #[test]
    fn halves_alarm_with_the_detector_of_the_library() {
        let seen = values(&GAUSSIAN, 5, 20_000);
        let mut detector = find("kswin").and_then(|d| d.build(&Default::default())).expect("kswin");
        let mut halves = Halves::new(100, 30);
        let alarm = seen.iter().position(|value| detector.update(*value) == Decision::Drift);
        let p = |distance: f64| two_sample::ks_asymptotic(distance, 70, 30);
        let found =
            seen.iter().position(|value| halves.step(*value, true).is_some_and(|d| p(d) <= 0.005));
        assert!(alarm.is_some() && alarm == found, "{alarm:?} {found:?}");
    }
}
