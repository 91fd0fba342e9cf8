//! Bytes to [`Batch`]: only the configured paths, every bad record one reject with its reason.
//!
//! Pure: no clock, no files, no threads. A [`Decoder`] keeps buffers and memory of what records
//! looked like, which makes it fast and never changes a result; have one for each thread. Not here:
//! where bytes come from (`source`), what values mean to a detector (`engine`).

mod arrow_ipc;
mod arrow_metrics;
mod arrow_rows;
mod arrow_text;
mod arrow_times;
mod columns;
mod csv;
mod guard;
mod json;
mod json_text;
mod label_reader;
mod labels;
mod message;
mod parquet;
mod plan;
mod record;
mod record_blocks;
mod time;

use arrow::array::RecordBatch;
use thiserror::Error;

pub(crate) use self::arrow_ipc::ArrowStream;
pub use self::csv::{CsvBlock, CsvHeader};
pub(crate) use self::guard::guarded;
pub use self::parquet::RowGroup;
pub(crate) use self::parquet::bad_file;
pub(crate) use self::record_blocks::{RecordBlocks, Records};

use self::arrow_rows::{Context, RowReader};
use self::columns::Columns;
use self::csv::RowScanner;
use self::json::Scanner;
use self::parquet::GroupReader;
use self::plan::Plan;
use self::record::{Fault, Reader, Record, TimeBounds};
pub(crate) use self::time::TimeReader;
use crate::model::{Batch, Layout, Limits, RawBatch, Reason, Reject, TimeFormat};

/// Longest excerpt of a rejected record, in characters.
const EXCERPT_CHARS: usize = 120;
/// Longest detail of a reject, in bytes.
const DETAIL_BYTES: usize = 200;

/// A layout that no decoder can be made of.
#[derive(Debug, Error)]
pub enum LayoutError {
    /// strftime does not know the pattern.
    #[error(
        "[time].format: `{0}` is no strftime pattern; see the list of specifiers in docs/config.md"
    )]
    Pattern(String),
    /// Too many paths.
    #[error("the layout names more than 65,000 paths; split it into several pipelines")]
    TooManyPaths,
}

/// A format of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Ndjson,
    /// RFC 4180 with a header.
    Csv,
    /// Apache Parquet.
    Parquet,
    /// Arrow IPC, file or stream.
    Arrow,
}

/// One line of the table of codecs.
#[derive(Debug)]
pub struct Codec {
    /// The format that it reads.
    pub format: Format,
    /// Its name on the command line.
    pub name: &'static str,
    /// File name extensions, without the dot.
    pub extensions: &'static [&'static str],
    /// How a file of it begins; empty = anything.
    pub magic: &'static [u8],
    /// What it reads, in a sentence.
    pub doc: &'static str,
}

/// All codecs. Those with a magic come first, so that the first match wins.
pub static CODECS: &[Codec] = &[
    Codec {
        format: Format::Parquet,
        name: "parquet",
        extensions: &["parquet", "parq", "pq"],
        magic: b"PAR1",
        doc: "Apache Parquet; only the configured columns are read. Needs a file, not a pipe.",
    },
    Codec {
        format: Format::Arrow,
        name: "arrow",
        extensions: &["arrow", "arrows", "ipc", "feather"],
        magic: b"ARROW1",
        doc: "Arrow IPC, the file format or the stream format.",
    },
    Codec {
        format: Format::Csv,
        name: "csv",
        extensions: &["csv", "tsv"],
        magic: b"",
        doc: "CSV as in RFC 4180, first record = names of the columns; tabs in .tsv files.",
    },
    Codec {
        format: Format::Ndjson,
        name: "ndjson",
        extensions: &["ndjson", "jsonl", "json"],
        magic: b"",
        doc: "One JSON object a line, UTF-8; blank lines are skipped.",
    },
];

/// How Arrow's stream format begins, which has no magic.
const ARROW_STREAM: &[u8] = &[0xFF; 4];

impl Format {
    /// The format that a file's first bytes tell; what has no magic is taken for NDJSON.
    pub fn by_content(beginning: &[u8]) -> Self {
        if beginning.starts_with(ARROW_STREAM) {
            return Self::Arrow;
        }
        let has_magic =
            |codec: &&Codec| !codec.magic.is_empty() && beginning.starts_with(codec.magic);
        CODECS.iter().find(has_magic).map_or(Self::Ndjson, |codec| codec.format)
    }

