//! The forms that an option's value can have: how each is read, what was expected, and its schema.

use std::ops::Range;

use chrono::{DateTime, NaiveDate};
use serde_json::{Value, json};
use toml::Spanned;
use toml::de::DeValue;

use super::diagnostic::{Diagnostics, nearest};
use super::duration;

/// A form, with the place in `T` that a value of it is written to.
pub enum Form<T: 'static> {
    /// Any text that is not empty.
    Text(fn(&mut T, String)),
    /// A dotted path into an event.
    Path(fn(&mut T, String)),
    /// A list of texts.
    Texts(fn(&mut T, Vec<String>)),
    /// A list of some of these words.
    Words(&'static [&'static str], fn(&mut T, Vec<String>)),
    /// One of these words.
    Word(&'static [&'static str], fn(&mut T, &str)),
    /// One of these words, or a strftime pattern.
    TimePattern(&'static [&'static str], fn(&mut T, String)),
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
    Segments(fn(&mut T, Vec<(String, String)>)),
}

impl<T> Form<T> {
    /// What a value of this form looks like, for errors and documentation.
    pub fn expected(&self) -> String {
        match self {
            Self::Text(_) => "a text".into(),
            Self::Path(_) => "a dotted path into the event, such as \"usage.input_tokens\"".into(),
            Self::Texts(_) => "a list of texts, such as [\"a\", \"b\"]".into(),
            Self::Words(words, _) => format!("a list of some of {}", quoted(words)),
            Self::Word(words, _) => format!("one of {}", quoted(words)),
            Self::TimePattern(words, _) => {
                format!(
                    "one of {}, or a strftime pattern such as \"%Y-%m-%d %H:%M:%S\"",
                    quoted(words)
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
        let Err(fault) = self.try_read(value, target) else { return true };
        let message = format!("wrong value for `{option}`: {}", fault.message);
        let label = fault.label.unwrap_or_else(|| format!("expected {}", self.expected()));
        diagnostics.error(fault.span, message).label(label).help(fault.help);
        false
    }

    fn try_read(&self, value: &Spanned<DeValue<'_>>, target: &mut T) -> Result<(), Fault> {
        match self {
            Self::Text(set) => set(target, text(value)?),
            Self::Path(set) => set(target, path(value)?),
            Self::Texts(set) => {
                set(target, list(value)?.iter().map(text).collect::<Result<_, _>>()?)
            }
            Self::Words(words, set) => {
                let one = |value| word(value, words).map(str::to_owned);
                set(target, list(value)?.iter().map(one).collect::<Result<_, _>>()?);
            }
            Self::Word(words, set) => set(target, word(value, words)?),
            Self::TimePattern(words, set) => set(target, time_pattern(value, words)?),
            Self::Switch(set) => match value.get_ref() {
                DeValue::Boolean(on) => set(target, *on),
                _ => return Err(Fault::kind(value)),
            },
            Self::Duration(min, max, set) => set(target, a_duration(value, *min, *max)?),
            Self::Instant(set) => set(target, instant(value)?),
            Self::Whole(min, max, set) => match value.get_ref() {
                DeValue::Integer(whole) => {
                    match u64::from_str_radix(whole.as_str(), whole.radix()) {
                        Ok(whole) if (*min..=*max).contains(&whole) => set(target, whole),
                        _ => return Err(Fault::new(value, "out of range")),
                    }
                }
                _ => return Err(Fault::kind(value)),
            },
            Self::Real(min, max, set) => {
                let number = match value.get_ref() {
                    DeValue::Integer(whole) if whole.radix() == 10 => whole.as_str().parse().ok(),
                    DeValue::Float(float) => float.as_str().parse::<f64>().ok(),
                    _ => return Err(Fault::kind(value)),
                };
                match number {
                    Some(number) if (*min..=*max).contains(&number) => set(target, number),
                    _ => return Err(Fault::new(value, "out of range")),
                }
            }
            Self::Segments(set) => set(target, segments(value)?),
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
            Self::TimePattern(words, _) => {
                json!({ "anyOf": [{ "enum": words }, { "type": "string", "pattern": "%" }] })
            }
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
        }
    }
}

/// What is wrong with a value.
struct Fault {
    span: Range<usize>,
    message: String,
    label: Option<String>,
    help: String,
}

impl Fault {
    fn new(value: &Spanned<DeValue<'_>>, message: impl Into<String>) -> Self {
        Self { span: value.span(), message: message.into(), label: None, help: String::new() }
    }

    fn kind(value: &Spanned<DeValue<'_>>) -> Self {
        Self::new(value, format!("this is {}", kind_of(value.get_ref())))
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }
}

/// The kind of a TOML value, for people.
pub(super) fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date-time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}

fn list<'a, 'i>(value: &'a Spanned<DeValue<'i>>) -> Result<&'a [Spanned<DeValue<'i>>], Fault> {
    match value.get_ref() {
        DeValue::Array(items) => Ok(items),
        DeValue::String(one) => {
            Err(Fault::kind(value).help(format!("put it into brackets: [\"{one}\"]")))
        }
        _ => Err(Fault::kind(value)),
    }
}

fn text(value: &Spanned<DeValue<'_>>) -> Result<String, Fault> {
    match value.get_ref() {
        DeValue::String(text) if text.trim().is_empty() => Err(Fault::new(value, "it is empty")),
        DeValue::String(text) => Ok(text.to_string()),
        _ => Err(Fault { label: Some("expected a text".into()), ..Fault::kind(value) }),
    }
}

fn path(value: &Spanned<DeValue<'_>>) -> Result<String, Fault> {
    let path = text(value)?;
    if path.split('.').any(str::is_empty) {
        return Err(Fault::new(value, "a part of the path is empty").help(
            "write the names from the outside in, with one dot between: \"usage.input_tokens\"",
        ));
    }
    if is_json_path(&path) {
        return Err(Fault::new(value, "this is no dotted path")
            .help("leave out `$`, brackets and indices: \"usage.input_tokens\""));
    }
    Ok(path)
}

/// Whether a dotted path can be written in a config: no part of it is empty, and it is no JSONPath.
pub(super) fn is_path(path: &str) -> bool {
    !path.trim().is_empty() && !path.split('.').any(str::is_empty) && !is_json_path(path)
}

/// `$.a`, `a[0]`, `a[*]`: what people know from elsewhere, and what would silently match nothing here.
fn is_json_path(path: &str) -> bool {
    let index =
        |part: &str| part.starts_with("*]") || part.starts_with(|c: char| c.is_ascii_digit());
    path.starts_with("$.") || path.split('[').skip(1).any(index)
}

fn word<'a>(value: &'a Spanned<DeValue<'_>>, words: &[&'static str]) -> Result<&'a str, Fault> {
    let DeValue::String(written) = value.get_ref() else { return Err(Fault::kind(value)) };
    if words.contains(&written.as_ref()) {
        return Ok(written);
    }
    let mut fault = Fault::new(value, format!("\"{written}\" is none of the words it takes"));
    if let Some(near) = nearest(&written.to_lowercase(), words.iter().copied()) {
        fault.label = Some(format!("did you mean \"{near}\"?"));
        fault.help = format!("it takes one of {}", quoted(words));
    }
    Err(fault)
}

