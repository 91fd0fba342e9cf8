//! A judged sample as a commented config.
//!
//! Invariant: names, counts and ranges of numbers are written, never text from an event.

use std::fmt::Write;

use chrono::{DateTime, SecondsFormat};

use super::judge::{Judgement, Metric, could_be_segment};
use super::profile::{Field, Profile};
use crate::model::{Kind, TimeFormat};

/// Paths that are listed as left out; more are counted.
const LEFT_OUT_LISTED_MAX: usize = 200;

/// What the config says about the sample itself.
#[derive(Debug, Clone)]
pub struct Origin {
    /// How people name the sample.
    pub name: String,
    /// What `[input] paths` should say; none for standard input.
    pub input_path: Option<String>,
    /// Name of the pipeline.
    pub pipeline: String,
}

/// The config as TOML.
pub(super) fn toml(profile: &Profile, found: &Judgement<'_>, origin: &Origin) -> String {
    let mut text = String::new();
    head(&mut text, profile, found, origin);
    time(&mut text, found);
    keys(&mut text, found);
    for metric in &found.metrics {
        self::metric(&mut text, metric, profile);
    }
    text.push_str("\n[detect]\nbudget_per_week = 1.0  # false alarms a week that you accept, over everything that runs\n");
    left_out(&mut text, profile, found);
    text
}

/// Writing into a String cannot fail, so the result says nothing.
macro_rules! put { ($text:expr, $($part:tt)*) => { let _ = writeln!($text, $($part)*); }; }

fn head(text: &mut String, profile: &Profile, found: &Judgement<'_>, origin: &Origin) {
    let span = found.time.as_ref().and_then(|(field, ..)| field.time.span_us());
    let span = span.map_or(String::new(), |(first, last)| {
        format!(", {} to {}", instant(first), instant(last))
    });
    let name = one_line(&origin.name);
    put!(
        text,
        "# Written by `driftline init` from {} events of {name}{span}.",
        grouped(profile.records)
    );
    put!(
        text,
        "# Check it with `driftline check --sample {name}`; all options: `driftline schema config`.\n"
    );
    put!(text, "pipeline = {}", quoted(&origin.pipeline));
    if let Some(path) = &origin.input_path {
        put!(text, "\n[input]\npaths = [{}]", quoted(path));
    }
}

fn time(text: &mut String, found: &Judgement<'_>) {
    text.push_str("\n[time]\n");
    let Some((field, format, ambiguous)) = &found.time else {
        text.push_str("# No field of the sample looks like a time: name it here.\npath = \"ts\"\n");
        return;
    };
    put!(text, "path = {}", quoted(&field.path));
    if *ambiguous {
        text.push_str("# No day of the sample is past the 12th, so day and month may be the other way round.\n");
    }
    let format = match format {
        TimeFormat::Auto if field.times > 0 => return,
        TimeFormat::Auto | TimeFormat::Rfc3339 => "auto",
        TimeFormat::EpochS => "epoch_s",
        TimeFormat::EpochMs => "epoch_ms",
        TimeFormat::EpochUs => "epoch_us",
        TimeFormat::EpochNs => "epoch_ns",
        TimeFormat::Pattern(pattern) => pattern,
    };
    let remark = if format == "auto" { "  # RFC 3339" } else { "" };
    put!(text, "format = {}{remark}", quoted(format));
}

fn keys(text: &mut String, found: &Judgement<'_>) {
    text.push_str("\n[keys]\n");
    match found.model {
        Some(field) => key(text, "model", field),
        None => text.push_str(
            "# No field of the sample looks like a model's name, so all events count as one model's.\n\
             # Name the path with `model = \"...\"` if there is one.\nmodel_default = \"model\"\n",
        ),
    }
    if let Some(field) = found.version {
        key(text, "version", field);
    }
    if let Some(field) = found.id {
        put!(text, "id = {}", quoted(&field.path));
    }
    let paths = |fields: &mut dyn Iterator<Item = &Field>| {
        fields.map(|field| quoted(&field.path)).collect::<Vec<_>>().join(", ")
    };
    if !found.segments.is_empty() {
        let counts: Vec<String> = found.segments.iter().map(|field| values(field)).collect();
        let list = segments(&found.segments);
        put!(text, "segments = {list}  # {}; each model is watched by segment", counts.join(", "));
    }
    let mut more =
        found.metrics.iter().filter(|metric| could_be_segment(metric)).map(|metric| metric.field);
    let more = paths(&mut more);
    if !more.is_empty() {
        put!(text, "# Could be segments too, instead of metrics: {more}");
    }
}