    /// The format of this name.
    pub fn named(name: &str) -> Option<Self> {
        CODECS.iter().find(|codec| codec.name == name).map(|codec| codec.format)
    }
}

/// A piece of input that can be decoded on its own, on any thread.
#[derive(Debug, Clone)]
pub enum Block {
    /// Whole lines, each a JSON object. Offsets are line numbers, blank lines counted.
    Ndjson(RawBatch),
    /// Whole records of a CSV file.
    Csv(CsvBlock),
    /// A row group of a Parquet file, which is read where it is decoded.
    RowGroup(RowGroup),
    /// Rows that are columns already.
    Rows {
        /// Input partition.
        partition: u32,
        /// Number of the first row in its partition.
        first_offset: u64,
        /// The rows.
        rows: RecordBatch,
    },
    /// The rest of a file that cannot be read; decodes to this reject.
    Bad(Reject),
}

/// Decodes blocks. Reusable; one for each thread.
#[derive(Debug)]
pub struct Decoder {
    plan: Plan,
    limits: Limits,
    bounds: TimeBounds,
    times: TimeReader,
    columns: Columns,
    record: Record,
    scanner: Scanner,
    csv: RowScanner,
    rows: RowReader,
    groups: GroupReader,
}

impl Decoder {
    /// A decoder for a layout. Events before `not_before_us` and at or after `not_after_us`
    /// (microseconds since 1970) are rejects.
    pub fn new(
        layout: &Layout,
        limits: &Limits,
        not_before_us: i64,
        not_after_us: i64,
    ) -> Result<Self, LayoutError> {
        let plan = Plan::new(layout).ok_or(LayoutError::TooManyPaths)?;
        let times = TimeReader::new(&layout.time.format).ok_or_else(|| {
            LayoutError::Pattern(match &layout.time.format {
                TimeFormat::Pattern(pattern) => pattern.clone(),
                _ => String::new(),
            })
        })?;
        Ok(Self {
            columns: Columns::new(&plan),
            record: Record::new(&plan),
            scanner: Scanner::new(limits.depth_max),
            csv: RowScanner::default(),
            rows: RowReader::new(&plan),
            groups: GroupReader::default(),
            bounds: TimeBounds { not_before_us, not_after_us },
            limits: limits.clone(),
            times,
            plan,
        })
    }

    /// Decodes a block; `emit` gets its batches in order.
    pub fn decode(&mut self, block: &Block, emit: &mut dyn FnMut(Batch)) {
        match block {
            Block::Ndjson(raw) => {
                self.ndjson(raw);
                emit(self.finish(raw.partition));
            }
            Block::Csv(block) => {
                self.csv(block);
                emit(self.finish(block.raw.partition));
            }
            Block::RowGroup(group) => {
                let Self { plan, limits, bounds, times, .. } = self;
                let mut context = Context { plan, limits, times, bounds };
                self.groups.read(group, &mut self.rows, &mut context, emit);
            }
            Block::Rows { partition, first_offset, rows } => {
                let Self { plan, limits, bounds, times, .. } = self;
                let mut context = Context { plan, limits, times, bounds };
                self.rows.read(&mut context, *partition, *first_offset, rows, emit);
            }
            Block::Bad(reject) => {
                self.columns.rejects.push(reject.clone());
                emit(self.finish(reject.partition));
            }
        }
    }

    /// Decodes one JSON record, as in a Kafka message. It is in the batch that [`Decoder::finish`]
    /// gives next. White space around it is fine, line breaks in it too.
    pub fn record(&mut self, partition: u32, offset: u64, bytes: &[u8]) {
        let result = self.checked_line(bytes, offset);
        self.reject_if(result, partition, offset, bytes);
    }

    /// The events and rejects since the last batch.
    pub fn finish(&mut self, partition: u32) -> Batch {
        self.columns.finish(partition)
    }

