//! NDJSON: files with one JSON object a line.

use std::io;

use super::batch_builder::BatchBuilder;
use super::block::{Block, OpenFile};
use super::contract::{Blocks, Codec, DecodeBlocks, FileCodec};
use super::format::Format;
use super::json_layout;
use super::json_sample;
use super::json_scanner::JsonScanner;
use super::lines;
use super::sample::{Sample, SampleFault};
use super::setup::Setup;
use crate::model::Batch;

/// Files of JSON lines.
#[derive(Debug)]
pub(crate) struct Ndjson;

static FORMAT: Format = Format {
    name: "ndjson",
    extensions: &["ndjson", "jsonl", "json"],
    magic: &[],
    doc: "JSON objects: one a line, in one array, or one after the other; blank lines are skipped.",
};

impl Codec for Ndjson {
    fn format(&self) -> &'static Format {
        &FORMAT
    }

    fn files(&self) -> Option<&dyn FileCodec> {
        Some(self)
    }
}

impl FileCodec for Ndjson {
    fn open(&self, file: OpenFile) -> io::Result<Box<dyn Blocks>> {
        Ok(lines::open(in_lines(file)?))
    }

    fn decoder(&self, setup: Setup<'_>) -> Box<dyn DecodeBlocks> {
        Box::new(NdjsonDecoder { scanner: JsonScanner::new(setup.limits.depth_max) })
    }

    fn sample(
        &self,
        file: OpenFile,
        records_max: u64,
        sample: &mut dyn Sample,
    ) -> Result<(), SampleFault> {
        let file = in_lines(file).map_err(|error| SampleFault::Broken(error.to_string()))?;
        json_sample::sample(file, records_max, sample)
    }
}

/// The file with one object a line, however it is laid out.
fn in_lines(file: OpenFile) -> io::Result<OpenFile> {
    let bytes = json_layout::lines(file.bytes, file.limits.record_bytes_max)?;
    Ok(OpenFile { bytes, ..file })
}

#[derive(Debug)]
struct NdjsonDecoder {
    scanner: JsonScanner,
}

impl DecodeBlocks for NdjsonDecoder {
    fn decode(&mut self, block: &Block, batch: &mut BatchBuilder, emit: &mut dyn FnMut(Batch)) {
        lines::decode(&mut self.scanner, block, batch, emit);
    }
}

#[cfg(test)]
#[path = "ndjson_tests.rs"]
mod tests;
