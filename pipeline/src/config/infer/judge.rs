//! What each path of a sample is good for: time, key, metric, or left out with a reason.
//!
//! By known names first, then by values. The order of the rules is their meaning: the first that holds wins.

use super::names::{self, Use};
use super::profile::{Field, Profile};
use crate::config::values::is_path;
use crate::model::{Kind, TimeFormat};

/// Different values that a field may have to be a segment.
const SEGMENT_VALUES_MAX: usize = 30;
/// Segments that are used unasked; each multiplies the series.
const SEGMENTS_MAX: usize = 2;

/// A metric that was found.
#[derive(Debug)]
pub struct Metric<'p> {
    /// Name in the config, unique.
    pub name: String,
    /// Where it stands.
    pub field: &'p Field,
    /// How it is read.
    pub kind: Kind,
    /// Its unit; may be empty.
    pub unit: &'static str,
}

/// What was found in a sample.
#[derive(Debug, Default)]
pub struct Judgement<'p> {
    /// The event time, its format, and whether day and month may be exchanged.
    pub time: Option<(&'p Field, TimeFormat, bool)>,
    /// The model's name.
    pub model: Option<&'p Field>,
    /// The model's version.
    pub version: Option<&'p Field>,
    /// The event's own id.
    pub id: Option<&'p Field>,
    /// Segments that are obviously such.
    pub segments: Vec<&'p Field>,
    /// Metrics, in the order of the events.
    pub metrics: Vec<Metric<'p>>,
    /// Paths that are left out, and why.
    pub left_out: Vec<(&'p Field, String)>,
}

/// Judges all fields of a sample.
pub fn judge(profile: &Profile) -> Judgement<'_> {
    let fields = usable(profile);
    let mut found = Judgement { time: time(profile), ..Judgement::default() };
    let mut taken: Vec<&str> = found.time.iter().map(|(field, ..)| field.path.as_str()).collect();
    found.model = best(profile, Use::Model, &taken, |field| is_key(field) && !is_content(field))
        .or_else(|| {
            fields.clone().find(|field| is_key(field) && last(&field.path).contains("model"))
        });
    taken.extend(found.model.map(|field| field.path.as_str()));
    found.version = best(profile, Use::Version, &taken, is_key);
    taken.extend(found.version.map(|field| field.path.as_str()));
    let unique =
        |field: &Field| field.nearly_unique() || field.distinct.len() as u64 == profile.records;
    found.id = best(profile, Use::Id, &taken, unique)
        .or_else(|| fields.clone().find(|field| looks_like_an_id(field)));
    taken.extend(found.id.map(|field| field.path.as_str()));
    let few = 2..=SEGMENT_VALUES_MAX;
    found.segments = fields
        .clone()
        .filter(|field| names::rank(&field.path, Use::Segment).is_some())
        .filter(|field| is_key(field) && few.contains(&field.distinct.len()))
        .filter(|field| !taken.contains(&field.path.as_str()))
        .take(SEGMENTS_MAX)
        .collect();
    taken.extend(found.segments.iter().map(|field| field.path.as_str()));
    let other = profile.fields.iter().filter(|field| !is_usable(field));
    found.left_out.extend(other.map(|field| (field, "a config cannot name this path".into())));
    for field in fields.filter(|field| !taken.contains(&field.path.as_str())) {
        match kind(field, profile.records) {
            Ok(kind) => {
                let (name, unit) = name(field, &found.metrics);
                found.metrics.push(Metric { name, field, kind, unit });
            }
            Err(reason) => found.left_out.push((field, reason)),
        }
    }
    found
}

/// Fields whose paths, and names made of them, are good for a config.
fn usable(profile: &Profile) -> impl Iterator<Item = &Field> + Clone {
    profile.fields.iter().filter(|field| is_usable(field))
}

fn is_usable(field: &Field) -> bool {
    is_path(&field.path) && field.path.len() <= 100 && !field.path.contains(char::is_control)
}

