//! The numbers underneath: special functions, tails of laws, corrections for overshoot, the calendar.
//!
//! Everything here is a function of its arguments alone, with the same bits on every platform.

pub(crate) mod autoregression;
#[cfg(test)]
pub(crate) mod noise;
pub(crate) mod normal;
pub(crate) mod overshoot;
pub(crate) mod promise;
pub mod special;
pub mod tails;
pub mod week;
