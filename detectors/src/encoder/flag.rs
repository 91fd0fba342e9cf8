//! Flags: false, true.

use serde::{Deserialize, Serialize};

/// Flags need no learning: 0 is false, 1 is true.
/// ```
/// use driftline_detectors::encoder::{Encoder, FlagEncoder};
///
/// let encoder = Encoder::Flag(FlagEncoder);
/// assert_eq!(encoder.codes(), 4);
/// assert_eq!((encoder.label(0), encoder.label(1)), ("false".into(), "true".into()));
/// assert_eq!((encoder.null(), encoder.invalid()), (2, 3));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FlagEncoder;
