//! TOML to [`Draft`]: defaults, then the preset, then the file, all through the one table of options.
//!
//! Not here: whether options fit each other.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::{Diagnostics, nearest};
use super::draft::{Draft, MetricDraft};
use super::form::kind_of;
use super::options::{self, METRIC_OPTIONS, METRICS, Opt, SECTIONS, Section};
use super::presets;

/// Where each option, section and metric stands in the user's text: dotted name to the places of its key
/// and of its value.
#[derive(Debug, Default)]
pub(super) struct Places(BTreeMap<String, (Range<usize>, Range<usize>)>);

impl Places {
    /// Whether anything was read.
    pub(super) fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// Whether the user's text says it.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The value's place; else that of the nearest section around it; else the first byte.
    pub(super) fn value(&self, name: &str) -> Range<usize> {
        match self.0.get(name) {
            Some((_, value)) => value.clone(),
            None => self.key(name),
        }
    }

    /// The key's place; else that of the nearest section around it; else the first byte.
    pub(super) fn key(&self, name: &str) -> Range<usize> {
        let mut name = name;
        loop {
            if let Some((key, _)) = self.0.get(name) {
                return key.clone();
            }
            match name.rsplit_once('.') {
                Some((outer, _)) => name = outer,
                None => return 0..0,
            }
        }
    }
}

/// Reads a config text. What cannot be read is said in `diagnostics` and left at its default.
pub(super) fn read(text: &str, diagnostics: &mut Diagnostics) -> (Draft, Places) {
    let mut draft = Draft::default();
    for section in SECTIONS {
        set_defaults(section.options, &mut draft);
    }
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        diagnostics.error(span, format!("this is not TOML: {}", error.message()));
    }
    if !errors.is_empty() {
        // What a parser saved from a broken text would give errors that follow from the first.
        return (draft, Places::default());
    }
    let mut reader = Reader { draft, places: Places::default(), diagnostics };
    reader.preset(document.get_ref());
    reader.table("", document.get_ref());
    (reader.draft, reader.places)
}

/// Sets each option that has a default.
pub(super) fn set_defaults<T>(options: &[Opt<T>], target: &mut T) {
    let mut diagnostics = Diagnostics::new("defaults", "");
    for option in options.iter().filter(|option| !option.default.is_empty()) {
        if let Ok(value) = DeValue::parse(option.default) {
            option.form.read(option.name, &value, target, &mut diagnostics);
        }
    }
    debug_assert!(!diagnostics.has_errors(), "a default is wrong: {:?}", diagnostics.items());
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
            self.places.0.insert(full.clone(), (key.span(), value.span()));
            if let Some(option) = section.options.iter().find(|option| option.name == name) {
                option.form.read(&full, value, &mut self.draft, self.diagnostics);
            } else if full == METRICS {
                self.with_table(&full, value, |reader, table| reader.metrics(table));
            } else if options::section(&full).is_some() {
                self.with_table(&full, value, |reader, table| reader.table(&full, table));
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
            self.places.0.insert(full.clone(), (key.span(), value.span()));
            let known = self.draft.metrics.iter().position(|(known, _)| known == name);
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
            Some((_, metric)) => metric.clone(),
            None => {
                let mut metric = MetricDraft::default();
                set_defaults(METRIC_OPTIONS, &mut metric);
                metric
            }
        };
        for (key, value) in table.iter() {
            let option_name = key.get_ref().as_ref();
            let full = join(full, option_name);
            self.places.0.insert(full.clone(), (key.span(), value.span()));
            match METRIC_OPTIONS.iter().find(|option| option.name == option_name) {
                Some(option) => option.form.read(&full, value, &mut metric, self.diagnostics),
                None => {
                    let names: Vec<&str> =
                        METRIC_OPTIONS.iter().map(|option| option.name).collect();
                    self.unknown_among(&join(METRICS, name), option_name, &names, key.span());
                }
            }
        }
        match known.and_then(|at| self.draft.metrics.get_mut(at)) {
            Some((_, slot)) => *slot = metric,
            None => self.draft.metrics.push((name.into(), metric)),
        }
    }

    fn nothing_to_drop(&mut self, name: &str, span: Range<usize>) {
        let names: Vec<&str> = self.draft.metrics.iter().map(|(name, _)| name.as_str()).collect();
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
        let inner = SECTIONS.iter().map(|s| s.name).chain([METRICS]).filter_map(|full| {
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
        let elsewhere =
            SECTIONS.iter().find(|section| section.options.iter().any(|o| o.name == name));
        let near = nearest(name, names.iter().copied());
        let item = self.diagnostics.error(span, format!("unknown option `{name}` {place}"));
        match (near, elsewhere) {
            (Some(near), _) => {
                item.label(format!("did you mean `{near}`?"));
            }
            (None, Some(Section { name: "", .. })) => {
                item.label("it stands at the top of the file, before the first section");
            }
            (None, Some(section)) => {
                item.label(format!("it belongs in [{}]", section.name));
            }
            (None, None) => {}
        }
        item.help(format!("known here: {}", names.join(", ")));
    }
}

fn join(section: &str, name: &str) -> String {
    if section.is_empty() { name.into() } else { format!("{section}.{name}") }
}
