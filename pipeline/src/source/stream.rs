//! The bytes of a file or of standard input, decompressed on the way.
//!
//! Compression is told by content, not by name. Streaming throughout: a small file that decompresses
//! to a huge one costs time, never memory.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

/// Bytes of any source.
pub(super) type Stream = Box<dyn Read + Send>;

/// How gzip members begin (RFC 1952).
const GZIP: &[u8] = &[0x1F, 0x8B];
/// How Zstandard frames begin (RFC 8878).
const ZSTANDARD: &[u8] = &[0x28, 0xB5, 0x2F, 0xFD];
/// As many bytes as any magic has.
const MAGIC_BYTES: u64 = 8;
const READ_BYTES: usize = 1 << 16;

/// Opens `path` (`-` = standard input): its bytes, the first few of them, and whether they are stored
/// as they are.
pub(super) fn open_stream(
    path: &Path,
    bytes_read: &Arc<AtomicU64>,
) -> io::Result<(Stream, Vec<u8>, bool)> {
    let bytes_read = Arc::clone(bytes_read);
    let stored: Stream = if path.as_os_str() == "-" {
        Box::new(Counted { input: io::stdin(), bytes_read })
    } else {
        Box::new(Counted { input: File::open(path)?, bytes_read })
    };
    let (stored, magic) = peek(stored)?;
    // A file that was cut inside its magic is a broken one, too.
    let is =
        |whole: &[u8]| magic.starts_with(whole) || !magic.is_empty() && whole.starts_with(&magic);
    if is(GZIP) {
        let decoder = MultiGzDecoder::new(BufReader::with_capacity(READ_BYTES, stored));
        let (stream, beginning) = peek(Box::new(decoder))?;
        return Ok((stream, beginning, false));
    }
    if is(ZSTANDARD) {
        let (stream, beginning) = peek(Box::new(zstd::stream::read::Decoder::new(stored)?))?;
        return Ok((stream, beginning, false));
    }
    Ok((stored, magic, true))
}

/// The first bytes of a stream, and the stream with them.
fn peek(mut stream: Stream) -> io::Result<(Stream, Vec<u8>)> {
    let mut beginning = Vec::new();
    stream.by_ref().take(MAGIC_BYTES).read_to_end(&mut beginning)?;
    Ok((Box::new(Cursor::new(beginning.clone()).chain(stream)), beginning))
}

/// Counts what is read.
struct Counted<R> {
    input: R,
    bytes_read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(into)?;
        self.bytes_read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
