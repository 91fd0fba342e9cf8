//! Formats with one record a line: files in blocks of whole lines, blocks in lines.
//!
//! UTF-8; a byte order mark before the first line is skipped, lines of nothing but white space are no records
//! but have numbers. A codec of such a format is a [`ScanRecord`] and what calls these functions.

use std::io::{BufRead, BufReader, Read};

use super::bad_record::BadRecord;
use super::batch_builder::{BatchBuilder, ScanRecord, checked_utf8};
use super::block::{Block, OpenFile};
use super::contract::Blocks;
use super::json_text::skip_space;
use super::record_blocks::{RecordBlocks, Records};
use super::sample::{Sample, SampleFault};
use crate::model::Batch;

/// Longest line of a sample that is looked at.
const SAMPLE_LINE_BYTES_MAX: usize = 1 << 20;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A file in blocks of whole lines. The number of a record is that of its line, from 0.
pub fn open(file: OpenFile) -> Box<dyn Blocks> {
    let limits = file.limits;
    Box::new(RecordBlocks::new(file.bytes, Records::Lines, file.partition, &limits))
}

/// Decodes a block that [`open`] made, with one call to the scanner for each line. Lines that are too long
/// or not UTF-8 are rejects.
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

/// Reads the first lines of a file, each without its end and the white space around it: see
/// [`FileCodec::sample`](super::FileCodec::sample). `read` counts its records itself. A line of more than a
/// mebibyte is unreadable.
///
/// # Errors
/// What `read` returns.
pub fn sample(
    file: OpenFile,
    records_max: u64,
    sample: &mut dyn Sample,
    mut read: impl FnMut(&[u8], &mut dyn Sample) -> Result<(), SampleFault>,
) -> Result<(), SampleFault> {
    let mut reader = BufReader::new(file.bytes);
    let mut line = Vec::new();
    while sample.records() < records_max && sample.unreadable() < records_max {
        line.clear();
        // A damaged end of a packed file ends the sample: what came before is a sample, too.
        let bytes = reader.by_ref().take(SAMPLE_LINE_BYTES_MAX as u64).read_until(b'\n', &mut line);
        if !matches!(bytes, Ok(1..)) {
            break;
        }
        if line.len() == SAMPLE_LINE_BYTES_MAX && line.last() != Some(&b'\n') {
            sample.add_unreadable(1);
            if reader.skip_until(b'\n').is_err() {
                break;
            }
            continue;
        }
        read(line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&line).trim_ascii(), sample)?;
    }
    Ok(())
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
