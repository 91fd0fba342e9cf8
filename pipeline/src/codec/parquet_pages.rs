//! The pages of a column of a row group, one after another, each checked before memory is taken for it.
//!
//! Readers of others believe what a page says about itself, and unpack whatever is in it. Here a page has a
//! bound, all pages that a row group holds at one time have one ([`Held`]), and so has what one batch of
//! rows may become ([`Claim`]): pages say it in a few bytes where values are long, repeated, or made of each
//! other. Not here: what is in a page. Source: the Parquet format, `parquet.thrift` and Encodings.md.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, Type};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;

use super::delta_lengths::{Lengths, add_up};
use super::page_head::{PageHead, PageKind};
use super::page_unpack::unpack;

/// Most bytes of a page, stored and unpacked.
const PAGE_BYTES_MAX: u64 = 64 << 20;
/// Most bytes of all pages of a row group that are held at one time: of each column one, and its dictionary.
const HELD_BYTES_MAX: u64 = 192 << 20;
/// Most bytes that the values of one batch of rows may become.
pub(crate) const BATCH_BYTES_MAX: u64 = 64 << 20;
/// Most values of a page whose encoding says all lengths at once.
const LENGTHS_MAX: u32 = 1 << 23;
/// Values of a fixed width up to this need no account: there is one a row.
const PLAIN_WIDTH_MAX: u64 = 64;
/// Bytes that the levels of a nested value take.
const LEVEL_BYTES: u64 = 8;
/// Bytes that are read for the head of a page at first, and at most.
const HEAD_BYTES: u64 = 1 << 10;
const HEAD_BYTES_MAX: u64 = 1 << 20;

/// What the columns of a row group have in common while a batch of rows is read.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Bytes of pages that are held.
    bytes: AtomicU64,
    /// Bytes that the values of this batch may become.
    batch: AtomicU64,
    /// The last fault was that a batch would become too large: fewer rows at once may do.
    too_large: AtomicU64,
}

impl Held {
    /// The next batch begins.
    pub(crate) fn begin_batch(&self) {
        self.batch.store(0, Ordering::Relaxed);
    }

    /// Whether reading ended since a batch became too large.
    pub(crate) fn is_too_large(&self) -> bool {
        self.too_large.load(Ordering::Relaxed) > 0
    }

    fn hold(&self, bytes: u64) -> Result<()> {
        let held = self.bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if held > HELD_BYTES_MAX {
            return Err(fault("pages of more than 192 MiB at one place: write smaller pages"));
        }
        Ok(())
    }

    fn release(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    fn claim(&self, bytes: u64) -> Result<()> {
        let claimed = self.batch.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if claimed > BATCH_BYTES_MAX {
            self.too_large.store(1, Ordering::Relaxed);
            return Err(fault("values that take more than 64 MiB at once: write smaller pages"));
        }
        Ok(())
    }
}

/// What is known of a column before its pages.
#[derive(Debug, Clone, Copy)]
struct Column {
    kind: Type,
    compression: Compression,
    /// Bytes of a value of fixed width.
    width: u64,
    /// Highest levels: 0 = there are none.
    repetition: i16,
    definition: i16,
}

/// Reads the pages of one column of one row group.
#[derive(Debug)]
pub(crate) struct Pages {
    file: Arc<File>,
    at: u64,
    end: u64,
    column: Column,
    /// Rows of a batch.
    batch_rows: u64,
    held: Arc<Held>,
    /// Bytes of the page that was given last, and of the dictionary.
    page_bytes: u64,
    dictionary_bytes: u64,
    /// Bytes of the longest value of the dictionary.
    dictionary_longest: u64,
    next: Option<PageHead>,
}

impl Pages {
    pub(crate) fn new(
        file: Arc<File>,
        chunk: &ColumnChunkMetaData,
        batch_rows: usize,
        held: Arc<Held>,
    ) -> Result<Self> {
        let about = chunk.column_descr();
        let kind = about.physical_type();
        let width = match kind {
            Type::BOOLEAN => 1,
            Type::INT32 | Type::FLOAT => 4,
            Type::INT64 | Type::DOUBLE => 8,
            Type::INT96 => 12,
            Type::BYTE_ARRAY => 0,
            Type::FIXED_LEN_BYTE_ARRAY => u64::try_from(about.type_length()).unwrap_or(u64::MAX),
        };
        let column = Column {
            kind,
            compression: chunk.compression(),
            width,
            repetition: about.max_rep_level(),
            definition: about.max_def_level(),
        };
        // Some writers tell no place of the dictionary, or one behind the data.
        let data = chunk.data_page_offset();
        let begin = match chunk.dictionary_page_offset() {
            Some(dictionary) if dictionary > 0 => dictionary.min(data),
            _ => data,
        };
        let (begin, length) = (u64::try_from(begin), u64::try_from(chunk.compressed_size()));
        let (Ok(at), Ok(length)) = (begin, length) else {
            return Err(fault("a column lies outside of the file"));
        };
        Ok(Self {
            file,
            at,
            end: at.saturating_add(length),
            column,
            batch_rows: batch_rows as u64,
            held,
            page_bytes: 0,
            dictionary_bytes: 0,
            dictionary_longest: 0,
            next: None,
        })
    }

