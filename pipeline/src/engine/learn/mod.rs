//! Groups of series, from their first pane on: how each gets its baselines, and the library of those.

pub(super) mod admit;
pub(super) mod baselines;
pub(super) mod group;
pub(super) mod learning;
pub(super) mod library;
