//! Closing a pane: series tick, their evidence is scored, and what has enough of it is decided about.

pub(super) mod close;
pub(super) mod fleet;
pub(super) mod scalars;
pub(super) mod scratch;
pub(super) mod silence;
pub(super) mod stem;
pub(super) mod threshold;
