//! JSON in other layouts than one object a line, as lines: an array of objects, objects over several
//! lines, objects one after the other without a line's end, and lines with what a container runtime puts
//! before them.
//!
//! The layout is told by the beginning of a file, and holds for all of it. The number of a record is that
//! of its object, from 0. What is no JSON stays what it is, for the decoder to refuse: a value of more
//! than the longest record begins anew at the next line's end, so that one that never ends does not take
//! the rest of the file with it.

use std::io::{self, Cursor, Read};

use super::mapped::{Map, Mapped};
use super::unpack::Stream;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
/// Bytes that tell the layout.
const BEGINNING_BYTES: u64 = 1 << 16;
/// Streams of a container's log, as containerd and CRI-O name them.
const STREAMS: [&[u8]; 2] = [b" stdout ", b" stderr "];
/// Longest time before the name of a stream.
const TIME_BYTES_MAX: usize = 40;

/// How objects are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// One a line.
    Lines,
    /// In an array, over several lines, or without a line's end between them.
    Values,
    /// One a line, each after `TIME STREAM TAG `.
    Container,
}

/// A file's bytes as lines of JSON.
pub(super) fn lines(mut bytes: Stream, record_bytes_max: usize) -> io::Result<Stream> {
    let mut beginning = Vec::new();
    let read = bytes.by_ref().take(BEGINNING_BYTES).read_to_end(&mut beginning);
    let layout = Layout::of(&beginning);
    if layout != Layout::Lines && beginning.starts_with(BYTE_ORDER_MARK) {
        beginning.drain(..BYTE_ORDER_MARK.len());
    }
    let whole = Cursor::new(beginning).chain(Failed(read.err())).chain(bytes);
    Ok(match layout {
        Layout::Lines => Box::new(whole),
        Layout::Values => Box::new(Mapped::new(whole, Values::new(record_bytes_max))),
        Layout::Container => Box::new(Mapped::new(whole, Container::default())),
    })
}

impl Layout {
    fn of(beginning: &[u8]) -> Self {
        let text = beginning.strip_prefix(BYTE_ORDER_MARK).unwrap_or(beginning).trim_ascii_start();
        match text {
            [b'[', rest @ ..] if matches!(rest.trim_ascii_start(), [b'{' | b']', ..]) => {
                Self::Values
            }
            [b'{', ..] if is_apart(text) => Self::Values,
            _ if Container::begins(text) => Self::Container,
            _ => Self::Lines,
        }
    }
}

/// Whether the first object goes over a line's end, or is followed by another in its line.
fn is_apart(text: &[u8]) -> bool {
    let mut nesting = Nesting::default();
    for (at, byte) in text.iter().enumerate() {
        if *byte == b'\n' && nesting.depth > 0 && !nesting.in_text {
            // A record that was cut is followed by another one; a line of an object by one of its members.
            return !matches!(text[at..].trim_ascii_start(), [b'{', ..] | []);
        }
        nesting.take(*byte);
        if nesting.depth == 0 {
            let rest = &text[at + 1..];
            let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r');
            return matches!(rest.iter().find(|byte| !is_space(byte)), Some(b'{' | b','));
        }
    }
    false
}

/// How deep a byte stands.
#[derive(Default)]
struct Nesting {
    depth: usize,
    in_text: bool,
    is_escaped: bool,
}

impl Nesting {
    fn take(&mut self, byte: u8) {
        match (self.in_text, byte) {
            (true, _) if self.is_escaped => self.is_escaped = false,
            (true, b'\\') => self.is_escaped = true,
            (_, b'"') => self.in_text = !self.in_text,
            (false, b'{' | b'[') => self.depth += 1,
            (false, b'}' | b']') => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }
}

/// Each value on a line of its own.
struct Values {
    nesting: Nesting,
    /// Bytes of the value that is read.
    length: usize,
    length_max: usize,
}

impl Values {
    fn new(length_max: usize) -> Self {
        Self { nesting: Nesting::default(), length: 0, length_max }
    }
}

impl Map for Values {
    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for byte in bytes {
            let outside = self.nesting.depth == 0 && !self.nesting.in_text;
            // Between values: the array's brackets, commas and white space; anything else is a record that
            // is none.
            if outside && self.length == 0 && (b"[],".contains(byte) || byte.is_ascii_whitespace())
            {
                continue;
            }
            let is_line_end = *byte == b'\n';
            let is_lost = self.length > self.length_max;
            if is_line_end && (is_lost || outside) || outside && *byte == b',' {
                *self = Self::new(self.length_max);
                out.push(b'\n');
                continue;
            }
            self.nesting.take(*byte);
            self.length += 1;
            out.push(if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte });
            if matches!(byte, b'}' | b']') && self.nesting.depth == 0 && !self.nesting.in_text {
                *self = Self::new(self.length_max);
                out.push(b'\n');
            }
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if self.length > 0 {
            out.push(b'\n');
        }
    }
}

