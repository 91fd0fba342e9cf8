//! The bytes of a file or of standard input, unpacked on the way.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::codec::unpack::{Unpacked, unpack};

/// Opens `path` (`-` = standard input).
pub(super) fn open_stream(path: &Path, bytes_read: &Arc<AtomicU64>) -> io::Result<Unpacked> {
    let bytes_read = Arc::clone(bytes_read);
    unpack(if path.as_os_str() == "-" {
        Box::new(Counted { input: io::stdin(), bytes_read })
    } else {
        Box::new(Counted { input: File::open(path)?, bytes_read })
    })
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
