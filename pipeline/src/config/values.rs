//! How the value of an option is read: TOML to a plain value, or what is wrong with it.

use chrono::{DateTime, NaiveDate};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::{Diagnostics, nearest};
use super::external_text::{ExternalText, NamedText, TextSource};
use super::fault::Fault;
use super::{bytes, duration};
use crate::model::TimeFormat;
use crate::model::live::StartPosition;

/// A key that splits a model's events into series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// As findings name it.
    pub name: String,
    /// Where its value stands in an event.
    pub path: String,
}

/// Words of `from` in `[source]`.
const STARTS: [(&str, StartPosition); 3] = [
    ("earliest", StartPosition::Earliest),
    ("latest", StartPosition::Latest),
    ("committed", StartPosition::Committed),
];

pub(super) const START_WORDS: [&str; 3] = words(&STARTS);

/// Words of `format` in `[time]`.
static TIME_FORMATS: [(&str, TimeFormat); 6] = [
    ("auto", TimeFormat::Auto),
    ("rfc3339", TimeFormat::Rfc3339),
    ("epoch_s", TimeFormat::EpochS),
    ("epoch_ms", TimeFormat::EpochMs),
    ("epoch_us", TimeFormat::EpochUs),
    ("epoch_ns", TimeFormat::EpochNs),
];

pub(super) const TIME_FORMAT_WORDS: [&str; 6] = words(&TIME_FORMATS);

pub(super) const OUTSIDE: &str = "{ env = \"NAME\" } or { file = \"path\" }";

/// The words of a table of words and what they mean.
pub(super) const fn words<V, const N: usize>(table: &[(&'static str, V); N]) -> [&'static str; N] {
    let mut words = [""; N];
    let mut at = 0;
    while at < N {
        words[at] = table[at].0;
        at += 1;
    }
    words
}

pub(super) fn list<'a, 'i>(
    value: &'a Spanned<DeValue<'i>>,
) -> Result<&'a [Spanned<DeValue<'i>>], Fault> {
    match value.get_ref() {
        DeValue::Array(items) => Ok(items),
        DeValue::String(one) => {
            Err(Fault::kind(value).help(format!("put it in brackets: [\"{one}\"]")))
        }
        _ => Err(Fault::kind(value)),
    }
}

pub(super) fn text(value: &Spanned<DeValue<'_>>) -> Result<String, Fault> {
    match value.get_ref() {
        DeValue::String(text) if text.trim().is_empty() => Err(Fault::new(value, "it is empty")),
        DeValue::String(text) => Ok(text.to_string()),
        _ => Err(Fault { label: Some("expected a string".into()), ..Fault::kind(value) }),
    }
}

pub(super) fn path(value: &Spanned<DeValue<'_>>) -> Result<String, Fault> {
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

pub(super) fn word<'a>(
    value: &'a Spanned<DeValue<'_>>,
    words: &[&'static str],
) -> Result<&'a str, Fault> {
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

pub(super) fn time_format(value: &Spanned<DeValue<'_>>) -> Result<TimeFormat, Fault> {
    let written = text(value)?;
    if let Some((_, format)) = TIME_FORMATS.iter().find(|(word, _)| *word == written) {
        return Ok(format.clone());
    }
    if !written.contains('%') {
        word(value, &TIME_FORMAT_WORDS)?;
    }
    let broken = chrono::format::StrftimeItems::new(&written)
        .any(|item| matches!(item, chrono::format::Item::Error));
    if broken {
        return Err(Fault::new(value, "the strftime pattern is broken")
            .help("see the specifiers in docs/config.md; %% is a percent sign"));
    }
    Ok(TimeFormat::Pattern(written))
}

pub(super) fn switch(value: &Spanned<DeValue<'_>>) -> Result<bool, Fault> {
    match value.get_ref() {
        DeValue::Boolean(on) => Ok(*on),
        _ => Err(Fault::kind(value)),
    }
}

pub(super) fn whole(value: &Spanned<DeValue<'_>>, min: u64, max: u64) -> Result<u64, Fault> {
    let DeValue::Integer(whole) = value.get_ref() else { return Err(Fault::kind(value)) };
    match u64::from_str_radix(whole.as_str(), whole.radix()) {
        Ok(whole) if (min..=max).contains(&whole) => Ok(whole),
        _ => Err(Fault::new(value, "out of range")),
    }
}

pub(super) fn real(value: &Spanned<DeValue<'_>>, min: f64, max: f64) -> Result<f64, Fault> {
    let number = match value.get_ref() {
        DeValue::Integer(whole) if whole.radix() == 10 => whole.as_str().parse().ok(),
        DeValue::Float(float) => float.as_str().parse::<f64>().ok(),
        _ => return Err(Fault::kind(value)),
    };
    match number {
        Some(number) if (min..=max).contains(&number) => Ok(number),
        _ => Err(Fault::new(value, "out of range")),
    }
}

pub(super) fn duration_us(value: &Spanned<DeValue<'_>>, min: i64, max: i64) -> Result<i64, Fault> {
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

pub(super) fn instant_us(value: &Spanned<DeValue<'_>>) -> Result<i64, Fault> {
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
fn parse_instant_us(text: &str) -> Option<i64> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_micros());
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros())
}

pub(super) fn segments(value: &Spanned<DeValue<'_>>) -> Result<Vec<Segment>, Fault> {
    let named = |value: &Spanned<DeValue<'_>>, name: Option<&str>| {
        let path = path(value)?;
        let name = name.unwrap_or_else(|| path.rsplit('.').next().unwrap_or(&path)).to_owned();
        Ok(Segment { name, path })
    };
    match value.get_ref() {
        DeValue::Table(table) => {
            table.iter().map(|(name, value)| named(value, Some(name.get_ref()))).collect()
        }
        _ => list(value)?.iter().map(|value| named(value, None)).collect(),
    }
}

