//! CSV files: the names of the columns, then one record after another.
//!
//! Not here: where records and fields end (`csv_text`).

use std::io;
use std::ops::Range;
use std::sync::Arc;

use super::bad_record::BadRecord;
use super::batch_builder::{BatchBuilder, ScanRecord, checked_utf8};
use super::block::{Block, OpenFile};
use super::contract::{Blocks, Codec, DecodeBlocks, FileCodec};
use super::csv_delimiter::delimiter;
use super::csv_sample;
use super::csv_text::{CsvHeader, fields, next_record};
use super::field_values::{FieldValue, FieldValues};
use super::format::Format;
use super::json_scanner::vector;
use super::json_text::skip_space;
use super::path_tree::{NodeId, PathTree};
use super::record_blocks::{RecordBlocks, Records};
use super::sample::{Sample, SampleFault};
use super::setup::Setup;
use crate::model::{Batch, Reason};

/// Files of CSV.
#[derive(Debug)]
pub(crate) struct Csv;

static FORMAT: Format = Format {
    name: "csv",
    extensions: &["csv", "tsv"],
    magic: &[],
    doc: "CSV as in RFC 4180, first record = names of the columns; parted by commas, tabs, semicolons or bars.",
};

impl Codec for Csv {
    fn format(&self) -> &'static Format {
        &FORMAT
    }

    fn files(&self) -> Option<&dyn FileCodec> {
        Some(self)
    }
}

impl FileCodec for Csv {
    fn open(&self, file: OpenFile) -> io::Result<Box<dyn Blocks>> {
        let (delimiter, bytes) = delimiter(file.bytes)?;
        let records = Records::Csv { delimiter };
        let mut blocks = RecordBlocks::new(bytes, records, file.partition, &file.limits);
        let header = blocks.header(delimiter)?.map(Arc::new);
        Ok(Box::new(CsvBlocks { blocks, header }))
    }

    fn decoder(&self, _: Setup<'_>) -> Box<dyn DecodeBlocks> {
        Box::new(CsvDecoder::default())
    }

    fn sample(
        &self,
        file: OpenFile,
        records_max: u64,
        sample: &mut dyn Sample,
    ) -> Result<(), SampleFault> {
        csv_sample::sample(file, records_max, sample)
    }
}

/// What a block holds.
struct CsvRecords {
    header: Arc<CsvHeader>,
    /// Whole records, without the header. Offsets are record numbers; empty lines do not count.
    bytes: Vec<u8>,
}

struct CsvBlocks<R> {
    blocks: RecordBlocks<R>,
    /// None: there is no record in the file.
    header: Option<Arc<CsvHeader>>,
}

impl<R: io::Read + Send> Blocks for CsvBlocks<R> {
    fn next_block(&mut self) -> io::Result<Option<Block>> {
        let Some(header) = &self.header else { return Ok(None) };
        let Some(raw) = self.blocks.next()? else { return Ok(None) };
        let content = CsvRecords { header: Arc::clone(header), bytes: raw.bytes };
        Ok(Some(Block::new(raw.partition, raw.first_offset, content)))
    }

    fn records(&self) -> u64 {
        self.blocks.offset()
    }
}

#[derive(Debug, Default)]
struct CsvDecoder {
    scanner: CsvScanner,
}

impl DecodeBlocks for CsvDecoder {
    fn decode(&mut self, block: &Block, batch: &mut BatchBuilder, emit: &mut dyn FnMut(Batch)) {
        if let Some(records) = block.content::<CsvRecords>() {
            self.scanner.begin(batch.paths(), &records.header);
            self.records(block.first_offset, records, batch);
        }
        emit(batch.finish());
    }
}

impl CsvDecoder {
    fn records(&mut self, first_offset: u64, records: &CsvRecords, batch: &mut BatchBuilder) {
        let bytes = records.bytes.as_slice();
        let text = simdutf8::basic::from_utf8(bytes).ok();
        let mut start = 0;
        for offset in first_offset.. {
            let rest = bytes.get(start..).unwrap_or(&[]);
            let Some((from, to, next)) = next_record(rest, records.header.delimiter, true) else {
                return;
            };
            let record = rest.get(from..to).unwrap_or(&[]);
            let result = match text {
                Some(text) => self.add(batch, text, start + from..start + to, offset),
                None => self.add_checked(batch, record, offset),
            };
            if let Err(bad) = result {
                batch.reject(bad, offset, record);
            }
            start += next;
        }
    }

