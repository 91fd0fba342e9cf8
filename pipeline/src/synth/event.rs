//! One synthetic event, as small integers: what is written is exactly what was drawn, in any format.
//!
//! Not here: text. Labels are indices into the [`super::Vocabulary`].

/// A number that is null.
pub const NULL_NUMBER: u32 = u32::MAX;
/// A category or flag that is null.
pub const NULL_CODE: u8 = u8::MAX;

/// Where an event holds a metric's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// Index into [`Event::numbers`].
    Number(usize),
    /// Index into [`Event::categories`].
    Category(usize),
    /// [`Event::error`].
    Flag,
    /// [`Event::vector`].
    Vector,
}

/// A field of the events that is monitored.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Name in the config, in the truth and in findings.
    pub name: &'static str,
    /// Dotted path in the event.
    pub path: &'static str,
    /// Where its value is.
    pub slot: Slot,
    /// Unit, for people; may be empty.
    pub unit: &'static str,
}

/// Place of `latency_ms` in [`Event::numbers`].
pub const LATENCY: usize = 0;
/// Place of `ttft_ms` in [`Event::numbers`].
pub const TTFT: usize = 1;
/// Place of `usage.input_tokens` in [`Event::numbers`].
pub const INPUT: usize = 2;
/// Place of `usage.output_tokens` in [`Event::numbers`].
pub const OUTPUT: usize = 3;
/// Place of `confidence` in [`Event::numbers`].
pub const CONFIDENCE: usize = 4;
/// Place of `finish_reason` in [`Event::categories`].
pub const FINISH: usize = 0;
/// Place of `tool` in [`Event::categories`].
pub const TOOL: usize = 1;
/// Place of `prompt_lang` in [`Event::categories`].
pub const LANG: usize = 2;

const fn metric(name: &'static str, path: &'static str, slot: Slot, unit: &'static str) -> Metric {
    Metric { name, path, slot, unit }
}

/// All metrics; the last exists only where the plan asks for vectors.
pub const METRICS: [Metric; 10] = [
    metric("latency_ms", "latency_ms", Slot::Number(LATENCY), "ms"),
    metric("ttft_ms", "ttft_ms", Slot::Number(TTFT), "ms"),
    metric("input_tokens", "usage.input_tokens", Slot::Number(INPUT), "tokens"),
    metric("output_tokens", "usage.output_tokens", Slot::Number(OUTPUT), "tokens"),
    metric("confidence", "confidence", Slot::Number(CONFIDENCE), ""),
    metric("finish_reason", "finish_reason", Slot::Category(FINISH), ""),
    metric("tool", "tool", Slot::Category(TOOL), ""),
    metric("prompt_lang", "prompt_lang", Slot::Category(LANG), ""),
    metric("error", "error", Slot::Flag, ""),
    metric("embedding", "embedding", Slot::Vector, ""),
];

/// Decimals of each number: its integer is the value times `10^decimals`.
pub const DECIMALS: [u32; 5] = [1, 1, 0, 0, 4];

/// One event.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Event {
    /// When it arrived, in milliseconds since 1970: events come in this order. Not written.
    pub arrival_ms: i64,
    /// When it happened, in milliseconds since 1970: up to five seconds before its arrival.
    pub time_ms: i64,
    /// Rank of the model by traffic, from 0.
    pub model: usize,
    /// Index into the vocabulary's versions.
    pub version: usize,
    /// Index into the vocabulary's regions.
    pub region: usize,
    /// Random 128-bit id.
    pub id: u128,
    /// HTTP status.
    pub status: u16,
    /// Numbers, as integers; see [`DECIMALS`].
    pub numbers: [u32; 5],
    /// Categories, as indices into the vocabulary.
    pub categories: [u8; 3],
    /// 0 or 1.
    pub error: u8,
    /// The embedding, where the plan has one; empty = null.
    pub vector: Vec<f32>,
}
