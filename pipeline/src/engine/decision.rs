//! What was decided, for those who tell it.

/// Events of a finding about a span, or about silence: it does not rest on single events, and no minimum
/// holds it up.
pub(crate) const NO_EVENTS: u64 = u64::MAX;

/// When it was decided, and by what threshold.
pub(crate) struct Decision {
    pub(crate) end_us: i64,
    /// `ln A`.
    pub(crate) log_threshold: f64,
    /// How many series cross together, where that counts.
    pub(crate) together: Option<u64>,
}

/// A model that has stopped.
pub(crate) struct Silence {
    /// End of its last pane with events, and start of its first.
    pub(crate) since_us: i64,
    pub(crate) from_us: i64,
    pub(crate) events: u64,
    /// Events that were to be expected since it stopped.
    pub(crate) expected: f64,
    /// What that is as evidence.
    pub(crate) log_mixture: f64,
}
