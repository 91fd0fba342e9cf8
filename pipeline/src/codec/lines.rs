//! Formats with one record a line: files in blocks of whole lines, blocks in lines.
//!
//! UTF-8; a byte order mark before the first line is skipped, lines of nothing but white space are no records
//! but have numbers. A codec of such a format is a [`ScanRecord`] and what calls these two functions.

use super::bad_record::BadRecord;
use super::batch_builder::{BatchBuilder, ScanRecord, checked_utf8};
use super::block::{Block, OpenFile};
use super::contract::Blocks;
use super::json_text::skip_space;
use super::record_blocks::{RecordBlocks, Records};
use crate::model::Batch;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A file in blocks of whole lines. The number of a record is that of its line, from 0.
pub fn open(file: OpenFile) -> Box<dyn Blocks> {
    let limits = file.limits;
    Box::new(RecordBlocks::new(file.bytes, Records::Lines, file.partition, &limits))
}

/// Decodes a block that [`open`] made, with one call to the scanner for each line. Lines that are too long or not UTF-8
/// are rejects.
pub fn decode(
    scanner: &mut impl ScanRecord,
    block: &Block,
    batch: &mut BatchBuilder,
    emit: &mut dyn FnMut(Batch),
) {
    let bytes = block.content::<Vec<u8>>().map_or(&[][..], Vec::as_slice);
    let mut start = if block.first_offset == 0 && bytes.starts_with(BYTE_ORDER_MARK) {
        BYTE_ORDER_MARK.len()
    } else {
        0
    };
    // Checked as a whole; only if something is wrong line by line, to find where.
    let text = simdutf8::basic::from_utf8(bytes).ok();
    let ends = memchr::memchr_iter(b'\n', bytes).chain([bytes.len()]);
    for (offset, end) in (block.first_offset..).zip(ends) {
        let line = bytes.get(start..end).unwrap_or(&[]);
        let result = match text {
            Some(text) => add_line(scanner, batch, text, start, end, offset),
            None => add_checked(scanner, batch, line, offset),
        };
        if let Err(bad) = result {
            batch.reject(bad, offset, line);
        }
        start = end + 1;
    }
    emit(batch.finish());
}

/// A line that is not yet known to be UTF-8.
fn add_checked(
    scanner: &mut impl ScanRecord,
    batch: &mut BatchBuilder,
    line: &[u8],
    offset: u64,
) -> Result<(), BadRecord> {
    batch.check_length(line.len())?;
    let text = checked_utf8(line)?;
    add_line(scanner, batch, text, 0, text.len(), offset)
}

#[inline]
fn add_line(
    scanner: &mut impl ScanRecord,
    batch: &mut BatchBuilder,
    text: &str,
    start: usize,
    end: usize,
    offset: u64,
) -> Result<(), BadRecord> {
    batch.check_length(end - start)?;
    let bytes = text.as_bytes().get(..end).unwrap_or(&[]);
    if skip_space(bytes, start) == end {
        return Ok(());
    }
    batch.add(scanner, text, start..end, offset)
}
