//! The whole state: as bytes and back, as a cheap copy, and under other settings.

pub(super) mod carry_over;
pub(super) mod fork;
pub(super) mod frames;
pub(super) mod snapshot;
