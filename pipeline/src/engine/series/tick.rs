//! A tick of a series: what it has to say of enough events.

/// One tick of a series.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SeriesTick<'a> {
    /// Events by code.
    pub(crate) counts: &'a [u32],
    /// Their evidence by lane, nats.
    pub(crate) lanes: &'a [f64],
    pub(crate) from_us: i64,
    pub(crate) end_us: i64,
}
