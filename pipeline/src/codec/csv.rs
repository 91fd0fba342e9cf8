//! CSV (RFC 4180): where records end, and their fields.
//!
//! A quote opens only at the beginning of a field; doubled quotes inside stand for one; a record ends
//! at a line feed, a carriage return or both, outside quotes; empty lines are no records. One machine
//! cuts blocks and fields, so both agree. Invariant: any bytes have exactly one reading.

use std::sync::Arc;

use super::json::vector;
use super::json_text::skip_space;
use super::plan::{NodeId, Plan};
use super::record::{Fault, Record, Value};
use crate::model::{RawBatch, Reason};

/// Records of one file and the names of its columns.
#[derive(Debug, Clone)]
pub struct CsvBlock {
    /// Names of the columns.
    pub header: Arc<CsvHeader>,
    /// Whole records, without the header. Offsets are record numbers; empty lines do not count.
    pub raw: RawBatch,
}

/// The first record of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvHeader {
    /// Names, in order.
    pub names: Vec<String>,
    /// What stands between fields: a comma or, in `.tsv` files, a tab.
    pub delimiter: u8,
}

impl CsvHeader {
    /// Reads the names of the columns out of the first record.
    pub(crate) fn parse(record: &[u8], delimiter: u8) -> Self {
        let mut names = Vec::new();
        let mut unquoted = Vec::new();
        fields(record, delimiter, &mut |field| {
            unquoted.clear();
            field.text(record, &mut unquoted);
            names.push(String::from_utf8_lossy(&unquoted).into_owned());
        });
        Self { names, delimiter }
    }
}

/// The record at the beginning of `bytes`: what it is without its line end, and where the next one
/// begins. `None` if its end is not there and more bytes may come. Leading empty lines are skipped.
pub(crate) fn next_record(
    bytes: &[u8],
    delimiter: u8,
    ended: bool,
) -> Option<(usize, usize, usize)> {
    let begin = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n'))?;
    let mut at = begin;
    loop {
        // A field begins here.
        if bytes.get(at) == Some(&b'"') {
            at = after_quotes(bytes, at + 1);
        }
        let rest = bytes.get(at..).unwrap_or(&[]);
        match memchr::memchr3(delimiter, b'\n', b'\r', rest) {
            Some(found) if bytes.get(at + found) == Some(&delimiter) => at += found + 1,
            Some(found) => {
                let end = at + found;
                return Some((begin, end, end + 1));
            }
            None if ended => return Some((begin, bytes.len(), bytes.len())),
            None => return None,
        }
    }
}

/// Behind the quote that closes what was opened before `at`.
fn after_quotes(bytes: &[u8], mut at: usize) -> usize {
    loop {
        match memchr::memchr(b'"', bytes.get(at..).unwrap_or(&[])) {
            Some(found) if bytes.get(at + found + 1) == Some(&b'"') => at += found + 2,
            Some(found) => return at + found + 1,
            None => return bytes.len(),
        }
    }
}

/// One field: what is inside its quotes, and what follows them up to the delimiter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    start: usize,
    end: usize,
    quoted_until: Option<usize>,
}

impl Cell {
    /// The field's bytes as they stand, if no quote has to be taken out.
    fn plain(self, record: &[u8]) -> Option<(usize, usize)> {
        match self.quoted_until {
            None => Some((self.start, self.end)),
            Some(until) if until == self.end => {
                let (start, end) = (self.start + 1, closing(record, self.start, until));
                let inside = record.get(start..end)?;
                memchr::memchr(b'"', inside).is_none().then_some((start, end))
            }
            Some(_) => None,
        }
    }

    /// Appends the field's text, quotes taken out.
    fn text(self, record: &[u8], into: &mut Vec<u8>) {
        let Some(until) = self.quoted_until else {
            into.extend_from_slice(record.get(self.start..self.end).unwrap_or(&[]));
            return;
        };
        let inside = record.get(self.start + 1..closing(record, self.start, until)).unwrap_or(&[]);
        let mut skip = false;
        for &byte in inside {
            skip = byte == b'"' && !skip;
            if !skip {
                into.push(byte);
            }
        }
        into.extend_from_slice(record.get(until..self.end).unwrap_or(&[]));
    }
}

