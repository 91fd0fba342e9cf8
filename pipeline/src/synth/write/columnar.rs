//! Columnar files: Parquet and Arrow IPC.
//!
//! Memory is bounded by one row group.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use arrow::array::RecordBatch;
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::super::event::Event;
use super::super::vocabulary::Vocabulary;
use super::columns::Columns;
use super::writer::EventWriter;

/// Rows that are gathered before they are handed to the format.
const BATCH_ROWS: usize = 10_000;
/// Rows of a Parquet row group.
const ROW_GROUP_ROWS: usize = 100_000;

/// A columnar format in the making.
trait Batches {
    fn add(&mut self, batch: &RecordBatch) -> io::Result<()>;
    fn end(self: Box<Self>) -> io::Result<()>;
}

impl Batches for ArrowWriter<BufWriter<File>> {
    fn add(&mut self, batch: &RecordBatch) -> io::Result<()> {
        self.write(batch).map_err(io::Error::other)
    }

    fn end(self: Box<Self>) -> io::Result<()> {
        (*self).into_inner().map_err(io::Error::other)?.flush()
    }
}

impl Batches for FileWriter<BufWriter<File>> {
    fn add(&mut self, batch: &RecordBatch) -> io::Result<()> {
        self.write(batch).map_err(io::Error::other)
    }

    fn end(mut self: Box<Self>) -> io::Result<()> {
        FileWriter::finish(&mut self).map_err(io::Error::other)?;
        (*self).into_inner().map_err(io::Error::other)?.flush()
    }
}

struct Columnar {
    columns: Columns,
    out: Box<dyn Batches>,
}

impl EventWriter for Columnar {
    fn write(&mut self, event: &Event) -> io::Result<()> {
        self.columns.push(event);
        if self.columns.rows() < BATCH_ROWS {
            return Ok(());
        }
        let batch = self.columns.finish().map_err(io::Error::other)?;
        self.out.add(&batch)
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        if self.columns.rows() > 0 {
            let batch = self.columns.finish().map_err(io::Error::other)?;
            self.out.add(&batch)?;
        }
        self.out.end()
    }
}

/// Parquet in zstd: dictionaries for labels, none for the unique ids.
pub(super) fn parquet(
    file: BufWriter<File>,
    vocabulary: &Vocabulary,
    vectors: bool,
) -> io::Result<Box<dyn EventWriter>> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_column_dictionary_enabled("request_id".into(), false)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .build();
    let columns = Columns::new(vocabulary, vectors);
    let writer = ArrowWriter::try_new(file, columns.schema(), Some(properties));
    Ok(Box::new(Columnar { columns, out: Box::new(writer.map_err(io::Error::other)?) }))
}

/// An Arrow IPC file in LZ4.
pub(super) fn arrow(
    file: BufWriter<File>,
    vocabulary: &Vocabulary,
    vectors: bool,
) -> io::Result<Box<dyn EventWriter>> {
    let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME));
    let options = options.map_err(io::Error::other)?;
    let columns = Columns::new(vocabulary, vectors);
    let writer = FileWriter::try_new_with_options(file, &columns.schema(), options);
    Ok(Box::new(Columnar { columns, out: Box::new(writer.map_err(io::Error::other)?) }))
}
