//! A file on its way to a decoder: opened, then in blocks.

use std::any::Any;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::model::Limits;

/// A file that was just opened.
pub struct OpenFile {
    /// Its path; `-` = standard input.
    pub path: PathBuf,
    /// Its bytes from the beginning, decompressed.
    pub bytes: Box<dyn Read + Send>,
    /// Whether it may be opened again at `path` and read in any order: it is no pipe and not compressed.
    pub is_seekable: bool,
    /// Its partition, for the blocks.
    pub partition: u32,
    /// Bounds of blocks and records.
    pub limits: Limits,
    /// Bytes that were read so far, as stored. Reading `bytes` counts here; a codec that reads the file
    /// at `path` counts on its own.
    pub bytes_read: Arc<AtomicU64>,
}

/// A piece of a file that can be decoded on its own, on any thread. What it holds is known to its codec
/// alone: whole records as bytes, rows that are columns already, or a place in the file.
#[derive(Debug)]
pub struct Block {
    /// Input partition.
    pub partition: u32,
    /// Number of its first record in the file, from 0.
    pub first_offset: u64,
    content: Box<dyn Any + Send + Sync>,
    bytes: u64,
    streamed: bool,
}

impl Block {
    /// A block with the codec's own content.
    pub fn new(partition: u32, first_offset: u64, content: impl Any + Send + Sync) -> Self {
        Self { partition, first_offset, content: Box::new(content), bytes: 0, streamed: false }
    }

    /// The same block, which holds so many bytes: few such blocks are kept at one time. Not needed for
    /// blocks of about [`Limits::block_bytes`].
    pub fn with_bytes(self, bytes: u64) -> Self {
        Self { bytes, ..self }
    }

    /// The same block, which may decode to more than should be held at one time: its batches are taken as
    /// they come.
    pub fn streamed(self) -> Self {
        Self { streamed: true, ..self }
    }

    /// Bytes that it holds, if it has said so.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether it decodes to more than should be held at one time.
    pub(crate) fn is_streamed(&self) -> bool {
        self.streamed
    }

    /// The content, which is a `T` where the block comes from a codec whose blocks hold a `T`.
    pub fn content<T: Any>(&self) -> Option<&T> {
        self.content.downcast_ref()
    }
}