/// Whether a metric could be a segment as well, were it asked for.
pub fn could_be_segment(metric: &Metric<'_>) -> bool {
    const WORDS: &[&str] = &[
        "lang", "country", "locale", "customer", "team", "app", "client", "platform", "plan",
        "channel", "product", "provider", "tier",
    ];
    let name = last(&metric.field.path).to_lowercase();
    metric.kind == Kind::Category
        && (2..=SEGMENT_VALUES_MAX).contains(&metric.field.distinct.len())
        && WORDS.iter().any(|word| name.contains(word))
}

fn time(profile: &Profile) -> Option<(&Field, TimeFormat, bool)> {
    let candidates = usable(profile).filter(|field| field.set_share(profile.records) >= 0.9);
    let ranked = candidates.filter_map(|field| {
        let (format, ambiguous) = field.time.format()?;
        let rank = names::rank(&field.path, Use::Time);
        // A number may lie between two epochs by chance; a text that reads as a time is one.
        // A day is no time of an event where another field has one.
        (rank.is_some() || field.numbers == 0 || sounds_like_time(&field.path)).then_some((
            (!field.time.has_clock(), rank.unwrap_or(usize::MAX)),
            field,
            format,
            ambiguous,
        ))
    });
    let (_, field, format, ambiguous) = ranked.min_by_key(|(rank, ..)| *rank)?;
    Some((field, format, ambiguous))
}

fn best<'p>(
    profile: &'p Profile,
    wanted: Use,
    taken: &[&str],
    fits: impl Fn(&Field) -> bool,
) -> Option<&'p Field> {
    let free = usable(profile).filter(|field| !taken.contains(&field.path.as_str()));
    let ranked = free.filter(|field| field.set_share(profile.records) >= 0.5 && fits(field));
    let ranked = ranked.filter_map(|field| Some((names::rank(&field.path, wanted)?, field)));
    ranked.min_by_key(|(rank, _)| *rank).map(|(_, field)| field)
}

/// Whether a field's values can name something that events are grouped by.
fn is_key(field: &Field) -> bool {
    let scalar = field.texts + field.numbers + field.flags;
    field.mostly(scalar)
        && field.numbers == field.whole
        && !field.nearly_unique()
        && field.distinct.len() <= 10_000
        && field.mean_chars() <= 100.0
}

/// Whether values are those of an id, whatever the name. Findings show ids, so nothing that may be a
/// secret or a person is taken for one.
fn looks_like_an_id(field: &Field) -> bool {
    const PRIVATE: &[&str] =
        &["token", "secret", "key", "pass", "auth", "session", "mail", "user", "phone", "cookie"];
    let name = field.path.to_lowercase();
    let plain = |value: &String| {
        value.len() <= 64 && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_:".contains(&b))
    };
    field.mostly(field.texts)
        && field.nearly_unique()
        && field.time.format().is_none()
        && !PRIVATE.iter().any(|part| name.contains(part))
        && field.distinct.iter().all(plain)
}

fn is_content(field: &Field) -> bool {
    names::rank(&field.path, Use::Content).is_some()
        && (field.mean_chars() > 20.0 || field.distinct.len() > 50)
}

