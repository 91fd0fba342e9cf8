//! Messages of one partition to decoded batches: where one ends, what is counted, what is at its end.
//!
//! Not here: librdkafka. Invariant: batches of a partition follow each other without a gap or an overlap,
//! none spans a cut, and rejects agree one to one with the original messages.

use crate::codec::{Message, MessageDecoder};
use crate::model::Batch;
use crate::model::stream::{Fetched, Original};

use super::cursor::PartitionCursor;

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
    decoder: MessageDecoder,
    max_future_us: i64,
}

/// A `Fetched` in the making.
#[derive(Debug)]
struct Draft<'a> {
    first: i64,
    /// Those with a value, to be decoded together.
    valued: Vec<Message<'a>>,
    messages: u64,
    tombstones: u64,
    bytes: usize,
    broker_time_ms: Option<i64>,
    at_end: bool,
}

impl Arrivals {
    pub(super) fn new(decoder: MessageDecoder, max_future_us: i64) -> Self {
        Self { decoder, max_future_us }
    }

    /// Reads what arrived for one partition, in its order; `emit` gets batches of it, up to and
    /// with the last message.
    pub(super) fn read<'a>(
        &mut self,
        cursor: &mut PartitionCursor,
        arrived: impl Iterator<Item = Arrival<'a>>,
        emit: &mut impl FnMut(Fetched),
    ) {
        let mut draft = Draft::new(cursor.next);
        for arrival in arrived {
            match arrival {
                // Of an earlier assignment, or sent twice: it has been read.
                Arrival::Message { offset, .. } if offset < cursor.next => {}
                Arrival::Message { offset, timestamp_ms, key, value } => {
                    cursor.step_over(offset);
                    draft.at_end = false;
                    let full = draft.messages >= MESSAGES_MAX || draft.bytes >= BYTES_MAX;
                    if (cursor.pass_cuts(offset) || full) && draft.messages > 0 {
                        self.close(&mut draft, cursor, emit);
                    }
                    if draft.messages == 0 {
                        draft.first = offset;
                    }
                    draft.add(offset, timestamp_ms, key, value, self.max_future_us);
                    cursor.next = offset + 1;
                    cursor.end_told = None;
                }
                Arrival::End(offset) => {
                    let end = offset.max(cursor.next);
                    cursor.step_over(end);
                    if cursor.pass_cuts(end) && draft.messages > 0 {
                        self.close(&mut draft, cursor, emit);
                    }
                    cursor.next = end;
                    draft.at_end = cursor.end_told != Some(end);
                    cursor.end_told = Some(end);
                }
                Arrival::Unreadable => cursor.unreadable = true,
            }
        }
        if draft.messages > 0 || draft.at_end {
            self.close(&mut draft, cursor, emit);
        }
    }

    /// Goes on at `offset`, since what is before it is gone: an empty batch that says so.
    pub(super) fn jump(&mut self, cursor: &mut PartitionCursor, offset: i64) -> Fetched {
        cursor.next = offset;
        cursor.end_told = None;
        cursor.pass_cuts(offset);
        let mut jump = None;
        self.close(&mut Draft::new(offset), cursor, &mut |fetched| jump = Some(fetched));
        jump.expect("closing a draft emits one batch")
    }

    /// Ends the batch at `cursor.next`, and begins the next one there.
    fn close(
        &mut self,
        draft: &mut Draft<'_>,
        cursor: &PartitionCursor,
        emit: &mut impl FnMut(Fetched),
    ) {
        let next = cursor.next;
        let draft = std::mem::replace(draft, Draft::new(next));
        self.decoder.add(cursor.partition, &draft.valued);
        let batch = self.decoder.finish(cursor.partition);
        emit(Fetched {
            assignment: cursor.assignment,
            partition: cursor.partition,
            first: if draft.messages > 0 { draft.first } else { next },
            next,
            originals: originals(&batch, &draft.valued),
            batch,
            messages: draft.messages,
            tombstones: draft.tombstones,
            bytes: draft.bytes,
            at_end: draft.at_end,
            end: None,
            broker_time_ms: draft.broker_time_ms,
        });
    }
}

impl<'a> Draft<'a> {
    fn new(first: i64) -> Self {
        Self {
            first,
            valued: Vec::new(),
            messages: 0,
            tombstones: 0,
            bytes: 0,
            broker_time_ms: None,
            at_end: false,
        }
    }

    #[inline]
    fn add(
        &mut self,
        offset: i64,
        timestamp_ms: Option<i64>,
        key: Option<&'a [u8]>,
        value: Option<&'a [u8]>,
        max_future_us: i64,
    ) {
        self.messages += 1;
        self.bytes += key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len);
        self.broker_time_ms = self.broker_time_ms.max(timestamp_ms);
        let Some(value) = value else {
            self.tombstones += 1;
            return;
        };
        let mut message = Message::new(u64::try_from(offset).unwrap_or(0), value);
        message.timestamp_ms = timestamp_ms;
        message.key = key;
        message.not_after_us =
            timestamp_ms.map(|ms| ms.saturating_mul(1000).saturating_add(max_future_us));
        self.valued.push(message);
    }
}

/// The message of each reject. Both are in the order of offsets.
fn originals(batch: &Batch, messages: &[Message<'_>]) -> Vec<Original> {
    let mut messages = messages.iter().peekable();
    let mut found = Vec::with_capacity(batch.rejects.len());
    for reject in &batch.rejects {
        while messages.next_if(|message| message.offset < reject.offset).is_some() {}
        let Some(message) = messages.peek() else { break };
        found.push(Original {
            offset: i64::try_from(message.offset).unwrap_or(0),
            timestamp_ms: message.timestamp_ms,
            key: message.key.map(<[u8]>::to_vec),
            payload: message.value.to_vec(),
            reason: reject.reason.name(),
            detail: reject.detail.clone(),
        });
    }
    found
}

#[cfg(test)]
#[path = "arrival_tests.rs"]
mod tests;
