//! Messages of Arrow IPC: what they say about their sizes is checked before memory is taken for it.
//!
//! Not here: where messages stand (`arrow_stream`, `arrow_file`).

use std::collections::BTreeMap;
use std::io;

use arrow::ipc::{Message, RecordBatch};

/// Most bytes of a message, as stored and decompressed.
pub(crate) const MESSAGE_BYTES_MAX: u64 = 256 << 20;
/// Most bytes of all dictionaries of a file.
const DICTIONARY_BYTES_MAX: u64 = 256 << 20;
/// Most rows of a batch.
const ROWS_MAX: i64 = 1 << 26;

pub(crate) fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// The lengths of a message's head and body, if they may be read.
pub(crate) fn check_lengths(head: u64, body: i64) -> io::Result<u64> {
    if head > MESSAGE_BYTES_MAX {
        return Err(broken("no Arrow IPC, or a message head of more than 256 MiB"));
    }
    match u64::try_from(body) {
        Ok(body) if body <= MESSAGE_BYTES_MAX => Ok(body),
        _ => Err(broken("a batch of more than 256 MiB; write smaller batches")),
    }
}

/// Bytes of the dictionaries of a file, by their ids.
#[derive(Debug, Default)]
pub(crate) struct Dictionaries {
    bytes: BTreeMap<i64, u64>,
}

impl Dictionaries {
    /// Refuses a message whose declared sizes would take more memory than a message may, or dictionaries that
    /// would together. Tells the bytes that it holds.
    pub(crate) fn check(&mut self, message: &Message<'_>, body: &[u8]) -> io::Result<u64> {
        if let Some(batch) = message.header_as_record_batch() {
            return check_batch(&batch, body);
        }
        let Some(dictionary) = message.header_as_dictionary_batch() else { return Ok(0) };
        let Some(batch) = dictionary.data() else { return Ok(0) };
        let bytes = check_batch(&batch, body)?;
        let known = self.bytes.entry(dictionary.id()).or_default();
        *known = if dictionary.isDelta() { known.saturating_add(bytes) } else { bytes };
        if self.bytes.values().fold(0, |sum: u64, bytes| sum.saturating_add(*bytes))
            > DICTIONARY_BYTES_MAX
        {
            return Err(broken("dictionaries of more than 256 MiB; write plain columns"));
        }
        Ok(bytes)
    }
}

/// The bytes of a batch, decompressed; each buffer counts, even if others share its place.
fn check_batch(batch: &RecordBatch<'_>, body: &[u8]) -> io::Result<u64> {
    if !(0..=ROWS_MAX).contains(&batch.length()) {
        return Err(broken("a batch of more than 67 million rows, or of fewer than none"));
    }
    let mut total = 0u64;
    for buffer in batch.buffers().into_iter().flatten().filter(|buffer| buffer.length() != 0) {
        let start = usize::try_from(buffer.offset()).unwrap_or(usize::MAX);
        let length = usize::try_from(buffer.length()).unwrap_or(usize::MAX);
        let Some(stored) = body.get(start..start.saturating_add(length)) else {
            return Err(broken("a column lies outside of its message"));
        };
        let mut whole = stored.len() as u64;
        if batch.compression().is_some() {
            // Each compressed buffer begins with its length decompressed; -1 = stored as it is.
            let prefix = stored.first_chunk::<8>().map(|bytes| i64::from_le_bytes(*bytes));
            match prefix {
                Some(-1) => {}
                Some(length) => whole = u64::try_from(length).unwrap_or(u64::MAX),
                None => return Err(broken("a compressed column without its length")),
            }
        }
        total = total.saturating_add(whole);
    }
    if total > MESSAGE_BYTES_MAX {
        return Err(broken(
            "a batch that takes more than 256 MiB in memory; write smaller batches",
        ));
    }
    Ok(total)
}
