//! The table of codecs, and look-ups in it: by name, by file name, by content.

use std::ffi::OsStr;
use std::path::Path;

use thiserror::Error;

use super::arrow_ipc::ArrowIpc;
use super::contract::{Codec, MessageCodec};
use super::csv::Csv;
use super::json::Json;
use super::ndjson::Ndjson;
use super::parquet::Parquet;

/// All codecs of Driftline. Names in configs and on the command line, what is known by extension and by
/// content, documentation and errors follow from a line here.
pub static CODECS: &[&dyn Codec] = &[&Ndjson, &Csv, &Parquet, &ArrowIpc, &Json];

/// A file that neither its name nor its content tells is taken for this.
const FALLBACK: &dyn Codec = &Ndjson;
/// Suffixes of compressed files; the extension before them tells the format.
const COMPRESSIONS: &[&str] = &["gz", "zst"];

/// A name that no codec has.
#[derive(Debug, Error)]
#[error("unknown format `{name}`; expected one of {}", known.join(", "))]
pub struct UnknownFormat {
    /// The name.
    pub name: String,
    /// The names that there are.
    pub known: Vec<&'static str>,
}

/// The codecs that a program knows: those of [`CODECS`], and its own.
///
/// A program that embeds Driftline adds a codec of its own in one line, and gives the whole to
/// [`FileSource::find_with`](crate::source::FileSource::find_with) for files, or
/// [`Codecs::for_messages`] of it to a fetch thread:
///
/// ```
/// use driftline::codec::{CODECS, Codecs};
///
/// let codecs = Codecs::built_in().with(CODECS[0]);
/// assert_eq!(codecs.for_files("csv").expect("a format").format().name, "csv");
/// ```
#[derive(Debug, Clone)]
pub struct Codecs {
    /// The program's own come first, the last one added before the others.
    all: Vec<&'static dyn Codec>,
}

impl Codecs {
    /// Those of [`CODECS`].
    pub fn built_in() -> Self {
        Self { all: CODECS.to_vec() }
    }

    /// Adds a codec. It takes the place of others in every name and extension that it has in common with
    /// them.
    #[must_use]
    pub fn with(mut self, codec: &'static dyn Codec) -> Self {
        self.all.insert(0, codec);
        self
    }

