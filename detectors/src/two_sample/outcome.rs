//! The result of a test.

/// A statistic and the chance of one as extreme when both samples have one law.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Test {
    /// The statistic, as the test defines it.
    pub statistic: f64,
    /// The p-value, `0..=1`; two-sided where there are sides.
    pub p_value: f64,
}