/// Lines without what a container runtime puts before them; a line in parts (`P`) is joined.
#[derive(Default)]
struct Container {
    /// The beginning of a line that has not told where its content begins.
    head: Vec<u8>,
    in_content: bool,
    is_part: bool,
}

impl Container {
    /// Where the content begins, and whether it goes on in the next line.
    fn content(head: &[u8]) -> Option<(usize, bool)> {
        let space = head.iter().take(TIME_BYTES_MAX).position(|byte| *byte == b' ')?;
        let after = &head[space..];
        STREAMS.iter().find(|stream| after.starts_with(stream))?;
        let tag = space + STREAMS[0].len();
        match head.get(tag..tag + 2)? {
            b"F " => Some((tag + 2, false)),
            b"P " => Some((tag + 2, true)),
            _ => None,
        }
    }

    fn begins(text: &[u8]) -> bool {
        text.first().is_some_and(u8::is_ascii_digit) && Self::content(text).is_some()
    }
}

impl Map for Container {
    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for byte in bytes {
            if *byte == b'\n' {
                out.append(&mut self.head);
                if !(self.in_content && self.is_part) {
                    out.push(b'\n');
                }
                (self.in_content, self.is_part) = (false, false);
            } else if self.in_content {
                out.push(*byte);
            } else {
                self.head.push(*byte);
                if let Some((_, is_part)) = Self::content(&self.head) {
                    (self.in_content, self.is_part) = (true, is_part);
                    self.head.clear();
                } else if self.head.len() > TIME_BYTES_MAX + 12 {
                    // A line of another kind: as it is.
                    out.append(&mut self.head);
                    self.in_content = true;
                }
            }
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if self.in_content || !self.head.is_empty() {
            self.is_part = false;
            self.take(b"\n", out);
        }
    }
}

/// An error that was met while the layout was told, where it is due.
struct Failed(Option<io::Error>);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, most: usize) -> String {
        let mut made = String::new();
        let bytes = Box::new(Cursor::new(text.as_bytes().to_vec()));
        lines(bytes, most).expect("lines").read_to_string(&mut made).expect("text");
        made
    }

    #[test]
    fn each_layout_gives_one_object_a_line() {
        let expected = "{\"a\":1}\n{\"b\":\"}{\\\"\"}\n{\"c\":[{}]}\n";
        for text in [
            "{\"a\":1}\n{\"b\":\"}{\\\"\"}\n{\"c\":[{}]}\n",
            "[{\"a\":1},{\"b\":\"}{\\\"\"},{\"c\":[{}]}]",
            "{\"a\":1}{\"b\":\"}{\\\"\"}{\"c\":[{}]}",
            "\u{FEFF} [\n{\"a\":1}\n,\n{\"b\":\"}{\\\"\"},{\"c\":[{}]}\n]\n",
            "{\"a\":1},\r\n{\"b\":\"}{\\\"\"},\r\n{\"c\":[{}]}\r\n",
            "2026-09-14T08:00:02.573Z stdout F {\"a\":1}\n2026-09-14T08:00:02.573+01:00 stderr P {\"b\":\n\
             2026-09-14T08:00:02Z stderr F \"}{\\\"\"}\n2026-09-14T08:00:02Z stdout F {\"c\":[{}]}\n",
        ] {
            assert_eq!(read(text, 100), expected, "{text}");
        }
        assert_eq!(
            read("{\n \"a\": 1,\n \"b\": [\n  2 ]\n}\n{\n \"a\": 3\n}", 100),
            "{  \"a\": 1,  \"b\": [   2 ] }\n{  \"a\": 3 }\n"
        );
    }

    #[test]
    fn what_is_cut_or_never_ends_costs_a_record_and_not_the_rest() {
        // Lines, of which the first was cut: as they are.
        for text in
            ["{\"a\":\n{\"b\":1}\n", "{\"a\n{\"b\":1}\n", "x\n{\"b\":1}\n", "", "\n", "17\n"]
        {
            assert_eq!(read(text, 100), text);
        }
        let endless = format!("[{{\"a\":\"{}\n{{\"b\":1}},\n{{\"c\":1}}]", "x".repeat(60));
        let made = read(&endless, 50);
        assert!(made.ends_with("\n{\"b\":1}\n{\"c\":1}\n"), "{made}");
        assert_eq!(read("[{\"a\":1},17,\n{\"b\":1}]", 50), "{\"a\":1}\n17\n{\"b\":1}\n");
    }
}
