//! Ready configs for common kinds of events. A preset is one TOML file and one line here.

/// Names of the presets.
pub const NAMES: &[&str] = &["llm", "classifier"];

/// Each preset's name, what it is for, and its TOML.
pub const PRESETS: &[(&str, &str, &str)] = &[
    ("llm", "Calls of large language models.", include_str!("presets/llm.toml")),
    ("classifier", "Predictions of classifiers.", include_str!("presets/classifier.toml")),
];

/// The TOML of a preset.
pub fn text(name: &str) -> Option<&'static str> {
    PRESETS.iter().find(|(known, ..)| *known == name).map(|(.., text)| *text)
}
