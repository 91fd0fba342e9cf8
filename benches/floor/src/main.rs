//! The floor of everything that reads lines of `driftline generate`: sonic-rs, one thread, each line into a
//! borrowed struct of all its fields, and nothing done with it.
//!
//! `driftline-floor FILE stream|memory` decodes the file once for each line on its standard input and
//! answers with the number of events. `stream` reads the file anew each time, in blocks that stay in the
//! cache; `memory` keeps it. A program of its own, for it is built with a profile of its own (`floor`): fat
//! LTO, one codegen unit, no unwinding. Not here: what is compared with it, and the clock.

// It talks to a pipe.
#![allow(clippy::print_stdout)]

use std::fs::File;
use std::hint::black_box;
use std::io::{BufRead, Read};
use std::path::Path;

use anyhow::Context;

/// Bytes that are read at once.
const BLOCK_BYTES: usize = 1 << 20;

/// Nested in a line.
#[derive(serde::Deserialize)]
#[allow(dead_code, reason = "decoded, and that is all")]
struct Usage {
    input_tokens: u64,
    output_tokens: u64,
}

/// All fields of a line. Strings are borrowed: the generator writes none with escapes.
#[derive(serde::Deserialize)]
#[allow(dead_code, reason = "decoded, and that is all")]
struct Line<'a> {
    ts: &'a str,
    model: &'a str,
    model_version: &'a str,
    region: &'a str,
    request_id: &'a str,
    latency_ms: f64,
    ttft_ms: f64,
    usage: Usage,
    finish_reason: &'a str,
    status: u32,
    error: bool,
    confidence: f64,
    tool: &'a str,
    prompt_lang: &'a str,
}

/// Decodes the whole lines of a text: how many there are, and where they end.
fn decode(text: &[u8]) -> anyhow::Result<(u64, usize)> {
    let (mut events, mut start) = (0, 0);
    for end in memchr::memchr_iter(b'\n', text) {
        let line: Line<'_> = sonic_rs::from_slice(&text[start..end])
            .context("a line that `driftline generate` does not write")?;
        black_box(&line);
        start = end + 1;
        events += 1;
    }
    Ok((events, start))
}

/// Decodes all that comes, in blocks of one buffer.
fn decode_stream(mut source: impl Read, buffer: &mut [u8]) -> anyhow::Result<u64> {
    let (mut events, mut kept) = (0, 0);
    loop {
        let read = source.read(&mut buffer[kept..])?;
        if read == 0 {
            anyhow::ensure!(
                kept == 0,
                "a line of more than {} bytes, or without an end",
                buffer.len()
            );
            return Ok(events);
        }
        let filled = kept + read;
        let (found, end) = decode(&buffer[..filled])?;
        buffer.copy_within(end..filled, 0);
        events += found;
        kept = filled - end;
    }
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, mode] = arguments.as_slice() else {
        anyhow::bail!("usage: driftline-floor FILE stream|memory");
    };
    let path = Path::new(file);
    let text = match mode.as_str() {
        "memory" => Some(std::fs::read(path)?),
        "stream" => None,
        _ => anyhow::bail!("`{mode}`: give `stream` or `memory`"),
    };
    let mut buffer = vec![0; BLOCK_BYTES];
    for order in std::io::stdin().lock().lines() {
        order?;
        let events = match &text {
            Some(text) => decode(text)?.0,
            None => decode_stream(File::open(path)?, &mut buffer)?,
        };
        println!("{events}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"ts":"2026-01-05T00:00:00.000000Z","model":"a","model_version":"1","region":"eu",
        "request_id":"r","latency_ms":1.5,"ttft_ms":0.5,"usage":{"input_tokens":3,"output_tokens":4},
        "finish_reason":"stop","status":200,"error":false,"confidence":0.5,"tool":"none","prompt_lang":"en"}"#;

    #[test]
    fn all_lines_are_decoded_whatever_the_blocks() {
        let text = (LINE.replace('\n', " ") + "\n").repeat(50);
        assert_eq!(decode(text.as_bytes()).expect("lines"), (50, text.len()));
        for size in [text.len() / 50, 1_000, 1 << 16] {
            let events = decode_stream(text.as_bytes(), &mut vec![0; size]).expect("lines");
            assert_eq!(events, 50, "blocks of {size}");
        }
    }

    #[test]
    fn what_is_no_event_is_an_error_and_not_a_fast_decode() {
        assert!(decode(b"{\"ts\":\"x\"}\n").is_err());
        assert!(decode_stream(LINE.as_bytes(), &mut [0; 1 << 12]).is_err(), "no end of line");
        assert!(decode_stream(LINE.as_bytes(), &mut [0; 100]).is_err(), "longer than a block");
    }
}
