//! Closing a pane: series tick, their evidence is scored, and what has enough of it is decided about.

pub(super) mod close;
pub(super) mod fleet;
pub(super) mod further;
pub(super) mod gather;
pub(super) mod silence;
pub(super) mod spans;
pub(super) mod threshold;
pub(super) mod ticks;