    fn add(
        &mut self,
        batch: &mut BatchBuilder,
        text: &str,
        record: Range<usize>,
        offset: u64,
    ) -> Result<(), BadRecord> {
        batch.check_length(record.len())?;
        batch.add(&mut self.scanner, text, record, offset)
    }

    /// A record that is not yet known to be UTF-8.
    fn add_checked(
        &mut self,
        batch: &mut BatchBuilder,
        record: &[u8],
        offset: u64,
    ) -> Result<(), BadRecord> {
        batch.check_length(record.len())?;
        let text = checked_utf8(record)?;
        self.add(batch, text, 0..text.len(), offset)
    }
}

/// Reads records; remembers which columns of a header are wanted.
#[derive(Debug, Default)]
struct CsvScanner {
    header: Option<Arc<CsvHeader>>,
    /// By column: its node and whether it is a vector.
    nodes: Vec<Option<(NodeId, bool)>>,
    unquoted: Vec<u8>,
    /// Scratch of [`vector`].
    open: Vec<u8>,
}

impl CsvScanner {
    /// Sets the header that the next records belong to.
    fn begin(&mut self, paths: &PathTree, header: &Arc<CsvHeader>) {
        if self.header.as_ref().is_some_and(|known| Arc::ptr_eq(known, header)) {
            return;
        }
        let wanted = |name: &String| {
            let node = paths.field(name.as_bytes())?;
            Some((node, paths.node(node).vector))
        };
        self.nodes = header.names.iter().map(wanted).collect();
        self.header = Some(Arc::clone(header));
    }
}

impl ScanRecord for CsvScanner {
    fn scan(
        &mut self,
        _: &PathTree,
        text: &str,
        record: Range<usize>,
        values: &mut FieldValues,
    ) -> Result<(), BadRecord> {
        let Some(header) = &self.header else { return Ok(()) };
        values.has_decimal_commas = header.delimiter == b';';
        let start = record.start;
        let bytes = text.as_bytes().get(record).unwrap_or(&[]);
        let mut count = 0;
        let Self { nodes, unquoted, open, .. } = self;
        fields(bytes, header.delimiter, &mut |cell| {
            let node = nodes.get(count).copied().flatten();
            count += 1;
            let Some((node, is_vector)) = node else { return };
            let value = match cell.plain(bytes) {
                Some((from, to)) => {
                    FieldValue::Cell { start: start + from, end: start + to, unescaped: false }
                }
                None => {
                    unquoted.clear();
                    cell.text(bytes, unquoted);
                    let from = values.unescaped.len();
                    values.unescaped.push_str(&String::from_utf8_lossy(unquoted));
                    FieldValue::Cell { start: from, end: values.unescaped.len(), unescaped: true }
                }
            };
            let value = if is_vector { read_vector(text, value, open, values) } else { value };
            values.set(node, value);
        });
        if count != header.names.len() {
            let detail = format!("{count} columns, the header has {}", header.names.len());
            return Err(BadRecord::new(Reason::WrongColumns, detail));
        }
        Ok(())
    }
}

/// A cell that holds a vector: a JSON list of numbers. An empty one is null, any other is invalid.
fn read_vector(
    text: &str,
    cell: FieldValue,
    open: &mut Vec<u8>,
    values: &mut FieldValues,
) -> FieldValue {
    let FieldValue::Cell { start, end, unescaped } = cell else { return cell };
    if start == end {
        return cell;
    }
    let from = if unescaped { values.unescaped.as_str() } else { text };
    let list = from.as_bytes().get(..end).unwrap_or(&[]);
    let begin = values.entries.len();
    let read = vector(list, skip_space(list, start), 0, 2, open, &mut values.entries);
    if !read.is_ok_and(|after| skip_space(list, after) == end) {
        values.entries.truncate(begin);
    }
    FieldValue::Vector { start: begin, end: values.entries.len() }
}
