//! Arrow IPC, file and stream: record batches out of bytes, read from front to back.
//!
//! A file is a stream between a magic and a footer, so what stands before a cut is used, and a pipe can be
//! read; whole files are read by their footers (`arrow_file`). Every length is checked before memory is
//! taken for it. Source: Arrow Columnar Format, "Serialization and Interprocess Communication".

use std::io::{self, Read};

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::root_as_message;

use super::arrow_message::{Dictionaries, broken, check_lengths};
use super::guard::guarded;

const FILE_MAGIC: &[u8; 8] = b"ARROW1\0\0";
/// Zero words that may stand behind the magic, up to an alignment of 64 bytes.
const PADDING_WORDS_MAX: usize = 15;
const CONTINUATION: [u8; 4] = [0xFF; 4];
/// Shorter than any schema: what stands in the place of a length is none then.
const SCHEMA_BYTES_MIN: u32 = 24;

/// Record batches of one input.
pub(crate) struct ArrowStream<R> {
    input: R,
    decoder: StreamDecoder,
    dictionaries: Dictionaries,
    begun: bool,
    is_file: bool,
    ended: bool,
}

impl<R: Read> ArrowStream<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            input,
            decoder: StreamDecoder::new(),
            dictionaries: Dictionaries::default(),
            begun: false,
            is_file: false,
            ended: false,
        }
    }

    /// The next batch, and the bytes that it holds; `Ok(None)` at the end. After an error there is no more.
    pub(crate) fn next(&mut self) -> io::Result<Option<(RecordBatch, u64)>> {
        if self.ended {
            return Ok(None);
        }
        let next = self.advance();
        self.ended = !matches!(next, Ok(Some(_)));
        next
    }

    fn advance(&mut self) -> io::Result<Option<(RecordBatch, u64)>> {
        loop {
            let Some((message, held)) = self.message()? else { return Ok(None) };
            for bytes in message {
                let mut bytes = Buffer::from_vec(bytes);
                while !bytes.is_empty() {
                    let decoded = guarded(|| self.decoder.decode(&mut bytes));
                    match decoded.map_err(io::Error::other)?.map_err(io::Error::other)? {
                        Some(batch) => return Ok(Some((batch, held))),
                        None => continue,
                    }
                }
            }
        }
    }

    /// One message as its head and its body, and the bytes that it holds; `None` at the end.
    fn message(&mut self) -> io::Result<Option<([Vec<u8>; 2], u64)>> {
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
        if length < SCHEMA_BYTES_MIN && self.is_file && self.decoder.schema().is_none() {
            return Err(broken(
                "cut short, or an Arrow file that can only be read from its end, as Polars writes them: give it \
                 unpacked and not through a pipe, or write it by write_ipc_stream",
            ));
        }
        check_lengths(u64::from(length), 0)?;
        let head = self.exactly(u64::from(length))?;
        let message = root_as_message(&head).map_err(|error| broken(&error.to_string()))?;
        let body = self.exactly(check_lengths(0, message.bodyLength())?)?;
        let held = self.dictionaries.check(&message, &body)?;
        Ok(Some(([framed(&head), body], held)))
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

/// A head with the mark and the length before it.
fn framed(head: &[u8]) -> Vec<u8> {
    let length = u32::try_from(head.len()).unwrap_or(u32::MAX);
    [&CONTINUATION, &length.to_le_bytes(), head].concat()
}
