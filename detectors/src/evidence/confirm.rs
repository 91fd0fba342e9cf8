//! Confirmation: no single tick decides, however wild it is.
//!
//! Evidence above a part of `ln A` waits for the next tick, and counts if that says as much, or half. A
//! burst of one caller is over after one tick, a change is not; and a burst does not decide together with
//! another an hour later. To withhold some evidence only ever makes a product of e-values smaller.

use serde::{Deserialize, Serialize};

use crate::lanes::LANES_MAX;

/// Most evidence that one tick may have before the next one confirms it, in parts of `ln A`.
const ALONE_SHARE: f64 = 0.35;
/// How many times its own evidence a tick confirms.
const CONFIRMS: f64 = 2.0;

/// Evidence of the last tick that waits to be confirmed, lane by lane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Withheld([f32; LANES_MAX]);

/// The evidence that a tick adds to a lane.
#[derive(Debug, Clone, Copy)]
pub(super) struct Confirmed {
    /// Of its own evidence.
    pub(super) now: f64,
    /// Of that of the tick before, which had to wait.
    pub(super) before: f64,
}

impl Withheld {
    pub(super) const NONE: Self = Self([0.0; LANES_MAX]);

    /// Whether any evidence of a tick has to wait, or any waits for it.
    #[inline]
    pub(super) fn concerns(&self, evidence: &[f64; LANES_MAX], log_promise: f64) -> bool {
        let alone = ALONE_SHARE * log_promise;
        let is_wild = evidence.iter().fold(false, |is, e| is | (*e > alone));
        is_wild || self.0.iter().fold(false, |is, withheld| is | (*withheld > 0.0))
    }

    /// What counts of a tick's `evidence` in a lane.
    pub(super) fn confirm(&mut self, lane: usize, evidence: f64, log_promise: f64) -> Confirmed {
        let alone = ALONE_SHARE * log_promise;
        let withheld = f64::from(std::mem::take(&mut self.0[lane]));
        let before = withheld.min(CONFIRMS * evidence.max(0.0));
        if evidence <= alone || withheld > 0.0 {
            return Confirmed { now: evidence, before };
        }
        self.0[lane] = (evidence - alone) as f32;
        Confirmed { now: alone, before }
    }
}
