//! A stream of bytes cut into blocks of whole records.
//!
//! A record that is longer than the limit is cut to one byte more than the limit, so that the decoder
//! sees it as too long, and its rest is dropped without being held. Invariant: where blocks are cut
//! changes neither records nor their numbers.

use std::io::{self, Read};

use super::block::Block;
use super::contract::Blocks;
use super::csv_text::{CsvHeader, next_record};
use crate::model::{Limits, RawBatch};

/// Most records in a block, so that a block of junk makes no more rejects than that.
const BLOCK_RECORDS_MAX: usize = 1 << 14;
/// Fewest bytes that are asked for at once.
const READ_BYTES_MIN: usize = 1 << 16;

/// What a record is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Records {
    /// A line, empty ones too.
    Lines,
    /// A CSV record; quotes may hold line ends.
    Csv { delimiter: u8 },
}

/// Whole records at the beginning of a buffer.
struct Whole {
    end: usize,
    records: u64,
    /// The last of them was cut, since it is too long.
    cut: bool,
}

impl Records {
    /// `last` = no more bytes will come, and what there is may end without a line end.
    fn whole(self, buffer: &[u8], bytes_max: usize, last: bool) -> Whole {
        match self {
            Records::Lines => whole_lines(buffer, bytes_max, last),
            Records::Csv { delimiter } => whole_csv(buffer, delimiter, bytes_max, last),
        }
    }

    fn line_end(self, buffer: &[u8]) -> Option<usize> {
        match self {
            Records::Lines => memchr::memchr(b'\n', buffer),
            Records::Csv { .. } => memchr::memchr2(b'\n', b'\r', buffer),
        }
    }
}

fn whole_lines(buffer: &[u8], bytes_max: usize, last: bool) -> Whole {
    let Some(end) = memchr::memrchr(b'\n', buffer).map(|end| end + 1) else {
        let cut = buffer.len() > bytes_max;
        return match (cut, last && !buffer.is_empty()) {
            (true, _) => Whole { end: bytes_max + 1, records: 1, cut },
            (false, true) => Whole { end: buffer.len(), records: 1, cut },
            (false, false) => Whole { end: 0, records: 0, cut },
        };
    };
    let mut ends = memchr::memchr_iter(b'\n', buffer);
    match ends.nth(BLOCK_RECORDS_MAX) {
        // More than fit: up to the last that does.
        Some(_) => {
            let last = memchr::memchr_iter(b'\n', buffer).nth(BLOCK_RECORDS_MAX - 1);
            let end = last.map_or(end, |last| last + 1);
            Whole { end, records: BLOCK_RECORDS_MAX as u64, cut: false }
        }
        None => {
            let records = memchr::memchr_iter(b'\n', buffer).count() as u64;
            Whole { end, records, cut: false }
        }
    }
}

fn whole_csv(buffer: &[u8], delimiter: u8, bytes_max: usize, last: bool) -> Whole {
    let mut whole = Whole { end: 0, records: 0, cut: false };
    while whole.records < BLOCK_RECORDS_MAX as u64 {
        let rest = buffer.get(whole.end..).unwrap_or(&[]);
        let begin = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        whole.end += begin;
        let rest = rest.get(begin..).unwrap_or(&[]);
        // No more is looked at than a record may have: what is too long is so in blocks of any size.
        let window = rest.get(..bytes_max + 1).unwrap_or(rest);
        let ended = last && window.len() == rest.len();
        match next_record(window, delimiter, ended) {
            Some((_, _, next)) => {
                whole.end += next;
                whole.records += 1;
            }
            None if window.len() > bytes_max => {
                whole.end += window.len();
                whole.records += 1;
                whole.cut = true;
                return whole;
            }
            None => return whole,
        }
    }
    whole
}

/// Cuts `input` into blocks of records.
pub(crate) struct RecordBlocks<R> {
    input: R,
    records: Records,
    partition: u32,
    block_bytes: usize,
    record_bytes_max: usize,
    buffer: Vec<u8>,
    offset: u64,
    /// In the rest of a record that was too long. It ends with its line, even in quotes: a quote that
    /// nobody closed is the usual cause.
    dropping: bool,
    ended: bool,
    failure: Option<io::Error>,
}

impl<R: Read> RecordBlocks<R> {
    pub(crate) fn new(input: R, records: Records, partition: u32, limits: &Limits) -> Self {
        Self {
            input,
            records,
            partition,
            block_bytes: limits.block_bytes.max(1),
            record_bytes_max: limits.record_bytes_max,
            buffer: Vec::new(),
            offset: 0,
            dropping: false,
            ended: false,
            failure: None,
        }
    }

    /// Number of records handed out so far.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The header of a CSV file: its first record, which is then no part of the blocks.
    pub(crate) fn header(&mut self, delimiter: u8) -> io::Result<Option<CsvHeader>> {
        loop {
            self.fill();
            let mark = self.buffer.starts_with(b"\xEF\xBB\xBF");
            let text = self.buffer.get(if mark { 3 } else { 0 }..).unwrap_or(&[]);
            if let Some((from, to, next)) = next_record(text, delimiter, self.ended) {
                let header = CsvHeader::parse(text.get(from..to).unwrap_or(&[]), delimiter);
                let rest = text.get(next..).unwrap_or(&[]).to_vec();
                self.buffer = rest;
                return Ok(Some(header));
            }
            if self.ended {
                self.buffer.clear();
                return self.failure.take().map_or(Ok(None), Err);
            }
            if self.buffer.len() > self.record_bytes_max {
                self.buffer.clear();
                self.ended = true;
                return Err(io::Error::other("the header has no end; is it CSV?"));
            }
        }
    }