/// Where the text in quotes ends: before its closing quote, if it has one.
fn closing(record: &[u8], start: usize, until: usize) -> usize {
    let quotes = record.get(start + 1..until).unwrap_or(&[]);
    let trailing = quotes.iter().rev().take_while(|&&byte| byte == b'"').count();
    // Doubled quotes are text; an odd one closes.
    until - trailing % 2
}

/// Calls `found` for each field of a record.
pub(crate) fn fields(record: &[u8], delimiter: u8, found: &mut dyn FnMut(Cell)) {
    let mut at = 0;
    loop {
        let start = at;
        let mut quoted_until = None;
        if record.get(at) == Some(&b'"') {
            at = after_quotes(record, at + 1);
            quoted_until = Some(at);
        }
        let next = memchr::memchr(delimiter, record.get(at..).unwrap_or(&[]));
        let end = next.map_or(record.len(), |next| at + next);
        found(Cell { start, end, quoted_until });
        if next.is_none() {
            return;
        }
        at = end + 1;
    }
}

/// Reads records into [`Record`]; remembers which columns of a header are wanted.
#[derive(Debug, Default)]
pub(crate) struct RowScanner {
    header: Option<Arc<CsvHeader>>,
    /// By column: its node and whether it is a vector.
    nodes: Vec<Option<(NodeId, bool)>>,
    unquoted: Vec<u8>,
    /// Scratch of [`vector`].
    open: Vec<u8>,
}

impl RowScanner {
    /// Sets the header that the next records belong to.
    pub(crate) fn begin(&mut self, plan: &Plan, header: &Arc<CsvHeader>) {
        if self.header.as_ref().is_some_and(|known| Arc::ptr_eq(known, header)) {
            return;
        }
        let wanted = |name: &String| {
            let node = plan.child(0, name.as_bytes()).filter(|&node| plan.node(node).wanted)?;
            Some((node, plan.node(node).vector))
        };
        self.nodes = header.names.iter().map(wanted).collect();
        self.header = Some(Arc::clone(header));
    }

    /// Reads the record at `text[start..end]`.
    pub(crate) fn scan(
        &mut self,
        text: &str,
        start: usize,
        end: usize,
        record: &mut Record,
    ) -> Result<(), Fault> {
        let Some(header) = &self.header else { return Ok(()) };
        let bytes = text.as_bytes().get(start..end).unwrap_or(&[]);
        let mut count = 0;
        let Self { nodes, unquoted, open, .. } = self;
        fields(bytes, header.delimiter, &mut |cell| {
            let node = nodes.get(count).copied().flatten();
            count += 1;
            let Some((node, is_vector)) = node else { return };
            let value = match cell.plain(bytes) {
                Some((from, to)) => {
                    Value::Cell { start: start + from, end: start + to, unescaped: false }
                }
                None => {
                    unquoted.clear();
                    cell.text(bytes, unquoted);
                    let from = record.unescaped.len();
                    record.unescaped.push_str(&String::from_utf8_lossy(unquoted));
                    Value::Cell { start: from, end: record.unescaped.len(), unescaped: true }
                }
            };
            let value = if is_vector { read_vector(text, value, open, record) } else { value };
            record.set(node, value);
        });
        if count != header.names.len() {
            let detail = format!("{count} columns, the header has {}", header.names.len());
            return Err(Fault::new(Reason::WrongColumns, detail));
        }
        Ok(())
    }
}

/// A cell that holds a vector: a JSON list of numbers. An empty one is null, any other is invalid.
fn read_vector(text: &str, cell: Value, open: &mut Vec<u8>, record: &mut Record) -> Value {
    let Value::Cell { start, end, unescaped } = cell else { return cell };
    if start == end {
        return cell;
    }
    let from = if unescaped { record.unescaped.as_str() } else { text };
    let list = from.as_bytes().get(..end).unwrap_or(&[]);
    let begin = record.entries.len();
    let read = vector(list, skip_space(list, start), 0, 2, open, &mut record.entries);
    if !read.is_ok_and(|after| skip_space(list, after) == end) {
        record.entries.truncate(begin);
    }
    Value::Vector { start: begin, end: record.entries.len() }
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
