//! Independent numbers for tests, by a small generator (SplitMix64), so that the crate needs none.

use super::special::normal_quantile;

fn bits(i: u64) -> u64 {
    let mut z = i.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// Uniform, with the mean 0 and the variance 1.
pub(crate) fn uniform(i: usize) -> f64 {
    (bits(i as u64) as f64 / u64::MAX as f64 - 0.5) * 12f64.sqrt()
}

/// Standard normal.
pub(crate) fn normal(i: u64) -> f64 {
    normal_quantile((bits(i) as f64 + 1.0) / (u64::MAX as f64 + 2.0))
}
