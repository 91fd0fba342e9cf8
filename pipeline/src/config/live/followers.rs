//! Sections `[sinks.NAME]`: one for each sink of the table that follows what is committed. Their options are
//! those that the table says.

use std::collections::BTreeMap;

use super::super::diagnostic::Diagnostics;
use super::super::external_text::{ExternalText, TextReader};
use super::super::form::Form;
use super::super::option::{Opt, opt, set_defaults};
use super::super::places::Places;
use crate::model::Secret;
use crate::model::live::{FollowerSettings, OptionValue};
use crate::sink::{self, Role, SinkSpec, Takes};

/// The section in which those of the sinks are.
const OUTER: &str = "sinks";

/// A section while it is read.
#[derive(Debug, Clone)]
pub(in crate::config) struct FollowerDraft {
    name: &'static str,
    options: BTreeMap<&'static str, Slot>,
}

/// The value of one option.
#[derive(Debug, Clone)]
pub(in crate::config) enum Slot {
    /// None was given.
    Empty,
    Text(ExternalText),
    Duration(i64),
    Whole(u64),
}

/// The sink whose section has this full name.
pub(in crate::config) fn of_section(full: &str) -> Option<&'static SinkSpec> {
    let name = full.strip_prefix(OUTER)?.strip_prefix('.')?;
    sink::following().find(|spec| spec.name == name)
}

/// Full names of all such sections.
pub(in crate::config) fn sections() -> impl Iterator<Item = String> {
    sink::following().map(|spec| format!("{OUTER}.{}", spec.name))
}

/// Whether what stands under this full name is not shown: an address may hold a token.
pub(in crate::config) fn is_hidden(full: &str) -> bool {
    let Some((section, name)) = full.rsplit_once('.') else { return false };
    let shown = |spec: &SinkSpec| {
        let option = spec.options.iter().find(|option| option.name == name);
        option.is_some_and(|o| matches!(o.takes, Takes::Duration(..) | Takes::Whole(..)))
    };
    of_section(section).is_some_and(|spec| !shown(spec))
}

/// The rows of a sink's options.
pub(in crate::config) fn rows(spec: &'static SinkSpec) -> Vec<Opt<Slot>> {
    let form = |takes| match takes {
        Takes::Text => Form::ExternalText(|slot, text| *slot = Slot::Text(text)),
        Takes::Secret => Form::Secret(|slot, text| *slot = Slot::Text(text)),
        Takes::Duration(min, max) => {
            Form::Duration(min, max, |slot, us| *slot = Slot::Duration(us))
        }
        Takes::Whole(min, max) => Form::Whole(min, max, |slot, n| *slot = Slot::Whole(n)),
    };
    let row = |option: &'static sink::SinkOption| {
        opt(option.name, form(option.takes), option.default, option.doc)
    };
    spec.options.iter().map(row).collect()
}

impl FollowerDraft {
    /// With the defaults of the table.
    pub(in crate::config) fn of(spec: &'static SinkSpec) -> Self {
        let value = |row: Opt<Slot>| {
            let mut slot = Slot::Empty;
            let name = row.name;
            set_defaults(&[row], &mut slot);
            (name, slot)
        };
        Self { name: spec.name, options: rows(spec).into_iter().map(value).collect() }
    }

    /// The place of an option's value.
    pub(in crate::config) fn slot(&mut self, name: &'static str) -> &mut Slot {
        self.options.entry(name).or_insert(Slot::Empty)
    }

    /// Reads what stands outside, and has the sink look at its settings. What is wrong is told.
    pub(super) fn resolve(
        &self,
        places: &Places,
        texts: &TextReader<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Option<FollowerSettings> {
        let section = format!("{OUTER}.{}", self.name);
        let spec = of_section(&section)?;
        let mut options = BTreeMap::new();
        let mut is_whole = texts.outside.is_some();
        for (name, slot) in &self.options {
            let full = format!("{section}.{name}");
            let value = match slot {
                Slot::Text(given) => {
                    texts.read(given, diagnostics).map(|text| OptionValue::Text(Secret::new(text)))
                }
                Slot::Duration(us) => Some(OptionValue::Duration(*us)),
                Slot::Whole(number) => Some(OptionValue::Whole(*number)),
                Slot::Empty => {
                    let is_required = spec.options.iter().any(|o| o.name == *name && o.is_required);
                    if !is_required {
                        continue;
                    }
                    if !places.is_wrong(&full) {
                        let message = format!("`{full}` is missing");
                        diagnostics
                            .error(places.key(&section), message)
                            .help(format!("add {name} = ... to [{section}]"));
                    }
                    None
                }
            };
            is_whole &= value.is_some();
            options.extend(value.map(|value| (*name, value)));
        }
        let settings = FollowerSettings { sink: self.name, options };
        if let (Role::Follower { make, .. }, true) = (&spec.role, is_whole)
            && let Err(why) = make(&settings)
        {
            diagnostics.error(places.key(&section), format!("[{section}]: {why}"));
        }
        Some(settings)
    }
}