    /// The codec of this name, which reads files.
    ///
    /// # Errors
    /// Where there is none.
    pub fn for_files(&self, name: &str) -> Result<&'static dyn Codec, UnknownFormat> {
        self.named(name, |codec| codec.files().is_some())
    }

    /// How messages of the format of this name are read.
    ///
    /// # Errors
    /// Where there is none.
    pub fn for_messages(&self, name: &str) -> Result<&'static dyn MessageCodec, UnknownFormat> {
        let codec = self.named(name, |codec| codec.messages().is_some())?;
        codec.messages().ok_or_else(|| UnknownFormat { name: name.into(), known: Vec::new() })
    }

    fn named(
        &self,
        name: &str,
        can_read: fn(&dyn Codec) -> bool,
    ) -> Result<&'static dyn Codec, UnknownFormat> {
        let fitting = || self.all.iter().copied().filter(|codec| can_read(*codec));
        fitting().find(|codec| codec.format().name == name).ok_or_else(|| UnknownFormat {
            name: name.into(),
            known: fitting().map(|codec| codec.format().name).collect(),
        })
    }

    /// Names of the formats of files, in the order of the table.
    pub fn names_for_files(&self) -> Vec<&'static str> {
        self.of_files().map(|codec| codec.format().name).collect()
    }

    /// Names of the formats of messages, in the order of the table.
    pub fn names_for_messages(&self) -> Vec<&'static str> {
        let readable = self.all.iter().filter(|codec| codec.messages().is_some());
        readable.map(|codec| codec.format().name).collect()
    }

    /// Extensions of files, in the order of the table.
    pub fn extensions(&self) -> Vec<&'static str> {
        self.of_files().flat_map(|codec| codec.format().extensions).copied().collect()
    }

    /// The codec that a file's name tells, if it tells any.
    pub fn by_name_of(&self, file: &Path) -> Option<&'static dyn Codec> {
        let extension =
            |path: &Path| path.extension().and_then(OsStr::to_str).map(str::to_lowercase);
        let mut file = file;
        // Rotated logs are numbered after their extension.
        if extension(file)?.bytes().all(|byte| byte.is_ascii_digit()) {
            file = Path::new(file.file_stem()?);
        }
        let mut last = extension(file)?;
        if COMPRESSIONS.contains(&last.as_str()) {
            last = extension(Path::new(file.file_stem()?))?;
        }
        self.of_files().find(|codec| codec.format().extensions.contains(&last.as_str()))
    }

    /// The codec that a file's first bytes tell for certain.
    pub fn by_magic(&self, beginning: &[u8]) -> Option<&'static dyn Codec> {
        self.of_files().find(|codec| codec.format().begins(beginning))
    }

    /// The codec that a file's first bytes tell; what tells nothing is taken for NDJSON.
    pub fn by_content(&self, beginning: &[u8]) -> &'static dyn Codec {
        self.by_magic(beginning).unwrap_or(FALLBACK)
    }

    fn of_files(&self) -> impl Iterator<Item = &'static dyn Codec> {
        self.all.iter().copied().filter(|codec| codec.files().is_some())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::codec::{FileCodec, Format};

    #[test]
    fn lines_of_the_table_are_told_apart() {
        let (mut names, mut extensions, mut magics) =
            (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for codec in CODECS {
            let format = codec.format();
            assert!(codec.files().is_some() || codec.messages().is_some(), "{}", format.name);
            assert!(names.insert(format.name) && !format.doc.is_empty(), "{}", format.name);
            for &extension in format.extensions {
                assert_eq!(extension, extension.to_lowercase());
                assert!(extensions.insert(extension), "{extension}");
            }
            for &magic in format.magic {
                assert!((1..=8).contains(&magic.len()), "{}", format.name);
                assert!(magics.insert(magic), "{}", format.name);
            }
        }
    }

    #[test]
    fn names_and_contents_tell_formats() {
        let codecs = Codecs::built_in();
        let by_name = |name: &str| codecs.by_name_of(Path::new(name)).map(|c| c.format().name);
        for (file, name) in [
            ("a/b.ndjson", Some("ndjson")),
            ("b.JSONL.gz", Some("ndjson")),
            ("b.tsv.zst", Some("csv")),
            ("b.pq", Some("parquet")),
            ("b.ndjson.1", Some("ndjson")),
            ("b.csv.gz.12", Some("csv")),
            ("b.1", None),
            ("b.gz", None),
            ("csv", None),
            ("b.txt", None),
        ] {
            assert_eq!(by_name(file), name, "{file}");
        }
        let by_content = |beginning: &[u8]| codecs.by_content(beginning).format().name;
        assert_eq!(by_content(b"PAR1...."), "parquet");
        assert_eq!(by_content(b"ARROW1\0\0"), "arrow");
        assert_eq!(by_content(&[0xFF; 8]), "arrow");
        assert_eq!(by_content(b"a,b"), "ndjson");
        let unknown = codecs.for_files("xml").expect_err("unknown").to_string();
        assert!(unknown.contains("`xml`") && unknown.contains("ndjson, csv"), "{unknown}");
        assert!(codecs.for_files("json").is_err() && codecs.for_messages("ndjson").is_err());
    }

    #[test]
    fn a_codec_of_a_program_comes_first() {
        #[derive(Debug)]
        struct Own;
        static FORMAT: Format =
            Format { name: "own", extensions: &["own", "csv"], magic: &[b"PAR1"], doc: "Own." };
        impl Codec for Own {
            fn format(&self) -> &'static Format {
                &FORMAT
            }
            fn files(&self) -> Option<&dyn FileCodec> {
                Ndjson.files()
            }
        }
        let codecs = Codecs::built_in().with(&Own);
        let by_name = |name: &str| codecs.by_name_of(Path::new(name)).map(|c| c.format().name);
        assert_eq!((by_name("a.own"), by_name("a.csv")), (Some("own"), Some("own")));
        assert_eq!(codecs.by_content(b"PAR1").format().name, "own");
        assert_eq!(codecs.for_files("csv").expect("still there").format().name, "csv");
        assert_eq!(codecs.names_for_files().first(), Some(&"own"));
    }
}
