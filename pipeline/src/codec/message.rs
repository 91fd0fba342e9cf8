//! A message of a topic, as a codec gets it.

/// A message of a topic. Fields may be added.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Message<'a> {
    /// Its offset, which all of its events and rejects have.
    pub offset: u64,
    /// The broker's time, milliseconds since 1970, where known.
    pub timestamp_ms: Option<i64>,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value.
    pub value: &'a [u8],
    /// Events later than this are in the future, microseconds since 1970; none = no bound but the decoder's.
    pub not_after_us: Option<i64>,
}

impl<'a> Message<'a> {
    /// A message of a value alone.
    pub fn new(offset: u64, value: &'a [u8]) -> Self {
        Self { offset, timestamp_ms: None, key: None, value, not_after_us: None }
    }
}
