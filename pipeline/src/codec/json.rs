//! JSON messages: one event, or a list of events. White space around the value is fine, line breaks in it
//! too; an empty list holds no event and is fine.
//!
//! Invariant: a message either counts whole or is one reject, and then none of its events count.

use super::bad_record::BadRecord;
use super::batch_builder::{BatchBuilder, checked_utf8};
use super::contract::{Codec, DecodeMessages, MessageCodec};
use super::format::Format;
use super::json_scanner::JsonScanner;
use super::json_text::{bad_json, byte, skip_space, skip_value};
use super::message::Message;
use super::setup::Setup;
use crate::model::Reason;

/// Messages of JSON.
#[derive(Debug)]
pub(crate) struct Json;

static FORMAT: Format = Format {
    name: "json",
    extensions: &[],
    magic: &[],
    doc: "A JSON object, or a list of them, UTF-8.",
};

impl Codec for Json {
    fn format(&self) -> &'static Format {
        &FORMAT
    }

    fn messages(&self) -> Option<&dyn MessageCodec> {
        Some(self)
    }
}

impl MessageCodec for Json {
    fn decoder(&self, setup: Setup<'_>) -> Box<dyn DecodeMessages> {
        Box::new(JsonDecoder { scanner: JsonScanner::new(setup.limits.depth_max) })
    }
}

#[derive(Debug)]
struct JsonDecoder {
    scanner: JsonScanner,
}

impl DecodeMessages for JsonDecoder {
    #[inline]
    fn message(
        &mut self,
        message: &Message<'_>,
        batch: &mut BatchBuilder,
    ) -> Result<(), BadRecord> {
        let (value, offset) = (message.value, message.offset);
        let text = match simdutf8::basic::from_utf8(value) {
            Ok(text) => text,
            Err(_) => checked_utf8(value)?,
        };
        let start = skip_space(value, 0);
        match byte(value, start) {
            b'[' => self.list(text, start, offset, batch),
            0 if start == value.len() => Err(BadRecord::new(Reason::InvalidJson, "empty value")),
            _ => batch.add(&mut self.scanner, text, start..text.len(), offset),
        }
    }
}

impl JsonDecoder {
    /// A list of events.
    #[inline(never)]
    fn list(
        &mut self,
        text: &str,
        start: usize,
        offset: u64,
        batch: &mut BatchBuilder,
    ) -> Result<(), BadRecord> {
        let depth_max = batch.limits().depth_max;
        let bytes = text.as_bytes();
        let invalid = |at: usize| bad_json((Reason::InvalidJson, at));
        let mut open = Vec::new();
        let mut at = skip_space(bytes, start + 1);
        if byte(bytes, at) != b']' {
            loop {
                // The list is one level of the depth that a record may have.
                let end = skip_value(bytes, at, 1, depth_max, &mut open).map_err(bad_json)?;
                batch.add(&mut self.scanner, text, at..end, offset)?;
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
#[path = "json_tests.rs"]
mod tests;
