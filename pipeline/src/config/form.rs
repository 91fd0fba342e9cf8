//! The forms that an option's value can have: how each is read, what was expected, and its schema.

use serde_json::{Value, json};
use toml::Spanned;
use toml::de::DeValue;

use super::diagnostic::Diagnostics;
use super::external_text::{ExternalText, NamedText};
use super::fault::Fault;
use super::values::{self, OUTSIDE, START_WORDS, Segment, TIME_FORMAT_WORDS, quoted};
use super::{bytes, duration};
use crate::model::TimeFormat;
use crate::model::live::StartPosition;

/// A form, with the place in `T` that a value of it is written to.
pub enum Form<T: 'static> {
    /// Any string that is not empty.
    Text(fn(&mut T, String)),
    /// A dotted path into an event.
    Path(fn(&mut T, String)),
    /// A list of strings.
    Texts(fn(&mut T, Vec<String>)),
    /// A list of some of these words.
    Words(&'static [&'static str], fn(&mut T, Vec<String>)),
    /// One of these words.
    Word(&'static [&'static str], fn(&mut T, &str)),
    /// One of the words of another module's table.
    WordOf(fn() -> &'static [&'static str], fn(&mut T, &str)),
    /// How times are written: one of some words, or a strftime pattern.
    TimeFormat(fn(&mut T, TimeFormat)),
    /// true or false.
    Switch(fn(&mut T, bool)),
    /// A duration between two others, in microseconds.
    Duration(i64, i64, fn(&mut T, i64)),
    /// A point in time, in microseconds since 1970.
    Instant(fn(&mut T, i64)),
    /// A whole number in a range.
    Whole(u64, u64, fn(&mut T, u64)),
    /// A number in a range.
    Real(f64, f64, fn(&mut T, f64)),
    /// A list of paths, or a table of names and paths.
    Segments(fn(&mut T, Vec<Segment>)),
    /// A size between two others, in bytes.
    Bytes(u64, u64, fn(&mut T, u64)),
    /// A string, here or in an environment variable or file.
    ExternalText(fn(&mut T, ExternalText)),
    /// The same; an empty string is allowed.
    ExternalTextOrNone(fn(&mut T, ExternalText)),
    /// A secret: only in an environment variable or file.
    Secret(fn(&mut T, ExternalText)),
    /// A table of names and strings; the function says which of them are secrets.
    Table(fn(&str) -> bool, fn(&mut T, Vec<NamedText>)),
    /// Where reading begins.
    Start(fn(&mut T, StartPosition)),
}

impl<T> Form<T> {
    /// What a value of this form looks like, for errors and documentation.
    pub fn expected(&self) -> String {
        match self {
            Self::Text(_) => "a string".into(),
            Self::Path(_) => "a dotted path into the event, such as \"usage.input_tokens\"".into(),
            Self::Texts(_) => "a list of strings, such as [\"a\", \"b\"]".into(),
            Self::Words(words, _) => format!("a list of some of {}", quoted(words)),
            Self::Word(words, _) => format!("one of {}", quoted(words)),
            Self::WordOf(words, _) => match words() {
                [word] => quoted(&[word]),
                words => format!("one of {}", quoted(words)),
            },
            Self::TimeFormat(_) => {
                format!(
                    "one of {}, or a strftime pattern such as \"%Y-%m-%d %H:%M:%S\"",
                    quoted(&TIME_FORMAT_WORDS)
                )
            }
            Self::Switch(_) => "true or false".into(),
            Self::Duration(min, max, _) => format!(
                "a duration between \"{}\" and \"{}\"",
                duration::format_us(*min),
                duration::format_us(*max)
            ),
            Self::Instant(_) => "a time such as \"2026-03-01T00:00:00Z\"".into(),
            Self::Whole(min, max, _) => format!("a whole number between {min} and {max}"),
            Self::Real(min, max, _) => format!("a number between {min} and {max}"),
            Self::Segments(_) => "a list of paths, or a table { name = \"path\" }".into(),
            Self::Bytes(min, max, _) => {
                format!(
                    "a size between \"{}\" and \"{}\"",
                    bytes::format(*min),
                    bytes::format(*max)
                )
            }
            Self::ExternalText(_) | Self::ExternalTextOrNone(_) => {
                format!("a string, or {OUTSIDE}")
            }
            Self::Secret(_) => OUTSIDE.into(),
            Self::Table(..) => {
                format!("names and values; a value is as in TOML, or {OUTSIDE}, as secrets must be")
            }
            Self::Start(_) => {
                format!(
                    "one of {}, or a time such as \"2026-03-01T00:00:00Z\"",
                    quoted(&START_WORDS)
                )
            }
        }
    }

