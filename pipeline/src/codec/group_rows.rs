//! The rows of a row group of Parquet, a few thousand at once: fewer where they are long.
//!
//! Not here: which columns, and what becomes of rows (`row_group`). Invariant: what is held is bounded by
//! `parquet_pages`, whatever the file says.

use std::fs::File;
use std::sync::Arc;

use arrow::array::RecordBatch;
use parquet::arrow::FieldLevels;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, RowGroups};
use parquet::column::page::{PageIterator, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};

use super::arrow_rows::BATCH_ROWS;
use super::guard::guarded;
use super::parquet_pages::{Held, Pages};

/// How many times fewer rows are read at once when they were too long, and the fewest.
const SHRINK: usize = 16;
const BATCH_ROWS_MIN: usize = 2;

/// Reads one row group.
pub(crate) struct GroupRows {
    columns: Columns,
    levels: Arc<FieldLevels>,
    reader: ParquetRecordBatchReader,
    /// Rows that were given.
    given: u64,
    /// Rows that come again since reading began anew.
    again: u64,
}

impl GroupRows {
    pub(crate) fn new(
        file: Arc<File>,
        metadata: &Arc<ParquetMetaData>,
        group: usize,
        levels: Arc<FieldLevels>,
    ) -> Result<Self> {
        let metadata = Arc::clone(metadata);
        let columns =
            Columns { file, metadata, group, batch_rows: BATCH_ROWS, held: Arc::default() };
        let reader = columns.reader(&levels)?;
        Ok(Self { columns, levels, reader, given: 0, again: 0 })
    }

    /// The next rows; none at the end. After an error there are no more.
    pub(crate) fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            self.columns.held.begin_batch();
            let read = guarded(|| self.reader.next()).map_err(ParquetError::General)?;
            let batch = match read.transpose() {
                Ok(None) => return Ok(None),
                Ok(Some(batch)) => batch,
                Err(_) if self.columns.held.is_too_large() && self.shrink()? => continue,
                Err(error) => return Err(error.into()),
            };
            let known = batch.num_rows().min(usize::try_from(self.again).unwrap_or(usize::MAX));
            self.again -= known as u64;
            if known == batch.num_rows() {
                continue;
            }
            let new = batch.slice(known, batch.num_rows() - known);
            self.given += new.num_rows() as u64;
            return Ok(Some(new));
        }
    }

    /// Begins anew with fewer rows at once, if there can be fewer.
    fn shrink(&mut self) -> Result<bool> {
        if self.columns.batch_rows <= BATCH_ROWS_MIN {
            return Ok(false);
        }
        self.columns.batch_rows = (self.columns.batch_rows / SHRINK).max(BATCH_ROWS_MIN);
        self.columns.held = Arc::default();
        self.reader = self.columns.reader(&self.levels)?;
        self.again = self.given;
        Ok(true)
    }
}

/// The columns of one row group, for the reader of others.
struct Columns {
    file: Arc<File>,
    metadata: Arc<ParquetMetaData>,
    group: usize,
    batch_rows: usize,
    held: Arc<Held>,
}

impl Columns {
    fn reader(&self, levels: &FieldLevels) -> Result<ParquetRecordBatchReader> {
        let rows = self.batch_rows;
        guarded(|| ParquetRecordBatchReader::try_new_with_row_groups(levels, self, rows, None))
            .map_err(ParquetError::General)?
    }
}

impl RowGroups for Columns {
    fn num_rows(&self) -> usize {
        usize::try_from(self.metadata.row_group(self.group).num_rows()).unwrap_or(0)
    }

    fn column_chunks(&self, column: usize) -> Result<Box<dyn PageIterator>> {
        let Some(chunk) = self.metadata.row_group(self.group).columns().get(column) else {
            return Err(ParquetError::General("a row group lacks a column".into()));
        };
        let (file, held) = (Arc::clone(&self.file), Arc::clone(&self.held));
        let pages = Pages::new(file, chunk, self.batch_rows, held)?;
        Ok(Box::new(OneChunk(Some(pages))))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(std::iter::once(self.metadata.row_group(self.group)))
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }
}

/// A column of one row group has one reader of pages.
struct OneChunk(Option<Pages>);

impl Iterator for OneChunk {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        let pages = self.0.take()?;
        Some(Ok(Box::new(pages)))
    }
}

impl PageIterator for OneChunk {}
