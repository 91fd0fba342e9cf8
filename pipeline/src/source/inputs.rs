//! From what a user names (paths, globs, folders, `-`) to a sorted list of files.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::reader::FileReader;
use super::unread::{Unread, is_read};
use crate::codec::{Codec, Codecs, Decoder, FileBlock};
use crate::model::Limits;

/// Folders are searched this deep.
const FOLDER_DEPTH_MAX: usize = 32;

/// Why no list of files could be made.
#[derive(Debug, Error)]
pub enum SourceError {
    /// Nothing there.
    #[error("no such file or folder: {0}; put globs in quotes so that the shell leaves them alone")]
    NotFound(String),
    /// A folder or glob without a file.
    #[error("no input file in {0}; folders are searched for files with the extensions {1}")]
    Nothing(String, String),
    /// A malformed glob.
    #[error("{0}: {1}")]
    Pattern(String, glob::PatternError),
    /// A folder that cannot be listed.
    #[error("cannot read the folder {0}: {1}")]
    Folder(PathBuf, std::io::Error),
}

/// One file, or standard input.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct InputFile {
    /// Its path; `-` = standard input.
    pub path: PathBuf,
    /// Its size in bytes as stored (compressed); 0 for standard input.
    pub bytes: u64,
}

impl InputFile {
    /// Whether this is standard input.
    pub fn is_stdin(&self) -> bool {
        self.path.as_os_str() == "-"
    }
}

/// The files of one replay. A file's place in the list is its partition.
#[derive(Debug, Clone)]
pub struct FileSource {
    files: Vec<InputFile>,
    codecs: Codecs,
    codec: Option<&'static dyn Codec>,
    unread: Unread,
}

impl FileSource {
    /// Finds the files that `inputs` name: paths, globs, folders (searched for known extensions), `-`
    /// for standard input. Sorted by name, each once. `codec` overrides extension and content.
    pub fn find(inputs: &[String], codec: Option<&'static dyn Codec>) -> Result<Self, SourceError> {
        Self::find_with(Codecs::built_in(), inputs, codec)
    }

    /// The same with codecs of a program's own, which extensions and contents may tell, too.
    pub fn find_with(
        codecs: Codecs,
        inputs: &[String],
        codec: Option<&'static dyn Codec>,
    ) -> Result<Self, SourceError> {
        let (mut paths, mut unread) = (Vec::new(), Unread::default());
        for input in inputs {
            let before = paths.len();
            let path = Path::new(input);
            if input == "-" || path.is_file() {
                paths.push(path.to_owned());
            } else if path.is_dir() {
                list_folder(path, &codecs, (&mut paths, &mut unread), 0)?;
            } else if path.exists() {
                // A pipe or a device, as in `<(zcat ..)`.
                paths.push(path.to_owned());
            } else if input.contains(['*', '?', '[']) {
                expand(input, &codecs, (&mut paths, &mut unread))?;
            } else {
                return Err(SourceError::NotFound(input.clone()));
            }
            if paths.len() == before {
                let known = codecs.extensions().join(", ");
                let why: String = unread.lines().iter().map(|line| format!("\n  {line}")).collect();
                return Err(SourceError::Nothing(input.clone(), known + &why));
            }
        }
        paths.sort();
        paths.dedup();
        let size = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.len());
        let files = paths.into_iter().map(|path| InputFile { bytes: size(&path), path }).collect();
        Ok(Self { files, codecs, codec, unread })
    }

    /// The files; a file's index is its partition.
    pub fn files(&self) -> &[InputFile] {
        &self.files
    }

    /// The path of a file, for people.
    pub fn name_of(&self, partition: u32) -> String {
        self.files
            .get(partition as usize)
            .map_or(String::new(), |file| file.path.display().to_string())
    }

    /// Files of folders that are not read.
    pub fn unread(&self) -> &Unread {
        &self.unread
    }

    /// Bytes of all files as stored; `None` if standard input is one of them.
    pub fn bytes_total(&self) -> Option<u64> {
        let known = self.files.iter().all(|file| !file.is_stdin());
        known.then(|| self.files.iter().map(|file| file.bytes).sum())
    }

    /// Opens a file. Never fails: a file that cannot be read gives one block that decodes to a reject.
    pub fn open(&self, partition: u32, limits: &Limits) -> FileReader {
        match self.files.get(partition as usize) {
            Some(file) => FileReader::open(&file.path, &self.codecs, self.codec, partition, limits),
            None => FileReader::empty(partition),
        }
    }

    /// Event time of the first record that can be read, microseconds since 1970: by this the files
    /// are ordered. Reads as little as it can. `None` where there is none, and for standard input,
    /// which can be read once only.
    pub fn first_time(
        &self,
        partition: u32,
        limits: &Limits,
        decoder: &mut Decoder,
    ) -> Option<i64> {
        let file = self.files.get(partition as usize)?;
        if !file.path.is_file() {
            return None;
        }
        let small = Limits { block_bytes: limits.block_bytes.min(1 << 16), ..limits.clone() };
        let mut first = None;
        for block in self.open(partition, &small) {
            // A file of rejects only would be read to its end: no time is better than that.
            let last = matches!(block, FileBlock::Broken(_));
            decoder.decode(&block, &mut |batch| {
                // The least of a few: one wrong clock at the top must not make the rest late.
                first = first.or(batch.time_us.iter().take(3).min().copied());
            });
            if first.is_some() || last {
                break;
            }
        }
        first
    }
}

