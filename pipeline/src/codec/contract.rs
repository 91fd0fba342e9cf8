//! What a codec is: the traits that each implements, and what they promise.
//!
//! A codec turns the bytes of a file, or the value of one message, into the columns of the configured paths
//! ([`Batch`]) and into rejects. It says what is in a record, and nothing about what that means: types that
//! do not fit, times out of range, missing models and lengths are judged by the [`BatchBuilder`], alike for
//! all formats.
//!
//! A file goes through two hands. One thread opens it and cuts it into blocks ([`FileCodec::open`],
//! [`Blocks`]); any thread decodes any block ([`DecodeBlocks`]). A message goes through one
//! ([`DecodeMessages`]).
//!
//! # Promises
//!
//! - **A codec keeps nothing.** It is a constant that makes readers and decoders. What a decoder keeps
//!   between calls (buffers, what keys looked like, where a file's columns stand) makes it fast, and never
//!   changes a result.
//! - **Batching changes nothing.** The same bytes give the same events and rejects, with the same numbers
//!   and in the same order, however they are cut into blocks, batches of messages and calls to `emit`, on
//!   however many threads.
//! - **Errors end as little as they can.** A bad record is one reject, and the next record is read. A file
//!   that is broken ends where it is broken: what stands before counts, the rest is one reject. No input
//!   ends the stream.
//! - **Never a panic, and memory is bounded** by [`Limits`](crate::model::Limits), whatever the bytes say
//!   about their own length or depth. Code of others that may panic on its input is run behind a wall
//!   (`guard`).
//! - **No clock, thread, randomness or network** decides about an event.

use std::fmt;
use std::io;

use super::bad_record::BadRecord;
use super::batch_builder::BatchBuilder;
use super::block::{Block, OpenFile};
use super::format::Format;
use super::message::Message;
use super::sample::{Sample, SampleFault};
use super::setup::Setup;
use crate::model::Batch;

/// A codec: one line of [`CODECS`](super::CODECS), or one that a program [adds](super::Codecs::with).
///
/// At least one of `files` and `messages` must be given, and each call must give the same.
pub trait Codec: fmt::Debug + Send + Sync {
    /// What it is called and what it reads. The name of one in [`CODECS`](super::CODECS) is what
    /// `[input] format`, `[source] format` and `--format` take, so it never changes once it was released;
    /// one that a program adds is known to that program's [`Codecs`](super::Codecs) only.
    fn format(&self) -> &'static Format;

    /// How files are read; none where the format has no files.
    fn files(&self) -> Option<&dyn FileCodec> {
        None
    }

    /// How messages are read; none where no message can be read on its own.
    fn messages(&self) -> Option<&dyn MessageCodec> {
        None
    }
}

/// How files of a format are read.
pub trait FileCodec: fmt::Debug + Send + Sync {
    /// Begins to read a file: looks at no more than its head, such as names of columns. Called once a file,
    /// and not for an empty one. The format was told by the user, by the extension or by the first bytes,
    /// so the file may be of any other.
    ///
    /// # Errors
    /// Where there is nothing in the file that can be read. It ends the file, as one reject that holds
    /// the words of the error.
    fn open(&self, file: OpenFile) -> io::Result<Box<dyn Blocks>>;

    /// Makes a decoder. Called once for each thread: a decoder meets blocks of several files, in any order.
    fn decoder(&self, setup: Setup<'_>) -> Box<dyn DecodeBlocks>;

    /// Tells what is in the first records, whether configured or not, until there are `records_max` that
    /// could be read or as many that could not. `driftline init` needs it; a codec that cannot do it leaves
    /// it out.
    ///
    /// # Errors
    /// Where the file is not of the format. A file that breaks off after its first records is no error.
    fn sample(
        &self,
        _file: OpenFile,
        _records_max: u64,
        _sample: &mut dyn Sample,
    ) -> Result<(), SampleFault> {
        Err(SampleFault::Unsupported)
    }
}

/// A file that is being read, cut into blocks.
pub trait Blocks: Send {
    /// The next block; none at the end. It should be cheap, since one thread does this for all others:
    /// finding where records end is, decoding them is not. No record may be in two blocks, and none may be
    /// larger than it takes to see that it is too long.
    ///
    /// # Errors
    /// Where the file cannot be read any further. It is not called again after an error or the end.
    fn next_block(&mut self) -> io::Result<Option<Block>>;

    /// Number of records in all blocks so far, for the words of an error: "after record N".
    fn records(&self) -> u64;
}

/// Decodes blocks of files, on one thread.
pub trait DecodeBlocks: fmt::Debug + Send {
    /// Decodes a block that a [`Blocks`] of the same codec made. All of its events and rejects must have
    /// gone to `emit` when it returns: fill `batch`, which is empty, and emit [`BatchBuilder::finish`] once
    /// or more often, even where nothing was found. Batches of a few thousand events are best.
    ///
    /// Events of a block have ascending numbers that begin at [`Block::first_offset`]; a reject has the
    /// number that its record has or would have.
    fn decode(&mut self, block: &Block, batch: &mut BatchBuilder, emit: &mut dyn FnMut(Batch));
}

/// How messages of a format are read.
pub trait MessageCodec: fmt::Debug + Send + Sync {
    /// Makes a decoder. Called once for each thread: a decoder meets messages of several partitions.
    fn decoder(&self, setup: Setup<'_>) -> Box<dyn DecodeMessages>;
}

/// Decodes messages, on one thread.
pub trait DecodeMessages: fmt::Debug + Send {
    /// Decodes one message, which may hold any number of events, none included: adds each to `batch`
    /// under the message's offset. Its value is no longer than a record may be.
    ///
    /// Where one item of several is bad and the others count, the item is a reject
    /// ([`BatchBuilder::reject`]) and the answer is `Ok`.
    ///
    /// # Errors
    /// Where the message as a whole is bad: what was added for it is dropped, and it is one reject.
    fn message(&mut self, message: &Message<'_>, batch: &mut BatchBuilder)
    -> Result<(), BadRecord>;

    /// Decodes messages in their order. Not to be written anew: it is here so that a call through the trait
    /// is made for each batch of messages and not for each message.
    fn messages(&mut self, messages: &[Message<'_>], batch: &mut BatchBuilder) {
        for message in messages {
            let begun = batch.begin_message(message);
            let result = match batch.check_length(message.value.len()) {
                Ok(()) => self.message(message, batch),
                Err(bad) => Err(bad),
            };
            if let Err(bad) = result {
                batch.drop_message(&begun, bad, message);
            }
        }
    }
}
