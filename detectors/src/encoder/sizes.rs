//! How many codes there may be.

/// Most codes that an encoder may have.
pub const CODES_MAX: usize = 56;
/// Most ordinary codes (bins, centroids), without those for everything else.
pub const BINS_MAX: usize = 30;
/// Most categories that have a code of their own.
pub const VALUES_MAX: usize = CODES_MAX - 4;
