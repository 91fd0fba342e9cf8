//! Messages of one partition to decoded batches: where one ends, what is counted, what is at its end.
//!
//! Not here: librdkafka. Invariant: batches of a partition follow each other without a gap or an overlap,
//! none spans a cut, and rejects agree one to one with the original messages.

use crate::codec::Decoder;
use crate::model::stream::{Fetched, Original};

use super::reading::Reading;

/// Messages in one `Fetched` at most.
const MESSAGES_MAX: u64 = 4096;
/// Bytes of keys and values in one, after which it is ended.
const BYTES_MAX: usize = 1 << 20;

/// What a partition tells.
#[derive(Debug, Clone, Copy)]
pub(super) enum Arrival<'a> {
    /// A message.
    Message {
        /// Its offset.
        offset: i64,
        /// Broker time, milliseconds since 1970.
        timestamp_ms: Option<i64>,
        /// Key.
        key: Option<&'a [u8]>,
        /// Value.
        value: Option<&'a [u8]>,
    },
    /// All there was has been read; the next message has at least this offset.
    End(i64),
    /// What comes next could not be unpacked, and is left out.
    Unreadable,
}

/// Decodes what arrives.
#[derive(Debug)]
pub(super) struct Arrivals {
    decoder: Decoder,
    max_future_us: i64,
}

/// A `Fetched` in the making.
#[derive(Debug)]
struct Draft {
    first: i64,
    messages: u64,
    tombstones: u64,
    bytes: usize,
    originals: Vec<Original>,
    broker_time_ms: Option<i64>,
    at_end: bool,
}

impl Arrivals {
    pub(super) fn new(decoder: Decoder, max_future_us: i64) -> Self {
        Self { decoder, max_future_us }
    }

    /// Reads what arrived for one partition, in its order; `emit` gets batches of it, up to and
    /// with the last message.
    pub(super) fn read<'a>(
        &mut self,
        reading: &mut Reading,
        arrived: impl Iterator<Item = Arrival<'a>>,
        emit: &mut impl FnMut(Fetched),
    ) {
        let mut draft = Draft::new(reading.next);
        for arrival in arrived {
            match arrival {
                // Of an earlier assignment, or sent twice: it has been read.
                Arrival::Message { offset, .. } if offset < reading.next => {}
                Arrival::Message { offset, timestamp_ms, key, value } => {
                    reading.step_over(offset);
                    draft.at_end = false;
                    let full = draft.messages >= MESSAGES_MAX || draft.bytes >= BYTES_MAX;
                    if (reading.pass_cuts(offset) || full) && draft.messages > 0 {
                        self.close(&mut draft, reading, emit);
                    }
                    if draft.messages == 0 {
                        draft.first = offset;
                    }
                    self.message(&mut draft, reading, offset, timestamp_ms, key, value);
                    reading.next = offset + 1;
                    reading.end_told = None;
                }
                Arrival::End(offset) => {
                    let end = offset.max(reading.next);
                    reading.step_over(end);
                    if reading.pass_cuts(end) && draft.messages > 0 {
                        self.close(&mut draft, reading, emit);
                    }
                    reading.next = end;
                    draft.at_end = reading.end_told != Some(end);
                    reading.end_told = Some(end);
                }
                Arrival::Unreadable => reading.unreadable = true,
            }
        }
        if draft.messages > 0 || draft.at_end {
            self.close(&mut draft, reading, emit);
        }
    }

    #[inline]
    fn message(
        &mut self,
        draft: &mut Draft,
        reading: &Reading,
        offset: i64,
        timestamp_ms: Option<i64>,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
    ) {
        draft.messages += 1;
        draft.bytes += key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len);
        draft.broker_time_ms = draft.broker_time_ms.max(timestamp_ms);
        let Some(value) = value else {
            draft.tombstones += 1;
            return;
        };
        let not_after_us =
            timestamp_ms.map(|ms| ms.saturating_mul(1000).saturating_add(self.max_future_us));
        let number = u64::try_from(offset).unwrap_or(0);
        if let Some(reject) = self.decoder.message(reading.partition, number, value, not_after_us) {
            draft.originals.push(Original {
                offset,
                timestamp_ms,
                key: key.map(<[u8]>::to_vec),
                payload: value.to_vec(),
                reason: reject.reason.name(),
                detail: reject.detail.clone(),
            });
        }
    }

    /// Goes on at `offset`, since what is before it is gone: an empty batch that says so.
    pub(super) fn jump(&mut self, reading: &mut Reading, offset: i64) -> Fetched {
        reading.next = offset;
        reading.end_told = None;
        reading.pass_cuts(offset);
        let mut jump = None;
        self.close(&mut Draft::new(offset), reading, &mut |fetched| jump = Some(fetched));
        jump.expect("closing a draft emits one batch")
    }

    /// Ends the batch at `reading.next`, and begins the next one there.
    fn close(&mut self, draft: &mut Draft, reading: &Reading, emit: &mut impl FnMut(Fetched)) {
        let next = reading.next;
        let draft = std::mem::replace(draft, Draft::new(next));
        emit(Fetched {
            assignment: reading.assignment,
            partition: reading.partition,
            first: if draft.messages > 0 { draft.first } else { next },
            next,
            batch: self.decoder.finish(reading.partition),
            originals: draft.originals,
            messages: draft.messages,
            tombstones: draft.tombstones,
            bytes: draft.bytes,
            at_end: draft.at_end,
            end: None,
            broker_time_ms: draft.broker_time_ms,
        });
    }
}

impl Draft {
    fn new(first: i64) -> Self {
        Self {
            first,
            messages: 0,
            tombstones: 0,
            bytes: 0,
            originals: Vec::new(),
            broker_time_ms: None,
            at_end: false,
        }
    }
}

#[cfg(test)]
#[path = "arrival_tests.rs"]
mod tests;
