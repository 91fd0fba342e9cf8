//! Arrow IPC, file and stream: record batches out of bytes, read from front to back.
//!
//! A file is a stream between a magic and a footer, so one reader does for both, and what stands
//! before a cut is used. Every length is checked before memory is taken for it.
//! Source: Arrow Columnar Format, "Serialization and Interprocess Communication".

use std::io::{self, Read};

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::{Message, root_as_message};

use super::guard::guarded;

/// Most bytes of a message, as stored and decompressed.
const MESSAGE_BYTES_MAX: u64 = 256 << 20;
/// Most rows of a batch.
const ROWS_MAX: i64 = 1 << 26;
const FILE_MAGIC: &[u8; 8] = b"ARROW1\0\0";
/// Zero words that may stand behind the magic, up to an alignment of 64 bytes.
const PADDING_WORDS_MAX: usize = 15;
const CONTINUATION: [u8; 4] = [0xFF; 4];

/// Record batches of one input.
pub(crate) struct ArrowStream<R> {
    input: R,
    decoder: StreamDecoder,
    begun: bool,
    is_file: bool,
    ended: bool,
}

impl<R: Read> ArrowStream<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, decoder: StreamDecoder::new(), begun: false, is_file: false, ended: false }
    }

    /// The next batch; `Ok(None)` at the end. After an error there is no more.
    pub(crate) fn next(&mut self) -> io::Result<Option<RecordBatch>> {
        if self.ended {
            return Ok(None);
        }
        let next = self.advance();
        self.ended = !matches!(next, Ok(Some(_)));
        next
    }

    fn advance(&mut self) -> io::Result<Option<RecordBatch>> {
        loop {
            let Some(message) = self.message()? else { return Ok(None) };
            for bytes in message {
                let mut bytes = Buffer::from_vec(bytes);
                while !bytes.is_empty() {
                    let decoded = guarded(|| self.decoder.decode(&mut bytes));
                    match decoded.map_err(io::Error::other)?.map_err(io::Error::other)? {
                        Some(batch) => return Ok(Some(batch)),
                        None => continue,
                    }
                }
            }
        }
    }

    /// One message as its head and its body; `None` at the end.
    fn message(&mut self) -> io::Result<Option<[Vec<u8>; 2]>> {
        let mut word = self.up_to(4)?;
        if !self.begun {
            self.begun = true;
            if word == FILE_MAGIC[..4] {
                word.extend(self.exactly(4)?);
                if word != FILE_MAGIC {
                    return Err(broken("no Arrow IPC: the magic is not whole"));
                }
                self.is_file = true;
                // Writers align the first message; what they pad with is no end mark.
                for _ in 0..PADDING_WORDS_MAX {
                    word = self.up_to(4)?;
                    if word != [0; 4] {
                        break;
                    }
                }
            }
        }
        if word.is_empty() && !self.is_file {
            return Ok(None);
        }
        if word.len() < 4 {
            return Err(broken("cut short: the footer is missing"));
        }
        if word == CONTINUATION {
            word = self.exactly(4)?;
        }
        let length = u32::from_le_bytes(word.try_into().unwrap_or_default());
        if length == 0 {
            return Ok(None);
        }
        if u64::from(length) > MESSAGE_BYTES_MAX {
            return Err(broken("no Arrow IPC, or a message head of more than 256 MiB"));
        }
        let head = self.exactly(u64::from(length))?;
        let message = root_as_message(&head).map_err(|error| broken(&error.to_string()))?;
        let body_length = u64::try_from(message.bodyLength()).unwrap_or(u64::MAX);
        if body_length > MESSAGE_BYTES_MAX {
            return Err(broken("a batch of more than 256 MiB; write smaller batches"));
        }
        let body = self.exactly(body_length)?;
        check(&message, &body)?;
        let mut framed = CONTINUATION.to_vec();
        framed.extend_from_slice(&length.to_le_bytes());
        framed.extend_from_slice(&head);
        Ok(Some([framed, body]))
    }

    fn up_to(&mut self, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.input.by_ref().take(length).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn exactly(&mut self, length: u64) -> io::Result<Vec<u8>> {
        let bytes = self.up_to(length)?;
        if (bytes.len() as u64) < length {
            return Err(broken("cut short in the middle of a message"));
        }
        Ok(bytes)
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// Refuses a batch whose declared sizes would take more memory than a message may.
fn check(message: &Message<'_>, body: &[u8]) -> io::Result<()> {
    let dictionary = message.header_as_dictionary_batch().and_then(|dictionary| dictionary.data());
    let Some(batch) = message.header_as_record_batch().or(dictionary) else { return Ok(()) };
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
        if batch.compression().is_none() {
            continue;
        }
        // Each compressed buffer begins with its length decompressed; -1 = stored as it is.
        let prefix = stored.first_chunk::<8>();
        let length = prefix.map_or(i64::MAX, |bytes| i64::from_le_bytes(*bytes));
        total = total.saturating_add(u64::try_from(length.max(0)).unwrap_or(u64::MAX));
    }
    if total > MESSAGE_BYTES_MAX {
        return Err(broken("a batch that decompresses to more than 256 MiB"));
    }
    Ok(())
}
