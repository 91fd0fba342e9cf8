//! Seeded draws. Invariant: each purpose has a stream of its own, so one more draw here moves nothing there.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// The random stream of a purpose, for a seed.
pub(crate) fn stream(seed: u64, purpose: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ purpose)
}

/// A number in `[0, 1)`.
pub(crate) fn uniform(random: &mut Xoshiro256PlusPlus) -> f64 {
    (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// An instant of `[from_us, to_us)`.
pub(crate) fn instant(random: &mut Xoshiro256PlusPlus, from_us: i64, to_us: i64) -> i64 {
    from_us + (uniform(random) * (to_us - from_us) as f64) as i64
}

/// Puts a slice in random order (Fisher and Yates).
pub(crate) fn shuffle<T>(random: &mut Xoshiro256PlusPlus, items: &mut [T]) {
    for last in (1..items.len()).rev() {
        items.swap(last, (uniform(random) * (last + 1) as f64) as usize);
    }
}
