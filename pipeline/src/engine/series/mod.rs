//! A watched series: how it takes ticks, and, while it carries a finding, when that is over.

pub(super) mod finding_ref;
pub(super) mod resolution;
pub(super) mod tick;
pub(super) mod watched;
