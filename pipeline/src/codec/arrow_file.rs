//! Arrow IPC files that can be read at any place: record batches where the footer says they are.
//!
//! A file is not always a stream between a magic and a footer: since version 2 Polars writes the schema at
//! the beginning without its length, and what the footer does not name is no part of the file. Files that
//! are cut short have no footer, and pipes no end: those are read as streams (`arrow_stream`). Every length
//! is checked before memory is taken for it. Source: Arrow Columnar Format, "IPC File Format".

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::vec::IntoIter;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::ipc::convert::try_fb_to_schema;
use arrow::ipc::reader::FileDecoder;
use arrow::ipc::{Block, root_as_footer, root_as_message};

use super::arrow_message::{Dictionaries, broken, check_lengths};
use super::guard::guarded;

/// Most bytes of a footer.
const FOOTER_BYTES_MAX: u64 = 64 << 20;
const MAGIC: &[u8; 6] = b"ARROW1";
/// Length of the footer and magic, at the end.
const TAIL_BYTES: u64 = 10;
/// Length of a message, with the mark before it.
const PREFIX_BYTES: usize = 8;

/// Record batches of one file.
pub(crate) struct ArrowFile {
    file: File,
    decoder: FileDecoder,
    dictionaries: Dictionaries,
    batches: IntoIter<Block>,
    ended: bool,
    bytes_read: u64,
}

impl ArrowFile {
    /// Opens a file; none where it has no footer.
    pub(crate) fn open(path: &Path) -> io::Result<Option<Self>> {
        let mut file = File::open(path)?;
        let Some(footer) = footer_bytes(&mut file)? else { return Ok(None) };
        let Ok(footer) = root_as_footer(&footer) else { return Ok(None) };
        let Some(schema) = footer.schema() else { return Err(broken("a footer without a schema")) };
        let schema = guarded(|| try_fb_to_schema(schema)).map_err(io::Error::other)?;
        let schema = Arc::new(schema.map_err(io::Error::other)?);
        let blocks = |list: Option<_>| -> Vec<Block> { blocks(list) };
        let mut opened = Self {
            file,
            decoder: FileDecoder::new(schema, footer.version()),
            dictionaries: Dictionaries::default(),
            batches: blocks(footer.recordBatches()).into_iter(),
            ended: false,
            bytes_read: 0,
        };
        for block in blocks(footer.dictionaries()) {
            let (bytes, _) = opened.message(&block)?;
            guarded(|| opened.decoder.read_dictionary(&block, &bytes))
                .map_err(io::Error::other)?
                .map_err(io::Error::other)?;
        }
        Ok(Some(opened))
    }

    /// Bytes of messages that were read.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.bytes_read
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
        while let Some(block) = self.batches.next() {
            let (bytes, held) = self.message(&block)?;
            let read = guarded(|| self.decoder.read_record_batch(&block, &bytes));
            if let Some(rows) = read.map_err(io::Error::other)?.map_err(io::Error::other)? {
                return Ok(Some((rows, held)));
            }
        }
        Ok(None)
    }

    /// The bytes of a message, and how many those are that it holds when it is decompressed.
    fn message(&mut self, block: &Block) -> io::Result<(Buffer, u64)> {
        let head = u64::try_from(block.metaDataLength()).unwrap_or(u64::MAX);
        let body = check_lengths(head, block.bodyLength())?;
        let begin = u64::try_from(block.offset()).unwrap_or(u64::MAX);
        self.file.seek(SeekFrom::Start(begin)).map_err(|_| outside())?;
        let mut bytes = Vec::new();
        (&self.file).take(head + body).read_to_end(&mut bytes)?;
        if (bytes.len() as u64) < head + body {
            return Err(outside());
        }
        self.bytes_read += bytes.len() as u64;
        let (head, body) = bytes.split_at(head as usize);
        let prefix = if head.starts_with(&[0xFF; 4]) { PREFIX_BYTES } else { PREFIX_BYTES / 2 };
        let Some(head) = head.get(prefix..).filter(|head| !head.is_empty()) else {
            return Err(broken("a message without a head"));
        };
        let message = root_as_message(head).map_err(|error| broken(&error.to_string()))?;
        let held = self.dictionaries.check(&message, body)?;
        Ok((Buffer::from_vec(bytes), held))
    }
}

fn outside() -> io::Error {
    broken("the footer names a batch outside of the file")
}

fn blocks<'a>(list: Option<impl IntoIterator<Item = &'a Block>>) -> Vec<Block> {
    list.into_iter().flatten().copied().collect()
}

/// The footer; none where the file does not end with one.
fn footer_bytes(file: &mut File) -> io::Result<Option<Vec<u8>>> {
    let mut begin = Vec::new();
    file.take(MAGIC.len() as u64).read_to_end(&mut begin)?;
    let length = file.seek(SeekFrom::End(0))?;
    let Some(tail_at) = length.checked_sub(TAIL_BYTES) else { return Ok(None) };
    file.seek(SeekFrom::Start(tail_at))?;
    let mut tail = [0; TAIL_BYTES as usize];
    file.read_exact(&mut tail)?;
    let (size, end) = tail.split_at(4);
    if begin != MAGIC || end != MAGIC {
        return Ok(None);
    }
    let size = u64::from(u32::from_le_bytes(size.try_into().unwrap_or_default()));
    if size > FOOTER_BYTES_MAX {
        return Err(broken("a footer of more than 64 MiB; write fewer and larger batches"));
    }
    let Some(footer_at) = tail_at.checked_sub(size) else { return Ok(None) };
    file.seek(SeekFrom::Start(footer_at))?;
    let mut footer = Vec::new();
    file.take(size).read_to_end(&mut footer)?;
    Ok(Some(footer))
}
