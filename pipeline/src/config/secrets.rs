//! How the values of secrets are kept out of what is shown.
//!
//! A config's own line is shown with each error. Invariant: where a literal stands under the name of a
//! secret, right or misspelled, in a text that can be parsed or not, stars are shown instead.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::{Diagnostics, nearest};
use super::live::followers;
use super::live::properties::PASSED_THROUGH;
use super::secret_names::is_secret;
use super::{options, values};

/// How the headers of sections with secrets begin.
const SECTIONS: &[&str] = &["[kafka", "[state.options", "[sinks."];
/// Names that are often misspelled.
const SLIPS: &[&str] = &["password", "passwd", "token"];

/// Whether it looks like the name of a secret, so that its value is not shown.
fn could_be_secret(name: &str) -> bool {
    let letters = |part: &str| part.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let last = letters(name.rsplit('.').next().unwrap_or(name)).to_lowercase();
    is_secret(name) || nearest(&last, SLIPS.iter().copied()).is_some()
}

/// Whether the value under this dotted name is not shown. In the sections where secrets stand, only values
/// of names that are known to be no secret are.
fn is_hidden(full: &str) -> bool {
    if let Some(property) = full.strip_prefix("kafka.properties.") {
        return !PASSED_THROUGH.contains(&property) || is_secret(property);
    }
    let known = |(section, name)| {
        options::section(section).is_some_and(|s| s.options.iter().any(|o| o.name == name))
    };
    let unknown = full.starts_with("kafka.") && !full.rsplit_once('.').is_some_and(known);
    unknown
        || full.starts_with("state.options.")
        || followers::is_hidden(full)
        || could_be_secret(full)
}

/// Masks the secrets of a document.
pub(super) fn mask(document: &DeTable<'_>, diagnostics: &mut Diagnostics) {
    for (key, value) in document.iter() {
        mask_value(key.get_ref(), value, diagnostics);
    }
}

fn mask_value(name: &str, value: &Spanned<DeValue<'_>>, diagnostics: &mut Diagnostics) {
    match value.get_ref() {
        DeValue::Table(table) if values::is_place(value, table) => {}
        DeValue::Table(table) => {
            for (key, value) in table.iter() {
                mask_value(&format!("{name}.{}", key.get_ref()), value, diagnostics);
            }
        }
        DeValue::Array(items) => {
            items.iter().for_each(|item| mask_value(name, item, diagnostics));
        }
        DeValue::Boolean(_) => {}
        _ if is_hidden(name) => diagnostics.mask(value.span()),
        _ => {}
    }
}

/// Masks what could be a secret in a text that is no TOML: of the lines in the sections where secrets stand,
/// and of those that seem to name one, only what is left of a value is shown.
pub(super) fn mask_broken(text: &str, diagnostics: &mut Diagnostics) {
    let mut in_section = false;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        if line.starts_with('[') {
            in_section = SECTIONS.iter().any(|section| line.starts_with(section));
        }
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '\'');
        let mut words = line.split(|c| !is_word(c)).filter(|word| !word.is_empty());
        if in_section && !line.starts_with('[') || words.any(could_be_secret) {
            // What stands before an equals sign is a name; what stands alone may be a part of a value.
            let named = line.find('=').filter(|at| !line[..*at].contains(['"', '\'']));
            diagnostics.mask(start + named.unwrap_or(0)..end);
        }
        start = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_hidden() {
        assert!(could_be_secret("kafka.sasl.pasword"));
        assert!(could_be_secret("passw'rd"));
        assert!(!could_be_secret("kafka.sasl.username"));
        assert!(!is_hidden("kafka.sasl.username") && is_hidden("kafka.sasl.user"));
        assert!(!is_hidden("kafka.properties.client.rack") && is_hidden("kafka.properties.x"));
        assert!(!is_hidden("keys.model"));
    }
}
