//! TOML to [`Draft`]: defaults, then the preset, then the file, all through the one table of options.
//!
//! Not here: whether options fit each other.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::{Diagnostics, nearest};
use super::draft::{Draft, MetricDraft};
use super::fault::kind_of;
use super::live::followers::{self, FollowerDraft};
use super::options::{self, METRIC_OPTIONS, METRICS, RETIRED, sections};
use super::places::Places;
use super::section::Section;
use super::{defaults, presets, secrets};
use crate::sink::SinkSpec;

/// Part of a TOML parser's message, and what to do about it.
const REMEDIES: &[(&str, &str)] = &[
    ("duplicate key", "each option and each [section] may be given only once: merge them"),
    ("invalid basic string", "close the string with a quotation mark on the same line"),
    ("unclosed table", "close the name of the section with a bracket"),
    ("unquoted key", "put a name with other characters in quotation marks"),
    ("string values must be quoted", "put the string in quotation marks"),
];

/// Reads a config text. What cannot be read is said in `diagnostics` and left at its default. `None` if the
/// text is no TOML: what a parser saves from a broken text gives errors that follow from the first.
pub(super) fn read(text: &str, diagnostics: &mut Diagnostics) -> Option<(Draft, Places)> {
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        let message = error.message();
        let remedy = REMEDIES.iter().find(|(part, _)| message.contains(part));
        diagnostics
            .error(span, format!("this is not TOML: {message}"))
            .help(remedy.map_or("", |(_, remedy)| remedy));
    }
    if !errors.is_empty() {
        secrets::mask_broken(text, diagnostics);
        return None;
    }
    secrets::mask(document.get_ref(), diagnostics);
    let mut reader = Reader { draft: defaults::draft(), places: Places::default(), diagnostics };
    reader.preset(document.get_ref());
    reader.table("", document.get_ref());
    Some((reader.draft, reader.places))
}

struct Reader<'d> {
    draft: Draft,
    places: Places,
    diagnostics: &'d mut Diagnostics,
}

