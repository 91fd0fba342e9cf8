//! Recorded ticks, and the same statistic run over them again.

pub(super) mod record;
pub(super) mod series_rerun;
