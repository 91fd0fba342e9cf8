//! Text files, plain or packed: lines of a [`Speller`], buffered.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::super::event::Event;
use super::super::vocabulary::Vocabulary;
use super::text::{CSV_HEADER, Speller};
use super::writer::EventWriter;

/// Bytes that are gathered before they are written.
const BUFFER_BYTES: usize = 1 << 16;

type Spell = fn(&mut Speller, &Event, &mut Vec<u8>);

/// A sink of bytes that has an end of its own.
trait Packed: Write {
    fn end(self: Box<Self>) -> io::Result<()>;
}

impl Packed for BufWriter<File> {
    fn end(mut self: Box<Self>) -> io::Result<()> {
        self.flush()
    }
}

impl Packed for GzEncoder<BufWriter<File>> {
    fn end(self: Box<Self>) -> io::Result<()> {
        (*self).finish()?.flush()
    }
}

impl Packed for zstd::Encoder<'static, BufWriter<File>> {
    fn end(self: Box<Self>) -> io::Result<()> {
        (*self).finish()?.flush()
    }
}

struct Lines {
    speller: Speller,
    spell: Spell,
    buffer: Vec<u8>,
    out: Box<dyn Packed>,
}

impl Lines {
    fn boxed(out: Box<dyn Packed>, speller: Speller, spell: Spell) -> Box<dyn EventWriter> {
        let buffer = Vec::with_capacity(BUFFER_BYTES + 4096);
        Box::new(Self { speller, spell, buffer, out })
    }
}

impl EventWriter for Lines {
    fn write(&mut self, event: &Event) -> io::Result<()> {
        (self.spell)(&mut self.speller, event, &mut self.buffer);
        if self.buffer.len() >= BUFFER_BYTES {
            self.out.write_all(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.out.write_all(&self.buffer)?;
        self.out.end()
    }
}

/// NDJSON.
pub(super) fn ndjson(
    file: BufWriter<File>,
    vocabulary: &Vocabulary,
    vectors: bool,
) -> io::Result<Box<dyn EventWriter>> {
    Ok(Lines::boxed(Box::new(file), Speller::new(vocabulary, vectors), Speller::json))
}

/// NDJSON in gzip.
pub(super) fn ndjson_gzip(
    file: BufWriter<File>,
    vocabulary: &Vocabulary,
    vectors: bool,
) -> io::Result<Box<dyn EventWriter>> {
    let packed = GzEncoder::new(file, Compression::fast());
    Ok(Lines::boxed(Box::new(packed), Speller::new(vocabulary, vectors), Speller::json))
}

/// NDJSON in zstd.
pub(super) fn ndjson_zstd(
    file: BufWriter<File>,
    vocabulary: &Vocabulary,
    vectors: bool,
) -> io::Result<Box<dyn EventWriter>> {
    let packed = zstd::Encoder::new(file, zstd::DEFAULT_COMPRESSION_LEVEL)?;
    Ok(Lines::boxed(Box::new(packed), Speller::new(vocabulary, vectors), Speller::json))
}

/// CSV with a header. A vector has no place in it.
pub(super) fn csv(
    mut file: BufWriter<File>,
    vocabulary: &Vocabulary,
    _vectors: bool,
) -> io::Result<Box<dyn EventWriter>> {
    file.write_all(CSV_HEADER.as_bytes())?;
    Ok(Lines::boxed(Box::new(file), Speller::new(vocabulary, false), Speller::csv))
}
