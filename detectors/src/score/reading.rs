//! The value of a score.

/// A score's value, corrected value and p-value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreValue {
    /// As [`Score::value`](super::Score::value).
    pub value: f64,
    /// As [`Score::corrected`](super::Score::corrected).
    pub corrected: Option<f64>,
    /// As [`Score::p_value`](super::Score::p_value).
    pub p_value: Option<f64>,
}
