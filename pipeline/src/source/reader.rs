//! One open file, block by block.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::stream::open_stream;
use crate::codec::unpack::Unpacked;
use crate::codec::{Blocks, Codec, Codecs, FileBlock, OpenFile, bad_file};
use crate::model::Limits;

/// Reads one file. An iterator over blocks; the last one may be a reject that says where the file
/// broke.
pub struct FileReader {
    name: Arc<str>,
    partition: u32,
    bytes_read: Arc<AtomicU64>,
    state: State,
}

enum State {
    Open { codec: &'static dyn Codec, blocks: Box<dyn Blocks> },
    Failed(io::Error),
    Ended,
}

impl FileReader {
    /// Opens a file as the format given, or else as the one that its name or content tells.
    pub(super) fn open(
        path: &Path,
        codecs: &Codecs,
        codec: Option<&'static dyn Codec>,
        partition: u32,
        limits: &Limits,
    ) -> Self {
        let bytes_read = Arc::new(AtomicU64::new(0));
        let state = begin(path, codecs, codec, partition, limits, &bytes_read);
        let name = path.display().to_string().into();
        Self { name, partition, bytes_read, state: state.unwrap_or_else(State::Failed) }
    }

    pub(super) fn empty(partition: u32) -> Self {
        Self { name: "".into(), partition, bytes_read: Arc::default(), state: State::Ended }
    }

    /// Bytes of the file that were read so far, as stored. Of Parquet, those of the row groups that
    /// were handed out, all columns.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    fn broken(&self, offset: u64, error: &io::Error) -> FileBlock {
        let detail = format!("after record {offset}: {error}");
        FileBlock::Broken(bad_file(self.partition, offset, &self.name, detail))
    }
}

impl Iterator for FileReader {
    type Item = FileBlock;

    fn next(&mut self) -> Option<FileBlock> {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Ended => None,
            State::Failed(error) => Some(self.broken(0, &error)),
            State::Open { codec, mut blocks } => match blocks.next_block() {
                Ok(None) => None,
                Ok(Some(block)) => {
                    self.state = State::Open { codec, blocks };
                    Some(FileBlock::Whole { codec, block })
                }
                Err(error) => Some(self.broken(blocks.records(), &error)),
            },
        }
    }
}

fn begin(
    path: &Path,
    codecs: &Codecs,
    codec: Option<&'static dyn Codec>,
    partition: u32,
    limits: &Limits,
    bytes_read: &Arc<AtomicU64>,
) -> io::Result<State> {
    let Unpacked { bytes, beginning, is_packed } = open_stream(path, bytes_read)?;
    if beginning.is_empty() {
        return Ok(State::Ended);
    }
    let codec =
        codec.or_else(|| codecs.by_name_of(path)).unwrap_or_else(|| codecs.by_content(&beginning));
    let Some(files) = codec.files() else {
        let name = codec.format().name;
        return Err(io::Error::other(format!("{name} is a format of messages, not of files")));
    };
    let blocks = files.open(OpenFile {
        path: path.to_owned(),
        bytes,
        is_seekable: !is_packed && path.is_file(),
        partition,
        limits: limits.clone(),
        bytes_read: Arc::clone(bytes_read),
    })?;
    Ok(State::Open { codec, blocks })
}