    fn ndjson(&mut self, raw: &RawBatch) {
        const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
        let bytes = raw.bytes.as_slice();
        let mut start = if raw.first_offset == 0 && bytes.starts_with(BYTE_ORDER_MARK) {
            BYTE_ORDER_MARK.len()
        } else {
            0
        };
        // Checked as a whole; only if something is wrong line by line, to find where.
        let text = simdutf8::basic::from_utf8(bytes).ok();
        let ends = memchr::memchr_iter(b'\n', bytes).chain([bytes.len()]);
        for (offset, end) in (raw.first_offset..).zip(ends) {
            let line = bytes.get(start..end).unwrap_or(&[]);
            let result = match text {
                Some(text) => self.line(text, start, end, offset),
                None => self.checked_line(line, offset),
            };
            self.reject_if(result, raw.partition, offset, line);
            start = end + 1;
        }
    }

    fn csv(&mut self, block: &CsvBlock) {
        self.csv.begin(&self.plan, &block.header);
        let bytes = block.raw.bytes.as_slice();
        let text = simdutf8::basic::from_utf8(bytes).ok();
        let mut start = 0;
        for offset in block.raw.first_offset.. {
            let rest = bytes.get(start..).unwrap_or(&[]);
            let Some((from, to, next)) = next_record(rest, block.header.delimiter, true) else {
                return;
            };
            let record = rest.get(from..to).unwrap_or(&[]);
            let result = match text {
                Some(text) => self.csv_record(text, start + from, start + to, offset),
                None => self.checked_csv_record(record, offset),
            };
            self.reject_if(result, block.raw.partition, offset, record);
            start += next;
        }
    }

    fn checked_csv_record(&mut self, record: &[u8], offset: u64) -> Result<(), Fault> {
        self.check_length(record.len())?;
        let text = checked(record)?;
        self.csv_record(text, 0, text.len(), offset)
    }

    fn csv_record(
        &mut self,
        text: &str,
        start: usize,
        end: usize,
        offset: u64,
    ) -> Result<(), Fault> {
        self.check_length(end - start)?;
        self.record.clear();
        self.csv.scan(text, start, end, &mut self.record)?;
        self.commit(text, offset)
    }

    /// A line that is not yet known to be UTF-8.
    fn checked_line(&mut self, line: &[u8], offset: u64) -> Result<(), Fault> {
        self.check_length(line.len())?;
        let text = checked(line)?;
        self.line(text, 0, text.len(), offset)
    }

    #[inline]
    fn line(&mut self, text: &str, start: usize, end: usize, offset: u64) -> Result<(), Fault> {
        self.check_length(end - start)?;
        let bytes = text.as_bytes().get(..end).unwrap_or(&[]);
        if json_text::skip_space(bytes, start) == end {
            return Ok(());
        }
        self.record.clear();
        self.scanner.scan(&self.plan, text, start, end, &mut self.record)?;
        self.commit(text, offset)
    }

    #[inline]
    fn commit(&mut self, text: &str, offset: u64) -> Result<(), Fault> {
        let mut reader = Reader {
            plan: &self.plan,
            limits: &self.limits,
            times: &mut self.times,
            bounds: &self.bounds,
        };
        self.record.commit(text, offset, &mut reader, &mut self.columns)
    }

    #[inline]
    fn check_length(&self, bytes: usize) -> Result<(), Fault> {
        if bytes > self.limits.record_bytes_max {
            let detail = format!("more than {} bytes", self.limits.record_bytes_max);
            return Err(Fault::new(Reason::TooLong, detail));
        }
        Ok(())
    }

    #[inline]
    fn reject_if(&mut self, result: Result<(), Fault>, partition: u32, offset: u64, record: &[u8]) {
        if let Err(fault) = result {
            self.columns.rejects.push(reject(fault, partition, offset, record));
        }
    }
}

fn checked(record: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(record).map_err(|error| {
        Fault::new(Reason::InvalidUtf8, format!("at byte {}", error.valid_up_to()))
    })
}

/// A reject of bounded size.
#[cold]
fn reject(fault: Fault, partition: u32, offset: u64, record: &[u8]) -> Reject {
    let mut detail = fault.detail;
    detail.truncate(detail.floor_char_boundary(DETAIL_BYTES));
    Reject { reason: fault.reason, partition, offset, detail, excerpt: excerpt(record) }
}

/// The beginning of a record for people to read.
fn excerpt(record: &[u8]) -> String {
    let bytes = record.get(..EXCERPT_CHARS * 4).unwrap_or(record);
    String::from_utf8_lossy(bytes).trim_end().chars().take(EXCERPT_CHARS).collect()
}

#[cfg(test)]
#[path = "decoder_tests.rs"]
mod tests;
