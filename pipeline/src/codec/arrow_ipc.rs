//! Arrow IPC files, of the file format and of the stream format.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::RecordBatch;

use super::arrow_file::ArrowFile;
use super::arrow_rows::RowReader;
use super::arrow_sample;
use super::arrow_stream::ArrowStream;
use super::batch_builder::BatchBuilder;
use super::block::{Block, OpenFile};
use super::contract::{Blocks, Codec, DecodeBlocks, FileCodec};
use super::format::Format;
use super::sample::{Sample, SampleFault};
use super::setup::Setup;
use crate::model::Batch;

/// Files of Arrow IPC.
#[derive(Debug)]
pub(crate) struct ArrowIpc;

static FORMAT: Format = Format {
    name: "arrow",
    extensions: &["arrow", "arrows", "ipc", "feather"],
    // The stream format has no magic, but begins like this.
    magic: &[b"ARROW1", &[0xFF; 4]],
    doc: "Arrow IPC, the file format or the stream format.",
};

impl Codec for ArrowIpc {
    fn format(&self) -> &'static Format {
        &FORMAT
    }

    fn files(&self) -> Option<&dyn FileCodec> {
        Some(self)
    }
}

impl FileCodec for ArrowIpc {
    fn open(&self, file: OpenFile) -> io::Result<Box<dyn Blocks>> {
        let by_footer = if file.is_seekable { ArrowFile::open(&file.path)? } else { None };
        let rows = match by_footer {
            Some(by_footer) => {
                file.bytes_read.store(by_footer.bytes_read(), Ordering::Relaxed);
                Rows::File(by_footer, file.bytes_read)
            }
            None => Rows::Stream(ArrowStream::new(file.bytes)),
        };
        Ok(Box::new(ArrowBlocks { partition: file.partition, rows, offset: 0 }))
    }

    fn decoder(&self, setup: Setup<'_>) -> Box<dyn DecodeBlocks> {
        Box::new(ArrowDecoder { rows: RowReader::new(setup.paths) })
    }

    fn sample(
        &self,
        file: OpenFile,
        records_max: u64,
        sample: &mut dyn Sample,
    ) -> Result<(), SampleFault> {
        arrow_sample::arrow(&file, records_max, sample)
    }
}

/// A file, read by its footer or from front to back.
enum Rows {
    /// With the count of bytes that were read.
    File(ArrowFile, Arc<AtomicU64>),
    Stream(ArrowStream<Box<dyn Read + Send>>),
}

/// Each record batch of the file is a block.
struct ArrowBlocks {
    partition: u32,
    rows: Rows,
    offset: u64,
}

impl Blocks for ArrowBlocks {
    fn next_block(&mut self) -> io::Result<Option<Block>> {
        let next = match &mut self.rows {
            Rows::Stream(stream) => stream.next()?,
            Rows::File(file, bytes_read) => {
                let next = file.next()?;
                bytes_read.store(file.bytes_read(), Ordering::Relaxed);
                next
            }
        };
        let Some((rows, bytes)) = next else { return Ok(None) };
        let first_offset = self.offset;
        self.offset += rows.num_rows() as u64;
        let block = Block::new(self.partition, first_offset, rows);
        Ok(Some(block.with_bytes(bytes).streamed()))
    }

    fn records(&self) -> u64 {
        self.offset
    }
}

#[derive(Debug)]
struct ArrowDecoder {
    rows: RowReader,
}

impl DecodeBlocks for ArrowDecoder {
    fn decode(&mut self, block: &Block, batch: &mut BatchBuilder, emit: &mut dyn FnMut(Batch)) {
        if let Some(rows) = block.content::<RecordBatch>() {
            self.rows.read(batch.rules(), block.partition, block.first_offset, rows, emit);
        }
    }
}