fn key(text: &mut String, name: &str, field: &Field) {
    put!(text, "{name} = {}  # {}", quoted(&field.path), values(field));
}

/// A list; a table with full names where last parts of paths are the same, or those of the other keys.
fn segments(fields: &[&Field]) -> String {
    let name = |field: &Field| field.path.rsplit('.').next().unwrap_or_default().to_owned();
    let mut all: Vec<String> = fields.iter().map(|field| name(field)).collect();
    all.extend(["model".into(), "version".into()]);
    all.sort();
    all.dedup();
    if all.len() == fields.len() + 2 {
        let list: Vec<String> = fields.iter().map(|field| quoted(&field.path)).collect();
        return format!("[{}]", list.join(", "));
    }
    let pairs = fields.iter().map(|field| {
        format!("{} = {}", quoted(&field.path.replace('.', "_")), quoted(&field.path))
    });
    format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
}

fn metric(text: &mut String, metric: &Metric<'_>, profile: &Profile) {
    let field = metric.field;
    let mut remark = match (metric.kind, field.range) {
        (Kind::Number, Some((low, high))) => format!("{} .. {}", short(low), short(high)),
        (Kind::Category, _) => values(field),
        (Kind::Vector, _) => {
            format!("{} numbers", field.lengths.iter().next().copied().unwrap_or_default())
        }
        _ => String::new(),
    };
    let share = field.set_share(profile.records);
    if share < 0.995 {
        let set = format!("set in {:.1} % of the events", share * 100.0);
        remark = if remark.is_empty() { set } else { format!("{remark}; {set}") };
    }
    let remark = if remark.is_empty() { remark } else { format!("  # {remark}") };
    put!(text, "\n[metrics.{}]{remark}", toml_key(&metric.name));
    if metric.name != field.path {
        put!(text, "path = {}", quoted(&field.path));
    }
    let kind = match metric.kind {
        Kind::Number => "",
        Kind::Category => "category",
        Kind::Flag => "flag",
        Kind::Vector => "vector",
    };
    if !kind.is_empty() {
        put!(text, "kind = \"{kind}\"");
    }
    if !metric.unit.is_empty() {
        put!(text, "unit = \"{}\"", metric.unit);
        if matches!(metric.unit, "ms" | "s") {
            text.push_str("# scalars = [\"mean\", \"p99\"]  # also chart these of each minute\n");
        }
    }
}

fn left_out(text: &mut String, profile: &Profile, found: &Judgement<'_>) {
    if found.left_out.is_empty() {
        return;
    }
    text.push_str("\n# Left out:\n");
    for (field, reason) in found.left_out.iter().take(LEFT_OUT_LISTED_MAX) {
        put!(text, "#   {}: {reason}", one_line(&field.path));
    }
    let more = found.left_out.len().saturating_sub(LEFT_OUT_LISTED_MAX);
    if more > 0 {
        put!(text, "#   and {more} more");
    }
    if profile.paths_cut {
        put!(
            text,
            "#   and whatever came after the first {} paths: keys of events should be names, not values",
            grouped(profile.fields.len() as u64)
        );
    }
}

fn values(field: &Field) -> String {
    match field.distinct.len() {
        1 => "1 value".into(),
        count => format!("{} values", grouped(count as u64)),
    }
}

fn instant(us: i64) -> String {
    DateTime::from_timestamp_micros(us)
        .map_or_else(String::new, |time| time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// 1234567 as 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with at most four significant digits.
fn short(number: f64) -> String {
    if number == 0.0 || !number.is_finite() {
        return number.to_string();
    }
    let digits = 3 - number.abs().log10().floor() as i32;
    match digits {
        ..=0 => format!("{number:.0}"),
        1..=9 => {
            let text = format!("{number:.*}", digits as usize);
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => format!("{number:.2e}"),
    }
}

/// A comment is one line, whatever a name holds.
fn one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// A TOML text on one line. JSON's escapes are a part of TOML's, so any text survives.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

fn toml_key(name: &str) -> String {
    let bare = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
    if !name.is_empty() && name.chars().all(bare) { name.into() } else { quoted(name) }
}