fn time_pattern(value: &Spanned<DeValue<'_>>, words: &[&'static str]) -> Result<String, Fault> {
    let written = text(value)?;
    if !written.contains('%') {
        return word(value, words).map(str::to_owned);
    }
    let broken = chrono::format::StrftimeItems::new(&written)
        .any(|item| matches!(item, chrono::format::Item::Error));
    if broken {
        return Err(Fault::new(value, "the strftime pattern is broken")
            .help("see the specifiers in docs/config.md; %% is a percent sign"));
    }
    Ok(written)
}

fn a_duration(value: &Spanned<DeValue<'_>>, min: i64, max: i64) -> Result<i64, Fault> {
    let written = match value.get_ref() {
        DeValue::String(written) => written,
        DeValue::Integer(number) => {
            return Err(Fault::kind(value)
                .help(format!("add a unit (ms, s, m, h, d, w): \"{}s\"", number.as_str())));
        }
        _ => return Err(Fault::kind(value)),
    };
    match duration::parse_us(written) {
        Some(us) if (min..=max).contains(&us) => Ok(us),
        Some(_) => Err(Fault::new(value, "out of range")),
        None => Err(Fault::new(value, format!("\"{written}\" is no duration"))
            .help("write whole numbers with units: \"250ms\", \"10s\", \"5m\", \"1h30m\", \"7d\"")),
    }
}

fn instant(value: &Spanned<DeValue<'_>>) -> Result<i64, Fault> {
    let written = match value.get_ref() {
        DeValue::String(written) => written.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        _ => return Err(Fault::kind(value)),
    };
    parse_instant_us(&written).ok_or_else(|| {
        Fault::new(value, format!("\"{written}\" is no time"))
            .help("write RFC 3339 with a zone, or a date, which means midnight UTC")
    })
}

/// A point in time as people write it (RFC 3339, or a date for midnight UTC), in microseconds since 1970.
pub fn parse_instant_us(text: &str) -> Option<i64> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_micros());
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros())
}

fn segments(value: &Spanned<DeValue<'_>>) -> Result<Vec<(String, String)>, Fault> {
    let named = |value: &Spanned<DeValue<'_>>, name: Option<&str>| {
        let path = path(value)?;
        let name = name.unwrap_or_else(|| path.rsplit('.').next().unwrap_or(&path)).to_owned();
        Ok((name, path))
    };
    match value.get_ref() {
        DeValue::Table(table) => {
            table.iter().map(|(name, value)| named(value, Some(name.get_ref()))).collect()
        }
        _ => list(value)?.iter().map(|value| named(value, None)).collect(),
    }
}
