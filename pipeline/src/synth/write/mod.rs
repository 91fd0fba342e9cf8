//! Files of events: one writer a format, chosen by the file's extension.
//!
//! The invariant: all formats hold the same values, to the last decimal.

mod columnar;
pub mod columns;
pub mod lines;
pub mod text;
pub mod writer;

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use super::vocabulary::Vocabulary;
use crate::codec::Codecs;

pub use writer::EventWriter;

/// A format of files.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// The extension that names it.
    pub extension: &'static str,
    /// Whether it can hold embeddings.
    pub vectors: bool,
    open: Open,
}

type Open = fn(BufWriter<File>, &Vocabulary, bool) -> io::Result<Box<dyn EventWriter>>;

const fn format(extension: &'static str, vectors: bool, open: Open) -> Format {
    Format { extension, vectors, open }
}

/// All formats.
pub const FORMATS: &[Format] = &[
    format("ndjson", true, lines::ndjson),
    format("ndjson.gz", true, lines::ndjson_gzip),
    format("ndjson.zst", true, lines::ndjson_zstd),
    format("csv", false, lines::csv),
    format("parquet", true, columnar::parquet),
    format("arrow", true, columnar::arrow),
];

impl Format {
    /// The format with this extension.
    pub fn named(extension: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.extension == extension)
    }

    /// Its name in a config's `[input]`: that of the codec that reads it.
    pub fn config_name(&self) -> &'static str {
        let codec = Codecs::built_in().by_name_of(Path::new(&format!("events.{}", self.extension)));
        codec.map_or("auto", |codec| codec.format().name)
    }

    /// Begins a file; with an embedding in each event where `vectors`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn create(
        &self,
        path: &Path,
        vocabulary: &Vocabulary,
        vectors: bool,
    ) -> io::Result<Box<dyn EventWriter>> {
        let file = BufWriter::with_capacity(1 << 16, File::create(path)?);
        (self.open)(file, vocabulary, vectors)
    }
}