pub(super) fn start(value: &Spanned<DeValue<'_>>) -> Result<StartPosition, Fault> {
    if let DeValue::String(written) = value.get_ref() {
        if let Some((_, from)) = STARTS.iter().find(|(word, _)| word == written) {
            return Ok(*from);
        }
        if !written.starts_with(|c: char| c.is_ascii_digit()) {
            word(value, &START_WORDS)?;
        }
    }
    instant_us(value).map(StartPosition::Timestamp)
}

pub(super) fn size_bytes(value: &Spanned<DeValue<'_>>, min: u64, max: u64) -> Result<u64, Fault> {
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
pub(super) fn external_text(
    value: &Spanned<DeValue<'_>>,
    is_secret: bool,
) -> Result<ExternalText, Fault> {
    let source = match value.get_ref() {
        DeValue::Table(table) => place(value, table)?,
        _ if is_secret => {
            return Err(Fault::new(value, "secrets do not belong in a config").help(
                "put it in an environment variable or in a file that only Driftline may read",
            ));
        }
        _ => TextSource::Literal(text(value).map_err(|fault| Fault { label: None, ..fault })?),
    };
    Ok(ExternalText { source, span: value.span() })
}

/// As [`external_text`]; an empty text means something, too.
pub(super) fn text_or_none(value: &Spanned<DeValue<'_>>) -> Result<ExternalText, Fault> {
    match value.get_ref() {
        DeValue::String(text) if text.is_empty() => Ok(literal(value, "")),
        _ => external_text(value, false),
    }
}

/// Whether a table says where a text stands.
pub(super) fn is_place(value: &Spanned<DeValue<'_>>, table: &DeTable<'_>) -> bool {
    place(value, table).is_ok()
}

/// `{ env = "NAME" }` or `{ file = "path" }`.
fn place(value: &Spanned<DeValue<'_>>, table: &DeTable<'_>) -> Result<TextSource, Fault> {
    let mut entries = table.iter();
    let (Some((key, inner)), None) = (entries.next(), entries.next()) else {
        return Err(Fault::new(value, format!("it takes either {OUTSIDE}")));
    };
    match key.get_ref().as_ref() {
        "env" => Ok(TextSource::Env(text(inner)?)),
        "file" => Ok(TextSource::File(text(inner)?.into())),
        _ => Err(Fault::new(value, format!("it takes {OUTSIDE}"))),
    }
}

/// Names and texts of a table. An unquoted name with dots is a table in a table for TOML. What is wrong is
/// told and left out; the answer is whether all was right.
pub(super) fn entries(
    option: &str,
    outer: &str,
    table: &DeTable<'_>,
    is_secret: fn(&str) -> bool,
    all: &mut Vec<NamedText>,
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
            _ => external_text(value, is_secret_here),
        };
        match given {
            Ok(text) => all.push(NamedText { name, span: key.span(), text }),
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

fn literal(value: &Spanned<DeValue<'_>>, text: &str) -> ExternalText {
    ExternalText { source: TextSource::Literal(text.into()), span: value.span() }
}

pub(super) fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}
