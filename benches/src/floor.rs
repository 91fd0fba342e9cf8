//! The floor of everything that reads these lines: sonic-rs, one thread, each line into a borrowed struct
//! of all 15 fields, and nothing done with it.

use std::borrow::Cow;
use std::hint::black_box;

#[derive(serde::Deserialize)]
struct Usage {
    input_tokens: Option<f64>,
    output_tokens: Option<f64>,
}

/// All fields of a line, borrowed where a string has no escapes.
#[derive(serde::Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    ts: Cow<'a, str>,
    #[serde(borrow)]
    model: Cow<'a, str>,
    #[serde(borrow)]
    model_version: Option<Cow<'a, str>>,
    #[serde(borrow)]
    region: Option<Cow<'a, str>>,
    #[serde(borrow)]
    request_id: Option<Cow<'a, str>>,
    latency_ms: Option<f64>,
    ttft_ms: Option<f64>,
    usage: Usage,
    #[serde(borrow)]
    finish_reason: Option<Cow<'a, str>>,
    status: Option<u32>,
    error: Option<bool>,
    confidence: Option<f64>,
    #[serde(borrow)]
    tool: Option<Cow<'a, str>>,
    #[serde(borrow)]
    prompt_lang: Option<Cow<'a, str>>,
}

/// Decodes NDJSON of `driftline generate`; returns the number of lines, 0 where one cannot be read.
pub fn decode_lines(text: &[u8]) -> usize {
    let (mut events, mut start) = (0, 0);
    for end in memchr::memchr_iter(b'\n', text) {
        let Ok(line) = sonic_rs::from_slice::<Line<'_>>(&text[start..end]) else { return 0 };
        black_box((&line.ts, &line.model, &line.model_version, &line.region, &line.request_id));
        black_box((
            line.latency_ms,
            line.ttft_ms,
            line.usage.input_tokens,
            line.usage.output_tokens,
        ));
        black_box((&line.finish_reason, line.status, line.error, line.confidence));
        black_box((&line.tool, &line.prompt_lang));
        start = end + 1;
        events += 1;
    }
    events
}
