//! Files as input: finding them, opening them, cutting them into blocks that decode on their own.
//!
//! No threads: the runtime runs a [`Reader`] for each open file and hands its blocks to decoders. Each
//! file is one partition, numbered in the order of sorted names. Not here: what records mean.
//! Invariant: memory is bounded by the limits, whatever a file holds.

mod blocks;
mod inputs;
mod reader;
mod stream;

pub use self::inputs::{FileSource, InputFile, SourceError};
pub use self::reader::Reader;
