//! The forms that an option's value can have: how each is read, what was expected, and its schema.

use std::ops::Range;

use chrono::{DateTime, NaiveDate};
use serde_json::{Value, json};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::{Diagnostics, nearest};
use super::given::{Given, Named, Said};
use super::{bytes, duration};
use crate::model::live::From;

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
    /// A size between two others, in bytes.
    Bytes(u64, u64, fn(&mut T, u64)),
    /// A string, here or in an environment variable or file.
    Given(fn(&mut T, Given)),
    /// The same; an empty string is allowed.
    GivenOrNone(fn(&mut T, Given)),
    /// A secret: only in an environment variable or file.
    Secret(fn(&mut T, Given)),
    /// A table of names and strings; the function says which of them are secrets.
    Table(fn(&str) -> bool, fn(&mut T, Vec<Named>)),
    /// Where reading begins.
    Start(fn(&mut T, From)),
}

/// Words of [`Form::Start`].
const STARTS: &[(&str, From)] =
    &[("earliest", From::Earliest), ("latest", From::Latest), ("committed", From::Committed)];
const START_WORDS: &[&str] = &["earliest", "latest", "committed"];
const OUTSIDE: &str = "{ env = \"NAME\" } or { file = \"path\" }";

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
            Self::Bytes(min, max, _) => {
                format!(
                    "a size between \"{}\" and \"{}\"",
                    bytes::format(*min),
                    bytes::format(*max)
                )
            }
            Self::Given(_) | Self::GivenOrNone(_) => format!("a string, or {OUTSIDE}"),
            Self::Secret(_) => OUTSIDE.into(),
            Self::Table(..) => {
                format!("names and values; a value is as in TOML, or {OUTSIDE}, as secrets must be")
            }
            Self::Start(_) => {
                format!(
                    "one of {}, or a time such as \"2026-03-01T00:00:00Z\"",
                    quoted(START_WORDS)
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
            let right = entries(option, "", table, *is_secret, &mut all, diagnostics);
            set(target, all);
            return right;
        }
        let Err(fault) = self.try_read(value, target) else { return true };
        fault.tell(option, &self.expected(), diagnostics);
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
            Self::WordOf(words, set) => set(target, word(value, words())?),
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
            Self::Bytes(min, max, set) => set(target, a_size(value, *min, *max)?),
            Self::Given(set) => set(target, given(value, false)?),
            Self::GivenOrNone(set) => match value.get_ref() {
                DeValue::String(text) if text.is_empty() => {
                    let said = Said::Literal(String::new());
                    set(target, Given { said, span: value.span() });
                }
                _ => set(target, given(value, false)?),
            },
            Self::Secret(set) => set(target, given(value, true)?),
            Self::Table(..) => return Err(Fault::kind(value)),
            Self::Start(set) => set(target, start(value)?),
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
            Self::Bytes(..) => {
                json!({ "type": "string", "pattern": "^[0-9]+ *([KMGT]iB|kB|MB|GB|B)$" })
            }
            Self::Given(_) => {
                json!({ "anyOf": [{ "type": "string", "minLength": 1 }, outside_schema()] })
            }
            Self::GivenOrNone(_) => json!({ "anyOf": [{ "type": "string" }, outside_schema()] }),
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

    fn tell(self, option: &str, expected: &str, diagnostics: &mut Diagnostics) {
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

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}

fn list<'a, 'i>(value: &'a Spanned<DeValue<'i>>) -> Result<&'a [Spanned<DeValue<'i>>], Fault> {
    match value.get_ref() {
        DeValue::Array(items) => Ok(items),
        DeValue::String(one) => {
            Err(Fault::kind(value).help(format!("put it in brackets: [\"{one}\"]")))
        }
        _ => Err(Fault::kind(value)),
    }
}

fn text(value: &Spanned<DeValue<'_>>) -> Result<String, Fault> {
    match value.get_ref() {
        DeValue::String(text) if text.trim().is_empty() => Err(Fault::new(value, "it is empty")),
        DeValue::String(text) => Ok(text.to_string()),
        _ => Err(Fault { label: Some("expected a string".into()), ..Fault::kind(value) }),
    }
}

