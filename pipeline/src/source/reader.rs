//! One open file, block by block.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use super::inputs::format_by_name;
use super::stream::{Stream, open_stream};
use crate::codec::{
    ArrowStream, Block, CsvBlock, CsvHeader, Format, RecordBlocks, Records, RowGroup, bad_file,
    guarded,
};
use crate::model::Limits;

/// Reads one file. An iterator over blocks; the last one may be a reject that says where the file
/// broke.
pub struct Reader {
    name: Arc<str>,
    partition: u32,
    bytes_read: Arc<AtomicU64>,
    body: Body,
}

enum Body {
    Ndjson(RecordBlocks<Stream>),
    Csv(RecordBlocks<Stream>, Arc<CsvHeader>),
    Arrow { rows: ArrowStream<Stream>, offset: u64 },
    Parquet { path: PathBuf, metadata: Arc<ParquetMetaData>, group: usize, offset: u64 },
    Failed(io::Error),
    Done,
}

/// A block, the end, or where and how the file broke.
type Step = Result<Option<Block>, (u64, io::Error)>;

impl Reader {
    pub(super) fn open(
        path: &Path,
        format: Option<Format>,
        partition: u32,
        limits: &Limits,
    ) -> Self {
        let bytes_read = Arc::new(AtomicU64::new(0));
        let body = begin(path, format, partition, limits, &bytes_read);
        let name = path.display().to_string().into();
        Self { name, partition, bytes_read, body: body.unwrap_or_else(Body::Failed) }
    }

    pub(super) fn empty(partition: u32) -> Self {
        Self { name: "".into(), partition, bytes_read: Arc::default(), body: Body::Done }
    }

    /// Bytes of the file that were read so far, as stored. Of Parquet, those of the row groups that
    /// were handed out, all columns.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    fn step(&mut self) -> Step {
        match &mut self.body {
            Body::Done => Ok(None),
            Body::Failed(_) => match std::mem::replace(&mut self.body, Body::Done) {
                Body::Failed(error) => Err((0, error)),
                _ => Ok(None),
            },
            Body::Ndjson(blocks) => match blocks.next() {
                Ok(raw) => Ok(raw.map(Block::Ndjson)),
                Err(error) => Err((blocks.offset(), error)),
            },
            Body::Csv(blocks, header) => match blocks.next() {
                Ok(raw) => {
                    Ok(raw.map(|raw| Block::Csv(CsvBlock { header: Arc::clone(header), raw })))
                }
                Err(error) => Err((blocks.offset(), error)),
            },
            Body::Arrow { rows, offset } => {
                let Some(rows) = rows.next().map_err(|error| (*offset, error))? else {
                    return Ok(None);
                };
                let first_offset = *offset;
                *offset += rows.num_rows() as u64;
                Ok(Some(Block::Rows { partition: self.partition, first_offset, rows }))
            }
            Body::Parquet { path, metadata, group, offset } => {
                if *group >= metadata.num_row_groups() {
                    return Ok(None);
                }
                // Opened anew for each unit, so that no two threads share a position.
                let file = File::open(path).map_err(|error| (*offset, error))?;
                let about = metadata.row_group(*group);
                let unit = RowGroup {
                    partition: self.partition,
                    first_offset: *offset,
                    group: *group,
                    file: Arc::new(file),
                    name: Arc::clone(&self.name),
                    metadata: Arc::clone(metadata),
                };
                *group += 1;
                *offset += u64::try_from(about.num_rows()).unwrap_or(0);
                let bytes = u64::try_from(about.compressed_size()).unwrap_or(0);
                self.bytes_read.fetch_add(bytes, Ordering::Relaxed);
                Ok(Some(Block::RowGroup(unit)))
            }
        }
    }
}

impl Iterator for Reader {
    type Item = Block;

    fn next(&mut self) -> Option<Block> {
        match self.step() {
            Ok(Some(block)) => Some(block),
            Ok(None) => {
                self.body = Body::Done;
                None
            }
            Err((offset, error)) => {
                self.body = Body::Done;
                let detail = format!("after record {offset}: {error}");
                Some(Block::Bad(bad_file(self.partition, offset, &self.name, detail)))
            }
        }
    }
}

fn begin(
    path: &Path,
    format: Option<Format>,
    partition: u32,
    limits: &Limits,
    bytes_read: &Arc<AtomicU64>,
) -> io::Result<Body> {
    let (stream, beginning, stored_plain) = open_stream(path, bytes_read)?;
    let format =
        format.or_else(|| format_by_name(path)).unwrap_or_else(|| Format::by_content(&beginning));
    if beginning.is_empty() {
        return Ok(Body::Done);
    }
    match format {
        Format::Ndjson => {
            Ok(Body::Ndjson(RecordBlocks::new(stream, Records::Lines, partition, limits)))
        }
        Format::Csv => {
            let tabs = path.to_string_lossy().to_lowercase().contains(".tsv");
            let delimiter = if tabs { b'\t' } else { b',' };
            let records = Records::Csv { delimiter };
            let mut blocks = RecordBlocks::new(stream, records, partition, limits);
            let header = blocks.header(delimiter)?;
            Ok(header.map_or(Body::Done, |header| Body::Csv(blocks, Arc::new(header))))
        }
        Format::Arrow => Ok(Body::Arrow { rows: ArrowStream::new(stream), offset: 0 }),
        Format::Parquet if !stored_plain || !path.is_file() => Err(io::Error::other(
            "Parquet is read from its end: give an uncompressed file, not a pipe",
        )),
        Format::Parquet => {
            let file = File::open(path)?;
            let read = guarded(|| ParquetMetaDataReader::new().parse_and_finish(&file));
            let metadata = read.map_err(io::Error::other)?.map_err(io::Error::other)?;
            let metadata = Arc::new(metadata);
            bytes_read.store(0, Ordering::Relaxed);
            Ok(Body::Parquet { path: path.to_owned(), metadata, group: 0, offset: 0 })
        }
    }
}
