//! Encoders: a value of any kind becomes a small integer, its *code*.
//!
//! All encoders end with the codes `null` and `invalid`, so that missing and broken values are a part of
//! the distribution instead of a hole in it. A new kind of metric is one file here and one line in
//! [`Encoder`].

pub mod categories;
mod category;
mod flag;
mod number;
mod sizes;
pub mod sketch;
mod vector;

use serde::{Deserialize, Serialize};

pub use categories::Categories;
pub use category::CategoryEncoder;
pub use flag::FlagEncoder;
pub use number::NumberEncoder;
pub use sizes::{BINS_MAX, CODES_MAX, VALUES_MAX};
pub use sketch::{Cell, Sketch};
pub use vector::{VectorEncoder, VectorSample};

/// An encoder of any kind.
/// ```
/// use driftline_detectors::encoder::{Encoder, NumberEncoder};
///
/// let encoder = Encoder::Number(NumberEncoder::from_edges(vec![0.0, 100.0, 200.0]));
/// // Below, two bins, above, null, invalid.
/// assert_eq!((encoder.codes(), encoder.ordered()), (6, 4));
/// assert_eq!(encoder.label(encoder.null()), "null");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "most encoders are of numbers, and the hot path reads them"
)]
pub enum Encoder {
    /// Quantile bins, with below and above range.
    Number(NumberEncoder),
    /// Frequent values, with other and unseen.
    Category(CategoryEncoder),
    /// False and true.
    Flag(FlagEncoder),
    /// Nearest centroid, with far.
    Vector(VectorEncoder),
}

impl Encoder {
    /// Number of codes, `null` and `invalid` included.
    pub fn codes(&self) -> usize {
        match self {
            Encoder::Number(e) => e.bins() + 4,
            Encoder::Category(e) => e.values().len() + 4,
            Encoder::Flag(_) => 4,
            Encoder::Vector(e) => e.centroids() + 3,
        }
    }

    /// The code of a missing value.
    pub fn null(&self) -> usize {
        self.codes() - 2
    }

    /// The code of a value that could not be read.
    pub fn invalid(&self) -> usize {
        self.codes() - 1
    }

    /// Codes `0..ordered()` stand in the order of their values; 0 where there is no order.
    pub fn ordered(&self) -> usize {
        match self {
            Encoder::Number(e) => e.bins() + 2,
            _ => 0,
        }
    }

    /// A code in words.
    pub fn label(&self, code: usize) -> String {
        if code == self.null() {
            return "null".into();
        }
        if code >= self.invalid() {
            return "invalid".into();
        }
        match self {
            Encoder::Number(e) => e.label(code),
            Encoder::Category(e) => e.label(code),
            Encoder::Flag(_) => if code == 0 { "false" } else { "true" }.into(),
            Encoder::Vector(e) => e.label(code),
        }
    }
}