fn path(value: &Spanned<DeValue<'_>>) -> Result<String, Fault> {
    let path = text(value)?;
    if path.split('.').any(str::is_empty) {
        return Err(Fault::new(value, "a part of the path is empty").help(
            "write the names from the outside in, separated by single dots: \"usage.input_tokens\"",
        ));
    }
    if is_json_path(&path) {
        return Err(Fault::new(value, "this is not a dotted path")
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
    let mut fault = Fault::new(value, format!("\"{written}\" is not one of the allowed values"));
    let same = words.iter().copied().find(|word| word.eq_ignore_ascii_case(written));
    let near = nearest(&written.to_lowercase(), words.iter().copied());
    if let Some(near) = same.or(near) {
        fault.label = Some(format!("did you mean \"{near}\"?"));
        fault.help = format!("allowed: {}", quoted(words));
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
        None => Err(Fault::new(value, format!("\"{written}\" is not a duration"))
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
        Fault::new(value, format!("\"{written}\" is not a time"))
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

fn start(value: &Spanned<DeValue<'_>>) -> Result<From, Fault> {
    if let DeValue::String(written) = value.get_ref() {
        if let Some((_, from)) = STARTS.iter().find(|(word, _)| word == written) {
            return Ok(*from);
        }
        if !written.starts_with(|c: char| c.is_ascii_digit()) {
            word(value, START_WORDS)?;
        }
    }
    instant(value).map(From::Timestamp)
}

fn a_size(value: &Spanned<DeValue<'_>>, min: u64, max: u64) -> Result<u64, Fault> {
    let written = match value.get_ref() {
        DeValue::String(written) => written,
        DeValue::Integer(number) => {
            return Err(Fault::kind(value)
                .help(format!("add a unit (B, KiB, MiB, GiB): \"{}B\"", number.as_str())));
        }
        _ => return Err(Fault::kind(value)),
    };
    match bytes::parse(written) {
        Some(size) if (min..=max).contains(&size) => Ok(size),
        Some(_) => Err(Fault::new(value, "out of range")),
        None => Err(Fault::new(value, format!("\"{written}\" is not a size"))
            .help("write a whole number with a unit: \"512KiB\", \"256MiB\", \"1GiB\"")),
    }
}

/// A text, or the place outside where it stands.
fn given(value: &Spanned<DeValue<'_>>, is_secret: bool) -> Result<Given, Fault> {
    let said = match value.get_ref() {
        DeValue::Table(table) => place(value, table)?,
        _ if is_secret => {
            return Err(Fault::new(value, "secrets do not belong in a config").help(
                "put it in an environment variable or in a file that only Driftline may read",
            ));
        }
        _ => Said::Literal(text(value).map_err(|fault| Fault { label: None, ..fault })?),
    };
    Ok(Given { said, span: value.span() })
}

/// Whether a table says where a text stands.
pub(super) fn is_place(value: &Spanned<DeValue<'_>>, table: &DeTable<'_>) -> bool {
    place(value, table).is_ok()
}

/// `{ env = "NAME" }` or `{ file = "path" }`.
fn place(value: &Spanned<DeValue<'_>>, table: &DeTable<'_>) -> Result<Said, Fault> {
    let mut entries = table.iter();
    let (Some((key, inner)), None) = (entries.next(), entries.next()) else {
        return Err(Fault::new(value, format!("it takes either {OUTSIDE}")));
    };
    match key.get_ref().as_ref() {
        "env" => Ok(Said::Env(text(inner)?)),
        "file" => Ok(Said::File(text(inner)?.into())),
        _ => Err(Fault::new(value, format!("it takes {OUTSIDE}"))),
    }
}

/// Names and texts of a table. An unquoted name with dots is a table in a table for TOML. What is wrong is
/// told and left out; the answer is whether all was right.
fn entries(
    option: &str,
    outer: &str,
    table: &DeTable<'_>,
    is_secret: fn(&str) -> bool,
    all: &mut Vec<Named>,
    diagnostics: &mut Diagnostics,
) -> bool {
    let mut right = true;
    for (key, value) in table.iter() {
        let name = match outer {
            "" => key.get_ref().to_string(),
            outer => format!("{outer}.{}", key.get_ref()),
        };
        let is_secret_here = is_secret(&name);
        let given = match value.get_ref() {
            DeValue::Table(inner) if place(value, inner).is_err() => {
                right &= entries(option, &name, inner, is_secret, all, diagnostics);
                continue;
            }
            DeValue::Integer(number) if !is_secret_here => Ok(literal(value, number.as_str())),
            DeValue::Float(number) if !is_secret_here => Ok(literal(value, number.as_str())),
            DeValue::Boolean(on) if !is_secret_here => Ok(literal(value, &on.to_string())),
            _ => given(value, is_secret_here),
        };
        match given {
            Ok(given) => all.push(Named { name, span: key.span(), given }),
            Err(fault) => {
                let place =
                    if is_secret_here { OUTSIDE } else { "a string, a number, true or false" };
                fault.tell(&format!("{option}.{name}"), place, diagnostics);
                right = false;
            }
        }
    }
    right
}

fn literal(value: &Spanned<DeValue<'_>>, text: &str) -> Given {
    Given { said: Said::Literal(text.into()), span: value.span() }
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
