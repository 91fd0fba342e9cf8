//! One open file, block by block.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::blocks::LineBlocks;
use super::inputs::format_by_name;
use crate::codec::{Block, Format};
use crate::model::{Limits, Reason, Reject};

/// Reads one file. An iterator over blocks; the last one may be a reject that says where the file
/// broke.
pub struct Reader {
    name: String,
    partition: u32,
    bytes_read: Arc<AtomicU64>,
    body: Body,
}

enum Body {
    Lines(LineBlocks<Box<dyn Read + Send>>),
    Failed(io::Error),
    Done,
}

impl Reader {
    pub(super) fn open(
        path: &Path,
        format: Option<Format>,
        partition: u32,
        limits: &Limits,
    ) -> Self {
        let bytes_read = Arc::new(AtomicU64::new(0));
        let format = format.or_else(|| format_by_name(path)).unwrap_or(Format::Ndjson);
        let body = match (open_stream(path, &bytes_read), format) {
            (Ok(stream), Format::Ndjson) => Body::Lines(LineBlocks::new(stream, partition, limits)),
            (Err(error), _) => Body::Failed(error),
        };
        Self { name: path.display().to_string(), partition, bytes_read, body }
    }

    pub(super) fn empty(partition: u32) -> Self {
        Self { name: String::new(), partition, bytes_read: Arc::default(), body: Body::Done }
    }

    /// Bytes of the file that were read so far, as stored.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    fn bad(&self, offset: u64, error: &io::Error) -> Block {
        let mut detail = format!("after {} bytes: {error}", self.bytes_read());
        detail.truncate(detail.floor_char_boundary(200));
        Block::Bad(Reject {
            reason: Reason::BadFile,
            partition: self.partition,
            offset,
            detail,
            excerpt: self.name.chars().take(120).collect(),
        })
    }
}

impl Iterator for Reader {
    type Item = Block;

    fn next(&mut self) -> Option<Block> {
        let (offset, error) = match std::mem::replace(&mut self.body, Body::Done) {
            Body::Done => return None,
            Body::Failed(error) => (0, error),
            Body::Lines(mut lines) => match lines.next() {
                Ok(None) => return None,
                Ok(Some(raw)) => {
                    self.body = Body::Lines(lines);
                    return Some(Block::Ndjson(raw));
                }
                Err(error) => (lines.offset(), error),
            },
        };
        Some(self.bad(offset, &error))
    }
}

fn open_stream(path: &Path, bytes_read: &Arc<AtomicU64>) -> io::Result<Box<dyn Read + Send>> {
    let bytes_read = Arc::clone(bytes_read);
    if path.as_os_str() == "-" {
        return Ok(Box::new(Counted { input: io::stdin(), bytes_read }));
    }
    Ok(Box::new(Counted { input: File::open(path)?, bytes_read }))
}

/// Counts what is read.
struct Counted<R> {
    input: R,
    bytes_read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(into)?;
        self.bytes_read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