fn sounds_like_time(path: &str) -> bool {
    let name = last(path).to_lowercase();
    ["time", "date", "unix", "epoch"].iter().any(|part| name.contains(part))
        || name.ends_with("_at")
        || name == "ts"
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// The kind of a metric, or why the field is none.
fn kind(field: &Field, records: u64) -> Result<Kind, String> {
    let different = field.distinct.len();
    let known = names::metric(&field.path).map(|(_, kind, _)| kind);
    let name_is_id = names::rank(&field.path, Use::Identity).is_some() || names::is_id(&field.path);
    if field.set == 0 {
        return Err("never set in the sample".into());
    }
    if records >= 1_000 && field.set < 20 {
        return Err(format!("set in only {} events of the sample", field.set));
    }
    if field.mostly(field.flags) {
        return Ok(Kind::Flag);
    }
    if field.mostly(field.vectors) {
        let mut lengths = field.lengths.iter();
        return match (lengths.next(), lengths.next()) {
            (Some(length), None) if *length >= 2 => Ok(Kind::Vector),
            _ => Err("lists of numbers of different lengths".into()),
        };
    }
    if field.mostly(field.lists) {
        return Err("a list".into());
    }
    let is_time = field.time.format().is_some();
    if is_time && (field.numbers == 0 || sounds_like_time(&field.path)) {
        return Err("another time".into());
    }
    if different == 1 && field.set >= 2 {
        return Err("constant in the sample".into());
    }
    if name_is_id {
        return Err("an id".into());
    }
    if field.mostly(field.numbers) {
        return number(field, records, known);
    }
    if field.mostly(field.texts) {
        return text(field, different);
    }
    // A category takes numbers and booleans as their text.
    if field.mostly(field.texts + field.numbers + field.flags) && different <= 50 {
        return Ok(Kind::Category);
    }
    Err("values of several types".into())
}

fn number(field: &Field, records: u64, known: Option<Kind>) -> Result<Kind, String> {
    let different = field.distinct.len();
    let whole = field.whole == field.numbers;
    if field.counts_up() {
        return Err("a sequence number: it only goes up".into());
    }
    if field.range == Some((0.0, 1.0)) && different == 2 {
        return Ok(Kind::Flag);
    }
    if known == Some(Kind::Category) {
        return Ok(Kind::Category);
    }
    let few = different <= 12 && records >= 200;
    if whole && ((names::is_code(&field.path) && different <= 64) || few) {
        return Ok(Kind::Category);
    }
    Ok(Kind::Number)
}

fn text(field: &Field, different: usize) -> Result<Kind, String> {
    let count = field.set as usize;
    if is_content(field) {
        return Err("text that people or models wrote".into());
    }
    if different > 5 && field.distinct.iter().all(|value| is_quantity(value)) {
        return Err(
            "numbers with their unit in the text; write them as numbers of one unit to watch them"
                .into(),
        );
    }
    if different > 50 && field.distinct.iter().all(|value| value.parse::<f64>().is_ok()) {
        return Err("numbers written as text; write them as numbers to watch them".into());
    }
    if field.nearly_unique() {
        return Err("a different value in nearly every event".into());
    }
    if different > 50 && field.spaced * 2 > field.texts || field.mean_chars() > 80.0 {
        return Err("free text".into());
    }
    let few = different <= 5 || (different <= 100 && different * 2 <= count);
    if few || (different <= 1_000 && different * 50 <= count) {
        return Ok(Kind::Category);
    }
    Err(format!("too many different values ({different}) for a category"))
}

/// Whether a text is a number with a unit, such as `244.7ms` or `12 KB`.
pub(super) fn is_quantity(text: &str) -> bool {
    let number = text.trim_end_matches(|c: char| c.is_alphabetic() || c == '%').trim_end();
    number.len() < text.len() && number.parse::<f64>().is_ok()
}

/// A name that no other metric has, and the unit.
fn name(field: &Field, others: &[Metric<'_>]) -> (String, &'static str) {
    const GENERIC: &[&str] = &["value", "count", "total", "name", "type", "sum", "mean"];
    let parts: Vec<&str> = field.path.split('.').collect();
    let from = parts.len().saturating_sub(1 + usize::from(GENERIC.contains(&last(&field.path))));
    let known = names::metric(&field.path).map(|(name, _, unit)| (name, unit));
    let short = parts.get(from..).unwrap_or(&parts).join("_");
    let unit = known.map_or_else(|| names::unit(last(&field.path)), |(_, unit)| unit);
    let first = known.map_or(short, |(name, _)| name.to_owned());
    let whole = field.path.replace('.', "_");
    let numbered = (2..).map(|number| format!("{whole}_{number}"));
    let free = |name: &String| !others.iter().any(|other| other.name == *name);
    let name = [first, whole.clone()].into_iter().chain(numbered).find(free).unwrap_or(whole);
    (name, unit)
}
