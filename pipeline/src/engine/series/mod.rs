//! A watched series: how it takes ticks, and, while it carries a finding, when that is over.

mod before;
pub(super) mod finding_ref;
pub(super) mod resolution;
mod stored;
pub(super) mod tick;
pub(super) mod watched;
