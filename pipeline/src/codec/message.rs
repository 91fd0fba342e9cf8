//! Values of messages: one event, or a JSON list of events, with the broker's time as an upper bound.
//!
//! All events of a message have its offset. Invariant: a message either counts whole or is one reject,
//! and then none of its events count.

use super::json_text::{byte, fault, skip_space, skip_value};
use super::record::Fault;
use super::{Decoder, checked, reject};
use crate::model::{Reason, Reject};

impl Decoder {
    /// Decodes the value of a message. Its events are in the batch that [`Decoder::finish`] gives next,
    /// and so is its reject, which is given back, too. Events later than `not_after_us` (microseconds
    /// since 1970; none = no bound but the decoder's) are in the future. White space around the value is
    /// fine, line breaks in it too; an empty list holds no event and is fine.
    #[inline]
    pub fn message(
        &mut self,
        partition: u32,
        offset: u64,
        value: &[u8],
        not_after_us: Option<i64>,
    ) -> Option<&Reject> {
        let bound_us = self.bounds.not_after_us;
        if let Some(us) = not_after_us {
            self.bounds.not_after_us = bound_us.min(us.saturating_add(1));
        }
        let result = self.value(value, offset);
        self.bounds.not_after_us = bound_us;
        let fault = result.err()?;
        self.columns.rejects.push(reject(fault, partition, offset, value));
        self.columns.rejects.last()
    }

    /// Events that wait for [`Decoder::finish`].
    pub fn rows(&self) -> usize {
        self.columns.rows()
    }

    #[inline]
    fn value(&mut self, value: &[u8], offset: u64) -> Result<(), Fault> {
        self.check_length(value.len())?;
        let text = match simdutf8::basic::from_utf8(value) {
            Ok(text) => text,
            Err(_) => checked(value)?,
        };
        let start = skip_space(value, 0);
        match byte(value, start) {
            b'[' => self.list(text, start, offset),
            0 if start == value.len() => Err(Fault::new(Reason::InvalidJson, "empty value")),
            _ => self.line(text, start, text.len(), offset),
        }
    }

    /// A list of events: all of them, or none.
    #[inline(never)]
    fn list(&mut self, text: &str, start: usize, offset: u64) -> Result<(), Fault> {
        let rows = self.columns.rows();
        let result = self.elements(text, start, offset);
        if result.is_err() {
            self.columns.truncate(rows);
        }
        result
    }

    fn elements(&mut self, text: &str, start: usize, offset: u64) -> Result<(), Fault> {
        let bytes = text.as_bytes();
        let invalid = |at: usize| fault((Reason::InvalidJson, at));
        let mut open = Vec::new();
        let mut at = skip_space(bytes, start + 1);
        if byte(bytes, at) != b']' {
            loop {
                // The list is one level of the depth that a record may have.
                let end =
                    skip_value(bytes, at, 1, self.limits.depth_max, &mut open).map_err(fault)?;
                self.line(text, at, end, offset)?;
                at = skip_space(bytes, end);
                match byte(bytes, at) {
                    b',' => at = skip_space(bytes, at + 1),
                    b']' => break,
                    _ => return Err(invalid(at)),
                }
            }
        }
        let end = skip_space(bytes, at + 1);
        if end == bytes.len() { Ok(()) } else { Err(invalid(end)) }
    }
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
