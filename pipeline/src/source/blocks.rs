//! A stream of bytes cut into blocks of whole records.
//!
//! A record that is longer than the limit is cut to one byte more than the limit, so that the decoder
//! sees it as too long, and its rest is dropped without being held. Invariant: where blocks are cut
//! changes neither records nor their numbers.

use std::io::{self, Read};

use crate::model::{Limits, RawBatch};

/// Most records in a block, so that a block of junk makes no more rejects than that.
const BLOCK_RECORDS_MAX: usize = 1 << 14;
/// Fewest bytes that are asked for at once.
const READ_BYTES_MIN: usize = 1 << 16;

/// Cuts `input` into blocks of lines.
pub(super) struct LineBlocks<R> {
    input: R,
    partition: u32,
    block_bytes: usize,
    record_bytes_max: usize,
    buffer: Vec<u8>,
    offset: u64,
    /// In the rest of a record that was too long.
    dropping: bool,
    ended: bool,
    failure: Option<io::Error>,
}

impl<R: Read> LineBlocks<R> {
    pub(super) fn new(input: R, partition: u32, limits: &Limits) -> Self {
        Self {
            input,
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
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next block; `Ok(None)` at the end, once an error if the input broke.
    pub(super) fn next(&mut self) -> io::Result<Option<RawBatch>> {
        loop {
            self.fill();
            if self.dropping {
                match memchr::memchr(b'\n', &self.buffer) {
                    Some(end) => {
                        self.buffer.drain(..=end);
                        self.dropping = false;
                    }
                    None => self.buffer.clear(),
                }
            }
            let whole = memchr::memrchr(b'\n', &self.buffer).map_or(0, |last| last + 1);
            if whole > 0 {
                return Ok(Some(self.take(whole)));
            }
            if self.buffer.len() > self.record_bytes_max {
                self.buffer.truncate(self.record_bytes_max + 1);
                self.dropping = true;
                return Ok(Some(self.take(self.buffer.len())));
            }
            if self.ended {
                // The last line may lack its newline; of a broken input the rest is no record.
                return match self.failure.take() {
                    Some(failure) => {
                        self.buffer.clear();
                        Err(failure)
                    }
                    None if self.buffer.is_empty() => Ok(None),
                    None => Ok(Some(self.take(self.buffer.len()))),
                };
            }
        }
    }

    fn fill(&mut self) {
        if self.ended {
            return;
        }
        let want = self
            .block_bytes
            .saturating_sub(self.buffer.len())
            .max(READ_BYTES_MIN.min(self.block_bytes));
        match self.input.by_ref().take(want as u64).read_to_end(&mut self.buffer) {
            Ok(read) => self.ended = read < want,
            Err(failure) => {
                self.ended = true;
                self.failure = Some(failure);
            }
        }
    }

    /// The first `end` bytes as a block, or fewer if they are many records.
    fn take(&mut self, mut end: usize) -> RawBatch {
        let records = self.buffer.get(..end).unwrap_or(&[]);
        let mut count = memchr::memchr_iter(b'\n', records).count();
        if count > BLOCK_RECORDS_MAX {
            count = BLOCK_RECORDS_MAX;
            let cut = memchr::memchr_iter(b'\n', records).nth(BLOCK_RECORDS_MAX - 1);
            end = cut.map_or(end, |cut| cut + 1);
        } else if records.last() != Some(&b'\n') {
            count += 1;
        }
        let rest = self.buffer.split_off(end.min(self.buffer.len()));
        let bytes = std::mem::replace(&mut self.buffer, rest);
        let first_offset = self.offset;
        self.offset += count as u64;
        RawBatch { partition: self.partition, first_offset, bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(block_bytes: usize, record_bytes_max: usize) -> Limits {
        Limits { block_bytes, record_bytes_max, ..Limits::default() }
    }

    fn lines(text: &[u8], limits: &Limits) -> Vec<(u64, Vec<u8>)> {
        let mut blocks = LineBlocks::new(text, 0, limits);
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
        let mut blocks = LineBlocks::new(endless, 0, &limits(1 << 16, 1 << 10));
        let block = blocks.next().expect("no error").expect("the cut line");
        assert_eq!(block.bytes.len(), (1 << 10) + 1);
        assert!(blocks.next().expect("no error").is_none());
        assert!(blocks.buffer.capacity() < 1 << 18);
        assert_eq!(blocks.offset(), 1);
    }

    #[test]
    fn a_block_of_tiny_lines_is_cut_by_their_number() {
        let text = vec![b'\n'; BLOCK_RECORDS_MAX * 2 + 5];
        let mut blocks = LineBlocks::new(text.as_slice(), 0, &Limits::default());
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
        let mut blocks = LineBlocks::new(input, 0, &Limits::default());
        assert_eq!(blocks.next().expect("lines").expect("lines").bytes, b"one\ntwo\n");
        assert!(blocks.next().is_err());
        assert!(blocks.next().expect("the end").is_none());
        assert_eq!(blocks.offset(), 2);
    }
}