fn list_folder(
    folder: &Path,
    codecs: &Codecs,
    (into, unread): (&mut Vec<PathBuf>, &mut Unread),
    depth: usize,
) -> Result<(), SourceError> {
    let failed = |error| SourceError::Folder(folder.to_owned(), error);
    let mut entries: Vec<_> =
        std::fs::read_dir(folder).map_err(failed)?.collect::<Result<_, _>>().map_err(failed)?;
    // What is told of them does not depend on the file system.
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        // Links to folders are not followed, so there are no cycles.
        if entry.file_type().map_err(failed)?.is_dir() {
            if depth >= FOLDER_DEPTH_MAX {
                unread.add(path, format!("folders are searched {FOLDER_DEPTH_MAX} deep"));
            } else {
                list_folder(&path, codecs, (into, unread), depth + 1)?;
            }
        } else if path.is_file() {
            match is_read(&path, codecs) {
                Ok(()) => into.push(path),
                Err(reason) => unread.add(path, reason),
            }
        }
    }
    Ok(())
}

fn expand(
    pattern: &str,
    codecs: &Codecs,
    (into, unread): (&mut Vec<PathBuf>, &mut Unread),
) -> Result<(), SourceError> {
    let found = glob::glob(pattern).map_err(|error| SourceError::Pattern(pattern.into(), error))?;
    for path in found {
        let path =
            path.map_err(|error| SourceError::Folder(error.path().to_owned(), error.into()))?;
        if path.is_dir() {
            list_folder(&path, codecs, (into, unread), 0)?;
        } else {
            into.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(folder: &Path, names: &[&str]) {
        for name in names {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, "x").expect("written");
        }
    }

    fn names(folder: &Path, input: &str) -> Vec<String> {
        let input = folder.join(input).to_string_lossy().into_owned();
        let source = FileSource::find(&[input.clone(), input], None).expect("files");
        let name = |file: &InputFile| {
            file.path.strip_prefix(folder).expect("inside").to_string_lossy().into_owned()
        };
        source.files().iter().map(name).collect()
    }

    #[test]
    fn folders_globs_and_paths_are_sorted_and_each_file_is_there_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        touch(
            folder,
            &["b.ndjson", "a.jsonl.gz", "deep/er/c.json", "notes.md", ".hidden.json", "x.gz"],
        );
        assert_eq!(names(folder, ""), ["a.jsonl.gz", "b.ndjson", "deep/er/c.json"]);
        assert_eq!(names(folder, "*.md"), ["notes.md"], "a glob takes what it names");
        assert_eq!(names(folder, "*/**/*.json"), ["deep/er/c.json"]);
        assert_eq!(names(folder, "x.gz"), ["x.gz"]);
        let error = |input: &str| {
            let input = folder.join(input).to_string_lossy().into_owned();
            FileSource::find(&[input], None).expect_err("nothing there").to_string()
        };
        assert!(error("missing.json").contains("no such file"));
        assert!(error("*.nothing").contains("no input file"));
        let stdin = FileSource::find(&["-".into()], None).expect("stdin");
        assert!(stdin.files()[0].is_stdin() && stdin.bytes_total().is_none());
    }
}
