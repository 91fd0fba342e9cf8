//! A codec of your own: lines of `key=value` pairs, as many loggers write them, in files and in messages.
//!
//!     ts=2026-03-02T09:15:04Z model=chat latency_ms=412.5 finish_reason=stop error=false note="two words"
//!
//! `Codecs::built_in().with(&KeyValue)` is the one line that adds it. Inside of Driftline that line is one
//! of `CODECS`.
//!
//!     cargo run --release --example keyvalue_codec -- driftline.toml events.kv

#![allow(clippy::print_stdout)]

use std::io;
use std::ops::Range;
use std::path::Path;

use driftline::codec::{
    BadRecord, BatchBuilder, Block, Blocks, Codec, Codecs, DecodeBlocks, DecodeMessages,
    FieldValue, FieldValues, FileCodec, Format, Message, MessageCodec, OpenFile, PathTree, Sample,
    SampleFault, SampleValue, ScanRecord, Setup, lines,
};
use driftline::config;
use driftline::engine::Engine;
use driftline::model::{Batch, Finding, Reason};
use driftline::runtime::replay::{Event, ReplayError, replay};
use driftline::source::FileSource;

/// The codec. It keeps nothing.
#[derive(Debug)]
pub struct KeyValue;

static FORMAT: Format = Format {
    name: "keyvalue",
    extensions: &["kv", "logfmt"],
    magic: &[],
    doc: "Lines of key=value pairs; a value with spaces stands in double quotes.",
};

impl Codec for KeyValue {
    fn format(&self) -> &'static Format {
        &FORMAT
    }

    fn files(&self) -> Option<&dyn FileCodec> {
        Some(self)
    }

    fn messages(&self) -> Option<&dyn MessageCodec> {
        Some(self)
    }
}

impl FileCodec for KeyValue {
    fn open(&self, file: OpenFile) -> io::Result<Box<dyn Blocks>> {
        Ok(lines::open(file))
    }

    fn decoder(&self, _: Setup<'_>) -> Box<dyn DecodeBlocks> {
        Box::new(Pairs)
    }

    fn sample(
        &self,
        file: OpenFile,
        records_max: u64,
        sample: &mut dyn Sample,
    ) -> Result<(), SampleFault> {
        lines::sample(file, records_max, sample, |line, sample| {
            let Ok(text) = std::str::from_utf8(line) else {
                sample.add_unreadable(1);
                return Ok(());
            };
            let read = pairs(text, 0..text.len(), |key, value| {
                sample.value(&text[key], SampleValue::of_cell(&text[value]));
            });
            match read {
                Ok(0) => {}
                Ok(_) => sample.add_records(1),
                Err(_) => sample.add_unreadable(1),
            }
            Ok(())
        })
    }
}

impl MessageCodec for KeyValue {
    fn decoder(&self, _: Setup<'_>) -> Box<dyn DecodeMessages> {
        Box::new(Pairs)
    }
}

/// What decodes, on each thread. A faster one would remember where the keys of the last line stood.
#[derive(Debug)]
struct Pairs;

impl DecodeBlocks for Pairs {
    fn decode(&mut self, block: &Block, batch: &mut BatchBuilder, emit: &mut dyn FnMut(Batch)) {
        lines::decode(self, block, batch, emit);
    }
}

impl DecodeMessages for Pairs {
    fn message(
        &mut self,
        message: &Message<'_>,
        batch: &mut BatchBuilder,
    ) -> Result<(), BadRecord> {
        let text = std::str::from_utf8(message.value).map_err(|error| {
            BadRecord::new(Reason::InvalidUtf8, format!("at byte {}", error.valid_up_to()))
        })?;
        batch.add(self, text, 0..text.len(), message.offset)
    }
}

impl ScanRecord for Pairs {
    fn scan(
        &mut self,
        paths: &PathTree,
        text: &str,
        record: Range<usize>,
        values: &mut FieldValues,
    ) -> Result<(), BadRecord> {
        pairs(text, record, |key, value| {
            if let Some(field) = paths.field(text[key].as_bytes()) {
                let Range { start, end } = value;
                values.set(field, FieldValue::Cell { start, end, unescaped: false });
            }
        })?;
        Ok(())
    }
}

/// Calls `found` with the place of each key and of its value; gives how many there are.
fn pairs(
    text: &str,
    record: Range<usize>,
    mut found: impl FnMut(Range<usize>, Range<usize>),
) -> Result<usize, BadRecord> {
    let malformed = |what: &str, at: usize| {
        Err(BadRecord::new(Reason::Malformed, format!("{what} at byte {}", at - record.start)))
    };
    let (mut at, mut count) = (record.start, 0);
    loop {
        let rest = text[at..record.end].trim_start();
        at = record.end - rest.len();
        if rest.is_empty() {
            return Ok(count);
        }
        let Some(sign) = rest.find(|c: char| c == '=' || c.is_whitespace()) else {
            return malformed("no = after the key", at);
        };
        if !rest[sign..].starts_with('=') || sign == 0 {
            return malformed("no key and =", at);
        }
        let begin = at + sign + 1;
        let value = match text[begin..record.end].strip_prefix('"') {
            Some(quoted) => match quoted.find('"') {
                Some(length) => begin + 1..begin + 1 + length,
                None => return malformed("a quote without end", begin),
            },
            None => {
                let value = text[begin..record.end].split(char::is_whitespace).next();
                begin..begin + value.unwrap_or("").len()
            }
        };
        found(at..at + sign, value.clone());
        count += 1;
        at = if value.start > begin { value.end + 1 } else { value.end };
    }
}

/// Replays files through the engine that a config describes; `.kv` files among them.
pub fn findings(
    config: &Path,
    inputs: &[String],
) -> Result<Vec<Finding>, Box<dyn std::error::Error>> {
    let (settings, _) = config::load(config)?;
    let codecs = Codecs::built_in().with(&KeyValue);
    let source = FileSource::find_with(codecs, inputs, None)?;
    let mut engine = Engine::new(settings);
    let mut findings = Vec::new();
    replay(&source, &mut engine, 1, |_, event| -> Result<(), ReplayError> {
        if let Event::Output(output) = event {
            findings.extend_from_slice(&output.findings);
        }
        Ok(())
    })?;
    Ok(findings)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let config = arguments.next().ok_or("usage: keyvalue_codec CONFIG FILE...")?;
    for finding in findings(Path::new(&config), &arguments.collect::<Vec<_>>())? {
        println!("{} {}: {}", finding.detected_at, finding.model, finding.summary);
    }
    Ok(())
}
