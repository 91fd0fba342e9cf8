//! Files as input: finding them, opening them, and having their codec cut them into blocks. Live
//! input is in [`kafka`].
//!
//! No threads here: the runtime runs a [`FileReader`] for each open file and hands its blocks to decoders.
//! Each file is one partition, numbered in the order of sorted names. Not here: what records mean.
//! Invariant: memory is bounded by the limits, whatever a file holds.

mod inputs;
pub mod kafka;
mod reader;
mod stream;
mod unread;

pub use self::inputs::{FileSource, InputFile, SourceError};
pub use self::reader::FileReader;
pub use self::unread::Unread;
