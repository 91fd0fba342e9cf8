//! Bytes to [`Batch`](crate::model::Batch): only the configured paths, every bad record one reject with its
//! reason.
//!
//! A format is a [`Codec`] and a line in [`CODECS`]; the trait says what it must do. A [`Decoder`] reads
//! blocks of files of any format, a [`MessageDecoder`] messages of one; have one for each thread. Not here:
//! where bytes come from (`source`), what values mean to a detector (`engine`).

mod arrow_file;
mod arrow_ipc;
mod arrow_message;
mod arrow_metrics;
mod arrow_rows;
mod arrow_sample;
mod arrow_stream;
mod arrow_text;
mod arrow_times;
mod bad_record;
mod batch_builder;
mod block;
mod codecs;
mod columns;
mod contract;
mod csv;
mod csv_delimiter;
mod csv_sample;
mod csv_text;
mod decoder;
mod delta_lengths;
mod field_values;
mod file_block;
mod format;
mod group_rows;
mod guard;
mod json;
mod json_layout;
mod json_sample;
mod json_scanner;
mod json_text;
mod label_reader;
mod labels;
pub mod lines;
mod mapped;
mod message;
mod message_decoder;
mod ndjson;
mod page_head;
mod page_unpack;
mod parquet;
mod parquet_footer;
mod parquet_pages;
mod path_tree;
mod record_blocks;
mod row_group;
mod rules;
mod sample;
mod setup;
mod thrift;
mod time;
pub(crate) mod unpack;
mod utf16;

pub use self::bad_record::BadRecord;
pub(crate) use self::bad_record::bad_file;
pub use self::batch_builder::{BatchBuilder, ScanRecord};
pub use self::block::{Block, OpenFile};
pub use self::codecs::{CODECS, Codecs, UnknownFormat};
pub use self::contract::{Blocks, Codec, DecodeBlocks, DecodeMessages, FileCodec, MessageCodec};
pub use self::decoder::Decoder;
pub use self::field_values::{FieldValue, FieldValues};
pub use self::file_block::FileBlock;
pub use self::format::Format;
pub use self::message::Message;
pub use self::message_decoder::MessageDecoder;
pub use self::path_tree::{NodeId, PathNode, PathTree};
pub use self::rules::LayoutError;
pub use self::sample::{Sample, SampleFault, SampleValue};
pub use self::setup::Setup;
pub(crate) use self::time::TimeReader;
