//! Parquet files: read from their end, where the footer says which row groups there are.
//!
//! Not here: what is in a row group (`row_group`).

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parquet::file::metadata::ParquetMetaData;

use super::arrow_rows::RowReader;
use super::arrow_sample;
use super::batch_builder::BatchBuilder;
use super::block::{Block, OpenFile};
use super::contract::{Blocks, Codec, DecodeBlocks, FileCodec};
use super::format::Format;
use super::parquet_footer::read_footer;
use super::row_group::{GroupReader, RowGroup};
use super::sample::{Sample, SampleFault};
use super::setup::Setup;
use crate::model::Batch;

/// Files of Parquet.
#[derive(Debug)]
pub(crate) struct Parquet;

static FORMAT: Format = Format {
    name: "parquet",
    extensions: &["parquet", "parq", "pq"],
    magic: &[b"PAR1"],
    doc: "Apache Parquet; only the configured columns are read. Needs a file, not a pipe.",
};

impl Codec for Parquet {
    fn format(&self) -> &'static Format {
        &FORMAT
    }

    fn files(&self) -> Option<&dyn FileCodec> {
        Some(self)
    }
}

impl FileCodec for Parquet {
    fn open(&self, file: OpenFile) -> io::Result<Box<dyn Blocks>> {
        if !file.is_seekable {
            return Err(io::Error::other(
                "Parquet is read from its end: give an uncompressed file, not a pipe",
            ));
        }
        let metadata = read_footer(&mut File::open(&file.path)?).map_err(io::Error::other)?;
        file.bytes_read.store(0, Ordering::Relaxed);
        Ok(Box::new(ParquetBlocks {
            name: file.path.display().to_string().into(),
            path: file.path,
            partition: file.partition,
            bytes_read: file.bytes_read,
            metadata: Arc::new(metadata),
            group: 0,
            offset: 0,
        }))
    }

    fn decoder(&self, setup: Setup<'_>) -> Box<dyn DecodeBlocks> {
        Box::new(ParquetDecoder {
            rows: RowReader::new(setup.paths),
            groups: GroupReader::default(),
        })
    }

    fn sample(
        &self,
        file: OpenFile,
        records_max: u64,
        sample: &mut dyn Sample,
    ) -> Result<(), SampleFault> {
        arrow_sample::parquet(&file, records_max, sample)
    }
}

/// Each row group is a block, which is read where it is decoded.
struct ParquetBlocks {
    path: PathBuf,
    name: Arc<str>,
    partition: u32,
    /// Counts the row groups that were handed out, all columns.
    bytes_read: Arc<AtomicU64>,
    metadata: Arc<ParquetMetaData>,
    group: usize,
    offset: u64,
}

impl Blocks for ParquetBlocks {
    fn next_block(&mut self) -> io::Result<Option<Block>> {
        if self.group >= self.metadata.num_row_groups() {
            return Ok(None);
        }
        // Opened anew for each block, so that no two threads share a position.
        let file = Arc::new(File::open(&self.path)?);
        let about = self.metadata.row_group(self.group);
        let content = RowGroup {
            group: self.group,
            file,
            name: Arc::clone(&self.name),
            metadata: Arc::clone(&self.metadata),
        };
        let block = Block::new(self.partition, self.offset, content).streamed();
        self.group += 1;
        let rows = u64::try_from(about.num_rows()).unwrap_or(0);
        self.offset = self.offset.saturating_add(rows);
        let bytes = u64::try_from(about.compressed_size()).unwrap_or(0);
        self.bytes_read.fetch_add(bytes, Ordering::Relaxed);
        Ok(Some(block))
    }

    fn records(&self) -> u64 {
        self.offset
    }
}

#[derive(Debug)]
struct ParquetDecoder {
    rows: RowReader,
    groups: GroupReader,
}

impl DecodeBlocks for ParquetDecoder {
    fn decode(&mut self, block: &Block, batch: &mut BatchBuilder, emit: &mut dyn FnMut(Batch)) {
        if let Some(group) = block.content::<RowGroup>() {
            self.groups.read(block, group, &mut self.rows, batch.rules(), emit);
        }
    }
}
