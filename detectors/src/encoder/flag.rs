//! Flags: false, true.

use serde::{Deserialize, Serialize};

/// Flags need no learning: 0 is false, 1 is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FlagEncoder;