    /// The next block; `Ok(None)` at the end, once an error if the input broke.
    pub(crate) fn next(&mut self) -> io::Result<Option<RawBatch>> {
        if self.buffer.len() < self.block_bytes {
            self.fill();
        }
        loop {
            if self.dropping {
                match self.records.line_end(&self.buffer) {
                    Some(end) => {
                        self.buffer.drain(..=end);
                        self.dropping = false;
                    }
                    None => self.buffer.clear(),
                }
            }
            // What stands before a broken place, but has no end, is no record.
            let last = self.ended && self.failure.is_none();
            let whole = self.records.whole(&self.buffer, self.record_bytes_max, last);
            if whole.end > 0 {
                self.dropping = whole.cut;
                return Ok(Some(self.take(&whole)));
            }
            if self.ended {
                self.buffer.clear();
                return self.failure.take().map_or(Ok(None), Err);
            }
            self.fill();
        }
    }

    fn fill(&mut self) {
        if self.ended {
            return;
        }
        let least = READ_BYTES_MIN.min(self.block_bytes);
        let want = self.block_bytes.saturating_sub(self.buffer.len()).max(least);
        let (begin, mut end) = (self.buffer.len(), self.buffer.len());
        // All at once: a buffer that grows while it is read is copied over and over.
        self.buffer.reserve_exact(want);
        self.buffer.resize(begin + want, 0);
        while end < begin + want {
            match self.input.read(&mut self.buffer[end..]) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(read) => end += read,
                Err(failure) if failure.kind() == io::ErrorKind::Interrupted => {}
                Err(failure) => {
                    self.ended = true;
                    self.failure = Some(failure);
                    break;
                }
            }
        }
        self.buffer.truncate(end);
    }

    fn take(&mut self, whole: &Whole) -> RawBatch {
        let rest = self.buffer.split_off(whole.end.min(self.buffer.len()));
        let bytes = std::mem::replace(&mut self.buffer, rest);
        let first_offset = self.offset;
        self.offset += whole.records;
        RawBatch { partition: self.partition, first_offset, bytes }
    }
}

impl<R: Read + Send> Blocks for RecordBlocks<R> {
    fn next_block(&mut self) -> io::Result<Option<Block>> {
        let raw = self.next()?;
        Ok(raw.map(|raw| Block::new(raw.partition, raw.first_offset, raw.bytes)))
    }

    fn records(&self) -> u64 {
        self.offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(block_bytes: usize, record_bytes_max: usize) -> Limits {
        Limits { block_bytes, record_bytes_max, ..Limits::default() }
    }

    fn lines(text: &[u8], limits: &Limits) -> Vec<(u64, Vec<u8>)> {
        let mut blocks = RecordBlocks::new(text, Records::Lines, 0, limits);
        let mut found = Vec::new();
        while let Some(block) = blocks.next().expect("no error") {
            let mut offset = block.first_offset;
            for line in block.bytes.split_inclusive(|&byte| byte == b'\n') {
                found.push((offset, line.strip_suffix(b"\n").unwrap_or(line).to_vec()));
                offset += 1;
            }
            assert_eq!(offset, blocks.offset());
        }
        found
    }

    #[test]
    fn where_blocks_are_cut_changes_nothing() {
        let text = b"one\n\ntwo\r\nlonger than the limit is\nthree\n\n\nlast";
        let expected: Vec<(u64, Vec<u8>)> =
            [&b"one"[..], b"", b"two\r", b"longer than", b"three", b"", b"", b"last"]
                .into_iter()
                .enumerate()
                .map(|(number, line)| (number as u64, line.to_vec()))
                .collect();
        for block_bytes in 1..=text.len() + 1 {
            let mut found = lines(text, &limits(block_bytes, 10));
            for (_, line) in &mut found {
                line.truncate(11);
            }
            assert_eq!(found, expected, "blocks of {block_bytes} bytes");
        }
    }

    #[test]
    fn a_line_without_end_is_never_held() {
        let endless = io::repeat(b'x').take(64 << 20);
        let mut blocks = RecordBlocks::new(endless, Records::Lines, 0, &limits(1 << 16, 1 << 10));
        let block = blocks.next().expect("no error").expect("the cut line");
        assert_eq!(block.bytes.len(), (1 << 10) + 1);
        assert!(blocks.next().expect("no error").is_none());
        assert!(blocks.buffer.capacity() < 1 << 18);
        assert_eq!(blocks.offset(), 1);
    }

    #[test]
    fn a_block_of_tiny_lines_is_cut_by_their_number() {
        let text = vec![b'\n'; BLOCK_RECORDS_MAX * 2 + 5];
        let mut blocks = RecordBlocks::new(text.as_slice(), Records::Lines, 0, &Limits::default());
        let mut sizes = Vec::new();
        while let Some(block) = blocks.next().expect("no error") {
            sizes.push(block.bytes.len());
        }
        assert_eq!(sizes, [BLOCK_RECORDS_MAX, BLOCK_RECORDS_MAX, 5]);
        assert_eq!(blocks.offset(), text.len() as u64);
    }

    #[test]
    fn whole_lines_before_a_broken_place_are_used() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("broken"))
            }
        }
        let input = (&b"one\ntwo\nthr"[..]).chain(Broken);
        let mut blocks = RecordBlocks::new(input, Records::Lines, 0, &Limits::default());
        assert_eq!(blocks.next().expect("lines").expect("lines").bytes, b"one\ntwo\n");
        assert!(blocks.next().is_err());
        assert!(blocks.next().expect("the end").is_none());
        assert_eq!(blocks.offset(), 2);
    }
}
