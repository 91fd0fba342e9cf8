//! Whether the names of topics can be, and do not meet.

use regex::Regex;

use super::super::diagnostic::Diagnostics;
use super::super::places::Places;

/// Longest name of a topic, in bytes (Kafka's own bound).
const NAME_BYTES_MAX: usize = 249;
/// The options of `[sinks]`, in their order.
pub(super) const SINKS: [&str; 5] = ["findings", "alerts", "quarantine", "journal", "anomalies"];

/// Whether Kafka takes it as the name of a topic.
fn is_name(name: &str) -> bool {
    let taken = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=NAME_BYTES_MAX).contains(&name.len())
        && name.chars().all(taken)
        && !matches!(name, "." | "..")
}

/// Whether an input, a name or a regular expression, is of this topic.
fn reads(input: &str, topic: &str) -> bool {
    let pattern = || Regex::new(input).is_ok_and(|pattern| pattern.is_match(topic));
    input == topic || input.starts_with('^') && pattern()
}

/// Tells what is wrong with the inputs.
pub(super) fn check_inputs(topics: &[String], places: &Places, diagnostics: &mut Diagnostics) {
    if topics.is_empty() && !places.is_wrong("source.topics") && !places.is_wrong("source") {
        let section = if places.has("source") { "source" } else { "kafka" };
        diagnostics
            .error(places.key(section), "`source.topics` is missing: the topics to read")
            .help("add topics = [\"inference-events\"] to [source]");
    }
    for (at, topic) in topics.iter().enumerate() {
        let place = places.value(&format!("source.topics.{at}"));
        if topic.starts_with('^') {
            if let Err(error) = Regex::new(topic) {
                // The last line of its words says what is wrong, those before show where.
                let words = error.to_string();
                let words = words.lines().last().unwrap_or_default().to_owned();
                diagnostics
                    .error(place, "this is not a valid regular expression")
                    .help(words.trim_start_matches("error: "));
            }
        } else if !is_name(topic) {
            diagnostics
                .error(place, format!("\"{topic}\" is not a topic name"))
                .help("a topic's name has letters, digits, dots, underscores, hyphens; a regular expression begins with ^");
        } else if topics.iter().take(at).any(|other| other == topic) {
            diagnostics
                .error(place, format!("the topic \"{topic}\" is given twice"))
                .help("remove one of them");
        }
    }
}

/// Tells what is wrong with the sinks, as far as their names are known.
pub(super) fn check_sinks(
    sinks: &[Option<String>; 5],
    inputs: &[String],
    places: &Places,
    diagnostics: &mut Diagnostics,
) {
    let full = |at: usize| format!("sinks.{}", SINKS[at]);
    for (at, sink) in sinks.iter().enumerate() {
        let Some(sink) = sink else { continue };
        let twin = sinks.iter().take(at).position(|other| other.as_ref() == Some(sink));
        let input = inputs.iter().position(|input| reads(input, sink));
        if !is_name(sink) {
            diagnostics
                .error(places.value(&full(at)), format!("\"{sink}\" is not a topic name"))
                .help("a topic's name has letters, digits, dots, underscores, hyphens");
        } else if let Some(twin) = twin {
            let said = if places.has(&full(at)) { at } else { twin };
            diagnostics
                .error(
                    places.value(&full(said)),
                    format!("`{}` and `{}` are both \"{sink}\"", full(twin), full(at)),
                )
                .help("use one topic per sink: they differ in how long records are kept");
        } else if let Some(input) = input {
            let said = full(at);
            let input = format!("source.topics.{input}");
            let place = if places.has(&said) { said.as_str() } else { input.as_str() };
            diagnostics
                .error(
                    places.value(place),
                    format!("\"{sink}\" is both read and written (`{}`)", full(at)),
                )
                .help("Driftline would read its own results: give the sink another name, or narrow the pattern");
        }
    }
}
