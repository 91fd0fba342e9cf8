//! A file's bytes as text or columns: decompressed, and UTF-8 where they were UTF-16. What cannot be read
//! says what it is, and how to make it readable.
//!
//! Told by the first bytes, not by the name. Streaming throughout: a small file that decompresses to a
//! huge one costs time, never memory.

use std::io::{self, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

use super::mapped::Mapped;
use super::utf16::{ByteOrder, Utf16};

/// Bytes of any source.
pub(crate) type Stream = Box<dyn Read + Send>;

/// Bytes at the beginning that tell what a file is.
const BEGINNING_BYTES: u64 = 1 << 16;
const READ_BYTES: usize = 1 << 16;
/// How gzip members begin (RFC 1952).
const GZIP: &[u8] = &[0x1F, 0x8B];
/// How Zstandard frames begin (RFC 8878).
const ZSTANDARD: &[u8] = &[0x28, 0xB5, 0x2F, 0xFD];

/// What is known and not read: first bytes, name, remedy.
const UNREAD: &[(&[u8], &str, &str)] = &[
    (b"\xFD7zXZ\0", "xz", "decompress it first, as with `xz -dk FILE`"),
    (b"BZh", "bzip2", "decompress it first, as with `bzip2 -dk FILE`"),
    (b"\x04\x22\x4D\x18", "lz4", "decompress it first, as with `lz4 -d FILE`"),
    (b"\xFF\x06\0\0sNaPpY", "framed snappy", "decompress it first"),
    (b"PK\x03\x04", "a zip archive (Excel's .xlsx is one)", "unpack it, or save it as CSV"),
    (b"SQLite format 3\0", "a SQLite database", "export its table as CSV"),
    (b"ORC", "an ORC file", "write it as Parquet"),
    (b"Obj\x01", "an Avro file", "write it as Parquet or as lines of JSON"),
];

/// A file that was opened.
pub(crate) struct Unpacked {
    /// Its bytes, from the beginning.
    pub(crate) bytes: Stream,
    /// The first of them, as many as tell what they are.
    pub(crate) beginning: Vec<u8>,
    /// Whether the bytes are others than those that are stored.
    pub(crate) is_packed: bool,
}

/// Unpacks what was stored.
///
/// # Errors
/// Where it cannot be read at all, or is known and not read.
pub(crate) fn unpack(stored: Stream) -> io::Result<Unpacked> {
    let (stored, beginning) = peek(stored)?;
    // A file that was cut inside its magic is a broken one, too.
    let is = |magic: &[u8]| {
        beginning.starts_with(magic) || !beginning.is_empty() && magic.starts_with(&beginning)
    };
    if let Some((_, what, remedy)) = UNREAD.iter().find(|(magic, ..)| beginning.starts_with(magic))
    {
        return Err(io::Error::other(format!("this is {what}, which is not read: {remedy}")));
    }
    let (bytes, is_packed): (Stream, bool) = match () {
        () if is(GZIP) => {
            (Box::new(MultiGzDecoder::new(BufReader::with_capacity(READ_BYTES, stored))), true)
        }
        () if is(ZSTANDARD) => {
            (Box::new(Zstandard(zstd::stream::read::Decoder::new(stored)?)), true)
        }
        () => (stored, false),
    };
    let (bytes, beginning) = if is_packed { peek(bytes)? } else { (bytes, beginning) };
    match ByteOrder::of(&beginning) {
        Some(order) => {
            let (bytes, beginning) = peek(Box::new(Mapped::new(bytes, Utf16::new(order))))?;
            Ok(Unpacked { bytes, beginning, is_packed: true })
        }
        None => Ok(Unpacked { bytes, beginning, is_packed }),
    }
}

/// The first bytes of a stream, and the stream with them.
fn peek(mut stream: Stream) -> io::Result<(Stream, Vec<u8>)> {
    let mut beginning = Vec::new();
    match stream.by_ref().take(BEGINNING_BYTES).read_to_end(&mut beginning) {
        // What breaks here after something was read breaks again where it is read.
        Err(error) if beginning.is_empty() => return Err(error),
        Err(error) => {
            let broken = Broken(Some(error));
            return Ok((Box::new(Cursor::new(beginning.clone()).chain(broken)), beginning));
        }
        Ok(_) => {}
    }
    Ok((Box::new(Cursor::new(beginning.clone()).chain(stream)), beginning))
}

/// Tells an error that was met before it was due.
struct Broken(Option<io::Error>);

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// Zstandard, whose refusal of a window says how to go on.
struct Zstandard<R: Read>(zstd::stream::read::Decoder<'static, BufReader<R>>);

impl<R: Read> Read for Zstandard<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into).map_err(|error| {
            if !error.to_string().contains("too much memory") {
                return error;
            }
            io::Error::other(
                "its zstd window is larger than 128 MiB: recompress it without --long, as with \
                 `zstd -dc --long=31 FILE | zstd > SMALLER.zst`",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(bytes: &[u8]) -> Result<String, String> {
        let mut text = String::new();
        let mut unpacked =
            unpack(Box::new(Cursor::new(bytes.to_vec()))).map_err(|error| error.to_string())?;
        unpacked.bytes.read_to_string(&mut text).map_err(|error| error.to_string())?;
        Ok(text)
    }

    #[test]
    fn what_is_packed_is_unpacked_and_what_is_not_read_says_what_it_is() {
        let packed = zstd::encode_all(&b"{}\n"[..], 1).expect("packed");
        assert_eq!(told(&packed), Ok("{}\n".into()));
        assert_eq!(told(b""), Ok(String::new()));
        let little: Vec<u8> = [0xFF, 0xFE]
            .into_iter()
            .chain("{\"a\":\"\u{e9}\"}".encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        assert_eq!(told(&little), Ok("{\"a\":\"\u{e9}\"}".into()));
        for (magic, what, _) in UNREAD {
            let error = told(&[magic, &b"more"[..]].concat()).expect_err("not read");
            assert!(error.contains(what), "{error}");
        }
    }

    #[test]
    fn a_window_that_is_too_large_is_told_with_the_remedy() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).expect("an encoder");
        encoder.long_distance_matching(true).expect("long");
        encoder.window_log(30).expect("a window");
        std::io::Write::write_all(&mut encoder, &vec![b'x'; 1 << 20]).expect("written");
        let bytes = encoder.finish().expect("packed");
        assert!(told(&bytes).expect_err("too large").contains("--long"));
    }
}