impl Reader<'_> {
    /// Applies the preset that the document names, if any, before the document itself.
    fn preset(&mut self, document: &DeTable<'_>) {
        let Some(DeValue::String(name)) = document.get("preset").map(Spanned::get_ref) else {
            return;
        };
        let Some(Ok(preset)) = presets::text(name).map(DeTable::parse) else { return };
        self.table("", preset.get_ref());
        self.places = Places::default();
    }

    fn table(&mut self, section_name: &str, table: &DeTable<'_>) {
        let Some(section) = options::section(section_name) else { return };
        for (key, value) in table.iter() {
            let name = key.get_ref().as_ref();
            let full = join(section_name, name);
            self.places.put(&full, key.span(), value);
            if let Some(option) = section.options.iter().find(|option| option.name == name) {
                if !option.form.read(&full, value, &mut self.draft, self.diagnostics) {
                    self.places.mark_wrong(&full);
                }
            } else if full == METRICS {
                self.with_table(&full, value, |reader, table| reader.metrics(table));
            } else if let Some(spec) = followers::of_section(&full) {
                self.with_table(&full, value, |reader, table| reader.follower(&full, spec, table));
            } else if options::section(&full).is_some() {
                self.with_table(&full, value, |reader, table| reader.table(&full, table));
            } else if let Some((_, remedy)) = RETIRED.iter().find(|(name, _)| *name == full) {
                self.diagnostics
                    .warning(key.span(), format!("`{full}` has no effect any more"))
                    .help(*remedy);
            } else {
                self.unknown(section_name, name, key.span());
            }
        }
    }

    fn with_table(
        &mut self,
        name: &str,
        value: &Spanned<DeValue<'_>>,
        read: impl FnOnce(&mut Self, &DeTable<'_>),
    ) {
        match value.get_ref() {
            DeValue::Table(table) => read(self, table),
            other => {
                self.places.mark_wrong(name);
                self.diagnostics
                    .error(value.span(), format!("`{name}` is {}", kind_of(other)))
                    .label("expected a section")
                    .help(format!("write [{name}] on a line of its own, and its options below"));
            }
        }
    }

    fn metrics(&mut self, table: &DeTable<'_>) {
        for (key, value) in table.iter() {
            let name = key.get_ref().as_ref();
            let full = join(METRICS, name);
            self.places.put(&full, key.span(), value);
            let known = self.draft.metrics.iter().position(|known| known.name() == name);
            match (value.get_ref(), known) {
                (DeValue::Boolean(false), Some(at)) => {
                    self.draft.metrics.remove(at);
                }
                (DeValue::Boolean(false), None) => self.nothing_to_drop(name, key.span()),
                (DeValue::Table(options), _) => self.metric(&full, name, known, options),
                (other, _) => {
                    self.diagnostics
                        .error(value.span(), format!("the metric `{name}` is {}", kind_of(other)))
                        .label(
                            "expected a table of options, or false to drop a metric of the preset",
                        )
                        .help(format!("write [metrics.{name}] and its options below"));
                }
            }
        }
    }

    fn metric(&mut self, full: &str, name: &str, known: Option<usize>, table: &DeTable<'_>) {
        let mut metric = match known.and_then(|at| self.draft.metrics.get(at)) {
            Some(metric) => metric.clone(),
            None => defaults::metric(name),
        };
        for (key, value) in table.iter() {
            let option_name = key.get_ref().as_ref();
            let full = join(full, option_name);
            self.places.put(&full, key.span(), value);
            match METRIC_OPTIONS.iter().find(|option| option.name == option_name) {
                Some(option) => {
                    if !option.form.read(&full, value, &mut metric, self.diagnostics) {
                        self.places.mark_wrong(&full);
                    }
                }
                None => {
                    let names: Vec<&str> =
                        METRIC_OPTIONS.iter().map(|option| option.name).collect();
                    self.unknown_among(&join(METRICS, name), option_name, &names, key.span());
                }
            }
        }
        match known.and_then(|at| self.draft.metrics.get_mut(at)) {
            Some(slot) => *slot = metric,
            None => self.draft.metrics.push(metric),
        }
    }

    /// A section `[sinks.NAME]`.
    fn follower(&mut self, full: &str, spec: &'static SinkSpec, table: &DeTable<'_>) {
        let mut draft = FollowerDraft::of(spec);
        let rows = followers::rows(spec);
        for (key, value) in table.iter() {
            let name = key.get_ref().as_ref();
            let option_full = join(full, name);
            self.places.put(&option_full, key.span(), value);
            if let Some(row) = rows.iter().find(|row| row.name == name) {
                if !row.form.read(&option_full, value, draft.slot(row.name), self.diagnostics) {
                    self.places.mark_wrong(&option_full);
                }
            } else {
                let names: Vec<&str> = rows.iter().map(|row| row.name).collect();
                self.unknown_among(full, name, &names, key.span());
            }
        }
        self.draft.live.followers.push(draft);
    }

    fn nothing_to_drop(&mut self, name: &str, span: Range<usize>) {
        let names: Vec<&str> = self.draft.metrics.iter().map(MetricDraft::name).collect();
        let near = nearest(name, names.iter().copied());
        let help = match names.is_empty() {
            true => "there is no preset with metrics to drop: leave the line out".into(),
            false => format!("the preset's metrics are {}", names.join(", ")),
        };
        let item = self.diagnostics.error(span, format!("no metric `{name}` to drop"));
        if let Some(near) = near {
            item.label(format!("did you mean `{near}`?"));
        }
        item.help(help);
    }

    fn unknown(&mut self, section: &str, name: &str, span: Range<usize>) {
        let followers: Vec<String> = followers::sections().collect();
        let followers = followers.iter().map(String::as_str);
        let inner = sections().map(|s| s.name).chain([METRICS]).chain(followers);
        let inner = inner.filter_map(|full| {
            let rest = match section.is_empty() {
                true => full,
                false => full.strip_prefix(section)?.strip_prefix('.')?,
            };
            (!rest.is_empty() && !rest.contains('.')).then_some(rest)
        });
        let own = options::section(section).map_or(&[][..], |section| section.options);
        let names: Vec<&str> = own.iter().map(|option| option.name).chain(inner).collect();
        self.unknown_among(section, name, &names, span);
    }

    fn unknown_among(&mut self, section: &str, name: &str, names: &[&str], span: Range<usize>) {
        let place = match section {
            "" => "at the top of the file".to_owned(),
            section => format!("in [{section}]"),
        };
        let elsewhere = sections().find(|section| section.options.iter().any(|o| o.name == name));
        let near = nearest(name, names.iter().copied());
        let item = self.diagnostics.error(span, format!("unknown option `{name}` {place}"));
        match (near, elsewhere) {
            (Some(near), _) => {
                item.label(format!("did you mean `{near}`?"));
            }
            (None, Some(Section { name: "", .. })) => {
                item.label("it belongs at the top of the file, before the first section");
            }
            (None, Some(section)) => {
                item.label(format!("it belongs in [{}]", section.name));
            }
            (None, None) => {}
        }
        item.help(format!("known {place}: {}", names.join(", ")));
    }
}

fn join(section: &str, name: &str) -> String {
    if section.is_empty() { name.into() } else { format!("{section}.{name}") }
}
