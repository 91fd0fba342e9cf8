//! CSV (RFC 4180): where records end, and their fields.
//!
//! A quote opens only at the beginning of a field; doubled quotes inside stand for one; a record ends
//! at a line feed, a carriage return or both, outside quotes; empty lines are no records. One machine
//! cuts blocks and fields, so both agree. Not here: what is in a field (`csv`). Invariant: any bytes have
//! exactly one reading.

/// The first record of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CsvHeader {
    /// Names, in order.
    pub(crate) names: Vec<String>,
    /// What stands between fields: a comma or, in `.tsv` files, a tab.
    pub(crate) delimiter: u8,
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
    pub(crate) fn plain(self, record: &[u8]) -> Option<(usize, usize)> {
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
    pub(crate) fn text(self, record: &[u8], into: &mut Vec<u8>) {
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

#[cfg(test)]
#[path = "csv_text_tests.rs"]
mod tests;