    /// The head of the next page that holds values, once read until [`Self::take`] takes it.
    fn head(&mut self) -> Result<Option<PageHead>> {
        while self.next.is_none() && self.at < self.end {
            let head = self.read_head()?;
            if u64::from(head.stored) > self.end.saturating_sub(self.at) {
                return Err(fault("a page ends behind its column"));
            }
            match head.kind {
                PageKind::Other => self.at += u64::from(head.stored),
                _ => self.next = Some(head),
            }
        }
        Ok(self.next.clone())
    }

    fn read_head(&mut self) -> Result<PageHead> {
        let mut most = HEAD_BYTES;
        loop {
            let bytes = self.bytes_at(self.at, most.min(self.end - self.at))?;
            if let Some((head, length)) = PageHead::parse(&bytes) {
                self.at += length as u64;
                return Ok(head);
            }
            if most >= HEAD_BYTES_MAX || (bytes.len() as u64) < most {
                return Err(fault("the head of a page is corrupt"));
            }
            most = HEAD_BYTES_MAX;
        }
    }

    /// Up to `length` bytes of the file.
    fn bytes_at(&self, at: u64, length: u64) -> Result<Vec<u8>> {
        let mut file: &File = &self.file;
        file.seek(SeekFrom::Start(at))?;
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        file.take(length).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The content of the page whose head was read.
    fn content(&mut self, head: &PageHead) -> Result<Vec<u8>> {
        let (stored, whole) = (u64::from(head.stored), u64::from(head.unpacked));
        if stored > PAGE_BYTES_MAX || whole > PAGE_BYTES_MAX {
            return Err(fault("a page of more than 64 MiB: write smaller pages"));
        }
        let held = if head.kind == PageKind::Dictionary {
            &mut self.dictionary_bytes
        } else {
            &mut self.page_bytes
        };
        self.held.release(std::mem::replace(held, whole));
        self.held.hold(whole)?;
        let bytes = self.bytes_at(self.at, stored)?;
        if (bytes.len() as u64) < stored {
            return Err(fault("cut short in the middle of a page"));
        }
        self.at += stored;
        let levels = head.level_bytes();
        let (Some(front), Some(packed)) = (bytes.get(..levels), bytes.get(levels..)) else {
            return Err(fault("the levels of a page end behind it"));
        };
        if !head.is_packed || self.column.compression == Compression::UNCOMPRESSED {
            return Ok(bytes);
        }
        let Some(length) = (head.unpacked as usize).checked_sub(levels) else {
            return Err(fault("the levels of a page are longer than it"));
        };
        // A page of nulls has no values, and then some writers write nothing at all.
        let values = match length {
            0 => Vec::new(),
            _ => unpack(self.column.compression, packed, length).map_err(ParquetError::General)?,
        };
        Ok(if levels == 0 { values } else { [front, &values].concat() })
    }

    /// Checks what the values of a dictionary say about themselves.
    fn check_dictionary(&mut self, head: &PageHead, content: &[u8]) -> Result<()> {
        let least = self.column.width.max(if self.column.kind == Type::BYTE_ARRAY { 4 } else { 0 });
        let needed = u64::from(head.values).saturating_mul(least);
        let is_bits = self.column.kind == Type::BOOLEAN;
        if !is_bits && needed > content.len() as u64 {
            return Err(fault("a dictionary claims more values than it holds"));
        }
        self.dictionary_longest = match self.column.kind {
            Type::BYTE_ARRAY => plain_lengths(content).longest,
            _ => self.column.width,
        };
        Ok(())
    }

    /// Adds what a page may become to the batch that is being read.
    fn claim(&self, head: &PageHead, content: &[u8]) -> Result<()> {
        let Column { kind, width, repetition, .. } = self.column;
        let (is_text, is_repeated) = (kind == Type::BYTE_ARRAY, repetition > 0);
        if !is_text && !is_repeated && width <= PLAIN_WIDTH_MAX {
            return Ok(());
        }
        let values = u64::from(head.values);
        let counted = if is_repeated { values } else { values.min(self.batch_rows) };
        let most = match head.encoding {
            Encoding::PLAIN_DICTIONARY | Encoding::RLE_DICTIONARY => {
                counted.saturating_mul(self.dictionary_longest)
            }
            _ if is_text => {
                let lengths =
                    self.lengths(head, content).ok_or_else(|| fault("a page is corrupt"))?;
                lengths.total.min(counted.saturating_mul(lengths.longest))
            }
            _ => counted.saturating_mul(width),
        };
        // Levels of nested values stand beside them.
        let levels = if is_repeated { counted.saturating_mul(LEVEL_BYTES) } else { 0 };
        self.held.claim(most.saturating_add(levels))
    }

    /// The lengths of the texts of a page, as they are without their encoding.
    fn lengths(&self, head: &PageHead, content: &[u8]) -> Option<Lengths> {
        let texts = content.get(self.levels_end(head, content)?..)?;
        let most = u64::from(head.values);
        Some(match head.encoding {
            Encoding::DELTA_LENGTH_BYTE_ARRAY => add_up(texts, most)?,
            Encoding::DELTA_BYTE_ARRAY => {
                let shared = add_up(texts, most)?;
                let own = add_up(texts.get(shared.end..)?, most)?;
                Lengths {
                    total: shared.total.checked_add(own.total)?,
                    longest: shared.longest.checked_add(own.longest)?,
                    ..own
                }
            }
            _ => plain_lengths(texts),
        })
    }

    /// Where the levels of a page end and its values begin.
    fn levels_end(&self, head: &PageHead, content: &[u8]) -> Option<usize> {
        let mut end = head.level_bytes();
        if head.kind == PageKind::Data {
            for _ in [self.column.repetition, self.column.definition].iter().filter(|max| **max > 0)
            {
                let length = content.get(end..)?.first_chunk::<4>()?;
                end = end.checked_add(4)?.checked_add(u32::from_le_bytes(*length) as usize)?;
            }
        }
        Some(end)
    }
}

/// The lengths of texts that stand one after another, each behind its length.
fn plain_lengths(mut texts: &[u8]) -> Lengths {
    let mut found = Lengths::default();
    while let Some((length, rest)) = texts.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length);
        // What ends behind the page is told by who reads the texts.
        let Some(rest) = rest.get(length as usize..) else { break };
        found.count += 1;
        found.total += u64::from(length);
        found.longest = found.longest.max(u64::from(length));
        texts = rest;
    }
    found
}

fn fault(words: &str) -> ParquetError {
    ParquetError::General(words.into())
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let Some(head) = self.head()? else { return Ok(None) };
        self.next = None;
        if head.says_lengths() && head.values > LENGTHS_MAX {
            return Err(fault("a page of more than 8 million texts: write smaller pages"));
        }
        let content = self.content(&head)?;
        match head.kind {
            PageKind::Dictionary => self.check_dictionary(&head, &content)?,
            _ => self.claim(&head, &content)?,
        }
        Ok(Some(head.into_page(Bytes::from(content))))
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        Ok(self.head()?.map(|head| head.about()))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        if let Some(head) = self.head()? {
            self.next = None;
            self.at = self.at.saturating_add(u64::from(head.stored));
        }
        Ok(())
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}
