//! Events become counts: by pane and group, of an encoder's codes or, before there is one, of raw values.

pub(super) mod intern;
pub(super) mod pane;
pub(super) mod pane_statistics;
pub(super) mod quantiles;
pub(super) mod raw;
pub(super) mod rows;
pub(super) mod tally;
