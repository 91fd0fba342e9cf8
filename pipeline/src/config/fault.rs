//! What is wrong with one value, told with the option that it stands under.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use super::diagnostic::Diagnostics;

/// What is wrong with a value.
pub(super) struct Fault {
    pub(super) span: Range<usize>,
    pub(super) message: String,
    pub(super) label: Option<String>,
    pub(super) help: String,
}

impl Fault {
    pub(super) fn new(value: &Spanned<DeValue<'_>>, message: impl Into<String>) -> Self {
        Self { span: value.span(), message: message.into(), label: None, help: String::new() }
    }

    pub(super) fn kind(value: &Spanned<DeValue<'_>>) -> Self {
        Self::new(value, format!("this is {}", kind_of(value.get_ref())))
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    pub(super) fn tell(self, option: &str, expected: &str, diagnostics: &mut Diagnostics) {
        let message = format!("wrong value for `{option}`: {}", self.message);
        let label = self.label.unwrap_or_else(|| format!("expected {expected}"));
        diagnostics.error(self.span, message).label(label).help(self.help);
    }
}

/// The kind of a TOML value, for people.
pub(super) fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date-time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
