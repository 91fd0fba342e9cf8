//! The strings of the events: models, versions, regions, categories.
//!
//! Every string is plain ASCII without quotes, backslashes or commas, so writers need not escape.

/// Categories of `finish_reason`; "error" belongs to failed requests.
pub const FINISH_REASONS: [&str; 5] = ["stop", "length", "tool_calls", "content_filter", "error"];
/// Categories of `tool`.
pub const TOOLS: [&str; 8] =
    ["none", "search", "code", "sql", "calendar", "browser", "image", "calculator"];
/// Categories of `prompt_lang`.
pub const LANGUAGES: [&str; 12] =
    ["en", "de", "es", "fr", "pt", "ja", "zh", "it", "nl", "pl", "ko", "tr"];
/// Regions.
pub const REGIONS: [&str; 4] = ["eu-west-1", "us-east-1", "us-west-2", "ap-south-1"];

const FAMILIES: [&str; 10] = [
    "support-chat",
    "code-assist",
    "doc-search",
    "summarise",
    "translate",
    "classify",
    "extract",
    "moderate",
    "agent",
    "rerank",
];

/// Strings by index.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    /// Model names, by rank.
    pub models: Vec<String>,
    /// Two versions a model: `2 * model` is the first, `2 * model + 1` the one that a drift releases.
    pub versions: Vec<String>,
    /// Regions.
    pub regions: Vec<String>,
    /// Values of `finish_reason`, `tool`, `prompt_lang`.
    pub categories: [Vec<String>; 3],
}

impl Vocabulary {
    /// Strings for so many models, without the values that drifts add.
    pub fn new(models: usize) -> Self {
        let owned = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        Self {
            models: (0..models).map(model_name).collect(),
            versions: (0..models)
                .flat_map(|rank| {
                    let (month, day) = (rank % 12 + 1, rank % 28 + 1);
                    [format!("2025-{month:02}-{day:02}"), "2026-03-02".to_owned()]
                })
                .collect(),
            regions: owned(&REGIONS),
            categories: [owned(&FINISH_REASONS), owned(&TOOLS), owned(&LANGUAGES)],
        }
    }

    /// Index of a category's value, added where it is new. At most 254 values.
    pub fn code(&mut self, column: usize, value: &str) -> Option<u8> {
        let values = self.categories.get_mut(column)?;
        let found = values.iter().position(|known| known == value).unwrap_or_else(|| {
            values.push(value.to_owned());
            values.len() - 1
        });
        u8::try_from(found).ok().filter(|&code| code < super::event::NULL_CODE)
    }
}

/// Name of the model at this rank, from 0.
pub fn model_name(rank: usize) -> String {
    format!("{}-{:03}", FAMILIES[rank % FAMILIES.len()], rank + 1)
}
