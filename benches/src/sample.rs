//! Repeated measurements of one thing: the median says how fast, the range how far to trust it.

use std::hint::black_box;
use std::time::Instant;

use serde::Serialize;

/// Median and range of repeated measurements, in the unit that they were made in.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Sample {
    /// The middle value; of an even number, the mean of the two in the middle.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// How many there are.
    pub repeats: usize,
}

impl Sample {
    /// Of these values; none where there are no values.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let upper = *sorted.get(sorted.len() / 2)?;
        let lower = *sorted.get((sorted.len() - 1) / 2)?;
        Some(Self {
            median: (lower + upper) / 2.0,
            min: *sorted.first()?,
            max: *sorted.last()?,
            repeats: sorted.len(),
        })
    }
}

/// Seconds that each of `repeats` (at least one) calls takes, after one call that is not counted.
pub fn measure<T>(repeats: usize, mut run: impl FnMut() -> T) -> Sample {
    black_box(run());
    let seconds: Vec<f64> = (0..repeats.max(1)).map(|_| seconds(&mut run).0).collect();
    let worst = Sample { median: f64::NAN, min: f64::NAN, max: f64::NAN, repeats: 0 };
    Sample::of(&seconds).unwrap_or(worst)
}

/// Seconds that one call takes, with its result.
pub(crate) fn seconds<T>(run: &mut impl FnMut() -> T) -> (f64, T) {
    let begin = Instant::now();
    let result = black_box(run());
    (begin.elapsed().as_secs_f64(), result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let sample = Sample::of(&[5.0, 1.0, 9.0]).expect("values");
        assert_eq!((sample.min, sample.median, sample.max, sample.repeats), (1.0, 5.0, 9.0, 3));
        assert_eq!(Sample::of(&[4.0, 1.0, 2.0, 9.0]).expect("values").median, 3.0);
        assert_eq!(Sample::of(&[]), None);
    }

    #[test]
    fn every_call_is_measured_but_the_first() {
        let mut calls = 0;
        let sample = measure(4, || {
            calls += 1;
            std::thread::sleep(std::time::Duration::from_millis(2));
        });
        assert_eq!((calls, sample.repeats), (5, 4));
        assert!(sample.min >= 0.002 && sample.min <= sample.median && sample.median <= sample.max);
    }
}
