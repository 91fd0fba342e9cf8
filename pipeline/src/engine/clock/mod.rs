//! Which events count: the clock of each partition, and the events that its end left undecided.

pub(super) mod partition;
pub(super) mod strays;
