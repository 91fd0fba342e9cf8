//! The promise: `ln A`, where a statistic that reaches `A` raises an alarm, so that the mean time to a false
//! one is at least `A` ticks.
//!
//! The error of an estimate costs the more, the larger `A` is, so tempering, slack and weights need one.
//! They take one of usual size instead of that of the budget: a series' evidence must not depend on a
//! budget that may change, nor on how many series share it.

/// `ln A` that a baseline's tempering, slack and weights are made for.
pub(crate) const BASELINE_LOG_PROMISE: f64 = 14.0;
/// `ln A` that evidence follows while it is watched: one false alarm a week over 150 series with panes of
/// 10 s.
pub(crate) const WATCHED_LOG_PROMISE: f32 = 16.0;
