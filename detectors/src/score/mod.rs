//! Scores that people know: how far a closed window's code counts are from the baseline's.
//!
//! Not evidence: nothing accumulates here and no threshold is compared. Every score carries, beside
//! its value, what it would be on average with nothing changed taken off (`corrected`) and the
//! chance of a value as large with nothing changed (`p_value`), so that a PSI of 0.2 over 50 events
//! is not read as a PSI of 0.2 over 5,000.
//!
//! Invariant: a function of the two count vectors and the positions alone, with the same bits on
//! every platform; swapping the order of the codes changes no score.

mod catalogue;
mod comparison;
pub(crate) mod contingency;
mod distance;
mod divergence;
mod reading;
pub mod shares;
pub mod surprise;

pub use catalogue::{SCORES, Score, ScoreSpec, window_scores};
pub use comparison::{CodePair, Comparison};
pub use reading::ScoreValue;

#[cfg(test)]
mod tests;