    /// Reads a value into `target`, or says what is wrong with it and answers false.
    pub(super) fn read(
        &self,
        option: &str,
        value: &Spanned<DeValue<'_>>,
        target: &mut T,
        diagnostics: &mut Diagnostics,
    ) -> bool {
        if let (Self::Table(is_secret, set), DeValue::Table(table)) = (self, value.get_ref()) {
            let mut all = Vec::new();
            let right = values::entries(option, "", table, *is_secret, &mut all, diagnostics);
            set(target, all);
            return right;
        }
        let Err(fault) = self.try_read(value, target) else { return true };
        fault.tell(option, &self.expected(), diagnostics);
        false
    }

    fn try_read(&self, value: &Spanned<DeValue<'_>>, target: &mut T) -> Result<(), Fault> {
        match self {
            Self::Text(set) => set(target, values::text(value)?),
            Self::Path(set) => set(target, values::path(value)?),
            Self::Texts(set) => set(
                target,
                values::list(value)?.iter().map(values::text).collect::<Result<_, _>>()?,
            ),
            Self::Words(words, set) => {
                let one = |value| values::word(value, words).map(str::to_owned);
                set(target, values::list(value)?.iter().map(one).collect::<Result<_, _>>()?);
            }
            Self::Word(words, set) => set(target, values::word(value, words)?),
            Self::WordOf(words, set) => set(target, values::word(value, words())?),
            Self::TimeFormat(set) => set(target, values::time_format(value)?),
            Self::Switch(set) => set(target, values::switch(value)?),
            Self::Duration(min, max, set) => set(target, values::duration_us(value, *min, *max)?),
            Self::Instant(set) => set(target, values::instant_us(value)?),
            Self::Whole(min, max, set) => set(target, values::whole(value, *min, *max)?),
            Self::Real(min, max, set) => set(target, values::real(value, *min, *max)?),
            Self::Segments(set) => set(target, values::segments(value)?),
            Self::Bytes(min, max, set) => set(target, values::size_bytes(value, *min, *max)?),
            Self::ExternalText(set) => set(target, values::external_text(value, false)?),
            Self::ExternalTextOrNone(set) => set(target, values::text_or_none(value)?),
            Self::Secret(set) => set(target, values::external_text(value, true)?),
            Self::Table(..) => return Err(Fault::kind(value)),
            Self::Start(set) => set(target, values::start(value)?),
        }
        Ok(())
    }

    /// JSON Schema of a value of this form.
    pub(super) fn schema(&self) -> Value {
        match self {
            Self::Text(_) | Self::Path(_) => json!({ "type": "string", "minLength": 1 }),
            Self::Texts(_) => {
                json!({ "type": "array", "items": { "type": "string", "minLength": 1 } })
            }
            Self::Words(words, _) => json!({ "type": "array", "items": { "enum": words } }),
            Self::Word(words, _) => json!({ "enum": words }),
            Self::WordOf(words, _) => json!({ "enum": words() }),
            Self::TimeFormat(_) => json!({ "anyOf": [
                { "enum": TIME_FORMAT_WORDS },
                { "type": "string", "pattern": "%" },
            ] }),
            Self::Switch(_) => json!({ "type": "boolean" }),
            Self::Duration(..) => {
                json!({ "type": "string", "pattern": "^([0-9]+(us|ms|s|m|h|d|w))+$" })
            }
            Self::Instant(_) => json!({ "type": "string", "format": "date-time" }),
            Self::Whole(min, max, _) => {
                json!({ "type": "integer", "minimum": min, "maximum": max })
            }
            Self::Real(min, max, _) => json!({ "type": "number", "minimum": min, "maximum": max }),
            Self::Segments(_) => json!({ "anyOf": [
                { "type": "array", "items": { "type": "string", "minLength": 1 } },
                { "type": "object", "additionalProperties": { "type": "string", "minLength": 1 } },
            ] }),
            Self::Bytes(..) => {
                json!({ "type": "string", "pattern": "^[0-9]+ *([KMGT]iB|kB|MB|GB|B)$" })
            }
            Self::ExternalText(_) => {
                json!({ "anyOf": [{ "type": "string", "minLength": 1 }, outside_schema()] })
            }
            Self::ExternalTextOrNone(_) => {
                json!({ "anyOf": [{ "type": "string" }, outside_schema()] })
            }
            Self::Secret(_) => outside_schema(),
            // Names may have dots, so tables may be nested: what they hold, only the parser knows.
            Self::Table(..) => json!({ "type": "object" }),
            Self::Start(_) => json!({ "anyOf": [
                { "enum": START_WORDS },
                { "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}" },
            ] }),
        }
    }
}

fn outside_schema() -> Value {
    let one = |name: &str| {
        json!({
            "type": "object",
            "required": [name],
            "additionalProperties": false,
            "properties": { name: { "type": "string", "minLength": 1 } },
        })
    };
    json!({ "anyOf": [one("env"), one("file")] })
}
